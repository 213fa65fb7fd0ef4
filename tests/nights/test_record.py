"""What a night says while it runs, and after it."""

import json
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner

from auto_train.lake import LakeError, Settings, open_lake
from auto_train.nights import backtest, begin, night, rehearsal
from auto_train.nights.dbt_runner import Progress, without_traceback
from auto_train.nights.night import (
    _in_a_line,
    _limit,
    build,
    decided,
    failed,
    findings,
    is_published,
    of_publication,
    what_was_read,
    with_page,
)
from auto_train.nights.record import Finding, InForce, Night, Outcome, in_words, record_path
from auto_train.publishing.manifest import File
from scripts.cli import auto_train
from tests.publishing import test_publishing as publishing

STARTED = datetime(2026, 1, 31, 5, tzinfo=UTC)
GATE = Finding(
    "assert_few_mice_change_stage",
    False,
    "many change",
    ["1", "2"],
    "look",
    ("a", "b"),
    "mice_change_stage",
    "above 70 %",
    852,
    1200,
)


def test_progress_is_plain_lines_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    quiet, talkative = Progress(seconds_between_lines=1e9), Progress(seconds_between_lines=0)
    for progress in (quiet, talkative):
        progress.show(3, 120, "stg_lake__run")
        progress.end()
    assert capsys.readouterr().err == "3/120 stg_lake__run\n"


def test_progress_is_one_bar_on_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    Progress().show(60, 120, "stg_lake__run")
    assert capsys.readouterr().err == f"\r\x1b[2K[{'█' * 15}{'·' * 15}] 60/120 stg_lake__run"


def test_the_exit_code_follows_from_the_outcome_and_what_is_behind() -> None:
    def code(outcome: Outcome, *behind: str) -> int:
        return Night(manager="test", outcome=outcome, started_at=STARTED).finished(*behind).exit_code

    assert [code(outcome) for outcome in Outcome] == [0, 1, 2]
    assert [code(outcome, "the mirror") for outcome in Outcome] == [3, 1, 2]


def test_the_last_night_can_be_read_again_in_words_and_as_it_was_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auto_train.nights.record.ROOT", tmp_path)
    monkeypatch.setenv("AUTO_TRAIN_MANAGER", "test")
    assert "test had no night on this machine" in str(CliRunner().invoke(auto_train, ["summary"]).exception)
    refused = Night(manager="test", outcome=Outcome.REFUSED, started_at=STARTED, findings=[GATE], problem="it broke")
    settings = Settings.from_environment()
    refused.finished().save(record_path(settings))
    assert record_path(settings) == tmp_path / "target/test/summary.json"
    said = CliRunner().invoke(auto_train, ["summary"]).output
    assert said == f"{in_words(refused, settings)}\n"
    assert said.splitlines()[:4] == [
        "it broke",
        "nothing was published; the last df_manager is untouched",
        "FAILED: many change (mice_change_stage)",
        "    852 of 1,200 (71 %); a night stops above 70 %",
    ]
    recorded = json.loads(CliRunner().invoke(auto_train, ["summary", "--json"]).output)
    assert (recorded["exit_code"], recorded["findings"][0]["gate"], recorded["findings"][0]["mice"]) == (
        1, "mice_change_stage", ["1", "2"],
    )  # fmt: skip


def test_a_night_that_published_before_the_lake_went_away_did_publish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise LakeError("the lake is gone")

    monkeypatch.setenv("AUTO_TRAIN_LAKE", str(tmp_path))
    settings, options = Settings.from_environment(), ["--target-path", str(tmp_path)]
    monkeypatch.setattr(night, "decided", gone)
    monkeypatch.setattr(night, "build", lambda *_: (0, ""))
    assert night.run(settings, options) == 3
    recorded = Night.load(record_path(settings, tmp_path))
    assert recorded and (recorded.outcome, len(recorded.behind)) == (Outcome.PUBLISHED, 1)
    # and of one that failed meanwhile both are said
    monkeypatch.setattr(night, "build", lambda *_: (1, "it broke"))
    monkeypatch.setattr(night, "is_published", gone)
    assert night.run(settings, options) == 2
    recorded = Night.load(record_path(settings, tmp_path))
    assert recorded and "it broke" in recorded.problem and "the lake is gone" in recorded.problem


