"""The decisions as SEMANTICS defines them, in the plainest Python: one mouse, one session, one rule at a time.

Written from the semantics alone; it shares nothing with the code that it checks. Sessions, curricula, directives and
published decisions are plain dicts and tuples. It counts in `exercised` how often each rule came up, so that a random
world that never tries a rule is noticed.

A condition is ("and" | "or", [conditions]), ("not", condition) or (operator, measure, threshold), and a measure is
"session_total", "session_at_current_stage", (statistic, metric, window) or ("count", metric, window, operator, number).
"""

import json
import math
import operator
from collections import Counter
from datetime import date
from typing import Any

STAGES = ["STAGE_1_WARMUP", "STAGE_1", "STAGE_2", "STAGE_3", "STAGE_4", "STAGE_5", "STAGE_FINAL", "GRADUATED"]
# of each metric that is computed of others, the numbers that are divided
DERIVED = {"visit_ratio": ("n_patches_visited", "n_patches_seen")}
OPERATORS = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
# what a world should make happen, by the number of the rule
RULES = (
    "1: a session without a number takes no part", "1: a session without a curriculum takes no part",
    "1: a subject id starts with 0",
    "2: session 1 starts at the first stage", "2: goes on from the decision before", "2: goes on over a gap",
    "2: starts where the rig reports", "2: no start is known",
    "3: closed loop", "3: a label is open loop", "3: an override",
    "4: a run goes on", "4: a run ends", "4: a run goes on over a gap", "4: a run goes on over another curriculum",
    "4: a run goes on over a session that is not decided",
    "5: a session that is not decided is in the history", "5: another curriculum is in the history",
    "6: the first rule fires", "6: a later rule fires", "6: a rule that holds comes after one that fires",
    "6: no rule holds", "6: GRADUATED absorbs", "6: GRADUATED absorbs though its rules hold",
    "7: last at its bound", "7: mean at its bound", "7: min at its bound", "7: max at its bound",
    "7: median at its bound", "7: sum at its bound", "7: count at its bound",
    "7: session_total at its bound", "7: session_at_current_stage at its bound",
    "7: fewer values than the window", "7: a missing value in the window", "7: the other side of an or counts",
    "7: addition in another order flips a mean", "7: a strict bound", "7: an equality", "7: an inequality",
    "8: a late session is decided at its place", "8: a late session in a window leaves the later decision",
    "9: a newest decision is made anew", "9: a decision that stands has drifted", "9: a decided session is gone",
    "9: what is told tomorrow would differ",
    "10: all is decided anew", "11: several curricula in one history",
    "12: unknown curriculum", "12: unknown schema version", "12: a metric is not a number",
    "12: a stage has no rules", "12: a subject id does not match", "12: a session number is not whole",
    "12: a session without a value is decided", "12: session 0 is decided",
    "13: a second row with fewer trials", "13: a second row without trials", "13: the same row twice",
    "14: a table from before auto training",
    "15: a version with v", "15: a schema version with v", "15: a text 'None'", "15: an empty text", "15: an alias",
    "24: a stage of the curriculum's own", "24: a stage of another task is open loop",
    "24: an end without rules absorbs", "24: a pin by the order of the curriculum's own stages",
    "25: a derived metric divides by zero",
    "26: a count passes over a missing value", "26: neither a comparison nor its negation holds",
    "27: a policy gives a value", "27: a policy lacks a value, and the stage's own holds",
    "27: a half goes to the even whole number", "27: a policy divides by zero", "27: a move resets the policies",
    "27: a directive leaves the policies of its stage", "27: what policies would give differs",
    "directives: hold", "directives: pin forward", "directives: pin back", "directives: pin to a stage that is missing",
    "directives: a graduated mouse is pinned", "directives: off keeps a session out", "directives: off holds",
    "directives: off leaves a published session", "directives: enrol",
    "directives: enrol after a decision does nothing",
    "directives: no first day", "directives: no last day", "directives: neither day", "directives: not yet",
    "29: a decision has another history than it was made on",
    "30: a counter started anew", "30: a double within three days",
    "31: numbers go on", "31: decided anew", "31: decided anew only once",
    "directives: no longer", "directives: the next session has no date", "directives: reopen the newest decision",
)  # fmt: skip

