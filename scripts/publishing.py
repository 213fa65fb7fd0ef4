"""Publish what a run made: whole or not at all, verified, recorded, mirrored, and kept to roll back to.

df_manager leads. It is replaced only if it still is what this run read, so of overlapping runs one publishes and the
others stop. All else follows it, and only while it is this run's. The manifest comes last.
"""

import hashlib
import io
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import Any

from scripts.lake import CURRICULA, PUBLISHED, Lake, LakeError, MissingFileError, Settings, open_lake

Files = Mapping[str, bytes]
Record = dict[str, Any]
DECISION_LOG = "decision_log"


class OvertakenError(LakeError):
    """Another run published since this one read df_manager; nothing of this run was published."""


class MirrorError(LakeError):
    """All is published, but the mirror is behind."""


def manifest_path(settings: Settings) -> str:
    """Path below the lake of the manifest of the last publication."""
    return f"{PUBLISHED}/manifest_{settings.manager}.json"


def history_path(settings: Settings, run_id: str = "") -> str:
    """Folder below the lake of what a run published, or of all runs."""
    return f"{PUBLISHED}/history/{settings.manager}/{run_id}".rstrip("/")


def new_run_id(started_at: datetime, suffix: str) -> str:
    """An id that sorts by time; the suffix tells runs of one second apart."""
    return f"{started_at:%Y%m%dT%H%M%SZ}-{suffix}"


def sha256(content: bytes) -> str:
    """Checksum as manifests have it."""
    return hashlib.sha256(content).hexdigest()


def read_manifest(lake: Lake, path: str) -> Record | None:
    """A manifest, None where there is none.

    Raises:
        LakeError: the file is no manifest.
    """
    try:
        manifest = json.loads(lake.read(path))
        return manifest if manifest["run"]["id"] and manifest["files"] else None
    except MissingFileError:
        return None
    except (ValueError, KeyError, TypeError):
        raise LakeError(
            f"{lake.location}/{path} is no manifest. It only records what was published: remove it, run again, and it "
            "is written anew"
        ) from None


def kept_runs(lake: Lake, settings: Settings, record: str = "published.json") -> list[str]:
    """Runs of which the history holds such a record, newest first."""
    paths = [PurePosixPath(path) for path in lake.paths(history_path(settings))]
    return sorted({path.parent.name for path in paths if path.name == record}, reverse=True)


def run_that_made(lake: Lake, settings: Settings, df_manager: bytes) -> Record | None:
    """The record of the run that made these bytes of df_manager, None where no kept run did."""
    path, checksum = settings.published("df_manager"), sha256(df_manager)
    for run_id in kept_runs(lake, settings, "prepared.json"):
        record = read_manifest(lake, f"{history_path(settings, run_id)}/prepared.json")
        if record and any(file["path"] == path and file["sha256"] == checksum for file in record["files"]):
            return record
    return None


def publish(settings: Settings, expected: str | None, files: Files, rows: Mapping[str, int], record: Record) -> Record:
    """Publish files and their record, then bring the mirror up to date and forget the oldest runs.

    Args:
        settings: what the environment says.
        expected: tag of the df_manager that the run read; None where there was none.
        files: content by path below the lake; df_manager is among them.
        rows: number of rows of these files.
        record: the manifest but for the files; ``record["run"]["id"]`` names the run.

    Returns:
        The manifest.

    Raises:
        OvertakenError: another run published meanwhile; this one changed nothing.
        MirrorError: all is published, the mirror is behind.
        LakeError: the lake refused; what was published before is whole and as it was, or df_manager is this run's
            and the next run puts the rest beside it.
    """
    lake = open_lake(settings.lake, settings)
    leader, run_id = settings.published("df_manager"), record["run"]["id"]
    kept = history_path(settings, run_id)
    names = {path: f"{kept}/{PurePosixPath(path).name}" for path in files}
    record = record | {
        "files": [
            {"path": path, "rows": rows[path], "bytes": len(content), "sha256": sha256(content)}
            for path, content in files.items()
        ]
    }
    try:
        for path, content in files.items():
            lake.publish(io.BytesIO(content), names[path])
            _verify(lake, names[path], content)
        lake.publish(_as_json(record), f"{kept}/prepared.json")
        _record_interrupted(lake, settings, record["run"]["previous"])
        tag = lake.replace(io.BytesIO(files[leader]), leader, expected)
        if tag is None:
            raise OvertakenError(_overtaken(lake, settings))
    except LakeError:
        _forget_run(lake, settings, record)
        raise
    manifest = record | {"df_manager_tag": tag}
    rest = {path: content for path, content in files.items() if path != leader}
    for path, content in rest.items():
        _follow(lake, leader, tag, path, content)
    if lake.tag(leader) == tag:
        for path, content in files.items():
            _verify(lake, path, content, unless_overtaken=(leader, tag))
    text = _as_json(manifest).read()
    _follow(lake, leader, tag, manifest_path(settings), text)
    lake.publish(io.BytesIO(text), f"{kept}/published.json")
    mirror(settings)
    _forget(lake, settings)
    return manifest


