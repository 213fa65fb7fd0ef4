"""Leave a copy of the database for readers: a reader of the copy does not block the next run."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import duckdb

_promised: set[Path] = set()


def place(database: str) -> Path:
    """Where the copy of a database is; its name is the same, because views name it."""
    path = Path(database)
    return path.parent / "analysis" / path.name


def leave_at_exit(database: str) -> None:
    """Copy the database once this process is done with it."""
    path = Path(database).resolve()
    if path not in _promised:
        _promised.add(path)
        atexit.register(_leave, path)


def _leave(database: Path) -> None:
    # importing dbt takes seconds, which `place` does not need
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    DuckDBConnectionManager.close_all_connections()
    if not database.exists():
        return
    copy = place(str(database))
    copy.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=copy.parent, prefix=".") as folder:
        beside = Path(folder, copy.name)
        shutil.copyfile(database, beside)
        # the adapter closes what nothing refers to any more; while something does, the night is in the file's log only
        log = database.with_name(f"{database.name}.wal")
        if log.exists():
            shutil.copyfile(log, beside.with_name(log.name))
            duckdb.connect(str(beside)).close()
        # whoever reads the old copy goes on reading it
        os.replace(beside, copy)
