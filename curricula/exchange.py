"""Curricula as the rigs load them: JSON of schema "1.0" and its JSON schema; and back from such JSON.

Condition text is read through Python's syntax tree and never evaluated; anything unknown in it is an error.
"""

import ast
import json
import re
from typing import Any

from pydantic import ValidationError

from curricula.conditions import COUNTERS, MAX_TEXT, Condition, parse
from curricula.errors import UserError
from curricula.schema import Curriculum, Decision, StageName
from curricula.statistics import STATISTICS, Statistic
from curricula.tasks import TASKS, Task
from curricula.wording import as_lambda, describe

LABELS = {stage.label: stage for stage in StageName}


class ExchangeError(UserError, ValueError):
    """A curriculum JSON that cannot be taken over; the message says where and why."""


def file_name(curriculum: Curriculum) -> str:
    """Name of the curriculum's JSON below ``saved_curriculums``."""
    name, version, schema_version = curriculum.key
    return f"{name}_curriculum_v{version}_schema_v{schema_version}.json"


def schema_file_name(task: Task, schema_version: str) -> str:
    """Name of the JSON schema beside the curricula."""
    return f"{task.curriculum_schema_name}_v{schema_version}.json"


def to_json(curriculum: Curriculum) -> str:
    """The curriculum as the rigs' readers take it: parameters and rules by the stages' labels."""
    task = curriculum.task_definition
    document = {
        "curriculum_schema_name": task.curriculum_schema_name,
        "curriculum_schema_version": curriculum.schema_version,
        "curriculum_name": curriculum.name,
        "curriculum_version": curriculum.version,
        "curriculum_description": curriculum.description,
        "parameters": {
            name.label: {
                "training_stage": curriculum.training_stage(name),
                "description": "",
                **stage.parameters.model_dump(mode="json"),
            }
            for name, stage in curriculum.stages.items()
        },
        "curriculum": {
            name.label: {
                "from_stage": name.label,
                "transition_rules": [
                    {
                        "decision": rule.decision.lower(),
                        "to_stage": rule.to_stage.label,
                        "condition": as_lambda(rule.parsed(task)),
                        "condition_description": describe(rule, task),
                    }
                    for rule in stage.rules
                ],
            }
            for name, stage in curriculum.stages.items()
        },
    }
    return json.dumps(document, indent=4, ensure_ascii=False) + "\n"


def json_schema(task: Task, schema_version: str) -> str:
    """The JSON schema of a task's curricula."""
    parameters = task.parameters[schema_version].model_json_schema()
    parameters["properties"] = {
        "training_stage": {"enum": list(LABELS)},
        "description": {"type": "string", "default": ""},
        **parameters["properties"],
    }
    parameters["required"] = ["training_stage", *parameters.get("required", [])]
    labels = {"propertyNames": {"enum": list(LABELS)}}
    text = {"type": "string"}
    rule = {
        "type": "object",
        "properties": {
            "decision": {"enum": [decision.lower() for decision in Decision]},
            "to_stage": {"enum": list(LABELS)},
            "condition": {"type": "string", "pattern": "^lambda metrics:"},
            "condition_description": text,
        },
        "required": ["decision", "to_stage", "condition"],
        "additionalProperties": False,
    }
    transitions = {
        "type": "object",
        "properties": {"from_stage": {"enum": list(LABELS)}, "transition_rules": {"type": "array", "items": rule}},
        "required": ["from_stage", "transition_rules"],
        "additionalProperties": False,
    }
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": task.curriculum_schema_name,
        "type": "object",
        "properties": {
            "curriculum_schema_name": {"const": task.curriculum_schema_name},
            "curriculum_schema_version": {"const": schema_version},
            "curriculum_name": text,
            "curriculum_version": text,
            "curriculum_description": text,
            "parameters": {"type": "object", **labels, "additionalProperties": parameters},
            "curriculum": {"type": "object", **labels, "additionalProperties": transitions},
        },
        "required": [
            "curriculum_schema_name",
            "curriculum_schema_version",
            "curriculum_name",
            "curriculum_version",
            "parameters",
            "curriculum",
        ],
        "additionalProperties": False,
    }
    return json.dumps(document, indent=4) + "\n"


