"""The condition language of transition rules: text -> typed comparisons. Nothing is ever executed.

    last(finished_trials) >= 200 and mean(foraging_efficiency, 5) >= 0.7

A condition is a boolean combination (``and``, ``or``, ``not``, parentheses) of comparisons (``< <= > >= == !=``) of a
measure with a number. A measure is one of `STATISTICS`, such as ``last(metric)``, ``mean(metric, window in sessions)``
or ``count(metric >= 200, window)``, ``session_total`` (the session number) or ``session_at_current_stage``. A
comparison with a missing value does not hold, and neither does its negation: ``not (last(metric) >= 200)`` is
``last(metric) < 200``.
"""

import ast
import math
import re
import warnings
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from itertools import product
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from curricula.errors import closest
from curricula.statistics import STATISTICS, Floats, Statistic

T = TypeVar("T")

COUNTERS = ("session_total", "session_at_current_stage")
OPERATORS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
NEGATED = {
    "<": ">=", ">=": "<", ">": "<=", "<=": ">", "==": "!=", "!=": "==", "missing": "present", "present": "missing",
}  # fmt: skip
"""The comparison that holds where another one does not, of values that are not missing."""
COMPARED: dict[str, Callable[[Floats, float], NDArray[np.bool_]]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": lambda values, threshold: (values != threshold) & ~np.isnan(values),
}
MAX_TEXT = 2_000
MAX_WINDOW = 100
MAX_CLAUSES = 256


SPELLED = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq", "!=": "ne"}


def number_text(number: float) -> str:
    """A number as people write it: ``200``, ``0.5``."""
    return repr(number).removesuffix(".0")


def sql_number(number: float) -> str:
    """A number as a double in SQL; without the exponent DuckDB makes a decimal of it."""
    text = repr(float(number))
    return text if "e" in text else f"{text}e0"


class ConditionError(ValueError):
    """A condition text that is not of the language.

    Attributes:
        column: 1-based column of the text at which the problem starts.
    """

    def __init__(self, text: str, column: int, problem: str, allowed: str) -> None:
        self.column = column
        super().__init__(f"column {column} of {text!r}: {problem}; allowed here: {allowed}")


@dataclass(frozen=True, order=True)
class Measure:
    """What a comparison looks at: a statistic of a metric over the newest sessions, or a counter of sessions.

    Attributes:
        statistic: one of `STATISTICS`, or one of `COUNTERS`.
        metric: name of the task's metric; empty for a counter.
        window: number of newest sessions taken; 1 for ``last``, 0 for a counter.
        operator, threshold: the comparison that a statistic such as ``count`` looks at; no operator for others.
    """

    statistic: str
    metric: str = ""
    window: int = 0
    operator: str = ""
    threshold: float = 0.0

    @property
    def name(self) -> str:
        """Column that carries the measure in the models, e.g. ``finished_trials__mean_5``."""
        if not self.metric:
            return self.statistic
        name = STATISTICS[self.statistic].column(self.metric, self.window)
        if not self.operator:
            return name
        number = number_text(self.threshold).replace(".", "p").replace("-", "m").replace("+", "")
        start, window = name.rsplit("_", 1)
        return f"{start}_{SPELLED[self.operator]}_{number}_{window}"

    @property
    def looks_at(self) -> str:
        """The metric, or its comparison."""
        return f"{self.metric} {self.operator} {number_text(self.threshold)}" if self.operator else self.metric

    def __str__(self) -> str:
        return STATISTICS[self.statistic].call(self.looks_at, self.window) if self.metric else self.statistic

    @property
    def may_be_missing(self) -> bool:
        """Whether a session can lack it: a counter or a count is always there."""
        return bool(self.metric) and not self.operator

    @property
    def is_whole(self) -> bool:
        """Whether it counts sessions."""
        return not self.may_be_missing

    @property
    def sql(self) -> str:
        """The expression over `history`; see `Statistic.sql`."""
        of = self.metric
        if self.operator:
            sign = {"==": "=", "!=": "<>"}.get(self.operator, self.operator)
            of = f"(case when {self.metric} {sign} {sql_number(self.threshold)} then 1.0 else 0.0 end)"
        return STATISTICS[self.statistic].sql(of, self.window)

    def values(self, window: Floats) -> Floats:
        """Its values from those of the metric, shape (sessions, mice), oldest first."""
        if self.operator:
            window = COMPARED[self.operator](window, self.threshold).astype(np.float64)
        return STATISTICS[self.statistic].values(window)


