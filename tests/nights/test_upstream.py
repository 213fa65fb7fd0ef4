"""What a table that changed upstream does to a night (SEMANTICS 16 to 21): it stops, and what was published stays."""

import json
import os
import re
import shutil
from pathlib import Path

import duckdb
import pytest

from auto_train.nights.night import CHECKED
from tests.conftest import Project

pytestmark = pytest.mark.xdist_group("upstream")

# Twelve mice run every day; two hundred retired ones must not make what happens to these look rare.
NIGHT = """
    select
        cast(700000 + mouse as varchar) as subject_id, day::double as session,
        date '2026-01-01' + day::int as session_date, 'Coupled Baiting' as task, 'Coupled Baiting' as curriculum_name,
        '2.3' as curriculum_version, '1.0' as curriculum_schema_version, 'STAGE_1' as current_stage_actual,
        'Bo' as user_name, 150.0::double as finished_trials, 0.3::double as foraging_eff
    from range(12) as mice (mouse), range(1, {days} + 1) as sessions (day)
    union all by name
    select
        cast(800000 + mouse as varchar) as subject_id, 1.0::double as session, date '2025-01-01' as session_date,
        'Coupled Baiting' as task, 'Coupled Baiting' as curriculum_name, '2.3' as curriculum_version,
        '1.0' as curriculum_schema_version, 'STAGE_1' as current_stage_actual, 'Al' as user_name,
        150.0::double as finished_trials, 0.3::double as foraging_eff
    from range(200) as mice (mouse)
"""
FIRST, SECOND = NIGHT.format(days=4), NIGHT.format(days=5)
NEWEST = "session = 5"
CURRICULUM = ("curriculum_name", "curriculum_version", "curriculum_schema_version")


@pytest.fixture(scope="module")
def first_night(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("first_night"))
    project.write_behavior(FIRST)
    project.build()
    return project


@pytest.fixture
def second(first_night: Project, project: Project) -> Project:
    """The lake as the first night left it."""
    shutil.rmtree(project.lake)
    shutil.copytree(first_night.lake, project.lake)
    return project


def night(project: Project, *options: str) -> tuple[bool, str]:
    """A whole night, with every test; whether it published, and what went wrong."""
    Path(project.environment["AUTO_TRAIN_DATABASE"]).unlink(missing_ok=True)
    return project.dbt("build", *project.QUICK, "--exclude-resource-type", "unit_test", *options)


def without(*columns: str) -> str:
    return f"select * exclude ({', '.join(columns)}) from ({SECOND})"


def newest(**values: str) -> str:
    """Other values in the newest sessions, as SQL."""
    changed = ", ".join(f"if({NEWEST}, {value}, {column}) as {column}" for column, value in values.items())
    return f"select * replace ({changed}) from ({SECOND})"


def test_a_night_in_which_nothing_changed_upstream_goes_on(second: Project) -> None:
    second.write_behavior(SECOND)
    assert night(second) == (True, "")
    assert len(second.df_manager(where="session = 5")) == 12


@pytest.mark.parametrize(
    ("gates", "table"),
    [
        pytest.param(("columns_are_there",), f"select * rename (finished_trials as finished_trials_x) from ({SECOND})",
                     id="a metric has another name"),
        pytest.param(("mice_stay_on_curriculum", "new_sessions_stay_on_curriculum"), without(*CURRICULUM),
                     id="all curriculum columns are gone"),
        pytest.param(("mice_stay_on_curriculum",), newest(curriculum_name="null"),
                     id="the curriculum is taken from df_manager, which lacks the newest session"),
        pytest.param(("new_sessions_stay_in_closed_loop",), without("current_stage_actual"),
                     id="the rigs' stage is gone"),
        pytest.param(("few_mice_change_stage",), newest(foraging_eff="70.0", finished_trials="400"),
                     id="a metric in percent where it was a fraction"),
        pytest.param(("few_sessions_are_set_aside",), newest(curriculum_version="'2.33'"),
                     id="a version that nobody knows"),
        pytest.param(("mice_do_not_vanish", "sessions_do_not_vanish"),
                     f"select * replace ('SUB-' || subject_id as subject_id) from ({SECOND})",
                     id="subjects are called another way"),
    ],
)  # fmt: skip
def test_what_upstream_can_break_trips_its_gate(second: Project, gates: tuple[str, ...], table: str) -> None:
    second.write_behavior(table)
    Path(second.environment["AUTO_TRAIN_DATABASE"]).unlink(missing_ok=True)
    succeeded, problems = second.dbt("build", *second.QUICK, *CHECKED, "--exclude-resource-type", "unit_test")
    assert not succeeded
    assert {gate for gate in gates if f"assert_{gate}:" not in problems} == set(), problems


