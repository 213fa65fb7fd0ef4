"""Look at what is published, and go back to an earlier publication.

python -m scripts.publications status | list | rollback [RUN] | mirror
"""

import argparse
import sys
from datetime import UTC, datetime, timedelta

from scripts.lake import LakeError, Settings, open_lake
from scripts.publishing import (
    Record,
    history_path,
    kept_runs,
    last_other_run,
    manifest_path,
    mirror,
    problems,
    read_manifest,
    roll_back,
)


def status(settings: Settings, now: datetime) -> tuple[str, bool]:
    """What is published, how fresh it is and whether all of it is what its manifest says; and whether all is well."""
    lake = open_lake(settings.lake, settings)
    manifest = read_manifest(lake, manifest_path(settings))
    lines = [f"{settings.manager} in {settings.lake}"]
    if manifest:
        run = manifest["run"]
        age = now - datetime.fromisoformat(run["started_at"])
        lines += [
            f"    run {run['id']}, {_ago(age)}, by version {manifest['code_version']}",
            f"    newest session {manifest.get('newest_session_date')}; {_counts(manifest)}",
            *(f"    {file.get('rows', 0):>10,} rows  {file['path']}" for file in manifest["files"]),
        ]
    wrong = [
        f"{location}: {problem}"
        for location in (settings.lake, settings.mirror)
        if location
        for problem in problems(settings, location)
    ]
    verdict = [f"    WRONG  {problem}" for problem in wrong] or ["    every file is what its manifest says"]
    return "\n".join([*lines, *verdict]), not wrong


def listing(settings: Settings) -> str:
    """The publications that are kept, newest first."""
    lake = open_lake(settings.lake, settings)
    lines = []
    for run_id in kept_runs(lake, settings):
        record = read_manifest(lake, f"{history_path(settings, run_id)}/published.json")
        if record:
            back = record["run"].get("rolled_back_to")
            lines.append(f"{run_id}  {_counts(record)}" + (f", as run {back} had it" if back else ""))
    return "\n".join(lines) or "nothing is kept"


def _counts(manifest: Record) -> str:
    counts = manifest.get("counts", {})
    decisions = ", ".join(f"{n:,} {decision}" for decision, n in counts.get("next_session", {}).items())
    return f"next sessions: {decisions or 'none'}; {sum(counts.get('set_aside', {}).values()):,} sessions set aside"


def _ago(age: timedelta) -> str:
    hours = age.total_seconds() / 3600
    return f"{hours / 24:.1f} days ago" if hours >= 48 else f"{hours:.1f} hours ago"


def main() -> None:
    """Read the options and do it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("status", help="is what is published consistent, and how fresh is it? exit code 1 if not")
    commands.add_parser("list", help="publications that are kept")
    back = commands.add_parser("rollback", help="publish once more what an earlier run published")
    back.add_argument("run", nargs="?", help="default: the newest run that published another df_manager than there is")
    commands.add_parser("mirror", help="bring the mirror up to date")
    options = parser.parse_args()
    try:
        settings, now = Settings.from_environment(), datetime.now(UTC)
        lake = open_lake(settings.lake, settings)
        if options.command == "status":
            text, is_well = status(settings, now)
            print(text)
            sys.exit(not is_well)
        elif options.command == "list":
            print(listing(settings))
        elif options.command == "rollback":
            run_id = options.run or last_other_run(lake, settings)
            manifest = roll_back(settings, run_id, now)
            print(f"published once more what run {run_id} published, as run {manifest['run']['id']}")
        else:
            copied = mirror(settings)
            print(
                f"{len(copied)} files copied to {settings.mirror}" if settings.mirror else "AUTO_TRAIN_MIRROR is empty"
            )
    except LakeError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
