"""A night: `dbt build`, a summary of it, and the morning page."""

import json
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import yaml

from auto_train.decisions.vocabulary import SetAside
from auto_train.lake import ROOT, Lake, LakeError, Settings, open_lake, printable, shown
from auto_train.nights.dbt_runner import run_dbt
from auto_train.page.page import local_copy, save_published
from auto_train.publishing import analysis_copy, curricula
from auto_train.publishing.manifest import LEADER, published_manifest

OVERTAKEN = "since this run read it"
TRIES = 3
# what a table does to a night shows without publishing
CHECKED = ("--indirect-selection", "cautious", "--select", "+tag:gate", "stg_lake__behavior")
MICE_NAMED = DETAILS = 10
# an enrolment says something only of a mouse that has never run, every other directive only of one that has; what
# became of a directive (a pin to a stage that the curriculum lacks holds) is in the words of the decision
IN_FORCE = """
    select directives.subject_id,
        case when ends_with(newest.directive, directives.words) then newest.directive else directives.words end as words
    from staging.stg_people__directives as directives
    left join (
        select subject_id, max_by(coalesce(directive, ''), session) as directive from marts.df_manager group by all
    ) as newest on directives.subject_id = newest.subject_id
    where directives.is_in_force and directives.overrules = (newest.subject_id is not null)
    order by directives.subject_id, directives.line_number
"""


class Finding(NamedTuple):
    """A test that failed or warned, or a model that broke."""

    name: str
    is_warning: bool
    says: str
    mice: list[str]
    what_to_do: str
    details: tuple[str, ...] = ()
    gate: str = ""

    def __str__(self) -> str:
        more = len(self.mice) - MICE_NAMED
        mice = ", ".join(self.mice[:MICE_NAMED]) + (f" and {more} more" if more > 0 else "")
        lines = [f"{'warning' if self.is_warning else 'FAILED'}: {self.says} ({self.gate or self.name})"]
        lines += [f"    {detail}" for detail in self.details[:DETAILS]]
        lines += [f"    and {len(self.details) - DETAILS} more"] if len(self.details) > DETAILS else []
        lines += [f"    mice: {mice}"] if mice else []
        lines += [f"    do: {self.what_to_do}"] if self.what_to_do else []
        if self.gate and not self.is_warning:
            lines += [f"    or let it through this once: auto-train nightly --let-through {self.gate} --who … --why …"]
        return "\n".join(lines)


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its noun: ``1 mouse``, ``2,000 mice``; without `many` the plural ends in s."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def set_aside(settings: Settings, table: str = "marts.quarantine") -> list[str]:
    """How many sessions are set aside, by reason, most first."""
    words = {reason.value: reason.words for reason in SetAside}
    column = "reason" if table == "marts.quarantine" else "set_aside_because"
    with duckdb.connect(settings.database, read_only=True) as database:
        counts = database.sql(f"select {column}, count(*) from {table} group by all order by 2 desc, 1").fetchall()  # noqa: S608
    return [f"    {n:>8,} set aside: {words[reason]} ({reason})" for reason, n in counts if reason in words]


