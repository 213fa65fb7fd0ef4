"""Compile the library of curricula into seeds and the list of measures that the models compute."""

import csv
import io
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from curricula.blocks import yaml_columns
from curricula.checks import CHECKS, check
from curricula.conditions import Measure, alternatives, comparisons, usage
from curricula.explanations import explanation_sql, expression_in_words
from curricula.expressions import Expression, expanded, parse_formula, sql
from curricula.expressions import measures as expression_measures
from curricula.releases import file_key
from curricula.schema import ABSORBING, Curriculum, TransitionRule
from curricula.statistics import STATISTICS, Statistic
from curricula.tasks import TASKS, Metric, Task
from curricula.tasks.base import number_fields
from curricula.wording import measure_in_words

ROOT = Path(__file__).parent.parent
SEEDS = "seeds/curricula"
GENERATED = "macros/generated"
FINDINGS = "docs/curriculum_checks.md"


def compiled(curricula: list[Curriculum]) -> dict[str, str]:
    """The text of every generated file by its path below the project's root."""
    tables = _tables(curricula)
    # a library may have no policies
    columns = {"curriculum_policies": ["curriculum", "stage", "parameter", "policy", "policy_in_words"]}
    files = {f"{SEEDS}/{name}.csv": csv_text(rows, columns.get(name)) for name, rows in tables.items()}
    return files | _macros(curricula) | {FINDINGS: _findings(curricula)}


def _tables(curricula: list[Curriculum]) -> dict[str, list[dict[str, Any]]]:
    # stages that their task fixes are known to every session (SEMANTICS 24)
    fixed = [stage for task in TASKS.values() for stage in task.stages or ()]
    in_order = sorted(curricula, key=lambda of: (list(TASKS).index(of.task), file_key(of)))
    of_tasks = list(dict.fromkeys((of.task, stage) for of in in_order for stage in of.stages))
    tables: dict[str, list[dict[str, Any]]] = {
        "training_stages": [
            {
                "stage_key": number,
                "stage": stage,
                "is_of_every_task": stage in fixed,
                "is_absorbing": stage in ABSORBING,
            }
            for number, stage in enumerate(dict.fromkeys([*fixed, *(stage for _, stage in of_tasks)]), 1)
        ],
        "task_stages": [{"task": task, "stage": stage} for task, stage in of_tasks],
        "task_metrics": [
            {
                "task": task.name,
                "metric": metric.name,
                "unit": metric.unit,
                "lowest": metric.lowest,
                "highest": metric.highest,
                "description": metric.description,
            }
            for task in TASKS.values()
            for metric in task.metrics
        ],
        "curricula": [],
        "curriculum_stages": [],
        "curriculum_parameters": [],
        "curriculum_policies": [],
        "curriculum_metrics": [],
        "curriculum_rules": [],
        "curriculum_conditions": [],
        "curriculum_comparisons": [],
    }
    for curriculum in sorted(curricula, key=file_key):
        place: dict[str, Any] = {"curriculum": file_key(curriculum)}
        tables["curricula"].append(
            place
            | {
                "curriculum_name": curriculum.name,
                "curriculum_version": curriculum.version,
                "curriculum_schema_version": curriculum.schema_version,
                "task": curriculum.task,
                "first_stage": curriculum.first_stage,
                "description": curriculum.description,
            }
        )
        tables["curriculum_metrics"] += [place | {"metric": metric} for metric in looks_at(curriculum)]
        for name, stage in curriculum.stages.items():
            place |= {"stage": name}
            tables["curriculum_stages"].append(
                place
                | {
                    "position": curriculum.position(name),
                    "label": curriculum.label(name),
                    "called": curriculum.called(name),
                    "is_end": curriculum.is_end(name),
                    "is_graduation": name == curriculum.graduation,
                    "training_stage": curriculum.training_stage(name),
                }
            )
            tables["curriculum_parameters"] += [
                place | {"parameter": parameter, "value": str(value)} for parameter, value in stage.values.items()
            ]
            tables["curriculum_policies"] += [
                place | {"parameter": parameter, "policy": str(of), "policy_in_words": expression_in_words(of)}
                for parameter, of in stage.parsed_policies(curriculum.task_definition).items()
            ]
            for number, rule in enumerate(stage.rules, 1):
                _add_rule(tables, place | {"rule_number": number}, rule, curriculum)
    return tables


