"""A database that cannot be used is one line, before anything runs."""

import os
from pathlib import Path

import duckdb
import pytest

from auto_train.lake import LakeError, Settings
from auto_train.nights.dbt_plugin import check_database, readable_df_behavior
from tests.faults import held_open


def refused(database: Path) -> str:
    with pytest.raises(LakeError) as error:
        check_database(database)
    assert str(error.value).startswith(f"AUTO_TRAIN_DATABASE={database}")
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_database_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    database = tmp_path / "database.duckdb"
    check_database(database)
    assert not database.exists()
    assert "there is no folder" in refused(tmp_path / "none/database.duckdb")
    assert not (tmp_path / "none").exists()
    assert "is a folder" in refused(tmp_path)
    database.write_text("subject_id,session\n" * 999)
    assert "not a valid DuckDB database file! Remove it" in refused(database)
    database.unlink()
    duckdb.connect(str(database)).close()
    check_database(database)
    for by in ("writer", "reader"):
        with held_open(database, by) as pid:
            line = refused(database)
            assert f"(PID {pid})" in line
            assert "the copy in the folder analysis" in line
    check_database(database)


def test_a_database_that_this_process_has_open_is_no_problem(tmp_path: Path) -> None:
    database = tmp_path / "database.duckdb"
    with duckdb.connect(str(database), config={"threads": 1}):
        check_database(database)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read and write everything")
def test_a_database_that_must_not_be_read_or_written_is_one_line(tmp_path: Path) -> None:
    database = tmp_path / "database.duckdb"
    duckdb.connect(str(database)).close()
    database.chmod(0)
    assert "Permission denied" in refused(database)
    database.unlink()
    tmp_path.chmod(0o500)
    assert "nothing can be written" in refused(database)


def test_a_df_behavior_that_is_a_folder_or_what_was_published_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = tmp_path / "foraging_auto_training/df_manager_demo.parquet"
    published.parent.mkdir()
    for file in (published, tmp_path / "day.parquet", published.parent / "day.parquet"):
        duckdb.sql(f"copy (select '1' as subject_id, 1 as session) to '{file}' (format parquet)")
    monkeypatch.setenv("AUTO_TRAIN_LAKE", str(tmp_path))

    def read(path: str) -> object:
        monkeypatch.setenv("AUTO_TRAIN_DF_BEHAVIOR", path)
        with duckdb.connect() as connection:
            return readable_df_behavior(connection, Settings.from_environment())

    for folder in (str(tmp_path), "foraging_auto_training/"):
        with pytest.raises(LakeError, match="is a folder"):
            read(folder)
    for pattern in (
        "**/*.parquet",
        "*/df*.parquet",
        "foraging_auto_trainin?/df_manager_demo.parquet",
        "foraging_auto_training/[d]f_manager_demo.parquet",
    ):
        with pytest.raises(LakeError, match="finds files that this program publishes"):
            read(pattern)
    assert read("*.parquet") and read("*/day*.parquet") and read("day.parquet")
