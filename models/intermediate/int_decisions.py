"""Decide the sessions that have no decision yet: what the SQL models found, handed to curricula/walk.py."""

from curricula.walk import walk
from scripts import walking


def model(dbt, session):  # noqa: ANN001, ANN201 - dbt gives the types
    """Walk every mouse on from its decisions that stand."""
    dbt.config(materialized="table")

    # dbt sees a ref only where it stands in a statement of its own
    to_decide = dbt.ref("int_sessions__to_decide")
    decided_before = dbt.ref("int_decisions__before")
    rules_met = dbt.ref("int_sessions__rules_met")
    curricula_clauses = dbt.ref("int_curricula__clauses")
    curricula_stages = dbt.ref("int_curricula__stages")

    return walking.to_table(
        walk(
            walking.sessions(to_decide),
            walking.before(decided_before),
            walking.clauses(curricula_clauses),
            walking.stages(curricula_stages),
            walking.met(rules_met),
        )
    )
