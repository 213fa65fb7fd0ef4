"""Decide again from the first decision of a subject whose inputs have changed since: for comparison only."""

from auto_train.decisions import relations
from auto_train.decisions.walk import walk


def model(dbt, session):  # noqa: ANN001, ANN201 - dbt gives the types
    """Walk every drifted mouse on from its decisions before the change."""
    dbt.config(materialized="table")

    # dbt sees a ref only where it stands in a statement of its own
    to_decide = dbt.ref("int_sessions__to_replay")
    decided_before = dbt.ref("int_decisions__before_replay")
    rules_met = dbt.ref("int_sessions__rules_met_in_replay")
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
