"""The log of decisions is made of runs: no kill, rollback or race loses one, and no run rewrites another's file."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from auto_train.lake import Settings, open_lake
from auto_train.publishing import log, publication
from auto_train.publishing.history import kept_runs
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
