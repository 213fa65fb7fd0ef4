"""Walk every mouse through its stages: one decision per session that has none yet (SEMANTICS 2-8).

Pure functions on arrays, which know no database; the walk takes all mice at once, session by session.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

NO_STAGE = 0
GRADUATED = 8
REASONS = (
    None,
    "off_by_directive",
    "unknown_curriculum",
    "metric_is_no_number",
    "unknown_start_stage",
    "stage_without_rules",
)
OFF, UNKNOWN_CURRICULUM, WRONG_METRIC, UNKNOWN_START_STAGE, STAGE_WITHOUT_RULES = range(1, len(REASONS))

NO_DIRECTIVE, HOLD, PIN = range(3)


class Sessions(NamedTuple):
    """Sessions to decide, each array of shape (sessions,); a key of 0 says: none that we know.

    Directives of people are kept apart from the rules: `is_off` leaves the session undecided, `enrol_stage_key` is
    where its subject starts, `directive` (`HOLD` or `PIN` to `pin_stage_key`) overrules what the rules say comes next.
    """

    session_key: Ints
    subject_key: Ints
    session: Ints
    curriculum_key: Ints
    reported_stage_key: Ints
    has_wrong_metric: Bools
    is_off: Bools
    enrol_stage_key: Ints
    directive: Ints
    pin_stage_key: Ints


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
    """By curriculum_key: first stage, shape (curricula + 1,); has rules, shape (curricula + 1, stages + 1)."""

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
    next: Ints
    rule_key: Ints
    is_first: Bools
    is_newest: Bools
    reason: Ints


class Layout(NamedTuple):
    """The timelines of all subjects, laid out step by step: all first sessions, then all second ones, …

    Within a step subjects stand in the same order, those with the longest timeline first, so the state that a step
    leaves for its subjects is the state that the next step finds at the same places.

    Attributes:
        source: shape (rows,), index of each row among the sessions to decide followed by the decisions that stand.
        offset: shape (steps + 1,), first row of each step.
    """

    source: Ints
    offset: Ints


def lay_out(subject: Ints, number: Ints) -> Layout:
    """Lay out rows by their place in their subject's timeline, which runs in order of session number."""
    order = (
        np.lexsort((number, subject))
        if _too_large_to_pack(subject, number)
        else np.argsort(subject.astype(np.int64) * (int(number.max(initial=0)) + 1) + number)
    )
    n = len(order)
    in_order = subject[order]
    first = np.flatnonzero(np.r_[True, in_order[1:] != in_order[:-1]]) if n else np.zeros(0, np.int64)
    length = np.diff(np.r_[first, n])
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(-length, kind="stable")] = np.arange(len(first))
    ends = np.bincount(length)
    size = len(first) - np.cumsum(ends)[:-1] if n else np.zeros(0, np.int64)
    offset = np.r_[0, np.cumsum(size)]
    place = np.arange(n) - np.repeat(first, length)
    source = np.empty(n, np.int64)
    source[offset[place] + np.repeat(rank, length)] = order
    return Layout(source, offset)


def _too_large_to_pack(subject: Ints, number: Ints) -> bool:
    return (int(subject.max(initial=0)) + 1) * (int(number.max(initial=0)) + 1) >= 2**63


