"""Publishing under faults, in a folder and on a real S3 server: whole or not at all, and nothing decided is lost."""

import io
import json
import multiprocessing
import os
import random
import signal
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from auto_train.lake import CURRICULA, Folder, LakeError, Settings, open_lake
from auto_train.publishing import history, log
from auto_train.publishing import publication as publishing
from auto_train.publishing.history import kept_manifest, kept_runs, last_other_run
from auto_train.publishing.manifest import (
    File,
    Manifest,
    Run,
    history_path,
    kept_path,
    manifest_path,
    new_run_id,
    published_manifest,
    read_manifest,
)
from auto_train.publishing.mirror import MirrorError, bring_up_to_date
from auto_train.publishing.publication import OvertakenError, Tables, publish, publish_beside
from auto_train.publishing.rename import rename
from auto_train.publishing.rollback import roll_back
from auto_train.publishing.status import listing, problems, status
from scripts import rollback
from tests import faults
from tests.publishing.conftest import settings_for
from tests.receiver import listening

FORK = multiprocessing.get_context("fork")
START = datetime(2026, 1, 1, tzinfo=UTC)
TABLES = ("df_manager", "df_manager_stats", "decision_log")


def contents(number: int) -> dict[str, bytes]:
    """What run `number` publishes, by table."""
    return {table: f"{table} of run {number}. ".encode() * 3000 for table in TABLES}


def run(settings: Settings, number: int, expected: str | None, previous: str | None = None) -> None:
    """Publish as run `number`, with one new decision, of session `number`."""
    files = {settings.published(table): content for table, content in contents(number).items()}
    decisions = io.BytesIO()
    pq.write_table(pa.table({"subject_id": ["1"], "session": [number], "first_published_at": [number]}), decisions)
    tables = Tables(files, dict.fromkeys(files, number), (decisions.getvalue(), 1))
    publish(settings, expected, tables, manifest_of(run_id(number), START + timedelta(minutes=number), previous))


def manifest_of(name: str, started_at: datetime = START, previous: str | None = None) -> Manifest:
    run = Run(id=name, started_at=started_at, previous=previous)
    return Manifest(manager="test", run=run, code_version="test", files=[])


def run_id(number: int) -> str:
    return new_run_id(START + timedelta(minutes=number), "test")


def tag(settings: Settings) -> str | None:
    return open_lake(settings.lake, settings).tag(settings.published("df_manager"))


def published(settings: Settings, location: str = "") -> dict[str, bytes]:
    lake = open_lake(location or settings.lake, settings)
    return {table: lake.read(settings.published(table)) for table in TABLES if lake.exists(settings.published(table))}


def test_what_is_published_is_recorded_kept_and_verified(settings: Settings) -> None:
    assert problems(settings, settings.lake) == [
        "there is no manifest of test: nothing was published, or by an older version"
    ]
    run(settings, 1, None)
    run(settings, 2, tag(settings), run_id(1))
    lake = open_lake(settings.lake, settings)
    manifest = published_manifest(lake, settings)
    assert manifest.run.id == run_id(2)
    assert [(file.path, file.rows) for file in manifest.files] == [(settings.published(table), 2) for table in TABLES]
    assert manifest.file(stats := settings.published("df_manager_stats")).path == stats
    assert manifest.file("another") is None
    assert manifest.df_manager_tag == tag(settings)
    assert published(settings) == contents(2)
    assert problems(settings, settings.lake) == []
    assert kept_runs(lake, settings) == [run_id(2), run_id(1)]
    text, is_well = status(settings, START + timedelta(hours=5))
    assert is_well
    assert f"run {run_id(2)}, 5.0 hours ago" in text
    lake.publish(io.BytesIO(b"someone's"), settings.published("df_manager_stats"))
    text, is_well = status(settings, START)
    assert not is_well
    assert f"df_manager_stats_test.parquet is not what run {run_id(2)} published" in text


def test_a_publication_that_is_late_or_too_old_is_said_to_be(tmp_path: Path) -> None:
    settings = settings_for(str(tmp_path))
    run(settings, 1, None)
    published_at, late = START + timedelta(minutes=1), "late: rigs run on decisions of that time"

    def said(hours: float, max_age: float | None = None) -> tuple[bool, bool, bool]:
        age = None if max_age is None else timedelta(hours=max_age)
        text, is_well = status(settings, published_at + timedelta(hours=hours), age)
        return late in text, "nights do not publish, or do not run" in text, is_well

    assert (said(36), said(37)) == ((False, False, True), (True, False, True))
    assert (said(26, 26), said(26.1, 26)) == ((False, False, True), (False, True, False))
    # being late is not said of what is wrong already
    assert said(40, 26) == (False, True, False)
    # nor is it well where nothing is published, however young that should be
    nothing = replace(settings, manager="other")
    assert not status(nothing, published_at, timedelta(hours=26))[1]
    assert listing(nothing) == "nothing is kept"
    # a mirror is looked at too
    text, is_well = status(replace(settings, mirror=str(tmp_path / "mirror")), published_at)
    assert not is_well and f"WRONG  {tmp_path / 'mirror'}: there is no manifest of test" in text


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    settings = settings_for(str(tmp_path))
    run(settings, 1, None)
    stats = settings.published("df_manager_stats")
    open_lake(settings.lake, settings).remove(stats)
    assert problems(settings, settings.lake) == [f"{stats} is gone"]
    # also of the log, which no mirror has
    of_log = log.log_path(settings, run_id(1), log.DECISIONS)
    open_lake(settings.lake, settings).remove(of_log)
    assert problems(settings, settings.lake) == [f"{stats} is gone", f"{of_log} is gone"]