@dataclass(frozen=True)
class Interval:
    """The closed interval [lower, upper] of double values in which a measure satisfies its comparisons."""

    lower: float = -math.inf
    upper: float = math.inf

    def __and__(self, other: "Interval") -> "Interval":
        return Interval(max(self.lower, other.lower), min(self.upper, other.upper))

    @property
    def empty(self) -> bool:
        return self.lower > self.upper


Clause = Mapping[Measure, Interval]
"""A conjunction: every measure must lie in its interval."""


@dataclass(frozen=True)
class Comparison:
    """One comparison of a measure with a number; in policies also whether it is ``missing`` or ``present``."""

    measure: Measure
    operator: str
    threshold: float = 0.0

    def __str__(self) -> str:
        if self.operator in ("missing", "present"):
            return f"{'not ' if self.operator == 'present' else ''}missing({self.measure})"
        return f"{self.measure} {self.operator} {number_text(self.threshold)}"

    def intervals(self) -> list[Interval]:
        """The intervals of doubles for which the comparison holds; a strict bound is the neighbouring double."""
        below = Interval(upper=math.nextafter(self.threshold, -math.inf))
        above = Interval(lower=math.nextafter(self.threshold, math.inf))
        return {
            "<": [below],
            "<=": [Interval(upper=self.threshold)],
            ">": [above],
            ">=": [Interval(lower=self.threshold)],
            "==": [Interval(self.threshold, self.threshold)],
            "!=": [below, above],
            "present": [Interval()],
        }[self.operator]


@dataclass(frozen=True)
class Combination:
    """``and`` or ``or`` of two or more conditions."""

    operator: str
    parts: "tuple[Condition, ...]"

    def __str__(self) -> str:
        texts = (
            f"({part})" if isinstance(part, Combination) and part.operator != self.operator else str(part)
            for part in self.parts
        )
        return f" {self.operator} ".join(texts)


Condition = Comparison | Combination


def alternatives(condition: Condition) -> list[list[Comparison]]:
    """The condition as alternatives, each a list of comparisons that must all hold, as their author wrote them."""
    if isinstance(condition, Comparison):
        return [[condition]]
    parts = [alternatives(part) for part in condition.parts]
    if condition.operator == "or":
        return [alternative for part in parts for alternative in part]
    return [[of for alternative in chosen for of in alternative] for chosen in product(*parts)]


def comparisons(condition: Condition) -> list[Comparison]:
    """All comparisons of a condition, from left to right."""
    if isinstance(condition, Comparison):
        return [condition]
    return [found for part in condition.parts for found in comparisons(part)]


def holds(condition: Condition, value: Callable[[Measure], NDArray[np.float64]]) -> NDArray[np.bool_]:
    """Whether the condition holds, for many sessions at once.

    Args:
        condition: a parsed condition.
        value: gives a measure's value for every session, shape (sessions,); NaN where it is missing.
    """
    if isinstance(condition, Combination):
        join = np.logical_and if condition.operator == "and" else np.logical_or
        return reduce(join, (holds(part, value) for part in condition.parts))
    values = value(condition.measure)
    if condition.operator == "missing":
        return np.isnan(values)
    inside = ((interval.lower <= values) & (values <= interval.upper) for interval in condition.intervals())
    return reduce(np.logical_or, inside)


def negated(condition: Condition) -> Condition:
    """What holds where a condition does not, unless it looks at a missing value: then neither holds."""
    if isinstance(condition, Comparison):
        return Comparison(condition.measure, NEGATED[condition.operator], condition.threshold)
    return Combination("or" if condition.operator == "and" else "and", tuple(map(negated, condition.parts)))


def parse(text: str, metrics: Collection[str]) -> Condition:
    """Parse a condition text.

    Args:
        text: the condition, e.g. ``last(finished_trials) >= 200``.
        metrics: names of the metrics that the task offers.

    Raises:
        ConditionError: the text is not of the language; names the column and what is allowed there.
    """
    return read(text, lambda tree, indent: Reader(text, indent, metrics).condition(tree), "condition", _LANGUAGE)


