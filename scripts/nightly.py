"""Run `dbt build` and say in a few lines what came of it.

python -m scripts.nightly [options of dbt build]
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb

from scripts.lake import LakeError, Settings

REASONS = {
    "subject_id_pattern": "a subject id that readers do not accept",
    "session_is_no_whole_number": "a session number that is no whole number from 0 up",
    "session_twice": "a second row for the same session",
    "unknown_curriculum": "a curriculum that the library does not have",
    "metric_is_no_number": "a metric that is no number",
    "unknown_start_stage": "no earlier decision and no stage reported to start from",
    "stage_without_rules": "a stage that has no rules in its curriculum",
}


def summary(settings: Settings) -> str:
    """What the last run read, decided, set aside and published."""
    with duckdb.connect(settings.database, read_only=True) as database:

        def rows(sql: str) -> list[tuple[Any, ...]]:
            return database.execute(sql).fetchall()

        read, off = rows(
            "select count(*), count(*) filter (set_aside_because in ('off_curriculum', 'no_session_number'))"
            " from staging.stg_lake__behavior"
        )[0]
        [(decided,)] = rows("select count(*) from intermediate.int_decisions where not_decided_because is null")
        [(standing,)] = rows("select count(*) from intermediate.int_decisions__standing")
        aside = rows("select reason, count(*) from marts.quarantine group by reason order by count(*) desc, reason")
        newest = dict(
            rows(
                "select decision, count(*) from (select decision from marts.df_manager"
                " qualify row_number() over (partition by subject_id order by session desc) = 1) group by decision"
            )
        )
        path = settings.published("df_manager")
        [(size,)] = database.execute("select bytes from exports.publication where path = ?", [path]).fetchall()
    lines = [
        f"{read:,} sessions read: {decided:,} decided now, {standing:,} decided before, "
        f"{sum(n for _, n in aside):,} set aside, {off:,} off curriculum",
        *(f"    {n:>8,} set aside: {REASONS[reason]} ({reason})" for reason, n in aside),
        f"{sum(newest.values()):,} mice for the next session: "
        + ", ".join(f"{newest.get(decision, 0):,} {decision}" for decision in ("STAY", "PROGRESS", "ROLLBACK")),
        f"df_manager is at {settings.lake}/{path} ({size:,} bytes)",
        "next: `.venv/bin/dbt docs generate && .venv/bin/dbt docs serve` to explore, "
        f"or open {settings.database} with DuckDB; what was set aside is in marts.quarantine",
    ]
    return "\n".join(lines)


def failures(run_results: Path) -> list[str]:
    """What failed, from dbt's own record of the run."""
    results = json.loads(run_results.read_text(encoding="utf-8"))["results"]
    return [
        f"    {result['unique_id'].split('.')[2]}: {' '.join((result['message'] or '').split())[:300]}"
        for result in results
        if result["status"] in ("error", "fail")
    ]


def main() -> None:
    """Run dbt and print what came of it."""
    dbt = Path(sys.executable).with_name("dbt")
    results = Path("target/run_results.json")
    results.unlink(missing_ok=True)
    done = subprocess.run([dbt, "build", "--quiet", *sys.argv[1:]], check=False)
    try:
        if done.returncode == 0:
            print(summary(Settings.from_environment()))
        else:
            print("nothing was published; the last df_manager is untouched")
            print("\n".join(failures(results)) if results.exists() else "")
    except (LakeError, duckdb.Error) as error:
        sys.exit(f"no summary: {error}")
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
