"""A night: `dbt build`, its record, a summary made of it, and the morning page."""

import json
import re
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb

from auto_train.decisions import directives
from auto_train.lake import (
    ROOT,
    Lake,
    LakeError,
    Settings,
    alerts_of,
    counted,
    open_lake,
    printable,
    printable_lines,
    shown,
)
from auto_train.lake.alerts import Alert
from auto_train.lake.clock import now
from auto_train.nights import alerts, news
from auto_train.nights.dbt_options import on_trial, target_of, with_managers
from auto_train.nights.dbt_runner import run_dbt
from auto_train.nights.record import (
    EXIT_CODES,
    NAME,
    Finding,
    InForce,
    LastPublication,
    Night,
    Outcome,
    aside_in_words,
    decided_in_words,
    in_words,
    record_path,
)
from auto_train.page.page import local_copy, save_published
from auto_train.publishing import curricula, history
from auto_train.publishing.manifest import PAGE, published_manifest
from curricula.errors import UserError

OVERTAKEN = "since this run read it"
TRIES = 3
# what a table does to a night shows without publishing
CHECKED = ("--indirect-selection", "cautious", "--select", "+tag:gate", "stg_lake__behavior")
# an enrolment says something only of a mouse that has never run, every other directive only of one that has; what
# became of a directive (a pin to a stage that the curriculum lacks holds) is in the words of the decision
IN_FORCE = """
    select directives.subject_id,
        case when ends_with(newest.directive, directives.words) then newest.directive else directives.words end as words
    from staging.stg_people__directives as directives
    left join (
        select subject_id, max_by(coalesce(directive, ''), session) as directive from marts.df_manager
        where session_at_current_stage is distinct from 0 group by all
    ) as newest on directives.subject_id = newest.subject_id
    where directives.is_in_force and directives.overrules = (newest.subject_id is not null)
    order by directives.subject_id, directives.line_number
"""


def set_aside(settings: Settings, table: str = "marts.quarantine") -> dict[str, int]:
    """How many sessions are set aside, by reason."""
    column = "reason" if table == "marts.quarantine" else "set_aside_because"
    with duckdb.connect(settings.database, read_only=True) as database:
        counts = database.sql(f"select {column}, count(*) from {table} where {column} is not null group by all")  # noqa: S608
        return dict(counts.fetchall())


def decided(settings: Settings) -> dict[str, Any]:
    """What the last run read, decided and set aside, as fields of its record."""
    with duckdb.connect(settings.database, read_only=True) as database:

        def rows(sql: str) -> list[tuple[Any, ...]]:
            return database.execute(sql).fetchall()

        counts: dict[str, dict[str, int]] = {}
        for group, name, number in rows("select of_what, name, number from marts.run_summary"):
            if group != "newest_session_date":
                counts.setdefault(group, {})[name] = number
        [(run, day, zone)] = rows("select run_id, training_day, lab_time_zone from staging.stg_lake__run")
        mice = rows("""
            select decision, list(subject_id order by subject_id) from marts.next_session
            where not has_left group by decision
        """)
        directives = rows(IN_FORCE)
        drift = rows("""
            select distinct subject_id || ' (' || coalesce(stage_tomorrow_now, 'not decided') || ', not '
                || stage_tomorrow || ')'
            from marts.decision_drift where matters_for_tomorrow order by 1
        """)
    return {
        "run": run,
        "training_day": day,
        "lab_time_zone": zone,
        "counts": counts,
        "next_session": dict(mice),
        "directives": [InForce(subject_id=subject, words=words) for subject, words in directives],
        "drifted": [mouse for (mouse,) in drift],
    }


def summary(settings: Settings) -> str:
    """What the last run read, decided, set aside and published, in words."""
    manifest = published_manifest(open_lake(settings.lake, settings), settings)
    files = manifest.files if manifest else []
    lake = shown(settings.lake)
    night = Night(
        manager=settings.manager,
        outcome=Outcome.PUBLISHED,
        started_at=now(),
        lake=lake,
        files=files,
        **decided(settings),
    )
    return "\n".join(decided_in_words(night, settings))


