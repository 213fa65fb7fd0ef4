"""The log of decisions: one immutable file per run with the decisions that were new, and a record that names the run
before. The log is that of the runs that published, found from the run of df_manager by following the records.

A run writes its file and record before it takes the lead, so a kill at any moment loses nothing, and no run ever
rewrites another's.
"""

import io
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, ValidationError

from auto_train.lake import PUBLISHED, Lake, LakeError, Settings, printable
from auto_train.publishing.manifest import DECISION_LOG, RUN_ID, File, Run, stream

ORDER = [("first_published_at", "ascending"), ("subject_id", "ascending"), ("session", "ascending")]
DECISIONS, TOLD = "parquet", "told.parquet"
Rows = tuple[bytes, int]  # a table as parquet, and its number of rows
NOTHING: Rows = (b"", 0)
AT_ONCE = 16  # records read at the same time


class Entry(BaseModel):
    """A run in the log.

    Attributes:
        run: the run.
        file: its new decisions; None where there were none.
        told: the mice that it told something else than the publication before; None where there were none.
    """

    model_config = ConfigDict(frozen=True)

    run: Run
    file: File | None = None
    told: File | None = None


def log_path(settings: Settings, run_id: str = "", kind: str = "") -> str:
    """Path below the lake of a run's record or decisions, or of all of them."""
    folder = f"{PUBLISHED}/log/{settings.manager}"
    return f"{folder}/{run_id}.{kind}" if run_id else folder


def write(lake: Lake, settings: Settings, run: Run, decisions: Rows = NOTHING, told: Rows = NOTHING) -> Entry:
    """Add a run to the log; the record comes last, so where it is, all is."""
    files = {}
    for kind, (content, rows) in ((DECISIONS, decisions), (TOLD, told)):
        if rows:
            path = log_path(settings, run.id, kind)
            lake.publish(stream(content), path)
            files[kind] = File.of(path, content, rows)
    entry = Entry(run=run, file=files.get(DECISIONS), told=files.get(TOLD))
    lake.publish(stream(entry.model_dump_json(indent=2).encode()), log_path(settings, run.id, "json"))
    return entry


def forget(lake: Lake, settings: Settings, run_id: str) -> None:
    """Take a run out of the log that did not publish."""
    for kind in ("json", DECISIONS, TOLD):
        lake.remove(log_path(settings, run_id, kind))


def recorded_runs(lake: Lake, settings: Settings) -> set[str]:
    """Every run that the log has a record of, whether it published or not."""
    folder = log_path(settings)
    names = (path.removeprefix(f"{folder}/") for path in lake.paths(folder))
    runs = {name.removesuffix(".json") for name in names if name.endswith(".json")}
    return {run for run in runs if RUN_ID.fullmatch(run)}


def entries(lake: Lake, settings: Settings, newest: str | None) -> list[Entry]:
    """The runs that published, newest first, from the run of the df_manager that there is.

    Raises:
        LakeError: a record cannot be read.
    """
    names = recorded_runs(lake, settings)
    if newest not in names:
        return []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        records = dict(zip(names, pool.map(lambda name: _read(lake, settings, name), names), strict=True))
    found = []
    while newest in records:
        # each run once, whatever the records say
        entry = records.pop(newest)
        found.append(entry)
        newest = entry.run.previous
    return found


def _read(lake: Lake, settings: Settings, run_id: str) -> Entry:
    path = log_path(settings, run_id, "json")
    try:
        entry = Entry.model_validate_json(lake.read(path))
    except ValidationError as error:
        raise LakeError(
            f"{lake.location}/{path} is not a record of the log: {printable(error.errors()[0]['msg'])}"
        ) from None
    strange = [
        file
        for kind, file in ((DECISIONS, entry.file), (TOLD, entry.told))
        if file and file.path != log_path(settings, run_id, kind)
    ]
    if entry.run.id != run_id or strange:
        raise LakeError(f"{lake.location}/{path} is not the record of run {run_id}")
    return entry


def files(lake: Lake, settings: Settings, newest: str | None, of: list[Entry] | None = None) -> list[str]:
    """Paths below the lake of the files that make the log, oldest first; `of` are its entries where they are known.

    A lake of an older version has one file for all, until the first run takes it over.
    """
    of = entries(lake, settings, newest) if of is None else of
    of_runs = [entry.file.path for entry in reversed(of) if entry.file]
    single = settings.published(DECISION_LOG)
    return of_runs or ([single] if not of and lake.exists(single) else [])


def take_over(lake: Lake, settings: Settings, newest: str | None, now: datetime) -> None:
    """Make the single file of an older version the file of the run that published last."""
    single = settings.published(DECISION_LOG)
    if newest is None or newest in recorded_runs(lake, settings) or not lake.exists(single):
        return
    content = lake.read(single)
    try:
        rows = pq.read_metadata(io.BytesIO(content)).num_rows
    except pa.ArrowException:
        # df_manager has the decisions that stand, and this run adds those that the log lacks
        return
    run = Run(id=newest, started_at=now, kind="taken_over")
    write(lake, settings, run, (content, rows))


def together(lake: Lake, settings: Settings, paths: Iterable[str]) -> tuple[bytes, int]:
    """All files of the log as one table, as it is published for analysts; and its rows."""
    tables = [pq.read_table(io.BytesIO(lake.read(path))) for path in paths]
    table = pa.concat_tables(tables, promote_options="permissive").sort_by(ORDER) if tables else pa.table({})
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd")
    return out.getvalue(), table.num_rows
