"""Formulas and policies in words for people, and with the values that they were computed of."""

from collections.abc import Callable

from curricula.conditions import Combination, Condition, Measure, negated, number_text
from curricula.expressions import (
    Arithmetic,
    Call,
    Choice,
    Expression,
    Number,
    Value,
    condition_sql,
    needs_parentheses,
)
from curricula.wording import SIGNS, in_words, measure_in_words

SHOWN = {"+": "+", "-": "−", "*": "×", "/": "/"}


def expression_in_words(of: Expression) -> str:
    """E.g. ``clamp(last stop threshold × 1.2, 8, 60)``."""
    if isinstance(of, Number):
        return number_text(of.value)
    if isinstance(of, Value):
        return measure_in_words(of.measure)
    if isinstance(of, Call):
        return f"{of.function}({', '.join(map(expression_in_words, of.arguments))})"
    if isinstance(of, Choice):
        otherwise = expression_in_words(of.otherwise)
        return f"({expression_in_words(of.then)} if {in_words(of.condition)}, else {otherwise})"
    texts = [expression_in_words(part) for part in (of.left, of.right)]
    left, right = (
        f"({text})" if _is_read_apart(of, part) else text for text, part in zip(texts, (of.left, of.right), strict=True)
    )
    return f"{left} {SHOWN[of.operator]} {right}"


def _is_read_apart(whole: Arithmetic, part: Expression) -> bool:
    # people read products before sums; the expression's own text keeps more, as hashes of released curricula rest on it
    is_product = isinstance(part, Arithmetic) and part.operator in "*/"
    return needs_parentheses(whole, part) and not (whole.operator in "+-" and is_product)


def explanation_sql(of: Expression, column: Callable[[Measure], str]) -> str:
    """SQL for the expression as text with the measures' values in it, e.g. ``clamp(12 × 1.2, 8, 60)``."""
    if isinstance(of, Number):
        return f"'{of.value:.6g}'"
    if isinstance(of, Value):
        return _value_sql(column(of.measure))
    if isinstance(of, Choice):
        then, otherwise = explanation_sql(of.then, column), explanation_sql(of.otherwise, column)
        why, why_not = (_reason_sql(of.condition, column, holds=holds) for holds in (True, False))
        chosen = f"case when {condition_sql(of.condition, column)} then {then} || ' because ' || {why} "
        return f"'(' || {chosen}else {otherwise} || ' because ' || {why_not} end || ')'"
    if isinstance(of, Call):
        arguments = " || ', ' || ".join(explanation_sql(part, column) for part in of.arguments)
        return f"'{of.function}(' || {arguments} || ')'"
    texts = []
    for part in (of.left, of.right):
        text = explanation_sql(part, column)
        texts.append(f"'(' || {text} || ')'" if _is_read_apart(of, part) else text)
    return f"{texts[0]} || ' {SHOWN[of.operator]} ' || {texts[1]}"


def _value_sql(measure: str) -> str:
    return f"coalesce(format('{{:.6g}}', {measure}), 'missing')"


def _reason_sql(condition: Condition, column: Callable[[Measure], str], *, holds: bool) -> str:
    """SQL for the comparisons that make the condition hold, or not hold."""
    if isinstance(condition, Combination):
        unless = "" if holds else "not "
        texts = (
            f"case when {unless}({condition_sql(part, column)}) then {_reason_sql(part, column, holds=holds)} end"
            for part in condition.parts
        )
        return f"concat_ws(' and ', {', '.join(texts)})"
    if not holds:
        return _reason_sql(negated(condition), column, holds=True)
    words, measure = measure_in_words(condition.measure).replace("'", "''"), column(condition.measure)
    if condition.operator in ("missing", "present"):
        return f"'{words} is ' || {_value_sql(measure)}"
    sign = f" {SIGNS[condition.operator]} {condition.threshold:.6g}"
    # where the value is missing neither a comparison nor its negation holds
    return f"'{words} ' || case when {measure} is null then 'is missing' else {_value_sql(measure)} || '{sign}' end"
