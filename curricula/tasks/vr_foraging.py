"""Foraging in virtual reality: a mouse runs along a corridor of patches and stops at odour sites for water.

Lengths in centimetres, speeds in centimetres per second, times in seconds, water as its names say.
"""

from typing import Annotated, Literal

from pydantic import Field

from curricula.tasks.base import Metric, Parameters, Task

Amount = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]


class VrForagingParameters(Parameters):
    """What stages are told apart by; a stage has those that its task logic takes, all else is the rig's."""

    task: Literal["vr_foraging"] = "vr_foraging"

    # Water: how often a site gives it, how much, and after which delay
    reward_probability: Fraction | None = None
    reward_amount_ul: Amount | None = None
    reward_delay_offset: Amount | None = None

    # What counts as a stop
    stop_velocity_threshold: Amount | None = None
    stop_duration_offset: Amount | None = None

    # Geometry: distances between patches are drawn, sites have a length
    inter_patch_mean: Amount | None = None
    inter_patch_min: Amount | None = None
    inter_patch_max: Amount | None = None
    reward_site_length: Amount | None = None

    # Odours: how many, and whether their water runs out
    n_odors: Annotated[int, Field(ge=1)] | None = None
    depletes: bool | None = None


def _column(name: str, unit: str, description: str) -> Metric:
    return Metric(name, (name,), unit, description, lowest=0, plausible=(0, 10_000))


TASK = Task(
    name="vr_foraging",
    curriculum_schema_name="VrForagingCurriculum",
    parameters={"1.0": VrForagingParameters},
    metrics=(
        _column("total_water_consumed", "mL", "Water that the mouse drank."),
        _column("n_patches_visited", "patches", "Patches at which the mouse stopped."),
        _column("n_patches_seen", "patches", "Patches that the mouse passed."),
        Metric(
            "visit_ratio",
            (),
            "1",
            "Share of the patches that the mouse stopped at.",
            lowest=0,
            plausible=(0, 1),
            formula="n_patches_visited / n_patches_seen",
        ),
        _column("last_stop_threshold_updater", "cm/s", "Speed that counted as a stop at the end."),
        _column("last_stop_velocity_threshold_updater", "cm/s", "Speed that counted as a stop at the end."),
        _column("last_stop_duration_offset_updater", "s", "Time that a stop took at the end of the session."),
        _column("last_reward_delay_offset_updater", "s", "Delay of the water at the end of the session."),
        _column("last_n_neg_sites_per_pair", "sites", "Unrewarded sites per pair at the end of the session."),
        _column("last_reward_amount", "uL", "Water per reward at the end of the session."),
        _column("n_reward_sites_traveled", "sites", "Sites that the mouse passed."),
        _column("n_choices", "choices", "Sites at which the mouse stopped."),
        _column("patch_0", "patches", "Visited patches of the first odour."),
        _column("patch_1", "patches", "Visited patches of the second odour."),
        Metric(
            "n_patches",
            (),
            "patches",
            "Visited patches of both odours.",
            lowest=0,
            plausible=(0, 10_000),
            formula="patch_0 + patch_1",
        ),
        _column("last_reward_site_length", "cm", "Length of a site at the end of the session."),
    ),
)
