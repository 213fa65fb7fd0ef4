"""What a task is: the parameters its rigs take and the metrics its sessions give."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from pydantic import BaseModel, ConfigDict


class Parameters(BaseModel):
    """What every task's parameters have; a task adds its own fields, in the order its rigs show them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: str


@dataclass(frozen=True)
class NumberField:
    """What values a numeric parameter takes: those from lowest to highest, but for the limits that it excludes."""

    is_whole: bool
    lowest: float
    highest: float
    excluded: tuple[float, ...] = ()

    def takes(self, value: float) -> bool:
        return self.lowest <= value <= self.highest and value not in self.excluded

    def __str__(self) -> str:
        limits = f"{self.lowest:g} to {self.highest:g}"
        return f"{limits}, without {' and '.join(f'{of:g}' for of in self.excluded)}" if self.excluded else limits


@cache
def number_fields(model: type[Parameters]) -> Mapping[str, NumberField]:
    """The numeric parameters of a model, with the limits that it sets."""
    found = {}
    for name, schema in model.model_json_schema()["properties"].items():
        # a parameter that a stage may lack is a number or null
        for kind in schema.get("anyOf", [schema]):
            if kind.get("type") in ("integer", "number"):
                lowest = kind.get("minimum", kind.get("exclusiveMinimum", -math.inf))
                highest = kind.get("maximum", kind.get("exclusiveMaximum", math.inf))
                excluded = tuple(kind[of] for of in ("exclusiveMinimum", "exclusiveMaximum") if of in kind)
                found[name] = NumberField(kind["type"] == "integer", lowest, highest, excluded)
    return found


@dataclass(frozen=True)
class Metric:
    """One number per session that conditions may look at.

    Attributes:
        name: as conditions and models name it.
        columns: columns of df_behavior that carry it; the first that exists is taken. Empty for one with a formula.
        unit: of the value.
        lowest, highest: the values that can occur; None where there is no limit.
        plausible: the values that a threshold should lie between.
        description: what it measures.
        formula: of a derived metric, over other metrics and columns of the same session, such as ``rewards / trials``.
    """

    name: str
    columns: tuple[str, ...]
    unit: str
    description: str
    lowest: float | None = None
    highest: float | None = None
    plausible: tuple[float, float] = (-math.inf, math.inf)
    formula: str = ""


@dataclass(frozen=True)
class Task:
    """A behavioural task that curricula can be written for.

    Attributes:
        name: as curricula name it, e.g. ``dynamic_foraging``.
        curriculum_schema_name: as the rigs' curriculum JSON names the class of its curricula.
        parameters: the parameters' model for each curriculum schema version.
        metrics: what conditions may look at.
        stages: label of each stage by its name, in the order of training, where the rigs know no others; the last is an
            end, to which rules may lead though a curriculum gives it no parameters. None: curricula name their own.
    """

    name: str
    curriculum_schema_name: str
    parameters: Mapping[str, type[Parameters]]
    metrics: tuple[Metric, ...]
    stages: Mapping[str, str] | None = None

    @property
    def end(self) -> str | None:
        """The end of a task that fixes its stages."""
        return list(self.stages)[-1] if self.stages else None

    @property
    def names(self) -> list[str]:
        """The metrics that conditions and policies may look at."""
        return [metric.name for metric in self.metrics]
