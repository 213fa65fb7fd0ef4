"""Arrows between the rooms of the house point one way."""

import ast
from pathlib import Path

import pytest

from tests.copies import ROOT

# what may be imported where, from the bottom up; a room may always use itself
ROOMS = {
    "curricula": set(),
    "auto_train.lake": {"curricula"},
    "auto_train.decisions": {"curricula", "auto_train.lake"},
    "auto_train.publishing": {"curricula", "auto_train.lake", "auto_train.decisions"},
    "auto_train.page": {"curricula", "auto_train.lake", "auto_train.decisions", "auto_train.publishing"},
    "auto_train.simulation": {"curricula", "auto_train.lake"},
    "auto_train.lab": {
        "curricula",
        "auto_train.lake",
        "auto_train.decisions",
        "auto_train.publishing",
        "auto_train.simulation",
    },
    "auto_train.nights": {
        "curricula",
        "auto_train.lake",
        "auto_train.publishing",
        "auto_train.page",
        "auto_train.decisions",
    },
    "models": {"curricula", "auto_train"},
    "scripts": {"curricula", "auto_train"},
}  # fmt: skip
OURS = ("curricula", "auto_train", "models", "scripts", "tests")


def imported(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {name for name in names if name.split(".")[0] in OURS and name not in ("auto_train", "curricula", "scripts")}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_uses_only_rooms_below_it(room: str) -> None:
    allowed = {room, *ROOMS[room]}
    files = sorted((ROOT / room.replace(".", "/")).rglob("*.py"))
    assert files
    strange = {
        f"{file.relative_to(ROOT)} imports {name}"
        for file in files
        for name in imported(file)
        if not any(name == of or name.startswith(f"{of}.") for of in allowed)
    }
    assert strange == set()


def test_every_room_is_in_the_plan() -> None:
    rooms = {f"auto_train.{path.parent.name}" for path in (ROOT / "auto_train").glob("*/__init__.py")}
    assert rooms == {room for room in ROOMS if room.startswith("auto_train.")}