def results_of(target: Path) -> dict[str, Any]:
    """Dbt's own record of the last run; nothing where it did not come so far."""
    file = target / "run_results.json"
    results: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {"results": []}
    return results


def findings(target: Path, settings: Settings) -> list[Finding]:
    """What failed or warned, from dbt's own record of the run; for which mice, from the database that it left."""
    results = results_of(target)["results"]
    nodes = json.loads((target / "manifest.json").read_text(encoding="utf-8"))["nodes"] if results else {}
    found = []
    for result in results:
        if result["status"] not in ("error", "fail", "warn"):
            continue
        node = nodes.get(result["unique_id"], {})
        config = node.get("config", {})
        meta = config.get("meta", {})
        of_test = (result["compiled_code"] or "") if node.get("resource_type") == "test" else ""
        found_in = _found_by(settings, of_test)
        found.append(
            Finding(
                result["unique_id"].split(".")[2],
                result["status"] == "warn",
                meta.get("says") or _in_a_line(result["message"] or ""),
                found_in["subject_id"],
                meta.get("what_to_do", ""),
                tuple(found_in["detail"]),
                meta.get("gate", ""),
                _limit(config.get("error_if") or ""),
                result.get("failures"),
                found_in["counted"],
            )
        )
    return sorted(found, key=lambda finding: finding.is_warning)


def _in_a_line(message: str) -> str:
    """What dbt says of a failure; of a Python model what was raised, without the traceback."""
    raised = re.findall(r"^\s*[\w.]*Error: (.+)", message, re.MULTILINE) if "Traceback" in message else []
    return " ".join((raised[-1] if raised else message).split())[:500]


def _limit(stops: str) -> str:
    """From when on a gate stops a night, of what the macro `stops` wrote."""
    limit = re.fullmatch(r"> 0 and max\(percent\) > (\S+) and max\(counted\) >= (\S+)", stops)
    return f"above {limit[1]} %, where {limit[2]} or more are counted" if limit else ""


def _found_by(settings: Settings, failing_rows: str) -> dict[str, Any]:
    """Mice and details of the rows that a test found, each once, and of how many; nothing of columns they lack."""
    found: dict[str, Any] = {"subject_id": [], "detail": [], "counted": None}
    if not failing_rows:
        return found
    with suppress(duckdb.Error), duckdb.connect(settings.database, read_only=True) as database:
        rows = database.sql(failing_rows)
        for column in {"subject_id", "detail"} & set(rows.columns):
            values = rows.project(column).filter(f"{column} is not null").distinct().order(column)
            found[column] = [printable(value) for (value,) in values.fetchall()]
        if "counted" in rows.columns:
            [(found["counted"],)] = rows.aggregate("max(counted)").fetchall()
    return found


def what_was_read(target: Path, settings: Settings) -> tuple[dict[str, int], list[str]]:
    """Of a run that may have failed: how many sessions it had set aside until then, and where to look."""
    made = {
        result["unique_id"].split(".")[2] for result in results_of(target)["results"] if result["status"] == "success"
    }
    if "stg_lake__behavior" not in made:
        return {}, []
    counts = set_aside(settings, "marts.quarantine" if "quarantine" in made else "staging.stg_lake__behavior")
    return counts, [f"the tables of this run are in {shown(settings.database)}, which DuckDB opens"]


def build(options: list[str], target: Path, settings: Settings) -> tuple[int, str]:
    """Run dbt; returns its exit code and what it said of errors.

    If another run published meanwhile, it is run again from what that one published, up to `TRIES` times.
    """
    code, errors = 1, ""
    for _ in range(TRIES):
        (target / "run_results.json").unlink(missing_ok=True)
        # unit tests of models know nothing of the lake: `make test` runs them
        code, errors = run_dbt(settings, "build", "--exclude-resource-type", "unit_test", *options)
        if code == 0 or OVERTAKEN not in errors:
            break
        print("another run published meanwhile: starting over")
    return code, errors


