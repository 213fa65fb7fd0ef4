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
        code: the expression over the rigs' `metrics`, with {metric} and {window}.
        has_window: whether its author says how many sessions it takes; else it takes the newest one.
    """

    name: str
    words: str
    values: Callable[[Floats], Floats]
    sql: Callable[[str, int], str]
    code: str
    has_window: bool = True

    def __str__(self) -> str:
        return self.name

    def call(self, metric: str, window: int | str) -> str:
        """As conditions write it, e.g. ``mean(foraging_efficiency, 5)``."""
        return f"{self.name}({metric}, {window})" if self.has_window else f"{self.name}({metric})"

    def column(self, metric: str, window: int) -> str:
        """The column that carries it in the models, e.g. ``foraging_efficiency__mean_5``."""
        return f"{metric}__{self.name}_{window}" if self.has_window else f"{metric}__{self.name}"


def _mean(window: Floats) -> Floats:
    total = np.zeros(window.shape[1:])
    for values in window:  # oldest first: another order differs in the last bit
        total = total + values
    mean: Floats = total / len(window)
    return mean


def _mean_in_sql(metric: str, window: int) -> str:
    # what is not there yet counts as 0 and is not counted; a missing value makes the sum missing
    earlier = "".join(f"lag({metric}, {back}, 0.0) over history + " for back in range(window - 1, 0, -1))
    return f"({earlier}{metric}) / least({window}, row_number() over history)"


def _of_values_in_sql(function: str) -> Callable[[str, int], str]:
    def sql(metric: str, window: int) -> str:
        rows = f"over (history rows {window - 1} preceding)"
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
    )
}
