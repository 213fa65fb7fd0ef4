"""Decide once more, from the first decision of a subject whose inputs have changed since: for comparison only."""

from curricula.walk import walk
from scripts import walking


def model(dbt, session):  # noqa: ANN001, ANN201 - dbt gives the types
    """Walk every drifted mouse on from its decisions before the change."""
    dbt.config(materialized="table")

    # dbt sees a ref only where it stands in a statement of its own
    to_decide = dbt.ref("int_sessions__to_replay")
    decided_before = dbt.ref("int_decisions__before_replay")
    rules_met = dbt.ref("int_sessions__rules_met_in_replay")
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