def test_a_gate_says_its_limit_and_a_broken_model_what_was_raised() -> None:
    assert _limit("> 0 and max(percent) > 70 and max(counted) >= 10") == "above 70 %, where 10 or more are counted"
    # let through, or any finding stops
    assert [_limit("< 0"), _limit("!= 0")] == ["", ""]
    raised = (
        "Runtime Error\n  Traceback (most recent call last):\n  a.ValueError: one\n  b.MirrorError: two\n  compiled"
    )
    assert _in_a_line(raised) == "two"
    assert _in_a_line("Binder Error: no\n column") == "Binder Error: no column"


@pytest.mark.parametrize(
    ("statuses", "outcome"),
    [
        (["success", "warn", "fail", "skipped"], Outcome.REFUSED),
        # a model that breaks refuses nothing, so the same is tried again
        (["success", "warn", "error", "skipped"], Outcome.COULD_NOT_RUN),
        (["error", "fail"], Outcome.REFUSED),
        ([], Outcome.COULD_NOT_RUN),
    ],
)
def test_only_a_test_that_fails_refuses_a_night(statuses: list[str], outcome: Outcome, tmp_path: Path) -> None:
    results = {"results": [{"status": status} for status in statuses]}
    (tmp_path / "run_results.json").write_text(json.dumps(results))
    assert failed(tmp_path) is outcome


def of_dbt(target: Path, nodes: dict[str, Any], *results: dict[str, Any], **metadata: str) -> None:
    """What dbt leaves of a run."""
    (target / "manifest.json").write_text(json.dumps({"nodes": nodes}))
    (target / "run_results.json").write_text(json.dumps({"metadata": metadata, "results": results}))


def with_tables(folder: Path, *statements: str) -> Settings:
    """Settings of a lake and a database below a folder."""
    settings = replace(publishing.settings_for(str(folder / "lake")), database=str(folder / "database.duckdb"))
    with duckdb.connect(settings.database) as database:
        for statement in statements:
            database.execute(statement)
    return settings


def test_what_failed_or_warned_is_found_with_its_mice_and_what_failed_first(tmp_path: Path) -> None:
    settings = with_tables(
        tmp_path,
        "create table failing as select * from (values ('2', 'b', 9), ('1', 'a', 12), ('2', null, 12), (null, 'b', 3))"
        " as of_it (subject_id, detail, counted)",
    )
    rows = "select * from failing"
    meta = {"says": "it is so", "what_to_do": "look", "gate": "a_gate"}
    stops = "> 0 and max(percent) > 70 and max(counted) >= 10"
    nodes = {
        "test.auto_train.assert_it.0f": {"resource_type": "test", "config": {"meta": meta, "error_if": stops}},
        "test.auto_train.unique_x.1e": {"resource_type": "test", "config": {"meta": {}, "error_if": "!= 0"}},
        # what a model has selected are not mice with a problem
        "model.auto_train.broken": {"resource_type": "model", "config": {}},
    }

    def result(of: str, status: str, failures: int | None = None, code: str | None = None) -> dict[str, Any]:
        message = f"message\nof {of}"
        return {"unique_id": of, "status": status, "failures": failures, "compiled_code": code, "message": message}

    [gate, unique, broken] = nodes
    of_dbt(
        tmp_path,
        nodes,
        result(gate, "warn", 4, rows),
        result(unique, "fail", 2, "select 1 as x"),
        result(broken, "error", code=rows),
        result(gate, "pass", 0, rows),
        result(broken, "skipped"),
    )
    assert findings(tmp_path, settings) == [
        Finding("unique_x", False, f"message of {unique}", [], "", found=2),
        Finding("broken", False, f"message of {broken}", [], ""),
        Finding(
            "assert_it", True, "it is so", ["1", "2"], "look", ("a", "b"), "a_gate",
            "above 70 %, where 10 or more are counted", 4, 12,
        ),
    ]  # fmt: skip
    (tmp_path / "run_results.json").unlink()
    assert findings(tmp_path, settings) == []


