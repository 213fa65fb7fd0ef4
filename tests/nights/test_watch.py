"""Nights that run when there is news, and directives that people keep elsewhere."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import click
import pytest

from auto_train.decisions.directives import Line, known
from auto_train.decisions.vocabulary import DirectiveProblem
from auto_train.lake import ROOT, LakeError, Settings, open_lake, reading
from auto_train.lake.clock import now
from auto_train.nights import news, night
from auto_train.nights.begin import begin, watch
from auto_train.nights.record import Night, Outcome
from auto_train.publishing import history
from auto_train.publishing.rollback import roll_back
from scripts.options import DURATION
from tests import s3
from tests.conftest import Project
from tests.mice import GOOD_MOUSE, mouse

HEADER = "subject_id,directive,stage,from_date,until_date,who,why\n"
HOLD = f"{HEADER}700001,hold,,,,Anna,weight\n".encode()
TOKEN = "T0KEN-91ab"


def in_force(project: Project, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in project.environment.items():
        monkeypatch.setenv(name, value)
    return Settings.from_environment()


def put(project: Project, server: s3.Server, name: str, content: bytes) -> None:
    bucket, _, prefix = project.environment["AUTO_TRAIN_LAKE"].removeprefix("s3://").partition("/")
    server.client().put_object(Bucket=bucket, Key=f"{prefix}/{name}", Body=content)


def behavior(project: Project, rows: str) -> bytes:
    project.write_behavior(rows)
    return (project.lake / "df_behavior.parquet").read_bytes()


def test_news_is_what_the_last_run_did_not_read_over_several_uploads(
    on_s3: Project, s3_server: s3.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_s3.environment |= {"AUTO_TRAIN_DIRECTIVES": "sheet.csv", "AUTO_TRAIN_CLOCK": "2024-01-04T05:00:00+00:00"}
    settings, record = in_force(on_s3, monkeypatch), tmp_path / "target/test/summary.json"
    lake = open_lake(settings.lake, settings)
    table = behavior(on_s3, GOOD_MOUSE)
    put(on_s3, s3_server, "df_behavior.parquet", table)
    put(on_s3, s3_server, "sheet.csv", HOLD)
    assert news.look(settings, record)[0] == ["nothing was published yet"]
    on_s3.decide()
    first = history.kept_runs(lake, settings)[0]
    assert on_s3.query("select directive from marts.df_manager where session = 3") == [("hold by Anna: weight",)]
    assert lake.read(history.record_path(settings, first, "directives.csv")) == HOLD
    [(day,)] = on_s3.query("select cast(training_day as varchar) from staging.stg_lake__run")
    assert day == news.training_day(settings, ROOT, now()) == "2024-01-04"
    # the same again is no news, and neither is a file beside it
    put(on_s3, s3_server, "df_behavior.parquet", table)
    put(on_s3, s3_server, "df_behavior.parquet.bak", b"x")
    assert news.look(settings, record) == ([], f"run {first} read all that there is")
    said = on_s3.command(
        "-c",
        "import sys; from scripts.cli import main\n"
        f"sys.argv = ['auto-train', 'nightly', '--if-news', '--target-path', {str(tmp_path)!r}]\n"
        "try: main()\nexcept SystemExit as end: print(end.code, {'dbt', 'altair'} & set(sys.modules))",
    )
    assert said.stdout.splitlines() == [f"test: no news, run {first} read all that there is", "None set()"], said.stderr

    put(on_s3, s3_server, "df_behavior.parquet", behavior(on_s3, f"{GOOD_MOUSE} union all {mouse('700003')}"))
    assert news.look(settings, record)[0] == ["df_behavior changed"]
    put(on_s3, s3_server, "sheet.csv", HOLD.replace(b"weight", b"surgery"))
    assert news.look(settings, record)[0] == ["df_behavior changed", "the directives changed"]
    # a sheet that is gone is no news: what was known last is in force, and the night says so
    bucket, _, prefix = settings.lake.removeprefix("s3://").partition("/")
    s3_server.client().delete_object(Bucket=bucket, Key=f"{prefix}/sheet.csv")
    changed, why_none = news.look(settings, record)
    assert changed == ["df_behavior changed"]
    assert "sheet.csv" in why_none and "could not be read" in why_none
    on_s3.decide()
    second = history.kept_runs(lake, settings)[0]
    assert second > first
    assert on_s3.query("select directive from marts.df_manager where subject_id = '700001' and session = 3") == [
        ("hold by Anna: weight",)
    ]
    [(problem, said_of_it)] = on_s3.query(
        "select problem, problem_in_words from staging.stg_people__directives where problem is not null"
    )
    assert problem == "not_reached" and DirectiveProblem.NOT_REACHED.words in said_of_it
    assert lake.read(history.record_path(settings, second, "directives.csv")) == HOLD
    assert news.look(settings, record)[0] == []
    # what was rolled back is not new again
    roll_back(settings, first, now())
    assert news.look(settings, record)[0] == []
    monkeypatch.setenv("AUTO_TRAIN_CLOCK", "2024-01-04T12:00:00+00:00")
    assert news.look(settings, record)[0] == ["another training day began"]


@pytest.mark.parametrize("never_waits", ["0s", "00m", "5", "-1s"])
def test_a_watch_that_would_not_wait_is_refused(never_waits: str) -> None:
    with pytest.raises(click.BadParameter, match="a whole number from 1 up and its unit"):
        DURATION.convert(never_waits, None, None)


def test_the_watch_runs_a_night_after_each_upload(on_s3: Project, s3_server: s3.Server) -> None:
    lake = on_s3.environment["AUTO_TRAIN_LAKE"].removeprefix("s3://").partition("/")
    key = f"{lake[2]}/foraging_auto_training/manifest_test.json"

    def run_that_published() -> str:
        try:
            return json.loads(s3_server.client().get_object(Bucket=lake[0], Key=key)["Body"].read())["run"]["id"]
        except s3_server.client().exceptions.NoSuchKey:
            return ""

    def until_another_than(run: str) -> str:
        until = time.monotonic() + 240
        while (found := run_that_published()) == run:
            assert watching.poll() is None and time.monotonic() < until
            time.sleep(0.5)
        return found

    put(on_s3, s3_server, "df_behavior.parquet", behavior(on_s3, GOOD_MOUSE))
    target = on_s3.folder / "target"
    command = [sys.executable, "-m", "scripts", "watch", "--every", "1s", "--target-path", str(target)]
    log = on_s3.folder / "watch.log"
    environment = os.environ | on_s3.environment | {"PYTHONUNBUFFERED": "1"}
    with log.open("w") as out, subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out) as watching:
        try:
            first = until_another_than("")
            put(on_s3, s3_server, "df_behavior.parquet", behavior(on_s3, f"{GOOD_MOUSE} union all {mouse('700003')}"))
            second = until_another_than(first)
            # and one that a test refuses, once
            put(
                on_s3,
                s3_server,
                "df_behavior.parquet",
                behavior(on_s3, f"select * exclude (session) from ({GOOD_MOUSE})"),
            )
            until = time.monotonic() + 240
            while "the same was refused" not in log.read_text():
                assert watching.poll() is None and time.monotonic() < until, log.read_text()
                time.sleep(0.5)
        finally:
            watching.terminate()
            watching.wait(20)
    said = log.read_text()
    assert said.count("test: nothing was published yet") == 1
    assert said.count("test: df_behavior changed") == 2
    assert said.count("FAILED: df_behavior lacks columns that decisions need") == 1
    assert run_that_published() == second


def test_the_watch_says_once_that_there_is_no_news(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    in_force(project, monkeypatch)
    project.write_behavior(GOOD_MOUSE)
    options = ["--target-path", str(tmp_path / "target")]
    nights = []

    def refusing(settings: Settings, options: list[str], *, tells_once: bool) -> int:
        nights.append(tells_once)
        there = news.as_they_are(settings, (ROOT / "seeds/by_hand/subject_directives.csv").read_bytes(), ROOT, now())
        refused = Night(manager="test", outcome=Outcome.REFUSED, started_at=now(), read=there)
        refused.save(tmp_path / "target/test/summary.json")
        return 1

    changes: Iterator[Callable[[], object]] = iter(
        [lambda: None, lambda: None, lambda: project.write_behavior(mouse("700003")), lambda: None]
    )

    def wait() -> bool:
        change = next(changes, None)
        return change is not None and change() is None

    monkeypatch.setattr(night, "run", refusing)
    watch(["test"], options, wait)
    assert nights == [True, True]
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" at ")[0] for line in lines] == [
        "test: nothing was published yet", "test: no news, the same was refused",
        "test: nothing was published yet", "test: no news, the same was refused",
    ]  # fmt: skip
    assert begin("test", options, if_news=True) is None
    # what could not run is tried again
    record = tmp_path / "target/test/summary.json"
    refused = Night.load(record)
    assert refused
    refused.model_copy(update={"outcome": Outcome.COULD_NOT_RUN}).save(record)
    assert news.look(Settings.from_environment(), record)[0] == ["nothing was published yet"]
    # whoever asks for a night gets it
    assert begin("test", options) == 1


def test_the_library_the_variables_and_the_day_of_the_lab_are_looked_at(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "root"
    (root / "seeds").mkdir(parents=True)
    shutil.copytree(ROOT / "seeds/curricula", root / "seeds/curricula")
    shutil.copy(ROOT / "dbt_project.yml", root)
    project.write_behavior(GOOD_MOUSE)
    project.environment["AUTO_TRAIN_CLOCK"] = "2024-01-04T11:59:00+00:00"
    settings = in_force(project, monkeypatch)
    before = news.as_they_are(settings, None, root, now())

    def changed(settings: Settings = settings, of_people: bytes | None = None) -> list[str]:
        after = news.as_they_are(settings, of_people, root, now())
        return [name for name in before if before[name] != after[name]]

    assert changed() == []
    assert changed(of_people=b"") == ["directives"]
    in_sydney = {"lab_time_zone": "Australia/Sydney"}
    assert changed(Settings(**{**vars(settings), "vars": in_sydney})) == ["training_day", "vars"]
    assert news.training_day(settings, root, now()) == "2024-01-04"
    monkeypatch.setenv("AUTO_TRAIN_CLOCK", "2024-01-04T12:00:00+00:00")
    assert news.training_day(settings, root, now()) == "2024-01-05"
    with pytest.raises(LakeError, match="lab_time_zone='Mars'"):
        news.training_day(Settings(**{**vars(settings), "vars": {"lab_time_zone": "Mars"}}), root, now())
    monkeypatch.setenv("AUTO_TRAIN_CLOCK", "2024-01-04T11:59:00+00:00")
    seed = next((root / "seeds/curricula").glob("*.csv"))
    seed.write_bytes(seed.read_bytes() + b"\n")
    assert changed() == ["library"]


def test_files_that_a_pattern_names_are_looked_at_and_no_others(
    on_s3: Project, s3_server: s3.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = in_force(on_s3, monkeypatch)
    names = ("parts/a.parquet", "parts/b.parquet", "parts/deep/c.parquet", "parts.parquet", "other/a.parquet")
    for name in names:
        put(on_s3, s3_server, name, name.encode())
        (on_s3.lake / name).parent.mkdir(parents=True, exist_ok=True)
        (on_s3.lake / name).write_bytes(name.encode())
    for lake in (settings.lake, str(on_s3.lake)):
        for pattern, found in {
            "parts/*.parquet": names[:2], "parts/**/*.parquet": names[:3], "parts/[ac].parquet": names[:1],
            "parts/[!a].parquet": names[1:2], "parts/?.parquet": names[:2], "parts.parquet": names[3:4],
            "*/a.parquet": (names[4], names[0]), "none*": (), "none": (),
        }.items():  # fmt: skip
            version = reading.version(f"{lake}/{pattern}", settings)
            assert [of.split("=")[0].removeprefix("mice/night/").split("/")[-1] for of in version.split()] == [
                name.split("/")[-1] for name in found
            ], (lake, pattern)
    before = reading.version(f"{on_s3.lake}/parts/*.parquet", settings)
    (on_s3.lake / names[0]).write_bytes(b"another")
    assert reading.version(f"{on_s3.lake}/parts/*.parquet", settings) != before


class Sheet:
    """A web server with a shared sheet."""

    content, status, tag = HOLD, 200, "1"


@pytest.fixture
def sheet() -> Iterator[Sheet]:
    state = Sheet()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(state.status)
            self.send_header("ETag", state.tag)
            self.send_header("Content-Length", str(len(state.content)))
            self.end_headers()
            self.wfile.write(state.content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    state.url = f"http://127.0.0.1:{server.server_port}/sheet.csv?key={TOKEN}"
    yield state
    server.shutdown()
    server.server_close()


def test_directives_of_a_shared_sheet_are_read_and_those_known_last_are_in_force_where_it_is_not_reached(
    sheet: Sheet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTO_TRAIN_DIRECTIVES", sheet.url)
    settings = Settings.from_environment()
    place = sheet.url.partition("?")[0]
    found = known(ROOT, settings, lambda: None)
    assert found.content == HOLD
    assert found.lines == [Line(f"{place}, line 2", 2, "700001", "hold", who="Anna", why="weight")]
    sheet.content = HOLD + b"a,b\n"
    assert [line.problem for line in known(ROOT, settings, lambda: None).lines] == [None, "malformed_line"]

    last = ("20240103T050000Z-x", HOLD)
    for status, content, why in (
        (404, b"", r" \(http.* was not reached: 404[^()]*\)"),
        (200, b"<html>Sign in</html>", r" \([^()]*no header with subject_id[^()]*\)"),
        (200, b"PK\0", r" \(this is not a text file that can be read\)"),
    ):
        sheet.status, sheet.content = status, content
        found = known(ROOT, settings, lambda: last)
        assert found.content == HOLD
        [problem, hold] = found.lines
        assert problem.problem == "not_reached" and problem.line_number is None
        # why, and nothing else
        assert re.fullmatch(re.escape(place) + why, problem.place), problem.place
        assert (hold.place, hold.directive, hold.problem) == (
            f"{place}, as run 20240103T050000Z-x read it, line 2", "hold", None,
        )  # fmt: skip
        assert TOKEN not in str(found.lines)
        # nothing was known before: nobody is held, and that is said too
        [alone], nothing = known(ROOT, settings, lambda: None)
        assert nothing is None and alone.line_number is None and alone.problem
    monkeypatch.setattr(reading, "MOST_BYTES", 10)
    sheet.status, sheet.content = 200, HOLD
    assert "is larger than 10 bytes" in known(ROOT, settings, lambda: last).lines[0].place


def test_a_url_is_told_from_its_earlier_state_by_what_its_server_says(sheet: Sheet) -> None:
    settings = Settings.from_environment()
    before = reading.version(sheet.url, settings)
    assert before == reading.version(sheet.url, settings) != ""
    sheet.tag = "2"
    assert reading.version(sheet.url, settings) != before
    sheet.status = 500
    with pytest.raises(LakeError, match="was not reached: 500") as error:
        reading.version(sheet.url, settings)
    assert TOKEN not in str(error.value)
    with pytest.raises(LakeError, match="was not reached"):
        reading.read("http://127.0.0.1:1/x", settings)


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ("sheet.csv", "/lake/sheet.csv"), ("/lab/sheet.csv", "/lab/sheet.csv"), ("./a.csv", f"{ROOT.as_posix()}/a.csv"),
        ("s3://lab/sheet.csv", "s3://lab/sheet.csv"), ("https://lab.org/a?output=csv", "https://lab.org/a?output=csv"),
        ("", ""),
    ],
)  # fmt: skip
def test_directives_are_below_the_lake_or_at_a_place_of_their_own(
    written: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTO_TRAIN_LAKE", "/lake")
    monkeypatch.setenv("AUTO_TRAIN_DIRECTIVES", written)
    assert Settings.from_environment().directives == place


def test_a_file_of_directives_in_a_folder_is_read(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.environment["AUTO_TRAIN_DIRECTIVES"] = str(project.folder / "sheet.csv")
    settings = in_force(project, monkeypatch)
    assert known(ROOT, settings, lambda: None).lines[0].problem == "not_reached"
    (project.folder / "sheet.csv").write_bytes(HOLD)
    assert known(ROOT, settings, lambda: None).content == HOLD