def publish_beside(settings: Settings, run_id: str, path: str, content: bytes) -> None:
    """Add a file to what a run has published, while that is the last publication.

    Raises:
        OvertakenError: another run published since.
        MirrorError: it is published, the mirror is behind.
    """
    lake = open_lake(settings.lake, settings)
    manifest = read_manifest(lake, manifest_path(settings))
    if not manifest or manifest["run"]["id"] != run_id:
        raise OvertakenError(f"{path} is left as it is: it would tell of run {run_id}, and another one published since")
    others = [file for file in manifest["files"] if file["path"] != path]
    manifest["files"] = [*others, {"path": path, "bytes": len(content), "sha256": sha256(content)}]
    text, kept = _as_json(manifest).read(), history_path(settings, run_id)
    lake.publish(io.BytesIO(content), f"{kept}/{PurePosixPath(path).name}")
    lake.publish(io.BytesIO(text), f"{kept}/published.json")
    for name, of in ((path, content), (manifest_path(settings), text)):
        _follow(lake, settings.published("df_manager"), manifest["df_manager_tag"], name, of)
    mirror(settings)


def mirror(settings: Settings) -> list[str]:
    """Copy to the mirror what it lacks of the last publication and of the curricula; returns what was copied.

    Raises:
        MirrorError: the mirror could not be brought up to date.
    """
    if not settings.mirror:
        return []
    lake, other = open_lake(settings.lake, settings), open_lake(settings.mirror, settings)
    copied: list[str] = []
    try:
        # a run that publishes meanwhile makes a mixture of what is copied, so it is copied once more
        for _ in range(5):
            tag = lake.tag(settings.published("df_manager"))
            manifest = read_manifest(lake, manifest_path(settings)) or {"files": []}
            paths = [*lake.paths(CURRICULA), *(file["path"] for file in manifest["files"]), manifest_path(settings)]
            for path in paths:
                if lake.tag(path) != other.tag(path):
                    lake.copy(path, other, path)
                    copied.append(path)
            if lake.tag(settings.published("df_manager")) == tag:
                return copied
        raise LakeError("other runs kept publishing meanwhile")
    except (LakeError, OSError) as error:
        raise MirrorError(
            f"df_manager is published at {settings.lake}, but its mirror {settings.mirror} is behind: {error}. "
            "The next run brings it up to date; so does: python -m scripts.publications mirror"
        ) from None


def last_other_run(lake: Lake, settings: Settings) -> str:
    """The newest kept run whose df_manager is not what is there now: what a damaged or unwanted one goes back to.

    Raises:
        LakeError: there is none.
    """
    path = settings.published("df_manager")
    now = sha256(lake.read(path)) if lake.exists(path) else None
    for run_id in kept_runs(lake, settings):
        record = read_manifest(lake, f"{history_path(settings, run_id)}/published.json") or {"files": []}
        if any(file["path"] == path and file["sha256"] != now for file in record["files"]):
            return run_id
    raise LakeError(f"no run is kept that published another {path} than there is now")


def roll_back(settings: Settings, run_id: str, now: datetime) -> Record:
    """Publish once more what an earlier run published; the log of decisions keeps all that was ever published.

    Raises:
        LakeError: the run is not kept, or what is kept of it is damaged.
    """
    lake = open_lake(settings.lake, settings)
    kept = kept_runs(lake, settings)
    if run_id not in kept:
        raise LakeError(f"no run {run_id!r} is kept. Kept are: {', '.join(kept) or 'none'}")
    record = read_manifest(lake, f"{history_path(settings, run_id)}/published.json") or {}
    files, rows = {}, {}
    for file in record["files"]:
        content = lake.read(f"{history_path(settings, run_id)}/{PurePosixPath(file['path']).name}")
        if sha256(content) != file["sha256"]:
            raise LakeError(f"{file['path']} of run {run_id} is damaged in the history: choose another run")
        log = settings.published(DECISION_LOG)
        files[file["path"]] = lake.read(log) if file["path"] == log and lake.exists(log) else content
        rows[file["path"]] = file.get("rows", 0)
    newest = max(kept)
    now = max(now, datetime.fromisoformat(started_at(lake, settings, newest)) + timedelta(seconds=1))
    again = record | {
        "run": {
            "id": new_run_id(now, "rollback"),
            "started_at": now.isoformat(timespec="seconds"),
            "previous": newest,
            "rolled_back_to": run_id,
        },
    }
    return publish(settings, lake.tag(settings.published("df_manager")), files, rows, again)