def from_json(text: str) -> Curriculum:
    """Take over a curriculum from the rigs' JSON.

    Raises:
        ExchangeError: the text is not such JSON, or holds anything that is not known here.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ExchangeError(f"this is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise ExchangeError("this is not a curriculum: a JSON object is expected")
    tasks = {task.curriculum_schema_name: task for task in TASKS.values()}
    task = tasks.get(str(document.get("curriculum_schema_name")))
    if task is None:
        name = document.get("curriculum_schema_name")
        raise ExchangeError(f"curriculum_schema_name {name!r} is unknown; allowed: {', '.join(tasks)}")
    try:
        curriculum = Curriculum.read(_values(document, task))
    except ValidationError as error:
        problems = (f"{'.'.join(map(str, e['loc']))}: {e['msg'].removeprefix('Value error, ')}" for e in error.errors())
        raise ExchangeError("\n".join(problems)) from None
    except ValueError as error:
        raise ExchangeError(str(error)) from None
    for label, parameters in document["parameters"].items():
        expected = curriculum.training_stage(LABELS[label])
        if parameters["training_stage"] != expected:
            raise ExchangeError(f"{label}: training_stage is {parameters['training_stage']!r}, not {expected!r}")
    return curriculum


def _values(document: dict[str, Any], task: Task) -> dict[str, Any]:
    fields = ("name", "version", "schema_version", "description")
    known = {"curriculum_schema_name", "parameters", "curriculum", *(f"curriculum_{field}" for field in fields)}
    if unknown := document.keys() - known:
        raise ExchangeError(f"unknown: {', '.join(sorted(unknown))}; allowed: {', '.join(sorted(known))}")
    stages: dict[str, Any] = {}
    for label in _object(document, "parameters"):
        own = dict(_object(document["parameters"], label))
        if own.pop("training_stage", None) is None:
            raise ExchangeError(f"{label}: training_stage is missing")
        own.pop("description", None)
        stages[_stage(label)] = {"parameters": own, "rules": []}
    for label, transitions in _object(document, "curriculum").items():
        if not isinstance(transitions, dict) or transitions.get("from_stage") != label:
            raise ExchangeError(f"{label}: from_stage must be {label!r}")
        stage = stages.get(_stage(label))
        if stage is None:
            raise ExchangeError(f"{label}: has rules but no parameters")
        for number, rule in enumerate(transitions.get("transition_rules") or [], 1):
            stage["rules"].append(_rule(rule, f"{label}, rule {number}", task))
    return {
        "name": document.get("curriculum_name"),
        "version": document.get("curriculum_version"),
        "schema_version": document.get("curriculum_schema_version"),
        "description": document.get("curriculum_description") or "",
        "task": task.name,
        "stages": stages,
    }


def _object(document: dict[str, Any], name: str) -> dict[str, Any]:
    value = document.get(name)
    if not isinstance(value, dict):
        raise ExchangeError(f"{name}: a JSON object is expected")
    return value


def _stage(label: str) -> StageName:
    if label not in LABELS:
        raise ExchangeError(f"stage {label!r} is unknown; allowed: {', '.join(LABELS)}")
    return LABELS[label]


def _rule(rule: Any, where: str, task: Task) -> dict[str, Any]:
    known = {"decision", "to_stage", "condition", "condition_description"}
    if not isinstance(rule, dict) or rule.keys() - known:
        raise ExchangeError(f"{where}: a JSON object with {', '.join(sorted(known))} is expected")
    try:
        condition = from_lambda(str(rule.get("condition")), [metric.name for metric in task.metrics])
        return {
            "decision": Decision(str(rule.get("decision")).upper()),
            "to_stage": _stage(str(rule.get("to_stage"))),
            "condition": str(condition),
        }
    except ValueError as error:
        raise ExchangeError(f"{where}: {error}") from None


def from_lambda(text: str, metrics: list[str]) -> Condition:
    """Read a condition's lambda text through the syntax tree; nothing is evaluated.

    Raises:
        ValueError: the text is not a lambda of metrics, or has anything that is not known here.
    """
    if len(text) > MAX_TEXT:
        raise ExchangeError(f"{text[:80]!r}… is longer than {MAX_TEXT} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ExchangeError(f"{text[:80]!r} is not an expression") from None
    arguments = [argument.arg for argument in tree.args.args] if isinstance(tree, ast.Lambda) else []
    if len(arguments) != 1 or not isinstance(tree, ast.Lambda) or ast.unparse(tree.args) != arguments[0]:
        raise ExchangeError(f"{text[:80]!r} is not a lambda of one argument")
    for node in ast.walk(tree.body):
        if isinstance(node, ast.Name) and node.id not in (arguments[0], "np"):
            raise ExchangeError(f"unknown name {node.id!r} in {text[:80]!r}; allowed: {arguments[0]}, np")
    rewritten = _Rewriter(arguments[0]).visit(tree.body)
    return parse(ast.unparse(rewritten), metrics)


class _Rewriter(ast.NodeTransformer):
    """Puts the condition language in place of the code of statistics, such as ``np.mean(metrics.x[-5:])``.

    What it does not know it leaves, and the condition language refuses it.
    """

    def __init__(self, argument: str) -> None:
        self.argument = argument

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.expr):
            for statistic in STATISTICS.values():
                if (found := _as_code_of(statistic, node, self.argument)) is not None:
                    return found
        if isinstance(node, ast.Attribute) and node.attr in COUNTERS and ast.unparse(node.value) == self.argument:
            return ast.Name(node.attr)
        return super().generic_visit(node)


def _as_code_of(statistic: Statistic, node: ast.expr, argument: str) -> ast.expr | None:
    """The call that a piece of code means, if it is the statistic's code for some metric and window."""
    code = re.escape(ast.unparse(ast.parse(statistic.code.format(metric="METRIC", window=99), mode="eval")))
    code = code.replace("METRIC", rf"{re.escape(argument)}\.(?P<metric>\w+)").replace("99", r"(?P<window>\d+)")
    match = re.fullmatch(code, ast.unparse(node))
    if match is None:
        return None
    text = statistic.call(match["metric"], match.groupdict().get("window", ""))
    return ast.parse(text, mode="eval").body