@pytest.mark.parametrize(
    ("made", "counts"),
    [
        (["stg_lake__behavior", "quarantine"], {"a": 2}),
        # of tables that this run did not make nothing is said: they are an earlier run's
        (["stg_lake__behavior"], {"b": 1}),
        (["quarantine"], {}),
        ([], {}),
    ],
)
def test_what_was_set_aside_is_told_of_the_tables_that_this_run_made(
    made: list[str], counts: dict[str, int], tmp_path: Path
) -> None:
    settings = with_tables(
        tmp_path,
        "create schema marts; create schema staging",
        "create table marts.quarantine as select unnest(['a', 'a']) as reason",
        "create table staging.stg_lake__behavior as select unnest(['b', null]) as set_aside_because",
    )
    all_of_them = ("stg_lake__behavior", "quarantine")
    results = [
        {"unique_id": f"model.auto_train.{name}", "status": "success" if name in made else "error"}
        for name in all_of_them
    ]
    of_dbt(tmp_path, {}, *results)
    found, notes = what_was_read(tmp_path, settings)
    assert (found, bool(notes)) == (counts, bool(counts))


def test_a_run_that_failed_has_published_only_where_df_manager_is_of_its_own_invocation(tmp_path: Path) -> None:
    own, other = publishing.run_id(2), publishing.run_id(1)
    settings = with_tables(
        tmp_path,
        "create schema staging",
        f"create table staging.stg_lake__run as select '{own}' as run_id, 'this one' as invocation_id",
    )
    lake = open_lake(settings.lake, settings)

    def is_out(invocation: str) -> bool:
        of_dbt(tmp_path, {}, invocation_id=invocation)
        return is_published(tmp_path, settings, lake)

    assert not is_out("this one")
    publishing.run(settings, 1, None)
    assert not is_out("this one")
    publishing.run(settings, 2, publishing.tag(settings), other)
    assert is_out("this one")
    # the tables are those of the night before
    assert not is_out("another one")
    assert not is_published(tmp_path, replace(settings, database=str(tmp_path / "none")), lake)


def test_a_night_that_is_overtaken_again_and_again_gives_up_and_another_failure_is_not_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, said = with_tables(tmp_path), iter([night.OVERTAKEN] * 3 + ["it broke", ""])
    left = tmp_path / "run_results.json"

    def dbt(*_: object) -> tuple[int, str]:
        # what the try before left is not taken for this one's
        assert not left.exists()
        left.write_text("{}")
        errors = next(said)
        return int(bool(errors)), errors

    monkeypatch.setattr(night, "run_dbt", dbt)
    assert build([], tmp_path, settings) == (1, night.OVERTAKEN)
    assert build([], tmp_path, settings) == (1, "it broke")
    assert build([], tmp_path, settings) == (0, "")


DECIDED = (
    "create schema marts; create schema staging",
    """
    create table marts.run_summary as select * from (values
        ('sessions', 'read', 5), ('sessions', 'decided_now', 3), ('next_session', 'STAY', 2),
        ('newest_session_date', '2026-01-30', null)
    ) as rows (of_what, name, number)
    """,
    f"""
    create table staging.stg_lake__run as
    select '{publishing.run_id(1)}' as run_id, date '2026-01-31' as training_day, 'Europe/London' as lab_time_zone
    """,
    """
    create table marts.next_session as select * from (values
        ('2', 'STAY', false), ('1', 'STAY', false), ('3', 'STAY', true), ('4', 'PROGRESS', false)
    ) as rows (subject_id, decision, has_left)
    """,
    """
    create table marts.decision_drift as select * from (values
        ('1', 'STAGE_1', null, true), ('1', 'STAGE_1', null, true), ('2', 'STAGE_1', 'STAGE_2', false),
        ('4', 'STAGE_1', 'STAGE_3', true)
    ) as rows (subject_id, stage_tomorrow, stage_tomorrow_now, matters_for_tomorrow)
    """,
    # the mouse 1 was decided, with a directive that holds in place of a pin; mouse 9 has never run
    """
    create table marts.df_manager as select * from (values
        ('1', 2, 2, 'hold, because the stage is unknown: pin by Anna: x'), ('1', 1, 1, null),
        ('4', 1, 1, null), ('9', 0, 0, 'enrol by Bo: y')
    ) as rows (subject_id, session, session_at_current_stage, directive)
    """,
    """
    create table staging.stg_people__directives as select * from (values
        ('9', 'enrol by Bo: y', 3, true, false), ('1', 'pin by Anna: x', 2, true, true),
        ('4', 'hold by Cy: z', 4, true, true), ('4', 'enrol by Cy: z', 5, true, false),
        ('9', 'hold by Bo: y', 6, true, true), ('1', 'left by Anna: x', 7, false, true)
    ) as rows (subject_id, words, line_number, is_in_force, overrules)
    """,
)


