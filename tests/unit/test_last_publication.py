"""What a night goes on from: what was published last, if it is what was published."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from auto_train.lake import LakeError, Settings, open_lake
from auto_train.nights.dbt_plugin import LastPublication, last_publication
from auto_train.publishing import log
from auto_train.publishing.history import PREPARED, record_path
from auto_train.publishing.manifest import Manifest, Run, manifest_path
from auto_train.publishing.publication import Tables, publish

STARTED = datetime(2026, 1, 2, tzinfo=UTC)
COLUMNS = ("subject_id", "session", "current_stage_actual", "next_stage_suggested")


def parquet(*columns: str, of: str = "1") -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({name: [of] for name in columns}), out)
    return out.getvalue()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(str(tmp_path), "", "test", "", "")


def night(settings: Settings, run_id: str, previous: str | None = None) -> None:
    lake, leader = open_lake(settings.lake, settings), settings.published("df_manager")
    run = Run(id=run_id, started_at=STARTED, previous=previous)
    files = {leader: parquet(*COLUMNS), settings.published("subjects_seen"): parquet("subject_id")}
    rows = (parquet("x", of=run_id), 1)
    manifest = Manifest(manager="test", run=run, code_version="test", files=[])
    publish(settings, lake.tag(leader), Tables(files, {}, rows, rows), manifest)


def found(settings: Settings, *, decides_anew: bool = False) -> LastPublication:
    with duckdb.connect() as connection:
        return last_publication(connection, settings, open_lake(settings.lake, settings), decides_anew=decides_anew)


def test_a_first_night_goes_on_from_nothing(settings: Settings) -> None:
    assert found(settings) == LastPublication(None, None, [], [], [], [], None, None)


def test_a_night_goes_on_from_the_last_run_and_reads_the_log_oldest_first(settings: Settings) -> None:
    night(settings, "a")
    night(settings, "b", "a")
    of = found(settings)
    assert of.run and of.run.id == "b" and of.tag
    assert of.df_manager == f"{settings.lake}/{settings.published('df_manager')}"
    assert of.subjects_seen == f"{settings.lake}/{settings.published('subjects_seen')}"
    names = [[Path(file).name for file in files] for files in (of.decision_log, of.told)]
    assert names == [["a.parquet", "b.parquet"], ["a.told.parquet", "b.told.parquet"]]
    assert [run["id"] for run in of.publications] == ["a", "b"]
    assert of.damaged == []


def test_what_is_damaged_beside_df_manager_is_left_out_and_named(settings: Settings) -> None:
    night(settings, "a")
    night(settings, "b", "a")
    lake = open_lake(settings.lake, settings)
    damaged = [log.log_path(settings, "a", log.DECISIONS), log.log_path(settings, "b", log.TOLD)]
    for path in (*damaged, settings.published("subjects_seen")):
        lake.publish(io.BytesIO(b"damaged"), path)
    of = found(settings)
    assert of.damaged == [f"{settings.lake}/{path}" for path in damaged]
    assert [Path(file).name for file in (*of.decision_log, *of.told)] == ["b.parquet", "a.told.parquet"]
    assert of.subjects_seen is None and of.df_manager


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "is gone, though a manifest says that it was published"),
        (b"damaged", "is not what run a published"),
        # whole, but somebody else's
        (parquet(*COLUMNS, of="2"), "is not what run a published"),
    ],
)
def test_a_df_manager_that_is_not_what_was_published_is_refused_unless_all_is_decided_anew(
    content: bytes | None, problem: str, settings: Settings
) -> None:
    night(settings, "a")
    lake, leader = open_lake(settings.lake, settings), settings.published("df_manager")
    lake.publish(io.BytesIO(content), leader) if content else lake.remove(leader)
    with pytest.raises(LakeError, match=f"{problem}.*so nothing was decided"):
        found(settings)
    of = found(settings, decides_anew=True)
    assert (of.df_manager, bool(of.tag)) == (None, content is not None)
    # the log is that of the last run
    assert of.run and of.run.id == "a" and len(of.decision_log) == 1


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"damaged", "cannot be read as parquet"),
        (parquet(*COLUMNS[:-1]), "is not a df_manager: it has no next_stage_suggested"),
        (
            parquet("x"),
            "is not a df_manager: it has no current_stage_actual, next_stage_suggested, session, subject_id",
        ),
    ],
)
def test_without_a_manifest_df_manager_must_be_one(content: bytes, problem: str, settings: Settings) -> None:
    lake = open_lake(settings.lake, settings)
    lake.publish(io.BytesIO(content), settings.published("df_manager"))
    with pytest.raises(LakeError, match=problem):
        found(settings)
    lake.publish(io.BytesIO(parquet(*COLUMNS)), settings.published("df_manager"))
    assert (bool(found(settings).df_manager), found(settings).run) == (True, None)


def test_a_run_that_was_killed_before_its_manifest_is_the_one_to_go_on_from(settings: Settings) -> None:
    night(settings, "a")
    lake = open_lake(settings.lake, settings)
    before = lake.read(manifest_path(settings))
    night(settings, "b", "a")
    lake.publish(io.BytesIO(before), manifest_path(settings))
    lake.remove(record_path(settings, "b", "published.json"))
    assert json.loads(lake.read(record_path(settings, "b", PREPARED)))["run"]["id"] == "b"
    of = found(settings)
    assert of.run and of.run.id == "b"
    assert [run["id"] for run in of.publications] == ["a", "b"]