def _add_rule(
    tables: dict[str, list[dict[str, Any]]], place: dict[str, Any], rule: TransitionRule, of: Curriculum
) -> None:
    condition = rule.parsed(of.task_definition)
    tables["curriculum_rules"].append(
        place
        | {
            "decision": rule.decision.value,
            "to_stage": rule.to_stage,
            "to_stage_called": of.called(rule.to_stage),
            "condition": str(condition),
        }
    )
    tables["curriculum_comparisons"] += [
        place
        | {
            "alternative": alternative_number,
            "comparison_number": comparison_number,
            "measure": comparison.measure.name,
            "measure_in_words": measure_in_words(comparison.measure),
            "operator": comparison.operator,
            "threshold": repr(comparison.threshold),
        }
        for alternative_number, alternative in enumerate(alternatives(condition), 1)
        for comparison_number, comparison in enumerate(alternative, 1)
    ]
    tables["curriculum_conditions"] += [
        place
        | {
            "clause_number": clause_number,
            "measure": measure.name,
            "lower_bound": None if interval.lower == -math.inf else repr(interval.lower),
            "upper_bound": None if interval.upper == math.inf else repr(interval.upper),
        }
        for clause_number, clause in enumerate(rule.clauses(of.task_definition), 1)
        for measure, interval in clause.items()
    ]


def csv_text(rows: list[dict[str, Any]], columns: list[str] | None = None) -> str:
    """A seed's text; where columns are not given, the first row names them."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns or list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _measures_of_rules(curricula: Iterable[Curriculum]) -> Iterator[Measure]:
    for curriculum in curricula:
        for stage in curriculum.stages.values():
            for rule in stage.rules:
                for comparison in comparisons(rule.parsed(curriculum.task_definition)):
                    yield comparison.measure


def _used_measures(curricula: Iterable[Curriculum]) -> Iterator[Measure]:
    yield from _measures_of_rules(curricula)
    for curriculum in curricula:
        for stage in curriculum.stages.values():
            for policy in stage.parsed_policies(curriculum.task_definition).values():
                yield from expression_measures(policy)


def _metrics() -> dict[str, tuple[Metric, list[str]]]:
    """Each metric by its name, with the tasks that have it; the first task that names it describes it.

    A column that only formulas look at is one too.
    """
    metrics: dict[str, tuple[Metric, list[str]]] = {}
    for task in TASKS.values():
        columns = dict.fromkeys(of.metric for metric in task.metrics for of in _operands(metric, task))
        operands = (
            Metric(name, (name,), "", f"Column that formulas of {task.name} look at.")
            for name in columns
            if name not in task.names
        )
        for metric in (*task.metrics, *operands):
            metrics.setdefault(metric.name, (metric, []))[1].append(task.name)
    return metrics


def formula_of(metric: Metric, task: Task) -> Expression:
    """The formula of a derived metric over metrics that have none."""
    formulas = {of.name: parse_formula(of.formula) for of in task.metrics if of.formula}
    return expanded(formulas[metric.name], formulas)


def _operands(metric: Metric, task: Task) -> list[Measure]:
    return list(dict.fromkeys(expression_measures(formula_of(metric, task)))) if metric.formula else []


def _derived(metric: Metric, task: Task) -> dict[str, Any]:
    """What models need of a metric that is computed of others: its formula in SQL, and that with values in place."""
    if not metric.formula:
        return {"formula": None}
    formula = formula_of(metric, task)
    return {
        "formula": sql(formula, lambda of: of.metric),
        "operands": [of.metric for of in _operands(metric, task)],
        "parts": explanation_sql(formula, lambda of: f"measured.{of.metric}__last"),
    }


def looks_at(curriculum: Curriculum) -> list[str]:
    """The metrics that a curriculum's rules and policies look at; of a derived one those that it is computed of."""
    task = curriculum.task_definition
    metrics = {metric.name: metric for metric in task.metrics}
    used = {measure.metric for measure in _used_measures([curriculum]) if measure.metric}
    return sorted({of for name in used for of in [m.metric for m in _operands(metrics[name], task)] or [name]})


