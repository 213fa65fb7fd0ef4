"""What earlier runs published, kept to roll back to and to tell an interrupted run from a damaged file."""

from contextlib import suppress
from datetime import timedelta

from auto_train.lake import PUBLISHED as EVERYTHING
from auto_train.lake import Lake, LakeError, MissingFileError, Settings
from auto_train.publishing import log
from auto_train.publishing.manifest import (
    LEADER,
    RUN_ID,
    Manifest,
    history_path,
    published_manifest,
    read_manifest,
    sha256,
    unstamped,
)

# written before df_manager is replaced, and when all is published
PREPARED, PUBLISHED = "prepared.json", "published.json"
DIRECTIVES = "directives.csv"  # as the run read them
LEFTOVER = timedelta(days=1)  # a run takes minutes


def record_path(settings: Settings, run_id: str, record: str) -> str:
    """Path below the lake of a kept run's manifest."""
    return f"{history_path(settings, run_id)}/{record}"


def kept_runs(lake: Lake, settings: Settings, record: str = PUBLISHED) -> list[str]:
    """Runs of which the history holds such a record, newest first."""
    parts = (path.split("/") for path in _below(lake, history_path(settings)))
    return sorted((of[0] for of in parts if of[1:] == [record] and RUN_ID.fullmatch(of[0])), reverse=True)


def kept_manifest(lake: Lake, settings: Settings, run_id: str, record: str = PUBLISHED) -> Manifest | None:
    """The manifest of a kept run, None where it is not kept."""
    path = record_path(settings, run_id, record)
    manifest = read_manifest(lake, settings, path)
    if manifest and manifest.run.id != run_id:
        raise LakeError(f"{lake.location}/{path} is not the record of run {run_id}: remove it")
    return manifest


def run_that_made(lake: Lake, settings: Settings, df_manager: bytes) -> Manifest | None:
    """The manifest of the newest run that made these bytes of df_manager, None where no kept run did."""
    path, checksum = settings.published(LEADER), sha256(df_manager)
    for run_id in kept_runs(lake, settings, PREPARED):
        manifest = kept_manifest(lake, settings, run_id, PREPARED)
        file = manifest and manifest.file(path)
        if file and file.sha256 == checksum:
            return manifest
    return None


def run_of_df_manager(lake: Lake, settings: Settings) -> Manifest | None:
    """The manifest of the run whose df_manager is there now, however it ended; None where no known run made it."""
    path = settings.published(LEADER)
    tag, manifest = lake.tag(path), published_manifest(lake, settings)
    if tag is None:
        return None
    if manifest and manifest.df_manager_tag == tag:
        return manifest
    # a run that was killed after it replaced df_manager has left its record in the history
    return run_that_made(lake, settings, lake.read(path))


def last_directives(lake: Lake, settings: Settings) -> tuple[str, bytes] | None:
    """The directives of the newest kept run that has them, with that run."""
    for run_id in kept_runs(lake, settings):
        with suppress(MissingFileError):
            return run_id, lake.read(record_path(settings, run_id, DIRECTIVES))
    return None


def record_interrupted(lake: Lake, settings: Settings, run_id: str | None) -> None:
    """A run that was killed after it replaced df_manager did publish: its decisions are what this run started from."""
    if run_id is None:
        return
    prepared, published = (record_path(settings, run_id, record) for record in (PREPARED, PUBLISHED))
    if lake.exists(prepared) and not lake.exists(published):
        lake.copy(prepared, lake, published)


def forget(lake: Lake, settings: Settings, run_id: str) -> None:
    """Remove a run; its records go first, so that none is ever kept in part, and `PREPARED` before `PUBLISHED`, so that
    it never looks like one that did not publish."""
    for path in sorted(lake.paths(history_path(settings, run_id)), key=_record_first):
        lake.remove(path)


def forget_the_oldest(lake: Lake, settings: Settings) -> None:
    """Keep the newest runs, and whatever else is not older than they are: another run may just be writing it.

    The log keeps every run that published; of those that did not, what is left goes too.
    """
    kept = kept_runs(lake, settings)
    oldest = kept[settings.keep_runs - 1] if len(kept) >= settings.keep_runs else ""
    there = {path.split("/")[0] for path in _below(lake, history_path(settings))}
    did_not_publish = set(kept_runs(lake, settings, PREPARED)) - set(kept)
    for run_id in sorted(run_id for run_id in there if run_id < oldest and RUN_ID.fullmatch(run_id)):
        if run_id in did_not_publish:
            log.forget(lake, settings, run_id)
        forget(lake, settings, run_id)
    lake.remove_leftovers(EVERYTHING, LEFTOVER)


def last_other_run(lake: Lake, settings: Settings) -> str:
    """The newest kept run whose df_manager is not what is there now: what a damaged or unwanted one goes back to.

    Raises:
        LakeError: there is none.
    """
    path = settings.published(LEADER)
    now = sha256(unstamped(lake.read(path))) if lake.exists(path) else None
    for run_id in kept_runs(lake, settings):
        manifest = kept_manifest(lake, settings, run_id)
        file = manifest and manifest.file(path)
        if manifest and file and (manifest.df_manager_content or file.sha256) != now:
            return run_id
    raise LakeError(f"no run is kept that published another {path} than there is now")


def _below(lake: Lake, folder: str) -> list[str]:
    return [path.removeprefix(f"{folder}/") for path in lake.paths(folder)]


def _record_first(path: str) -> tuple[bool, str]:
    return not path.endswith(".json"), path
