"""Curricula as people write them: one YAML file per version, short because it says only what differs.

starts_from: coupled_baiting/v2.2     # optional: begin with all that this version has
version: "2.3"
parameters: {MaxTime: 75}             # optional: for every stage
stages:
  STAGE_2:
    parameters_from: STAGE_1          # optional: begin with this stage's parameters
    parameters: {warmup: "off"}       # what differs
    rules: [...]                      # in place of those of the version it starts from
  STAGE_4: null                       # a stage that this version does not have
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from curricula.errors import UserError
from curricula.schema import Curriculum, StageName

LIBRARY = Path(__file__).with_name("library")


class CurriculumError(UserError):
    """A curriculum file that is refused.

    Attributes:
        problems: one text per problem, each naming stage, rule and field where it has them.
    """

    def __init__(self, file: Path, problems: list[str]) -> None:
        self.file, self.problems = file, problems
        super().__init__("\n".join(f"{file.parent.name}/{file.name}: {problem}" for problem in problems))


class _StageDocument(BaseModel):
    model_config = ConfigDict(extra="forbid")

    parameters_from: StageName | None = None
    parameters: dict[str, Any] = {}
    rules: list[Any] | None = None


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid")

    starts_from: str | None = None
    name: str | None = None
    version: Any
    schema_version: Any = None
    task: str | None = None
    description: str = ""
    parameters: dict[str, Any] = {}
    stages: dict[StageName, _StageDocument | None] = {}


class _Yaml(yaml.SafeLoader):
    """Plain YAML, but a key written twice is an error, and on/off/yes/no are texts, as the rigs' parameters are."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"{key!r} is written twice", node.start_mark)
        return super().construct_mapping(node, deep)


_Yaml.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag != "tag:yaml.org,2002:timestamp" and (tag != "tag:yaml.org,2002:bool" or first in "tTfF")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def folder_name(name: str) -> str:
    """The library folder of a curriculum name: ``Coupled Baiting`` -> ``coupled_baiting``."""
    return name.lower().replace(" ", "_")


def load_library(folder: Path = LIBRARY) -> list[Curriculum]:
    """Every curriculum of a library folder, by name and then by version.

    Raises:
        CurriculumError: the first file that is refused.
    """
    return sorted(map(load, _files(folder)), key=in_order)


def load_named(names: Iterable[tuple[str, str]], folder: Path = LIBRARY) -> list[Curriculum]:
    """The curricula of a library folder that have these names and versions; what it does not have is left out.

    Raises:
        CurriculumError: the first of their files that is refused.
    """
    wanted = {(folder_name(name), f"v{version}") for name, version in names}
    # no path is made of a name: names may come from tables
    paths = (path for path in _files(folder) if (path.parent.name, path.stem) in wanted)
    return sorted(map(load, paths), key=in_order)


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
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Yaml)  # noqa: S506 - a SafeLoader
        document = _Document.model_validate(content)
    except OSError as error:
        raise CurriculumError(path, [f"cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError as error:
        raise CurriculumError(path, [f"is not UTF-8 text: {error.reason} at byte {error.start}"]) from None
    except RecursionError:
        raise CurriculumError(path, ["is nested too deep"]) from None
    except yaml.YAMLError as error:
        raise CurriculumError(path, [f"is not YAML: {' '.join(str(error).split())}"]) from None
    except ValidationError as error:
        raise CurriculumError(path, _problems(error)) from None

    base = None
    if document.starts_from is not None:
        parent = path.parent.parent / f"{document.starts_from}.yml"
        if not parent.is_file():
            raise CurriculumError(path, [f"starts_from: there is no {document.starts_from}.yml in the library"])
        base = _load(parent, (*descendants, path))
    try:
        curriculum = Curriculum.read(_values(document, base))
    except ValidationError as error:
        raise CurriculumError(path, _problems(error)) from None
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
        if document.stages.get(StageName(name), ...) is not None
    }
    pending = {name: stage for name, stage in document.stages.items() if stage is not None}
    while pending:
        ready = [name for name, stage in pending.items() if stage.parameters_from not in pending]
        if not ready:
            raise ValueError(f"parameters_from of {', '.join(pending)} lead in a circle")
        for name in ready:
            stage = pending.pop(name)
            before: dict[str, Any] = stages.get(name, {"parameters": document.parameters, "rules": []})
            source = before if stage.parameters_from is None else stages.get(stage.parameters_from)
            if source is None:
                raise ValueError(
                    f"stage {name}: parameters_from {stage.parameters_from} is not a stage of this curriculum"
                )
            stages[name] = {
                "parameters": source["parameters"] | stage.parameters,
                "rules": before["rules"] if stage.rules is None else stage.rules,
            }
    values["stages"] = stages
    return values


def _problems(error: ValidationError) -> list[str]:
    """Pydantic's errors in the words of the file: stage, rule, field, problem."""
    problems = []
    for detail in error.errors():
        place, rest = [], list(detail["loc"])
        while rest:
            part = rest.pop(0)
            if part == "stages" and rest:
                place.append(f"stage {rest.pop(0)}")
            elif part == "rules" and rest:
                place.append(f"rule {int(rest.pop(0)) + 1}" if str(rest[0]).isdigit() else str(part))
            else:
                place.append(str(part))
        message = detail["msg"].removeprefix("Value error, ")
        given = detail["input"]
        if detail["type"] not in ("value_error", "missing") and isinstance(given, str | int | float | None):
            message += f", not {given!r}"
        problems.append(f"{', '.join(place)}: {message}" if place else message)
    return problems


def to_yaml(curriculum: Curriculum) -> str:
    """The curriculum as a library file of its own, which starts from no other version."""
    stages = {str(name): stage.parameters.model_dump(mode="json") for name, stage in curriculum.stages.items()}
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
        **({"description": curriculum.description} if curriculum.description else {}),
        "parameters": common,
        "stages": {
            name: {
                "parameters": {field: value for field, value in parameters.items() if field not in common},
                "rules": [
                    {field: str(value) for field, value in rule.model_dump(mode="json").items() if value}
                    for rule in curriculum.stages[StageName(name)].rules
                ],
            }
            for name, parameters in stages.items()
        },
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=1000)
