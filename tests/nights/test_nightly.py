"""The summary of a night, and the job on tasks and nights as a lab has them."""

import re
import subprocess
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from auto_train.lake import LakeError, Settings, counted
from auto_train.nights.record import Finding
from auto_train.simulation.mice import Rates, simulate, write
from scripts.cli import auto_train
from tests.conftest import ROOT, Project
from tests.mice import GOOD_MOUSE, mouse

LAST_DAY = date(2026, 1, 31)


def nightly(project: Project) -> "subprocess.CompletedProcess[str]":
    return project.command("-m", "scripts", "nightly", *project.options[:4])


def test_the_summary_says_what_was_decided_set_aside_and_published(project: Project) -> None:
    bad = [mouse("700003", curriculum_name="null"), mouse("test"), mouse(curriculum_version="'9.9'")]
    project.write_behavior(" union all by name ".join([GOOD_MOUSE, *bad]))
    done = nightly(project)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "6 sessions read: 3 decided now, 0 decided before, 2 set aside, 1 off curriculum"
    assert "1 set aside: a subject id that readers do not accept (subject_id_pattern)" in lines[1]
    assert "1 set aside: a curriculum that the library does not have (unknown_curriculum)" in lines[2]
    assert re.fullmatch(
        r"1 mouse for the next session, on 20..-..-.. \(UTC\): 1 STAY, 0 PROGRESS, 0 ROLLBACK", lines[3]
    )
    assert lines[4].startswith(f"df_manager is at {project.published()} (")


def test_a_failed_test_publishes_nothing_and_the_summary_names_it(project: Project) -> None:
    project.write_behavior(GOOD_MOUSE)
    project.build()
    before = project.published().read_bytes()
    damage = f"select * replace ('STAGE_9' as next_stage_suggested) from '{project.published()}'"
    # an older version of this project left no manifest, so only the tests can tell
    (project.lake / "foraging_auto_training/manifest_test.json").unlink()
    duckdb.sql(damage).write_parquet(str(project.published().with_suffix(".broken")))
    project.published().with_suffix(".broken").replace(project.published())
    damaged = project.published().read_bytes()
    done = nightly(project)
    assert done.returncode != 0
    assert "nothing was published" in done.stdout
    assert "relationships_stg_lake__decisions_next_stage_suggested" in done.stdout
    assert project.published().read_bytes() == damaged != before


def test_the_dummy_task_goes_from_yaml_to_df_manager(project: Project) -> None:
    project.write_behavior("""
        select '7' as subject_id, n as session, 'Dummy task' as curriculum_name, '0.2' as curriculum_version,
            '1.0' as curriculum_schema_version, 6 + n as dummy_metric_int, 0.3 * n as dummy_metric_float
        from range(1, 6) as sessions (n)
    """)
    project.build()
    assert project.df_manager("session, current_stage_actual, decision, next_stage_suggested, matched_rule") == [
        (1, "STAGE_1", "STAY", "STAGE_1", None),
        (2, "STAGE_1", "PROGRESS", "STAGE_2", 2),
        (3, "STAGE_2", "PROGRESS", "STAGE_3", 2),
        (4, "STAGE_3", "STAY", "STAGE_3", None),
        (5, "STAGE_3", "PROGRESS", "STAGE_FINAL", 1),
    ]


def test_simulated_mice_are_reproducible_and_their_rigs_follow_the_suggestions(
    project: Project, tmp_path: Path
) -> None:
    rates = Rates(no_number=0, wrong_number=0, twice=0)
    tables = [pa.concat_tables(simulate(60, 30, seed, LAST_DAY, rates)) for seed in (5, 5, 6)]
    assert tables[0].to_pandas().equals(tables[1].to_pandas())
    assert not tables[0].to_pandas().equals(tables[2].to_pandas())

    pq.write_table(tables[0], project.lake / "df_behavior.parquet")
    project.build()
    # whatever was not moved by a trainer ran where df_manager says that it should
    followed, moved = duckdb.sql(f"""
        select
            count(*) filter (m.current_stage_actual = m.current_stage_suggested),
            count(*) filter (m.if_overriden_by_trainer)
        from '{project.published()}' as m
        inner join '{project.lake}/df_behavior.parquet' as b
            on m.subject_id = b.subject_id and m.session = b.session
        where m.if_closed_loop and b.if_overriden_by_trainer is distinct from 'True'
    """).fetchone()
    assert followed > 1000
    assert moved == 0


