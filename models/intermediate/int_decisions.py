"""Walk every mouse through its stages: one decision per session that has none yet (SEMANTICS 2-8).

The functions above `model` are pure and know no database; the walk takes all mice at once, session by session.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

NO_STAGE = 0
GRADUATED = 8
REASONS = (None, "unknown_curriculum", "metric_is_no_number", "unknown_start_stage", "stage_without_rules")
UNKNOWN_CURRICULUM, WRONG_METRIC, UNKNOWN_START_STAGE, STAGE_WITHOUT_RULES = range(1, len(REASONS))

SCHEMA = pa.schema(
    [
        ("session_key", pa.int32()),
        ("suggested_stage_key", pa.int8()),
        ("actual_stage_key", pa.int8()),
        ("session_at_current_stage", pa.int32()),
        ("rule_key", pa.int32()),
        ("not_decided_because", pa.string()),
    ]
)


class Sessions(NamedTuple):
    """Sessions to decide, each array of shape (sessions,); a key of 0 says: none that we know."""

    session_key: Ints
    subject_key: Ints
    session: Ints
    curriculum_key: Ints
    reported_stage_key: Ints
    has_wrong_metric: Bools


class Before(NamedTuple):
    """Decisions that stand, of the same subjects, each array of shape (decisions,)."""

    subject_key: Ints
    session: Ints
    actual_stage_key: Ints
    next_stage_key: Ints


class Clauses(NamedTuple):
    """Clauses of rules, each array indexed by clause_key, with the bounds of session_at_current_stage."""

    stage_key: Ints
    rule_number: Ints
    rule_key: Ints
    to_stage_key: Ints
    at_stage_lower: NDArray[np.float64]
    at_stage_upper: NDArray[np.float64]


class Stages(NamedTuple):
    """Curricula by curriculum_key: first stage, shape (curricula + 1,); has rules, shape (curricula + 1, stages + 1)."""

    first: Ints
    has_rules: Bools


class Met(NamedTuple):
    """Pairs of a session and a clause whose measures all lie in bounds, each array of shape (pairs,)."""

    session_key: Ints
    clause_key: Ints


class Decided(NamedTuple):
    """One element per session to decide; a reason above 0 indexes `REASONS` and says that it is not decided."""

    session_key: Ints
    suggested: Ints
    actual: Ints
    at_stage: Ints
    rule_key: Ints
    reason: Ints


class Ranges(NamedTuple):
    """Clauses met by each row of the timeline: row i has clause_key[start[i] : start[i] + count[i]]."""

    start: Ints
    count: Ints
    clause_key: Ints


def walk(sessions: Sessions, before: Before, clauses: Clauses, stages: Stages, met: Met) -> Decided:
    """Decide all sessions.

    The timeline of a subject holds its decisions that stand and its sessions to decide, in order of session number.
    Step k handles the k-th of every subject that has so many, with the state that step k - 1 left.
    """
    subject = np.concatenate([sessions.subject_key, before.subject_key])
    number = np.concatenate([sessions.session, before.session])
    order = np.lexsort((number, subject))
    subject, number = subject[order], number[order]
    n, to_decide = len(order), len(sessions.session_key)

    def timeline(of_sessions: NDArray, of_before: NDArray | int = 0) -> NDArray:
        rest = np.broadcast_to(np.asarray(of_before, of_sessions.dtype), (n - to_decide,))
        return np.concatenate([of_sessions, rest])[order]

    curriculum = timeline(sessions.curriculum_key)
    reported = timeline(sessions.reported_stage_key, before.actual_stage_key)
    wrong = timeline(sessions.has_wrong_metric)
    given_next = timeline(np.zeros(to_decide, np.int64), before.next_stage_key)
    given = order >= to_decide
    ranges = clauses_by_row(met, timeline(sessions.session_key, -1))
    rank = clauses.rule_number * len(clauses.rule_key) + np.arange(len(clauses.rule_key))

    first_row = np.flatnonzero(np.r_[True, subject[1:] != subject[:-1]]) if n else np.zeros(0, np.int64)
    length = np.diff(np.r_[first_row, n])
    longest_first = np.argsort(-length, kind="stable")
    first_row, length = first_row[longest_first], length[longest_first]

    suggested, actual, at_stage, rule_key, reason = (np.zeros(n, np.int64) for _ in range(5))
    next_stage, last_actual, run = (np.zeros(len(first_row), np.int64) for _ in range(3))
    for step in range(int(length.max(initial=0))):
        active = int(np.searchsorted(-length, -step))  # subjects with more than `step` rows
        row = first_row[:active] + step
        before_stage, before_actual, before_run = next_stage[:active], last_actual[:active], run[:active]

        known = np.where(before_stage != NO_STAGE, before_stage, reported[row])
        start = np.where(number[row] == 1, stages.first[curriculum[row]], known)
        now = np.where(reported[row] != NO_STAGE, reported[row], start)
        count = np.where(now == before_actual, before_run, 0) + 1
        why = np.select(
            [
                given[row],
                curriculum[row] == 0,
                wrong[row],
                start == NO_STAGE,
                ~stages.has_rules[curriculum[row], now] & (now != GRADUATED),
            ],
            [0, UNKNOWN_CURRICULUM, WRONG_METRIC, UNKNOWN_START_STAGE, STAGE_WITHOUT_RULES],
        )
        clause = first_rule_met(ranges, clauses, rank, row, now, count)
        fires = (clause >= 0) & (now != GRADUATED)
        rule = np.where(fires, clauses.rule_key[clause], 0)
        after = np.where(given[row], given_next[row], np.where(fires, clauses.to_stage_key[clause], now))

        suggested[row], actual[row], at_stage[row], rule_key[row], reason[row] = start, now, count, rule, why
        decided = why == 0
        next_stage[:active] = np.where(decided, after, before_stage)
        last_actual[:active] = np.where(decided, now, before_actual)
        run[:active] = np.where(decided, count, before_run)

    mine = ~given
    key = timeline(sessions.session_key, -1)
    return Decided(*(column[mine] for column in (key, suggested, actual, at_stage, rule_key, reason)))


def clauses_by_row(met: Met, session_key: Ints) -> Ranges:
    """Group the pairs by the row of the timeline on which their session stands."""
    row_of_key = np.zeros(int(session_key.max(initial=0)) + 1, np.int64)
    row_of_key[session_key[session_key >= 0]] = np.flatnonzero(session_key >= 0)
    row = row_of_key[met.session_key]
    clause_key = met.clause_key
    if np.any(row[1:] < row[:-1]):
        order = np.argsort(row, kind="stable")
        row, clause_key = row[order], clause_key[order]
    count = np.bincount(row, minlength=len(session_key))
    return Ranges(np.cumsum(count) - count, count, clause_key)


def first_rule_met(ranges: Ranges, clauses: Clauses, rank: Ints, row: Ints, stage: Ints, at_stage: Ints) -> Ints:
    """Clause of the first rule of the stage that holds on each row, -1 where none does."""
    count = ranges.count[row]
    of_row = np.repeat(np.arange(len(row)), count)
    within = np.arange(len(of_row)) - np.repeat(np.cumsum(count) - count, count)
    clause = ranges.clause_key[np.repeat(ranges.start[row], count) + within]
    holds = (
        (clauses.stage_key[clause] == stage[of_row])
        & (clauses.at_stage_lower[clause] <= at_stage[of_row])
        & (at_stage[of_row] <= clauses.at_stage_upper[clause])
    )
    none = np.iinfo(np.int64).max
    best = np.full(len(row), none)
    np.minimum.at(best, of_row[holds], rank[clause[holds]])
    return np.where(best == none, -1, best % max(len(rank), 1))


def by_key(key: Ints, value: NDArray) -> NDArray:
    """An array indexed by key; what no key names is 0."""
    indexed = np.zeros(int(key.max(initial=0)) + 1, value.dtype)
    indexed[key] = value
    return indexed


def to_table(decided: Decided) -> pa.Table:
    """The decisions with the explicit schema of this model."""
    reasons = pa.array(REASONS, pa.string()).take(pa.array(decided.reason))
    rule_key = pa.array(decided.rule_key, pa.int32(), mask=decided.rule_key == 0)
    columns = [decided.session_key, decided.suggested, decided.actual, decided.at_stage]
    arrays = [pa.array(column).cast(field.type) for column, field in zip(columns, SCHEMA, strict=False)]
    return pa.Table.from_arrays([*arrays, rule_key, reasons], schema=SCHEMA)


def model(dbt, session):  # noqa: ANN001, ANN201 - dbt gives the types
    dbt.config(materialized="table")

    # dbt sees a ref only where it stands in a statement of its own
    to_decide = dbt.ref("int_sessions__to_decide")
    decided_before = dbt.ref("int_decisions__before")
    rules_met = dbt.ref("int_sessions__rules_met")
    curricula_clauses = dbt.ref("int_curricula__clauses")
    curricula_stages = dbt.ref("int_curricula__stages")

    sessions = Sessions(
        *columns(
            to_decide,
            "session_key",
            "subject_key",
            "session",
            "coalesce(curriculum_key, 0)",
            "coalesce(reported_stage_key, 0)",
            "has_wrong_metric",
        )
    )
    before = Before(*columns(decided_before, "subject_key", "session", "actual_stage_key", "next_stage_key"))
    met = Met(*columns(rules_met, "session_key", "clause_key"))
    clause_key, *bounds = columns(
        curricula_clauses,
        "clause_key",
        "stage_key",
        "rule_number",
        "rule_key",
        "to_stage_key",
        "coalesce(session_at_current_stage__lower, '-inf'::double)",
        "coalesce(session_at_current_stage__upper, 'inf'::double)",
    )
    clauses = Clauses(*(by_key(clause_key, column) for column in bounds))
    curriculum, stage, is_first, has_rules = columns(
        curricula_stages, "curriculum_key", "stage_key", "is_first", "has_rules"
    )
    rules = np.zeros((int(curriculum.max(initial=0)) + 1, GRADUATED + 1), np.bool_)
    rules[curriculum, stage] = has_rules
    stages = Stages(by_key(curriculum[is_first], stage[is_first]), rules)
    return to_table(walk(sessions, before, clauses, stages, met))


def columns(relation, *expressions: str) -> list[NDArray]:  # noqa: ANN001 - a DuckDB relation
    """Columns of a relation as arrays; none of them may have missing values."""
    return list(relation.project(", ".join(expressions)).fetchnumpy().values())