def test_the_record_has_what_the_tables_say(tmp_path: Path) -> None:
    settings = with_tables(tmp_path, *DECIDED)
    assert decided(settings) == {
        "run": publishing.run_id(1),
        "training_day": date(2026, 1, 31),
        "lab_time_zone": "Europe/London",
        "counts": {"sessions": {"read": 5, "decided_now": 3}, "next_session": {"STAY": 2}},
        # not mice that left
        "next_session": {"STAY": ["1", "2"], "PROGRESS": ["4"]},
        # an enrolment only of a mouse that has never run, all else of one that has
        "directives": [
            InForce(subject_id="1", words="hold, because the stage is unknown: pin by Anna: x"),
            InForce(subject_id="4", words="hold by Cy: z"),
            InForce(subject_id="9", words="enrol by Bo: y"),
        ],
        "drifted": ["1 (not decided, not STAGE_1)", "4 (STAGE_3, not STAGE_1)"],
    }


def test_the_record_has_the_files_of_its_own_publication_only(tmp_path: Path) -> None:
    settings = with_tables(tmp_path, *DECIDED)
    lake = open_lake(settings.lake, settings)
    assert of_publication(settings, lake)["files"] == []
    publishing.run(settings, 1, None)
    assert [file.path for file in of_publication(settings, lake)["files"]] == [
        settings.published(table) for table in publishing.TABLES
    ]
    # another run publishes before this one has told of itself
    publishing.run(settings, 2, publishing.tag(settings), publishing.run_id(1))
    assert of_publication(settings, lake)["files"] == []
    # what that one says of itself is not said of this one either
    files = publishing.Tables({settings.published("df_manager"): b"again"})
    for number, expected in ((3, []), (1, ["rolled back"])):
        manifest = publishing.manifest_of(publishing.run_id(number)).model_copy(update={"said": ["rolled back"]})
        publishing.publish(settings, publishing.tag(settings), files, manifest)
        assert of_publication(settings, lake)["said"] == expected


def test_a_page_that_is_missing_is_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = with_tables(tmp_path)
    path = settings.published("morning", "html")
    made = Night(manager="test", outcome=Outcome.PUBLISHED, started_at=STARTED, files=[File.of(path, b"a page")])
    monkeypatch.setattr(night, "save_published", lambda *_: "the page is there")
    found = with_page(made, settings)
    assert (found.page, found.notes, found.behind) == (f"{settings.lake}/{path}", ["the page is there"], [])
    # the night published none
    found = with_page(made.model_copy(update={"files": []}), settings)
    assert (found.page, found.behind, found.finished().exit_code) == (None, ["the page is there"], 3)

    def full(*_: object) -> str:
        raise OSError("the disk is full")

    monkeypatch.setattr(night, "save_published", full)
    found = with_page(made.finished("the mirror"), settings)
    assert found.behind == ["the mirror", "the morning page could not be saved: the disk is full"]
    assert (found.page, found.finished().exit_code) == (None, 3)