def test_simulated_mice_have_the_quirks_of_the_real_table(tmp_path: Path) -> None:
    path = tmp_path / "df_behavior.parquet"
    assert write(simulate(400, 30, 1, LAST_DAY), path) > 8_000
    quirks = {
        "session is null or isnan(session)",
        "session <> floor(session)",
        "curriculum_name is null",
        "curriculum_name = 'None'",
        "curriculum_version like 'v%'",
        "curriculum_version like '%9.9'",
        "current_stage_actual = 'Stage 2'",
        "current_stage_actual = 'None'",
        "isnan(foraging_eff)",
        "if_overriden_by_trainer = 'True'",
    }
    for quirk in quirks:
        [(rows,)] = duckdb.sql(f"select count(*) from '{path}' where {quirk}").fetchall()
        assert rows > 0, quirk
    [(twice,)] = duckdb.sql(
        f"select count(*) from (select 1 from '{path}' group by subject_id, session having count(*) > 1)"
    ).fetchall()
    assert twice > 0
    columns = duckdb.sql(f"describe from '{path}'").fetchall()
    assert len(columns) == 131
    assert {kind for _, kind, *_ in columns} == {"VARCHAR", "BIGINT", "DOUBLE", "BOOLEAN"}


def test_a_full_refresh_decides_everything_anew(project: Project) -> None:
    project.write_behavior(GOOD_MOUSE)
    project.decide()
    project.write_behavior(GOOD_MOUSE.replace("0.65::double", "0.1::double"))
    project.decide()
    assert project.df_manager("next_stage_suggested")[:2] == [("STAGE_2",), ("STAGE_2",)]
    project.decide("--full-refresh")
    assert project.df_manager("next_stage_suggested")[:2] == [("STAGE_1",), ("STAGE_1",)]


def test_two_managers_publish_beside_each_other(project: Project) -> None:
    project.write_behavior(GOOD_MOUSE)
    project.decide()
    project.environment["AUTO_TRAIN_MANAGER"] = "other"
    project.decide()
    assert len(list((project.lake / "foraging_auto_training").glob("df_manager_*.parquet"))) == 4


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MANAGER", ".hidden"), ("MANAGER", "a/b"), ("MANAGER", "-"), ("KEEP_RUNS", "0"), ("KEEP_RUNS", "-1"),
        ("KEEP_RUNS", "1.5"), ("LEGACY_PICKLE", "maybe"),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_be_used_is_refused_by_its_name(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"AUTO_TRAIN_{name}", value)
    with pytest.raises(LakeError, match=f"AUTO_TRAIN_{name}={value!r}"):
        Settings.from_environment()


