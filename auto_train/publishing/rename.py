"""Give a manager another name: its state and its log go on under the new one."""

from dataclasses import replace
from datetime import datetime

from auto_train.lake import LakeError, Settings, open_lake
from auto_train.publishing import history, log, next_session
from auto_train.publishing.manifest import LEADER, NEXT_SESSION, Manifest, Run, new_run_id, sha256
from auto_train.publishing.publication import Tables, publish


def rename(settings: Settings, old: str, now: datetime) -> Manifest:
    """Publish under the name of the settings what the old name published last, with its log.

    What was published under the old name stays where it is, for readers that do not know the new one yet.

    Raises:
        LakeError: the old name published nothing, or the new one did already.
    """
    lake, was = open_lake(settings.lake, settings), replace(settings, manager=old)
    newest = history.run_of_df_manager(lake, was)
    if newest is None:
        raise LakeError(f"{settings.lake} has nothing that manager {old} published")
    if lake.exists(settings.published(LEADER)):
        raise LakeError(
            f"manager {settings.manager} has published in {settings.lake} already; nothing was changed: name another"
        )
    log.take_over(lake, was, newest.run.id, now)
    for entry in reversed(log.entries(lake, was, newest.run.id)):
        contents = [
            (lake.read(file.path), file.rows or 0) if file else log.NOTHING for file in (entry.file, entry.told)
        ]
        log.write(lake, settings, entry.run, *contents)
    files, rows = {}, {}
    for file in newest.files:
        content = lake.read(file.path)
        if sha256(content) != file.sha256:
            raise LakeError(f"{file.path} is not what run {newest.run.id} published: roll back first")
        path = file.path.replace(f"_{old}.", f"_{settings.manager}.")
        files[path] = content
        if file.rows is not None:
            rows[path] = file.rows
    run = Run(
        id=new_run_id(now, "rename", after=newest.run.id),
        started_at=now.replace(microsecond=0),
        previous=newest.run.id,
        kind="rename",
        training_day=newest.run.training_day_at(now),
        lab_time_zone=newest.run.lab_time_zone,
    )
    rigs = settings.published(NEXT_SESSION, "json")
    if rigs in files:
        files[rigs] = next_session.again(files[rigs], settings, run)
    said = [f"manager {old} is called {settings.manager} from now on: no mouse is told another stage"]
    manifest = newest.model_copy(
        update={"manager": settings.manager, "run": run, "df_manager_tag": None, "said": said, "let_through": []}
    )
    return publish(settings, None, Tables(files, rows), manifest)
