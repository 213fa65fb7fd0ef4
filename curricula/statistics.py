"""The statistics of the condition language, each in one place: its words, its values, its SQL, the rigs' own text.

Adding one: a line in `STATISTICS`, and its definition in the tests' reference.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Statistic:
    """What conditions make of the newest sessions' values of a metric.

    Attributes:
        name: as conditions call it.
        words: for people, with {metric} and {window}.
        values: from a window of shape (sessions, mice), oldest first, to shape (mice,); one NaN makes the result NaN.
        sql: from a metric's column and the window to an expression over `history`, the subject's sessions in order.
        code: the expression over the rigs' `metrics`, with {metric} and {window}, and {comparison} where it takes one.
        has_window: whether its author says how many sessions it takes; else it takes the newest one.
        takes_comparison: whether it looks at a comparison of the metric, such as ``finished_trials >= 200``: 1 where it
            holds, 0 where it does not or the metric is missing, so that the result is never missing.
        domain: from the lowest and highest value of what it looks at and the window to those of the result.
    """

    name: str
    words: str
    values: Callable[[Floats], Floats]
    sql: Callable[[str, int], str]
    code: str
    has_window: bool = True
    takes_comparison: bool = False
    domain: Callable[[float, float, int], tuple[float, float]] = lambda low, high, _: (low, high)

    def __str__(self) -> str:
        return self.name

    def code_of(self, operator: str = "", threshold: str = "") -> str:
        """The code for a comparison; in Python a missing value is unequal to every number, but no distance from it."""
        newest = "np.array({metric}[-{window}:])"
        if operator == "!=":
            return self.code.replace(f"{newest} {{comparison}}", f"np.abs({newest} - {threshold}) > 0")
        return self.code.replace("{comparison}", f"{operator} {threshold}")

    def call(self, metric: str, window: int | str) -> str:
        """As conditions write it, e.g. ``mean(foraging_efficiency, 5)``."""
        return f"{self.name}({metric}, {window})" if self.has_window else f"{self.name}({metric})"

    def column(self, metric: str, window: int) -> str:
        """The column that carries it in the models, e.g. ``foraging_efficiency__mean_5``."""
        return f"{metric}__{self.name}_{window}" if self.has_window else f"{metric}__{self.name}"


def _newest(window: int) -> str:
    return f"over (history rows {window - 1} preceding)"


def _sum(window: Floats) -> Floats:
    total = np.zeros(window.shape[1:])
    for values in window:  # oldest first: another order differs in the last bit
        total = total + values
    return total


def _sum_in_sql(metric: str, window: int) -> str:
    # what is not there yet counts as 0; a missing value makes the sum missing
    earlier = "".join(f"lag({metric}, {back}, 0.0) over history + " for back in range(window - 1, 0, -1))
    return f"({earlier}{metric})"


def _mean(window: Floats) -> Floats:
    mean: Floats = _sum(window) / len(window)
    return mean


def _mean_in_sql(metric: str, window: int) -> str:
    # what is not there yet is not counted
    return f"{_sum_in_sql(metric, window)} / least({window}, row_number() over history)"


def _median(window: Floats) -> Floats:
    in_order, middle = np.sort(window, axis=0), len(window) // 2
    odd = len(window) % 2 == 1
    median: Floats = in_order[middle] if odd else (in_order[middle - 1] + in_order[middle]) / 2
    return np.where(np.isnan(window).any(axis=0), np.nan, median)


def _median_in_sql(metric: str, window: int) -> str:
    # DuckDB's own median interpolates, which differs in the last bit
    rows = _newest(window)
    values, count = f"list_sort(list({metric}) {rows})", f"least({window}, row_number() over history)"
    middle = f"({values}[(({count}) + 1) // 2] + {values}[({count}) // 2 + 1]) / 2"
    return f"case when count({metric}) {rows} = {count} then {middle} end"


def _sums_lie_within(low: float, high: float, window: int) -> tuple[float, float]:
    return min(low, window * low), max(high, window * high)  # there may be fewer sessions than the window has


def _of_values_in_sql(function: str) -> Callable[[str, int], str]:
    def sql(metric: str, window: int) -> str:
        rows = _newest(window)
        is_complete = f"count({metric}) {rows} = least({window}, row_number() over history)"
        return f"case when {is_complete} then {function}({metric}) {rows} end"

    return sql


STATISTICS = {
    statistic.name: statistic
    for statistic in (
        Statistic(
            "last", "{metric}", lambda window: window[-1], lambda metric, _: metric, "{metric}[-1]", has_window=False
        ),
        Statistic(
            "mean", "mean {metric} of the last {window} sessions", _mean, _mean_in_sql, "np.mean({metric}[-{window}:])"
        ),
        Statistic(
            "min",
            "lowest {metric} of the last {window} sessions",
            lambda window: np.min(window, axis=0),
            _of_values_in_sql("min"),
            "np.min({metric}[-{window}:])",
        ),
        Statistic(
            "max",
            "highest {metric} of the last {window} sessions",
            lambda window: np.max(window, axis=0),
            _of_values_in_sql("max"),
            "np.max({metric}[-{window}:])",
        ),
        Statistic(
            "median",
            "median {metric} of the last {window} sessions",
            _median,
            _median_in_sql,
            "np.median({metric}[-{window}:])",
        ),
        Statistic(
            "sum",
            "sum of {metric} over the last {window} sessions",
            _sum,
            _sum_in_sql,
            "np.sum({metric}[-{window}:])",
            domain=_sums_lie_within,
        ),
        # a count is the sum of a comparison, which is 1 or 0
        Statistic(
            "count",
            "sessions with {metric} (of the last {window})",
            _sum,
            _sum_in_sql,
            "np.sum(np.array({metric}[-{window}:]) {comparison})",
            takes_comparison=True,
            domain=lambda *of: (0.0, float(of[2])),
        ),
    )
}
