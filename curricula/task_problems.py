"""What is wrong with a task's module, said before its metrics become columns of models."""

import keyword
import math
import re
from collections.abc import Iterator, Mapping
from functools import cache

import duckdb

from curricula.conditions import COUNTERS, Interval
from curricula.errors import shown
from curricula.expressions import Expression, measures, parse_formula, value_range
from curricula.tasks.base import Metric, Parameters, Task

METRIC_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
# columns that stand beside the metrics in the models; a test compares it with what they document
TAKEN = frozenset({
    *COUNTERS, "subject_id", "subject_key", "session", "session_key", "session_number", "session_date",
    "has_session_date", "task", "curriculum", "curriculum_key", "curriculum_name", "curriculum_version",
    "curriculum_schema_version", "stage", "stage_key", "reported_stage", "reported_override", "trainer", "rig",
    "weight_after", "water_in_session_total", "bias_naive", "is_by_default", "is_stage_of_another_task",
    "set_aside_because", "has_wrong_metric", "reported_stage_key", "has_standing_decision",
    "place_in_history", "back", "history", "measured",
})  # fmt: skip


@cache
def words_of_sql() -> frozenset[str]:
    """The words that no column can have for a name without quotes."""
    with duckdb.connect() as connection:
        query = "select keyword_name from duckdb_keywords() where keyword_category in ('reserved', 'type_function')"
        return frozenset(name for (name,) in connection.execute(query).fetchall())


def problems(task: Task) -> list[str]:
    """What is wrong with a task, a line each."""
    found = [
        f"schema version {version}: {shown(of)} is not a class of parameters: let it inherit from Parameters"
        for version, of in task.parameters.items()
        if not (isinstance(of, type) and issubclass(of, Parameters))
    ]
    return [f"task {task.name}: {problem}" for problem in [*found, *_problems(task.metrics)]]


@cache
def _problems(metrics: tuple[Metric, ...]) -> list[str]:
    return list(_problems_of_names(metrics)) or list(_problems_of_formulas(metrics))


def _problems_of_names(metrics: tuple[Metric, ...]) -> Iterator[str]:
    names = [metric.name for metric in metrics]
    for name in dict.fromkeys(of for of in names if names.count(of) > 1):
        yield f"metric {name}: there are two of this name"
    for metric in metrics:
        if problem := _problem_of_name(metric.name):
            yield f"metric {metric.name}: {problem}"
        if bool(metric.columns) == bool(metric.formula):
            yield f"metric {metric.name}: give it columns of df_behavior or a formula, and not both"
        for limit in ("lowest", "highest"):
            value = getattr(metric, limit)
            if value is not None and not (isinstance(value, int | float) and math.isfinite(value)):
                yield f"metric {metric.name}: {limit} is {value!r}; a number is expected, or None for no limit"
        # ("hits") is the text itself, whose letters would be the columns
        if isinstance(metric.columns, str):
            yield f"metric {metric.name}: its columns are several texts, also where there is one: ({metric.columns!r},)"


def _problems_of_formulas(metrics: tuple[Metric, ...]) -> Iterator[str]:
    names = {metric.name for metric in metrics}
    formulas: dict[str, Expression] = {}
    for metric in metrics:
        try:
            formulas |= {metric.name: parse_formula(metric.formula)} if metric.formula else {}
        except ValueError as error:
            yield f"metric {metric.name}: formula: {error}"
    for name, formula in formulas.items():
        if value_range(formula, lambda _: Interval()).interval is None:
            yield f"metric {name}: formula: {formula} divides by zero, so it is always missing"
        for operand in dict.fromkeys(of.metric for of in measures(formula)):
            if operand not in names and (problem := _problem_of_name(operand)):
                yield f"metric {name}: formula: {operand}: {problem}: give the column to a metric of another name"
        if name in _leads_to(name, formulas):
            yield f"metric {name}: its formula needs the metric itself"


def _problem_of_name(name: str) -> str | None:
    if not METRIC_NAME.fullmatch(name) or len(name) > 60:
        return (
            "a name has lower-case letters, digits and single _ between them, begins with a letter, and has at most 60"
        )
    if keyword.iskeyword(name) or name in words_of_sql():
        return "this is a word of SQL or Python, and only columns of df_behavior may be called so"
    if name in TAKEN:
        return "the models have a column of this name already, and only columns of df_behavior may be called so"
    return None


def _leads_to(name: str, formulas: Mapping[str, Expression]) -> set[str]:
    """The metrics that a formula needs, those of its parts included."""
    found: set[str] = set()
    left = [name]
    while left:
        for of in measures(formulas[left.pop()]):
            if of.metric in formulas and of.metric not in found:
                left.append(of.metric)
            found.add(of.metric)
    return found
