"""Formulas of derived metrics and policies of parameters: text -> typed expressions. Nothing is ever executed.

    clamp(last(last_stop_threshold) * 1.2, 8, 60)
    0.8 if last(water) >= 0.6 else 1.0

A policy is made of numbers, measures, ``+ - * /``, parentheses, ``least(a, b)``, ``greatest(a, b)``,
``clamp(x, low, high)`` and ``a if CONDITION else b``, whose condition may also ask ``missing(measure)``. A formula is
made of numbers, names of columns, ``+ - * /`` and parentheses. What is missing makes what is computed of it missing,
and so does a division by zero; the arithmetic is that of doubles, in the order in which it is written.
"""

import ast
import math
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce

import numpy as np

from curricula.conditions import (
    Combination,
    Comparison,
    Condition,
    ConditionError,
    Interval,
    Measure,
    Reader,
    holds,
    negated,
    number_text,
    read,
    sql_number,
    usage,
)
from curricula.statistics import STATISTICS, Floats

MAX_COST = 2_000
OPERATORS: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
FUNCTIONS = {"least": 2, "greatest": 2, "clamp": 3}
"""How many arguments each function has."""


@dataclass(frozen=True)
class Number:
    """A number."""

    value: float

    def __str__(self) -> str:
        return number_text(self.value)


@dataclass(frozen=True)
class Value:
    """A measure's value; in a formula it is the session's own value of a column, whose name is all that is written."""

    measure: Measure
    is_column: bool = False

    def __str__(self) -> str:
        return self.measure.metric if self.is_column else str(self.measure)


@dataclass(frozen=True)
class Arithmetic:
    """``+ - * /`` of two expressions."""

    operator: str
    left: "Expression"
    right: "Expression"

    def __str__(self) -> str:
        return f"{in_parentheses(self, self.left, str)} {self.operator} {in_parentheses(self, self.right, str)}"


@dataclass(frozen=True)
class Call:
    """One of `FUNCTIONS`."""

    function: str
    arguments: "tuple[Expression, ...]"

    def __str__(self) -> str:
        return f"{self.function}({', '.join(map(str, self.arguments))})"


@dataclass(frozen=True)
class Choice:
    """``a if CONDITION else b``."""

    condition: Condition
    then: "Expression"
    otherwise: "Expression"

    def __str__(self) -> str:
        return f"({self.then} if {self.condition} else {self.otherwise})"


Expression = Number | Value | Arithmetic | Call | Choice


def needs_parentheses(whole: Arithmetic, part: Expression) -> bool:
    """Whether a part would mean something else without them."""
    if not isinstance(part, Arithmetic):
        return False
    return part is whole.right or (whole.operator in "*/" and part.operator in "+-")


def in_parentheses(whole: Arithmetic, part: Expression, text: Callable[[Expression], str]) -> str:
    """A part's text, in parentheses where it needs them."""
    return f"({text(part)})" if needs_parentheses(whole, part) else text(part)


def parts(of: Expression) -> "tuple[Expression, ...]":
    """The expressions that an expression is made of."""
    if isinstance(of, Arithmetic):
        return of.left, of.right
    if isinstance(of, Call):
        return of.arguments
    return (of.then, of.otherwise) if isinstance(of, Choice) else ()


def measures(of: Expression) -> Iterator[Measure]:
    """All measures that an expression looks at, those of its conditions too."""
    if isinstance(of, Value):
        yield of.measure
    if isinstance(of, Choice):
        yield from _measures_of_condition(of.condition)
    for part in parts(of):
        yield from measures(part)


def _measures_of_condition(condition: Condition) -> Iterator[Measure]:
    if isinstance(condition, Comparison):
        yield condition.measure
    else:
        for part in condition.parts:
            yield from _measures_of_condition(part)


# --- reading ---------------------------------------------------------------------------------------------------------

_POLICY = (
    "numbers, measures such as 'last(metric)', + - * /, least(a, b), greatest(a, b), clamp(x, low, high), "
    "'a if CONDITION else b' and parentheses"
)
_FORMULA = "numbers, names of columns, + - * / and parentheses"


