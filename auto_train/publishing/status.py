"""What is published, how fresh it is, and whether all of it is what its manifest says."""

from datetime import datetime, timedelta

from auto_train.lake import Settings, counted, open_lake, printable, shown
from auto_train.publishing import history, log
from auto_train.publishing.manifest import LEADER, PAGE, File, Manifest, published_manifest

LATE = timedelta(hours=36)  # a night and a morning


def status(settings: Settings, now: datetime, max_age: timedelta | None = None) -> tuple[str, bool]:
    """The state of what is published, in words, and whether all is well; where an age is given, also not older."""
    lake = open_lake(settings.lake, settings)
    manifest = published_manifest(lake, settings)
    lines = [f"{settings.manager} in {shown(settings.lake)}"]
    if manifest:
        age = ago(now - manifest.run.started_at)
        lines += [
            f"    run {manifest.run.id}{_back(manifest)}, {age}, by version {printable(manifest.code_version)}",
            f"    newest session {printable(manifest.newest_session_date)}; {_counts(manifest)}",
            *(f"    {printable(line)}" for line in manifest.said),
            *(f"    {_rows(file):>15}  {file.path}" for file in manifest.files),
        ]
    wrong = [
        f"{shown(location)}: {problem}"
        for location in (settings.lake, settings.mirror)
        if location
        for problem in problems(settings, location)
    ]
    if manifest and max_age is not None and now - manifest.run.started_at > max_age:
        wrong.append(f"the last publication is of {age}: nights do not publish, or do not run")
    if manifest and not wrong and now - manifest.run.started_at > LATE:
        lines.append("    late: rigs run on decisions of that time, and directives take effect only by a night")
    verdict = [f"    WRONG  {problem}" for problem in wrong] or ["    every file is what its manifest says"]
    return "\n".join([*lines, *verdict]), not wrong


def listing(settings: Settings) -> str:
    """The publications that are kept, newest first."""
    lake = open_lake(settings.lake, settings)
    manifests = (history.kept_manifest(lake, settings, run_id) for run_id in history.kept_runs(lake, settings))
    lines = [f"{manifest.run.id}  {_counts(manifest)}{_back(manifest)}" for manifest in manifests if manifest]
    return "\n".join(lines) or "nothing is kept"


def problems(settings: Settings, location: str) -> list[str]:
    """What is wrong with what a lake (or its mirror) holds of the last publication; nothing where all is well."""
    lake = open_lake(location, settings)
    leader = settings.published(LEADER)
    manifest = published_manifest(lake, settings)
    if manifest is None:
        return [f"there is no manifest of {settings.manager}: nothing was published, or by an older version"]
    page = settings.published(PAGE, "html")
    found = [] if manifest.file(page) or not lake.exists(page) else [f"{page} is of another run than {manifest.run.id}"]
    if found and not settings.page:
        found = [f"{found[0]}: delete it, since AUTO_TRAIN_PAGE=no writes none"]
    of_log = log.entries(lake, settings, manifest.run.id) if location == settings.lake else []
    for file in [*manifest.files, *manifest.curricula, *(entry.file for entry in of_log if entry.file)]:
        if not lake.exists(file.path):
            found.append(f"{file.path} is gone")
        elif File.of(file.path, content := lake.read(file.path)).sha256 != file.sha256:
            if file.path == leader and (made_by := history.run_that_made(lake, settings, content)):
                return [f"run {made_by.run.id} was interrupted while it published: the next run completes it"]
            found.append(f"{file.path} is not what run {manifest.run.id} published")
    return found


def _rows(file: File) -> str:
    return "" if file.rows is None else f"{file.rows:,} rows"


def _back(manifest: Manifest) -> str:
    back = manifest.run.rolled_back_to
    return f", as run {back} had it" if back else ""


def _counts(manifest: Manifest) -> str:
    decisions = ", ".join(
        f"{n:,} {printable(decision)}" for decision, n in manifest.counts.get("next_session", {}).items()
    )
    set_aside = sum(manifest.counts.get("set_aside", {}).values())
    return f"next sessions: {decisions or 'none'}; {counted(set_aside, 'session')} set aside"


def ago(age: timedelta) -> str:
    """How long ago something was, in words."""
    hours = age.total_seconds() / 3600
    return f"{hours / 24:.1f} days ago" if hours >= 48 else f"{hours:.1f} hours ago"
