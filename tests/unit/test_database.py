"""A database that cannot be used is one line, before anything runs."""

import os
from pathlib import Path

import duckdb
import pytest

from auto_train.lake import LakeError
from auto_train.nights.dbt_plugin import check_database
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
