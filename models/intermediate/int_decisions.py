"""Decide the sessions that have no decision yet: what the SQL models found, and auto_train/decisions/walk.py."""

from auto_train.decisions import relations
from auto_train.decisions.walk import walk


def model(dbt, session):  # noqa: ANN001, ANN201 - dbt gives the types
    """Walk every mouse on from its decisions that stand."""
    dbt.config(materialized="table")

    # dbt sees a ref only where it stands in a statement of its own
    to_decide = dbt.ref("int_sessions__to_decide")
    decided_before = dbt.ref("int_decisions__before")
    rules_met = dbt.ref("int_sessions__rules_met")
    curricula_clauses = dbt.ref("int_curricula__clauses")
    curricula_stages = dbt.ref("int_curricula__stages")

    return relations.to_table(
        walk(
            relations.sessions(to_decide),
            relations.before(decided_before),
            relations.clauses(curricula_clauses),
            relations.stages(curricula_stages),
            relations.met(rules_met),
        )
    )
