"""A night that publishes nothing, and says what it would change."""

import duckdb

from auto_train.lake import Settings, printable
from auto_train.nights.dbt_options import on_trial
from auto_train.nights.dbt_runner import run_dbt
from auto_train.publishing import told

SHOWN = 20


def rehearse(settings: Settings, options: list[str]) -> tuple[int, list[str]]:
    """Run a night with everything but its publication; returns dbt's exit code and what the night would change."""
    with on_trial(settings, options) as (trial, options, _):
        leave_out = ("--exclude-resource-type", "unit_test", "--exclude", "publication")
        code, errors = run_dbt(trial, "build", *leave_out, *options)
        if code:
            return code, [errors, "the night would stop here"]
        with duckdb.connect(trial.database, read_only=True) as database:
            before, after = (database.table(name) for name in ("staging.stg_lake__decisions", "marts.df_manager"))
            changed = told.changes("rehearsal", before, after)
    moved = told.moved(changed)
    lines = told.in_words("this night would publish", changed)
    lines += [
        f"    {printable(mouse['subject_id'])}: {mouse['stage_before']} -> {mouse['stage']}" for mouse in moved[:SHOWN]
    ]
    lines += [f"    and {len(moved) - SHOWN:,} more"] if len(moved) > SHOWN else []
    return 0, [*lines, "nothing was published"]
