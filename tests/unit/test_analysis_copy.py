"""The copy of the database that analysts read."""

from pathlib import Path

import duckdb

from auto_train.publishing import analysis_copy


def test_the_copy_has_what_was_written_last_though_somebody_still_holds_the_database(tmp_path: Path) -> None:
    database = tmp_path / "auto_train.duckdb"
    with duckdb.connect(str(database)) as night:
        night.execute("create table run as select 'the night before' as id")
    with duckdb.connect(str(database)) as night:
        night.execute("create or replace table run as select 'this night' as id")
        night.execute("create view newest as from auto_train.main.run")
        # what was written is in the log beside the file as long as this connection lives
        analysis_copy._leave(database)
        copy = analysis_copy.place(str(database))
        with duckdb.connect(str(copy), read_only=True) as analyst:
            assert analyst.execute("from newest").fetchall() == [("this night",)]
    assert list(copy.parent.iterdir()) == [copy]
