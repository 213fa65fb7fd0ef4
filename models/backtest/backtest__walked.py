"""Replay every session under every curriculum, in one walk."""

from auto_train.decisions import relations


def model(dbt, session):  # noqa: ANN001, ANN201 - dbt gives the types
    """Walk every mouse through every curriculum from its first session on."""
    dbt.config(materialized="table")

    # dbt sees a ref only where it stands in a statement of its own
    sessions = dbt.ref("backtest__sessions")
    rules_met = dbt.ref("backtest__rules_met")
    clauses = dbt.ref("int_curricula__clauses")
    stages = dbt.ref("int_curricula__stages")
    names = dbt.ref("training_stages")

    return relations.walked(sessions, None, rules_met, clauses, stages, names)
