"""Curricula as aind-behavior-curriculum has them: its JSON of a stage graph, and of each mouse its TrainerState.

That library's rules are functions that are imported by name. Ours are texts: it reads them as functions that it cannot
import, keeps them as they are, and shows them. What it has no words for is listed, not left out in silence.
"""

import json
import re
from typing import Any

from curricula.conditions import Measure, comparisons
from curricula.expressions import measures
from curricula.schema import Curriculum

LIBRARY = "aind-behavior-curriculum"


def semantic_version(version: str) -> str:
    """A version as that library takes it: 2.3 -> 2.3.0, 2.3.1rwdDelay159 -> 2.3.1-rwdDelay159."""
    numbers, rest = re.match(r"([0-9.]*[0-9])(.*)", version).groups()  # type: ignore[union-attr]
    first, second, third, *more = [*(str(int(number)) for number in numbers.split(".")), "0", "0"]
    label = rest if rest or numbers.count(".") < 3 else ".".join(more[:-2])
    return f"{first}.{second}.{third}" + (f"-{label}" if label else "")


def _stage(curriculum: Curriculum, name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    stage = curriculum.stages[name]
    policies = [f"{parameter} = {policy}" for parameter, policy in stage.policies.items()]
    return {
        "name": name,
        "task": {
            "name": curriculum.task,
            "description": stage.description,
            "task_parameters": parameters,
            "version": None,
            "stage_name": name,
        },
        "graph": {"nodes": dict(enumerate(policies)), "graph": {number: [] for number in range(len(policies))}},
        "start_policies": policies,
        "metrics_provider": None,
    }


def to_json(curriculum: Curriculum) -> dict[str, Any]:
    """The curriculum as that library's JSON; rules come in their order, which is their priority."""
    number = {name: place for place, name in enumerate(curriculum.stages)}
    return {
        "pkg_location": "",
        "name": curriculum.name,
        "version": semantic_version(curriculum.version),
        "graph": {
            "nodes": {
                str(number[name]): _stage(curriculum, name, stage.values) for name, stage in curriculum.stages.items()
            },
            "graph": {
                str(number[name]): [
                    [rule.condition, number[rule.to_stage]]
                    for rule in stage.rules
                    if rule.to_stage in number and rule.to_stage != name
                ]
                for name, stage in curriculum.stages.items()
            },
        },
    }


def trainer_state(curriculum: Curriculum, stage: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """What that library's Trainer would have said for the next session of a mouse.

    Args:
        curriculum: of the mouse.
        stage: that it runs next.
        parameters: all of them, with what policies gave.
    """
    of_stage = _stage(curriculum, stage, parameters)
    return {
        "curriculum": to_json(curriculum),
        "stage": of_stage,
        "is_on_curriculum": True,
        "active_policies": of_stage["start_policies"],
    }


def cannot_say(curriculum: Curriculum) -> list[str]:
    """What of the curriculum that library has no words for, each with its place."""
    task, found = curriculum.task_definition, []
    for name, stage in curriculum.stages.items():
        for number, rule in enumerate(stage.rules, 1):
            place = f"{name}, rule {number}"
            found += [
                f"{place}: {of} looks at more than the newest session"
                for of in dict.fromkeys(comparison.measure for comparison in comparisons(rule.parsed(task)))
                if _is_of_history(of)
            ]
            if rule.to_stage == name:
                found.append(f"{place}: a rule to stay, which comes before others: {rule.condition}")
            elif rule.to_stage not in curriculum.stages:
                found.append(f"{place}: leads to {rule.to_stage}, which has no parameters")
        for parameter, policy in stage.parsed_policies(task).items():
            found += [
                f"{name}, policy of {parameter}: {of} looks at more than the newest session"
                for of in dict.fromkeys(measures(policy))
                if _is_of_history(of)
            ]
    return found


def _is_of_history(measure: Measure) -> bool:
    return not measure.metric or measure.window > 1


def states(published: dict[str, Any], library: dict[tuple[str, str, str], Curriculum]) -> dict[str, str]:
    """The TrainerState of every mouse of a `next_session_<manager>.json`, as JSON by subject; None has none."""
    found = {}
    for subject, mouse in published["mice"].items():
        key = mouse["curriculum"]
        curriculum = library.get((key["name"], key["version"], key["schema_version"]))
        if curriculum is not None and mouse["parameters"] is not None:
            state = trainer_state(curriculum, mouse["stage"], mouse["parameters"])
            found[subject] = json.dumps(state, indent=1, ensure_ascii=False)
    return found