def test_a_curriculum_of_the_last_publication_that_is_gone_or_another_is_named(tmp_path: Path) -> None:
    settings = settings_for(str(tmp_path))
    lake, paths = open_lake(settings.lake, settings), [f"{CURRICULA}/{name}.json" for name in "abc"]
    for path in paths:
        lake.publish(io.BytesIO(b"{}"), path)
    leader = settings.published("df_manager")
    manifest = manifest_of(run_id(1)).model_copy(update={"curricula": [File.of(path, b"{}") for path in paths]})
    publish(settings, None, Tables({leader: b"1"}, {leader: 1}), manifest)
    assert problems(settings, settings.lake) == []
    lake.remove(paths[0])
    lake.publish(io.BytesIO(b"[]"), paths[1])
    assert problems(settings, settings.lake) == [
        f"{paths[0]} is gone", f"{paths[1]} is not what run {run_id(1)} published",
    ]  # fmt: skip


def test_a_storage_that_reads_back_other_than_written_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for(str(tmp_path))
    lake_type = type(open_lake(settings.lake, settings))
    read = lake_type.read
    monkeypatch.setattr(lake_type, "read", lambda self, path: read(self, path)[:-1])
    with pytest.raises(LakeError, match="content read back differs from what was written"):
        run(settings, 1, None)
    monkeypatch.undo()
    assert published(settings) == {}


@pytest.mark.parametrize(
    "damaged",
    ["history/test/{run}/decision_log_test.parquet", "log/test/{run}.parquet", "decision_log_test.parquet"],
)
def test_what_is_kept_and_what_is_in_its_place_is_both_read_back(
    damaged: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for(str(tmp_path))
    path, read = f"foraging_auto_training/{damaged.format(run=run_id(1))}", Folder.read
    monkeypatch.setattr(Folder, "read", lambda self, of: read(self, of)[:-1] if of == path else read(self, of))
    with pytest.raises(LakeError, match=f"{path}: content read back differs from what was written"):
        run(settings, 1, None)
    monkeypatch.undo()
    assert bool(published(settings)) == ("/" not in damaged)


def test_a_run_that_reads_back_what_a_later_run_put_there_finds_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, read = settings_for(str(tmp_path)), Folder.read
    stats, later = settings.published("df_manager_stats"), iter([2])

    def be_overtaken_and_read(self: Folder, path: str) -> bytes:
        if path == stats and (number := next(later, None)):
            run(settings, number, tag(settings), run_id(1))
        return read(self, path)

    monkeypatch.setattr(Folder, "read", be_overtaken_and_read)
    run(settings, 1, None)
    monkeypatch.undo()
    assert published(settings) == contents(2)
    assert problems(settings, settings.lake) == []


def test_files_in_a_folder_can_be_read_by_everybody(tmp_path: Path) -> None:
    run(settings_for(str(tmp_path)), 1, None)
    modes = {stat.S_IMODE((tmp_path / path).stat().st_mode) for path in Folder(str(tmp_path)).paths("")}
    assert modes == {0o644}


def test_what_a_killed_run_was_writing_is_not_listed(tmp_path: Path) -> None:
    lake = Folder(str(tmp_path))
    lake.publish(io.BytesIO(b"whole"), "folder/whole")
    (tmp_path / "folder/.whole.half").write_bytes(b"half")
    assert lake.paths("folder") == ["folder/whole"]


def test_what_killed_runs_were_writing_goes_after_a_day(tmp_path: Path) -> None:
    settings = settings_for(str(tmp_path))
    folder = tmp_path / "foraging_auto_training/history"
    folder.mkdir(parents=True)
    now = time.time()
    for name, hours in (("old", 25), (".half", 25), (".being_written", 23), (".lock", 25)):
        (folder / name).touch()
        os.utime(folder / name, (now - hours * 3600,) * 2)
    run(settings, 1, None)
    assert sorted(path.name for path in folder.iterdir() if path.is_file()) == [".being_written", ".lock", "old"]


def test_a_lake_is_a_folder_that_need_not_be_there_yet(tmp_path: Path) -> None:
    Folder(str(tmp_path / "lake")).check_reachable()
    (tmp_path / "file").touch()
    with pytest.raises(LakeError, match=f"^AUTO_TRAIN_LAKE={tmp_path}/file is not a folder$"):
        Folder(str(tmp_path / "file")).check_reachable()
    with pytest.raises(
        LakeError, match=f"^there is no df_behavior at {tmp_path}/lake/df_behavior.parquet. Put it there"
    ):
        Folder(str(tmp_path / "lake")).check_readable("df_behavior.parquet")
    with pytest.raises(LakeError, match=rf"is a folder\. Name a file, or the files in it: {tmp_path}/\*\.parquet$"):
        Folder(str(tmp_path)).check_readable("")


def test_what_a_folder_cannot_look_at_or_remove_is_one_line(tmp_path: Path) -> None:
    lake, too_long = Folder(str(tmp_path)), "x" * 300
    (tmp_path / "folder").mkdir()
    for look in (lake.read, lake.exists, lake.paths, lake.remove):
        with pytest.raises(LakeError, match=f"^cannot look at {tmp_path}/{too_long}: File name too long$"):
            look(too_long)
    with pytest.raises(LakeError, match=f"^cannot remove {tmp_path}/folder: "):
        lake.remove("folder")


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("in/a.parquet", "a"),
        ("in/*.parquet", "ab"),
        ("in/?.parquet", "ab"),
        ("in/[!b].parquet", "a"),
        ("in/*/*.parquet", "c"),
        ("in/**/*.parquet", "abcd"),
        ("in/deep/**", "cd"),
        ("no/*.parquet", ""),
    ],
)
def test_the_files_of_a_pattern_are_found_at_every_depth_that_it_names(
    pattern: str, found: str, settings: Settings
) -> None:
    lake = open_lake(settings.lake, settings)
    for path in ("in/a", "in/b", "in/deep/c", "in/deep/deeper/d"):
        lake.publish(io.BytesIO(path.encode()), f"{path}.parquet")
    names = [path for path in lake.versions(pattern) if path.endswith(".parquet")]
    assert sorted(path.split("/")[-1][0] for path in names) == list(found)


