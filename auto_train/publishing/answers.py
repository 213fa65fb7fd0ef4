"""What a mouse was told on a day, and why: read from the log of the lake, so that it needs no run."""

import io
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from auto_train.lake import Lake, Settings, clock, open_lake, printable
from auto_train.publishing import history, log
from auto_train.publishing.manifest import LEADER
from curricula.errors import closest

KINDS = {"full_refresh": "full refresh", "taken_over": "an older version"}
# of the same publication only: the database may be older than the log, or another manager's
RAN = """
    select session, stage_ran, followed, trainer_chose from marts.told
    where subject_id = ? and session_date = ? and run_id = ? and session is not null order by session
"""


def what_was_told(settings: Settings, subject_id: str, day: date | None = None) -> list[str]:
    """What rigs could read for a mouse on a day, in words: the stage, the publication, and the decision behind it.

    What ran is said where the database that the last run left knows it.

    Args:
        settings: of the manager.
        subject_id: of the mouse.
        day: of the lab; by default today.
    """
    lake = open_lake(settings.lake, settings)
    made_by = history.run_of_df_manager(lake, settings)
    entries = log.entries(lake, settings, made_by.run.id if made_by else None)
    today = entries[0].run.day_at(clock.now()) if entries else clock.day(clock.now(), "UTC")
    day = day or today
    # what a rig could read is the last publication whose training day is not after the day (SEMANTICS 28)
    at = next((place for place, entry in enumerate(entries) if decides_for(entry) <= day), None)
    who = f"{printable(subject_id)} on {day}"
    if at is None:
        return [f"{who}: nothing had been published for that day"]
    publication, before = entries[at], entries[at:]
    words = f"by run {publication.run.id} ({name_of(publication)})"
    ran = _ran(settings, subject_id, day, publication.run.id)
    told = next((row for entry in before if (row := _told(lake, entry, subject_id))), None)
    # a run to come may say otherwise
    was_told = "was told" if day <= today else "so far is told"
    if told is None or told["stage"] is None:
        return [f"{who}: {was_told} nothing {words}{_unknown(lake, settings, subject_id)}", *ran]
    lines = [f"{who}: {was_told} {told['stage']} {words}"]
    # a rollback tells again what an earlier run decided; what was decided later explains nothing of that day
    made = (row for entry in _not_taken_back(before) for row in _decisions(lake, entry, subject_id))
    told_because = (told["session"], told["stage"])
    row = next((row for row in made if (row["session"], row["next_stage_suggested"]) == told_because), None)
    return [*lines, *([f"    {_reason(row)}"] if row else []), *ran]


def _ran(settings: Settings, subject_id: str, day: date, run_id: str) -> list[str]:
    try:
        with duckdb.connect(settings.database, read_only=True) as database:
            ran = database.execute(RAN, [subject_id, day, run_id]).fetchall()
    except duckdb.Error:
        return []
    return [
        f"    session {session} ran {stage}, "
        + ("as told" if followed else "a trainer chose it" if chose else "and nobody says why")
        if stage
        else f"    session {session} ran in open loop"
        for session, stage, followed, chose in ran
    ]


def _unknown(lake: Lake, settings: Settings, subject_id: str) -> str:
    """That df_manager has no such mouse, and which may be meant."""
    known: set[str] = set()
    with suppress(pa.ArrowException):
        table = pq.read_table(io.BytesIO(lake.read(settings.published(LEADER))), columns=["subject_id"])
        known = set(table["subject_id"].to_pylist())
    if not known or subject_id in known:
        return ""
    same_number = sorted(one for one in known if one.lstrip("0") == subject_id.split(".")[0].lstrip("0"))
    # however many zeros they differ by
    close = f", did you mean {' or '.join(map(repr, same_number))}?" if same_number else closest(subject_id, known)
    return f": df_manager has no such mouse{close}"


def decides_for(entry: log.Entry) -> date:
    """The training day of a publication."""
    return entry.run.training_day or entry.run.training_day_at(entry.run.started_at)


def name_of(entry: log.Entry) -> str:
    """What a publication was, in words."""
    if entry.run.rolled_back_to:
        return f"rollback to run {entry.run.rolled_back_to}"
    return KINDS.get(entry.run.kind, entry.run.kind)


def _not_taken_back(entries: list[log.Entry]) -> Iterator[log.Entry]:
    """The publications whose decisions are in the df_manager of the first: after a rollback, from where it led to."""
    led_to = None
    for entry in entries:
        if led_to in (None, entry.run.id):
            led_to = entry.run.rolled_back_to
            yield entry


def _told(lake: Lake, entry: log.Entry, subject_id: str) -> dict[str, Any] | None:
    """What a publication told the mouse otherwise than the one before."""
    if entry.run.training_day is not None:
        return next(iter(_rows(lake, entry.told, subject_id)), None)
    newest = max(_decisions(lake, entry, subject_id), key=lambda row: row["session"], default=None)
    return newest and {"session": newest["session"], "stage": newest["next_stage_suggested"]}


def _decisions(lake: Lake, entry: log.Entry, subject_id: str) -> list[dict[str, Any]]:
    return _rows(lake, entry.file, subject_id)


def _rows(lake: Lake, file: Any, subject_id: str) -> list[dict[str, Any]]:
    if file is None:
        return []
    table = pq.read_table(io.BytesIO(lake.read(file.path)), filters=pc.field("subject_id") == subject_id)
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def _reason(row: dict[str, Any]) -> str:
    read = ", ".join(
        f"{name} {'missing' if value is None else f'{value:g}'}" for name, value in row.get("measures_read") or []
    )
    why = row["directive"] or (f"rule {row['matched_rule']}" if row["matched_rule"] else "no rule held")
    ran = "has not run yet" if row["session"] == 0 else f"session {row['session']} ran {row['current_stage_actual']}"
    to = "at" if row["decision"] == "STAY" else "to"
    return printable(
        f"{row['decision']} {to} {row['next_stage_suggested']}, decided by run {row['run_id']}: {ran}; {why}"
        + (f"; it read {read}" if read else "")
    )
