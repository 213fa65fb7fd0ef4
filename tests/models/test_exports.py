"""What readers find in the published files, beyond what unit tests of the models can see."""

from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq

from auto_train.simulation.mice import simulate
from models.exports.publication import summary
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
