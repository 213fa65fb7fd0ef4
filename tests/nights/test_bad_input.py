"""Bad input: a clear error or a quarantined row with its reason; the other mice are decided."""

import hashlib
from pathlib import Path
from typing import Any

import duckdb
import pytest

from auto_train.publishing.manifest import unstamped
from tests.conftest import Project
from tests.faults import held_open
from tests.mice import GOOD_MOUSE, ITS_STAGES, good_mouse_is_decided, mouse

AT_ONCE = pytest.mark.xdist_group("odd mice")


def build(project: Project, *bad: str) -> None:
    project.write_behavior(" union all by name ".join([GOOD_MOUSE, *bad]))
    project.decide()


UNDECIDABLE = [
    ("unknown_curriculum", {"curriculum_version": "'9.9'"}),
    ("unknown_curriculum", {"curriculum_version": "null"}),
    ("unknown_curriculum", {"curriculum_name": "'coupled baiting'"}),
    ("stage_without_rules", {"current_stage_actual": "'STAGE_4'"}),
    ("unknown_start_stage", {"session": "5"}),
    ("unknown_start_stage", {"session": "5", "current_stage_actual": "'Stage 2'"}),
    ("session_is_no_whole_number", {"session": "2.5"}),
    ("session_is_no_whole_number", {"session": "-1"}),
    ("session_is_no_whole_number", {"session": "1e300"}),
    ("session_is_no_whole_number", {"session": "'inf'::double"}),
    ("metric_is_no_number", {"foraging_eff": "'inf'::double"}),
]
HOSTILE = [
    "o'mouse",
    'a"b',
    "7 1",
    "маус",
    "1;drop table staging.stg_lake__behavior",
    "$(rm -rf /)",
    "{{ 1/0 }}",
    "7\n",
    "test",
]


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, list[tuple[Any, ...]]]:
    """One night of mice that are odd in every way, with the data tests, and what it set aside."""
    rows = [mouse(f"8{place:02}", **columns) for place, (_, columns) in enumerate(UNDECIDABLE)]
    rows += [mouse(of.replace("'", "''")) for of in [*HOSTILE, ""]]
    rows += [mouse("901", finished_trials=trials) for trials in ("100", "300", "null")]
    # 250 trials in two sessions that count; those without number or curriculum between them would lower the mean
    final = {"curriculum_version": "'1.0'", "current_stage_actual": "'STAGE_FINAL'"}
    rows += [
        mouse("902", **final, finished_trials="500"),
        *(mouse("902", session="2", finished_trials="1", curriculum_name=name) for name in ("'None'", "''")),
        *(mouse("902", session=number, finished_trials="1") for number in ("null", "'nan'::double")),
        mouse("902", **final, session="3", finished_trials="101", foraging_eff="0.9"),
    ]
    rows += [
        mouse("903", foraging_eff="null", finished_trials="1000"),
        mouse("904", foraging_eff="'nan'::double", finished_trials="1000"),
        mouse("905", foraging_eff="0.9", finished_trials="null"),
        mouse("906", session="0", current_stage_actual="'STAGE_3'", finished_trials="320", foraging_eff="0.66"),
        mouse("906", session="1", finished_trials="1"),
        mouse("00042"),
        mouse("42"),
    ]
    project = Project(tmp_path_factory.mktemp("odd"))
    project.write_behavior(" union all by name ".join([GOOD_MOUSE, *rows]))
    project.build()
    return project, project.quarantine()


@AT_ONCE
def test_what_cannot_be_decided_is_listed_and_stops_no_other_mouse(odd: tuple[Project, list]) -> None:
    project, set_aside = odd
    expected = [(f"8{place:02}", reason) for place, (reason, _) in enumerate(UNDECIDABLE)]
    found = [(subject, reason) for subject, _, reason in set_aside if reason != "subject_id_pattern"]
    assert found == [*expected, *[("901", "session_twice")] * 2]
    assert good_mouse_is_decided(project)
    decided = {subject for (subject,) in project.df_manager("subject_id")}
    assert decided == {"700001", "901", "902", "903", "904", "905", "906", "00042", "42"}


@AT_ONCE
def test_hostile_subject_ids_are_listed_as_they_are_and_do_nothing(odd: tuple[Project, list]) -> None:
    listed = [subject for subject, _, reason in odd[1] if reason == "subject_id_pattern"]
    assert sorted(listed, key=str) == sorted([*HOSTILE, None], key=str)