Row = dict[str, Any]
Key = tuple[str, int]
exercised: Counter[str] = Counter()


def happens(event: str, does: Any = True) -> None:
    if does:
        exercised[event] += 1


def missing(value: float | None) -> bool:
    return value is None or math.isnan(value)


def value_of(row: Row, metric: str) -> float | None:
    """A metric of a session; one that is computed of others lacks a value where a part does or it divides by zero."""
    if metric not in DERIVED:
        return row[metric]
    above, below = (row[of] for of in DERIVED[metric])
    happens("25: a derived metric divides by zero", below == 0 and not missing(above))
    if missing(above) or missing(below) or below == 0:
        return None
    return above / below


def known_stage(row: Row, curricula: dict[tuple, Row]) -> str | None:
    """What the rig reports, where that is a stage of the tasks that fix theirs, or of the session's own task."""
    curriculum = curricula.get(key_of(row))
    task = curriculum["task"] if curriculum else row["task"]
    of_task = {stage for of in curricula.values() if of["task"] == task for stage in of["stages"]}
    of_others = {stage for of in curricula.values() for stage in of["stages"]} - of_task - set(STAGES)
    happens("24: a stage of another task is open loop", row["stage"] in of_others)
    return row["stage"] if row["stage"] in STAGES or row["stage"] in of_task else None


def is_end(curriculum: Row, stage: str) -> bool:
    """Whether a mouse stays there for good."""
    return stage == "GRADUATED" or (curriculum["own"] and curriculum["stages"].get(stage) == [])


def place_of(curriculum: Row, stage: str) -> int:
    """Place of a stage in the order of training; GRADUATED comes last."""
    order = [*curriculum["stages"], "GRADUATED"] if curriculum["own"] else STAGES
    return order.index(stage)


def policies_of(curriculum: Row, actual: str, after: str, history: list[Row], number: int, at_stage: int) -> str | None:
    """What the policies of the stage that ran give the next session, as JSON; None where that is nothing."""
    policies = curriculum["policies"].get(actual, {})
    if actual != after:
        happens("27: a move resets the policies", policies)
        return None
    given: dict[str, float | int] = {}
    for parameter, (is_whole, expression) in sorted(policies.items()):
        value = evaluate(expression, history, number, at_stage)
        happens("27: a policy lacks a value, and the stage's own holds", value is None)
        if value is None:
            continue
        happens("27: a policy gives a value")
        happens("27: a half goes to the even whole number", is_whole and value % 1 == 0.5)
        given[parameter] = round(value) if is_whole else value + 0.0
    return json.dumps(given) if given else None


def most_trials(row: Row) -> float:
    return -1.0 if missing(row["finished_trials"]) else row["finished_trials"]


def measure(of: Any, history: list[Row], number: int, at_stage: int) -> float | None:
    if of == "session_total":
        return number
    if of == "session_at_current_stage":
        return at_stage
    statistic, metric, window = of[:3]
    values = [value_of(row, metric) for row in history[-window:]]
    happens("7: fewer values than the window", len(values) < window)
    if statistic == "count":
        happens("26: a count passes over a missing value", any(missing(value) for value in values))
        return sum(not missing(value) and OPERATORS[of[3]](value, of[4]) for value in values)
    if any(missing(value) for value in values):
        happens("7: a missing value in the window")
        return None
    if statistic in ("mean", "sum"):
        total = 0.0
        for value in values:
            total = total + value
        return total / len(values) if statistic == "mean" else total
    if statistic == "median":
        in_order, middle = sorted(values), len(values) // 2
        return in_order[middle] if len(values) % 2 else (in_order[middle - 1] + in_order[middle]) / 2
    return {"last": values[-1], "min": min(values), "max": max(values)}[statistic]


