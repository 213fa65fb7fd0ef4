"""Curricula as people write them: one YAML file per version, short because it says only what differs.

starts_from: coupled_baiting/v2.2     # optional: begin with all that this version has
version: "2.3"
parameters: {MaxTime: 75}             # optional: for every stage
stages:
  STAGE_2:
    label: Longer blocks              # optional: what people call it, where the task does not fix that
    description: Longer blocks.       # optional: what the stage is for
    parameters_from: STAGE_1          # optional: begin with this stage's parameters
    parameters: {warmup: "off"}       # what differs
    policies: {...}                   # parameters that follow performance: what differs
    rules: [...]                      # in place of those of the version it starts from
  STAGE_4: null                       # a stage that this version does not have
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from curricula import strict_yaml
from curricula.errors import UserError, closest, one_line, shown
from curricula.problems import Place, in_words
from curricula.schema import Curriculum, TransitionRule
from curricula.tasks import TASKS, Parameters
from curricula.tasks.base import number_fields

LIBRARY = Path(__file__).with_name("library")


class CurriculumError(UserError):
    """A curriculum file that is refused.

    Attributes:
        problems: one text per problem, each naming stage, rule and field where it has them.
    """

    def __init__(self, file: Path, problems: list[str]) -> None:
        self.file, self.problems = file, problems
        place = one_line(f"{file.parent.name}/{file.name}")
        super().__init__("\n".join(f"{place}: {one_line(problem)}" for problem in problems))


class _StageDocument(BaseModel):
    model_config = ConfigDict(extra="forbid")

    label: str | None = None
    parameters_from: str | None = None
    parameters: dict[str, Any] = {}
    policies: dict[str, str | None] = {}
    rules: list[Any] | None = None
    description: str | None = None


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid")

    starts_from: str | None = None
    name: str | None = None
    version: Any
    schema_version: Any = None
    task: str | None = None
    description: str = ""
    parameters: dict[str, Any] = {}
    stages: dict[str, _StageDocument | None] = {}


def folder_name(name: str) -> str:
    """The library folder of a curriculum name: ``Coupled Baiting`` -> ``coupled_baiting``."""
    return name.lower().replace(" ", "_")


def load_library(folder: Path = LIBRARY) -> list[Curriculum]:
    """Every curriculum of a library folder, by name and then by version.

    Raises:
        CurriculumError: the first file that is refused.
    """
    files = _files(folder)
    curricula = dict(zip(files, map(load, files), strict=True))
    _check_names(curricula)
    return sorted(curricula.values(), key=in_order)


def _check_names(curricula: Mapping[Path, Curriculum]) -> None:
    """Refuse names that people, or the file systems of Macs and Windows, take for one another."""
    names: dict[str, str] = {}
    places: dict[str, Path] = {}
    for path, curriculum in curricula.items():
        name = names.setdefault(folder_name(curriculum.name).casefold(), curriculum.name)
        if name != curriculum.name:
            raise CurriculumError(path, [f"name: {curriculum.name!r} differs from {name!r} by its spelling only"])
        place = f"{path.parent.name}/{path.stem}".casefold()
        other = places.setdefault(place, path)
        if other != path:
            raise CurriculumError(
                path, [f"{other.parent.name}/{other.name} is there too, with the same name and version"]
            )


def load_named(names: Iterable[tuple[str, str]], folder: Path = LIBRARY) -> list[Curriculum]:
    """The curricula of a library folder that have these names and versions; what it does not have is left out.

    Raises:
        CurriculumError: the first of their files that is refused.
    """
    wanted = {(folder_name(name), f"v{version}") for name, version in names}
    # no path is made of a name: names may come from tables
    paths = (path for path in _files(folder) if (path.parent.name, path.stem) in wanted)
    return sorted(map(load, paths), key=in_order)


def places(folder: Path = LIBRARY) -> list[str]:
    """The places of a library that have a file, readable or not: ``coupled_baiting/v2.3``."""
    return [f"{file.parent.name}/{file.stem}" for file in _files(folder)]


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/*.y*ml"))


def in_order(curriculum: Curriculum) -> tuple[Any, ...]:
    """Sorts curricula by name and then by version, as people count."""
    return curriculum.name, list(_natural(curriculum.version)), curriculum.key


def _natural(version: str) -> Iterator[tuple[int, str]]:
    for part in version.split("."):
        digits = len(part) - len(part.lstrip("0123456789"))
        yield int(part[:digits] or 0), part[digits:]


def load(path: Path) -> Curriculum:
    """One curriculum from its file, which stands in a library (for `starts_from`).

    Raises:
        CurriculumError: the file is refused; names every problem with its stage and rule.
    """
    return _load(path, ())


def _load(path: Path, descendants: tuple[Path, ...]) -> Curriculum:
    if path in descendants:
        raise CurriculumError(path, ["starts_from leads back to this file"])
    try:
        document = _Document.model_validate(strict_yaml.read(path.read_bytes()), strict=False)
    except OSError as error:
        raise CurriculumError(path, [f"cannot be read: {(error.strerror or 'unknown reason').lower()}"]) from None
    except strict_yaml.YamlError as error:
        raise CurriculumError(path, error.problems) from None
    except ValidationError as error:
        raise CurriculumError(path, in_words(error, _known(None, None))) from None

    base = None
    if document.starts_from is not None:
        # no path is made of the text
        places = {f"{file.parent.name}/{file.stem}": file for file in _files(path.parent.parent)}
        if document.starts_from not in places:
            wanted = shown(document.starts_from).strip("'")
            raise CurriculumError(
                path,
                [f"starts_from: there is no {wanted}.yml in the library{closest(document.starts_from, places)}"],
            )
        base = _load(places[document.starts_from], (*descendants, path))
    values: dict[str, Any] = {}
    try:
        values = _values(document, base)
        curriculum = Curriculum.read(values)
    except ValidationError as error:
        known = _known(values.get("task"), values.get("schema_version"))
        raise CurriculumError(path, in_words(error, known)) from None
    except ValueError as error:
        raise CurriculumError(path, [str(error)]) from None
    expected = f"{folder_name(curriculum.name)}/v{curriculum.version}"
    if expected != f"{path.parent.name}/{path.stem}":
        raise CurriculumError(path, [f"belongs into {expected}.yml by its name and version"])
    return curriculum


def _values(document: _Document, base: Curriculum | None) -> dict[str, Any]:
    """The document with all it starts from filled in, as plain values."""
    inherited = base.model_dump(mode="json") if base else {}
    values: dict[str, Any] = {
        field: getattr(document, field) if getattr(document, field) is not None else inherited.get(field)
        for field in ("name", "version", "schema_version", "task", "description")
    }
    base_stages: Mapping[str, Any] = inherited.get("stages", {})
    stages: dict[str, Any] = {
        name: stage | {"parameters": stage["parameters"] | document.parameters}
        for name, stage in base_stages.items()
        if document.stages.get(name, ...) is not None
    }
    pending = {name: stage for name, stage in document.stages.items() if stage is not None}
    while pending:
        ready = [name for name, stage in pending.items() if stage.parameters_from not in pending]
        if not ready:
            raise ValueError(f"parameters_from of {', '.join(pending)} lead in a circle")
        for name in ready:
            stage = pending.pop(name)
            before: dict[str, Any] = stages.get(
                name, {"parameters": document.parameters, "label": "", "description": ""}
            )
            source = before if stage.parameters_from is None else stages.get(stage.parameters_from)
            if source is None:
                raise ValueError(
                    f"stage {name}: parameters_from {stage.parameters_from} is not a stage of this curriculum"
                )
            policies = before.get("policies", {}) | stage.policies
            stages[name] = {
                "parameters": source["parameters"] | stage.parameters,
                "policies": {parameter: text for parameter, text in policies.items() if text is not None},
                "label": before["label"] if stage.label is None else stage.label,
                "description": before["description"] if stage.description is None else stage.description,
            }
            # a stage that says nothing about rules is not one that has none
            if (of_stage := before.get("rules") if stage.rules is None else stage.rules) is not None:
                stages[name]["rules"] = of_stage
    values["stages"] = {
        name: stages[name] for name in _in_order(list(base_stages), list(document.stages)) if name in stages
    }
    return values


def _in_order(inherited: list[str], written: list[str]) -> list[str]:
    """Stages in the order of training: as the file has them; one that it adds follows the one it stands behind."""
    if set(inherited) <= set(written):
        return written
    order = list(inherited)
    for place, name in enumerate(written):
        if name not in order:
            order.insert(order.index(written[place - 1]) + 1 if place else 0, name)
    return order


def _known(task: str | None, schema_version: Any) -> Callable[[Place], Iterable[str]]:
    """What may stand in a place of a file."""
    of_task = TASKS[task].parameters if task in TASKS else {}
    parameters: Iterable[type[Parameters]] = (
        [of_task[schema_version]] if isinstance(schema_version, str) and schema_version in of_task else of_task.values()
    )

    def known(place: Place) -> Iterable[str]:
        if "policies" in place:
            return dict.fromkeys(name for model in parameters for name in number_fields(model))
        if "rules" in place:
            return TransitionRule.model_fields
        if "parameters" in place:
            return dict.fromkeys(name for model in parameters for name in model.model_fields)
        return _StageDocument.model_fields if place[0] == "stages" else _Document.model_fields

    return known


def _if_any(field: str, text: str) -> dict[str, str]:
    return {field: text} if text else {}


def to_yaml(curriculum: Curriculum) -> str:
    """The curriculum as a library file of its own, which starts from no other version."""
    stages = {name: stage.values for name, stage in curriculum.stages.items()}
    first = next(iter(stages.values()))
    common = {
        name: value
        for name, value in first.items()
        if all(name in parameters and parameters[name] == value for parameters in stages.values())
    }
    document: dict[str, Any] = {
        "name": curriculum.name,
        "version": curriculum.version,
        "schema_version": curriculum.schema_version,
        "task": curriculum.task,
        **_if_any("description", curriculum.description),
        "parameters": common,
        "stages": {
            name: {
                **_if_any("label", curriculum.stages[name].label),
                **_if_any("description", curriculum.stages[name].description),
                "parameters": {field: value for field, value in parameters.items() if field not in common},
                **({"policies": curriculum.stages[name].policies} if curriculum.stages[name].policies else {}),
                "rules": [
                    {field: str(value) for field, value in rule.model_dump(mode="json").items() if value}
                    for rule in curriculum.stages[name].rules
                ],
            }
            for name, parameters in stages.items()
        },
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=1000)
