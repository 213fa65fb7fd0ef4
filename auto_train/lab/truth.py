"""What is true of a night, and so what people should be told (docs/semantics.md, rules 28 to 33)."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, NamedTuple

from auto_train.lab.reference import RESTARTED, TWICE, Decision, Directive, Mouse, Rules, night, understood
from auto_train.lab.world import DAY, Row, World

Limits = Mapping[str, int]
NEWEST = 10  # sessions that "lately" looks back


class Morning(NamedTuple):
    """What rigs could read on a morning: the run that published, and the stage that it tells each mouse."""

    run_id: str | None
    stages: Mapping[str, str]


class Known(NamedTuple):
    """A mouse as a night should know it: rows that have arrived, directives, decisions, what mornings told.

    Attributes:
        day: the training day.
        lately: its newest decided sessions whose rows are there, oldest first.
        colleagues: of its trainer's active mice, whether each ran yesterday.
        anew: its decisions if all were made now.
    """

    subject_id: str
    day: date
    rows: list[Row]
    said: list[Directive]
    mouse: Mouse
    lately: list[tuple[Decision, Row]]
    colleagues: list[bool]
    anew: dict[int, Decision]
    mornings: Mapping[date, Morning]
    rules: Rules
    limits: Limits

    @property
    def newest(self) -> tuple[Decision, Row] | None:
        return self.lately[-1] if self.lately else None

    def told(self, row: Row) -> str | None:
        """What the rigs could read for this mouse on the day of a session."""
        morning = self.mornings.get(row.day)
        return morning.stages.get(self.subject_id) if morning else None


def chose(row: Row, told: str | None, has_flag: bool) -> bool:
    """Whether a trainer chose another stage; without the rigs' flag all that can be known is that another one ran."""
    return row.chose if has_flag else bool(row.stage and told and row.stage != told)


def _held(of: Known) -> bool:
    """a hold or pin without a problem is in force on the training day"""
    return any(one.kind in ("hold", "pin") and not one.is_problem and one.is_in_force(of.day) for one in of.said)


def _directive_ends(of: Known) -> bool:
    """a hold or pin is in force, and tomorrow is its last day"""
    return _held(of) and any(one.last == of.day + DAY for one in of.said if one.overrules)


def _directive_problem(of: Known) -> bool:
    """a line about it has a problem and is not over"""
    return any(one.is_problem and (one.last is None or one.last >= of.day) for one in of.said)


def _ran_last(of: Known) -> Row:
    return max(of.rows, key=lambda row: (row.day, row.session))


def _why_aside(of: Known) -> str | None:
    last = _ran_last(of)
    return next((reason for row, reason in of.mouse.aside if row is last), None)


def _is_restarted(of: Known) -> bool:
    """what ran last has a number that an older session has, more than three days before"""
    return _why_aside(of) == RESTARTED


def _newest_set_aside(of: Known) -> bool:
    """what ran last is set aside: not for its counter, and not as a second row of a session"""
    return _why_aside(of) not in (None, RESTARTED, TWICE)


def _without_metrics(of: Known) -> bool:
    """what ran last is not set aside, and has no values"""
    return _why_aside(of) in (None, TWICE) and _ran_last(of).finished_trials is None


def _went_open_loop(of: Known) -> bool:
    """its newest decided session is in open loop, and one before was not"""
    return (
        of.newest is not None
        and of.newest[1].stage is None
        and any(row.stage is not None for number, row in of.mouse.sessions.items() if number < of.newest[0].session)
    )


def _did_not_run(of: Known) -> bool:
    """no session of it dated yesterday has arrived, though those of most of its trainer's active mice have"""
    ran = any(row.day == of.day - DAY for row in of.rows)
    return not ran and 2 * sum(of.colleagues) > len(of.colleagues)


def _stuck_in_stage(of: Known) -> bool:
    """attention_sessions_in_stage sessions in a row where it stays, neither GRADUATED nor held"""
    if of.newest is None:
        return False
    newest = of.newest[0]
    stays = newest.decision == "STAY" and newest.actual != "GRADUATED" and newest.overruled is None
    return stays and newest.at_stage >= of.limits["attention_sessions_in_stage"]


def _bouncing(of: Known) -> bool:
    """attention_rollbacks rollbacks in its last 10 decided sessions"""
    made = list(of.mouse.decisions.values())[-NEWEST:]
    return sum(one.decision == "ROLLBACK" for one in made) >= of.limits["attention_rollbacks"]


def _stage_without_parameters(of: Known) -> bool:
    """it is told a stage of which its curriculum has no parameters"""
    if of.newest is None:
        return False
    decision, row = of.newest
    curriculum = of.rules.library.get(row.curriculum)
    return curriculum is not None and decision.next_stage not in map(str, curriculum.stages)


def _drift(of: Known) -> bool:
    """if all its sessions were decided anew now, it would be told another stage"""
    if not of.anew or not of.mouse.decisions:
        return False
    now, told = of.anew[max(of.anew)], of.mouse.decisions[max(of.mouse.decisions)]
    return now.next_stage != told.next_stage


