"""Decide all sessions of all scenarios: what the SQL models found, and auto_train/decisions/walk.py."""

from auto_train.decisions import relations


def model(dbt, session):  # noqa: ANN001, ANN201 - dbt gives the types
    """Walk every mouse of every scenario on from its decisions that stand."""
    dbt.config(materialized="table")

    # dbt sees a ref only where it stands in a statement of its own
    sessions = dbt.ref("int_walk__sessions")
    before = dbt.ref("int_walk__before")
    rules_met = dbt.ref("int_walk__rules_met")
    clauses = dbt.ref("int_curricula__clauses")
    stages = dbt.ref("int_curricula__stages")
    names = dbt.ref("training_stages")

    return relations.walked(sessions, before, rules_met, clauses, stages, names)
