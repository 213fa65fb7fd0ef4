"""Released versions never change: their content hashes stand in a committed lock; and what differs between versions."""

import hashlib
import itertools
import json
import re
import textwrap
from collections.abc import Iterable
from pathlib import Path

from curricula.checks import check
from curricula.explanations import expression_in_words
from curricula.library import LIBRARY, folder_name
from curricula.schema import Curriculum, Stage
from curricula.tasks import Task
from curricula.wording import in_words

LOCK = LIBRARY.with_name("released.json")


def content_hash(curriculum: Curriculum) -> str:
    """SHA-256 of what a rig would do under the curriculum: its key, parameters and rules, but not their wording."""
    task = curriculum.task_definition
    content = {
        "key": curriculum.key,
        "stages": {
            name: {
                "parameters": stage.values,
                "rules": [[rule.decision, rule.to_stage, str(rule.parsed(task))] for rule in stage.rules],
                # a curriculum without policies has the hash that it always had
                **({"policies": _policies(stage, task)} if stage.policies else {}),
            }
            for name, stage in curriculum.stages.items()
        },
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _policies(stage: Stage, task: Task) -> dict[str, str]:
    return {parameter: str(policy) for parameter, policy in stage.parsed_policies(task).items()}


def file_key(curriculum: Curriculum) -> str:
    """Place of the curriculum in the library, ``coupled_baiting/v2.3``."""
    return f"{folder_name(curriculum.name)}/v{curriculum.version}"


def read_lock(path: Path = LOCK) -> dict[str, str]:
    """Content hash of each released curriculum by its place in the library."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def broken_promises(curricula: Iterable[Curriculum], lock: dict[str, str]) -> list[str]:
    """What was released and is no longer what it was, with what to do."""
    found = {file_key(curriculum): curriculum for curriculum in curricula}
    gone = [f"{key}.yml was released and is gone: put it back" for key in lock.keys() - found.keys()]
    return sorted([*gone, *edited(found.values(), lock, found.keys())])


def edited(curricula: Iterable[Curriculum], lock: dict[str, str], taken: Iterable[str]) -> list[str]:
    """What was released with other content, with what to do; `taken` are the places that are not free."""
    problems = []
    for curriculum in curricula:
        key = file_key(curriculum)
        if key in lock and content_hash(curriculum) != lock[key]:
            folder = found_in(key)
            versions = {place.removeprefix(f"{folder}v") for place in (*taken, *lock) if place.startswith(folder)}
            after = next_version(curriculum.version, versions)
            problems.append(
                f"{key}.yml was released and must not change: put it back, and write the change as "
                f'{folder}v{after}.yml with starts_from: {key} and version: "{after}"'
            )
    return sorted(problems)


def unfit(curricula: Iterable[Curriculum], lock: dict[str, str]) -> list[str]:
    """What must not be released: a stage that mice are led to and that rigs could not run. What was released stands."""
    return [
        f"{key}.yml: {finding}"
        for curriculum in curricula
        if (key := file_key(curriculum)) not in lock
        for finding in check(curriculum)
        if finding.check == "stage-without-parameters"
    ]


def found_in(key: str) -> str:
    """Folder of a place in the library, with its slash."""
    return key.split("/")[0] + "/"


def next_version(version: str, taken: set[str]) -> str:
    """The first free version after one: 2.3 -> 2.4, 2.3.1rwdDelay159 -> 2.3.2rwdDelay159."""
    match = re.fullmatch(r"((?:\d+\.)*)(\d+)(\D.*)?", version)
    assert match, f"{version} passed the pattern of versions"
    head, number, tail = match.groups(default="")
    after = int(number) + 1
    while f"{head}{after}{tail}" in taken:
        after += 1
    return f"{head}{after}{tail}"


Row = tuple[str, str, str, str]
WIDTHS = (14, 26, 38, 38)


def diff(one: Curriculum, other: Curriculum) -> list[Row]:
    """What differs between two curricula: (stage, what, in the one, in the other), stages in order of training."""
    rows: list[Row] = []
    names = one.task_definition.stages if one.task == other.task else None
    for stage in names or dict.fromkeys([*one.stages, *other.stages]):
        before, after = _facts(one, stage), _facts(other, stage)
        rows += [
            (stage, what, before.get(what, "–"), after.get(what, "–"))
            for what in dict.fromkeys([*before, *after])
            if before.get(what) != after.get(what)
        ]
    return rows


def _facts(curriculum: Curriculum, name: str) -> dict[str, str]:
    stage = curriculum.stages.get(name)
    if stage is None:
        return {}
    facts = {parameter: str(value) for parameter, value in stage.values.items()}
    for parameter, policy in stage.parsed_policies(curriculum.task_definition).items():
        facts[f"policy of {parameter}"] = expression_in_words(policy)
    for number, rule in enumerate(stage.rules, 1):
        condition = in_words(rule.parsed(curriculum.task_definition))
        facts[f"rule {number}"] = f"{rule.decision} to {rule.to_stage}: {condition}"
    return facts


def as_text(rows: list[Row], one: str, other: str) -> str:
    """A diff as a table, long cells on several lines."""
    lines = []
    for row in [("stage", "what", one, other), *rows]:
        cells = [textwrap.wrap(cell, width) or [""] for cell, width in zip(row, WIDTHS, strict=True)]
        lines += [
            "  ".join(part.ljust(width) for part, width in zip(parts, WIDTHS, strict=True)).rstrip()
            for parts in itertools.zip_longest(*cells, fillvalue="")
        ]
    return "\n".join(lines)


def as_markdown(rows: list[Row], one: str, other: str) -> str:
    """A diff as a Markdown table."""
    head = [f"| stage | what | {one} | {other} |", "|---|---|---|---|"]
    return "\n".join([*head, *("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)])
