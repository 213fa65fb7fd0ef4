"""Whether there is anything that the last run has not read."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from auto_train.decisions.directives import FILE
from auto_train.lake import ROOT, Settings, open_lake
from auto_train.lake.clock import now
from auto_train.nights import news
from auto_train.nights.record import Night, Outcome
from auto_train.publishing.manifest import Manifest, Run
from auto_train.publishing.publication import Tables, publish

STARTED = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("AUTO_TRAIN_CLOCK", "2026-01-02T05:00:00+00:00")
    (tmp_path / "df_behavior.parquet").write_bytes(b"sessions")
    return Settings(str(tmp_path), f"{tmp_path}/df_behavior.parquet", "test", "", "")


def there(settings: Settings) -> dict[str, str]:
    return news.as_they_are(settings, (ROOT / FILE).read_bytes(), ROOT, now())


def published(settings: Settings, name: str, read: dict[str, str], **run: str) -> None:
    lake, leader = open_lake(settings.lake, settings), settings.published("df_manager")
    manifest = Manifest(
        manager="test", run=Run(id=name, started_at=STARTED, **run), code_version="test", files=[], read=read
    )
    publish(settings, lake.tag(leader), Tables({leader: name.encode()}), manifest)


def look(settings: Settings, record: Path = Path("none")) -> tuple[list[str], str]:
    return news.look(settings, record)


def test_whatever_differs_from_what_the_last_run_read_is_news_by_its_name(settings: Settings) -> None:
    assert look(settings) == (["nothing was published yet"], "")
    published(settings, "a", {})
    assert look(settings) == (["the last run did not record what it read"], "")
    read = there(settings)
    assert set(read) == set(news.IN_WORDS)
    published(settings, "b", read)
    assert look(settings) == ([], "run b read all that there is")
    for number, (kind, words) in enumerate(news.IN_WORDS.items()):
        published(settings, f"c{number}", read | {kind: "something else"})
        assert look(settings) == ([words], f"run c{number} read all that there is")
    published(settings, "d", {kind: of for kind, of in read.items() if kind != "vars"})
    assert look(settings)[0] == ["variables of managers.yml changed"]


def test_what_was_taken_back_is_not_new_again(settings: Settings) -> None:
    read = there(settings)
    published(settings, "a", read | {"df_behavior": "yesterday's"})
    published(settings, "b", read)
    published(settings, "c", read | {"df_behavior": "yesterday's"}, kind="rollback", previous="b", rolled_back_to="a")
    assert look(settings) == ([], "run b read all that there is")
    published(settings, "d", read | {"df_behavior": "yesterday's"}, kind="rollback", previous="c", rolled_back_to="a")
    assert look(settings) == ([], "run b read all that there is")
    # of a night that followed, that one counts
    published(settings, "e", read | {"df_behavior": "older"}, previous="d")
    assert look(settings)[0] == ["df_behavior changed"]


def test_only_the_same_that_a_test_refused_is_not_tried_again(settings: Settings, tmp_path: Path) -> None:
    published(settings, "a", {"df_behavior": "yesterday's"})
    record = tmp_path / "summary.json"
    refused = Night(manager="test", outcome=Outcome.REFUSED, started_at=STARTED, read=there(settings))
    refused.save(record)
    assert look(settings, record) == ([], "the same was refused at 2026-01-02 00:00 UTC")
    for other in (
        refused.model_copy(update={"outcome": Outcome.COULD_NOT_RUN}),
        refused.model_copy(update={"read": refused.read | {"df_behavior": "yesterday's"}}),
    ):
        other.save(record)
        assert "df_behavior changed" in look(settings, record)[0]


@pytest.mark.parametrize(
    ("variables", "at", "day"),
    [
        ({}, "2026-01-02T11:59:00+00:00", "2026-01-02"),
        ({}, "2026-01-02T12:00:00+00:00", "2026-01-03"),
        ({"lab_time_zone": "America/Los_Angeles"}, "2026-01-02T19:59:00+00:00", "2026-01-02"),
        ({"lab_time_zone": "America/Los_Angeles"}, "2026-01-02T20:00:00+00:00", "2026-01-03"),
        ({"training_day": "2025-12-24"}, "2026-01-02T20:00:00+00:00", "2025-12-24"),
    ],
)
def test_the_training_day_is_the_lab_s_or_the_one_that_is_given(
    variables: dict[str, str], at: str, day: str, settings: Settings
) -> None:
    assert news.training_day(replace(settings, vars=variables), ROOT, datetime.fromisoformat(at)) == day
