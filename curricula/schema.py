"""What a curriculum is: stages in their order, each with the task's parameters and its transition rules."""

import math
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
from curricula.tasks import TASKS, Parameters, Task

LARGEST = 2**53


class StageName(StrEnum):
    """The stages a rig knows, in the order of training. `GRADUATED` absorbs."""

    STAGE_1_WARMUP = "STAGE_1_WARMUP"
    STAGE_1 = "STAGE_1"
    STAGE_2 = "STAGE_2"
    STAGE_3 = "STAGE_3"
    STAGE_4 = "STAGE_4"
    STAGE_5 = "STAGE_5"
    STAGE_FINAL = "STAGE_FINAL"
    GRADUATED = "GRADUATED"

    @property
    def label(self) -> str:
        """As the rigs' curriculum JSON calls the stage, e.g. ``Stage 1 w/warmup``."""
        return "Stage 1 w/warmup" if self is StageName.STAGE_1_WARMUP else self.value.replace("_", " ").capitalize()

    @property
    def position(self) -> int:
        """Place in the order of training, from 1."""
        return list(StageName).index(self) + 1


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
    to_stage: StageName
    condition: str
    note: Words = ""

    @field_validator("condition")
    @classmethod
    def _is_of_the_language(cls, text: str, info: ValidationInfo) -> str:
        clauses(parse(text, _context(info)["metrics"]))
        return text

    def parsed(self, task: Task) -> Condition:
        """The condition as typed comparisons."""
        return parse(self.condition, [metric.name for metric in task.metrics])

    def clauses(self, task: Task) -> list[Clause]:
        """The condition as clauses; see `conditions.clauses`."""
        return clauses(self.parsed(task))


class Stage(_Strict):
    """One stage: what the rig is told, and the rules tried in their order; if none holds, the mouse stays."""

    parameters: SerializeAsAny[Parameters]
    rules: tuple[TransitionRule, ...] = ()
    description: Words = ""

    @field_validator("parameters", mode="wrap")
    @classmethod
    def _are_the_tasks(cls, values: Any, _: Any, info: ValidationInfo) -> Parameters:
        model: type[Parameters] = _context(info)["parameters"]
        return model.model_validate(values, strict=True)


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
    stages: dict[StageName, Stage] = Field(min_length=1)

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
        parameters = task.parameters.get(str(values.get("schema_version")))
        if parameters is None:
            allowed = ", ".join(f'"{version}"' for version in task.parameters)
            raise ValueError(f"schema_version {shown(values.get('schema_version'))} is unknown; allowed: {allowed}")
        _check_values(values, ())
        context = {"parameters": parameters, "metrics": [metric.name for metric in task.metrics]}
        return cls.model_validate(dict(values), context=context)

    @field_validator("stages")
    @classmethod
    def _in_order_of_training(cls, stages: dict[StageName, Stage]) -> dict[StageName, Stage]:
        return dict(sorted(stages.items(), key=lambda item: item[0].position))

    @model_validator(mode="after")
    def _rules_lead_to_its_stages(self) -> "Curriculum":
        for name, stage in self.stages.items():
            for number, rule in enumerate(stage.rules, 1):
                if rule.to_stage not in self.stages and rule.to_stage is not StageName.GRADUATED:
                    raise ValueError(
                        f"stage {name}, rule {number}: to_stage {rule.to_stage} is not a stage of this "
                        f"curriculum{closest(rule.to_stage, self.stages)}; "
                        f"allowed: {', '.join(self.stages)}, {StageName.GRADUATED}"
                    )
                if (rule.decision is Decision.STAY) != (rule.to_stage is name):
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
    def first_stage(self) -> StageName:
        """The stage of session number 1."""
        return next(iter(self.stages))

    def training_stage(self, stage: StageName) -> str:
        """The label in a stage's parameters; a graduated mouse runs what the last stage before it runs."""
        if stage is StageName.GRADUATED and len(self.stages) > 1:
            return list(self.stages)[-2].label
        return stage.label
