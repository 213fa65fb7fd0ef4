"""Models on a few rows made by hand: dbt's unit tests, which stand beside the models, and what those cannot reach."""

from datetime import UTC, date, datetime

import duckdb
import pytest

from tests.conftest import Project

pytestmark = pytest.mark.xdist_group("models")


def test_every_unit_test_of_a_model_passes(small_lab: Project) -> None:
    succeeded, problems = small_lab.dbt("test", "--select", "test_type:unit", *small_lab.QUICK, "--no-use-colors")
    assert succeeded, problems


def test_from_noon_on_a_run_decides_for_tomorrow_and_before_for_today(small_lab: Project) -> None:
    """A unit test cannot say when a run started: that is a variable of DuckDB."""
    succeeded, problems = small_lab.dbt("compile", "--select", "stg_lake__run")
    assert succeeded, problems
    compiled = small_lab.workplace / "target/compiled/auto_train/models/staging/stg_lake__run.sql"
    days = {}
    with duckdb.connect() as connection:
        for time in ("00:00:00", "00:00:01", "11:59:59", "12:00:00", "13:00:00", "23:59:59"):
            connection.execute("set variable run_started_at = ?", [f"2024-01-05 {time}"])
            [days[time]] = connection.sql(compiled.read_text()).project("training_day").fetchone()
    today, tomorrow = date(2024, 1, 5), date(2024, 1, 6)
    assert days == {
        "00:00:00": today, "00:00:01": today, "11:59:59": today,
        "12:00:00": tomorrow, "13:00:00": tomorrow, "23:59:59": tomorrow,
    }  # fmt: skip


def test_the_files_of_df_behavior_are_listed_with_size_and_time_in_utc(small_lab: Project) -> None:
    path = small_lab.lake / "df_behavior.parquet"
    [(listed, size, modified_at)] = small_lab.query("select path, bytes, modified_at from staging.stg_lake__files")
    assert (listed, size) == (str(path), path.stat().st_size)
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None)
    assert abs((modified_at - written).total_seconds()) < 1