@AT_ONCE
def test_of_a_session_that_comes_twice_the_row_with_the_most_finished_trials_counts(odd: tuple[Project, list]) -> None:
    assert odd[0].df_manager("finished_trials", "subject_id = '901'") == [(300,)]


@AT_ONCE
def test_sessions_without_number_or_curriculum_take_no_part_and_are_no_history(odd: tuple[Project, list]) -> None:
    assert odd[0].df_manager("session, decision", "subject_id = '902'") == [(1, "STAY"), (3, "STAY")]


@AT_ONCE
def test_a_missing_metric_is_decided_and_makes_no_comparison_hold(odd: tuple[Project, list]) -> None:
    decided = odd[0].df_manager("next_stage_suggested, matched_rule", "subject_id in ('903', '904', '905')")
    assert decided == [("STAGE_1", 2)] * 3


@AT_ONCE
def test_session_number_zero_is_decided_and_only_number_one_starts_anew(odd: tuple[Project, list]) -> None:
    decided = odd[0].df_manager("session, current_stage_suggested, current_stage_actual", "subject_id = '906'")
    assert decided == [(0, "STAGE_3", "STAGE_3"), (1, "STAGE_1_WARMUP", "STAGE_1_WARMUP")]


@AT_ONCE
def test_leading_zeros_of_a_subject_id_count(odd: tuple[Project, list]) -> None:
    assert odd[0].df_manager("subject_id", "subject_id like '%42'") == [("00042",), ("42",)]


def test_a_session_that_was_set_aside_is_decided_once_it_can_be(project: Project) -> None:
    build(project, mouse(curriculum_version="'9.9'"))
    assert [row[2] for row in project.quarantine()] == ["unknown_curriculum"]
    build(project, mouse())
    assert project.quarantine() == []
    assert len(project.df_manager()) == 4


@pytest.mark.parametrize(
    ("session", "subject_id", "session_date"),
    [("varchar", "double", "varchar"), ("integer", "varchar", "timestamp"), ("decimal(10, 1)", "bigint", "date")],
)
def test_columns_may_have_any_type(project: Project, session: str, subject_id: str, session_date: str) -> None:
    project.write_behavior(
        f"select * replace (session::integer::{session} as session, subject_id::{subject_id} as subject_id,"
        f" session_date::{session_date} as session_date) from ({GOOD_MOUSE})"
    )
    project.decide()
    assert good_mouse_is_decided(project)
    assert project.df_manager("session, session_date") == [(1, "2024-01-01"), (2, "2024-01-02"), (3, "2024-01-03")]


def test_metrics_may_be_texts_and_one_that_is_no_number_is_set_aside(project: Project) -> None:
    as_text = GOOD_MOUSE.replace("250::double", "'250'").replace("0.65::double", "'0.65'")
    project.write_behavior(
        f"{as_text} union all"
        f" select * replace ('7' || session::int as subject_id, 'many' as finished_trials) from ({as_text})"
        f" union all select * replace ('8' as subject_id, 'nan' as finished_trials) from ({as_text}) where session = 1"
        f" union all select * replace ('9' as subject_id, 'None' as finished_trials) from ({as_text}) where session = 1"
    )
    project.decide()
    assert {row[2] for row in project.quarantine()} == {"metric_is_no_number"}
    assert len(project.quarantine()) == 3
    assert project.df_manager("subject_id, finished_trials", "length(subject_id) = 1") == [("8", None), ("9", None)]
    assert good_mouse_is_decided(project)


def test_a_metric_of_another_task_that_is_no_number_stops_nothing(project: Project) -> None:
    project.write_behavior(f"select *, 'broken' as dummy_metric_int from ({GOOD_MOUSE})")
    project.decide()
    assert good_mouse_is_decided(project)


def test_a_wider_subject_id_pattern_decides_the_mice_it_allows(project: Project) -> None:
    wider = mouse("o''mouse 1")
    project.write_behavior(f"{GOOD_MOUSE} union all {wider}")
    project.build("--vars", '{subject_id_pattern: "[a-z0-9\' ]+"}')
    assert project.df_manager("subject_id", "session = 1") == [("700001",), ("o'mouse 1",)]


def test_a_table_from_before_auto_training_is_simulated_in_open_loop(project: Project) -> None:
    project.write_behavior(
        "select subject_id, session, 'coupled_block_baiting' as task, foraging_eff as foraging_efficiency,"
        f" finished_trials from ({GOOD_MOUSE})"
    )
    project.build()
    columns = "curriculum_name, curriculum_version, task, session_date, if_closed_loop, next_stage_suggested"
    assert project.df_manager(columns) == [
        ("Coupled Baiting", "1.0", "Coupled Baiting", None, False, stage) for stage in ITS_STAGES
    ]