def test_a_gate_stops_the_night_and_what_was_published_stays(second: Project) -> None:
    before = second.published().read_bytes()
    second.write_behavior(newest(foraging_eff="'nan'::double"))
    succeeded, problems = night(second)
    assert not succeeded
    assert problems.startswith("assert_new_sessions_have_their_metrics: ")
    assert second.published().read_bytes() == before


@pytest.mark.parametrize(
    ("table", "decided"),
    [
        pytest.param(f"select * rename (curriculum_name as Curriculum_Name, session as Session) from ({SECOND})", 260,
                     id="names in another case"),
        pytest.param(f"select *, -1 as Session_1, 'x' as Task from ({SECOND})", 260, id="an exact name beside others"),
        pytest.param(newest(curriculum_name="if(subject_id = '700000', null, curriculum_name)"), 259,
                     id="one mouse leaves its curriculum"),
    ],
)  # fmt: skip
def test_what_only_looks_other_stops_nothing(second: Project, table: str, decided: int) -> None:
    second.write_behavior(table)
    assert night(second) == (True, "")
    assert len(second.df_manager()) == decided


def test_a_first_night_without_what_is_needed_publishes_nothing_and_says_what_there_is(project: Project) -> None:
    many = ", ".join(f"0 as a_metric_of_another_task_{n}" for n in range(150))
    project.write_behavior(
        f"select *, {many} from (select * exclude (session) rename (foraging_eff as eff) from ({FIRST}))"
    )
    done = project.command("-m", "scripts", "nightly", *project.options[:4])
    assert done.returncode != 0
    assert not project.published().exists()
    assert "FAILED: df_behavior lacks columns that decisions need (columns_missing)" in done.stdout
    assert "    session\n" in done.stdout
    assert "foraging_efficiency, which coupled_baiting/v2.3 looks at" in done.stdout
    [closest] = [line.split(": ")[1].split(", ") for line in done.stdout.splitlines() if "closest of what" in line]
    assert closest[0] == "session_date" and len(closest) == 12
    assert "--let-through columns_missing --who" in done.stdout
    assert project.environment["AUTO_TRAIN_DATABASE"] in done.stdout


def test_mice_of_another_task_are_not_enrolled_in_the_default_curriculum(project: Project) -> None:
    project.write_behavior(
        f"select * exclude ({', '.join(CURRICULUM)}, current_stage_actual) replace ("
        f"if(subject_id like '7%', 'Wheel turning', if(subject_id = '800000', null, task)) as task) from ({FIRST})"
    )
    assert night(project) == (True, "")
    # a task that is missing may be any
    assert len(project.df_manager()) == 200
    assert project.query("select number from marts.run_summary where name = 'by_default'") == [(200,)]


def test_a_gate_is_let_through_for_one_night_by_name_with_who_and_why(second: Project) -> None:
    second.write_behavior(newest(foraging_eff="70.0", finished_trials="400"))
    arguments = ["-m", "scripts", "nightly", *second.options[:4], "--let-through", "mice_change_stage"]
    assert second.command(*arguments).returncode == 2
    done = second.command(*arguments, "--who", "Anna", "--why", "they all learned it")
    assert done.returncode == 0, done.stdout + done.stderr
    warning = "warning: mice that were decided change their stage (mice_change_stage)"
    assert re.search(rf"{re.escape(warning)}\n    \d+ of \d+ \([\d.]+ %\)\n", done.stdout)
    manifest = json.loads((second.lake / "foraging_auto_training/manifest_test.json").read_text())
    assert manifest["let_through"] == [{"gate": "mice_change_stage", "who": "Anna", "why": "they all learned it"}]
    done = second.command(*arguments[:-1], "mice_change", "--who", "Anna", "--why", "a typing error")
    assert done.returncode != 0
    assert "mice_change is not a gate; gates are columns_missing, mice_change_stage" in done.stdout


