"""Replay all sessions that the last run read under every curriculum, in open loop, and say what would differ."""

import duckdb

from auto_train.lake import LakeError, Settings
from auto_train.nights.dbt_options import with_managers
from auto_train.nights.dbt_runner import run_dbt

MOST_PAIRS = 12


def summary(settings: Settings) -> str:
    """The pairs of versions of a curriculum between which most mice would differ tomorrow."""
    with duckdb.connect(settings.database, read_only=True) as database:
        pairs = database.execute("""
            select curriculum_name_a || ' ' || curriculum_version_a, curriculum_version_b, mice_that_differ_tomorrow,
                mice, decisions_that_differ, sessions, median_sessions_to_graduation_a, median_sessions_to_graduation_b
            from backtest.backtest_pairs
            where curriculum_name_a = curriculum_name_b
            order by mice_that_differ_tomorrow desc, 1, 2
        """).fetchall()
        [(replayed,)] = database.execute("select count(*) from backtest.backtest_decisions").fetchall()
    lines = [f"{replayed:,} decisions replayed. Between versions of a curriculum, tomorrow:"]
    lines += [
        f"    {a} or {b}: {differ} of {mice} mice differ, {decisions:,} of {sessions:,} decisions; "
        f"median sessions to graduation {_or_none(median_a)} or {_or_none(median_b)}"
        for a, b, differ, mice, decisions, sessions, median_a, median_b in pairs[:MOST_PAIRS]
    ]
    lines += [
        "all pairs are in backtest.backtest_pairs, rules in backtest.backtest_rules, mice in backtest.backtest_mice;",
        "behaviour depends on the stage that really ran: it says how rules judge past sessions, not how mice would do",
    ]
    return "\n".join(lines)


def _or_none(number: float | None) -> str:
    return "none" if number is None else f"{number:g}"


def replay(settings: Settings, options: list[str]) -> str:
    """Run the models of the backtest; returns a summary of them.

    Raises:
        LakeError: there is no database of a run, or a model failed.
    """
    options = with_managers(settings, options)
    code, errors = run_dbt(
        settings, "build", "--exclude-resource-type", "unit_test", "--select", "tag:backtest", *options
    )
    if code:
        raise LakeError(f"{errors}\nno backtest: it needs the database that `make build` leaves")
    return summary(settings)