def summary(settings: Settings) -> str:
    """What the last run read, decided, set aside and published."""
    with duckdb.connect(settings.database, read_only=True) as database:

        def rows(sql: str) -> list[tuple[Any, ...]]:
            return database.execute(sql).fetchall()

        counts: dict[str, dict[str, int]] = {}
        for group, name, number in rows("select of_what, name, number from marts.run_summary"):
            counts.setdefault(group, {})[name] = number
        [(day, zone)] = rows("select training_day, lab_time_zone from staging.stg_lake__run")
        directives = rows(IN_FORCE)
        drift = rows("select distinct subject_id from marts.decision_drift where matters_for_tomorrow order by 1")
        path = settings.published("df_manager")
        [(size,)] = database.execute("select bytes from exports.publication where path = ?", [path]).fetchall()
    sessions, newest = counts["sessions"], counts.get("next_session", {})
    aside = counts.get("set_aside", {})
    lines = [
        f"{counted(sessions['read'], 'session')} read: {sessions['decided_now']:,} decided now, "
        f"{sessions['decided_before']:,} decided before, "
        f"{sum(aside.values()):,} set aside, {sessions['off_curriculum']:,} off curriculum",
        *set_aside(settings),
        f"{counted(sum(newest.values()), 'mouse', 'mice')} for the next session, on {day} ({zone}): "
        + ", ".join(f"{newest.get(decision, 0):,} {decision}" for decision in ("STAY", "PROGRESS", "ROLLBACK")),
        *(f"    {printable(subject)}: {printable(directive)}" for subject, directive in directives),
    ]
    if sessions["by_default"]:
        lines.append(
            f"{counted(sessions['by_default'], 'session')} under the default curriculum, because df_behavior names none"
        )
    if sessions["drifted"]:
        lines.append(
            f"{counted(sessions['drifted'], 'decided session')} changed in df_behavior since (marts.decision_drift); "
            f"mice whose stage tomorrow would be another: {', '.join(printable(of) for (of,) in drift) or 'none'}"
        )
    lines += [
        f"df_manager is at {shown(settings.lake)}/{path} ({size:,} bytes)",
        "next: `.venv/bin/dbt docs generate && .venv/bin/dbt docs serve` to explore, "
        f"or open {shown(str(analysis_copy.place(settings.database)))} with DuckDB; "
        "what was set aside is in marts.quarantine",
    ]
    return "\n".join(lines)


def findings(target: Path, settings: Settings) -> list[Finding]:
    """What failed or warned, from dbt's own record of the run; for which mice, from the database that it left."""
    results = json.loads((target / "run_results.json").read_text(encoding="utf-8"))["results"]
    nodes = json.loads((target / "manifest.json").read_text(encoding="utf-8"))["nodes"]
    found = []
    for result in results:
        if result["status"] not in ("error", "fail", "warn"):
            continue
        node = nodes.get(result["unique_id"], {})
        meta = node.get("config", {}).get("meta", {})
        of_test = (result["compiled_code"] or "") if node.get("resource_type") == "test" else ""
        found_in = _found_by(settings, of_test)
        found.append(
            Finding(
                result["unique_id"].split(".")[2],
                result["status"] == "warn",
                meta.get("says") or " ".join((result["message"] or "").split())[:500],
                found_in["subject_id"],
                meta.get("what_to_do", ""),
                tuple(found_in["detail"]),
                meta.get("gate", ""),
            )
        )
    return sorted(found, key=lambda finding: finding.is_warning)


def _found_by(settings: Settings, failing_rows: str) -> dict[str, list[str]]:
    """Mice and details of the rows that a test found, each once; nothing where the rows have no such column."""
    found: dict[str, list[str]] = {"subject_id": [], "detail": []}
    if not failing_rows:
        return found
    with suppress(duckdb.Error), duckdb.connect(settings.database, read_only=True) as database:
        rows = database.sql(failing_rows)
        for column in found.keys() & set(rows.columns):
            values = rows.project(column).filter(f"{column} is not null").distinct().order(column)
            found[column] = [printable(value) for (value,) in values.fetchall()]
    return found


def what_was_read(target: Path, settings: Settings) -> list[str]:
    """Of a run that failed: which sessions it had set aside until then, and where to look."""
    if not (target / "run_results.json").exists():
        return []
    results = json.loads((target / "run_results.json").read_text(encoding="utf-8"))["results"]
    made = {result["unique_id"].split(".")[2] for result in results if result["status"] == "success"}
    lines = []
    if "stg_lake__behavior" in made:
        lines += set_aside(settings, "marts.quarantine" if "quarantine" in made else "staging.stg_lake__behavior")
        lines += [f"the tables of this run are in {shown(settings.database)}, which DuckDB opens"]
    return lines