def check_input(settings: Settings, options: list[str]) -> int:
    """Read df_behavior as a night would, with every gate, decide nothing and publish nothing; returns an exit code."""
    with on_trial(settings, options) as (trial, options, target):
        code, errors = run_dbt(trial, "build", "--exclude-resource-type", "unit_test", *CHECKED, *options)
        told = findings(target, trial)
        if not told and code:
            print(errors)
            return EXIT_CODES[Outcome.COULD_NOT_RUN]
        aside, was_read = what_was_read(target, trial)
        if was_read:
            print(_in_short(trial))
        print("\n".join([*aside_in_words(aside), *(finding.in_words(settings.manager) for finding in told)]))
        print("a night would stop here" if code else "a night would go on from here")
        return EXIT_CODES[failed(target)] if code else 0


def _in_short(settings: Settings) -> str:
    with duckdb.connect(settings.database, read_only=True) as database:
        [read] = database.sql("""
            select count(*), count(distinct subject_id), min(session_date), max(session_date),
                count(*) filter (set_aside_because = 'off_curriculum'), count(*) filter (is_by_default)
            from staging.stg_lake__behavior
        """).fetchall()
    rows, mice, first, last, off, by_default = read
    return (
        f"{shown(settings.df_behavior)}: {counted(rows, 'session')} of {counted(mice, 'mouse', 'mice')}, "
        f"from {first} to {last}; {off:,} off curriculum, {by_default:,} under the default one"
    )


def unreadable_curricula(lake: Lake) -> list[str]:
    """What lies in the lake as a curriculum and is not one. No mouse needs it: else the run would have stopped."""
    return [f"no mouse needs it, but {problem}" for problem in curricula.read_all(lake)[1]]


def run(settings: Settings, options: list[str], *, tells_once: bool = False) -> int:
    """Run `dbt build`, which publishes; record it, print a summary, save a copy of the page; returns an exit code.

    Who was told of the night before is told of the same thing again, unless `tells_once`.
    """
    started = time.monotonic()
    record = record_path(settings, target_of(options))
    before = Night.load(record) if tells_once else None
    options = with_managers(settings, options)
    night = Night(manager=settings.manager, outcome=Outcome.COULD_NOT_RUN, started_at=now(), lake=shown(settings.lake))
    try:
        night = attempt(night, settings, options)
    except UserError as error:
        night = night.model_copy(update={"problem": str(error)})
    except Exception as error:  # a defect: whoever waits for the night is told all the same
        traceback.print_exc()
        night = night.model_copy(update={"problem": f"a defect of this program: {type(error).__name__}: {error}"})
    night = night.finished()
    night.seconds["all"] = round(time.monotonic() - started, 1)
    # before anything else can fail
    night = saved(night, record)
    print(in_words(night, settings), flush=True)
    whom = () if night.says_the_same_as(before) else settings.alerts
    return told(night, whom, alerts.page_of(settings), record)


def not_begun(manager: str, problem: UserError, options: list[str], *, tells_once: bool = False) -> int:
    """Record and tell that a manager's settings cannot be used; returns an exit code."""
    print(printable_lines(str(problem)), file=sys.stderr)
    night = Night(manager=manager, outcome=Outcome.COULD_NOT_RUN, started_at=now(), problem=str(problem)).finished()
    # a name that is refused must not become a path
    record = target_of(options) / re.sub(r"[^\w.-]|^[.]+", "_", manager or "unnamed") / NAME
    before = Night.load(record) if tells_once else None
    night = saved(night, record)
    return told(night, () if night.says_the_same_as(before) else alerts_of(manager), None, record)


def told(night: Night, whom: tuple[Alert, ...], page: str | None, record: Path) -> int:
    """Send the alerts of a night that is over; who could not be told stands in its record. Returns an exit code."""
    started = time.monotonic()
    if problems := alerts.tell(night, whom, page):
        print("\n".join(problems))
    if whom:
        night = night.finished(*problems)
        night.seconds["alerts"] = round(time.monotonic() - started, 1)
        saved(night, record)
    return night.exit_code