def parse_policy(text: str, metrics: Collection[str]) -> Expression:
    """Parse the expression of a policy.

    Args:
        text: the expression, e.g. ``clamp(last(speed) * 1.2, 8, 60)``.
        metrics: names of the metrics that the task offers.

    Raises:
        ConditionError: the text is not of the language; names the column and what is allowed there.
    """
    found = read(text, lambda tree, indent: _Policy(text, indent, metrics).expression(tree), "expression", _POLICY)
    if _cost(found) > MAX_COST:
        raise ConditionError(text[:40] + "…", 1, "the expression is nested too deep", _POLICY)
    return found


def parse_formula(text: str) -> Expression:
    """Parse the formula of a derived metric over columns and other metrics of the same session.

    Raises:
        ConditionError: the text is not of the language.
    """
    return read(text, lambda tree, indent: _Formula(text, indent, ()).expression(tree), "formula", _FORMULA)


class _Formula(Reader):
    """Reads formulas."""

    language = _FORMULA

    def expression(self, node: ast.expr) -> Expression:
        if isinstance(node, ast.BinOp):
            operator = OPERATORS.get(type(node.op))
            if operator is None:
                raise self.error(node, f"unknown operator in {ast.unparse(node)!r}", "+ - * /")
            return Arithmetic(operator, self.expression(node.left), self.expression(node.right))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            part = self.expression(node.operand)
            if isinstance(node.op, ast.UAdd):
                return part
            return Number(-part.value) if isinstance(part, Number) else Arithmetic("*", Number(-1.0), part)
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            return Number(self.number(node))
        return self.leaf(node)

    def leaf(self, node: ast.expr) -> Expression:
        if isinstance(node, ast.Name):
            return Value(Measure("last", node.id, 1), is_column=True)
        raise self.error(node, f"{ast.unparse(node)!r} is not of a formula", self.language)


class _Policy(_Formula):
    """Reads policies, whose values are measures."""

    language = _POLICY

    def leaf(self, node: ast.expr) -> Expression:
        if isinstance(node, ast.IfExp):
            return Choice(self.condition(node.test), self.expression(node.body), self.expression(node.orelse))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS:
            function = node.func.id
            if node.keywords or len(node.args) != FUNCTIONS[function]:
                expected = {2: "a, b", 3: "x, low, high"}[FUNCTIONS[function]]
                raise self.error(node, f"{function!r} with other arguments", f"{function}({expected})")
            arguments = tuple(map(self.expression, node.args))
            if function == "clamp":
                low, high = arguments[1:]
                if isinstance(low, Number) and isinstance(high, Number) and low.value > high.value:
                    raise self.error(
                        node, f"{ast.unparse(node)!r} has its limits the wrong way round", "clamp(x, low, high)"
                    )
            return Call(function, arguments)
        return Value(self.measure(node))

    def condition(self, node: ast.expr) -> Condition:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "missing":
            if node.keywords or len(node.args) != 1:
                raise self.error(node, "'missing' with other arguments", "missing(measure)")
            return Comparison(self.measure(node.args[0]), "missing")
        return super().condition(node)

    @property
    def measures_allowed(self) -> str:
        calls = [usage(of, metric) for metric in self.metrics for of in STATISTICS.values()]
        return f"{_POLICY}, with {', '.join(calls)}"


def expanded(of: Expression, formulas: Mapping[str, Expression]) -> Expression:
    """A formula with the formulas of other derived metrics in place of their names."""
    if isinstance(of, Value) and of.measure.metric in formulas:
        return expanded(formulas[of.measure.metric], formulas)
    if isinstance(of, Arithmetic):
        return Arithmetic(of.operator, expanded(of.left, formulas), expanded(of.right, formulas))
    return of


# --- values ----------------------------------------------------------------------------------------------------------


def values(of: Expression, value: Callable[[Measure], Floats]) -> Floats:
    """The expression's values for many sessions at once, shape (sessions,); NaN where it is missing.

    Args:
        of: a parsed expression.
        value: gives a measure's value for every session; NaN where it is missing.
    """
    with np.errstate(all="ignore"):
        found = _values(of, value)
        return np.where(np.isfinite(found), found, np.nan) + 0.0  # -0.0 is 0.0