def _measures(curricula: Iterable[Curriculum]) -> list[Measure]:
    """What the models compute: the measures that rules and policies look at, and the newest value of each metric."""
    metrics = list(_metrics())
    used = set(_used_measures(curricula)) | {Measure("last", name, 1) for name in metrics}
    return sorted((of for of in used if of.metric), key=lambda of: (metrics.index(of.metric), of))


def _column_of_measure(measure: Measure) -> str:
    """Where policies find a measure: the counter of the walk, and all others beside it, in `measured`."""
    return f"measured.{measure.name}"


def _macros(curricula: list[Curriculum]) -> dict[str, str]:
    metrics = [
        {"name": name, "columns": list(metric.columns), "tasks": tasks, **_derived(metric, TASKS[tasks[0]])}
        for name, (metric, tasks) in _metrics().items()
    ]
    in_rules = {of.name for of in _measures_of_rules(curricula)}
    metrics_with_tasks = _metrics()
    measures = [
        {
            "name": m.name,
            "metric": m.metric,
            "window": m.window,
            "in_rules": m.name in in_rules,
            "tasks": metrics_with_tasks[m.metric][1],
            "counts": m.is_whole,
            "sql": m.sql,
        }
        for m in _measures(curricula)
    ]
    policies = [
        {
            "curriculum": file_key(curriculum),
            "stage": stage,
            "parameter": parameter,
            "is_whole": number_fields(type(of_stage.parameters))[parameter].is_whole,
            "sql": sql(policy, _column_of_measure),
            "explanation": explanation_sql(policy, _column_of_measure),
            "measures": list(dict.fromkeys(of.name for of in expression_measures(policy) if of.metric)),
        }
        for curriculum in sorted(curricula, key=file_key)
        for stage, of_stage in curriculum.stages.items()
        for parameter, policy in of_stage.parsed_policies(curriculum.task_definition).items()
    ]
    return {
        f"{GENERATED}/metrics.sql": list_macro("metrics", metrics, "curricula/tasks"),
        f"{GENERATED}/measures.sql": list_macro("measures", measures, "curricula/library"),
        f"{GENERATED}/policies.sql": list_macro("policies", policies, "curricula/library"),
    }


