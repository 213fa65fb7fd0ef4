"""What publications told the rigs: of each, the mice told otherwise than by the one before."""

import html
import io
import re
from contextlib import suppress
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from auto_train.lake import PUBLISHED, Lake, Settings, counted, named, printable
from auto_train.publishing.log import NOTHING, Rows
from auto_train.publishing.manifest import LEADER

SAID = re.compile(rb"<!-- said -->.*?<!-- end of said -->", re.DOTALL)

# a rig takes the row with the largest session of its mouse
NEWEST = "subject_id, max(session) as session, max_by(next_stage_suggested, session) as stage"
CHANGES = """
    select
        $run_id as run_id, subject_id, newest.session, newest.stage, newest_before.stage as stage_before
    from newest full join newest_before using (subject_id)
    where newest.session is distinct from newest_before.session or newest.stage is distinct from newest_before.stage
    order by subject_id
"""


def changes(run_id: str, before: Any, after: Any) -> pa.Table:
    """Mice that are told another stage, or the same because of another session.

    Args:
        run_id: the run that publishes.
        before, after: what df_manager was and is, as DuckDB's relations.

    Returns:
        run_id; subject_id; session and stage, missing where the mouse is no longer told anything; stage_before, missing
        where it was told nothing.
    """
    newest_before, newest = (of.aggregate(NEWEST, "subject_id").arrow().read_all() for of in (before, after))
    with duckdb.connect() as connection:
        connection.register("newest_before", newest_before)
        connection.register("newest", newest)
        return connection.execute(CHANGES, {"run_id": run_id}).arrow().read_all()


def changes_between(run_id: str, before: bytes | None, after: bytes) -> pa.Table:
    """The same of two files of df_manager; None where there was none."""
    return _changes(run_id, _rows(before), _rows(after))


def _changes(run_id: str, before: pa.Table, after: pa.Table) -> pa.Table:
    with duckdb.connect() as connection:
        return changes(run_id, *(connection.from_arrow(table) for table in (before, after)))


def as_rows(table: pa.Table) -> Rows:
    """What the log keeps of it."""
    if not table.num_rows:
        return NOTHING
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd")
    return out.getvalue(), table.num_rows


def in_words(what: str, changed: pa.Table) -> list[str]:
    """What a publication that is not a usual night changed (SEMANTICS 33), a line each."""
    rows = changed.to_pylist()
    others = [row["subject_id"] for row in moved(changed)]
    gone = [row["subject_id"] for row in rows if row["stage"] is None]
    new = sum(row["stage"] is not None and row["stage_before"] is None for row in rows)
    lines = [f"{what}: {_are(len(others))} told another stage than before{_in_parentheses(others)}"]
    lines += [f"{_are(len(gone))} told nothing any more{_in_parentheses(gone)}"] if gone else []
    return [*lines, *([f"{_are(new)} told something for the first time"] if new else [])]


def moved(changed: pa.Table) -> list[dict[str, Any]]:
    """Of the mice that are told otherwise, those that were told a stage and are told another."""
    rows = changed.to_pylist()
    return [row for row in rows if row["stage"] and row["stage_before"] not in (None, row["stage"])]


def of_other_managers(lake: Lake, settings: Settings, run_id: str, after: bytes) -> list[str]:
    """On a first night: what changes for mice that another manager has decided, in words."""
    lines = []
    ours = _rows(after)
    for path in sorted(lake.paths(PUBLISHED)):
        name = re.fullmatch(rf"{PUBLISHED}/{LEADER}_([^/]+)\.parquet", path)
        if name is None or name[1] == settings.manager:
            continue
        theirs = _rows(lake.read(path))
        shared = set(theirs["subject_id"].to_pylist()) & set(ours["subject_id"].to_pylist())
        others = [row["subject_id"] for row in moved(_changes(run_id, theirs, ours))]
        if shared:
            lines.append(
                f"the first night of {settings.manager}: {len(shared):,} of its mice were decided by manager "
                f"{printable(name[1])} before, and {_are(len(others))} told another stage than there"
                f"{_in_parentheses(others)}. To go on from those decisions: auto-train managers rename "
                f"{printable(name[1])} NEW, with a name that has published nothing yet"
            )
    return lines


def banner(page: bytes, lines: list[str]) -> bytes:
    """The page with these lines on top, in place of those that it had."""
    words = "".join(f"<p>{html.escape(line)}</p>" for line in lines)
    return SAID.sub(lambda _: f"<!-- said -->{words}<!-- end of said -->".encode(), page, count=1)


def _are(mice: int) -> str:
    return counted(mice, "mouse is", "mice are")


def _in_parentheses(mice: list[str]) -> str:
    return f" ({named(mice)})" if mice else ""


def _rows(df_manager: bytes | None) -> pa.Table:
    columns = {"subject_id": pa.string(), "session": pa.int64(), "next_stage_suggested": pa.string()}
    # what cannot be read told nothing
    with suppress(pa.ArrowException):
        if df_manager is not None:
            return pq.read_table(io.BytesIO(df_manager), columns=list(columns))
    return pa.table({name: pa.array([], of) for name, of in columns.items()})
