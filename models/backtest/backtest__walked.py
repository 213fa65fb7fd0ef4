"""Replay every session under every curriculum, in one walk."""

import numpy as np

from auto_train.decisions import relations
from auto_train.decisions.walk import Before, walk


def model(dbt, session):  # noqa: ANN001, ANN201 - dbt gives the types
    """Walk every mouse through every curriculum from its first session on."""
    dbt.config(materialized="table")

    # dbt sees a ref only where it stands in a statement of its own
    sessions = dbt.ref("backtest__sessions")
    rules_met = dbt.ref("backtest__rules_met")
    curricula_clauses = dbt.ref("int_curricula__clauses")
    curricula_stages = dbt.ref("int_curricula__stages")

    nothing = np.zeros(0, np.int64)
    return relations.to_table(
        walk(
            relations.sessions(sessions),
            Before(nothing, nothing, nothing, nothing),
            relations.clauses(curricula_clauses),
            relations.stages(curricula_stages),
            relations.met(rules_met),
        )
    )