def read(text: str, reader: Callable[[ast.expr, int], T], what: str, language: str) -> T:
    """Read a text through its syntax tree.

    Args:
        text: the text.
        reader: makes what is wanted of the tree and of the number of blanks before it.
        what: the text is, for errors.
        language: what is allowed, for errors.

    Raises:
        ConditionError: the text is not of the language; names the column and what is allowed there.
    """
    if len(text) > MAX_TEXT:
        raise ConditionError(text[:40] + "…", MAX_TEXT, f"the {what} is too long", f"{MAX_TEXT} characters")
    if re.match(r"\s*lambda\b", text):
        allowed = f"{language}; `auto-train curricula import` takes over files with Python conditions"
        raise ConditionError(text, len(text) - len(text.lstrip()) + 1, "Python code is not read here", allowed)
    if "#" in text:  # the parser would drop the rest as a comment
        raise ConditionError(text, text.index("#") + 1, "'#' is not of the language", language)
    source = "".join(" " if character.isspace() else character for character in text)
    indent = len(source) - len(source.lstrip())
    try:
        tree = syntax_tree(source.strip())
    except SyntaxError as error:
        end = len(source.strip()) + 1
        column = min(error.offset or end, end) + indent
        raise ConditionError(text, column, f"this is not {article(what)}", language) from None
    except (ValueError, RecursionError, MemoryError):
        raise ConditionError(text, 1, f"this is not {article(what)}", language) from None
    try:
        return reader(tree, indent)
    except RecursionError:
        raise ConditionError(text[:40] + "…", 1, f"the {what} is nested too deep", language) from None


def article(what: str) -> str:
    """E.g. ``an expression``."""
    return f"an {what}" if what[0] in "aeiou" else f"a {what}"