@pytest.mark.parametrize(
    ("lake", "df_behavior", "path"),
    [
        ("", "", f"{ROOT}/lake/df_behavior.parquet"),
        ("mice", "", f"{ROOT}/mice/df_behavior.parquet"),
        ("/mice/", "", "/mice/df_behavior.parquet"),
        ("s3://lab/mice", "parts/*.parquet", "s3://lab/mice/parts/*.parquet"),
        ("s3://lab/mice", "./own.parquet", f"{ROOT}/own.parquet"),
        ("/mice", "../own.parquet", f"{ROOT}/../own.parquet"),
        ("/mice", "/own.parquet", "/own.parquet"),
        ("/mice", "s3://lab/own.parquet", "s3://lab/own.parquet"),
    ],
)
def test_df_behavior_is_below_the_lake_unless_it_has_a_path_of_its_own(
    lake: str, df_behavior: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTO_TRAIN_LAKE", lake)
    monkeypatch.setenv("AUTO_TRAIN_DF_BEHAVIOR", df_behavior)
    assert Settings.from_environment().df_behavior == path


def test_settings_that_are_not_given_have_their_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    given = Settings.from_environment()
    lake, database = f"{ROOT}/lake", f"{ROOT}/target/auto_train.duckdb"
    assert given == Settings(lake, f"{lake}/df_behavior.parquet", "demo", database, "", "", 30, False)
    monkeypatch.setenv("AUTO_TRAIN_KEEP_RUNS", "1")
    monkeypatch.setenv("AUTO_TRAIN_LEGACY_PICKLE", "yes")
    monkeypatch.setenv("AUTO_TRAIN_MIRROR", "/there/")
    given = Settings.from_environment()
    assert (given.keep_runs, given.legacy_pickle, given.mirror) == (1, True, "/there")


def test_a_finding_names_ten_mice_and_counts_the_others() -> None:
    def told(mice: int) -> str:
        return Finding("a_test", True, "it is so", [str(mouse) for mouse in range(mice)], "look").in_words("x")

    assert told(0) == "warning: it is so (a_test)\n    do: look"
    assert told(10) == "warning: it is so (a_test)\n    mice: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9\n    do: look"
    assert "    mice: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 1 more\n" in told(11)
    assert Finding("a_test", False, "it is so", [], "").in_words("x") == "FAILED: it is so (a_test)"


@pytest.mark.parametrize(
    ("found", "counted", "limit", "said"),
    [
        (3, 12, "", "\n    3 of 12 (25 %)"),
        (3, 12, "above 20 %", "\n    3 of 12 (25 %); a night stops above 20 %"),
        # not every test says of how many
        (3, None, "", ""),
        (None, 12, "", ""),
        (0, 12, "", ""),
    ],
)
def test_a_finding_says_of_how_many_where_that_is_known(
    found: int | None, counted: int | None, limit: str, said: str
) -> None:
    finding = Finding("a_test", True, "it is so", [], "", limit=limit, found=found, counted=counted)
    assert finding.in_words("x") == f"warning: it is so (a_test){said}"


def test_a_finding_has_ten_details_and_counts_the_others() -> None:
    def told(details: int) -> list[str]:
        of = tuple(f"detail {number}" for number in range(details))
        return Finding("a_test", True, "it is so", [], "", of).in_words("x").splitlines()[1:]

    ten = [f"    detail {number}" for number in range(10)]
    assert (told(0), told(10), told(12)) == ([], ten, [*ten, "    and 2 more"])


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("--dry-run --who Anna", "--who and --why belong to --let-through"),
        ("--dry-run --why learned", "--who and --why belong to --let-through"),
        ("--dry-run --let-through mice_change_stage --who Anna", "--let-through needs --who and --why"),
        ("--dry-run --let-through mice_change_stage --why learned", "--let-through needs --who and --why"),
        ("--dry-run --all", "--dry-run is for one manager"),
        ("--all --manager demo", "--all and --manager exclude each other"),
        ("--manager demo --all", "--all and --manager exclude each other"),
        ("--dry-run --if-news", "--dry-run is for one manager"),
    ],
)
def test_options_that_do_not_belong_together_run_no_night(
    said: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a night of this manager would end at once
    monkeypatch.setenv("AUTO_TRAIN_MANAGER", "no/name")
    done = CliRunner().invoke(auto_train, ["nightly", *said.split()])
    assert (done.exit_code, problem in done.output) == (2, True)


@pytest.mark.parametrize("command", ["nightly", "watch"])
def test_managers_of_one_database_run_no_night(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupt)
    monkeypatch.setenv("AUTO_TRAIN_DATABASE", "/lab/auto_train.duckdb")
    monkeypatch.setenv("AUTO_TRAIN_MANAGER", "no/name")
    done = CliRunner().invoke(auto_train, [command, "--all"])
    assert "would be one database for all managers: leave it out with --all" in str(done.exception)


def test_one_of_a_thing_is_named_in_the_singular() -> None:
    assert [counted(number, "mouse", "mice") for number in (0, 1, 2)] == ["0 mice", "1 mouse", "2 mice"]
    assert [counted(number, "session") for number in (1, 2000)] == ["1 session", "2,000 sessions"]


def test_a_manager_whose_name_is_no_file_name_is_refused(project: Project) -> None:
    project.write_behavior(GOOD_MOUSE)
    project.environment["AUTO_TRAIN_MANAGER"] = "../evil"
    succeeded, problems = project.dbt("build")
    assert not succeeded
    assert "AUTO_TRAIN_MANAGER='../evil'" in problems