def test_nothing_is_published_where_tests_did_not_run(second: Project) -> None:
    before = second.published().read_bytes()
    second.write_behavior(SECOND)
    for arguments in (
        ("run", *second.QUICK),
        ("build", *second.QUICK, "--exclude-resource-type", "test", "unit_test"),
        ("build", *second.QUICK, "--exclude-resource-type", "unit_test", "--exclude", "assert_mice_do_not_vanish"),
    ):
        succeeded, problems = second.dbt(*arguments)
        assert not succeeded
        assert "nothing is published: this run leaves out tests" in problems
    # all was tested, but by the command before
    succeeded, _ = night(second, "--exclude", "publication")
    assert succeeded
    succeeded, problems = second.dbt("run", *second.QUICK, "--select", "publication")
    assert not succeeded
    assert "nothing is published: this run decided nothing and tested nothing itself" in problems
    assert second.published().read_bytes() == before


def test_an_input_is_checked_without_deciding_or_publishing(second: Project) -> None:
    before = {path: path.read_bytes() for path in second.lake.rglob("*") if path.is_file()}
    other = second.folder / "other.parquet"
    duckdb.sql(f"copy ({without(*CURRICULUM, 'finished_trials')}) to '{other}' (format parquet)")
    done = second.command("-m", "scripts", "check-input", str(other))
    # as of a night that a test refuses
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stdout.splitlines()[0] == (
        f"{other}: 260 sessions of 212 mice, from 2025-01-01 to 2026-01-06; 260 off curriculum, 0 under the default one"
    )
    assert "(mice_off_curriculum)" in done.stdout and done.stdout.endswith("a night would stop here\n")
    duckdb.sql(f"copy ({SECOND}) to '{other}' (format parquet)")
    done = second.command("-m", "scripts", "check-input", os.path.relpath(other, Path(__file__).parents[2]))
    assert done.returncode == 0, done.stdout
    assert done.stdout.endswith("a night would go on from here\n")
    assert {path: path.read_bytes() for path in second.lake.rglob("*") if path.is_file()} == before


def test_folders_and_files_of_other_shapes_are_one_table(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two names of one column, another case, days beside instants, and folders that say what their files say otherwise,
    or not at all."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    part = "select * from ({night}) where subject_id in ('700000', '700001') and session {which}"
    shapes = {
        "session_date=2020-01-01/session=3/a.parquet": part.format(night=FIRST, which="= 1"),
        "session_date=2026-01-03/session=2/b.parquet":
            f"select * exclude (session, session_date) from ({part.format(night=FIRST, which='= 2')})",
        "c.parquet":
            "select * replace (timestamptz '2026-01-04 08:00:00+00' as session_date)"
            " rename (foraging_eff as foraging_efficiency, session as SESSION)"
            f" from ({part.format(night=FIRST, which='= 3')})",
    }  # fmt: skip
    for name, table in shapes.items():
        path = project.lake / "parts" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        duckdb.sql(f"copy ({table}) to '{path}' (format parquet)")
    project.environment["AUTO_TRAIN_DF_BEHAVIOR"] = str(project.lake / "parts/**/*.parquet")
    assert night(project, "--vars", "{lab_time_zone: America/Los_Angeles}") == (True, "")
    columns = "session, cast(session_date as varchar), foraging_efficiency"
    assert project.df_manager(columns, "subject_id = '700000'") == [
        (1, "2026-01-02", 0.3), (2, "2026-01-03", 0.3), (3, "2026-01-04", 0.3),
    ]  # fmt: skip


def test_a_clock_that_was_ahead_once_does_not_shift_later_days(project: Project) -> None:
    project.write_behavior(FIRST)
    project.environment["AUTO_TRAIN_CLOCK"] = "2027-03-01T03:00:00+00:00"
    project.decide()
    project.environment["AUTO_TRAIN_CLOCK"] = "2026-01-06T03:00:00+00:00"
    project.write_behavior(SECOND)
    project.decide()
    [(day, started, before)] = project.query(
        "select cast(training_day as varchar), cast(started_at as varchar), cast(previous_started_at as varchar)"
        " from staging.stg_lake__run"
    )
    assert (day, started, before) == ("2026-01-06", "2026-01-06 03:00:00", "2027-03-01 03:00:00")
    runs = [path.name for path in sorted((project.lake / "foraging_auto_training/history/test").iterdir())]
    manifest = json.loads((project.lake / "foraging_auto_training/manifest_test.json").read_text())
    # the order of runs is that of their ids, whatever the clock said
    assert [manifest["run"]["previous"], manifest["run"]["id"]] == runs
    done = project.command("-m", "scripts", "status")
    assert done.returncode == 0, done.stdout