def test_a_folder_is_not_another_one_whose_name_begins_like_it_and_goes_with_its_last_file(settings: Settings) -> None:
    lake = open_lake(settings.lake, settings)
    for path in ("run/1/b", "run/1/a", "run/10/a"):
        lake.publish(io.BytesIO(b"x"), path)
    assert lake.paths("run/1") == ["run/1/a", "run/1/b"]
    for path in ("run/1/a", "run/1/b", "run/1/never"):
        lake.remove(path)
    assert lake.paths("run") == ["run/10/a"]
    assert settings.s3_endpoint or not Path(settings.lake, "run/1").exists()


def test_a_write_that_fails_leaves_no_half_file(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    (tmp_path / "file/in it").touch()
    with pytest.raises(LakeError, match=f"cannot write {tmp_path}/file: .* What was there is untouched"):
        Folder(str(tmp_path)).publish(io.BytesIO(b"x"), "file")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_in_a_folder_a_run_waits_while_another_one_has_looked_and_not_yet_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Folder(str(tmp_path))
    lake.publish(io.BytesIO(b"read by both"), "file")
    tag, look, of_the_other = lake.tag("file"), Folder.tag, []
    other = threading.Thread(target=lambda: of_the_other.append(lake.replace(io.BytesIO(b"other"), "file", tag)))

    def look_and_let_the_other_try(self: Folder, path: str) -> str | None:
        found = look(self, path)
        if other.ident is None:
            other.start()
            # where nothing keeps it out it is through by then
            other.join(0.5)
        return found

    monkeypatch.setattr(Folder, "tag", look_and_let_the_other_try)
    assert lake.replace(io.BytesIO(b"first"), "file", tag) is not None
    other.join()
    assert of_the_other == [None]
    assert lake.read("file") == b"first"


def test_a_run_whose_answer_got_lost_is_kept_and_the_next_one_records_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for(str(tmp_path))
    run(settings, 1, None)
    before, put = tag(settings), Folder.replace

    def put_and_lose_the_answer(self: Folder, *of: object) -> None:
        put(self, *of)
        raise LakeError("no answer")

    monkeypatch.setattr(Folder, "replace", put_and_lose_the_answer)
    with pytest.raises(LakeError, match="no answer"):
        run(settings, 2, before, run_id(1))
    monkeypatch.undo()
    assert problems(settings, settings.lake) == [
        f"run {run_id(2)} was interrupted while it published: the next run completes it"
    ]
    run(settings, 3, tag(settings), run_id(2))
    assert kept_runs(open_lake(settings.lake, settings), settings) == [run_id(3), run_id(2), run_id(1)]


def test_a_run_that_published_nothing_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_for(str(tmp_path))
    run(settings, 1, None)

    def refuse(self: Folder, *of: object) -> None:
        raise LakeError("refused")

    monkeypatch.setattr(Folder, "replace", refuse)
    with pytest.raises(LakeError, match="refused"):
        run(settings, 2, tag(settings), run_id(1))
    monkeypatch.undo()
    lake = open_lake(settings.lake, settings)
    assert [path for path in lake.paths(history_path(settings)) if run_id(2) in path] == []
    assert published(settings) == contents(1)


def test_the_directives_of_the_newest_run_that_had_some_are_known(settings: Settings) -> None:
    lake, leader = open_lake(settings.lake, settings), settings.published("df_manager")
    assert history.last_directives(lake, settings) is None
    for number, of_people in ((1, b"hold 1"), (2, b"hold 2"), (3, None)):
        tables = Tables({leader: b"%d" % number}, {leader: 1}, directives=of_people)
        publish(settings, tag(settings), tables, manifest_of(run_id(number)))
    assert history.last_directives(lake, settings) == (run_id(2), b"hold 2")


def test_a_run_of_which_only_part_is_left_counts_as_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forgetting the oldest run is interrupted after each of its files."""
    settings, remove = settings_for(str(tmp_path), keep_runs=1), Folder.remove
    lake = Folder(str(tmp_path))
    for number in range(1, 6):
        removed: list[str] = []

        def remove_some(self: Folder, path: str, most: int = number, removed: list[str] = removed) -> None:
            if len(removed) == most:
                raise LakeError("gone away")
            removed.append(path)
            remove(self, path)

        monkeypatch.setattr(Folder, "remove", remove_some)
        with suppress(LakeError):
            run(settings, number, tag(settings), run_id(number - 1))
        monkeypatch.undo()
        for kept in kept_runs(lake, settings):
            record = kept_manifest(lake, settings, kept)
            assert all(lake.exists(kept_path(settings, kept, file.path)) for file in record.files)
        for kept in kept_runs(lake, settings, "prepared.json"):
            assert kept in kept_runs(lake, settings)


def test_a_run_that_is_forgotten_meanwhile_counts_as_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, read = settings_for(str(tmp_path)), Folder.read
    run(settings, 1, None)
    run(settings, 2, tag(settings))
    lake = Folder(str(tmp_path))
    of_first = lake.read(kept_path(settings, run_id(1), settings.published("df_manager")))

    def forget_and_read(self: Folder, path: str) -> bytes:
        if path.startswith(history_path(settings, run_id(1))):
            history.forget(self, settings, run_id(1))
        return read(self, path)

    monkeypatch.setattr(Folder, "read", forget_and_read)
    with pytest.raises(LakeError, match="no run is kept that published another"):
        last_other_run(lake, settings)
    assert kept_manifest(lake, settings, run_id(1)) is None
    lake.publish(
        io.BytesIO(manifest_of(run_id(1)).as_json()), history.record_path(settings, run_id(1), "prepared.json")
    )
    assert history.run_that_made(lake, settings, of_first) is None


def test_the_last_run_is_known_without_its_history(settings: Settings) -> None:
    run(settings, 1, None)
    lake = open_lake(settings.lake, settings)
    history.forget(lake, settings, run_id(1))
    assert history.run_of_df_manager(lake, settings).run.id == run_id(1)


def test_what_another_run_published_since_is_never_overwritten(settings: Settings) -> None:
    run(settings, 1, None)
    read_by_both = tag(settings)
    run(settings, 2, read_by_both)
    with pytest.raises(OvertakenError, match=rf"run {run_id(2)} published .* since this run read it.*run again"):
        run(settings, 3, read_by_both)
    with pytest.raises(OvertakenError):
        run(settings, 4, None)
    assert published(settings) == contents(2)
    assert kept_runs(open_lake(settings.lake, settings), settings, "prepared.json") == [run_id(2), run_id(1)]


def test_a_run_that_comes_late_leaves_the_files_of_a_later_one(settings: Settings) -> None:
    run(settings, 1, None)
    of_the_late_one = tag(settings)
    run(settings, 2, of_the_late_one)
    lake, leader = open_lake(settings.lake, settings), settings.published("df_manager")
    publishing._follow(lake, leader, of_the_late_one, settings.published("df_manager_stats"), b"late")
    assert published(settings) == contents(2)


def in_processes(*functions: Callable[[], None], seconds: float = 120) -> list[int | None]:
    """Run functions at once, each in a process of its own; returns exit codes."""
    workers = [FORK.Process(target=function) for function in functions]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(seconds)
    return [worker.exitcode for worker in workers]


@pytest.mark.parametrize("runs", [2, 8])
def test_of_overlapping_runs_one_publishes_and_the_others_change_nothing(settings: Settings, runs: int) -> None:
    run(settings, 1, None)
    for round_ in range(1, 4):
        before, start = tag(settings), FORK.Event()

        def attempt(number: int, before: str | None = before, start: object = start) -> None:
            start.wait()
            try:
                run(settings, number, before)
            except OvertakenError:
                os._exit(3)
            os._exit(0)

        numbers = [round_ * 10 + place for place in range(runs)]
        workers = [FORK.Process(target=attempt, args=(number,)) for number in numbers]
        for worker in workers:
            worker.start()
        start.set()
        for worker in workers:
            worker.join(120)
        codes = [worker.exitcode for worker in workers]
        assert sorted(codes) == [0] + [3] * (runs - 1)
        winner = numbers[codes.index(0)]
        assert published(settings) == contents(winner)
        assert problems(settings, settings.lake) == []


def test_eight_overlapping_runs_that_start_over_lose_nothing(settings: Settings) -> None:
    """Each run adds a line to the log that it read, as decisions are added to df_manager."""

    def add(number: int) -> None:
        lake, path = open_lake(settings.lake, settings), settings.published("df_manager")
        for attempt in range(100):
            before = lake.tag(path)
            lines = lake.read(path) if before else b""
            if lake.tag(path) != before:
                continue
            content = lines + f"{number}\n".encode()
            files = {path: content, settings.published("decision_log"): content}
            try:
                publish(settings, before, Tables(files), manifest_of(f"{number}-{attempt}"))
            except OvertakenError:
                continue
            os._exit(0)
        os._exit(1)

    codes = in_processes(*((lambda number=number: add(number)) for number in range(8)))
    assert codes == [0] * 8
    final = published(settings)
    assert sorted(final["df_manager"].split()) == [str(number).encode() for number in range(8)]
    assert final["decision_log"] == final["df_manager"]
    assert problems(settings, settings.lake) == []


def test_a_run_killed_at_any_point_leaves_old_or_new_and_the_next_one_completes_it(settings: Settings) -> None:
    run(settings, 1, None)
    started = time.monotonic()
    run(settings, 2, tag(settings), run_id(1))
    seconds = time.monotonic() - started
    chance, outcomes = random.Random(4), {"old": 0, "interrupted": 0, "new": 0}
    last, since_complete = 2, [2]
    at_least = 60 if not settings.s3_endpoint else 15
    for number in range(3, 103):
        # on a busy machine a run may take longer than the one that was timed
        if number >= 3 + at_least and outcomes["old"] and outcomes["interrupted"] + outcomes["new"]:
            break
        before = tag(settings)
        worker = FORK.Process(target=run, args=(settings, number, before, run_id(last)))
        worker.start()
        time.sleep(chance.uniform(0, 2 * seconds))
        os.kill(worker.pid, signal.SIGKILL)
        worker.join()
        found, old, new = published(settings), contents(last), contents(number)
        assert found["df_manager"] in (old["df_manager"], new["df_manager"])
        is_new = found["df_manager"] == new["df_manager"]
        if is_new:
            last = number
            since_complete.append(number)
        wrong = problems(settings, settings.lake)
        assert wrong in ([], [f"run {run_id(last)} was interrupted while it published: the next run completes it"])
        for table in TABLES:
            assert found[table] in [contents(of)[table] for of in since_complete]
        assert wrong or found == contents(last)
        since_complete = since_complete if wrong else [last]
        outcomes["old" if not is_new else "interrupted" if wrong else "new"] += 1
        if number % 5 == 0:
            run(settings, number + 1000, tag(settings), run_id(last))
            assert published(settings) == contents(number + 1000)
            assert problems(settings, settings.lake) == []
            if is_new:
                assert run_id(last) in kept_runs(open_lake(settings.lake, settings), settings)
            last, since_complete = number + 1000, [number + 1000]
    print(outcomes)
    assert outcomes["old"] > 0
    assert outcomes["interrupted"] + outcomes["new"] > 0


def test_an_s3_that_fails_now_and_then_is_asked_again_and_one_that_fails_for_good_changes_nothing(
    in_a_bucket: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(in_a_bucket, 1, None)
    outcomes, last, seen = {"published": 0, "refused": 0}, 1, set()
    for number in range(2, 8):
        share = 0.1 if number % 2 else 0.6
        before = tag(in_a_bucket)
        with faults.proxy(in_a_bucket.s3_endpoint, faults.at_random(number, share)) as proxy:
            try:
                run(replace(in_a_bucket, s3_endpoint=proxy.endpoint), number, before, run_id(last))
                outcomes["published"] += 1
            except LakeError:
                outcomes["refused"] += 1
            seen |= set(proxy.faults)
        found = published(in_a_bucket)
        assert found["df_manager"] in (contents(last)["df_manager"], contents(number)["df_manager"])
        last = number if found["df_manager"] == contents(number)["df_manager"] else last
        assert problems(in_a_bucket, in_a_bucket.lake) in (
            [],
            [f"run {run_id(last)} was interrupted while it published: the next run completes it"],
        )
    print(outcomes, seen)
    assert outcomes["published"] >= 3
    assert seen == {"500", "503", "slow", "torn", "cut", "lost"}
    run(in_a_bucket, 99, tag(in_a_bucket), run_id(last))
    assert published(in_a_bucket) == contents(99)
    assert problems(in_a_bucket, in_a_bucket.lake) == []


def test_an_upload_that_does_not_arrive_leaves_what_was_there(in_a_bucket: Settings) -> None:
    run(in_a_bucket, 1, None)
    with faults.proxy(in_a_bucket.s3_endpoint, lambda method, path: "torn" if method == "PUT" else None) as proxy:
        lake = open_lake(in_a_bucket.lake, replace(in_a_bucket, s3_endpoint=proxy.endpoint))
        with pytest.raises(LakeError):
            lake.publish(io.BytesIO(b"new" * 1000), in_a_bucket.published("df_manager"))
    assert proxy.faults
    time.sleep(0.5)
    assert published(in_a_bucket) == contents(1)


def test_an_answer_that_gets_lost_is_not_taken_for_another_run(in_a_bucket: Settings) -> None:
    run(in_a_bucket, 1, None)
    lost: list[str] = []

    def lose_the_first_answer_about_df_manager(method: str, path: str) -> str | None:
        if method == "PUT" and path.endswith("/foraging_auto_training/df_manager_test.parquet") and not lost:
            lost.append(path)
            return "lost"
        return None

    with faults.proxy(in_a_bucket.s3_endpoint, lose_the_first_answer_about_df_manager) as proxy:
        run(replace(in_a_bucket, s3_endpoint=proxy.endpoint), 2, tag(in_a_bucket), run_id(1))
    assert lost
    assert published(in_a_bucket) == contents(2)
    assert problems(in_a_bucket, in_a_bucket.lake) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=False, capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"no small file system can be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_full_disk_leaves_what_was_published_and_says_so(small_disk: Path) -> None:
    settings = settings_for(str(small_disk), keep_runs=1)
    run(settings, 1, None)
    stuffing = small_disk / "stuffing"
    refused = 0
    for free in range(0, 600_000, 30_000):
        stuffing.unlink(missing_ok=True)
        space = os.statvfs(small_disk)
        stuffing.write_bytes(b"x" * max(0, space.f_bavail * space.f_frsize - free))
        before = published(settings)
        number = 2 + free // 30_000
        try:
            run(settings, number, tag(settings))
        except LakeError as error:
            refused += "No space left on device" in str(error)
            now = published(settings)
            assert now["df_manager"] in (before["df_manager"], contents(number)["df_manager"])
            assert all(now[table] in (before[table], contents(number)[table]) for table in TABLES)
    assert 2 <= refused < 20
    stuffing.unlink()
    run(settings, 100, tag(settings))
    assert published(settings) == contents(100)
    assert problems(settings, settings.lake) == []


def test_runs_that_published_the_same_are_none_to_go_back_to(settings: Settings) -> None:
    leader = settings.published("df_manager")
    for number, value in ((1, 1), (2, 2), (3, 2)):
        df_manager, decisions = io.BytesIO(), io.BytesIO()
        pq.write_table(pa.table({"session": [value]}), df_manager)
        pq.write_table(pa.table({"subject_id": ["1"], "session": [1], "first_published_at": [number]}), decisions)
        tables = Tables({leader: df_manager.getvalue()}, {leader: 1}, (decisions.getvalue(), 1))
        manifest = manifest_of(run_id(number), START + timedelta(minutes=number), run_id(number - 1))
        publish(settings, tag(settings), tables, manifest)
    assert last_other_run(open_lake(settings.lake, settings), settings) == run_id(1)


def test_runs_of_an_older_version_are_told_apart_by_the_bytes_of_df_manager(tmp_path: Path) -> None:
    settings = settings_for(str(tmp_path))
    lake = Folder(str(tmp_path))
    for number in (1, 2):
        run(settings, number, tag(settings), run_id(number - 1))
        path = history.record_path(settings, run_id(number), "published.json")
        of_older = json.loads(lake.read(path))
        del of_older["df_manager_content"]
        lake.publish(io.BytesIO(json.dumps(of_older).encode()), path)
    assert last_other_run(lake, settings) == run_id(1)


def test_an_earlier_publication_comes_back_and_the_log_keeps_all(settings: Settings) -> None:
    for number in (1, 2, 3):
        run(settings, number, tag(settings), run_id(number - 1))
    lake = open_lake(settings.lake, settings)
    assert last_other_run(lake, settings) == run_id(2)
    # of what the rigs read, nothing stays that the run did not publish
    rigs = settings.published("next_session", "json")
    lake.publish(io.BytesIO(b"{}"), rigs)
    manifest = roll_back(settings, run_id(1), START)
    assert not lake.exists(rigs)
    assert (manifest.run.rolled_back_to, manifest.run.previous) == (run_id(1), run_id(3))
    of_log = pq.read_table(io.BytesIO(published(settings)["decision_log"]))
    assert of_log["session"].to_pylist() == [1, 2, 3]
    assert published(settings) == {**contents(1), "decision_log": published(settings)["decision_log"]}
    assert problems(settings, settings.lake) == []
    assert f"as run {run_id(1)} had it" in listing(settings)
    lake.publish(io.BytesIO(b"damaged"), settings.published("df_manager"))
    assert last_other_run(lake, settings) == manifest.run.id
    with pytest.raises(LakeError, match=rf"no run '{run_id(9)}' is kept\. Kept are: .*{run_id(3)}"):
        roll_back(settings, run_id(9), START)
    lake.publish(io.BytesIO(b"damaged"), f"{history_path(settings, run_id(2))}/df_manager_test.parquet")
    with pytest.raises(LakeError, match="is damaged in the history"):
        roll_back(settings, run_id(2), START)
    # also where it has its size
    damaged = bytes(len(contents(2)["df_manager"]))
    lake.publish(io.BytesIO(damaged), f"{history_path(settings, run_id(2))}/df_manager_test.parquet")
    with pytest.raises(LakeError, match="is damaged in the history"):
        roll_back(settings, run_id(2), START)


def test_as_many_runs_are_kept_as_the_setting_says(settings: Settings) -> None:
    settings = replace(settings, keep_runs=3)
    lake = open_lake(settings.lake, settings)
    left_by_a_killed_run = f"{history_path(settings, run_id(0))}/df_manager_test.parquet"
    lake.publish(io.BytesIO(b"anything"), left_by_a_killed_run)
    for number in range(1, 4):
        run(settings, number, tag(settings))
    assert not lake.exists(left_by_a_killed_run)
    for number in range(4, 7):
        run(settings, number, tag(settings))
    assert kept_runs(lake, settings) == [run_id(6), run_id(5), run_id(4)]
    assert len(lake.paths(history_path(settings))) == 3 * 5


def test_the_log_keeps_runs_that_published_and_forgets_those_that_did_not(settings: Settings) -> None:
    settings = replace(settings, keep_runs=1)
    lake = open_lake(settings.lake, settings)
    # a run that was killed before it took the lead
    killed = manifest_of(run_id(0))
    lake.publish(io.BytesIO(killed.as_json()), f"{history_path(settings, run_id(0))}/prepared.json")
    log.write(lake, settings, killed.run, (b"its decisions", 1))
    for number in (1, 2, 3):
        run(settings, number, tag(settings), run_id(number - 1) if number > 1 else None)
    assert kept_runs(lake, settings) == [run_id(3)]
    assert log.recorded_runs(lake, settings) == {run_id(1), run_id(2), run_id(3)}
    assert len(log.files(lake, settings, run_id(3))) == 3


def test_the_mirror_has_all_that_is_published_and_catches_up(settings: Settings, tmp_path: Path) -> None:
    mirror = f"{settings.lake}-mirror" if settings.s3_endpoint == "" else settings.lake.replace("/mice", "/mirror")
    mirrored = replace(settings, mirror=mirror)
    lake = open_lake(settings.lake, settings)
    lake.publish(io.BytesIO(b"{}"), "foraging_auto_training/saved_curriculums/a.json")
    run(mirrored, 1, None)
    run(settings, 2, tag(settings))
    assert published(settings, mirror) == contents(1)
    run(mirrored, 3, tag(settings))
    assert published(settings, mirror) == contents(3)
    assert problems(mirrored, mirror) == []
    assert open_lake(mirror, settings).exists("foraging_auto_training/saved_curriculums/a.json")
    assert not open_lake(mirror, settings).paths(history_path(settings))
    beyond = "s3://no-such-bucket/mirror" if settings.s3_endpoint else str(tmp_path / "file/mirror")
    (tmp_path / "file").write_text("")
    with pytest.raises(MirrorError, match=r"is published at .* but its mirror .* is behind"):
        run(replace(settings, mirror=beyond), 4, tag(settings))
    assert published(settings) == contents(4)


def with_mirror(tmp_path: Path) -> Settings:
    return settings_for(str(tmp_path / "lake"), mirror=str(tmp_path / "there/mirror"))


def test_a_mirror_that_was_out_of_reach_is_brought_up_to_date_once_it_is_there(tmp_path: Path) -> None:
    settings = with_mirror(tmp_path)
    (tmp_path / "there").write_text("a file where a folder is needed")
    with pytest.raises(MirrorError):
        run(settings, 1, None)
    (tmp_path / "there").unlink()
    run(settings, 2, tag(settings), run_id(1))
    assert published(settings, settings.mirror) == contents(2)
    assert problems(settings, settings.mirror) == []
    # what it has already is not copied again, and what somebody changed there is
    assert bring_up_to_date(settings) == []
    stats = settings.published("df_manager_stats")
    open_lake(settings.mirror, settings).publish(io.BytesIO(b"someone's"), stats)
    assert bring_up_to_date(settings) == [stats]
    assert published(settings, settings.mirror) == contents(2)


def test_a_run_that_publishes_while_the_mirror_is_copied_is_copied_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, copy = with_mirror(tmp_path), Folder.copy
    without = replace(settings, mirror="")
    run(without, 1, None)

    def copy_and_be_overtaken(self: Folder, path: str, *to: object) -> None:
        copy(self, path, *to)
        if path == settings.published("df_manager_stats") and published(settings) == contents(1):
            run(without, 2, tag(settings), run_id(1))

    monkeypatch.setattr(Folder, "copy", copy_and_be_overtaken)
    bring_up_to_date(settings)
    assert published(settings, settings.mirror) == contents(2)
    assert problems(settings, settings.mirror) == []


def test_a_mirror_that_cannot_keep_up_with_other_runs_is_said_to_be_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, copy, numbers = with_mirror(tmp_path), Folder.copy, iter(range(2, 99))
    without = replace(settings, mirror="")
    run(without, 1, None)

    def copy_and_be_overtaken(self: Folder, path: str, *to: object) -> None:
        copy(self, path, *to)
        if path == settings.published("df_manager_stats"):
            run(without, next(numbers), tag(settings))

    monkeypatch.setattr(Folder, "copy", copy_and_be_overtaken)
    with pytest.raises(MirrorError, match="is behind: other runs kept publishing meanwhile"):
        bring_up_to_date(settings)


def test_without_a_mirror_nothing_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_for(str(tmp_path / "lake"))
    run(settings, 1, None)
    monkeypatch.chdir(tmp_path)
    assert bring_up_to_date(settings) == []
    assert [path.name for path in tmp_path.iterdir()] == ["lake"]


def test_a_file_beside_the_tables_is_recorded_kept_and_mirrored_with_its_run(settings: Settings) -> None:
    settings = replace(settings, mirror=f"{settings.lake}-mirror")
    run(settings, 1, None)
    lake, page = open_lake(settings.lake, settings), settings.published("morning", "html")
    for text in (b"a page", b"the page once more"):
        publish_beside(settings, run_id(1), page, text)
        for manifest in (manifest_path(settings), f"{history_path(settings, run_id(1))}/published.json"):
            files = [file.path for file in read_manifest(lake, settings, manifest).files]
            assert files == [*(settings.published(table) for table in TABLES), page]
        assert lake.read(page) == text
        assert lake.read(f"{history_path(settings, run_id(1))}/morning_test.html") == text
        assert open_lake(settings.mirror, settings).read(page) == text
        assert problems(settings, settings.lake) == problems(settings, settings.mirror) == []
    record = f"{history_path(settings, run_id(1))}/published.json"
    before = lake.read(record)
    run(settings, 2, tag(settings), run_id(1))
    assert lake.read(record) == before


def test_a_page_of_an_earlier_run_is_not_put_beside_the_tables_of_a_later_one(tmp_path: Path) -> None:
    settings = settings_for(str(tmp_path))
    with pytest.raises(OvertakenError, match=f"it would tell of run {run_id(1)}"):
        publish_beside(settings, run_id(1), settings.published("morning", "html"), b"a page")
    run(settings, 1, None)
    run(settings, 2, tag(settings), run_id(1))
    with pytest.raises(OvertakenError, match=f"it would tell of run {run_id(1)}"):
        publish_beside(settings, run_id(1), settings.published("morning", "html"), b"a page")
    assert [path for path in Folder(str(tmp_path)).paths("") if "morning" in path] == []


def test_a_rollback_is_the_newest_run_though_the_clock_went_back(tmp_path: Path) -> None:
    settings, leader = settings_for(str(tmp_path)), settings_for(str(tmp_path)).published("df_manager")
    for number in (1, 2):
        of_lab = Run(id=run_id(number), started_at=START, lab_time_zone="Australia/Sydney")
        publish(
            settings,
            tag(settings),
            Tables({leader: b"%d" % number}),
            manifest_of("x").model_copy(update={"run": of_lab}),
        )
    # it is noon there already
    back = roll_back(settings, run_id(1), START - timedelta(days=9, hours=-1, milliseconds=-1))
    assert kept_runs(open_lake(settings.lake, settings), settings) == [back.run.id, run_id(2), run_id(1)]
    assert back.run == Run(
        id=back.run.id,
        started_at=START - timedelta(days=9, hours=-1),
        previous=run_id(2),
        kind="rollback",
        rolled_back_to=run_id(1),
        # from noon on in the lab of the run before
        training_day=(START - timedelta(days=8)).date(),
        lab_time_zone="Australia/Sydney",
    )
    assert back.said == [f"rolled back to what run {run_id(1)} published: 0 mice are told another stage than before"]


def test_who_goes_back_reads_what_that_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_for(str(tmp_path))
    for number in (1, 2):
        run(settings, number, tag(settings), run_id(number - 1))
    for name, value in (("LAKE", settings.lake), ("MANAGER", settings.manager), ("MANAGERS", "no")):
        monkeypatch.setenv(f"AUTO_TRAIN_{name}", value)
    monkeypatch.setenv("AUTO_TRAIN_ALERTS", "json://127.0.0.1:1")
    done = CliRunner().invoke(rollback.command, catch_exceptions=False)
    assert done.output.splitlines()[1:] == [
        f"rolled back to what run {run_id(1)} published: 0 mice are told another stage than before",
        "alert 1 (json) could not be sent: its service was not reached, or refused it",
    ]
    assert done.exit_code == 3
    with listening() as receiver:
        monkeypatch.setenv("AUTO_TRAIN_ALERTS", receiver.url())
        done = CliRunner().invoke(rollback.command, run_id(2), catch_exceptions=False)
        assert done.exit_code == 0
        # the message says all that the command does
        assert receiver.got[0]["message"].splitlines()[:2] == done.output.splitlines()
        assert done.output.startswith(f"published again what run {run_id(2)} published, as run ")


def test_going_back_needs_an_earlier_run_and_works_where_df_manager_and_the_log_are_gone(tmp_path: Path) -> None:
    settings = settings_for(str(tmp_path))
    run(settings, 1, None)
    lake = open_lake(settings.lake, settings)
    with pytest.raises(LakeError, match="no run is kept that published another"):
        last_other_run(lake, settings)
    lake.remove(settings.published("df_manager"))
    lake.remove(settings.published("decision_log"))
    assert last_other_run(lake, settings) == run_id(1)
    roll_back(settings, run_id(1), START)
    now = published(settings)
    assert pq.read_table(io.BytesIO(now.pop("decision_log")))["session"].to_pylist() == [1]
    assert now == {table: content for table, content in contents(1).items() if table != "decision_log"}


def test_what_is_no_table_has_no_number_of_rows_when_it_is_published_again_either(tmp_path: Path) -> None:
    old = settings_for(str(tmp_path))
    new, rigs = replace(old, manager="new"), b'{"manager": "test", "run_id": "x", "training_day": "x", "mice": {}}'
    files = {old.published(table): content for table, content in contents(1).items()}
    files[old.published("next_session", "json")] = rigs
    manifest = Manifest(manager="test", run=Run(id=run_id(1), started_at=START), code_version="test", files=[])
    publish(old, None, Tables(files, {old.published(table): 1 for table in contents(1)}), manifest)
    for again, of in ((rename(new, "test", START), new), (roll_back(old, run_id(1), START), old)):
        rows = {file.path: file.rows for file in again.files}
        assert (rows[of.published("next_session", "json")], rows[of.published("df_manager")]) == (None, 1)


def test_a_new_name_has_all_that_the_old_one_published_and_nothing_of_what_was_said_then(tmp_path: Path) -> None:
    old = settings_for(str(tmp_path))
    new, lake = replace(old, manager="new"), open_lake(old.lake, old)
    files = {old.published(table): content for table, content in contents(1).items()}
    rigs = old.published("next_session", "json")
    files[rigs] = b'{"manager": "test", "run_id": "x", "training_day": "2025-12-31", "mice": {}}'
    decisions = (b"decisions", 2), (b"told", 3)
    run = Run(id=run_id(1), started_at=START, lab_time_zone="Australia/Sydney", training_day=START.date())
    gate = [{"gate": "a", "who": "b", "why": "c"}]
    manifest = Manifest(
        manager="test", run=run, code_version="test", files=[], said=["a first night"], let_through=gate
    )
    publish(old, None, Tables(files, dict.fromkeys(contents(1), 1), *decisions), manifest)
    # it is noon there already
    renamed = rename(new, "test", START + timedelta(hours=1))
    assert (renamed.manager, renamed.let_through, renamed.said) == (
        "new", [], ["manager test is called new from now on: no mouse is told another stage"],
    )  # fmt: skip
    assert (renamed.run.kind, renamed.run.previous, renamed.run.training_day, renamed.run.lab_time_zone) == (
        "rename", run_id(1), START.date() + timedelta(days=1), "Australia/Sydney",
    )  # fmt: skip
    assert {table: lake.read(new.published(table)) for table in TABLES} == contents(1)
    assert json.loads(lake.read(new.published("next_session", "json"))) == {
        "manager": "new", "run_id": renamed.run.id, "training_day": "2026-01-02", "mice": {},
    }  # fmt: skip
    assert renamed.run.id > run_id(1)
    # the log goes on, and what the old name published stays for its readers
    entries = log.entries(lake, new, renamed.run.id)
    assert [entry.run.id for entry in entries] == [renamed.run.id, run_id(1)]
    assert [(lake.read(file.path), file.rows) for file in (entries[1].file, entries[1].told)] == [*decisions]
    assert problems(old, old.lake) == problems(new, new.lake) == []
    assert lake.read(rigs) == files[rigs]
    # what is damaged is not taken along
    lake.publish(io.BytesIO(b"damaged"), old.published("df_manager_stats"))
    with pytest.raises(LakeError, match=r"is not what run .* published: roll back first"):
        rename(replace(old, manager="newer"), "test", START)
    assert not lake.exists(replace(old, manager="newer").published("df_manager"))


def test_between_buckets_of_one_service_the_service_copies(in_a_bucket: Settings) -> None:
    with faults.proxy(in_a_bucket.s3_endpoint, lambda method, path: None) as proxy:
        there = in_a_bucket.lake.replace("/mice", "/mirror")
        run(replace(in_a_bucket, s3_endpoint=proxy.endpoint, mirror=there), 1, None)
        puts = [headers for method, path, headers in proxy.requests if method == "PUT" and "/mirror/" in path]
    assert len(puts) == 4
    assert all("x-amz-copy-source" in {name.lower() for name in headers} for headers in puts)


def test_a_manifest_that_is_not_one_of_this_manager_is_a_clear_error(settings: Settings) -> None:
    run(settings, 1, None)
    lake = open_lake(settings.lake, settings)
    good = json.loads(lake.read(manifest_path(settings)))
    elsewhere = [good["files"][0] | {"path": "../../etc/passwd"}]
    for content in ("no json", "[]", {"run": {}}, good | {"files": elsewhere}, good | {"manager": "other"}):
        text = content if isinstance(content, str) else json.dumps(content)
        lake.publish(io.BytesIO(text.encode()), manifest_path(settings))
        with pytest.raises(LakeError, match="is not a manifest"):
            problems(settings, settings.lake)
