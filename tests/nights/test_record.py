"""What a night says while it runs, and after it."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from auto_train.lake import LakeError, Settings
from auto_train.nights import night
from auto_train.nights.dbt_runner import Progress
from auto_train.nights.night import _in_a_line, _limit, failed
from auto_train.nights.record import Finding, Night, Outcome, in_words, record_path
from scripts.cli import auto_train

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
