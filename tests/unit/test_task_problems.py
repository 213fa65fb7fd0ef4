"""A mistake in a task's module is said before its metrics become columns of models."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from curricula import library
from curricula.library import CurriculumError
from curricula.task_problems import TAKEN, problems
from curricula.tasks import TASKS, Metric
from tests.copies import ROOT

DUMMY = TASKS["dummy"]
# models whose columns are the metrics and what stands beside them
WITH_METRICS = {
    "stg_lake__behavior_typed", "stg_lake__behavior", "stg_lake__sessions", "int_sessions__measures", "sessions",
}  # fmt: skip


def metric(name: str, *columns: str, formula: str = "") -> Metric:
    return Metric(name, columns, "1", "A number.", formula=formula)


def found(*metrics: Metric) -> list[str]:
    return [of.removeprefix("task dummy: ") for of in problems(replace(DUMMY, metrics=metrics))]


@pytest.mark.parametrize("task", TASKS)
def test_nothing_is_wrong_with_the_tasks_of_the_library(task: str) -> None:
    assert problems(TASKS[task]) == []


@pytest.mark.parametrize(
    ("name", "problem"),
    [("select", "a word of SQL"), ("left", "a word of SQL"), ("lambda", "a word of SQL or Python"),
     ("session", "a column of this name"), ("session_total", "a column of this name"), ("Hits", "lower-case"),
     ("a__last", "single _"), ("the rate", "lower-case"), ("", "begins with a letter"), ("x" * 61, "at most 60")],
)  # fmt: skip
def test_a_name_that_no_column_can_have_is_refused(name: str, problem: str) -> None:
    [said] = found(metric(name, "column"))
    assert said.startswith(f"metric {name}: ")
    assert problem in said
    [said] = found(metric("good", formula=f"{name} / 2")) if name.isidentifier() and name != "lambda" else [problem]
    assert problem in said


def test_a_metric_has_columns_or_a_formula_that_can_be_read() -> None:
    assert found(metric("a")) == found(metric("a", "b", formula="c")) == [
        "metric a: give it columns of df_behavior or a formula, and not both"
    ]  # fmt: skip
    one_text: Any = "hits"
    assert found(replace(metric("a"), columns=one_text)) == [
        "metric a: its columns are several texts, also where there is one: ('hits',)"
    ]
    [said] = found(metric("a", formula="b // 2"))
    assert said.startswith("metric a: formula: column 1 of 'b // 2': unknown operator")
    for text in ("b / 0", "b / (1 - 1)", "2 / 0 + b"):
        [said] = found(metric("a", formula=text))
        assert said.startswith("metric a: formula: ") and said.endswith(" divides by zero, so it is always missing")
    assert found(metric("a", formula="b / c")) == []
    assert found(metric("a", "b"), metric("a", "c")) == ["metric a: there are two of this name"]


@pytest.mark.parametrize("limit", ["lowest", "highest"])
def test_a_limit_is_a_number_and_parameters_are_a_class_of_their_own(limit: str) -> None:
    for value in ("a", float("nan"), float("inf")):
        assert found(replace(metric("a", "b"), **{limit: value})) == [
            f"metric a: {limit} is {value!r}; a number is expected, or None for no limit"
        ]
    assert found(replace(metric("a", "b"), **{limit: 0})) == []
    for other in (BaseModel, {"gain": 1.0}):
        models: Any = {"1.0": DUMMY.parameters["1.0"], "1.1": other}
        [said] = problems(replace(DUMMY, parameters=models))
        assert said.startswith("task dummy: schema version 1.1: ")
        assert said.endswith(" is not a class of parameters: let it inherit from Parameters")


def test_a_formula_that_needs_its_own_metric_is_refused() -> None:
    assert found(metric("a", formula="a + 1")) == ["metric a: its formula needs the metric itself"]
    around = metric("a", formula="b + 1"), metric("b", formula="c * 2"), metric("c", formula="a")
    said = [f"metric {name}: its formula needs the metric itself" for name in "abc"]
    assert found(*around, metric("d", formula="a")) == said


def documented() -> Iterator[tuple[str, str]]:
    for path in (ROOT / "models").rglob("_*__models.yml"):
        for model in yaml.safe_load(path.read_text())["models"]:
            yield from ((model["name"], column["name"]) for column in model.get("columns", []))


def test_what_stands_beside_the_metrics_in_the_models_is_taken() -> None:
    metrics = {name for task in TASKS.values() for name in task.names}
    beside = {
        column
        for model, column in documented()
        if model in WITH_METRICS and column not in metrics and "__" not in column
    }
    assert len(beside) > 10
    assert beside <= TAKEN


def test_no_curriculum_of_a_task_with_a_mistake_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TASKS, "dummy", replace(DUMMY, metrics=(*DUMMY.metrics, metric("order", "order"))))
    with pytest.raises(CurriculumError, match="task dummy: metric order: this is a word of SQL"):
        library.load(ROOT / "curricula/library/dummy_task/v0.2.yml")
