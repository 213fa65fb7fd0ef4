"""Replay every session under every curriculum, in one walk."""

import numpy as np

from curricula.walk import Before, walk
from scripts import walking


def model(dbt, session):  # noqa: ANN001, ANN201 - dbt gives the types
    """Walk every mouse through every curriculum from its first session on."""
    dbt.config(materialized="table")

    # dbt sees a ref only where it stands in a statement of its own
    sessions = dbt.ref("backtest__sessions")
    rules_met = dbt.ref("backtest__rules_met")
    curricula_clauses = dbt.ref("int_curricula__clauses")
    curricula_stages = dbt.ref("int_curricula__stages")

    nothing = np.zeros(0, np.int64)
    return walking.to_table(
        walk(
            walking.sessions(sessions),
            Before(nothing, nothing, nothing, nothing),
            walking.clauses(curricula_clauses),
            walking.stages(curricula_stages),
            walking.met(rules_met),
        )
    )
