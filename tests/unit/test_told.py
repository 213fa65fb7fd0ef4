"""What is said of a publication that tells mice otherwise."""

import io

import pyarrow as pa
import pyarrow.parquet as pq

from auto_train.publishing.told import changes_between, in_words


def test_a_mouse_that_is_told_something_for_the_first_time_is_not_told_another_stage():
    changed = pa.Table.from_pylist([
        {"subject_id": "1", "stage": "STAGE_2", "stage_before": "STAGE_1"},
        {"subject_id": "2", "stage": "STAGE_1", "stage_before": "STAGE_1"},
        {"subject_id": "3", "stage": "STAGE_1", "stage_before": None},
        {"subject_id": "4", "stage": None, "stage_before": "STAGE_1"},
    ])  # fmt: skip
    assert in_words("a full refresh", changed) == [
        "a full refresh: 1 mouse is told another stage than before (1)",
        "1 mouse is told nothing any more (4)",
        "1 mouse is told something for the first time",
    ]


def test_what_changes_is_the_newest_of_each_mouse_also_of_one_that_is_there_no_more():
    def df_manager(*rows: tuple[str, int, str]) -> bytes:
        out = io.BytesIO()
        names = ("subject_id", "session", "next_stage_suggested")
        pq.write_table(pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows]), out)
        return out.getvalue()

    before = df_manager(("1", 2, "STAGE_2"), ("1", 1, "STAGE_1"), ("2", 1, "STAGE_1"), ("3", 1, "STAGE_1"))
    after = df_manager(("1", 2, "STAGE_2"), ("2", 1, "STAGE_1"), ("2", 2, "STAGE_2"), ("4", 1, "STAGE_1"))
    assert [tuple(row.values()) for row in changes_between("back", before, after).to_pylist()] == [
        ("back", "2", 2, "STAGE_2", "STAGE_1"),
        ("back", "3", None, None, "STAGE_1"),
        ("back", "4", 1, "STAGE_1", None),
    ]
