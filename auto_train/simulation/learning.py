"""How mice of any task learn: their values move from where rules keep a mouse to where rules move it on."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curricula.compile import formula_of, looks_at
from curricula.conditions import Comparison, Measure, comparisons
from curricula.expressions import Choice, Expression, Number, measures, parts, values
from curricula.schema import Curriculum, Decision

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Learned:
    """A column of df_behavior that a curriculum looks at: what it is of a naive mouse, and of a trained one."""

    metric: str
    column: str
    naive: float
    trained: float
    lowest: float
    highest: float
    is_whole: bool

    def draw(self, random: np.random.Generator, skill: Floats) -> Floats:
        """Its value of a session of mice with this skill, mostly 0 to 1, shape (mice,)."""
        spread = 0.15 * abs(self.trained - self.naive)
        drawn = self.naive + (self.trained - self.naive) * skill + random.normal(0, spread, len(skill))
        return np.round(drawn, 0 if self.is_whole else 3).clip(self.lowest, self.highest)


class Learning:
    """The values of the sessions of one curriculum.

    Attributes:
        columns: what it looks at, without the metrics that are computed of others.
    """

    def __init__(self, curriculum: Curriculum) -> None:
        task = curriculum.task_definition
        metrics = {metric.name: metric for metric in task.metrics}
        self.derived = {name: formula_of(metric, task) for name, metric in metrics.items() if metric.formula}
        operands = [[of.metric for of in measures(formula)] for formula in self.derived.values()]
        ends = {name: found for name in looks_at(curriculum) if (found := _ends(curriculum, name))}
        self.columns = []
        for name in looks_at(curriculum):
            # parts of one formula are of one kind
            beside = [ends[of] for parts_of in operands if name in parts_of for of in parts_of if of in ends]
            naive, trained = ends.get(name) or next(iter(beside), (0.0, 100.0))
            metric = metrics.get(name)
            lowest = -math.inf if metric is None or metric.lowest is None else metric.lowest
            highest = math.inf if metric is None or metric.highest is None else metric.highest
            column = metric.columns[0] if metric else name
            is_whole = max(abs(naive), abs(trained)) >= 20
            self.columns.append(Learned(name, column, naive, trained, lowest, highest, is_whole))

    def all_metrics(self, drawn: dict[str, Floats]) -> dict[str, Floats]:
        """The drawn values and those that are computed of them."""

        def value(measure: Measure) -> Floats:
            return drawn[measure.metric]

        known = {name: of for name, of in self.derived.items() if all(m.metric in drawn for m in measures(of))}
        return drawn | {name: values(formula, value) for name, formula in known.items()}


def _ends(curriculum: Curriculum, metric: str) -> tuple[float, float] | None:
    """What a metric is before and after training; None where nothing is compared with it."""
    task = curriculum.task_definition
    compared: list[Comparison] = []
    numbers: list[float] = []
    for stage in curriculum.stages.values():
        for rule in stage.rules:
            if rule.decision is Decision.PROGRESS:
                compared += [of for of in comparisons(rule.parsed(task)) if of.measure.metric == metric]
        for policy in stage.parsed_policies(task).values():
            if metric in (measure.metric for measure in measures(policy)):
                numbers += _numbers(policy)
    lower = [threshold for operator, threshold in map(_direct, compared) if operator in (">", ">=", "==")]
    upper = [threshold for operator, threshold in map(_direct, compared) if operator in ("<", "<=", "==")]
    if lower and upper and max(lower) <= min(upper):
        low, high = max(lower), min(upper)
        return high + max(high - low, abs(high), 1.0), (low + high) / 2
    if lower:
        return max(lower) - 0.8 * abs(max(lower)), max(lower) + 0.3 * abs(max(lower))
    if upper:
        return min(upper) + abs(min(upper)), min(upper) - 0.3 * abs(min(upper))
    return (min(numbers), max(numbers)) if numbers else None


def _direct(of: Comparison) -> tuple[str, float]:
    """The comparison of the metric itself: that of a count is what it counts."""
    counted = of.measure
    return (counted.operator, counted.threshold) if counted.operator else (of.operator, of.threshold)


def _numbers(of: Expression) -> Iterator[float]:
    """The numbers of an expression, those that its conditions compare with too."""
    if isinstance(of, Number):
        yield of.value
    if isinstance(of, Choice):
        yield from (found.threshold for found in comparisons(of.condition))
    for part in parts(of):
        yield from _numbers(part)
