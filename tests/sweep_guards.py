"""Which lines of guards no tampering holds: small changes of every line of `tests/dbt`, as `tests/sweep.py` makes them.

    python -m tests.sweep_guards [GUARD …]

Each change is asked what the table of `tests/models/test_guards.py` says of every tampering. What survives is printed;
much of it means the same, and the rest lacks a row in that table.
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import duckdb

from tests.models.test_guards import GUARDS, Lab, lab_below
from tests.sweep import Change, changes


def survivors(lab: Lab, name: str) -> tuple[list[Change], int]:
    """Changes of a guard that none of its tamperings notices, and how many were tried."""
    lines = lab.guards[name]["compiled_code"].split("\n")
    tried = list(changes(lines))
    found = []
    for place, change in tried:
        changed = "\n".join([*lines[:place], change.after, *lines[place + 1 :]])
        if passes(lab, name, lab.guards[name] | {"compiled_code": changed}):
            found.append(change)
    return found, len(tried)


def passes(lab: Lab, name: str, guard: dict[str, Any]) -> bool:
    """Whether a guard says of every tampering what it has to."""
    try:
        return all(
            lab.outcome(guard, tampering) == expected for _, tampering, expected in [("", "", "pass"), *GUARDS[name]]
        )
    except duckdb.Error:
        return False


def main() -> None:
    """Sweep the guards that are named, or all that are files of their own."""
    os.environ["AUTO_TRAIN_MANAGERS"] = "no"
    wanted = sys.argv[1:] or [name for name in GUARDS if name.startswith("assert_")]
    with tempfile.TemporaryDirectory() as folder, lab_below(Path(folder), is_kept=False) as lab:
        for name in wanted:
            survived, tried = survivors(lab, name)
            print(f"{name}: {len(survived)} of {tried} survived", *survived, sep="\n    ", flush=True)


if __name__ == "__main__":
    main()
