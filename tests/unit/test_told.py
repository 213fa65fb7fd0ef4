"""What is said of a publication that tells mice otherwise."""

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from auto_train.lake import Folder, Settings
from auto_train.publishing.log import NOTHING
from auto_train.publishing.told import as_rows, banner, changes_between, in_words, of_other_managers


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
    # and of nobody nothing is said
    assert in_words("a full refresh", changed.slice(0, 1)) == [
        "a full refresh: 1 mouse is told another stage than before (1)"
    ]
    assert in_words("a full refresh", changed.slice(0, 0)) == [
        "a full refresh: 0 mice are told another stage than before"
    ]


def df_manager(*rows: tuple[str, int, str]) -> bytes:
    out = io.BytesIO()
    names = ("subject_id", "session", "next_stage_suggested")
    pq.write_table(pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows]), out)
    return out.getvalue()


def test_what_changes_is_the_newest_of_each_mouse_also_of_one_that_is_there_no_more():
    before = df_manager(("1", 2, "STAGE_2"), ("1", 1, "STAGE_1"), ("2", 1, "STAGE_1"), ("3", 1, "STAGE_1"))
    after = df_manager(("1", 2, "STAGE_2"), ("2", 1, "STAGE_1"), ("2", 2, "STAGE_2"), ("4", 1, "STAGE_1"))
    assert [tuple(row.values()) for row in changes_between("back", before, after).to_pylist()] == [
        ("back", "2", 2, "STAGE_2", "STAGE_1"),
        ("back", "3", None, None, "STAGE_1"),
        ("back", "4", 1, "STAGE_1", None),
    ]
    # the log keeps rows, and no file where there are none
    changed = changes_between("back", before, after)
    content, rows = as_rows(changed)
    assert (pq.read_table(io.BytesIO(content)).to_pylist(), rows) == (changed.to_pylist(), 3)
    assert as_rows(changes_between("again", after, after)) == NOTHING
    # what was not there, or cannot be read, told nothing
    for nothing in (None, b"damaged"):
        assert [row["subject_id"] for row in changes_between("first", nothing, after).to_pylist()] == ["1", "2", "4"]


def test_a_first_night_says_what_changes_for_mice_that_other_managers_decided(tmp_path: Path):
    lake, settings = Folder(str(tmp_path)), Settings(str(tmp_path), "", "ours", "", "")
    of = {
        "ours": df_manager(("1", 9, "STAGE_9")),
        "theirs": df_manager(("1", 1, "STAGE_1"), ("2", 1, "STAGE_1"), ("3", 1, "STAGE_1")),
        "strangers": df_manager(("7", 1, "STAGE_1")),
        "stats": b"not one",
    }
    for name, content in of.items():
        lake.publish(io.BytesIO(content), f"foraging_auto_training/df_manager_{name}.parquet")
    lake.publish(io.BytesIO(of["theirs"]), "foraging_auto_training/history/old/df_manager_old.parquet")
    after = df_manager(("1", 1, "STAGE_2"), ("2", 1, "STAGE_1"), ("8", 1, "STAGE_1"))
    [said] = of_other_managers(lake, settings, "first", after)
    # by now this manager has published, and would be refused as a new name
    assert said == (
        "the first night of ours: 2 of its mice were decided by manager theirs before, and 1 mouse is told another "
        "stage than there (1). To go on from those decisions: auto-train managers rename theirs NEW, with a name that "
        "has published nothing yet"
    )

    # also where no mouse is told another stage: the new manager does not know their history
    as_before = df_manager(("2", 1, "STAGE_1"), ("3", 1, "STAGE_1"))
    [said] = of_other_managers(lake, settings, "first", as_before)
    assert "2 of its mice were decided by manager theirs before, and 0 mice are told another stage than there." in said


def test_a_page_has_the_newest_lines_in_place_of_those_that_it_had():
    page = b"<body><!-- said --><!-- end of said --><!-- said -->another<!-- end of said --></body>"
    for lines, words in ((["a <b>", "c"], b"<p>a &lt;b&gt;</p><p>c</p>"), (["d"], b"<p>d</p>"), ([], b"")):
        page = banner(page, lines)
        assert page == (
            b"<body><!-- said -->" + words + b"<!-- end of said --><!-- said -->another<!-- end of said --></body>"
        )
