"""Choice World of the International Brain Laboratory: a mouse turns a wheel to bring a grating to the centre.

Stages are statuses: what a rig runs follows from the status and the mouse, so parameters are few. Psychometric metrics
are fits over the newest three sessions, which each session carries.
"""

from typing import Literal

from curricula.tasks.base import Metric, Parameters, Task


class ChoiceWorldParameters(Parameters):
    """Which protocol a rig runs."""

    task: Literal["choice_world"] = "choice_world"
    protocol: Literal["trainingChoiceWorld", "biasedChoiceWorld", "ephysChoiceWorld", "none"]


TASK = Task(
    name="choice_world",
    curriculum_schema_name="ChoiceWorldCurriculum",
    parameters={"1.0": ChoiceWorldParameters},
    metrics=(
        Metric("n_trials", ("n_trials",), "trials", "Trials of the session.", lowest=0, plausible=(0, 3000)),
        Metric(
            "perf_easy", ("perf_easy",), "1", "Share of correct choices at easy contrasts.", lowest=0, highest=1,
            plausible=(0, 1),
        ),
        Metric("psych_bias", ("psych_bias",), "% contrast", "Bias of the psychometric curve.", plausible=(-100, 100)),
        Metric(
            "psych_threshold", ("psych_threshold",), "% contrast", "Threshold of the psychometric curve.",
            plausible=(0, 100),
        ),
        Metric("psych_lapse_low", ("psych_lapse_low",), "1", "Lapses to the left.", plausible=(0, 1)),
        Metric("psych_lapse_high", ("psych_lapse_high",), "1", "Lapses to the right.", plausible=(0, 1)),
        Metric("bias_shift", ("bias_shift",), "% contrast", "Shift of the bias between blocks.", plausible=(-100, 100)),
        Metric("block_lapse", ("block_lapse",), "1", "Highest lapse rate of the blocks.", plausible=(0, 1)),
        Metric("median_rt", ("median_rt",), "s", "Median reaction time.", plausible=(0, 60)),
        Metric(
            "has_zero_contrast", ("has_zero_contrast",), "1", "1 where there were trials of zero contrast, else 0.",
            lowest=0, highest=1, plausible=(0, 1),
        ),
    ),
)  # fmt: skip