def holds(condition: Any, history: list[Row], number: int, at_stage: int, *, negated: bool = False) -> bool:
    """Whether it holds, or its negation does; neither, where a comparison's value is missing."""
    if condition[0] == "not":
        return holds(condition[1], history, number, at_stage, negated=not negated)
    if condition[0] in ("and", "or"):
        of_parts = [holds(part, history, number, at_stage, negated=negated) for part in condition[1]]
        return all(of_parts) if (condition[0] == "and") != negated else any(of_parts)
    comparison, of, threshold = condition
    value = measure(of, history, number, at_stage)
    happens("26: neither a comparison nor its negation holds", negated and value is None)
    return value is not None and OPERATORS[comparison](value, threshold) != negated


def evaluate(of: Any, history: list[Row], number: int, at_stage: int) -> float | None:
    """What a policy gives; None where it is missing.

    An expression is a number, a measure, ("+" | "-" | "*" | "/", left, right), ("least" | "greatest", a, b),
    ("clamp", x, low, high), ("if", condition, then, otherwise); a condition may also be ("missing", measure).
    """
    if isinstance(of, int | float):
        return of
    if isinstance(of, str) or of[0] in ("last", "mean", "min", "max", "median", "sum", "count"):
        return measure(of, history, number, at_stage)
    if of[0] == "if":
        return evaluate(of[2] if chooses(of[1], history, number, at_stage) else of[3], history, number, at_stage)
    parts = [evaluate(part, history, number, at_stage) for part in of[1:]]
    if any(part is None for part in parts):
        return None
    if of[0] == "/":
        happens("27: a policy divides by zero", parts[1] == 0)
        return None if parts[1] == 0 else parts[0] / parts[1]
    return {
        "+": lambda a, b: a + b,
        "-": lambda a, b: a - b,
        "*": lambda a, b: a * b,
        "least": min,
        "greatest": max,
        "clamp": lambda x, low, high: max(low, min(x, high)),
    }[of[0]](*parts)


def chooses(condition: Any, history: list[Row], number: int, at_stage: int) -> bool:
    if condition[0] == "missing":
        return measure(condition[1], history, number, at_stage) is None
    return holds(condition, history, number, at_stage)


def measures_of(condition: Any) -> list[Any]:
    """The measures of metrics that a condition looks at."""
    if condition[0] in ("and", "or"):
        return [of for part in condition[1] for of in measures_of(part)]
    if condition[0] == "not":
        return measures_of(condition[1])
    return [condition[1]] if isinstance(condition[1], tuple) else []


def measures_of_policy(of: Any) -> list[Any]:
    """The measures of metrics that a policy looks at."""
    if not isinstance(of, tuple):
        return []
    if of[0] == "if":
        asked = [of[1][1]] if of[1][0] == "missing" else measures_of(of[1])
        return [*asked, *measures_of_policy(of[2]), *measures_of_policy(of[3])]
    if of[0] in ("+", "-", "*", "/", "least", "greatest", "clamp"):
        return [found for part in of[1:] for found in measures_of_policy(part)]
    return [of]


def read_by(curriculum: Row, stage: str, history: list[Row]) -> dict[Any, float | None]:
    """What a decision at a stage looks at, beside the numbers of its session."""
    looked_at = [of for _, _, condition in curriculum["stages"].get(stage, []) for of in measures_of(condition)]
    looked_at += [
        of for _, policy in curriculum["policies"].get(stage, {}).values() for of in measures_of_policy(policy)
    ]
    return {of: measure(of, history, 0, 0) for of in looked_at}