def syntax_tree(source: str) -> ast.expr:
    """The syntax tree of an expression; what Python would warn of says nothing to authors of conditions."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source, mode="eval").body


_LANGUAGE = (
    "comparisons such as 'last(metric) >= 200' or 'mean(metric, 5) < 0.6', joined by 'and', 'or', 'not' and parentheses"
)


def usage(statistic: Statistic, metric: str = "metric", window: str = "window") -> str:
    """How to write a statistic, e.g. ``mean(metric, window)``."""
    return statistic.call(f"{metric} >= number" if statistic.takes_comparison else metric, window)


def _same(part: Condition, operator: str) -> tuple[Condition, ...]:
    """The parts of a nested combination of the same operator, whose parentheses mean nothing."""
    return part.parts if isinstance(part, Combination) and part.operator == operator else (part,)


class Reader:
    """Turns the syntax tree into conditions; every node that is not of the language is an error with its column."""

    def __init__(self, text: str, indent: int, metrics: Collection[str]) -> None:
        self.text, self.indent, self.metrics = text, indent, sorted(metrics)

    def error(self, node: ast.expr, problem: str, allowed: str) -> ConditionError:
        before = self.text[self.indent :].encode()[: node.col_offset].decode()  # the parser counts bytes
        return ConditionError(self.text, self.indent + len(before) + 1, problem, allowed)

    def condition(self, node: ast.expr) -> Condition:
        if isinstance(node, ast.BoolOp):
            operator = "and" if isinstance(node.op, ast.And) else "or"
            parts = [self.condition(value) for value in node.values]
            return Combination(operator, tuple(flat for part in parts for flat in _same(part, operator)))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return negated(self.condition(node.operand))
        if isinstance(node, ast.Compare):
            return self.comparison(node)
        raise self.error(node, f"{ast.unparse(node)!r} is not a comparison", _LANGUAGE)

    def comparison(self, node: ast.Compare) -> Comparison:
        operator = self.operator(node)
        return Comparison(self.measure(node.left), operator, self.number(node.comparators[0]))

    def operator(self, node: ast.Compare) -> str:
        if len(node.ops) > 1:
            raise self.error(node.comparators[1], "a second comparison in a row", "'and', 'or' or the end")
        operator = OPERATORS.get(type(node.ops[0]))
        if operator is None:
            raise self.error(node, "unknown comparison", " ".join(OPERATORS.values()))
        return operator

    def measure(self, node: ast.expr) -> Measure:
        if isinstance(node, ast.Name):
            if node.id in COUNTERS:
                return Measure(node.id)
            if node.id in self.metrics:
                raise self.error(node, f"{node.id!r} needs a statistic", f"last({node.id}) or mean({node.id}, 5)")
            raise self.error(
                node, f"unknown name {node.id!r}{closest(node.id, [*self.metrics, *COUNTERS])}", self.measures_allowed
            )
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords):
            raise self.error(node, f"{ast.unparse(node)!r} is not a measure", self.measures_allowed)
        statistic = STATISTICS.get(node.func.id)
        if statistic is None:
            raise self.error(
                node, f"unknown statistic {node.func.id!r}{closest(node.func.id, STATISTICS)}", " ".join(STATISTICS)
            )
        if len(node.args) != (2 if statistic.has_window else 1):
            problem = f"{statistic.name!r} with {len(node.args)} argument(s)"
            raise self.error(node, problem, usage(statistic))
        metric, compared = node.args[0], ("", 0.0)
        if isinstance(metric, ast.Compare) and statistic.takes_comparison:
            compared = self.operator(metric), self.number(metric.comparators[0])
            metric = metric.left
        elif statistic.takes_comparison:
            raise self.error(metric, f"{ast.unparse(metric)!r} is not a comparison", usage(statistic))
        if not (isinstance(metric, ast.Name) and metric.id in self.metrics):
            raise self.error(
                metric,
                f"unknown metric {ast.unparse(metric)!r}{closest(ast.unparse(metric), self.metrics)}",
                " ".join(self.metrics),
            )
        return Measure(statistic.name, metric.id, self.window(node.args[1]) if statistic.has_window else 1, *compared)

    @property
    def measures_allowed(self) -> str:
        calls = (usage(of, metric) for metric in self.metrics for of in STATISTICS.values())
        return ", ".join([*calls, *COUNTERS])

    def window(self, node: ast.expr) -> int:
        if isinstance(node, ast.Constant) and type(node.value) is int and 1 <= node.value <= MAX_WINDOW:
            return node.value
        raise self.error(node, f"window {ast.unparse(node)!r}", f"a whole number of sessions from 1 to {MAX_WINDOW}")

    def number(self, node: ast.expr) -> float:
        sign = 1.0
        value = node
        if isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.USub | ast.UAdd):
            sign = -1.0 if isinstance(value.op, ast.USub) else 1.0
            value = value.operand
        if (
            isinstance(value, ast.Constant)
            and isinstance(value.value, int | float)
            and not isinstance(value.value, bool)
        ):
            try:
                number = sign * float(value.value)
            except OverflowError:
                number = math.inf
            if math.isfinite(number):
                return number
            raise self.error(node, f"{ast.unparse(node)!r} is too large", "numbers up to 1.8e308")
        raise self.error(node, f"{ast.unparse(node)!r} is not a threshold", "a number, to the right of the comparison")


def clauses(condition: Condition) -> list[Clause]:
    """The condition as clauses (disjunctive normal form): it holds where any clause holds.

    A clause holds where every measure it names is present and lies in its interval. Clauses that can never hold are
    left out, so the list is empty for a condition that can never hold.

    Raises:
        ValueError: more than `MAX_CLAUSES` clauses.
    """
    found: list[Clause] = []
    for clause in _alternatives(condition):
        if not any(interval.empty for interval in clause.values()) and clause not in found:
            found.append(clause)
    return found


def _alternatives(condition: Condition) -> list[Clause]:
    if isinstance(condition, Comparison):
        return [{condition.measure: interval} for interval in condition.intervals()]
    parts = [_alternatives(part) for part in condition.parts]
    size: Callable[[Iterable[int]], int] = sum if condition.operator == "or" else math.prod
    if size(len(part) for part in parts) > MAX_CLAUSES:
        raise ValueError(f"the condition has more than {MAX_CLAUSES} alternatives: {condition}")
    if condition.operator == "or":
        return [clause for part in parts for clause in part]
    return [reduce(_both, combination) for combination in product(*parts)]


def _both(one: Clause, other: Clause) -> Clause:
    merged = dict(one)
    for measure, interval in other.items():
        merged[measure] = merged.get(measure, Interval()) & interval
    return merged
