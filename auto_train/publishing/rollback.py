"""Publish again what an earlier run published; the log keeps all that was ever published."""

from datetime import datetime

from auto_train.lake import LakeError, Settings, open_lake
from auto_train.publishing import history, log, next_session, told
from auto_train.publishing.manifest import (
    DECISION_LOG,
    LEADER,
    NEXT_SESSION,
    PAGE,
    Manifest,
    Run,
    kept_path,
    new_run_id,
    sha256,
)
from auto_train.publishing.publication import Tables, publish


def roll_back(settings: Settings, run_id: str, now: datetime) -> Manifest:
    """Publish again what a kept run published.

    Raises:
        OvertakenError: another run published since the rollback began.
        LakeError: the run is not kept, or what is kept of it is damaged.
    """
    lake = open_lake(settings.lake, settings)
    # before anything else: a night that publishes meanwhile must win
    expected = lake.tag(settings.published(LEADER))
    kept = history.kept_runs(lake, settings)
    target = history.kept_manifest(lake, settings, run_id) if run_id in kept else None
    if target is None:
        raise LakeError(f"no run {run_id!r} is kept. Kept are: {', '.join(kept) or 'none'}")
    newest = _newest(settings)
    run = Run(
        id=new_run_id(now, "rollback", after=newest.run.id),
        started_at=now.replace(microsecond=0),
        previous=newest.run.id,
        kind="rollback",
        rolled_back_to=run_id,
        training_day=newest.run.training_day_at(now),
        lab_time_zone=newest.run.lab_time_zone,
    )
    log.take_over(lake, settings, newest.run.id, now)
    files, rows, leader = {}, {}, settings.published(LEADER)
    there = lake.read(leader) if lake.exists(leader) else None
    for file in target.files:
        content = lake.read(kept_path(settings, run_id, file.path))
        if sha256(content) != file.sha256:
            raise LakeError(f"{file.path} of run {run_id} is damaged in the history: choose another run")
        files[file.path] = content
        if file.rows is not None:
            rows[file.path] = file.rows
    of_log = settings.published(DECISION_LOG)
    if of_log in files and (paths := log.files(lake, settings, newest.run.id)):
        files[of_log], rows[of_log] = log.together(lake, settings, paths)
    changed = told.changes_between(run.id, there, files[leader])
    said = told.in_words(f"rolled back to what run {run_id} published", changed)
    rigs = settings.published(NEXT_SESSION, "json")
    if rigs in files:
        files[rigs] = next_session.again(files[rigs], settings, run)
    page = settings.published(PAGE, "html")
    if page in files:
        files[page] = told.banner(files[page], said)
    manifest = target.model_copy(update={"run": run, "df_manager_tag": None, "said": said})
    published = publish(settings, expected, Tables(files, rows, told=told.as_rows(changed)), manifest)
    # of a run from before there was this file: the one that is there tells of another run
    if rigs not in files and lake.tag(leader) == published.df_manager_tag:
        lake.remove(rigs)
    return published


def _newest(settings: Settings) -> Manifest:
    """The run whose df_manager is there now; where that is damaged or gone, the newest that published."""
    lake = open_lake(settings.lake, settings)
    newest = history.run_of_df_manager(lake, settings)
    newest = newest or history.kept_manifest(lake, settings, history.kept_runs(lake, settings)[0])
    if newest is None:
        raise LakeError(f"no run of {settings.manager} is kept")
    return newest