def look_at(condition: Any, history: list[Row], number: int, at_stage: int) -> None:
    """Count what the comparisons of a rule that is tried meet."""
    if condition[0] == "not":
        look_at(condition[1], history, number, at_stage)
        return
    if condition[0] in ("and", "or"):
        values = [holds(part, history, number, at_stage) for part in condition[1]]
        lacks = [
            part
            for part in condition[1]
            if part[0] not in ("and", "or", "not") and measure(part[1], history, number, at_stage) is None
        ]
        happens("7: the other side of an or counts", condition[0] == "or" and lacks and any(values))
        for part in condition[1]:
            look_at(part, history, number, at_stage)
        return
    comparison, of, threshold = condition
    value = measure(of, history, number, at_stage)
    name = of if isinstance(of, str) else of[0]
    happens(f"7: {name} at its bound", value == threshold)
    happens("7: a strict bound", value == threshold and comparison in "<>")
    happens("7: an equality", value == threshold and comparison == "==")
    happens("7: an inequality", value == threshold and comparison == "!=")
    if name == "mean" and value is not None:
        newest_first = 0.0
        for row in reversed(history[-of[2] :]):
            newest_first += value_of(row, of[1])
        other = newest_first / len(history[-of[2] :])
        happens(
            "7: addition in another order flips a mean",
            OPERATORS[comparison](value, threshold) != OPERATORS[comparison](other, threshold),
        )


def is_in_force(directive: Row, day: str | None) -> bool:
    first, last = directive["from_date"], directive["until_date"]
    return (first is None or (day is not None and day >= first)) and (last is None or (day is not None and day <= last))


