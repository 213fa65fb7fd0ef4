"""The decisions as SEMANTICS defines them, in the plainest Python: one mouse, one session, one rule at a time.

Written from the semantics alone; it shares nothing with the code that it checks. Sessions, curricula and published
decisions are plain dicts and tuples.

A condition is ("and" | "or", [conditions]) or (operator, measure, threshold), and a measure is "session_total",
"session_at_current_stage" or (statistic, metric, window).
"""

import math
import operator
from typing import Any

STAGES = ["STAGE_1_WARMUP", "STAGE_1", "STAGE_2", "STAGE_3", "STAGE_4", "STAGE_5", "STAGE_FINAL", "GRADUATED"]
OPERATORS = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}

Row = dict[str, Any]
Key = tuple[str, int]


def missing(value: float | None) -> bool:
    return value is None or math.isnan(value)


def most_trials(row: Row) -> float:
    return -1.0 if missing(row["finished_trials"]) else row["finished_trials"]


def measure(of: Any, history: list[Row], number: int, at_stage: int) -> float | None:
    if of == "session_total":
        return number
    if of == "session_at_current_stage":
        return at_stage
    statistic, metric, window = of
    values = [row[metric] for row in history[-window:]]
    if any(missing(value) for value in values):
        return None
    if statistic == "mean":
        total = 0.0
        for value in values:
            total = total + value
        return total / len(values)
    return {"last": values[-1], "min": min(values), "max": max(values)}[statistic]


def holds(condition: Any, history: list[Row], number: int, at_stage: int) -> bool:
    if condition[0] == "and":
        return all(holds(part, history, number, at_stage) for part in condition[1])
    if condition[0] == "or":
        return any(holds(part, history, number, at_stage) for part in condition[1])
    comparison, of, threshold = condition
    value = measure(of, history, number, at_stage)
    return value is not None and OPERATORS[comparison](value, threshold)


def decide_session(row: Row, before: list[Row], history: list[Row], curricula: dict[tuple, Row]) -> Row | str:
    """The decision of one session, or the reason why there is none.

    Args:
        row: the session.
        before: decided sessions of the subject with smaller numbers, in their order.
        history: sessions of the subject up to and including this one, in their order.
        curricula: by key; each has "stages", a dict of the stages' rules in order of training, and "metrics".
    """
    curriculum = curricula.get((row["curriculum_name"], row["curriculum_version"], row["curriculum_schema_version"]))
    if curriculum is None:
        return "unknown_curriculum"
    if any(row["wrong"].get(metric) for metric in curriculum["metrics"]):
        return "metric_is_no_number"
    reported = row["stage"] if row["stage"] in STAGES else None
    if row["session"] == 1:
        suggested = next(iter(curriculum["stages"]))
    elif before:
        suggested = before[-1]["next_stage_suggested"]
    else:
        suggested = reported
    if suggested is None:
        return "unknown_start_stage"
    actual = reported or suggested
    at_stage = 1
    for earlier in reversed(before):
        if earlier["current_stage_actual"] != actual:
            break
        at_stage += 1
    rules = curriculum["stages"].get(actual, [])
    if actual != "GRADUATED" and not rules:
        return "stage_without_rules"
    decision, after, matched = "STAY", actual, None
    if actual != "GRADUATED":
        for number, (outcome, to_stage, condition) in enumerate(rules, 1):
            if holds(condition, history, row["session"], at_stage):
                decision, after, matched = outcome, to_stage, number
                break
    return {
        "session": row["session"],
        "current_stage_suggested": suggested,
        "current_stage_actual": actual,
        "session_at_current_stage": at_stage,
        "decision": decision,
        "next_stage_suggested": after,
        "matched_rule": matched,
        "if_closed_loop": reported is not None,
        "if_overriden_by_trainer": reported is not None and actual != suggested,
    }


def own_inputs(row: Row) -> tuple:
    """What a decision reads from its own row; NaN and NULL are both missing."""
    metrics = tuple(None if missing(row[metric]) else row[metric] for metric in row["metrics"])
    key = (row["curriculum_name"], row["curriculum_version"], row["curriculum_schema_version"])
    return (*key, row["stage"], row["session_date"], metrics, tuple(sorted(row["wrong"].items())))


def history_inputs(history: list[Row], longest_window: int) -> dict[int, tuple]:
    return {
        row["session"]: tuple(None if missing(row[metric]) else row[metric] for metric in row["metrics"])
        for row in history[-longest_window:]
    }


def night(
    rows: list[Row], published: dict[Key, Row], curricula: dict[tuple, Row], longest_window: int
) -> tuple[dict[Key, Row], list[tuple[str, int, str]]]:
    """One night's run over a cleaned df_behavior.

    Returns:
        the new df_manager by (subject_id, session), and (subject_id, session, reason) of what is set aside.
    """
    taking_part = [row for row in rows if row["curriculum_name"] is not None and row["session"] is not None]
    by_subject: dict[str, list[Row]] = {}
    set_aside = []
    for row in taking_part:
        by_subject.setdefault(row["subject_id"], []).append(row)
    manager = dict(published)
    for subject, its_rows in by_subject.items():
        its_rows.sort(key=lambda row: (row["session"], -most_trials(row)))
        sessions: list[Row] = []
        for row in its_rows:
            if sessions and sessions[-1]["session"] == row["session"]:
                set_aside.append((subject, row["session"], "session_twice"))
            else:
                sessions.append(row)
        newest_run = sessions[-1]["session"]
        decided = sorted(number for of, number in manager if of == subject)
        if decided and decided[-1] >= newest_run:
            provisional = manager[subject, decided[-1]]
            own = [row for row in sessions if row["session"] == decided[-1]]
            now = history_inputs(sessions, len(sessions))
            changed = own and (
                own_inputs(own[0]) != provisional["own_inputs"]
                or any(now.get(number) != value for number, value in provisional["history_inputs"].items())
            )
            if changed:
                del manager[subject, decided[-1]]
        for place, row in enumerate(sessions):
            if (subject, row["session"]) in manager:
                continue
            before = sorted(
                (of for (who, number), of in manager.items() if who == subject and number < row["session"]),
                key=lambda of: of["session"],
            )
            result = decide_session(row, before, sessions[: place + 1], curricula)
            if isinstance(result, str):
                set_aside.append((subject, row["session"], result))
            else:
                result["own_inputs"] = own_inputs(row)
                result["history_inputs"] = history_inputs(sessions[: place + 1], longest_window)
                manager[subject, row["session"]] = result
    return manager, sorted(set_aside)
