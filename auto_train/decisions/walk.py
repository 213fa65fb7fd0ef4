"""Walk every mouse through its stages: one decision per session that has none yet (SEMANTICS 2-8).

Pure functions on arrays, which know no database; the walk takes all mice at once, session by session.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from auto_train.decisions.vocabulary import SetAside

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

NO_STAGE = 0
REASONS = (
    None,
    SetAside.OFF_BY_DIRECTIVE,
    SetAside.UNKNOWN_CURRICULUM,
    SetAside.METRIC_IS_NO_NUMBER,
    SetAside.UNKNOWN_START_STAGE,
    SetAside.STAGE_WITHOUT_RULES,
)
"""Why a session is not decided; the first that applies. None: it is decided."""

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
    """By curriculum_key: first stage, shape (curricula + 1,); the others have the shape (curricula + 1, stages + 1).

    `position` is the place in the order of training, `is_end` where a mouse stays for good.
    """

    first: Ints
    has_rules: Bools
    is_end: Bools
    position: Ints


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
    direction: Ints
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
    """Decide all sessions, with the state that each step of the layout leaves to the next.

    Args:
        sessions: what is to be decided.
        before: decisions that stand, of the same subjects.
        clauses, stages: the curricula.
        met: for each session the clauses that its measures meet, but for session_at_current_stage.
    """
    timeline = _Timeline(sessions, before)
    rules = _Rules(clauses, met, sessions, timeline.layout)
    found = _Decisions(len(timeline.number))
    state = _State(int(np.diff(timeline.layout.offset).max(initial=0)))
    for step in range(len(timeline.layout.offset) - 1):
        row = slice(timeline.layout.offset[step], timeline.layout.offset[step + 1])
        active = slice(0, row.stop - row.start)
        suggested = _suggested_stage(timeline, stages, state, row, active)
        actual = np.where(timeline.reported[row] != NO_STAGE, timeline.reported[row], suggested)
        at_stage = np.where(actual == state.last_actual[active], state.run[active], 0) + 1
        reason = _why_not_decided(timeline, stages, row, suggested, actual)
        clause = rules.first_met(step, row, actual, at_stage)
        curriculum = timeline.curriculum[row]
        fires = (clause >= 0) & ~stages.is_end[curriculum, actual] & (timeline.directive[row] == NO_DIRECTIVE)
        after = _next_stage(timeline, row, np.where(fires, clauses.to_stage_key[clause], actual))

        found.suggested[row], found.actual[row], found.at_stage[row] = suggested, actual, at_stage
        found.next[row], found.reason[row] = after, reason
        found.direction[row] = np.sign(stages.position[curriculum, after] - stages.position[curriculum, actual])
        found.rule_key[row] = np.where(fires, clauses.rule_key[clause], 0)
        found.is_first[row] = (reason == 0) & (state.newest[active] < 0)
        state.remember(reason == 0, active, row, actual, at_stage, after)
    found.is_newest[state.newest[state.newest >= 0]] = True
    return found.of(sessions, timeline)


class _Timeline:
    """Sessions to decide and decisions that stand, as rows of the layout; each array has the shape (rows,)."""

    def __init__(self, sessions: Sessions, before: Before) -> None:
        self.layout = lay_out(
            np.concatenate([sessions.subject_key, before.subject_key]),
            np.concatenate([sessions.session, before.session]),
        )
        to_decide, standing = len(sessions.session_key), len(before.session)
        none = np.zeros(standing, np.int16)

        def rows(of_sessions: NDArray[Any], of_before: NDArray[Any]) -> NDArray[Any]:
            return np.concatenate([of_sessions, of_before])[self.layout.source]

        self.stands = self.layout.source >= to_decide
        self.number = rows(sessions.session, before.session)
        self.curriculum = rows(sessions.curriculum_key, none)
        self.reported = rows(sessions.reported_stage_key, before.actual_stage_key)
        self.published_next = rows(np.zeros(to_decide, np.int16), before.next_stage_key)
        self.has_wrong_metric = rows(sessions.has_wrong_metric, none.astype(np.bool_))
        self.is_off = rows(sessions.is_off, none.astype(np.bool_))
        self.enrol = rows(sessions.enrol_stage_key, none)
        self.directive = rows(sessions.directive, none)
        self.pin = rows(sessions.pin_stage_key, none)


class _State:
    """What a step leaves of each subject to the next one; each array has the shape (subjects,)."""

    def __init__(self, subjects: int) -> None:
        self.next_stage = np.full(subjects, NO_STAGE, np.int16)
        self.last_actual = np.full(subjects, NO_STAGE, np.int16)
        self.run = np.zeros(subjects, np.int32)
        self.newest = np.full(subjects, -1)

    def remember(self, decided: Bools, active: slice, row: slice, actual: Ints, at_stage: Ints, after: Ints) -> None:
        """Undecided sessions leave no trace: they are neither counted nor a break (SEMANTICS 4)."""
        for state, now in (
            (self.next_stage, after),
            (self.last_actual, actual),
            (self.run, at_stage),
            (self.newest, np.arange(row.start, row.stop)),
        ):
            state[active] = np.where(decided, now, state[active])


class _Decisions:
    """What is found for each row of the layout."""

    def __init__(self, rows: int) -> None:
        self.suggested, self.actual, self.next = (np.zeros(rows, np.int16) for _ in range(3))
        self.direction, self.reason = (np.zeros(rows, np.int8) for _ in range(2))
        self.at_stage, self.rule_key = (np.zeros(rows, np.int32) for _ in range(2))
        self.is_first, self.is_newest = (np.zeros(rows, np.bool_) for _ in range(2))

    def of(self, sessions: Sessions, timeline: _Timeline) -> Decided:
        """Those of the sessions that were to be decided."""
        asked = ~timeline.stands
        names = Decided._fields[1:]
        columns = {name: getattr(self, name)[asked] for name in names}
        return Decided(session_key=sessions.session_key[timeline.layout.source[asked]], **columns)


def _suggested_stage(timeline: _Timeline, stages: Stages, state: _State, row: slice, active: slice) -> Ints:
    """SEMANTICS 2: session 1 starts its curriculum, any other goes on or starts where the rig reports."""
    to_decide = ~timeline.stands[row]
    is_first_session = (timeline.number[row] == 1) & to_decide
    goes_on = state.next_stage[active] != NO_STAGE
    suggested = np.where(goes_on, state.next_stage[active], timeline.reported[row])
    suggested = np.where(is_first_session, stages.first[timeline.curriculum[row]], suggested)
    starts = is_first_session | (~goes_on & to_decide)
    return np.where(starts & (timeline.enrol[row] != NO_STAGE), timeline.enrol[row], suggested)


def _why_not_decided(timeline: _Timeline, stages: Stages, row: slice, suggested: Ints, actual: Ints) -> Ints:
    """SEMANTICS 12, as an index of `REASONS`."""
    curriculum = timeline.curriculum[row]
    has_no_rules = ~stages.has_rules[curriculum, actual] & ~stages.is_end[curriculum, actual]
    return np.select(
        [
            timeline.stands[row],
            timeline.is_off[row],
            timeline.curriculum[row] == 0,
            timeline.has_wrong_metric[row],
            suggested == NO_STAGE,
            has_no_rules,
        ],
        range(len(REASONS)),
    )


def _next_stage(timeline: _Timeline, row: slice, by_rules: Ints) -> Ints:
    """What the rules say, unless a directive pins the mouse; what stands stays as it was published."""
    after = np.where(timeline.directive[row] == PIN, timeline.pin[row], by_rules)
    return np.where(timeline.stands[row], timeline.published_next[row], after)


class _Rules:
    """The clauses that sessions meet, in the order of the rows that they belong to."""

    def __init__(self, clauses: Clauses, met: Met, sessions: Sessions, layout: Layout) -> None:
        self.clauses = clauses
        self.row, self.clause = pairs_by_row(met, sessions.session_key, layout)
        self.first_pair = np.searchsorted(self.row, layout.offset)
        # the rule that comes first in its stage has the lowest rank
        self.rank = clauses.rule_number.astype(np.int64) * len(clauses.rule_key) + np.arange(len(clauses.rule_key))

    def first_met(self, step: int, row: slice, stage: Ints, at_stage: Ints) -> Ints:
        """SEMANTICS 6: clause of the first rule of each row's stage that holds, -1 where none does."""
        pairs = slice(self.first_pair[step], self.first_pair[step + 1])
        return first_rule_met(self.row[pairs] - row.start, self.clause[pairs], self.clauses, self.rank, stage, at_stage)


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
