"""YAML in which each value is what it looks like.

YAML 1.1, which the parser speaks, reads `0100` as 64, `1:30` as 90 and `2024-04-12` as a date. Plain values are read by
the core schema of YAML 1.2 here; what the two read differently is refused with its path and line, and so is what JSON,
and thereby a rig, cannot hold.
"""

import math
import re
from functools import lru_cache
from typing import Any

import yaml

from curricula.errors import UserError, one_line, shown
from curricula.schema import LARGEST

NULL = re.compile(r"~|null|Null|NULL|")
BOOLEAN = re.compile(r"true|True|TRUE|false|False|FALSE")
WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]*)")
DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*|(?=\.[0-9]))(\.[0-9]*)?([eE][-+]?[0-9]+)?")
NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
# what YAML 1.1 or people read as a number or a date, and YAML 1.2 or JSON do not
AMBIGUOUS = re.compile(
    r"[-+]?0[0-9_]+(\.[0-9_]*)?([eE][-+]?[0-9]+)?|[-+]?0[xob][0-9a-fA-F_]+|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?"
    r"|[-+]?[0-9]+_[0-9_]*(\.[0-9_]*)?|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ][0-9:.+\-Z ]+)?|[-+]?(inf|Inf|nan|NaN)"
)
MAX_VALUES = 20_000
MAX_DEPTH = 20
MAX_BYTES = 1_000_000
IMPLICIT = {
    f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float", "timestamp", "str", "value", "merge")
}
# texts that look like numbers to YAML when they are not in quotes
TEXTS = ("version", "schema_version")


class YamlError(UserError):
    """A text that is refused.

    Attributes:
        problems: one line each, with path and line where there are such.
    """

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


def read(content: bytes) -> Any:
    """The plain values of a YAML text.

    Raises:
        YamlError: it is not UTF-8, not YAML, or has values that are refused.
    """
    if len(content) > MAX_BYTES:
        raise YamlError([f"is larger than {MAX_BYTES:,} bytes: this is not a curriculum"])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise YamlError([f"is not UTF-8 text at byte {error.start}: save it as UTF-8"]) from None
    node = _composed(text)
    if node is None:
        raise YamlError(["is empty"])
    reader = _Reader()
    values = reader.value(node, ())
    if reader.problems:
        raise YamlError(reader.problems)
    return values


@lru_cache(200)  # many curricula start from few, which are read again for each
def _composed(text: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except RecursionError:
        raise YamlError(["is nested too deep"]) from None
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise YamlError([one_line(f"{line}is not YAML: {error.problem or error.context}")]) from None
    except yaml.YAMLError as error:
        raise YamlError([one_line(f"is not YAML text: {getattr(error, 'reason', None) or 'unreadable'}")]) from None
    except (ValueError, OverflowError) as error:  # of the parser, for example for an impossible escape
        raise YamlError([one_line(f"is not YAML: {error}")]) from None


class _Reader:
    """Turns nodes into values and collects what is wrong with them."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.count = 0

    def refuse(self, node: yaml.Node, path: tuple[str, ...], problem: str) -> None:
        place = f"{', '.join(path)}: " if path else ""
        self.problems.append(one_line(f"line {node.start_mark.line + 1}: {place}{problem}"))

    def value(self, node: yaml.Node, path: tuple[str, ...]) -> Any:
        """The value of a node; None where it is refused."""
        self.count += 1
        if self.count > MAX_VALUES or len(path) > MAX_DEPTH:
            if not self.problems or "too" not in self.problems[-1]:
                how = "has too many values" if self.count > MAX_VALUES else "is nested too deep"
                self.problems.append(f"line {node.start_mark.line + 1}: {how}: this is not a curriculum")
            return None
        if isinstance(node, yaml.MappingNode) and node.tag == "tag:yaml.org,2002:map":
            return self.mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and node.tag == "tag:yaml.org,2002:seq":
            return [self.value(item, (*path, f"entry {number}")) for number, item in enumerate(node.value, 1)]
        if isinstance(node, yaml.ScalarNode) and node.style is not None and node.tag == "tag:yaml.org,2002:str":
            return node.value
        if isinstance(node, yaml.ScalarNode) and node.style is None:
            return self.plain(node, path)
        self.refuse(node, path, f"the tag {shown(node.tag)} is not allowed: write plain values")
        return None

    def mapping(self, node: yaml.MappingNode, path: tuple[str, ...]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value
            if not isinstance(key_node, yaml.ScalarNode) or key == "<<":
                self.refuse(key_node, path, "a name is expected before the colon")
                continue
            if key in values:
                self.refuse(key_node, path, f"{shown(key)} is written twice")
            values[key] = self.value(value_node, (*path, key[:80]))
        return values

    def plain(self, node: yaml.ScalarNode, path: tuple[str, ...]) -> Any:
        text = node.value
        number = WHOLE.fullmatch(text) or DECIMAL.fullmatch(text)
        if node.tag not in IMPLICIT:
            self.refuse(node, path, f"the tag {shown(node.tag)} is not allowed: write plain values")
        elif number and path and path[-1] in TEXTS and len(path) == 1:
            self.refuse(node, path, f'write {path[-1]}: "{text}" in quotes; a version is a text, not a number')
        elif NULL.fullmatch(text):
            return None
        elif BOOLEAN.fullmatch(text):
            return text.lower() == "true"
        elif number:
            return self.number(node, path)
        elif NOT_FINITE.fullmatch(text):
            self.refuse(node, path, f"{text} is not a number that a rig can take: write a finite number")
        elif AMBIGUOUS.fullmatch(text):
            self.refuse(node, path, f"{text} can be read in several ways: write a plain number, or the text in quotes")
        else:
            return text
        return None

    def number(self, node: yaml.ScalarNode, path: tuple[str, ...]) -> float | int | None:
        text = node.value
        whole = WHOLE.fullmatch(text) is not None
        if len(text) > 400 or (abs(int(text)) > LARGEST if whole else math.isinf(float(text))):
            self.refuse(node, path, f"{shown(text)} is too large for a rig: the largest whole number is 2 ** 53")
            return None
        return int(text) if whole else float(text)
