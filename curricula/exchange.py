"""Curricula as the rigs load them: JSON of schema "1.0" and its JSON schema; and back from such JSON.

Condition text is read through Python's syntax tree and never evaluated; anything unknown in it is an error.
"""

import ast
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from curricula.conditions import COUNTERS, MAX_TEXT, Condition, parse, syntax_tree
from curricula.errors import UserError, one_line, shown, unknown
from curricula.problems import Place, in_words
from curricula.schema import Curriculum, Decision
from curricula.statistics import STATISTICS, Statistic
from curricula.tasks import TASKS, Task
from curricula.wording import as_lambda, describe, describe_curriculum, describe_stage
from curricula.wording import in_words as condition_in_words


class ExchangeError(UserError, ValueError):
    """A curriculum JSON that cannot be taken over; the message says where and why, one line per problem."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(map(one_line, problems)))


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
    document: dict[str, Any] = {
        "curriculum_schema_name": task.curriculum_schema_name,
        "curriculum_schema_version": curriculum.schema_version,
        "curriculum_name": curriculum.name,
        "curriculum_version": curriculum.version,
        "curriculum_description": describe_curriculum(curriculum),
        "parameters": {
            curriculum.label(name): {
                "training_stage": curriculum.training_stage(name),
                "description": describe_stage(curriculum, stage),
                **stage.values,
            }
            for name, stage in curriculum.stages.items()
        },
        "curriculum": {
            curriculum.label(name): {
                # where labels are the curriculum's own, this says the name
                "from_stage": curriculum.label(name) if task.stages else name,
                "transition_rules": [
                    {
                        "decision": rule.decision.lower(),
                        "to_stage": curriculum.label(rule.to_stage),
                        "condition": as_lambda(rule.parsed(task)),
                        "condition_description": describe(rule, task),
                    }
                    for rule in stage.rules
                ],
            }
            for name, stage in curriculum.stages.items()
        },
    }
    policies = {curriculum.label(name): stage.policies for name, stage in curriculum.stages.items() if stage.policies}
    if policies:
        document["policies"] = policies
    return json.dumps(document, indent=4, ensure_ascii=False, allow_nan=False) + "\n"


def json_schema(task: Task, schema_version: str) -> str:
    """The JSON schema of a task's curricula."""
    text = {"type": "string"}
    parameters = task.parameters[schema_version].model_json_schema()
    label = {"enum": list(task.stages.values())} if task.stages else text
    parameters["properties"] = {
        "training_stage": label,
        "description": {"type": "string", "default": ""},
        **parameters["properties"],
    }
    parameters["required"] = ["training_stage", *parameters.get("required", [])]
    labels = {"propertyNames": label} if task.stages else {}
    rule = {
        "type": "object",
        "properties": {
            "decision": {"enum": [decision.lower() for decision in Decision]},
            "to_stage": label,
            "condition": {"type": "string", "pattern": "^lambda metrics:"},
            "condition_description": text,
        },
        "required": ["decision", "to_stage", "condition"],
        "additionalProperties": False,
    }
    transitions = {
        "type": "object",
        "properties": {"from_stage": label, "transition_rules": {"type": "array", "items": rule}},
        "required": ["from_stage", "transition_rules"],
        "additionalProperties": False,
    }
    document: dict[str, Any] = {
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
    if not task.stages:
        policies = {"type": "object", "additionalProperties": text}
        document["properties"]["policies"] = {"type": "object", "additionalProperties": policies}
    return json.dumps(document, indent=4) + "\n"


def from_json(text: str) -> Curriculum:
    """Take over a curriculum from the rigs' JSON.

    Raises:
        ExchangeError: the text is not such JSON, or holds anything that is not known here.
    """
    try:
        document = json.loads(text, object_pairs_hook=_each_once)
    except ExchangeError:
        raise
    except (ValueError, RecursionError) as error:
        raise ExchangeError(f"this is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise ExchangeError("this is not a curriculum: a JSON object is expected")
    tasks = {task.curriculum_schema_name: task for task in TASKS.values()}
    name = document.get("curriculum_schema_name")
    task = tasks.get(str(name))
    if task is None:
        raise ExchangeError(f"curriculum_schema_name {shown(name)} {unknown(name, tasks)}")
    values = _values(document, task)
    try:
        curriculum = Curriculum.read(values)
    except ValidationError as error:
        raise ExchangeError(*in_words(error, _known(task, values["schema_version"]))) from None
    except ValueError as error:
        raise ExchangeError(str(error)) from None
    names = _names(document, task)
    for label, parameters in document["parameters"].items():
        expected = curriculum.training_stage(_stage(label, names))
        if parameters["training_stage"] not in (expected, _stage(expected, names)):
            raise ExchangeError(f"{label}: training_stage is {shown(parameters['training_stage'])}, not {expected!r}")
    return _in_its_authors_words(curriculum)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise ExchangeError(f"{shown(twice[0])} is written twice")
    return dict(pairs)


def _known(task: Task, schema_version: Any) -> Callable[[Place], Iterable[str]]:
    def known(place: Place) -> Iterable[str]:
        model = task.parameters.get(str(schema_version))
        return model.model_fields if "parameters" in place and model else ()

    return known


def _in_its_authors_words(curriculum: Curriculum) -> Curriculum:
    """The curriculum without the descriptions that `to_json` makes where its author gave none."""
    bare = {name: stage.model_copy(update={"description": ""}) for name, stage in curriculum.stages.items()}
    stages = {
        name: bare[name] if stage.description == describe_stage(curriculum, bare[name]) else stage
        for name, stage in curriculum.stages.items()
    }
    unsaid = curriculum.model_copy(update={"description": ""})
    words = "" if curriculum.description == describe_curriculum(unsaid) else curriculum.description
    return curriculum.model_copy(update={"stages": stages, "description": words})


def _values(document: dict[str, Any], task: Task) -> dict[str, Any]:
    fields = ("name", "version", "schema_version", "description")
    known = {
        "curriculum_schema_name",
        "parameters",
        "curriculum",
        "policies",
        *(f"curriculum_{field}" for field in fields),
    }
    if others := document.keys() - known:
        raise ExchangeError(*(f"{shown(other)} {unknown(other, sorted(known))}" for other in sorted(others)))
    names = _names(document, task)
    stages: dict[str, Any] = {}
    for label in _object(document, "parameters"):
        own = dict(_object(document["parameters"], label))
        if own.pop("training_stage", None) is None:
            raise ExchangeError(f"{label}: training_stage is missing")
        name = _stage(label, names)
        if name in stages:
            raise ExchangeError(f"{label}: is the same stage as another one here")
        words = own.pop("description", None)
        stages[name] = {"parameters": own, "description": "" if words is None else words}
        if task.stages is None and label != name.replace("_", " ").capitalize():
            stages[name]["label"] = label
    for label, transitions in _object(document, "curriculum").items():
        if not isinstance(transitions, dict):
            raise ExchangeError(f"{label}: a JSON object is expected")
        name = _stage(label, names)
        if _stage(str(transitions.get("from_stage")), names) != name:
            raise ExchangeError(f"{label}: from_stage must be {label!r}, not {shown(transitions.get('from_stage'))}")
        stage = stages.get(name)
        if stage is None:
            raise ExchangeError(f"{label}: has rules but no parameters")
        rules = transitions.get("transition_rules")
        # without rules a stage is an end, which nobody says by leaving them out
        if not isinstance(rules, list):
            raise ExchangeError(f"{label}: transition_rules: a list is expected, not {shown(rules)}")
        stage["rules"] = [_rule(rule, f"{label}, rule {number}", task, names) for number, rule in enumerate(rules, 1)]
    policies = {} if document.get("policies") is None else _object(document, "policies")
    for label in policies:
        stages.setdefault(_stage(label, names), {})["policies"] = _object(policies, label)
    words = document.get("curriculum_description")
    return {
        "name": document.get("curriculum_name"),
        "version": document.get("curriculum_version"),
        "schema_version": document.get("curriculum_schema_version"),
        "description": "" if words is None else words,
        "task": task.name,
        "stages": stages,
    }


def _object(document: dict[str, Any], name: str) -> dict[str, Any]:
    value = document.get(name)
    if not isinstance(value, dict):
        raise ExchangeError(f"{name}: a JSON object is expected")
    return value


def _names(document: dict[str, Any], task: Task) -> dict[str, str]:
    """Name of each stage by its label; where labels are the curriculum's own, `from_stage` says the name."""
    if task.stages is not None:
        return {label: name for name, label in task.stages.items()}
    return {
        label: str(transitions["from_stage"])
        for label, transitions in _object(document, "curriculum").items()
        if isinstance(transitions, dict) and transitions.get("from_stage")
    }


def _stage(label: str, names: Mapping[str, str]) -> str:
    """A stage by its label, or by its name."""
    if label in names:
        return names[label]
    if label in names.values():
        return label
    raise ExchangeError(f"stage {shown(label)} {unknown(label, names)}")


RULE = ("decision", "to_stage", "condition", "condition_description")


def _rule(rule: Any, where: str, task: Task, names: Mapping[str, str]) -> dict[str, Any]:
    if isinstance(rule, list) and len(rule) in (3, 4):  # what JSON makes of a named tuple
        rule = dict(zip(RULE, rule, strict=False))
    if not isinstance(rule, dict) or rule.keys() - set(RULE):
        raise ExchangeError(f"{where}: a JSON object with {', '.join(RULE)} is expected")
    decision, to_stage = str(rule.get("decision")).upper(), str(rule.get("to_stage"))
    if decision not in list(Decision):
        raise ExchangeError(f"{where}: decision {shown(decision)} {unknown(decision, list(Decision))}")
    try:
        condition = from_lambda(str(rule.get("condition")), task.names)
        return {
            "decision": Decision(decision),
            "to_stage": _stage(to_stage, names),
            "condition": str(condition),
            "note": _note(rule.get("condition_description"), condition),
        }
    except ValueError as error:
        raise ExchangeError(f"{where}: {error}") from None


def _note(description: Any, condition: Condition) -> str:
    """The author's note in a description that `to_json` made; other words about a rule come from the rule itself."""
    words = f"{condition_in_words(condition)} ("
    is_ours = isinstance(description, str) and description.startswith(words) and description.endswith(")")
    return description[len(words) : -1] if is_ours else ""


def from_lambda(text: str, metrics: list[str]) -> Condition:
    """Read a condition's lambda text through the syntax tree; nothing is evaluated.

    It may run over several lines, with comments.

    Raises:
        ValueError: the text is not a lambda of metrics, or has anything that is not known here.
    """
    if len(text) > MAX_TEXT:
        raise ExchangeError(f"{text[:80]!r}… is longer than {MAX_TEXT} characters")
    try:
        # in parentheses line ends mean nothing
        return _from_lambda(text, syntax_tree(f"(\n{text}\n)"), metrics)
    except SyntaxError as error:
        problem = error.msg.replace("(<unknown>, line", "(line")
        raise ExchangeError(f"{' '.join(text.split())[:80]!r} is not an expression: {problem}") from None
    except (RecursionError, MemoryError):
        raise ExchangeError(f"{text[:80]!r}… is nested too deep") from None


def _from_lambda(text: str, tree: ast.expr, metrics: list[str]) -> Condition:
    shown_text = repr(" ".join(text.split())[:80])
    arguments = [argument.arg for argument in tree.args.args] if isinstance(tree, ast.Lambda) else []
    if len(arguments) != 1 or not isinstance(tree, ast.Lambda) or ast.unparse(tree.args) != arguments[0]:
        raise ExchangeError(f"{shown_text} is not a lambda of one argument")
    for node in ast.walk(tree.body):
        if isinstance(node, ast.Name) and node.id not in (arguments[0], *MODULES):
            raise ExchangeError(f"unknown name {node.id!r} in {shown_text}; allowed: {arguments[0]}, np")
    return parse(ast.unparse(_Rewriter(arguments[0]).visit(_Spelling().visit(tree.body))), metrics)


MODULES = ("np", "numpy")
FUNCTIONS = {"average": "mean", "amin": "min", "amax": "max"}
MIRRORED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.Gt,
    ast.LtE: ast.GtE,
    ast.Gt: ast.Lt,
    ast.GtE: ast.LtE,
    ast.Eq: ast.Eq,
    ast.NotEq: ast.NotEq,
}


class _Spelling(ast.NodeTransformer):
    """Spells alike what means the same: numpy.average(x) as np.mean(x), 200 <= x as x >= 200."""

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name("np") if node.id == "numpy" else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.Attribute:
        value = self.visit(node.value)
        is_numpy = isinstance(value, ast.Name) and value.id == "np"
        return ast.Attribute(value, FUNCTIONS.get(node.attr, node.attr) if is_numpy else node.attr)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        mirrored = MIRRORED.get(type(node.ops[0]))
        if len(node.ops) == 1 and mirrored and isinstance(node.left, ast.Constant | ast.UnaryOp):
            return ast.Compare(node.comparators[0], [mirrored()], [node.left])
        return node


class _Rewriter(ast.NodeTransformer):
    """Puts the condition language in place of the code of statistics, such as ``np.mean(metrics.x[-5:])``.

    What it does not know it leaves, and the condition language refuses it.
    """

    def __init__(self, argument: str) -> None:
        self.argument = argument

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.expr):
            for statistic in STATISTICS.values():
                for operator in (">=", "!=") if statistic.takes_comparison else ("",):
                    if (found := _as_code_of(statistic, operator, node, self.argument)) is not None:
                        return found
        if isinstance(node, ast.Attribute) and node.attr in COUNTERS and ast.unparse(node.value) == self.argument:
            return ast.Name(node.attr)
        return super().generic_visit(node)


def _as_code_of(statistic: Statistic, operator: str, node: ast.expr, argument: str) -> ast.expr | None:
    """The call that a piece of code means, if it is the statistic's code for some metric, window and comparison."""
    written = statistic.code_of(operator, "77").format(metric="METRIC", window=99)
    code = re.escape(ast.unparse(ast.parse(written, mode="eval")))
    code = code.replace("METRIC", rf"{re.escape(argument)}\.(?P<metric>\w+)").replace("99", r"(?P<window>\d+)")
    # all signs but != are written alike
    code = code.replace(re.escape(">= 77"), r"(?P<operator>[<>=!]+) 77").replace("77", r"(?P<threshold>[-+.\w]+)")
    match = re.fullmatch(code, ast.unparse(node))
    if match is None:
        return None
    of = {"operator": operator} | match.groupdict()
    text = statistic.call(
        f"{of['metric']} {of['operator']} {of['threshold']}" if operator else of["metric"], of.get("window", "")
    )
    return ast.parse(text, mode="eval").body
