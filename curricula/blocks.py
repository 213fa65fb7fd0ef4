"""Lists within files that people write: `make curricula` fills what stands between two marks that name the list.

In YAML a block begins with the line ``# measures: written by `make curricula` `` and ends with ``# end of measures``;
in Markdown both are comments, ``<!-- … -->``. What is written is indented like the first mark.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from textwrap import indent

from curricula.errors import UserError

FILES = ("README.md", "docs/*.md", "models/**/*.yml", "models/*.md")
BLOCK = re.compile(
    r"^(?P<first>(?P<indent> *)(?:#|<!--) (?P<name>[^:\n]+): written by `make curricula`(?: -->)?\n)"
    r"(?:(?! *(?:#|<!--) ).*\n)*(?P<last> *(?:#|<!--) end of (?P=name)(?: -->)?$)?",
    re.MULTILINE,
)


def filled(root: Path, lists: Mapping[str, str]) -> dict[str, str]:
    """The text of every file that has such a block, with its lists in it, by its path below the project's root.

    Raises:
        UserError: a block names a list that there is not, or does not end.
    """
    files: dict[str, str] = {}
    for path in sorted(path for pattern in FILES for path in root.glob(pattern)):
        name = path.relative_to(root).as_posix()
        text = path.read_text(encoding="utf-8")

        def block(found: re.Match[str], name: str = name) -> str:
            if found["name"] not in lists:
                raise UserError(f"{name}: there is no list {found['name']!r}; there are {', '.join(sorted(lists))}")
            if not found["last"]:
                raise UserError(f"{name}: the block {found['name']!r} does not end: write `end of {found['name']}`")
            return found["first"] + indent(lists[found["name"]], found["indent"]) + found["last"]

        if BLOCK.search(text):
            files[name] = BLOCK.sub(block, text)
    return files


def yaml_columns(columns: Iterable[Mapping[str, str]]) -> str:
    """Columns as entries of a model's YAML: name, description and what else is given, in that order."""
    lines = []
    for column in columns:
        name, description, *others = column.items()
        quoted = " ".join(description[1].split()).replace("'", "''")
        lines += [f"- name: {name[1]}", f"  description: '{quoted}'", *(f"  {key}: {value}" for key, value in others)]
    return "".join(f"{line}\n" for line in lines)