def _values(of: Expression, value: Callable[[Measure], Floats]) -> Floats:
    if isinstance(of, Number):
        return np.array(of.value)
    if isinstance(of, Value):
        return value(of.measure)
    if isinstance(of, Choice):
        return np.where(holds(of.condition, value), _values(of.then, value), _values(of.otherwise, value))
    arguments = [_values(part, value) for part in parts(of)]
    if isinstance(of, Call):
        x, *limits = arguments
        if of.function == "clamp":
            return np.maximum(limits[0], np.minimum(x, limits[1]))
        return np.minimum(x, *limits) if of.function == "least" else np.maximum(x, *limits)
    left, right = arguments
    if of.operator == "/":
        return np.where(right == 0, np.nan, left / np.where(right == 0, np.nan, right))
    function = {"+": np.add, "-": np.subtract, "*": np.multiply}[of.operator]
    result: Floats = function(left, right)
    return result


def rounded(number: float) -> float:
    """The nearest whole number, halves to even."""
    return float(round(number))


# --- SQL -------------------------------------------------------------------------------------------------------------


def sql(of: Expression, column: Callable[[Measure], str]) -> str:
    """The expression in SQL; what is missing is NULL.

    Args:
        of: a parsed expression.
        column: gives the column that carries a measure.
    """
    if isinstance(of, Number):
        return sql_number(of.value)
    if isinstance(of, Value):
        return column(of.measure)
    if isinstance(of, Choice):
        condition = condition_sql(of.condition, column)
        return f"case when {condition} then {sql(of.then, column)} else {sql(of.otherwise, column)} end"
    texts = [f"({sql(part, column)})" if parts(part) else sql(part, column) for part in parts(of)]
    if isinstance(of, Call):
        x, *limits = texts
        clamped = of.function == "clamp"
        text = f"greatest({limits[0]}, least({x}, {limits[1]}))" if clamped else f"{of.function}({', '.join(texts)})"
        # DuckDB's own pass over what is missing
        missing = [f"{of_it} is null" for of_it, part in zip(texts, of.arguments, strict=True) if _may_be_missing(part)]
        return f"case when {' or '.join(missing)} then null else {text} end" if missing else text
    left, right = texts
    if of.operator == "/" and not (isinstance(of.right, Number) and of.right.value):
        right = f"nullif({right}, 0e0)"
    return f"{left} {of.operator} {right}"


def _cost(of: Expression) -> int:
    """How many values the expression's SQL names: a call names its arguments twice, a division its divisor."""
    costs = [_cost(part) for part in parts(of)]
    if isinstance(of, Call):
        return 2 * sum(costs)
    if isinstance(of, Choice):
        return sum(costs) + sum(1 for _ in _measures_of_condition(of.condition))
    return costs[0] + 2 * costs[1] if costs else 1


def _may_be_missing(of: Expression) -> bool:
    if isinstance(of, Value):
        return of.measure.may_be_missing
    divides = (
        isinstance(of, Arithmetic) and of.operator == "/" and not (isinstance(of.right, Number) and of.right.value)
    )
    return divides or any(map(_may_be_missing, parts(of)))


def condition_sql(condition: Condition, column: Callable[[Measure], str]) -> str:
    """A condition in SQL, false where it looks at a missing value."""
    if isinstance(condition, Combination):
        return f" {condition.operator} ".join(f"({condition_sql(part, column)})" for part in condition.parts)
    measure = column(condition.measure)
    if condition.operator in ("missing", "present"):
        return f"{measure} is {'not ' if condition.operator == 'present' else ''}null"
    operator = {"==": "=", "!=": "<>"}.get(condition.operator, condition.operator)
    return f"coalesce({measure} {operator} {sql_number(condition.threshold)}, false)"


# --- what values it can take -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Range:
    """The values that an expression can take: an interval, None where it is always missing."""

    interval: Interval | None
    may_be_missing: bool

    def __or__(self, other: "Range") -> "Range":
        found = [of for of in (self.interval, other.interval) if of is not None]
        hull = Interval(min(of.lower for of in found), max(of.upper for of in found)) if found else None
        return Range(hull, self.may_be_missing or other.may_be_missing)


def value_range(of: Expression, domain: Callable[[Measure], Interval]) -> Range:
    """The values that an expression can take; never too few, and measures are taken as independent of each other.

    Args:
        of: a parsed expression.
        domain: the values that a measure can take.
    """
    return _range(of, {measure: Range(domain(measure), measure.may_be_missing) for measure in measures(of)})


