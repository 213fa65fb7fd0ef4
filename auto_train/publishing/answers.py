"""What a mouse was told on a day, and why: read from the log of the lake, so that it needs no run."""

import io
from datetime import date
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from auto_train.lake import Lake, Settings, open_lake, printable
from auto_train.publishing import history, log

KINDS = {"full_refresh": "full refresh", "taken_over": "an older version"}


def what_was_told(settings: Settings, subject_id: str, day: date) -> list[str]:
    """The stage that rigs could read for a mouse on a day, the publication, and the decision behind it, in words."""
    lake = open_lake(settings.lake, settings)
    made_by = history.run_of_df_manager(lake, settings)
    entries = log.entries(lake, settings, made_by.run.id if made_by else None)
    # what a rig could read is the last publication whose training day is not after the day (SEMANTICS 28)
    at = next((place for place, entry in enumerate(entries) if decides_for(entry) <= day), None)
    who = f"{printable(subject_id)} on {day}"
    if at is None:
        return [f"{who}: nothing had been published for that day"]
    publication, before = entries[at], entries[at:]
    words = f"by run {publication.run.id} ({name_of(publication)})"
    told = next((row for entry in before if (row := _told(lake, entry, subject_id))), None)
    if told is None or told["stage"] is None:
        return [f"{who}: was told nothing {words}"]
    lines = [f"{who}: was told {told['stage']} {words}"]
    # a rollback tells again what an earlier run decided; what was decided later explains nothing of that day
    made = (row for entry in before for row in _decisions(lake, entry, subject_id))
    told_because = (told["session"], told["stage"])
    row = next((row for row in made if (row["session"], row["next_stage_suggested"]) == told_because), None)
    return [*lines, f"    {_reason(row)}"] if row else lines


def decides_for(entry: log.Entry) -> date:
    """The training day of a publication."""
    return entry.run.training_day or entry.run.training_day_at(entry.run.started_at)


def name_of(entry: log.Entry) -> str:
    """What a publication was, in words."""
    if entry.run.rolled_back_to:
        return f"rollback to run {entry.run.rolled_back_to}"
    return KINDS.get(entry.run.kind, entry.run.kind)


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
    return printable(
        f"{row['decision']} to {row['next_stage_suggested']}, decided by run {row['run_id']}: {ran}; {why}"
        + (f"; it read {read}" if read else "")
    )
