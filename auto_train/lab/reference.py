"""What a night must decide (docs/semantics.md, rules 1 to 13 and 30, 31), mouse by mouse and session by session.

It shares nothing with models and walk but the parser of conditions, so that it can judge them.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from auto_train.lab.world import DAY, Key, Line, Row
from auto_train.simulation.mice import STAGES
from curricula.conditions import Condition, Measure, comparisons, holds
from curricula.library import folder_name
from curricula.schema import Curriculum
from curricula.statistics import STATISTICS

DIRECTIVES = ("hold", "pin", "off_curriculum", "enrol", "left", "continue_numbers", "decide_anew")
# rows of one number that lie further apart are of a counter that restarted
ONE_SESSION = 3 * DAY
RESTARTED, TWICE = "session_counter_restarted", "session_twice"


class Directive(NamedTuple):
    """A line as it is understood; one with a problem holds its mouse."""

    subject_id: str
    kind: str
    stage: str
    first: date | None
    last: date | None
    is_problem: bool

    def is_in_force(self, day: date) -> bool:
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)

    @property
    def overrules(self) -> bool:
        return self.is_problem or self.kind in ("hold", "pin")


class Decision(NamedTuple):
    """A decision, and what it was made from."""

    session: int
    day: date
    suggested: str
    actual: str
    at_stage: int
    decision: str
    next_stage: str
    rule: int | None
    overruled: Directive | None
    own: tuple[Any, ...]
    history: dict[int, tuple[Any, ...]]


class Rules:
    """The library, with its conditions parsed once."""

    def __init__(self, library: Mapping[Key, Curriculum]) -> None:
        self.library = library
        self.names = {f"{folder_name(key[0])}/v{key[1]}" for key in library}
        self.of_stage: dict[tuple[Key, str], list[tuple[str, str, Condition]]] = {
            (key, str(name)): [
                (str(rule.decision), str(rule.to_stage), rule.parsed(curriculum.task_definition))
                for rule in stage.rules
            ]
            for key, curriculum in library.items()
            for name, stage in curriculum.stages.items()
        }
        conditions = [condition for rules in self.of_stage.values() for _, _, condition in rules]
        self.longest_window = max(of.measure.window for condition in conditions for of in comparisons(condition))


class Mouse(NamedTuple):
    """What is known of a mouse in a night.

    Attributes:
        sessions: by their numbers, those that take part.
        aside: rows that are set aside, with the reason.
        decisions: by session number.
    """

    sessions: dict[int, Row]
    aside: list[tuple[Row, str]]
    decisions: dict[int, Decision]


State = dict[str, dict[int, Decision]]
"""Decisions as published, by subject and session number."""


def understood(line: Line, rules: Rules) -> Directive:
    """What a line says."""
    first, first_is_wrong = _date("" if line.is_cut else line.from_date)
    last, last_is_wrong = _date("" if line.is_cut else line.until_date)
    has_no_days = first_is_wrong or last_is_wrong or (first and last and last < first)
    if has_no_days:
        first = last = None
    names_nothing = (line.directive == "pin" and line.stage not in STAGES) or (
        line.directive == "enrol" and line.stage not in {*STAGES, *rules.names}
    )
    is_problem = bool(
        line.is_cut or has_no_days or names_nothing or line.directive not in DIRECTIVES or not (line.who and line.why)
    )
    return Directive(line.subject_id, line.directive, line.stage, first, last, is_problem)


def _date(text: str) -> tuple[date | None, bool]:
    try:
        return (date.fromisoformat(text) if text else None), False
    except ValueError:
        return None, True


def night(rows: list[Row], lines: list[Line], published: State, rules: Rules, day: date) -> dict[str, Mouse]:
    """What a night that decides for a day makes of the table and of what was published."""
    said = [understood(line, rules) for line in lines]
    subjects = sorted({row.subject_id for row in rows} | published.keys() | {of.subject_id for of in said})
    return {
        subject: _mouse(
            [row for row in rows if row.subject_id == subject],
            [of for of in said if of.subject_id == subject],
            published.get(subject, {}),
            rules,
            day,
        )
        for subject in subjects
    }


def _mouse(rows: list[Row], said: list[Directive], published: dict[int, Decision], rules: Rules, day: date) -> Mouse:
    sessions, aside = _sessions(rows, said)
    numbers = sorted(sessions)
    overruled = [_overruled(sessions, numbers, place, said, day) for place in range(len(numbers))]
    decisions = dict(published)
    for of in said:
        if of.kind == "decide_anew" and not of.is_problem and of.first:
            anew = [number for number, was in decisions.items() if number in sessions and was.day >= of.first]
            decisions = {number: was for number, was in decisions.items() if number not in anew}
    if decisions and numbers and max(decisions) in sessions and max(decisions) >= numbers[-1]:
        newest = decisions[max(decisions)]
        is_other = overruled[-1] != newest.overruled or _own(sessions[newest.session]) != newest.own
        if is_other or any(
            number not in sessions or _values(sessions[number]) != was for number, was in newest.history.items()
        ):
            del decisions[newest.session]
    for place, number in enumerate(numbers):
        if number in decisions:
            continue
        before = [decisions[of] for of in sorted(decisions) if of < number and of != 0]
        history = {of: sessions[of] for of in numbers[: place + 1]}
        result = _decide(number, history, before, overruled[place], _start(said, sessions[number]), rules)
        if isinstance(result, str):
            aside.append((sessions[number], result))
        else:
            decisions[number] = result
    enrolled = [of for of in said if of.kind == "enrol" and not of.is_problem and of.stage in rules.names]
    if set(decisions) <= {0} and not sessions and any(of.is_in_force(day) for of in enrolled):
        decisions = {0: _enrolment(enrolled[0], rules, day)}
    elif len(decisions) > 1 and 0 not in sessions:
        decisions.pop(0, None)
    return Mouse(sessions, aside, dict(sorted(decisions.items())))


def _sessions(rows: list[Row], said: list[Directive]) -> tuple[dict[int, Row], list[tuple[Row, str]]]:
    """Rules 13, 30 and the directive that lets numbers continue."""
    numbered = [(row.session, row) for row in rows]
    for of in said:
        if of.kind == "continue_numbers" and not of.is_problem and of.first:
            first = of.first
            highest = max((number for number, row in numbered if row.day < first), default=0)
            numbered = [(number + highest * (row.day >= first), row) for number, row in numbered]
    sessions: dict[int, Row] = {}
    aside = []
    for number in sorted({number for number, _ in numbered}):
        of_number = [row for of, row in numbered if of == number]
        earliest = min(row.day for row in of_number)
        one = [row for row in of_number if row.day - earliest <= ONE_SESSION]
        sessions[number] = max(one, key=lambda row: -1.0 if row.finished_trials is None else row.finished_trials)
        aside += [(row, RESTARTED) for row in of_number if row not in one]
        aside += [(row, TWICE) for row in one if row is not sessions[number]]
    return sessions, aside


def _overruled(
    sessions: dict[int, Row], numbers: list[int], place: int, said: list[Directive], day: date
) -> Directive | None:
    """The directive in force on the day on which the decision of a session takes effect."""
    on = day if place == len(numbers) - 1 else sessions[numbers[place + 1]].day
    in_force = [of for of in said if of.overrules and of.is_in_force(on)]
    return min(in_force, key=lambda of: not of.is_problem, default=None)


def _start(said: list[Directive], row: Row) -> str | None:
    """The stage at which a directive lets a mouse start; a curriculum alone names none."""
    stages = [of.stage for of in said if of.kind == "enrol" and not of.is_problem and of.is_in_force(row.day)]
    return next((stage for stage in stages if stage in STAGES), None)


def _own(row: Row) -> tuple[Any, ...]:
    return row.day, row.curriculum, row.stage, *_values(row)


def _values(row: Row) -> tuple[float | None, float | None]:
    return row.finished_trials, row.foraging_efficiency


def _decide(
    number: int,
    history: dict[int, Row],
    before: list[Decision],
    overruled: Directive | None,
    start: str | None,
    rules: Rules,
) -> Decision | str:
    row = history[number]
    curriculum = rules.library.get(row.curriculum)
    if curriculum is None:
        return "unknown_curriculum"
    stages = [str(stage) for stage in curriculum.stages]
    reported = row.stage if row.stage in STAGES else None
    start = start if start in stages else None
    if number == 1:
        suggested: str | None = start or stages[0]
    else:
        suggested = before[-1].next_stage if before else start or reported
    actual = reported or suggested
    if suggested is None or actual is None:
        return "unknown_start_stage"
    at_stage = 1
    for earlier in reversed(before):
        if earlier.actual != actual:
            break
        at_stage += 1
    of_stage = rules.of_stage.get((row.curriculum, actual), [])
    if actual != "GRADUATED" and not of_stage:
        return "stage_without_rules"
    decision, after, rule = "STAY", actual, None
    if overruled is None and actual != "GRADUATED":
        counters = {"session_total": number, "session_at_current_stage": at_stage}
        for place, (outcome, to_stage, condition) in enumerate(of_stage, 1):
            if holds(condition, lambda measure: _value(measure, history, counters))[0]:
                decision, after, rule = outcome, to_stage, place
                break
    elif overruled and overruled.kind == "pin" and not overruled.is_problem and overruled.stage in stages:
        after = overruled.stage
        moved = STAGES.index(after) - STAGES.index(actual)
        decision = "PROGRESS" if moved > 0 else "ROLLBACK" if moved < 0 else "STAY"
    newest = dict(sorted(history.items())[-rules.longest_window :])
    read = {of: _values(row) for of, row in newest.items()}
    return Decision(number, row.day, suggested, actual, at_stage, decision, after, rule, overruled, _own(row), read)


def _value(measure: Measure, history: dict[int, Row], counters: dict[str, int]) -> NDArray[np.float64]:
    if not measure.metric:
        return np.array([float(counters[measure.statistic])])
    values = [getattr(row, measure.metric) for _, row in sorted(history.items())][-measure.window :]
    window = np.array([[np.nan if value is None else value] for value in values], np.float64)
    return STATISTICS[measure.statistic].values(window)


def _enrolment(of: Directive, rules: Rules, day: date) -> Decision:
    """The row that tells a rig where a mouse starts that has never run."""
    [curriculum] = [c for key, c in rules.library.items() if f"{folder_name(key[0])}/v{key[1]}" == of.stage][:1]
    stage = str(curriculum.first_stage)
    return Decision(0, of.first or day, stage, stage, 0, "STAY", stage, None, None, (), {})
