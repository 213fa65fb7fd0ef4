"""How mice of any task learn: their values move from where rules keep a mouse to where rules move it on."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curricula.compile import formula_of, looks_at
from curricula.conditions import Comparison, Measure, comparisons
from curricula.expressions import Arithmetic, Choice, Expression, Number, Value, measures, parts, values
from curricula.schema import Curriculum, Decision
from curricula.tasks import Metric

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Learned:
    """A column of df_behavior that a curriculum looks at: what it is of a naive mouse, and of a trained one.

    Where `share_of` names another metric, these are shares of its value.
    """

    metric: str
    column: str
    naive: float
    trained: float
    lowest: float
    highest: float
    is_whole: bool
    share_of: str = ""

    def draw(self, random: np.random.Generator, skill: Floats, drawn: dict[str, Floats]) -> Floats:
        """Its value of a session of mice with this skill, mostly 0 to 1, shape (mice,); `drawn` has those before it."""
        expected = self.naive + (self.trained - self.naive) * skill
        value = (expected * random.normal(1, 0.15, len(skill))).clip(self.lowest, self.highest)
        if self.share_of:
            value *= drawn[self.share_of]
        return np.round(value, 0 if self.is_whole else 3)


class Learning:
    """The values of the sessions of one curriculum.

    Attributes:
        columns: what it looks at, without the metrics that are computed of others.
    """

    def __init__(self, curriculum: Curriculum) -> None:
        task = curriculum.task_definition
        metrics = {metric.name: metric for metric in task.metrics}
        self.derived = {name: formula_of(metric, task) for name, metric in metrics.items() if metric.formula}
        ends = {name: found for name in [*looks_at(curriculum), *self.derived] if (found := _ends(curriculum, name))}
        self.columns: list[Learned] = []
        # first what something is compared with, last what may be a share of another
        for name in sorted(looks_at(curriculum), key=lambda name: (name not in ends, any(self._shares(name)))):
            metric, there = metrics.get(name), {of.metric for of in self.columns}
            shares = (of for of in self._shares(name) if of[0] in ends and of[1] in there and name not in ends)
            share, whole = next(shares, ("", ""))
            beside = [[of.metric for of in measures(formula)] for formula in self.derived.values()]
            alike = (ends[of] for parts_of in beside if name in parts_of for of in parts_of if of in ends)
            naive, trained = ends.get(share or name) or next(alike, (0.0, 100.0))
            lowest, highest = _limits(metrics[share] if share else metric)
            column = metric.columns[0] if metric else name
            is_whole = max(abs(end) for end in ends.get(whole, (naive, trained))) >= 20
            self.columns.append(Learned(name, column, naive, trained, lowest, highest, is_whole, whole))

    def _shares(self, name: str) -> Iterator[tuple[str, str]]:
        """The derived metrics that divide this one by another, and that other one."""
        for share, formula in self.derived.items():
            if isinstance(formula, Arithmetic) and formula.operator == "/":
                part, whole = formula.left, formula.right
                if isinstance(part, Value) and isinstance(whole, Value) and part.measure.metric == name:
                    yield share, whole.measure.metric

    def all_metrics(self, drawn: dict[str, Floats]) -> dict[str, Floats]:
        """The drawn values and those that are computed of them."""

        def value(measure: Measure) -> Floats:
            return drawn[measure.metric]

        known = {name: of for name, of in self.derived.items() if all(m.metric in drawn for m in measures(of))}
        return drawn | {name: values(formula, value) for name, formula in known.items()}


def _limits(metric: Metric | None) -> tuple[float, float]:
    low, high = (metric.lowest, metric.highest) if metric else (None, None)
    return -math.inf if low is None else low, math.inf if high is None else high


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
