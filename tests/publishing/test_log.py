"""The log of decisions is made of runs: no kill, rollback or race loses one, and no run rewrites another's file."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from auto_train.lake import Lake, LakeError, Settings, open_lake
from auto_train.publishing import log, publication
from auto_train.publishing.history import kept_runs
from auto_train.publishing.manifest import Run
from auto_train.publishing.publication import OvertakenError
from auto_train.publishing.rollback import roll_back
from auto_train.publishing.status import problems
from tests.conftest import Project
from tests.mice import GOOD_MOUSE, mouse


def settings_of(project: Project) -> Settings:
    return Settings(str(project.lake), "", "test", project.environment["AUTO_TRAIN_DATABASE"], "")


def night(project: Project, *mice: str) -> None:
    project.write_behavior(" union all ".join(mice))
    project.decide()


@contextmanager
def killed_after_df_manager() -> Iterator[None]:
    """What a run leaves that is killed as soon as it has replaced df_manager."""

    def die(*_: object) -> None:
        raise RuntimeError("killed")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publication, "_follow_with_the_rest", die)
        yield


def killed_night(project: Project, *mice: str) -> None:
    project.write_behavior(" union all ".join(mice))
    with killed_after_df_manager(), pytest.raises(AssertionError, match="killed"):
        project.decide()


def logged(project: Project) -> list[tuple]:
    return project.query("select subject_id, session, next_stage_suggested from marts.decision_log order by all")


def log_files(project: Project) -> dict[str, bytes]:
    folder = project.lake / log.log_path(settings_of(project))
    return {path.name: path.read_bytes() for path in folder.iterdir()}


GOOD_LOG = [("700001", number, "STAGE_2") for number in (1, 2, 3)]
BETTER = GOOD_MOUSE.replace("250::double", "case n when 3 then 1000 else 250 end::double").replace(
    "0.65::double", "case n when 3 then 0.99 else 0.65 end::double"
)


def test_each_run_adds_a_file_of_its_own_and_rewrites_no_other(project: Project) -> None:
    night(project, GOOD_MOUSE)
    first = log_files(project)
    assert sorted(name.split(".", 1)[1] for name in first) == ["json", "parquet", "told.parquet"]
    night(project, GOOD_MOUSE, mouse("700009"))
    second = log_files(project)
    assert {name: second[name] for name in first} == first
    assert logged(project) == [*GOOD_LOG, ("700009", 1, "STAGE_2")]
    # a night without news adds a record and no decisions
    night(project, GOOD_MOUSE, mouse("700009"))
    new = log_files(project).keys() - second.keys()
    assert [Path(name).suffix for name in new] == [".json"]
    assert json.loads(log_files(project)[new.pop()])["file"] is None
    assert len(logged(project)) == 4


def test_a_run_killed_after_df_manager_and_then_rolled_back_stays_in_the_log(project: Project) -> None:
    night(project, GOOD_MOUSE)
    [first] = kept_runs(open_lake(str(project.lake), settings_of(project)), settings_of(project))
    killed_night(project, GOOD_MOUSE, mouse("700009"))
    roll_back(settings_of(project), first, datetime.now(UTC))
    assert problems(settings_of(project), str(project.lake)) == []
    night(project, GOOD_MOUSE)
    assert logged(project) == [*GOOD_LOG, ("700009", 1, "STAGE_2")]
    published = project.lake / "foraging_auto_training/decision_log_test.parquet"
    assert project.query(f"select count(*) from '{published}'") == [(4,)]


def test_two_killed_nights_in_a_row_lose_no_decision_that_was_made_anew(project: Project) -> None:
    night(project, GOOD_MOUSE)
    killed_night(project, BETTER)
    killed_night(project, GOOD_MOUSE, mouse("700009"))
    night(project, GOOD_MOUSE, mouse("700009"))
    assert logged(project) == [
        *GOOD_LOG, ("700001", 3, "STAGE_2"), ("700001", 3, "STAGE_3"), ("700009", 1, "STAGE_2")
    ]  # fmt: skip


def test_a_rollback_that_races_a_night_gives_way(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    night(project, GOOD_MOUSE)
    settings = settings_of(project)
    [first] = kept_runs(open_lake(settings.lake, settings), settings)
    keep = publication._keep

    def while_a_night_publishes(*arguments: object) -> None:
        monkeypatch.setattr(publication, "_keep", keep)
        night(project, GOOD_MOUSE, mouse("700009"))
        keep(*arguments)

    monkeypatch.setattr(publication, "_keep", while_a_night_publishes)
    with pytest.raises(OvertakenError):
        roll_back(settings, first, datetime.now(UTC))
    assert problems(settings, settings.lake) == []
    night(project, GOOD_MOUSE, mouse("700009"))
    assert logged(project) == [*GOOD_LOG, ("700009", 1, "STAGE_2")]


def test_a_damaged_file_of_the_log_stops_no_night_and_what_stands_is_logged_again(project: Project) -> None:
    night(project, GOOD_MOUSE)
    [file] = [name for name in log_files(project) if name.endswith(".parquet") and ".told." not in name]
    path = project.lake / log.log_path(settings_of(project)) / file
    path.write_bytes(path.read_bytes()[:100])
    project.write_behavior(f"{GOOD_MOUSE} union all {mouse('700009')}")
    project.build()
    assert logged(project) == [*GOOD_LOG, ("700009", 1, "STAGE_2")]
    assert project.query("select damaged_log_files from staging.stg_lake__run") == [(str(path),)]


def test_the_single_file_of_an_older_version_is_taken_over(project: Project) -> None:
    night(project, GOOD_MOUSE)
    settings = settings_of(project)
    for name in log_files(project):
        (project.lake / log.log_path(settings) / name).unlink()
    # what it says that df_manager does not: the decision before the newest one was made anew
    night(project, BETTER)
    assert logged(project) == [*GOOD_LOG, ("700001", 3, "STAGE_3")]
    records = log.entries(open_lake(settings.lake, settings), settings, log_newest(project))
    assert [entry.run.kind for entry in records] == ["night", "taken_over"]
    night(project, BETTER)
    assert logged(project) == [*GOOD_LOG, ("700001", 3, "STAGE_3")]


def log_newest(project: Project) -> str:
    [(run_id,)] = project.query("select run_id from staging.stg_lake__run")
    return run_id


RUN = Run(id="a", started_at=datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def in_a_folder(tmp_path: Path) -> tuple[Lake, Settings]:
    settings = Settings(str(tmp_path), "", "test", "", "")
    return open_lake(settings.lake, settings), settings


def parquet(**columns: list) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def after(name: str, previous: str | None) -> Run:
    return RUN.model_copy(update={"id": name, "previous": previous})


def test_the_log_is_of_the_runs_that_published_and_has_no_file_for_one_that_decided_nothing(
    in_a_folder: tuple[Lake, Settings],
) -> None:
    lake, settings = in_a_folder
    log.write(lake, settings, RUN, (b"of a", 1))
    log.write(lake, settings, after("b", "a"))
    # killed before it took the lead
    log.write(lake, settings, after("c", "b"), (b"of c", 1))
    log.write(lake, settings, after("d", "b"), (b"of d", 2), (b"told by d", 3))
    assert [path.rpartition("/")[2] for path in lake.paths(log.log_path(settings))] == [
        "a.json", "a.parquet", "b.json", "c.json", "c.parquet", "d.json", "d.parquet", "d.told.parquet",
    ]  # fmt: skip
    assert log.recorded_runs(lake, settings) == set("abcd")
    found = log.entries(lake, settings, "d")
    assert [entry.run.id for entry in found] == ["d", "b", "a"]
    assert [(lake.read(of.path), of.rows) for of in (found[0].file, found[0].told)] == [(b"of d", 2), (b"told by d", 3)]
    assert (found[1].file, found[1].told) == (None, None)
    assert [lake.read(path) for path in log.files(lake, settings, "d")] == [b"of a", b"of d"]
    # of a run that the log does not know, nothing
    assert log.entries(lake, settings, "e") == log.entries(lake, settings, None) == []
    log.forget(lake, settings, "d")
    assert [path.rpartition("/")[2] for path in lake.paths(log.log_path(settings))][-1] == "c.parquet"


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        (b"{", "is not a record of the log: Invalid JSON"),
        (b"{}", "is not a record of the log: Field required"),
        (b'{"run": {"id": "b", "started_at": "2026-01-01T00:00:00Z"}}', "is not the record of run a"),
        *(
            (
                json.dumps({
                    "run": {"id": "a", "started_at": "2026-01-01T00:00:00Z"},
                    kind: {"path": "df_behavior.parquet", "bytes": 1, "sha256": "0" * 64},
                }).encode(),
                "is not the record of run a",
            )
            for kind in ("file", "told")
        ),
    ],
)  # fmt: skip
def test_a_record_that_is_not_of_its_run_is_one_line(
    record: bytes, problem: str, in_a_folder: tuple[Lake, Settings]
) -> None:
    lake, settings = in_a_folder
    path = log.log_path(settings, "a", "json")
    lake.publish(io.BytesIO(record), path)
    with pytest.raises(LakeError, match=f"^{lake.location}/{path} {problem}.*$"):
        log.entries(lake, settings, "a")


def test_a_single_file_is_the_log_until_it_is_taken_over_once(in_a_folder: tuple[Lake, Settings]) -> None:
    lake, settings = in_a_folder
    single, rows = settings.published("decision_log"), parquet(x=[1, 2])
    assert log.files(lake, settings, "a") == []
    lake.publish(io.BytesIO(b"not a table"), single)
    assert log.files(lake, settings, "a") == [single]
    log.write(lake, settings, after("newer", None))
    assert log.files(lake, settings, "newer") == []
    log.forget(lake, settings, "newer")
    # nothing is known of who published, or it cannot be read: the night adds what stands
    log.take_over(lake, settings, "a", RUN.started_at)
    lake.publish(io.BytesIO(rows), single)
    log.take_over(lake, settings, None, RUN.started_at)
    assert log.recorded_runs(lake, settings) == set()
    log.take_over(lake, settings, "a", RUN.started_at)
    [entry] = log.entries(lake, settings, "a")
    assert entry.run == RUN.model_copy(update={"kind": "taken_over"})
    assert (entry.file.rows, lake.read(entry.file.path)) == (2, rows)
    lake.publish(io.BytesIO(parquet(x=[1, 2, 3])), single)
    log.take_over(lake, settings, "a", RUN.started_at)
    assert log.entries(lake, settings, "a") == [entry]
    assert log.files(lake, settings, "a") == [entry.file.path]


def test_files_of_older_versions_lack_columns_and_stand_together_in_order(in_a_folder: tuple[Lake, Settings]) -> None:
    lake, settings = in_a_folder
    older = parquet(first_published_at=[2, 1], subject_id=["1", "9"], session=[1, 1])
    newer = parquet(first_published_at=[1, 1], subject_id=["7", "7"], session=[2, 1], directive_kind=["hold", None])
    for name, content in (("older", older), ("newer", newer)):
        lake.publish(io.BytesIO(content), name)
    content, rows = log.together(lake, settings, ["older", "newer"])
    assert rows == 4
    assert [tuple(row.values()) for row in pq.read_table(io.BytesIO(content)).to_pylist()] == [
        (1, "7", 1, None), (1, "7", 2, "hold"), (1, "9", 1, None), (2, "1", 1, None),
    ]  # fmt: skip
    assert log.together(lake, settings, [])[1] == 0
