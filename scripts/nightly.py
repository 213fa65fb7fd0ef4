"""Run `dbt build` and say in a few lines what came of it.

python -m scripts.nightly [options of dbt build]
"""

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from scripts import analysis_copy, report
from scripts.lake import LakeError, Settings, open_lake
from scripts.progress import run_dbt
from scripts.publishing import OvertakenError

REASONS = {
    "subject_id_pattern": "a subject id that readers do not accept",
    "session_is_no_whole_number": "a session number that is no whole number from 0 up",
    "session_twice": "a second row for the same session",
    "off_by_directive": "a session of a mouse that someone took off the curriculum",
    "unknown_curriculum": "a curriculum that the library does not have",
    "metric_is_no_number": "a metric that is no number",
    "unknown_start_stage": "no earlier decision and no stage reported to start from",
    "stage_without_rules": "a stage that has no rules in its curriculum",
}
OVERTAKEN = "since this run read it"
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
    aside = sorted(counts.get("set_aside", {}).items(), key=lambda item: (-item[1], item[0]))
    lines = [
        f"{sessions['read']:,} sessions read: {sessions['decided_now']:,} decided now, "
        f"{sessions['decided_before']:,} decided before, "
        f"{sum(n for _, n in aside):,} set aside, {sessions['off_curriculum']:,} off curriculum",
        *(f"    {n:>8,} set aside: {REASONS[reason]} ({reason})" for reason, n in aside),
        f"{sum(newest.values()):,} mice for the next session: "
        + ", ".join(f"{newest.get(decision, 0):,} {decision}" for decision in ("STAY", "PROGRESS", "ROLLBACK")),
        *(f"    {subject}: {directive}" for subject, directive in directives),
    ]
    if sessions["drifted"]:
        lines.append(
            f"{sessions['drifted']:,} decided sessions have changed in df_behavior since (marts.decision_drift); "
            f"mice whose stage tomorrow would be another: {', '.join(subject for (subject,) in drift) or 'none'}"
        )
    lines += [
        f"df_manager is at {settings.lake}/{path} ({size:,} bytes)",
        "next: `.venv/bin/dbt docs generate && .venv/bin/dbt docs serve` to explore, "
        f"or open {analysis_copy.place(settings.database)} with DuckDB; what was set aside is in marts.quarantine",
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
    """Run dbt; once more where another run published meanwhile, whose decisions this one then starts from."""
    code, errors = 1, ""
    for _ in range(3):
        (target / "run_results.json").unlink(missing_ok=True)
        # unit tests of models know nothing of the lake: `make test` runs them
        code, errors = run_dbt("build", "--exclude-resource-type", "unit_test", *options)
        if code == 0 or OVERTAKEN not in errors:
            break
        print("another run published meanwhile: starting over")
    print(errors, end="\n" if errors else "")
    return code


def main() -> None:
    """Run dbt and print what came of it."""
    options = sys.argv[1:]
    target = Path(options[options.index("--target-path") + 1] if "--target-path" in options else "target")
    try:
        settings = Settings.from_environment()
        lake, path = open_lake(settings.lake, settings), settings.published("df_manager")
        before = lake.tag(path)
        code = build(options, target)
        told = findings(target, settings) if (target / "run_results.json").exists() else []
        if code == 0:
            print("\n".join([summary(settings), *map(str, told)]))
            try:
                report.write(settings, target / "morning.html")
            except OvertakenError as error:
                # that run's page says what holds now
                print(error)
        else:
            untouched = "nothing was published; the last df_manager is untouched"
            print(untouched if lake.tag(path) == before else "df_manager was published, but:")
            print("\n".join(map(str, told)))
    except (LakeError, duckdb.Error) as error:
        sys.exit(f"no summary: {error}")
    sys.exit(code)


if __name__ == "__main__":
    main()
