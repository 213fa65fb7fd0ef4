"""What a curriculum is: stages in their order, each with the task's parameters and its transition rules."""

import math
import re
import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializeAsAny,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from curricula.conditions import Clause, Condition, clauses, parse
from curricula.errors import closest, shown, unknown
from curricula.expressions import Expression, parse_policy
from curricula.task_problems import problems
from curricula.tasks import TASKS, Parameters, Task
from curricula.tasks.base import number_fields

LARGEST = 2**53
STAGE_NAME = r"[A-Za-z][A-Za-z0-9_]{0,59}"
ABSORBING = {task.end for task in TASKS.values() if task.end}
"""Ends of the tasks that fix their stages: a mouse that a rig reports there stays, whatever its curriculum."""


class Decision(StrEnum):
    """What a rule decides."""

    STAY = "STAY"
    PROGRESS = "PROGRESS"
    ROLLBACK = "ROLLBACK"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, ignored_types=(cached_property,))


def _context(info: ValidationInfo) -> Mapping[str, Any]:
    if info.context is None:
        raise ValueError("stages and rules are read as part of a curriculum, whose task says what is allowed")
    context: Mapping[str, Any] = info.context
    return context


Words = Annotated[str, AfterValidator(lambda text: " ".join(text.split()))]
"""Text for people, on one line."""


class TransitionRule(_Strict):
    """One rule of a stage: where to go when its condition holds."""

    decision: Decision
    to_stage: str
    condition: str
    note: Words = ""

    @field_validator("condition")
    @classmethod
    def _is_of_the_language(cls, text: str, info: ValidationInfo) -> str:
        clauses(parse(text, _context(info)["metrics"]))
        return text

    def parsed(self, task: Task) -> Condition:
        """The condition as typed comparisons."""
        return parse(self.condition, task.names)

    def clauses(self, task: Task) -> list[Clause]:
        """The condition as clauses; see `conditions.clauses`."""
        return clauses(self.parsed(task))