def test_a_column_that_the_table_does_not_have_is_missing_for_all(project: Project) -> None:
    project.write_behavior(f"select * exclude (foraging_eff, session_date) from ({GOOD_MOUSE})")
    project.decide()
    assert project.df_manager("foraging_efficiency, next_stage_suggested") == [
        (None, "STAGE_1"), (None, "STAGE_1"), (None, "STAGE_1")
    ]  # fmt: skip


def test_an_empty_df_behavior_publishes_empty_tables_and_later_keeps_decisions(project: Project) -> None:
    project.write_behavior(f"select * from ({GOOD_MOUSE}) where false")
    project.build()
    assert project.df_manager() == []
    assert duckdb.sql(f"select count(*) from '{project.published('df_manager_stats')}'").fetchone() == (0,)
    build(project)
    assert good_mouse_is_decided(project)
    project.write_behavior(f"select * from ({GOOD_MOUSE}) where false")
    project.build()
    assert good_mouse_is_decided(project)


def digests(project: Project) -> list[str]:
    """Of what is published but for the name of the run that df_manager carries."""
    return [
        hashlib.sha256(unstamped(project.published(table).read_bytes())).hexdigest()
        for table in ("df_manager", "df_manager_stats")
    ]


def test_a_file_that_is_no_parquet_is_a_clear_error_and_leaves_what_was_published(project: Project) -> None:
    build(project)
    before = digests(project)
    (project.lake / "df_behavior.parquet").write_text("subject_id,session\n1,1\n")
    succeeded, problems = project.dbt("build")
    assert not succeeded
    assert f"df_behavior at {project.lake}/df_behavior.parquet cannot be read as parquet" in problems
    assert digests(project) == before


def test_a_missing_df_behavior_is_a_clear_error(project: Project) -> None:
    succeeded, problems = project.dbt("build")
    assert not succeeded
    assert f"there is no df_behavior at {project.lake}/df_behavior.parquet" in problems
    assert "make simulate" in problems


def test_a_night_without_new_sessions_publishes_the_same_bytes(project: Project) -> None:
    build(project, mouse(), mouse("700003", curriculum_version="'9.9'"))
    before = digests(project)
    build(project, mouse(), mouse("700003", curriculum_version="'9.9'"))
    assert digests(project) == before


def test_a_glob_of_files_with_different_columns_is_one_table(project: Project) -> None:
    folder = project.lake / "parts"
    folder.mkdir()
    duckdb.sql(f"copy (select * from ({GOOD_MOUSE}) where session = 1) to '{folder}/a.parquet'")
    duckdb.sql(f"copy (select *, 1 as x from ({GOOD_MOUSE}) where session > 1) to '{folder}/b.parquet'")
    project.environment["AUTO_TRAIN_DF_BEHAVIOR"] = "parts/*.parquet"
    project.decide()
    assert good_mouse_is_decided(project)


def test_a_lake_whose_path_has_quotes_and_spaces_works(project: Project, tmp_path: Path) -> None:
    project.lake = tmp_path / "o'lake \" {{ x }}"
    project.lake.mkdir()
    project.environment["AUTO_TRAIN_LAKE"] = str(project.lake)
    duckdb.sql(GOOD_MOUSE).write_parquet(str(project.lake / "df_behavior.parquet"))
    project.decide()
    project.decide()
    published = project.published()
    assert duckdb.execute("select count(*) from read_parquet(?)", [str(published)]).fetchone() == (3,)


def test_a_second_run_in_one_checkout_says_so_without_a_traceback(project: Project) -> None:
    project.write_behavior("select '1' as subject_id, 1 as session")
    database = project.folder / "own.duckdb"
    duckdb.connect(str(database)).close()
    project.environment["AUTO_TRAIN_DATABASE"] = str(database)
    commands = (
        ("-m", "scripts", "nightly", *project.options),
        ("-m", "dbt.cli.main", "build", "--quiet", *project.options),
    )
    with held_open(database, "writer") as pid:
        for command in commands:
            done = project.command(*command)
            assert done.returncode != 0
            said = done.stdout + done.stderr
            assert f"(PID {pid}). Another run or a reader has it open" in said
            assert "Traceback" not in said