def lists(curricula: list[Curriculum]) -> dict[str, str]:
    """What stands of metrics and measures in files that people write, by the names of its blocks."""
    metrics, measures, in_rules = _metrics(), _measures(curricula), set(_measures_of_rules(curricula))
    documented = {name: f'{{{{ doc("{name}") }}}}' for name in metrics}
    table = "".join(
        f"| {_comes_from(metric)} | {metric.unit} | {', '.join(tasks)} | {metric.description} |\n"
        for metric, tasks in metrics.values()
        if metric.unit
    )
    statistics = "".join(
        f"| `{usage(of, window='n')}` | {of.words.format(metric=_compared(of), window='n')} |\n"
        for of in STATISTICS.values()
    )
    return {
        "statistics": f"| statistic | in words |\n|---|---|\n{statistics}",
        "doc blocks of metrics": "".join(
            f"{{% docs {name} %}}{metric.description} {_missing(metric)}{{% enddocs %}}\n"
            for name, (metric, _) in metrics.items()
        ),
        "metrics": yaml_columns({"name": name, "description": doc} for name, doc in documented.items()),
        "metrics with types": yaml_columns(
            {"name": name, "description": doc, "data_type": "double"} for name, doc in documented.items()
        ),
        "metrics and whether they are wrong": yaml_columns(
            column
            for name, doc in documented.items()
            for column in (
                {"name": name, "description": doc},
                {"name": f"{name}__is_wrong", "description": '{{ doc("is_wrong") }}'},
            )
        ),
        "columns that carry metrics": yaml_columns(
            {"name": column, "description": description}
            for column, description in {
                column: metric.description for metric, _ in reversed(metrics.values()) for column in metric.columns
            }.items()
        ),
        "table of metrics": f"| column | unit | of the task | what it is |\n|---|---|---|---|\n{table}",
        "measures": yaml_columns({"name": m.name, "description": '{{ doc("measure") }}'} for m in measures),
        "bounds of measures": yaml_columns(
            {"name": f"{m.name}__{side}", "description": f"Closed {side} bound of the measure."}
            for m in measures
            if m in in_rules
            for side in ("lower", "upper")
        ),
    }


def _findings(curricula: list[Curriculum]) -> str:
    """The checks with their reasons, and what they find in the library, alike findings on one line."""
    lines = [
        "# Checks of curricula",
        "",
        "Written by `make curricula`. An error keeps the library from being compiled; a warning is for its author.",
        "",
        "| check | severity | why it matters | what to do |",
        "|---|---|---|---|",
        *(f"| {name} | {of.severity} | {of.reason} | {of.advice} |" for name, of in CHECKS.items()),
        "",
        "How files are read, and what they may hold, stands in [curricula.md](curricula.md#what-a-file-may-say).",
        "",
        "Reasoning is exact over the intervals of the rules' clauses; measures are taken as independent of each other.",
        "",
        "## What the library's curricula have carried for years",
        "",
        "Released values never change, so these stay; the next version may fix them.",
        "",
        "| finding | stage | rule | in |",
        "|---|---|---|---|",
    ]
    found: dict[tuple[str, str, int, str], dict[str, list[str]]] = {}
    for curriculum in curricula:
        for of in check(curriculum):
            names = found.setdefault((of.check, of.stage, of.rule, of.problem), {})
            names.setdefault(curriculum.name, []).append(curriculum.version)
    for (name, stage, rule, problem), names in sorted(found.items()):
        versions = "; ".join(f"{of} {', '.join(of_it)}" for of, of_it in names.items())
        lines.append(f"| {name}: {problem} | {stage} | {rule or ''} | {versions} |")
    return "\n".join(lines) + "\n"


def _comes_from(metric: Metric) -> str:
    """The columns that carry a metric, or what it is computed of."""
    return " or ".join(f"`{column}`" for column in metric.columns) or f"{metric.name}: `{metric.formula}`"


def _missing(metric: Metric) -> str:
    if metric.formula:
        return f"It is {metric.formula}; missing where a part of it is, or where it would divide by zero."
    return "Missing where none was recorded."


def _compared(of: Statistic) -> str:
    return "metric ≥ number" if of.takes_comparison else "metric"


def list_macro(name: str, entries: list[dict[str, Any]], source: str) -> str:
    """A macro that returns a list; `source` is where its entries come from."""
    lines = "\n".join(f"    {entry!r}," for entry in entries)
    return (
        f"{{# Written by `make curricula` from {source}: never edited by hand. #}}\n"
        f"{{% macro {name}() %}}\n{{% do return([\n{lines}\n]) %}}\n{{% endmacro %}}\n"
    )


def write(files: dict[str, str]) -> list[str]:
    """Write the generated files that are not up to date, and return their paths below the project's root."""
    changed = []
    for name, text in files.items():
        path = ROOT / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
            changed.append(name)
    return changed
