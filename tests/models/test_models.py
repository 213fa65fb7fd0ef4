"""Models on a few rows made by hand: dbt's unit tests, which stand beside the models, and what those cannot reach."""

import json
import zlib
from datetime import UTC, date, datetime

import duckdb
import pytest

from tests.conftest import Project

pytestmark = pytest.mark.xdist_group("models")


def test_every_unit_test_of_a_model_passes(small_lab: Project) -> None:
    succeeded, problems = small_lab.dbt("test", "--select", "test_type:unit", *small_lab.QUICK, "--no-use-colors")
    assert succeeded, problems


def test_a_database_whose_seeds_have_other_columns_gets_those_of_today(small_lab: Project) -> None:
    columns = "select column_name from duckdb_columns() where schema_name = 'seeds' and table_name = 'task_aliases'"
    today = small_lab.query(columns)
    with duckdb.connect(small_lab.environment["AUTO_TRAIN_DATABASE"]) as database:
        database.execute("create or replace table seeds.task_aliases as select 'of an older version' as alias")
    succeeded, problems = small_lab.dbt("seed", "--select", "task_aliases", *small_lab.QUICK)
    assert succeeded, problems
    assert small_lab.query(columns) == today != [("alias",)]


def days_of_a_run(small_lab: Project, zone: str, *started_at: str) -> list[tuple[date, date]]:
    """Training day and tomorrow; a unit test cannot say when a run started, which is a variable of DuckDB."""
    variables = json.dumps({"lab_time_zone": zone})
    succeeded, problems = small_lab.dbt("compile", "--select", "stg_lake__run", "--vars", variables)
    assert succeeded, problems
    [compiled] = small_lab.workplace.glob(
        f"target{zlib.crc32(variables.encode())}/compiled/auto_train/models/staging/stg_lake__run.sql"
    )
    found = []
    with duckdb.connect() as connection:
        for time in started_at:
            connection.execute("set variable run_started_at = ?", [time])
            found += connection.sql(compiled.read_text()).project("training_day, tomorrow").fetchall()
    return found


def test_from_noon_on_in_the_lab_a_run_decides_for_tomorrow_and_before_for_today(
    small_lab: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    today, tomorrow, after = date(2024, 1, 5), date(2024, 1, 6), date(2024, 1, 7)
    times = ("00:00:00", "11:59:59", "12:00:00", "23:59:59")
    assert days_of_a_run(small_lab, "UTC", *(f"2024-01-05 {time}" for time in times)) == [
        (today, tomorrow), (today, tomorrow), (tomorrow, tomorrow), (tomorrow, tomorrow)
    ]  # fmt: skip
    times = ("2024-01-05 08:00:00", "2024-01-05 19:59:59", "2024-01-05 20:00:00", "2024-01-06 08:00:00")
    assert days_of_a_run(small_lab, "America/Los_Angeles", *times) == [
        (today, tomorrow), (today, tomorrow), (tomorrow, tomorrow), (tomorrow, after)
    ]  # fmt: skip


def test_the_files_of_df_behavior_are_listed_with_size_and_time_in_utc(small_lab: Project) -> None:
    path = small_lab.lake / "df_behavior.parquet"
    [(listed, size, modified_at)] = small_lab.query("select path, bytes, modified_at from staging.stg_lake__files")
    assert (listed, size) == (str(path), path.stat().st_size)
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None)
    assert abs((modified_at - written).total_seconds()) < 1
    # in a lab that is not there either
    [compiled] = small_lab.workplace.glob("target/compiled/auto_train/models/staging/stg_lake__files.sql")
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'America/Los_Angeles'")
        connection.execute("set variable df_behavior_as_named = ?", [str(path)])
        found = connection.execute(compiled.read_text(encoding="utf-8")).fetchone()
    assert found == (listed, size, modified_at)


def test_a_publication_of_an_older_version_was_for_the_day_that_its_time_in_the_lab_says(small_lab: Project) -> None:
    """A unit test cannot say what was published, which is a variable of DuckDB."""
    [compiled] = small_lab.workplace.glob("target/compiled/auto_train/models/staging/stg_lake__publications.sql")
    records = [
        {"id": "morning", "started_at": "2024-01-05T19:59:59Z"},
        {"id": "afternoon", "started_at": "2024-01-05T20:00:00Z"},
        {"id": "newer", "started_at": "2024-01-06T20:00:00Z", "training_day": "2024-01-09"},
    ]
    with duckdb.connect() as connection:
        connection.execute("attach ':memory:' as database; create schema database.staging")
        connection.execute("""
            create table database.staging.stg_lake__run as
            select 'tonight' as run_id, 'night' as kind, timestamp '2024-01-10 12:00:00' as started_at,
                date '2024-01-10' as training_day, 'America/Los_Angeles' as lab_time_zone
        """)
        connection.execute("set variable publications = ?", [json.dumps(records)])
        found = connection.sql(compiled.read_text(encoding="utf-8"))
        days = found.order("place").project("run_id, training_day, has_told").fetchall()
    assert days == [
        ("morning", date(2024, 1, 5), False), ("afternoon", date(2024, 1, 6), False),
        ("newer", date(2024, 1, 9), True), ("tonight", date(2024, 1, 10), True),
    ]  # fmt: skip