def started_at(lake: Lake, settings: Settings, run_id: str) -> str:
    """When a kept run started, ISO 8601 in UTC."""
    record = read_manifest(lake, f"{history_path(settings, run_id)}/published.json")
    return record["run"]["started_at"] if record else datetime.min.replace(tzinfo=UTC).isoformat()


def problems(settings: Settings, location: str) -> list[str]:
    """What is wrong with what a lake (or its mirror) holds of the last publication; nothing where all is well."""
    lake = open_lake(location, settings)
    leader = settings.published("df_manager")
    manifest = read_manifest(lake, manifest_path(settings))
    if manifest is None:
        return [f"there is no manifest of {settings.manager}: nothing was published, or by an older version"]
    found = []
    for file in [*manifest["files"], *manifest["curricula"]]:
        if not lake.exists(file["path"]):
            found.append(f"{file['path']} is gone")
        elif sha256(content := lake.read(file["path"])) != file["sha256"]:
            if file["path"] == leader and (run := run_that_made(lake, settings, content)):
                return [f"run {run['run']['id']} was interrupted while it published: the next run completes it"]
            found.append(f"{file['path']} is not what run {manifest['run']['id']} published")
    return found


def _follow(lake: Lake, leader: str, tag: str, path: str, content: bytes) -> None:
    """Put a file beside df_manager while that is this run's; another run's later file is never overwritten."""
    while True:
        there = lake.tag(path)
        if lake.tag(leader) != tag or lake.replace(io.BytesIO(content), path, there):
            return


def _verify(lake: Lake, path: str, content: bytes, unless_overtaken: tuple[str, str] | None = None) -> None:
    if sha256(lake.read(path)) == sha256(content):
        return
    if unless_overtaken and lake.tag(unless_overtaken[0]) != unless_overtaken[1]:
        return
    raise LakeError(f"{lake.location}/{path} reads back other than it was written: do not trust this storage")


def _record_interrupted(lake: Lake, settings: Settings, run_id: str | None) -> None:
    """A run that was killed after it replaced df_manager did publish: its decisions are what this run started from."""
    kept = history_path(settings, run_id or "")
    if run_id and lake.exists(f"{kept}/prepared.json") and not lake.exists(f"{kept}/published.json"):
        lake.copy(f"{kept}/prepared.json", lake, f"{kept}/published.json")


def _overtaken(lake: Lake, settings: Settings) -> str:
    path = settings.published("df_manager")
    if not lake.exists(path):
        return f"{lake.location}/{path} went away since this run read it. Nothing was published"
    run = run_that_made(lake, settings, lake.read(path))
    who = f"run {run['run']['id']}" if run else "something else"
    return f"{who} published {path} since this run read it. Nothing of this run was published: run again"


def _forget_run(lake: Lake, settings: Settings, record: Record) -> None:
    """Remove what a run kept that published nothing; where even that fails, a later run does it."""
    with suppress(LakeError):
        leader, kept = settings.published("df_manager"), history_path(settings, record["run"]["id"])
        # an answer may have got lost: then this run did publish
        if lake.exists(leader) and any(
            file["path"] == leader and file["sha256"] == sha256(lake.read(leader)) for file in record["files"]
        ):
            return
        for path in sorted(lake.paths(kept), key=_record_first):
            lake.remove(path)


def _forget(lake: Lake, settings: Settings) -> None:
    """Keep the newest runs, and whatever else is not older than they are: another run may just be writing it."""
    kept, folder = kept_runs(lake, settings), history_path(settings)
    oldest = kept[settings.keep_runs - 1] if len(kept) >= settings.keep_runs else ""
    for path in sorted(lake.paths(folder), key=_record_first):
        if path.removeprefix(f"{folder}/").split("/")[0] < oldest:
            lake.remove(path)


def _record_first(path: str) -> tuple[bool, str]:
    """Order in which a run is removed, so that none is ever kept in part."""
    return not path.endswith(".json"), path


def _as_json(record: Record) -> io.BytesIO:
    return io.BytesIO(json.dumps(record, indent=2, ensure_ascii=False).encode())