def test_a_night_of_all_ends_with_the_code_of_the_one_that_most_needs_somebody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "managers.yml").write_text("a: {}\nb: {}\nc: {}\n")
    monkeypatch.setenv("AUTO_TRAIN_MANAGERS", str(tmp_path / "managers.yml"))
    for codes, code in {(None, None, None): 0, (None, 0, None): 0, (0, 3, None): 3, (3, 1, 0): 1, (1, 2, 3): 2}.items():
        of = dict(zip("abc", codes, strict=True))
        monkeypatch.setattr("scripts.nightly.begin", lambda name, *_, of=of, **__: of[name])
        done = CliRunner().invoke(auto_train, ["nightly", "--all"])
        assert done.exit_code == code, codes
    assert done.output.splitlines()[-3:] == [
        "a: refused by a test, nothing was published (1)",
        "b: could not run (2)",
        "c: published, and something beside it is behind (3)",
    ]


def test_a_lake_that_cannot_be_looked_at_has_a_night_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "lake").write_text("not a folder")
    monkeypatch.setenv("AUTO_TRAIN_LAKE", str(tmp_path / "lake"))
    options = ["--target-path", str(tmp_path / "target")]
    assert begin.begin("test", options, if_news=True) == 2
    recorded = Night.load(tmp_path / "target/test/summary.json")
    assert recorded and recorded.outcome is Outcome.COULD_NOT_RUN and recorded.problem in capsys.readouterr().out


def test_a_name_that_is_refused_does_not_become_a_path(tmp_path: Path) -> None:
    options = ["--target-path", str(tmp_path / "target")]
    for name in ("../evil", "..", "/evil", ""):
        assert night.not_begun(name, LakeError("mistyped"), options) == 2
    records = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.parent.parent for path in records} == {tmp_path / "target"}
    assert "unnamed" in {path.parent.name for path in records}
    assert {Night.load(path).problem for path in records} == {"mistyped"}


def test_a_rehearsal_names_twenty_mice_that_move_or_says_where_the_night_would_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, mice = with_tables(tmp_path), 20

    def dbt(trial: Settings, *_: str) -> tuple[int, str]:
        # the tables that the last night left stay as they are
        assert trial.database != settings.database
        with duckdb.connect(trial.database) as database:
            database.execute("create schema staging; create schema marts")
            for table, stage in {"staging.stg_lake__decisions": "STAGE_1", "marts.df_manager": "STAGE_2"}.items():
                database.execute(f"""
                    create table {table} as select lpad(n::varchar, 2, '0') as subject_id, 1 as session,
                    '{stage}' as next_stage_suggested from range({mice}) as mice (n)
                """)
        return 0, ""

    monkeypatch.setattr(rehearsal, "run_dbt", dbt)
    code, lines = rehearsal.rehearse(settings, [])
    assert (code, len(lines), lines[20], lines[-1]) == (0, 22, "    19: STAGE_1 -> STAGE_2", "nothing was published")
    mice = 21
    assert rehearsal.rehearse(settings, [])[1][-2:] == ["    and 1 more", "nothing was published"]
    monkeypatch.setattr(rehearsal, "run_dbt", lambda *_: (1, "it broke"))
    assert rehearsal.rehearse(settings, []) == (1, ["it broke", "the night would stop here"])


