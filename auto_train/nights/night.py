"""A night: `dbt build`, a summary of it, and the morning page."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from auto_train.decisions.vocabulary import SetAside
from auto_train.lake import ROOT, Lake, Settings, open_lake, shown
from auto_train.nights.dbt_runner import run_dbt
from auto_train.page.page import write as write_page
from auto_train.publishing import analysis_copy, curricula
from auto_train.publishing.manifest import LEADER
from auto_train.publishing.publication import OvertakenError

OVERTAKEN = "since this run read it"
TRIES = 3
MICE_NAMED = 10


class Finding(NamedTuple):
    """A test that failed or warned, or a model that broke."""

    name: str
    is_warning: bool
    says: str
    mice: list[str]
    what_to_do: str

    def __str__(self) -> str:
        more = len(self.mice) - MICE_NAMED
        mice = ", ".join(self.mice[:MICE_NAMED]) + (f" and {more} more" if more > 0 else "")
        lines = [f"{'warning' if self.is_warning else 'FAILED'}: {self.says} ({self.name})"]
        lines += [f"    mice: {mice}"] if mice else []
        lines += [f"    do: {self.what_to_do}"] if self.what_to_do else []
        return "\n".join(lines)


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its noun: ``1 mouse``, ``2,000 mice``; without `many` the plural ends in s."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def summary(settings: Settings) -> str:
    """What the last run read, decided, set aside and published."""
    with duckdb.connect(settings.database, read_only=True) as database:

        def rows(sql: str) -> list[tuple[Any, ...]]:
            return database.execute(sql).fetchall()

        counts: dict[str, dict[str, int]] = {}
        for group, name, number in rows("select of_what, name, number from marts.run_summary"):
            counts.setdefault(group, {})[name] = number
        directives = rows(
            "select subject_id, directive from (select subject_id, max_by(directive, session) as directive"
            " from marts.df_manager group by subject_id) where directive is not null order by subject_id"
        )
        drift = rows("select distinct subject_id from marts.decision_drift where matters_for_tomorrow order by 1")
        path = settings.published("df_manager")
        [(size,)] = database.execute("select bytes from exports.publication where path = ?", [path]).fetchall()
    sessions, newest = counts["sessions"], counts.get("next_session", {})
    words = {reason.value: reason.words for reason in SetAside}
    aside = sorted(counts.get("set_aside", {}).items(), key=lambda item: (-item[1], item[0]))
    lines = [
        f"{counted(sessions['read'], 'session')} read: {sessions['decided_now']:,} decided now, "
        f"{sessions['decided_before']:,} decided before, "
        f"{sum(n for _, n in aside):,} set aside, {sessions['off_curriculum']:,} off curriculum",
        *(f"    {n:>8,} set aside: {words[reason]} ({reason})" for reason, n in aside),
        f"{counted(sum(newest.values()), 'mouse', 'mice')} for the next session: "
        + ", ".join(f"{newest.get(decision, 0):,} {decision}" for decision in ("STAY", "PROGRESS", "ROLLBACK")),
        *(f"    {subject}: {directive}" for subject, directive in directives),
    ]
    if sessions["drifted"]:
        lines.append(
            f"{counted(sessions['drifted'], 'decided session')} changed in df_behavior since (marts.decision_drift); "
            f"mice whose stage tomorrow would be another: {', '.join(subject for (subject,) in drift) or 'none'}"
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
        found.append(
            Finding(
                result["unique_id"].split(".")[2],
                result["status"] == "warn",
                meta.get("says") or " ".join((result["message"] or "").split())[:500],
                _mice(settings, result.get("compiled_code") or "") if node.get("resource_type") == "test" else [],
                meta.get("what_to_do", ""),
            )
        )
    return sorted(found, key=lambda finding: finding.is_warning)


def _mice(settings: Settings, failing_rows: str) -> list[str]:
    if "subject_id" not in failing_rows:
        return []
    sql = f"select distinct subject_id from ({failing_rows}) where subject_id is not null order by 1"  # noqa: S608
    try:
        with duckdb.connect(settings.database, read_only=True) as database:
            return [str(subject) for (subject,) in database.execute(sql).fetchall()]
    except duckdb.Error:
        return []


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


def unreadable_curricula(lake: Lake) -> list[str]:
    """What lies in the lake as a curriculum and is not one. No mouse needs it: else the run would have stopped."""
    return [f"warning: no mouse needs it, but {problem}" for problem in curricula.read_all(lake)[1]]


def run(settings: Settings, options: list[str]) -> int:
    """Run `dbt build`, print a summary, and write and publish the morning page; returns dbt's exit code."""
    target = Path(options[options.index("--target-path") + 1] if "--target-path" in options else ROOT / "target")
    lake, path = open_lake(settings.lake, settings), settings.published(LEADER)
    before = lake.tag(path)
    code = build(options, target)
    told = findings(target, settings) if (target / "run_results.json").exists() else []
    if code:
        untouched = "nothing was published; the last df_manager is untouched"
        print(untouched if lake.tag(path) == before else "df_manager was published, but:")
        print("\n".join(map(str, told)))
        return code
    print("\n".join([summary(settings), *map(str, told), *unreadable_curricula(lake)]))
    try:
        write_page(settings, target / "morning.html")
    except OvertakenError as error:
        # that run's page says what holds now
        print(error)
    return code
