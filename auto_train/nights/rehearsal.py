"""A night that publishes nothing, and says what it would change."""

import tempfile
from dataclasses import replace
from pathlib import Path

import duckdb

from auto_train.lake import Settings, printable
from auto_train.nights.dbt_options import with_managers, without
from auto_train.nights.dbt_runner import run_dbt
from auto_train.publishing import told

SHOWN = 20
DETAILS = """
    select of.subject_id, before.next_stage_suggested, of.next_stage_suggested
    from marts.next_session as of
    inner join (
        select subject_id, max_by(next_stage_suggested, session) as next_stage_suggested
        from staging.stg_lake__decisions group by subject_id
    ) as before on of.subject_id = before.subject_id
    where before.next_stage_suggested <> of.next_stage_suggested
    order by of.subject_id
"""


def rehearse(settings: Settings, options: list[str]) -> tuple[int, list[str]]:
    """Run a night with everything but its publication; returns dbt's exit code and what the night would change.

    It has a database of its own, so that of the last night stays.
    """
    with tempfile.TemporaryDirectory() as place:
        trial = replace(settings, database=f"{place}/{Path(settings.database).name}")
        options = without(without(with_managers(settings, options), "--target-path"), "--log-path")
        paths = ("--target-path", f"{place}/target", "--log-path", place)
        code, errors = run_dbt(
            trial, "build", "--exclude-resource-type", "unit_test", "--exclude", "publication", *options, *paths,
        )  # fmt: skip
        if code:
            return code, [errors, "the night would stop here"]
        with duckdb.connect(trial.database, read_only=True) as database:
            before, after = (database.table(name) for name in ("staging.stg_lake__decisions", "marts.df_manager"))
            lines = told.in_words("this night would publish", told.changes("rehearsal", before, after))
            changed = database.execute(DETAILS).fetchall()
    lines += [f"    {printable(mouse)}: {was} -> {would_be}" for mouse, was, would_be in changed[:SHOWN]]
    return 0, [
        *lines,
        *([f"    and {len(changed) - SHOWN:,} more"] if len(changed) > SHOWN else []),
        "nothing was published",
    ]