def _range(of: Expression, known: Mapping[Measure, Range]) -> Range:
    if isinstance(of, Number):
        return Range(Interval(of.value, of.value), may_be_missing=False)
    if isinstance(of, Value):
        return known[of.measure]
    if isinstance(of, Choice):
        branches = (of.then, _narrowed(known, of.condition)), (of.otherwise, _where_not(known, of.condition))
        return reduce(Range.__or__, (_range(part, narrowed) for part, narrowed in branches if narrowed is not None))
    ranges = [_range(part, known) for part in parts(of)]
    intervals = [of_it.interval for of_it in ranges if of_it.interval is not None]
    missing = any(of_it.may_be_missing for of_it in ranges)
    if len(intervals) < len(ranges):
        return Range(None, may_be_missing=True)
    if isinstance(of, Call):
        low, high = zip(*((interval.lower, interval.upper) for interval in intervals), strict=True)
        if of.function == "clamp":
            return Range(Interval(*(max(ends[1], min(ends[0], ends[2])) for ends in (low, high))), missing)
        pick = min if of.function == "least" else max
        return Range(Interval(pick(low), pick(high)), missing)
    return _arithmetic_range(of.operator, *intervals, missing=missing)


def _arithmetic_range(operator: str, left: Interval, right: Interval, *, missing: bool) -> Range:
    if operator == "/":
        return _quotient_range(left, right, missing=missing)
    if operator == "-":
        return Range(Interval(_sum(left.lower, -right.upper), _sum(left.upper, -right.lower)), missing)
    if operator == "+":
        return Range(Interval(_sum(left.lower, right.lower), _sum(left.upper, right.upper)), missing)
    products = [a * b if a and b else 0.0 for a in (left.lower, left.upper) for b in (right.lower, right.upper)]
    return Range(Interval(min(products), max(products)), missing)


def _quotient_range(left: Interval, right: Interval, *, missing: bool) -> Range:
    if right.lower == right.upper == 0:
        return Range(None, may_be_missing=True)
    if right.lower <= 0 <= right.upper:
        if right.lower < 0 < right.upper or left.lower < 0 < left.upper:
            return Range(Interval(), may_be_missing=True)
        # near zero the quotient has no limit on one side
        positive = (left.lower >= 0) == (right.upper > 0)
        end = right.upper if right.upper > 0 else right.lower
        nearest = min((_quotient(of, end) for of in (left.lower, left.upper)), key=abs)
        return Range(Interval(nearest, math.inf) if positive else Interval(-math.inf, nearest), may_be_missing=True)
    quotients = [_quotient(a, b) for a in (left.lower, left.upper) for b in (right.lower, right.upper)]
    return Range(Interval(min(quotients), max(quotients)), missing)


def _quotient(one: float, other: float) -> float:
    return one / other if math.isfinite(one) or math.isfinite(other) else math.copysign(math.inf, one * other)


def _sum(one: float, other: float) -> float:
    total = one + other
    return one if math.isnan(total) else total


def _narrowed(known: Mapping[Measure, Range], condition: Condition) -> Mapping[Measure, Range] | None:
    """What is known of the measures where a condition holds; None where it cannot."""
    if isinstance(condition, Combination):
        if condition.operator == "or":
            return known if any(_narrowed(known, part) is not None for part in condition.parts) else None
        for part in condition.parts:
            found = _narrowed(known, part)
            if found is None:
                return None
            known = found
        return known
    measure = condition.measure
    of = known[measure]
    if condition.operator == "missing":
        return {**known, measure: Range(None, may_be_missing=True)} if of.may_be_missing else None
    if of.interval is None:
        return None
    inside = [of.interval & interval for interval in condition.intervals()]
    inside = [interval for interval in inside if not interval.empty]
    if not inside:
        return None
    return {**known, measure: reduce(Range.__or__, (Range(interval, may_be_missing=False) for interval in inside))}


def _where_not(known: Mapping[Measure, Range], condition: Condition) -> Mapping[Measure, Range] | None:
    """What is known of the measures where a condition does not hold; None where it always does."""
    if isinstance(condition, Combination):
        return known  # any of its parts may be missing
    measure, found = condition.measure, []
    if (otherwise := _narrowed(known, negated(condition))) is not None:
        found.append(otherwise[measure])
    if known[measure].may_be_missing and condition.operator != "missing":
        found.append(Range(None, may_be_missing=True))
    return {**known, measure: reduce(Range.__or__, found)} if found else None