def _overridden(of: Known) -> bool:
    """a trainer chose otherwise in attention_overrides of its last 10 decided sessions"""
    has_flag = bool(of.limits["has_flag"])
    chosen = [chose(row, of.told(row), has_flag) for _, row in of.lately]
    return sum(chosen) >= of.limits["attention_overrides"]


def _applied_another_stage(of: Known) -> bool:
    """in its newest decided session another stage ran than was published that morning, and no trainer chose it"""
    if of.newest is None:
        return False
    row = of.newest[1]
    told = of.told(row)
    is_other = row.stage is not None and told is not None and row.stage != told
    return is_other and not chose(row, told, bool(of.limits["has_flag"]))


ATTENTION: dict[str, Callable[[Known], bool]] = {
    "held": _held,
    "directive_ends": _directive_ends,
    "directive_problem": _directive_problem,
    "newest_set_aside": _newest_set_aside,
    "without_metrics": _without_metrics,
    "counter_restarted": _is_restarted,
    "went_open_loop": _went_open_loop,
    "did_not_run": _did_not_run,
    "stuck_in_stage": _stuck_in_stage,
    "bouncing": _bouncing,
    "stage_without_parameters": _stage_without_parameters,
    "drift": _drift,
    "overridden": _overridden,
    "applied_another_stage": _applied_another_stage,
}
"""Why a mouse is to be looked at; the docstring of each says when that is true."""


def _values_missing(rows: list[Row]) -> bool:
    """values are missing in more than half of the rig's 10 newest sessions"""
    newest = sorted(rows, key=lambda row: row.day)[-NEWEST:]
    return 2 * sum(row.finished_trials is None for row in newest) > len(newest)


RIGS: dict[str, Callable[[list[Row]], bool]] = {"values_missing": _values_missing}


class Truth(NamedTuple):
    """What is true of a night.

    Attributes:
        mice: as the night should leave them.
        attention: who is to be looked at (a mouse, or a rig) and why.
        gone: mice that must not be listed.
    """

    mice: dict[str, Mouse]
    attention: set[tuple[str, str]]
    gone: set[str]


def truth_of(
    world: World,
    day: date,
    published: Mapping[str, dict[int, Decision]],
    mornings: Mapping[date, Morning],
    rules: Rules,
    limits: Limits,
) -> Truth:
    """What is true of the night that decides for a day, of the world as it is."""
    limits = {**limits, "has_flag": world.has_flag}
    mice = night(world.rows, world.lines, dict(published), rules, day)
    anew = night(world.rows, [line for line in world.lines if line.directive != "decide_anew"], {}, rules, day)
    said = [understood(line, rules) for line in world.lines]
    rows: dict[str, list[Row]] = {subject: [] for subject in mice}
    for row in world.rows:
        rows[row.subject_id].append(row)
    left = {of.subject_id for of in said if of.kind == "left" and not of.is_problem and of.is_in_force(day)}
    longest = limits["attention_forgets_after_days"] * DAY
    absent = {subject for subject, of in rows.items() if of and day - max(row.day for row in of) > longest}
    ran = {row.subject_id for row in world.rows if row.day == day - DAY}
    active = [subject for subject, of in rows.items() if of and subject not in left | absent]
    trainers = {subject: rows[subject][-1].trainer for subject in active}
    attention = set()
    for subject in active:
        mouse = mice[subject]
        lately = [(of, mouse.sessions[number]) for number, of in mouse.decisions.items() if number in mouse.sessions]
        known = Known(
            subject,
            day,
            rows[subject],
            [of for of in said if of.subject_id == subject],
            mouse,
            lately[-NEWEST:],
            [other in ran for other in active if trainers[other] == trainers[subject]],
            anew[subject].decisions,
            mornings,
            rules,
            limits,
        )
        attention |= {(subject, reason) for reason, is_true in ATTENTION.items() if is_true(known)}
    for rig in {row.rig for row in world.rows}:
        of_rig = [row for row in world.rows if row.rig == rig]
        attention |= {(rig, reason) for reason, is_true in RIGS.items() if is_true(of_rig)}
    return Truth(mice, attention, left | absent)


def told_of(mice: Mapping[str, Mouse], mornings: Mapping[date, Morning], has_flag: bool) -> dict[Any, dict[str, Any]]:
    """What `marts.told` must say of decided sessions since the first publication: by subject, number and day."""
    found: dict[Any, dict[str, Any]] = {}
    for subject, mouse in mice.items():
        for number in mouse.decisions:
            if number not in mouse.sessions:
                continue
            row = mouse.sessions[number]
            morning = mornings.get(row.day)
            if not morning or morning.run_id is None:
                continue
            told = morning.stages.get(subject)
            found[subject, number, row.day] = {
                "stage_told": told,
                "run_id": morning.run_id,
                "stage_ran": row.stage,
                "followed": row.stage == told if row.stage and told else None,
                "trainer_chose": chose(row, told, has_flag),
            }
    return found
