"""Whoever may write into the lake must not make us read, write or remove anything but what is published there."""

import io
import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from auto_train.lake import Folder, LakeError, Settings, folder, open_lake
from auto_train.publishing.history import forget_the_oldest, kept_runs, last_other_run, record_path
from auto_train.publishing.log import log_path, recorded_runs
from auto_train.publishing.manifest import (
    Manifest,
    Run,
    manifest_path,
    new_run_id,
    published_manifest,
    stamped,
    unstamped,
)
from auto_train.publishing.mirror import bring_up_to_date
from auto_train.publishing.publication import Tables, publish
from auto_train.publishing.rollback import roll_back
from auto_train.publishing.status import listing, status

NOW = datetime(2026, 1, 2, tzinfo=UTC)
GOOD = {"files": [{"path": "foraging_auto_training/df_manager_test.parquet", "bytes": 1, "sha256": "0" * 64}]}
RUN = {"id": "a", "started_at": "2026-01-01T00:00:00Z"}
FOREIGN: list[Any] = [
    "", "{", "\x00", b"\xff\xfe", [], 1, None, True, "text", "[" * 100_000, '{"run":' * 50_000, {}, {"run": {}},
    '{"manager": "\\ud800"}', '{"files": 1e999}',
]  # fmt: skip


def parquet(*values: int) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({"x": list(values)}), out)
    return out.getvalue()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A lake in which two runs published, and a mirror."""
    lake = str(tmp_path / "lake")
    settings = Settings(lake, f"{lake}/df_behavior.parquet", "test", "", "", mirror=str(tmp_path / "mirror"))
    run(settings, "a", 1)
    run(settings, "b", 2)
    return settings


def run(settings: Settings, name: str, *values: int) -> None:
    files = {settings.published(table): parquet(*values) for table in ("df_manager", "df_manager_stats")}
    before = open_lake(settings.lake, settings).tag(settings.published("df_manager"))
    manifest = Manifest(manager="test", run=Run(id=name, started_at=NOW), code_version="test", files=[])
    publish(settings, before, Tables(files), manifest)


def commands(settings: Settings) -> dict[str, Callable[[], object]]:
    lake = open_lake(settings.lake, settings)
    return {
        "status": lambda: status(settings, NOW),
        "list": lambda: listing(settings),
        "rollback": lambda: roll_back(settings, "a", NOW),
        "rollback without a run": lambda: last_other_run(lake, settings),
        "mirror": lambda: bring_up_to_date(settings),
        "nightly": lambda: published_manifest(lake, settings),
    }


def everything(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def changed(**of: Any) -> dict[str, Any]:
    return {"manager": "test", "code_version": "x", "run": RUN, **GOOD} | of


def strange() -> list[Any]:
    """Manifests that are almost right."""
    [file] = GOOD["files"]
    runs = [
        RUN | {"id": id_}
        for id_ in ("../x", "/x", "a/b", "a\\b", "a\n", "", ".", "a\x1b[31m", "x" * 999, 1, None, "a..b")
    ]
    runs += [
        RUN | {"started_at": at} for at in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-01-01", 1e300, -1)
    ]
    runs += [RUN | {"previous": "../x"}, RUN | {"rolled_back_to": "../x"}, RUN | {"kind": "other"}]
    published = "foraging_auto_training"
    paths = [
        f"{published}/{of}" for of in ("df_manager_demo.parquet", "/df_manager_test.parquet", "manifest_test.json")
    ]
    paths += [f"{published}/../{published}/df_manager_test.parquet"]
    paths += ["../../x", "/etc/passwd", "df_behavior.parquet", ""]
    files = [[file, file | {"path": path}] for path in paths] + [[file, file], [], [file | {"bytes": -1}]]
    files += [[file | {"bytes": 10**100}], [file | {"rows": -1}], [file | {"sha256": "no"}], [file | {"rows": "x"}]]
    store = f"{published}/saved_curriculums"
    names = ("..", "../x.json", "/x.json", ".x.json", "x", "a\\b.json", "a/b.json", "a\n.json")
    of_curricula = [*(f"{store}/{name}" for name in names), "x.json", "/x.json"]
    return [
        *(changed(run=of) for of in runs),
        *(changed(files=of) for of in files),
        *(changed(curricula=[file | {"path": path}]) for path in of_curricula),
        changed(manager="demo"),
        changed(counts={"set_aside": {"x": -1}}),
        changed(counts={"set_aside": {"x": 10**100}}),
        changed(counts=[]),
    ]


def text(of: Any) -> bytes:
    return of if isinstance(of, bytes) else (of if isinstance(of, str) else json.dumps(of)).encode()


@pytest.mark.parametrize("record", ["manifest", "history"])
def test_a_foreign_manifest_is_one_line_and_changes_nothing(record: str, settings: Settings, tmp_path: Path) -> None:
    path = manifest_path(settings) if record == "manifest" else record_path(settings, "a", "published.json")
    file = Path(settings.lake, path)
    concerned = ("status", "rollback", "mirror", "nightly") if record == "manifest" else ("list", "rollback")
    if record == "history":
        run(settings, "c", 2)  # so that the search for another run meets it too
        concerned += ("rollback without a run",)
    for foreign in [*FOREIGN, *strange()]:
        file.write_bytes(text(foreign))
        before = everything(tmp_path)
        for name in concerned:
            with pytest.raises(LakeError) as error:
                commands(settings)[name]()
            assert path in str(error.value), (name, foreign)
            assert "\n" not in str(error.value)
        for name, command in commands(settings).items():
            try:
                command()
            except LakeError:
                assert everything(tmp_path) == before, (name, foreign)


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (["df_manager_test.parquet", "x.parquet"], "it has ['foraging_auto_training/x.parquet']"),
        (["df_manager_test.parquet"] * 2, "it has a file twice"),
        (["df_manager_stats_test.parquet"], "it has no df_manager"),
        # the worst is said
        (["x.parquet"] * 2, "it has ['foraging_auto_training/x.parquet', 'foraging_auto_training/x.parquet']"),
        (["df_manager_stats_test.parquet"] * 2, "it has a file twice"),
    ],
)
def test_what_a_manifest_of_another_has_is_named(names: list[str], problem: str, settings: Settings) -> None:
    files = [GOOD["files"][0] | {"path": f"foraging_auto_training/{name}"} for name in names]
    Path(settings.lake, manifest_path(settings)).write_bytes(text(changed(files=files)))
    with pytest.raises(LakeError, match=f"is not a manifest of test: {re.escape(problem)}. It only records"):
        published_manifest(Folder(settings.lake), settings)


@pytest.mark.parametrize(("year", "is_taken"), [(1999, False), (2000, True), (8999, True), (9000, False)])
def test_runs_are_of_years_to_which_a_second_can_be_added(year: int, is_taken: bool) -> None:
    started_at = datetime(year, 1, 1, tzinfo=UTC)
    with nullcontext() if is_taken else pytest.raises(ValueError, match="a year from 2000 on is needed"):
        assert Run(id="a", started_at=started_at).started_at == started_at


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (None, "20260102T000000Z-x"),
        ("20260101T235959Z-zzz", "20260102T000000Z-x"),
        ("20260102T000000Z-a", "20260102T000001Z-x"),
        ("20301231T235959Z-a", "20310101T000000Z-x"),
        ("99991231T235959Z-a", "20260102T000000Z-x"),
        ("a-run-of-another-name", "20260102T000000Z-x"),
    ],
)
def test_a_runs_id_comes_after_that_of_the_run_before(after: str | None, expected: str) -> None:
    assert new_run_id(NOW, "x", after) == expected


def test_the_record_of_one_run_is_not_that_of_another(settings: Settings) -> None:
    a, b = (Path(settings.lake, record_path(settings, name, "published.json")) for name in "ab")
    a.write_bytes(b.read_bytes())
    with pytest.raises(LakeError, match="is not the record of run a"):
        roll_back(settings, "a", NOW)


def test_names_in_the_history_and_the_log_that_no_run_has_are_left_alone(settings: Settings) -> None:
    lake = Folder(settings.lake)
    record = lake.read(record_path(settings, "a", "published.json"))
    planted = [
        "a b/published.json",
        "0/0/published.json",
        ".hidden/published.json",
        "0\\..\\x/published.json",
        "0\x1b/x",
    ]
    for path in planted:
        lake.publish(io.BytesIO(record), f"foraging_auto_training/history/test/{path}")
    for path in ("0/0.json", "a b.json", "notes.txt"):
        lake.publish(io.BytesIO(b"x"), f"{log_path(settings)}/{path}")
    assert kept_runs(lake, settings) == ["b", "a"]
    assert recorded_runs(lake, settings) == {"a", "b"}
    forget_the_oldest(lake, replace(settings, keep_runs=1))
    assert kept_runs(lake, settings) == ["b"]
    left = everything(Path(settings.lake, "foraging_auto_training/history/test"))
    assert {"a b/published.json", "0\\..\\x/published.json", "0\x1b/x"} <= set(left)


def test_the_mirror_gets_only_what_is_published(settings: Settings, tmp_path: Path) -> None:
    store = Path(settings.lake, "foraging_auto_training/saved_curriculums")
    (store / "more").mkdir(parents=True)
    for name in ("a_curriculum_v1.json", "a_rules.svg", "secret.txt", "more/x.json", "a.json.bak", ".x.json"):
        (store / name).write_text(name)
    bring_up_to_date(settings)
    copied = {path.name for path in (tmp_path / "mirror/foraging_auto_training/saved_curriculums").rglob("*")}
    assert copied == {"a_curriculum_v1.json", "a_rules.svg"}


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need a right on Windows")
@pytest.mark.parametrize(
    "place",
    [
        "df_manager_test.parquet", "manifest_test.json", "df_manager_stats_test.parquet", "history", "history/test",
        "history/test/a", "history/test/a/df_manager_test.parquet", "saved_curriculums", "log/test", "",
    ],
)  # fmt: skip
def test_no_link_in_a_folder_leads_out_of_it(place: str, settings: Settings, tmp_path: Path) -> None:
    linked, outside = Path(settings.lake, "foraging_auto_training", place), tmp_path / "outside"
    linked.parent.mkdir(exist_ok=True)
    if linked.exists():
        linked.rename(outside)
    else:
        outside.mkdir()
        (outside / "a_curriculum_v1.json").write_text("private")
    linked.symlink_to(outside)
    before = everything(outside) if outside.is_dir() else outside.read_bytes()
    mirrored = everything(tmp_path / "mirror")
    tried = [*commands(settings).values(), lambda: run(settings, "c", 3)]
    refused = []
    for command in tried:
        try:
            command()
        except LakeError as error:
            refused.append(str(error))
    assert any("is a symbolic link" in line or "no run 'a' is kept" in line for line in refused)
    assert before == (everything(outside) if outside.is_dir() else outside.read_bytes())
    assert not {name for name in everything(tmp_path / "mirror") if "private" in name or "curriculum_v1" in name}
    assert set(mirrored) <= set(everything(tmp_path / "mirror"))


@pytest.mark.skipif(os.name == "nt", reason="no pipes with names on Windows")
def test_what_is_not_a_file_is_one_line(settings: Settings) -> None:
    path = settings.published("df_manager_stats")
    for make in (os.mkfifo, os.mkdir):
        Path(settings.lake, path).unlink() if make is os.mkfifo else os.remove(Path(settings.lake, path))
        make(Path(settings.lake, path))
        with pytest.raises(LakeError, match="is not a file"):
            status(settings, NOW)
    for wrong in ("../x", "/etc/passwd", "a/../../x"):
        with pytest.raises(LakeError, match="is not below"):
            Folder(settings.lake).read(wrong)


def test_a_storage_that_does_not_tell_small_letters_from_capitals_is_noticed(settings: Settings) -> None:
    other = replace(settings, manager="Test")
    content = Path(settings.lake, manifest_path(settings)).read_bytes()
    Path(settings.lake, manifest_path(other)).write_bytes(content)
    with pytest.raises(LakeError, match=r"does not tell AUTO_TRAIN_MANAGER=Test from test.*Choose another name"):
        published_manifest(Folder(settings.lake), other)
    Path(settings.lake, manifest_path(settings)).write_bytes(text(changed(manager="TEST")))
    with pytest.raises(LakeError, match=r"does not tell AUTO_TRAIN_MANAGER=test from TEST"):
        published_manifest(Folder(settings.lake), settings)


def test_two_runs_never_make_the_same_df_manager_and_readers_see_no_difference(settings: Settings) -> None:
    lake, path = Folder(settings.lake), settings.published("df_manager")
    before = lake.read(path)
    run(settings, "c", 2)
    now = lake.read(path)
    assert now != before
    assert unstamped(now) == unstamped(before) == parquet(2)
    assert pq.read_table(io.BytesIO(now))["x"].to_pylist() == [2]
    assert stamped(now, "b") == before
    # what is the same but for its run is not another df_manager
    assert last_other_run(lake, settings) == "a"


@pytest.mark.parametrize(
    "content", [b"", b"PAR1", b"PAR1PAR1", b"PAR1\xff\xff\xff\xffPAR1", b"text" * 9, b"PAR1" + bytes(4) + b"PAR1"]
)
def test_what_is_not_parquet_stays_as_it_is(content: bytes) -> None:
    assert unstamped(stamped(content, "a")) == content


@pytest.mark.skipif(os.name == "nt", reason="modes are of POSIX")
@pytest.mark.parametrize(
    ("shared", "file"), [(0o2775, 0o664), (0o2770, 0o660), (0o755, 0o644), (0o750, 0o640), (0o777, 0o664)]
)
def test_files_are_for_those_whom_their_folder_is_for(shared: int, file: int, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    lake.mkdir()
    lake.chmod(shared)
    Folder(str(lake)).replace(io.BytesIO(b"x"), "table", None)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in lake.iterdir()}
    assert modes == {"table": file, ".lock": file}
    if shared & stat.S_ISGID:
        Folder(str(lake)).publish(io.BytesIO(b"x"), "below/it/table")
        assert stat.S_IMODE((lake / "below/it").stat().st_mode) & 0o2770 == 0o2770
        assert stat.S_IMODE((lake / "below/it/table").stat().st_mode) & 0o660 == 0o660


HOLD = """
import sys, filelock
from pathlib import Path
from auto_train.lake import folder
with folder.Folder(sys.argv[1])._one_at_a_time(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_lock_that_is_held_for_long_names_who_holds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "LOCK_SECONDS", 0.1)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout and holder.stdout.readline() == "held\n"
    try:
        with pytest.raises(LakeError, match=rf"by process {holder.pid} of .+ since 20\d\d-.*Nothing was replaced"):
            Folder(str(tmp_path)).replace(io.BytesIO(b"x"), "table", None)
    finally:
        holder.communicate("")
    assert Folder(str(tmp_path)).replace(io.BytesIO(b"x"), "table", None)


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need a right on Windows")
def test_a_lock_that_is_a_link_is_refused_and_what_it_leads_to_untouched(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("whole")
    (tmp_path / "lake").mkdir()
    for target in (other, tmp_path / "none"):
        (tmp_path / "lake/.lock").symlink_to(target)
        with pytest.raises(LakeError, match=r"\.lock is not a file that a run made"):
            Folder(str(tmp_path / "lake")).replace(io.BytesIO(b"x"), "table", None)
        (tmp_path / "lake/.lock").unlink()
    assert (other.read_text(), (tmp_path / "none").exists()) == ("whole", False)
    assert not (tmp_path / "lake/table").exists()