def build(options: list[str], target: Path) -> int:
    """Run dbt. If another run published meanwhile, run it again from what that one published, up to `TRIES` times."""
    code, errors = 1, ""
    for _ in range(TRIES):
        (target / "run_results.json").unlink(missing_ok=True)
        # unit tests of models know nothing of the lake: `make test` runs them
        code, errors = run_dbt("build", "--exclude-resource-type", "unit_test", *options)
        if code == 0 or OVERTAKEN not in errors:
            break
        print("another run published meanwhile: starting over")
    print(errors, end="\n" if errors else "")
    return code


def with_vars(options: list[str], **variables: Any) -> list[str]:
    """Options of dbt with more variables, beside those that they have.

    Raises:
        LakeError: the variables of the options are not YAML.
    """
    if "--vars" not in options:
        return [*options, "--vars", json.dumps(variables)]
    place = options.index("--vars") + 1
    try:
        given = yaml.safe_load(options[place]) or {}
    except (yaml.YAMLError, IndexError):
        raise LakeError("--vars needs YAML such as '{lab_time_zone: Europe/London}'") from None
    return [*options[:place], json.dumps(given | variables, default=str), *options[place + 1 :]]


def _target(options: list[str]) -> Path:
    return Path(options[options.index("--target-path") + 1] if "--target-path" in options else ROOT / "target")


def check_input(settings: Settings, options: list[str]) -> int:
    """Read df_behavior as a night would, with every gate, decide nothing and publish nothing; returns an exit code.

    It has a database of its own, so that of the last night stays.
    """
    with tempfile.TemporaryDirectory() as place:
        trial = replace(settings, database=f"{place}/{Path(settings.database).name}")
        target = Path(place, "target")
        options = [*options, "--target-path", str(target), "--log-path", place]
        code, errors = run_dbt(
            "build", "--exclude-resource-type", "unit_test", *CHECKED, *options, database=trial.database
        )
        told = findings(target, trial) if (target / "run_results.json").exists() else []
        if not told and code:
            print(errors)
            return code
        with duckdb.connect(trial.database, read_only=True) as database:
            [read] = database.sql("""
                select count(*), count(distinct subject_id), min(session_date), max(session_date),
                    count(*) filter (set_aside_because = 'off_curriculum'), count(*) filter (is_by_default)
                from staging.stg_lake__behavior
            """).fetchall()
        rows, mice, first, last, off, by_default = read
        print(
            f"{shown(settings.df_behavior)}: {counted(rows, 'session')} of {counted(mice, 'mouse', 'mice')}, "
            f"from {first} to {last}; {off:,} off curriculum, {by_default:,} under the default one"
        )
        print("\n".join([*set_aside(trial), *map(str, told)]))
        print("a night would stop here" if code else "a night would go on from here")
        return code


def unreadable_curricula(lake: Lake) -> list[str]:
    """What lies in the lake as a curriculum and is not one. No mouse needs it: else the run would have stopped."""
    return [f"warning: no mouse needs it, but {problem}" for problem in curricula.read_all(lake)[1]]


def run(settings: Settings, options: list[str]) -> int:
    """Run `dbt build`, which publishes; print a summary, and save a copy of the page; returns dbt's exit code."""
    target = _target(options)
    lake, path = open_lake(settings.lake, settings), settings.published(LEADER)
    before = lake.tag(path)
    code = build(options, target)
    told = findings(target, settings) if (target / "run_results.json").exists() else []
    if code:
        untouched = "nothing was published; the last df_manager is untouched"
        print(untouched if lake.tag(path) == before else "df_manager was published, but:")
        print("\n".join([*what_was_read(target, settings), *map(str, told)]))
        return code
    manifest = published_manifest(lake, settings)
    said = manifest.said if manifest else []
    print("\n".join([*said, summary(settings), *map(str, told), *unreadable_curricula(lake)]))
    if settings.page:
        print(save_published(settings, local_copy(settings)))
    return code
