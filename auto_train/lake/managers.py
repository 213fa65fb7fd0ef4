"""The file of managers: one entry per manager, with the settings that are its own."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, create_model

from auto_train.lake.alerts import Alert
from auto_train.lake.errors import LakeError
from curricula import strict_yaml
from curricula.errors import closest, one_line
from curricula.problems import Place, in_words

WORDS = {"yes": True, "no": False}


@dataclass(frozen=True)
class Entry:
    """What the file says of one manager.

    Attributes:
        manager: its name.
        file: the file's name.
        texts: settings as the environment would have them, by field.
        vars: variables of dbt.
        lines: where each field stands.
    """

    manager: str
    file: str
    texts: Mapping[str, str]
    vars: Mapping[str, Any]
    lines: Mapping[str, int]

    def named(self, name: str) -> str:
        """A field as whoever wrote it finds it again."""
        line = f", line {self.lines[name]}" if name in self.lines else ""
        return f"{self.file}{line}: {self.manager}, {name}"


@dataclass(frozen=True)
class Managers:
    """A file of managers, of which each entry is looked at only when it is asked for: one mistake stops one manager."""

    file: str
    entries: Mapping[str, Any]
    lines: Mapping[str, Mapping[str, int]]
    known_vars: list[str]

    @classmethod
    def read(cls, path: Path, known_vars: list[str]) -> "Managers":
        """Read the file.

        Raises:
            LakeError: it is missing, is not YAML, or is not a list of managers.
        """
        try:
            content = path.read_bytes()
        except OSError as error:
            raise LakeError(
                f"the file of managers {path} cannot be read: {error.strerror}. Name it with AUTO_TRAIN_MANAGERS, or "
                "leave that out where there is none"
            ) from None
        try:
            entries = strict_yaml.read(content)
        except strict_yaml.YamlError as error:
            raise LakeError("\n".join(f"{path.name}: {problem}" for problem in error.problems)) from None
        if not isinstance(entries, dict):
            raise LakeError(
                f"{path.name}: an entry per manager is needed: its name, a colon, and its settings below it"
            )
        of_one_name: dict[str, str] = {}
        for name in entries:
            # they share folders, which some machines do not tell apart
            if of_one_name.setdefault(name.casefold(), name) != name:
                raise LakeError(f"{path.name}: {name} and {of_one_name[name.casefold()]} differ by their spelling only")
        return cls(path.name, entries, _lines(content), known_vars)

    @property
    def names(self) -> list[str]:
        """All managers, in the order of the file."""
        return list(self.entries)

    def entry(self, manager: str, types: Mapping[str, Any]) -> Entry:
        """What the file says of a manager; without a name, of the only one.

        Args:
            manager: its name.
            types: of each setting that an entry may have.

        Raises:
            LakeError: there is no such manager, or its entry has mistakes; each is a line of the message.
        """
        if not manager and len(self.entries) == 1:
            [manager] = self.entries
        if manager not in self.entries:
            which = (
                f"{manager} is not in {self.file}{closest(manager, self.names) or '.'}" if manager else "which manager?"
            )
            raise LakeError(
                one_line(
                    f"{which} {self.file} has {', '.join(self.names)}: name one with --manager or AUTO_TRAIN_MANAGER"
                )
            )
        model = _model(types)
        try:
            checked = model.model_validate(self.entries[manager] or {})
        except ValidationError as error:
            lines = self.lines.get(manager, {})
            places = [lines.get(str(of["loc"][0]) if of["loc"] else "", lines.get("", 1)) for of in error.errors()]
            words = in_words(error, lambda place: self._known(place, types))
            raise LakeError(
                "\n".join(
                    f"{self.file}, line {line}: {manager}: {problem}"
                    for line, problem in zip(places, words, strict=True)
                )
            ) from None
        values = checked.model_dump(exclude_none=True)
        variables = values.pop("vars", {})
        entry = Entry(
            manager,
            self.file,
            {name: _as_text(value) for name, value in values.items()},
            variables,
            self.lines.get(manager, {}),
        )
        for name in variables:
            if name not in self.known_vars:
                raise LakeError(
                    one_line(
                        f"{entry.named('vars')}: {name} is not a variable of dbt_project.yml"
                        f"{closest(name, self.known_vars)}; there are {', '.join(self.known_vars)}"
                    )
                )
        return entry

    def alone(self, manager: str, name: str) -> Entry:
        """One field of an entry that may have mistakes elsewhere."""
        entry = self.entries.get(manager)
        given = entry.get(name) if isinstance(entry, dict) else None
        return Entry(manager, self.file, {name: _as_text(given)} if given else {}, {}, self.lines.get(manager, {}))

    def _known(self, place: Place, types: Mapping[str, Any]) -> list[str]:
        return [*types, "vars"] if len(place) == 1 else []


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps([value] if isinstance(value, dict) else value)


def _model(types: Mapping[str, Any]) -> type[BaseModel]:
    """An entry's fields are the settings that there are."""
    as_written: dict[Any, Any] = {
        # what alerts may be is read with them, by code that does not repeat it
        tuple[Alert, ...]: Any,
        bool: Annotated[
            bool, BeforeValidator(lambda value: WORDS.get(value, value) if isinstance(value, str) else value)
        ],
    }
    given: dict[str, Any] = {name: (as_written.get(kind, kind) | None, None) for name, kind in types.items()}
    return create_model(
        "Entry", __config__=ConfigDict(extra="forbid", strict=True), vars=(dict[str, Any] | None, None), **given
    )


def _lines(content: bytes) -> dict[str, dict[str, int]]:
    """The line of each entry (by the empty name) and of each of its fields."""
    node = yaml.compose(content.decode("utf-8-sig"), Loader=yaml.SafeLoader)
    found: dict[str, dict[str, int]] = {}
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        found[key.value] = {"": key.start_mark.line + 1}
        if isinstance(value, yaml.MappingNode):
            found[key.value] |= {field.value: field.start_mark.line + 1 for field, _ in value.value}
    return found
