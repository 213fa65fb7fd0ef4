"""Publish what a run made: whole or not at all, verified, recorded, mirrored, and kept to roll back to.

df_manager leads. It is replaced only if it still is what this run read, so of overlapping runs one publishes and the
others stop. All else follows it, and only while it is this run's. The manifest comes last.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from auto_train.lake import Lake, LakeError, Settings, open_lake
from auto_train.publishing import history, log, mirror
from auto_train.publishing.manifest import (
    LEADER,
    File,
    Manifest,
    kept_path,
    manifest_path,
    published_manifest,
    sha256,
    stamped,
    stream,
    unstamped,
    verify,
)


class OvertakenError(LakeError):
    """Another run published since this one read df_manager; nothing of this run was published."""


@dataclass(frozen=True)
class Tables:
    """What a run publishes.

    Attributes:
        files: content by path below the lake; df_manager is among them.
        rows: number of rows by path, of those that are tables.
        new_decisions: the decisions that the log lacks, and how many these are.
        told: the mice that are told something else than before, and how many these are.
        directives: as the run read them, kept in its history only; None where there are none.
    """

    files: dict[str, bytes]
    rows: Mapping[str, int] = field(default_factory=dict)
    new_decisions: log.Rows = log.NOTHING
    told: log.Rows = log.NOTHING
    directives: bytes | None = None


def publish(settings: Settings, expected: str | None, tables: Tables, manifest: Manifest) -> Manifest:
    """Publish files and their record, then forget the oldest runs and bring the mirror up to date.

    Args:
        settings: what the environment says.
        expected: tag of the df_manager that the run read; None where there was none.
        tables: what is published.
        manifest: the manifest but for its files.

    Returns:
        The manifest.

    Raises:
        OvertakenError: another run published meanwhile; this one changed nothing.
        MirrorError: all is published, the mirror is behind.
        LakeError: the lake refused; what was published before is whole and as it was, or df_manager is this run's
            and the next run puts the rest beside it.
    """
    lake, leader = open_lake(settings.lake, settings), settings.published(LEADER)
    named = stamped(tables.files[leader], manifest.run.id)
    content_of_leader = sha256(unstamped(named))
    tables = replace(tables, files={**tables.files, leader: named})
    files = [File.of(path, content, tables.rows.get(path)) for path, content in tables.files.items()]
    manifest = manifest.model_copy(update={"files": files, "df_manager_content": content_of_leader})
    try:
        _keep(lake, settings, tables, manifest)
        tag = _take_the_lead(lake, settings, expected, tables)
    except LakeError:
        _withdraw(lake, settings, manifest)
        raise
    manifest = manifest.model_copy(update={"df_manager_tag": tag})
    _follow_with_the_rest(lake, settings, tables, manifest)
    history.forget_the_oldest(lake, settings)
    mirror.bring_up_to_date(settings)
    return manifest


def _keep(lake: Lake, settings: Settings, tables: Tables, manifest: Manifest) -> None:
    """Put everything where it is kept, and read it back, before anything that readers see is touched."""
    run = manifest.run
    for path, content in tables.files.items():
        _put_and_verify(lake, kept_path(settings, run.id, path), content)
    if tables.directives is not None:
        lake.publish(stream(tables.directives), history.record_path(settings, run.id, history.DIRECTIVES))
    log.take_over(lake, settings, run.previous, run.started_at)
    entry = log.write(lake, settings, run, tables.new_decisions, tables.told)
    for file, (content, _) in ((entry.file, tables.new_decisions), (entry.told, tables.told)):
        if file:
            _verify(lake, file.path, content)
    lake.publish(stream(manifest.as_json()), history.record_path(settings, run.id, history.PREPARED))
    history.record_interrupted(lake, settings, run.previous)


def _take_the_lead(lake: Lake, settings: Settings, expected: str | None, tables: Tables) -> str:
    """Replace df_manager if it is what this run read; returns its new tag."""
    leader = settings.published(LEADER)
    tag = lake.replace(stream(tables.files[leader]), leader, expected)
    if tag is None:
        raise OvertakenError(_who_overtook(lake, settings))
    return tag


def _follow_with_the_rest(lake: Lake, settings: Settings, tables: Tables, manifest: Manifest) -> None:
    """Put all else beside df_manager, read everything back, and record it."""
    leader, tag = settings.published(LEADER), str(manifest.df_manager_tag)
    for path, content in tables.files.items():
        if path != leader:
            _follow(lake, leader, tag, path, content)
    if lake.tag(leader) == tag:
        for path, content in tables.files.items():
            if not verify(lake, path, content) and lake.tag(leader) == tag:
                raise LakeError(_not_trusted(lake, path))
    _follow(lake, leader, tag, manifest_path(settings), manifest.as_json())
    published = history.record_path(settings, manifest.run.id, history.PUBLISHED)
    lake.publish(stream(manifest.as_json()), published)


def publish_beside(settings: Settings, run_id: str, path: str, content: bytes) -> None:
    """Add a file to what a run has published, while that is the last publication.

    Raises:
        OvertakenError: another run published since.
        MirrorError: it is published, the mirror is behind.
    """
    lake = open_lake(settings.lake, settings)
    manifest = published_manifest(lake, settings)
    if not manifest or manifest.run.id != run_id:
        raise OvertakenError(f"{path} is left as it is: it would tell of run {run_id}, and another one published since")
    others = [file for file in manifest.files if file.path != path]
    manifest = manifest.model_copy(update={"files": [*others, File.of(path, content)]})
    lake.publish(stream(content), kept_path(settings, run_id, path))
    lake.publish(stream(manifest.as_json()), history.record_path(settings, run_id, history.PUBLISHED))
    leader, tag = settings.published(LEADER), str(manifest.df_manager_tag)
    _follow(lake, leader, tag, path, content)
    _follow(lake, leader, tag, manifest_path(settings), manifest.as_json())
    mirror.bring_up_to_date(settings)


def _follow(lake: Lake, leader: str, tag: str, path: str, content: bytes) -> None:
    """Put a file beside df_manager while that is this run's; another run's later file is never overwritten."""
    while True:
        there = lake.tag(path)
        if lake.tag(leader) != tag or lake.replace(stream(content), path, there):
            return


def _put_and_verify(lake: Lake, path: str, content: bytes) -> None:
    lake.publish(stream(content), path)
    _verify(lake, path, content)


def _verify(lake: Lake, path: str, content: bytes) -> None:
    if not verify(lake, path, content):
        raise LakeError(_not_trusted(lake, path))


def _not_trusted(lake: Lake, path: str) -> str:
    return f"{lake.location}/{path}: content read back differs from what was written; do not trust this storage"


def _who_overtook(lake: Lake, settings: Settings) -> str:
    path = settings.published(LEADER)
    if not lake.exists(path):
        return f"{lake.location}/{path} was removed since this run read it. Nothing was published"
    made_by = history.run_that_made(lake, settings, lake.read(path))
    who = f"run {made_by.run.id}" if made_by else "something else"
    return f"{who} published {path} since this run read it. Nothing of this run was published: run again"


def _withdraw(lake: Lake, settings: Settings, manifest: Manifest) -> None:
    """Remove what a run kept that published nothing; where even that fails, a later run does it."""
    with suppress(LakeError):
        leader = settings.published(LEADER)
        of_this_run = manifest.file(leader)
        # an answer may have got lost: then this run did publish
        if of_this_run and lake.exists(leader) and File.of(leader, lake.read(leader)).sha256 == of_this_run.sha256:
            return
        history.forget(lake, settings, manifest.run.id)
        log.forget(lake, settings, manifest.run.id)
