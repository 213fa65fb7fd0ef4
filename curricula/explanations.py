"""Formulas and policies in words for people, and with the values that they were computed of."""

from collections.abc import Callable

from curricula.conditions import Combination, Condition, Measure, negated, number_text
from curricula.expressions import (
    Call,
    Choice,
    Expression,
    Number,
    Value,
    condition_sql,
    in_parentheses,
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
    left, right = (in_parentheses(of, part, expression_in_words) for part in (of.left, of.right))
    return f"{left} {SHOWN[of.operator]} {right}"


def explanation_sql(of: Expression, column: Callable[[Measure], str]) -> str:
    """SQL for the expression as text with the measures' values in it, e.g. ``clamp(12 × 1.2, 8, 60)``."""
    if isinstance(of, Number):
        return f"'{of.value:.6g}'"
    if isinstance(of, Value):
        return _value_sql(column(of.measure))
    if isinstance(of, Choice):
        then, otherwise = explanation_sql(of.then, column), explanation_sql(of.otherwise, column)
        why, why_not = (_condition_text_sql(of_it, column) for of_it in (of.condition, negated(of.condition)))
        chosen = f"case when {condition_sql(of.condition, column)} then {then} || ' because ' || {why} "
        return f"'(' || {chosen}else {otherwise} || ' because ' || {why_not} end || ')'"
    if isinstance(of, Call):
        arguments = " || ', ' || ".join(explanation_sql(part, column) for part in of.arguments)
        return f"'{of.function}(' || {arguments} || ')'"
    texts = []
    for part in (of.left, of.right):
        text = explanation_sql(part, column)
        texts.append(f"'(' || {text} || ')'" if needs_parentheses(of, part) else text)
    return f"{texts[0]} || ' {SHOWN[of.operator]} ' || {texts[1]}"


def _value_sql(measure: str) -> str:
    return f"coalesce(format('{{:.6g}}', {measure}), 'missing')"


def _condition_text_sql(condition: Condition, column: Callable[[Measure], str]) -> str:
    if isinstance(condition, Combination):
        texts = (_condition_text_sql(part, column) for part in condition.parts)
        return f" || ' {condition.operator} ' || ".join(texts)
    words, measure = measure_in_words(condition.measure).replace("'", "''"), column(condition.measure)
    if condition.operator in ("missing", "present"):
        return f"'{words} is ' || {_value_sql(measure)}"
    sign = f" {SIGNS[condition.operator]} {condition.threshold:.6g}"
    # where the value is missing neither a comparison nor its negation holds
    return f"'{words} ' || case when {measure} is null then 'is missing' else {_value_sql(measure)} || '{sign}' end"