def saved(night: Night, record: Path) -> Night:
    """The record as it was written for machines; where that fails, on a full disk say, people are told all the same."""
    try:
        night.save(record)
    except OSError as error:
        return night.finished(f"{record} could not be written: {error.strerror}")
    return night


def attempt(night: Night, settings: Settings, options: list[str]) -> Night:
    """One night; returns its record.

    Raises:
        LakeError: the lake cannot be used.
    """
    target = target_of(options)
    lake = open_lake(settings.lake, settings)
    # dbt would take seconds to say the same
    lake.check_reachable()
    if last := published_manifest(lake, settings):
        of_last = LastPublication(run=last.run.id, started_at=last.run.started_at)
        night = night.model_copy(update={"last_publication": of_last})
    with suppress(LakeError):  # then the next look finds news
        of_people = directives.known(ROOT, settings, lambda: history.last_directives(lake, settings))
        night = night.model_copy(update={"read": news.as_they_are(settings, of_people.content, ROOT, now())})
    started = time.monotonic()
    code, errors = build(options, target, settings)
    night.seconds["build"] = round(time.monotonic() - started, 1)
    found = findings(target, settings)
    try:
        nothing_published = bool(code) and not is_published(target, settings, lake)
    except LakeError as error:
        raise LakeError(f"{errors}\nwhether this night published cannot be told: {error}") from None
    if nothing_published:
        aside, notes = what_was_read(target, settings)
        return night.model_copy(
            update={
                "outcome": failed(target),
                "counts": {"set_aside": aside},
                "findings": found,
                "problem": errors,
                "notes": notes,
            }
        )
    night = night.model_copy(
        update={
            "outcome": Outcome.PUBLISHED,
            "findings": [finding for finding in found if finding.is_warning],
            "behind": [f"{finding.name}: {finding.says}" for finding in found if not finding.is_warning],
        }
    )
    try:
        night = night.model_copy(update=of_publication(settings, lake))
        return with_page(night, settings) if settings.page else night
    except (UserError, duckdb.Error, OSError) as error:
        # rigs have their stages; that must not look like a night that could not run
        return night.finished(f"all of what was published cannot be told: {error}")


def of_publication(settings: Settings, lake: Lake) -> dict[str, Any]:
    """What was decided and published, as fields of the record."""
    of_run, manifest = decided(settings), published_manifest(lake, settings)
    files = manifest.files if manifest and manifest.run.id == of_run["run"] else []
    said = manifest.said if manifest and manifest.run.id == of_run["run"] else []
    return {**of_run, "files": files, "said": said, "warnings": unreadable_curricula(lake)}


def failed(target: Path) -> Outcome:
    """Whether a test refused the night, or dbt failed by itself."""
    statuses = {result["status"] for result in results_of(target)["results"]}
    return Outcome.REFUSED if "fail" in statuses else Outcome.COULD_NOT_RUN


def is_published(target: Path, settings: Settings, lake: Lake) -> bool:
    """Whether a run that failed did so after its df_manager was published."""
    invocation = results_of(target).get("metadata", {}).get("invocation_id")
    try:
        with duckdb.connect(settings.database, read_only=True) as database:
            # the table may be that of an earlier run
            [(run,)] = database.execute(
                "select any_value(run_id) from staging.stg_lake__run where invocation_id = ?", [invocation]
            ).fetchall()
    except duckdb.Error:
        return False
    made_by = history.run_of_df_manager(lake, settings)
    return run is not None and made_by is not None and made_by.run.id == run


def with_page(night: Night, settings: Settings) -> Night:
    """The record with where the page is; a page that is missing is behind."""
    path = settings.published(PAGE, "html")
    try:
        said = save_published(settings, local_copy(settings))
    except (LakeError, OSError) as error:
        said, path = f"the morning page could not be saved: {error}", ""
    if night.file(path):
        return night.model_copy(update={"notes": [said], "page": f"{shown(settings.lake)}/{path}"})
    return night.model_copy(update={"behind": [*night.behind, said]})