def decide_session(
    row: Row,
    before: list[Row],
    history: list[Row],
    curricula: dict[tuple, Row],
    *,
    off: bool = False,
    overrule: Row | None = None,
    enrol: str | None = None,
) -> Row | str:
    """The decision of one session, or the reason why there is none.

    Args:
        row: the session.
        before: decided sessions of the subject with smaller numbers, in their order.
        history: sessions of the subject up to and including this one, in their order.
        curricula: by key; each has "task", "metrics", "stages", a dict of the stages' rules in order of training,
            "own", whether the task leaves its stages to the curriculum, and "policies", by stage and parameter whether
            it is a whole number, and an expression.
        off: whether a directive keeps the session out.
        overrule: the directive in force when the decision takes effect.
        enrol: stage at which a directive lets the subject start.
    """
    if off:
        happens("directives: off keeps a session out")
        return "off_by_directive"
    curriculum = curricula.get(key_of(row))
    if curriculum is None:
        known = any(key[:2] == key_of(row)[:2] for key in curricula)
        happens("12: unknown schema version" if known else "12: unknown curriculum")
        return "unknown_curriculum"
    if any(row["wrong"].get(metric) for metric in curriculum["metrics"]):
        happens("12: a metric is not a number")
        return "metric_is_no_number"
    reported = known_stage(row, curricula)
    enrol = enrol if enrol in curriculum["stages"] else None
    if row["session"] == 1:
        suggested = enrol or next(iter(curriculum["stages"]))
    elif before:
        suggested = before[-1]["next_stage_suggested"]
    else:
        suggested = enrol or reported
    if suggested is None:
        happens("2: no start is known")
        return "unknown_start_stage"
    actual = reported or suggested
    at_stage = 1
    for earlier in reversed(before):
        if earlier["current_stage_actual"] != actual:
            break
        at_stage += 1
    rules = curriculum["stages"].get(actual, [])
    if not is_end(curriculum, actual) and not rules:
        happens("12: a stage has no rules")
        return "stage_without_rules"
    decision, after, matched = "STAY", actual, None
    tried = [holds(condition, history, row["session"], at_stage) for _, _, condition in rules]
    if not is_end(curriculum, actual) and overrule is None:
        for number, (outcome, to_stage, condition) in enumerate(rules, 1):
            look_at(condition, history, row["session"], at_stage)
            if tried[number - 1]:
                decision, after, matched = outcome, to_stage, number
                break
    if overrule and overrule["directive"] == "pin" and overrule["stage"] in curriculum["stages"]:
        after = overrule["stage"]
        place = place_of(curriculum, after) - place_of(curriculum, actual)
        happens("24: a pin by the order of the curriculum's own stages", curriculum["own"] and place)
        decision = "PROGRESS" if place > 0 else "ROLLBACK" if place < 0 else "STAY"
        happens("directives: pin forward", place > 0)
        happens("directives: pin back", place < 0)
        happens("directives: a graduated mouse is pinned", actual == "GRADUATED" and place)
    elif overrule:
        happens("directives: hold", overrule["directive"] == "hold" and any(tried))
        happens("directives: off holds", overrule["directive"] == "off_curriculum" and any(tried))
        happens("directives: pin to a stage that is missing", overrule["directive"] == "pin")

    happens("2: session 1 starts at the first stage", row["session"] == 1 and not enrol)
    happens("2: goes on from the decision before", row["session"] != 1 and before)
    happens("2: goes on over a gap", row["session"] != 1 and before and before[-1]["session"] < row["session"] - 1)
    happens("2: starts where the rig reports", row["session"] != 1 and not before and not enrol)
    happens("directives: enrol", enrol and enrol == suggested and not before)
    happens("directives: enrol after a decision does nothing", enrol and before and enrol != suggested)
    next_parameters = policies_of(curriculum, actual, after, history, row["session"], at_stage)
    happens("27: a directive leaves the policies of its stage", overrule and next_parameters)
    happens("24: a stage of the curriculum's own", curriculum["own"])
    happens("24: an end without rules absorbs", actual != "GRADUATED" and is_end(curriculum, actual) and not overrule)
    happens("3: closed loop", reported)
    happens("3: a label is open loop", row["stage"] and not reported)
    happens("3: an override", reported and reported != suggested)
    if before:
        goes_on = before[-1]["current_stage_actual"] == actual
        happens("4: a run goes on" if goes_on else "4: a run ends")
        happens("4: a run goes on over a gap", goes_on and before[-1]["session"] < row["session"] - 1)
        happens("4: a run goes on over another curriculum", goes_on and before[-1]["key"] != key_of(row))
        between = [of["session"] for of in history if before[-1]["session"] < of["session"] < row["session"]]
        happens("4: a run goes on over a session that is not decided", goes_on and between)
    undecided = {of["session"] for of in history[:-1]} - {of["session"] for of in before}
    happens("5: a session that is not decided is in the history", undecided)
    happens("5: another curriculum is in the history", any(key_of(of) != key_of(row) for of in history))
    happens("11: several curricula in one history", len({of["key"] for of in before} | {key_of(row)}) > 1)
    happens("6: the first rule fires", matched == 1)
    happens("6: a later rule fires", matched is not None and matched > 1)
    happens("6: a rule that holds comes after one that fires", matched and any(tried[matched:]))
    happens("6: no rule holds", matched is None and rules and not any(tried))
    happens("6: GRADUATED absorbs", actual == "GRADUATED" and not overrule)
    happens("6: GRADUATED absorbs though its rules hold", actual == "GRADUATED" and not overrule and any(tried))
    happens(
        "12: a session without a value is decided",
        any(missing(value_of(row, metric)) for metric in curriculum["metrics"]),
    )
    happens("12: session 0 is decided", row["session"] == 0)
    return {
        "session": row["session"],
        "current_stage_suggested": suggested,
        "current_stage_actual": actual,
        "session_at_current_stage": at_stage,
        "decision": decision,
        "next_stage_suggested": after,
        "next_parameters": next_parameters,
        "matched_rule": matched,
        "if_closed_loop": reported is not None,
        "if_overriden_by_trainer": reported is not None and actual != suggested,
        "key": key_of(row),
        "measures_read": read_by(curriculum, actual, history),
        "decided_anew": None,
    }


def key_of(row: Row) -> tuple[str, str, str]:
    return row["curriculum_name"], row["curriculum_version"], row["curriculum_schema_version"]


def metrics_of(row: Row) -> tuple:
    """NaN and NULL are both missing."""
    return tuple(None if missing(row[metric]) else row[metric] for metric in row["metrics"])


def own_inputs(row: Row) -> tuple:
    """What a decision reads from its own row."""
    wrong = tuple(sorted(row["wrong"].items()))
    return (*key_of(row), row["task"], row["stage"], row["session_date"], metrics_of(row), wrong)


