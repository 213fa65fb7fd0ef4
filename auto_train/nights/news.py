"""Is there anything that the last run has not read? Told without dbt, in a moment."""

import hashlib
import json
from datetime import datetime
from pathlib import Path

import yaml

from auto_train.decisions import directives
from auto_train.lake import ROOT, Lake, Settings, clock, open_lake, reading
from auto_train.nights.record import Night, Outcome
from auto_train.publishing import history
from auto_train.publishing.manifest import Manifest, published_manifest, sha256

IN_WORDS = {
    "df_behavior": "df_behavior changed",
    "directives": "the directives changed",
    "library": "the library of curricula changed",
    "training_day": "another training day began",
    "vars": "variables of managers.yml changed",
}


def as_they_are(settings: Settings, of_people: bytes | None, root: Path, at: datetime) -> dict[str, str]:
    """What tells all that a run reads from what an earlier one read, by kind.

    Args:
        settings: of the manager.
        of_people: content of the directives; None where there are none.
        root: the project's root.
        at: when.

    Raises:
        LakeError: df_behavior, or what time it is in the lab, cannot be told.
    """
    library = hashlib.sha256()
    for seed in sorted((root / "seeds/curricula").glob("*.csv")):
        library.update(seed.name.encode() + b"\0" + seed.read_bytes())
    return {
        # a pattern may match thousands of files
        "df_behavior": sha256(reading.version(settings.df_behavior, settings).encode()),
        "directives": sha256(of_people) if of_people is not None else "",
        "library": library.hexdigest(),
        "training_day": training_day(settings, root, at),
        "vars": sha256(json.dumps(dict(settings.vars), sort_keys=True).encode()),
    }


def training_day(settings: Settings, root: Path, at: datetime) -> str:
    """The day for which a run that starts at a time decides, as stg_lake__run has it."""
    variables = yaml.safe_load((root / "dbt_project.yml").read_text(encoding="utf-8"))["vars"] | dict(settings.vars)
    if variables["training_day"]:
        return str(variables["training_day"])
    return str(clock.training_day(at, variables["lab_time_zone"]))


def look(settings: Settings, record: Path, root: Path = ROOT) -> tuple[list[str], str]:
    """What is new since the last run, in words, and where nothing is, why.

    Args:
        settings: of the manager.
        record: where the last night on this machine is recorded: what was refused once need not be refused again.
        root: the project's root.

    Raises:
        LakeError: the lake cannot be looked at.
    """
    lake = open_lake(settings.lake, settings)
    of_people = directives.known(root, settings, lambda: history.last_directives(lake, settings))
    there = as_they_are(settings, of_people.content, root, clock.now())
    last_night = Night.load(record)
    if last_night and last_night.outcome is Outcome.REFUSED and last_night.read == there:
        return [], f"the same was refused at {last_night.started_at:%Y-%m-%d %H:%M} UTC"
    manifest = last_read(lake, settings)
    if manifest is None:
        return ["nothing was published yet"], ""
    if not manifest.read:
        return ["the last run did not record what it read"], ""
    changed = [words for name, words in IN_WORDS.items() if manifest.read.get(name) != there[name]]
    # what was known of them last is in force, and a night would say so
    lost = (f", but {line.place} could not be read" for line in of_people.lines if line.line_number is None)
    return changed, "".join([f"run {manifest.run.id} read all that there is", *lost])


def last_read(lake: Lake, settings: Settings) -> Manifest | None:
    """The last run that read something: a rollback did not, and what it took back is not new again."""
    manifest = published_manifest(lake, settings)
    for _ in range(settings.keep_runs):
        if manifest is None or manifest.run.kind != "rollback" or not manifest.run.previous:
            break
        manifest = history.kept_manifest(lake, settings, manifest.run.previous)
    return manifest
