"""Whether there is anything that the last run has not read."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from auto_train.decisions.directives import FILE
from auto_train.lake import ROOT, Settings, open_lake, reading
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


def test_each_thing_that_a_run_reads_changes_what_tells_it_and_nothing_else(settings: Settings, tmp_path: Path) -> None:
    root = tmp_path / "project"
    shutil.copytree(ROOT / "seeds/curricula", root / "seeds/curricula")
    shutil.copy(ROOT / "dbt_project.yml", root)
    seed = root / "seeds/curricula/curriculum_rules.csv"
    given = replace(settings, vars={"a": 1, "b": [2]})

    def changed(of_people: bytes | None = b"hold", of: Settings = given, at: datetime = STARTED) -> list[str]:
        now_there = news.as_they_are(of, of_people, root, at)
        return [kind for kind, of_kind in now_there.items() if of_kind != before[kind]]

    before = news.as_they_are(given, b"hold", root, STARTED)
    assert changed() == []
    assert changed(of=replace(settings, vars={"b": [2], "a": 1})) == []
    assert changed(of=replace(settings, vars={"a": 1, "b": [3]})) == ["vars"]
    assert changed(b"pin") == changed(b"") == changed(None) == ["directives"]
    # a file that is empty now is not one that is gone
    assert news.as_they_are(given, b"", root, STARTED)["directives"] != ""
    assert changed(at=STARTED + timedelta(days=1)) == ["training_day"]
    seed.rename(renamed := seed.with_name("curriculum_rules_.csv"))
    assert changed() == ["library"]
    renamed.rename(seed)
    assert changed() == []
    seed.write_text(seed.read_text() + "another\n")
    assert changed() == ["library"]
    Path(settings.df_behavior).write_bytes(b"more sessions")
    assert changed() == ["df_behavior", "library"]


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


def test_what_a_pattern_names_is_told_from_what_it_named_before(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "in/2026"
    folder.mkdir(parents=True)
    (folder / "a.parquet").write_bytes(b"a")
    patterns = [f"{tmp_path}/in/{of}" for of in ("**/*.parquet", "*/*.parquet", "202?/[a-c].parquet")]

    def told() -> list[str]:
        return [reading.version(pattern, settings) for pattern in patterns]

    first = told()
    assert all(first)
    (folder / "notes.txt").write_bytes(b"not of the pattern")
    assert told() == first
    (folder / "b.parquet").write_bytes(b"b")
    second = told()
    assert not set(first) & set(second)
    (folder / "a.parquet").write_bytes(b"more")
    assert not set(second) & set(told())
    # of a file too, which may stand at the root of a disk
    assert reading.version(str(folder / "a.parquet"), settings) in told()[0]
    assert reading.version("/et[c]", settings).startswith("etc=")
    assert reading.version("/no such file", settings) == reading.version(f"{tmp_path}/no/*.parquet", settings) == ""


@pytest.mark.parametrize("header", ["ETag", "Last-Modified", "Content-Length"])
def test_a_url_is_told_from_what_it_was_by_any_header_that_says_so(header: str, settings: Settings) -> None:
    given = ["1"]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header(header, given[0])
            self.end_headers()
            self.wfile.write(b"x" * int(given[0]))

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/df_behavior.parquet"
        first = reading.version(url, settings)
        assert first == reading.version(url, settings) == "1"
        given[0] = "2"
        assert reading.version(url, settings) == "2"
        server.shutdown()