def test_the_summary_says_what_was_decided_what_is_under_the_default_what_drifted_and_what_is_behind() -> None:
    settings = replace(Settings.from_environment(), manager="test", database="/lab/auto_train.duckdb")
    sessions = {
        "read": 1200,
        "decided_now": 1,
        "decided_before": 1000,
        "off_curriculum": 5,
        "by_default": 0,
        "drifted": 0,
    }
    usual = Night(
        manager="test",
        outcome=Outcome.PUBLISHED,
        started_at=STARTED,
        lake="/lake",
        training_day=date(2026, 1, 31),
        lab_time_zone="UTC",
        counts={
            "sessions": sessions,
            "next_session": {"STAY": 1},
            "set_aside": {"session_twice": 1, "unreadable_date": 2, "unknown_curriculum": 1},
        },
    )
    lines = in_words(usual, settings).splitlines()
    assert lines[:5] == [
        "1,200 sessions read: 1 decided now, 1,000 decided before, 4 set aside, 5 off curriculum",
        "           2 set aside: a date that cannot be read (unreadable_date)",
        "           1 set aside: a second row for the same session (session_twice)",
        "           1 set aside: a curriculum that the library does not have (unknown_curriculum)",
        "1 mouse for the next session, on 2026-01-31 (UTC): 1 STAY, 0 PROGRESS, 0 ROLLBACK",
    ]
    # nothing of what there is not
    assert [line.split(":")[0] for line in lines[5:]] == ["next"]
    assert "/lab/analysis/auto_train.duckdb" in lines[5]
    odd = usual.model_copy(
        update={
            "counts": usual.counts | {"sessions": sessions | {"by_default": 1, "drifted": 2}},
            "directives": [InForce(subject_id="1", words="hold by Anna: weight")],
            "drifted": ["1 (STAGE_2, not STAGE_1)"],
            "said": ["rolled back"],
            "warnings": ["odd"],
            "notes": ["a note"],
            "files": [File.of(settings.published("df_manager"), b"12345")],
        }
    ).finished("the mirror")
    lines = in_words(odd, settings).splitlines()
    assert (lines[0], lines[6]) == ("rolled back", "    1: hold by Anna: weight")
    assert lines[7:10] == [
        "1 session under the default curriculum, because df_behavior names none",
        "2 decided sessions changed in df_behavior since (marts.decision_drift); "
        "mice whose stage tomorrow would be another: 1 (STAGE_2, not STAGE_1)",
        "df_manager is at /lake/foraging_auto_training/df_manager_test.parquet (5 bytes)",
    ]
    assert lines[11:] == ["warning: odd", "a note", "df_manager was published, but:", "    the mirror"]


def test_a_backtest_names_the_twelve_pairs_of_versions_between_which_most_mice_would_differ(tmp_path: Path) -> None:
    settings = with_tables(
        tmp_path,
        "create schema backtest",
        """
        create table backtest.backtest_pairs as
        select 'A' as curriculum_name_a, '1' as curriculum_version_a, 'A' as curriculum_name_b,
            n::varchar as curriculum_version_b, n as mice_that_differ_tomorrow, 20 as mice,
            1000 as decisions_that_differ, 2000 as sessions, 12.5 as median_sessions_to_graduation_a,
            null::double as median_sessions_to_graduation_b
        from range(13) as numbers (n)
        union all select 'A', '1', 'B', '2', 99, 20, 0, 0, 1, 1
        """,
        "create table backtest.backtest_decisions as select * from range(1234)",
    )
    lines = backtest.summary(settings).splitlines()
    assert lines[0] == "1,234 decisions replayed. Between versions of a curriculum, tomorrow:"
    assert lines[1] == (
        "    A 1 or 12: 12 of 20 mice differ, 1,000 of 2,000 decisions; median sessions to graduation 12.5 or none"
    )
    assert [line.split(":")[0] for line in lines[1:13]] == [f"    A 1 or {number}" for number in range(12, 0, -1)]
    assert lines[13].startswith("all pairs are in")


def test_an_error_for_people_has_no_traceback_and_a_defect_keeps_its_own() -> None:
    failed = """Runtime Error in model publication (models/exports/publication.py)
  Python model failed:
  Traceback (most recent call last):
    File "/srv/environments/__init__.py", line 286, in run_python_job
      df = module.model(dbt, con)
    File "/srv/auto_train/lake/folder.py", line 171, in _beside
      raise LakeError(f"cannot write {target}: {error.strerror}") from None
  """
    ours = "auto_train.lake.errors.LakeError: cannot write /lake/x: Read-only file system\n  Make room"
    assert without_traceback(failed + ours) == (
        "Runtime Error in model publication (models/exports/publication.py)\n"
        "  cannot write /lake/x: Read-only file system\n  Make room"
    )
    defect = f"{failed}KeyError: 'run_id'"
    assert without_traceback(defect) == defect