def walk(sessions: Sessions, before: Before, clauses: Clauses, stages: Stages, met: Met) -> Decided:
    """Decide all sessions, with the state that each step of the layout leaves to the next."""
    layout = lay_out(
        np.concatenate([sessions.subject_key, before.subject_key]), np.concatenate([sessions.session, before.session])
    )
    n, to_decide = len(layout.source), len(sessions.session_key)
    size = np.diff(layout.offset)
    subjects = int(size.max(initial=0))

    def rows(of_sessions: NDArray, of_before: NDArray) -> NDArray:
        return np.concatenate([of_sessions, of_before])[layout.source]

    none = np.zeros(n - to_decide, np.int8)
    number = rows(sessions.session, before.session)
    curriculum = rows(sessions.curriculum_key, none)
    reported = rows(sessions.reported_stage_key, before.actual_stage_key)
    wrong = rows(sessions.has_wrong_metric, none.astype(np.bool_))
    is_off = rows(sessions.is_off, none.astype(np.bool_))
    enrol, directive, pin = (
        rows(column, none) for column in (sessions.enrol_stage_key, sessions.directive, sessions.pin_stage_key)
    )
    given = layout.source >= to_decide
    given_next = rows(np.zeros(to_decide, np.int8), before.next_stage_key)
    row_of_pair, clause_of_pair = pairs_by_row(met, sessions.session_key, layout)
    first_pair = np.searchsorted(row_of_pair, layout.offset)
    # the rule that comes first in its stage has the lowest rank
    rank = clauses.rule_number.astype(np.int64) * len(clauses.rule_key) + np.arange(len(clauses.rule_key))

    suggested, actual, then, reason = (np.zeros(n, np.int8) for _ in range(4))
    at_stage, rule_key = (np.zeros(n, np.int32) for _ in range(2))
    next_stage, last_actual = (np.zeros(subjects, np.int8) for _ in range(2))
    run = np.zeros(subjects, np.int32)
    newest = np.full(subjects, -1)
    is_first = np.zeros(n, np.bool_)
    for step in range(len(size)):
        row = slice(layout.offset[step], layout.offset[step + 1])
        active = slice(0, size[step])

        known = np.where(next_stage[active] != NO_STAGE, next_stage[active], reported[row])
        start = np.where((number[row] == 1) & ~given[row], stages.first[curriculum[row]], known)
        starts = ((number[row] == 1) | (next_stage[active] == NO_STAGE)) & ~given[row]
        start = np.where(starts & (enrol[row] != NO_STAGE), enrol[row], start)
        now = np.where(reported[row] != NO_STAGE, reported[row], start)
        count = np.where(now == last_actual[active], run[active], 0) + 1
        why = np.select(
            [
                given[row],
                is_off[row],
                curriculum[row] == 0,
                wrong[row],
                start == NO_STAGE,
                ~stages.has_rules[curriculum[row], now] & (now != GRADUATED),
            ],
            [0, OFF, UNKNOWN_CURRICULUM, WRONG_METRIC, UNKNOWN_START_STAGE, STAGE_WITHOUT_RULES],
        )
        pairs = slice(first_pair[step], first_pair[step + 1])
        clause = first_rule_met(row_of_pair[pairs] - row.start, clause_of_pair[pairs], clauses, rank, now, count)
        fires = (clause >= 0) & (now != GRADUATED) & (directive[row] == NO_DIRECTIVE)
        after = np.where(fires, clauses.to_stage_key[clause], now)
        after = np.where(directive[row] == PIN, pin[row], after)
        after = np.where(given[row], given_next[row], after)

        suggested[row], actual[row], at_stage[row], then[row], reason[row] = start, now, count, after, why
        rule_key[row] = np.where(fires, clauses.rule_key[clause], 0)
        decided = why == 0
        is_first[row] = decided & (newest[active] < 0)
        next_stage[active] = np.where(decided, after, next_stage[active])
        last_actual[active] = np.where(decided, now, last_actual[active])
        run[active] = np.where(decided, count, run[active])
        newest[active] = np.where(decided, np.arange(row.start, row.stop), newest[active])

    is_newest = np.zeros(n, np.bool_)
    is_newest[newest[newest >= 0]] = True
    mine = ~given
    return Decided(
        sessions.session_key[layout.source[mine]],
        *(column[mine] for column in (suggested, actual, at_stage, then, rule_key, is_first, is_newest, reason)),
    )


def pairs_by_row(met: Met, session_key: Ints, layout: Layout) -> tuple[Ints, Ints]:
    """The pairs as rows of the layout and clauses, in order of the rows."""
    row_of_key = np.zeros(int(session_key.max(initial=0)) + 1, np.int64)
    of_session = layout.source < len(session_key)
    row_of_key[session_key[layout.source[of_session]]] = np.flatnonzero(of_session)
    row = row_of_key[met.session_key]
    order = np.argsort(row, kind="stable")
    return row[order], met.clause_key[order]


def first_rule_met(row: Ints, clause: Ints, clauses: Clauses, rank: Ints, stage: Ints, at_stage: Ints) -> Ints:
    """Clause of the first rule of each row's stage that holds, -1 where none does; `row` and `clause` are pairs."""
    holds = (
        (clauses.stage_key[clause] == stage[row])
        & (clauses.at_stage_lower[clause] <= at_stage[row])
        & (at_stage[row] <= clauses.at_stage_upper[clause])
    )
    none = np.iinfo(np.int64).max
    best = np.full(len(stage), none)
    np.minimum.at(best, row[holds], rank[clause[holds]])
    return np.where(best == none, -1, best % max(len(rank), 1))
