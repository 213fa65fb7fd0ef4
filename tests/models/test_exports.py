"""What readers find in the published files, beyond what unit tests of the models can see."""

import io
import pickle
from dataclasses import replace
from datetime import date

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from auto_train.decisions.columns import columns_for_readers
from auto_train.lake import Settings
from auto_train.simulation.mice import simulate
from models.exports.publication import summary, written
from tests.conftest import Project


def test_published_rows_are_in_order_so_the_same_rows_give_the_same_bytes(project: Project) -> None:
    pq.write_table(pa.concat_tables(simulate(12, 20, 1, date(2026, 1, 31))), project.lake / "df_behavior.parquet")
    project.decide()
    keys = {
        "df_manager": ["subject_id", "session"],
        "df_manager_stats": ["subject_id", "current_stage_actual"],
        "decision_log": ["first_published_at", "subject_id", "session"],
    }
    for table, columns in keys.items():
        rows = pq.read_table(project.published(table), columns=columns).to_pylist()
        assert rows == sorted(rows, key=lambda row: [row[column] for column in columns]), table
        assert len(rows) > 12


def test_the_manifest_has_the_numbers_of_a_run_by_group_and_the_newest_date() -> None:
    counts = [
        ("sessions", "read", 8),
        ("sessions", "drifted", 0),
        ("set_aside", "session_twice", 2),
        ("newest_session_date", "2024-05-03", 1),
    ]
    assert summary(counts) == {
        "counts": {"sessions": {"read": 8, "drifted": 0}, "set_aside": {"session_twice": 2}},
        "newest_session_date": "2024-05-03",
    }


def test_each_export_becomes_a_file_with_its_rows_and_df_manager_a_pickle_where_readers_need_one() -> None:
    settings = replace(Settings.from_environment(), manager="test")
    with duckdb.connect() as session:
        columns = ", ".join(f"null::varchar as {name}" for name in columns_for_readers() if name != "subject_id")
        exports = {
            "df_manager": session.sql(f"select unnest(['1', '2']) as subject_id, {columns}"),
            "df_manager_stats": session.sql("select 1 as x"),
        }
        for is_needed in (False, True):
            settings = replace(settings, legacy_pickle=is_needed)
            tables = written(session, settings, exports, session.sql("select unnest([1, 2, 3]) as x"))
            assert {path.rpartition("/")[2]: tables.rows[path] for path in tables.files} == {
                "df_manager_test.parquet": 2, "df_manager_stats_test.parquet": 1,
            } | ({"df_manager_test.pkl": 2} if is_needed else {})  # fmt: skip
            content, rows = tables.new_decisions
            assert (pq.read_table(io.BytesIO(content))["x"].to_pylist(), rows) == ([1, 2, 3], 3)
    frame = pickle.loads(tables.files[settings.published("df_manager", "pkl")])
    assert list(frame["subject_id"]) == ["1", "2"]
    # texts that are missing are None for readers of old
    assert list(frame[list(columns_for_readers())[-1]]) == [None, None]