def history_inputs(history: list[Row], longest_window: int) -> dict[int, tuple]:
    return {row["session"]: metrics_of(row) for row in history[-longest_window:]}


def recorded(row: Row, curricula: dict[tuple, Row]) -> tuple:
    """What df_manager records of a session, and drift compares."""
    stage = known_stage(row, curricula)
    numbers = [None if missing(row[m]) else row[m] for m in ("finished_trials", "foraging_efficiency")]
    return (*key_of(row), row["task"], row["session_date"], stage, *numbers)


def days_apart(one: str | None, other: str | None) -> int:
    return (date.fromisoformat(one) - date.fromisoformat(other)).days if one and other else 0


def numbered_on(rows: list[Row], directives: list[Row]) -> list[Row]:
    """The rows with the numbers that directives have them count on."""
    starts = {of["subject_id"]: of["from_date"] for of in directives if of["directive"] == "continue_numbers"}
    found = []
    for row in rows:
        start = starts.get(row["subject_id"])
        if start and row["session"] is not None and (row["session_date"] or "") >= start:
            before = [
                of["session"] for of in rows
                if of["subject_id"] == row["subject_id"] and of["session"] is not None
                and (of["session_date"] or "") < start
            ]  # fmt: skip
            happens("31: numbers go on", before)
            row = row | {"session": row["session"] + max(before, default=0)}
        found.append(row)
    return found


def taking_part(rows: list[Row]) -> tuple[dict[str, list[Row]], list[tuple]]:
    """Sessions of each subject in their order, and what is set aside before anything is decided."""
    by_subject: dict[str, list[Row]] = {}
    set_aside: list[tuple] = []
    for row in rows:
        subject, number = row["subject_id"], row["raw"]["session"]
        for name, of in row["raw"].items():
            happens("15: a version with v", name == "curriculum_version" and str(of).startswith("v"))
            happens("15: a schema version with v", name == "curriculum_schema_version" and str(of).startswith("v"))
            happens("15: a text 'None'", of == "None")
            happens("15: an empty text", of == "")
            happens("15: an alias", name == "task" and of != row["task"])
        if row["curriculum_name"] is None:
            happens("1: a session without a curriculum takes no part")
        elif number is None:
            happens("1: a session without a number takes no part")
        elif not subject.isdigit():
            happens("12: a subject id does not match")
            set_aside.append((subject, row["session"], "subject_id_pattern"))
        elif row["session"] is None:
            happens("12: a session number is not whole")
            set_aside.append((subject, None, "session_is_no_whole_number"))
        else:
            happens("1: a subject id starts with 0", subject.startswith("0"))
            by_subject.setdefault(subject, []).append(row)
    for subject, its_rows in by_subject.items():
        its_rows.sort(key=lambda row: (row["session"], -most_trials(row)))
        sessions: list[Row] = []
        first_day: dict[int, str] = {}
        for row in its_rows:
            day = row["session_date"]
            if day and day < first_day.get(row["session"], "9"):
                first_day[row["session"]] = day
        for row in its_rows:
            if days_apart(row["session_date"], first_day.get(row["session"])) > 3:
                happens("30: a counter started anew")
                set_aside.append((subject, row["session"], "session_counter_restarted"))
            elif sessions and sessions[-1]["session"] == row["session"]:
                set_aside.append((subject, row["session"], "session_twice"))
                happens("30: a double within three days", days_apart(row["session_date"], sessions[-1]["session_date"]))
                happens("13: a second row with fewer trials", 0 < most_trials(row) < most_trials(sessions[-1]))
                happens("13: a second row without trials", most_trials(row) < 0 < most_trials(sessions[-1]))
                happens("13: the same row twice", row == sessions[-1])
            else:
                sessions.append(row)
        by_subject[subject] = sessions
    return by_subject, set_aside