class Stage(_Strict):
    """One stage: what the rig is told, and the rules tried in their order; if none holds, the mouse stays."""

    label: Words = ""
    parameters: SerializeAsAny[Parameters]
    policies: dict[str, str] = {}
    rules: tuple[TransitionRule, ...] = ()
    description: Words = ""

    @field_validator("parameters", mode="wrap")
    @classmethod
    def _are_the_tasks(cls, values: Any, _: Any, info: ValidationInfo) -> Parameters:
        model: type[Parameters] = _context(info)["parameters"]
        return model.model_validate(values, strict=True)

    @field_validator("policies")
    @classmethod
    def _are_of_its_parameters(cls, policies: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        parameters = info.data.get("parameters")
        if parameters is None:  # whose own problems are said already
            return policies
        model: type[Parameters] = type(parameters)
        numbers = number_fields(model)
        for name, text in policies.items():
            if name not in model.model_fields:
                raise ValueError(f"{name} {unknown(name, numbers)}")
            if name not in numbers:
                raise ValueError(f"{name} is not a number; numbers are {', '.join(numbers)}")
            if getattr(parameters, name) is None:
                raise ValueError(
                    f"{name} has no value of its own at this stage, which holds where the policy gives none: "
                    f"give it one in parameters"
                )
            try:
                parse_policy(text, _context(info)["metrics"])
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        return dict(sorted(policies.items()))

    @property
    def values(self) -> dict[str, Any]:
        """Its parameters as plain values; those that it does not have are left out."""
        return self.parameters.model_dump(mode="json", exclude_none=True)

    def parsed_policies(self, task: Task) -> dict[str, Expression]:
        """Its policies as typed expressions."""
        return {name: parse_policy(text, task.names) for name, text in self.policies.items()}


def _check_values(value: Any, path: tuple[str, ...]) -> None:
    """Refuse numbers that JSON, and thereby a rig, cannot hold exactly, and characters that would act on a terminal.

    Raises:
        ValueError: there is one; names its path.
    """
    if isinstance(value, Mapping):
        for name, part in value.items():
            _check_values(part, (*path, str(name)))
    elif isinstance(value, list | tuple):
        for number, part in enumerate(value, 1):
            _check_values(part, (*path, str(number)))
    elif isinstance(value, str):
        for character in value:
            if unicodedata.category(character) in ("Cc", "Cs") and not character.isspace():
                raise ValueError(f"{', '.join(path)}: the character {character!a} is not allowed in a text")
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{', '.join(path)}: {value} is not a number that a rig can take")
    elif isinstance(value, int) and abs(value) > LARGEST:
        raise ValueError(f"{', '.join(path)}: a whole number beyond 2 ** 53 is too large for a rig")


def _is_text(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ValueError(f'write it in quotes, "{shown(value)}": a version is a text')
    return value


Version = Annotated[
    str, BeforeValidator(_is_text), StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)*[A-Za-z0-9]*$", max_length=40)
]


class Curriculum(_Strict):
    """A training curriculum. Its key is (name, version, schema_version), compared as exact texts."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _-]*$", max_length=80)]
    version: Version
    schema_version: Version
    task: str
    description: Words = ""
    stages: dict[str, Stage] = Field(min_length=1)

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> "Curriculum":
        """Validate plain values, with each stage's parameters and conditions read by the task's own definitions.

        Raises:
            ValueError: the task or its schema version is unknown.
            pydantic.ValidationError: anything else that is wrong.
        """
        task = TASKS.get(str(values.get("task")))
        if task is None:
            raise ValueError(f"task {shown(values.get('task'))} {unknown(values.get('task'), TASKS)}")
        if found := problems(task):
            raise ValueError("; ".join(found))
        parameters = task.parameters.get(str(values.get("schema_version")))
        if parameters is None:
            allowed = ", ".join(f'"{version}"' for version in task.parameters)
            raise ValueError(f"schema_version {shown(values.get('schema_version'))} is unknown; allowed: {allowed}")
        _check_values(values, ())
        context = {
            "parameters": parameters,
            "metrics": task.names,
            "stages": task.stages,
        }
        return cls.model_validate(dict(values), context=context)

    @model_validator(mode="before")
    @classmethod
    def _has_stages_of_the_task(cls, values: Any, info: ValidationInfo) -> Any:
        fixed: Mapping[str, str] | None = _context(info)["stages"]
        stages = values.get("stages") if isinstance(values, Mapping) else None
        if fixed is not None and isinstance(stages, Mapping):
            for name in stages:
                if name not in fixed:
                    raise ValueError(f"stage {shown(name).strip(chr(39))}: {shown(name)} {unknown(name, fixed)}")
        return values

    @field_validator("stages")
    @classmethod
    def _in_order_of_training(cls, stages: dict[str, Stage], info: ValidationInfo) -> dict[str, Stage]:
        fixed: Mapping[str, str] | None = _context(info)["stages"]
        if fixed is None:
            return stages
        return {name: stages[name] for name in fixed if name in stages}

    @model_validator(mode="after")
    def _names_its_stages(self) -> "Curriculum":
        for name, stage in self.stages.items():
            if self.task_definition.stages is not None:
                if stage.label:
                    raise ValueError(f"stage {name}: label: the task {self.task} fixes the labels of its stages")
                continue
            if not re.fullmatch(STAGE_NAME, name):
                raise ValueError(
                    f"stage {shown(name)}: a stage's name has letters, digits and _, begins with a letter and has at "
                    f"most 60 characters; what people read is its label"
                )
            if name == "None":
                raise ValueError("stage 'None': df_behavior says None where there is no stage: choose another name")
            if name in ABSORBING:
                raise ValueError(f"stage {name} is the end of tasks that fix their stages: choose another name")
            if "rules" not in stage.model_fields_set:
                raise ValueError(f"stage {name}: rules are missing; write `rules: []` where a mouse stays for good")
        for words in (self.label, self.called):
            labels = [words(name) for name in self.stages]
            if twice := [label for label in labels if labels.count(label) > 1]:
                raise ValueError(f"two stages have the label {twice[0]!r}")
        return self

    @model_validator(mode="after")
    def _rules_lead_to_its_stages(self) -> "Curriculum":
        allowed = list(dict.fromkeys([*self.stages, *([self.task_definition.end] if self.task_definition.end else [])]))
        for name, stage in self.stages.items():
            for number, rule in enumerate(stage.rules, 1):
                if rule.to_stage not in allowed:
                    raise ValueError(
                        f"stage {name}, rule {number}: to_stage {rule.to_stage} is not a stage of this "
                        f"curriculum{closest(rule.to_stage, self.stages)}; allowed: {', '.join(allowed)}"
                    )
                if (rule.decision is Decision.STAY) != (rule.to_stage == name):
                    raise ValueError(
                        f"stage {name}, rule {number}: {rule.decision} to {rule.to_stage}; "
                        f"STAY leads to the stage itself, PROGRESS and ROLLBACK lead to another one"
                    )
        return self

    @property
    def key(self) -> tuple[str, str, str]:
        return self.name, self.version, self.schema_version

    @property
    def task_definition(self) -> Task:
        return TASKS[self.task]

    @property
    def first_stage(self) -> str:
        """The stage of session number 1."""
        return next(iter(self.stages))

    def label(self, stage: str) -> str:
        """What people, and the rigs' curriculum JSON, call a stage, e.g. ``Stage 1 w/warmup``."""
        if self.task_definition.stages is not None:
            return self.task_definition.stages[stage]
        return self.stages[stage].label or stage.replace("_", " ").capitalize()

    def called(self, stage: str) -> str:
        """What the page and sentences call a stage: its own label where it has one, else its name."""
        return (self.stages[stage].label if stage in self.stages else "") or stage

    def position(self, stage: str) -> int:
        """Place in the order of training, from 1; a task that fixes its stages counts those that are left out too."""
        return list(self.task_definition.stages or self.stages).index(stage) + 1

    def is_end(self, stage: str) -> bool:
        """Whether a mouse stays there for good."""
        if self.task_definition.stages is not None:
            return stage == self.task_definition.end
        return not self.stages[stage].rules

    @property
    def graduation(self) -> str | None:
        """The end that training leads to: the last stage, where that is one. Other ends are ways out of training."""
        if self.task_definition.stages is not None:
            return self.task_definition.end
        last = list(self.stages)[-1]
        return last if self.is_end(last) else None

    def training_stage(self, stage: str) -> str:
        """The label in a stage's parameters; of the end of a task that fixes its stages that of the stage before it."""
        if stage == self.task_definition.end and len(self.stages) > 1:
            return self.label(list(self.stages)[-2])
        return self.label(stage)
