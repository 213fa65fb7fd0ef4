"""What is said of a publication that tells mice otherwise."""

import pyarrow as pa

from auto_train.publishing.told import in_words


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