def told_to(directives: list[Row], sessions: list[Row], place: int, training_day: str) -> dict[str, Any]:
    """What the directives of a subject make of one of its sessions: off, overrule, enrol."""
    row = sessions[place]
    is_last = place == len(sessions) - 1
    day = training_day if is_last else sessions[place + 1]["session_date"]
    told: dict[str, Any] = {"off": False, "overrule": None, "enrol": None}
    for directive in directives:
        first, last = directive["from_date"], directive["until_date"]
        if directive["directive"] in ("hold", "pin", "off_curriculum") and is_in_force(directive, day):
            told["overrule"] = directive
            happens("directives: no first day", first is None and last)
            happens("directives: no last day", last is None and first)
            happens("directives: neither day", first is None and last is None)
        happens("directives: not yet", day and first and day < first)
        happens("directives: no longer", day and last and day > last)
        happens("directives: the next session has no date", day is None)
        if is_in_force(directive, row["session_date"]):
            told["off"] = told["off"] or directive["directive"] == "off_curriculum"
            told["enrol"] = directive["stage"] if directive["directive"] == "enrol" else told["enrol"]
    return told


def words(overrule: Row | None, row: Row, curricula: dict[tuple, Row]) -> tuple | None:
    """What tells one directive in force from another."""
    if overrule is None:
        return None
    stages = curricula.get(key_of(row), {"stages": {}})["stages"]
    is_problem = overrule["directive"] == "pin" and overrule["stage"] not in stages
    return (is_problem, overrule["directive"], overrule["stage"], overrule["until_date"])


def night(
    rows: list[Row],
    published: dict[Key, Row],
    curricula: dict[tuple, Row],
    longest_window: int,
    directives: list[Row] = [],  # noqa: B006 - never changed
    training_day: str = "2024-01-31",
    *,
    full_refresh: bool = False,
) -> tuple[dict[Key, Row], list[tuple[str, int, str]], dict[Key, tuple[str, str | None] | None]]:
    """One night's run over df_behavior.

    Returns:
        the new df_manager by (subject_id, session); (subject_id, session, reason) of what is set aside; and the decided
        sessions that drifted, with stage and parameters that the subject would be told tomorrow, where that is known.
    """
    by_subject, set_aside = taking_part(numbered_on(rows, directives))
    was_published = published
    published = {} if full_refresh else published
    manager = dict(published)
    drifted: dict[Key, tuple[str, str | None] | None] = {}
    for subject in by_subject.keys() | {subject for subject, _ in published}:
        sessions = by_subject.get(subject, [])
        of_mouse = [directive for directive in directives if directive["subject_id"] == subject]
        told = [told_to(of_mouse, sessions, place, training_day) for place in range(len(sessions))]
        decided = sorted(number for of, number in manager if of == subject)
        own = [place for place, row in enumerate(sessions) if decided and row["session"] == decided[-1]]
        if own and decided[-1] >= sessions[-1]["session"]:
            provisional, now = manager[subject, decided[-1]], history_inputs(sessions, len(sessions))
            in_force = words(told[own[0]]["overrule"], sessions[own[0]], curricula)
            directed = in_force != provisional["directive"] and (
                in_force is not None or provisional["directive"][0] != "enrol"
            )
            read = provisional["history_inputs"]
            if (
                directed
                or own_inputs(sessions[own[0]]) != provisional["own_inputs"]
                or any(now.get(number) != value for number, value in read.items())
            ):
                happens("9: a newest decision is made anew")
                happens("directives: reopen the newest decision", directed)
                del manager[subject, decided[-1]]
            else:
                late = {row["session"] for row in sessions} - read.keys()
                happens("8: a late session in a window leaves the later decision", any(n > min(read) for n in late))
        decided_before = {number: of for (who, number), of in was_published.items() if who == subject}
        remembered = {wish for of in decided_before.values() for wish in of["decided_anew"] or ()}
        wishes = [
            (of["from_date"], of["until_date"])
            for of in of_mouse
            if of["directive"] == "decide_anew" and is_in_force(of, training_day)
        ]
        happens("31: decided anew only once", any(wish in remembered for wish in wishes))
        anew: dict[int, tuple] = {}
        there = {row["session"] for row in sessions}
        for number, of in decided_before.items():
            day = of["recorded"][4]
            of_it = tuple(
                (first, last)
                for first, last in wishes
                if day and is_in_force({"from_date": first, "until_date": last}, day)
            )
            if number in there and not set(of_it) <= remembered:
                happens("31: decided anew")
                anew[number] = of_it
                manager.pop((subject, number), None)
        standing = {number: of for (who, number), of in manager.items() if who == subject}

        def make(place: int, before: list[Row]) -> Row | str:
            row, of = sessions[place], told[place]  # noqa: B023
            was_published = (subject, row["session"]) in published  # noqa: B023
            happens("directives: off leaves a published session", of["off"] and was_published)
            of = of | {"off": of["off"] and not was_published}
            result = decide_session(row, before, sessions[: place + 1], curricula, **of)  # noqa: B023
            if not isinstance(result, str):
                started = not before and of["enrol"] == result["current_stage_suggested"]
                result["directive"] = words(of["overrule"], row, curricula) or (("enrol",) if started else None)
            return result

        for place, row in enumerate(sessions):
            if (subject, row["session"]) in manager:
                continue
            of_subject = sorted(
                (of for (who, _), of in manager.items() if who == subject), key=lambda of: of["session"]
            )
            result = make(place, [of for of in of_subject if of["session"] < row["session"]])
            if isinstance(result, str):
                set_aside.append((subject, row["session"], result))
                continue
            happens(
                "8: a late session is decided at its place", any(of["session"] > row["session"] for of in of_subject)
            )
            result["own_inputs"], result["recorded"] = own_inputs(row), recorded(row, curricula)
            # made anew once more, for whatever reason: what people asked for is remembered, or it would be done again
            earlier = decided_before.get(row["session"], {}).get("decided_anew")
            result["decided_anew"] = anew.get(row["session"]) or earlier
            result["history_inputs"] = history_inputs(sessions[: place + 1], longest_window)
            manager[subject, row["session"]] = result

        found = {row["session"]: recorded(row, curricula) for row in sessions}
        places = {row["session"]: place for place, row in enumerate(sessions)}

        def has_another_history(number: int, of: Row) -> bool:
            if number not in places or not of["measures_read"]:  # noqa: B023
                return False
            history = sessions[: places[number] + 1]  # noqa: B023
            return read_by(curricula[of["key"]], of["current_stage_actual"], history) != of["measures_read"]

        changed = sorted(
            number for number, of in standing.items()
            if of["recorded"] != found.get(number) or has_another_history(number, of)
        )  # fmt: skip
        happens(
            "29: a decision has another history than it was made on",
            any(standing[number]["recorded"] == found.get(number) for number in changed),
        )
        if changed:
            happens("9: a decision that stands has drifted", changed[0] in found)
            happens("9: a decided session is gone", changed[0] not in found)
            # a session that arrived late may lie before the decision whose history it changed
            first = min([changed[0], *(row["session"] for row in sessions if row["session"] not in standing)])
            replayed = [standing[number] for number in sorted(standing) if number < first]
            kept = len(replayed)
            for place, row in enumerate(sessions):
                if row["session"] >= first:
                    result = make(place, replayed)
                    if not isinstance(result, str):
                        replayed.append(result)
            last = replayed[-1] if len(replayed) > kept else {}
            tomorrow_now, parameters_now = last.get("next_stage_suggested"), last.get("next_parameters")
            newest = max(number for who, number in manager if who == subject)
            tomorrow = manager[subject, newest]["next_stage_suggested"]
            happens("9: what is told tomorrow would differ", tomorrow_now and tomorrow_now != tomorrow)
            happens(
                "27: what policies would give differs",
                tomorrow_now and parameters_now != manager[subject, newest]["next_parameters"],
            )
            drifted |= {(subject, number): tomorrow_now and (tomorrow_now, parameters_now) for number in changed}
    return manager, sorted(set_aside, key=lambda of: (of[0], of[1] is None, of[1] or 0, of[2])), drifted
