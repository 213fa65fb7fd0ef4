"""The decision functions alone, against the reference: the walk and the clauses, on hundreds of random worlds."""

from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auto_train.decisions import walk as walking
from curricula.conditions import clauses as clauses_of
from curricula.conditions import holds, parse
from curricula.tasks import StageName
from tests import reference, worlds


def stage_key(stage: str | None) -> int:
    return StageName(stage).position if stage in list(StageName) else 0


def decide(rows: list[dict], standing: dict, curricula: dict) -> tuple[list[dict], walking.Decided]:
    """Run the model's functions on what the SQL models would hand them; returns what was to decide, and what came."""
    subjects = sorted({row["subject_id"] for row in rows})
    histories = {s: sorted((r for r in rows if r["subject_id"] == s), key=lambda r: r["session"]) for s in subjects}
    keys = list(curricula)
    clause_rows, met = [], []
    for curriculum_key, (key, values) in enumerate(curricula.items(), 1):
        task = worlds.as_curriculum(key, values).task_definition
        for stage, rules in worlds.as_curriculum(key, values).stages.items():
            for number, rule in enumerate(rules.rules, 1):
                clause_rows += [(curriculum_key, stage, number, rule, clause) for clause in rule.clauses(task)]
    to_decide = [row for row in rows if (row["subject_id"], row["session"]) not in standing]
    for session_key, row in enumerate(to_decide):
        history = [r for r in histories[row["subject_id"]] if r["session"] <= row["session"]]
        for clause_key, (curriculum_key, _, _, _, clause) in enumerate(clause_rows):
            key = (row["curriculum_name"], row["curriculum_version"], row["curriculum_schema_version"])
            if keys[curriculum_key - 1] != key:
                continue
            values = {of: reference.measure(worlds.plain(of), history, row["session"], 0) for of in clause}
            if all(
                of.statistic == "session_at_current_stage"
                or (values[of] is not None and interval.lower <= values[of] <= interval.upper)
                for of, interval in clause.items()
            ):
                met.append((session_key, clause_key))

    def column(values: list, dtype: type = np.int64) -> np.ndarray:
        return np.array(values, dtype)

    def at_stage(clause: dict) -> tuple[float, float]:
        found = [i for of, i in clause.items() if of.statistic == "session_at_current_stage"]
        return (found[0].lower, found[0].upper) if found else (-np.inf, np.inf)

    has_rules = np.zeros((len(keys) + 1, 9), np.bool_)
    is_end = np.zeros((len(keys) + 1, 9), np.bool_)
    is_end[:, StageName.GRADUATED.position] = True
    first = [0]
    for curriculum_key, values in enumerate(curricula.values(), 1):
        first.append(stage_key(next(iter(values["stages"]))))
        for stage, rules in values["stages"].items():
            has_rules[curriculum_key, stage_key(stage)] = bool(rules)
    curriculum_keys = {key: place for place, key in enumerate(keys, 1)}
    return to_decide, walking.walk(
        walking.Sessions(
            column(range(len(to_decide))),
            column([subjects.index(row["subject_id"]) for row in to_decide]),
            column([row["session"] for row in to_decide]),
            column([
                curriculum_keys.get((r["curriculum_name"], r["curriculum_version"], r["curriculum_schema_version"]), 0)
                for r in to_decide
            ]),
            column([stage_key(row["stage"]) for row in to_decide]),
            column([not row["wrong"].keys().isdisjoint(metrics(row, curricula)) for row in to_decide], np.bool_),
            column([row.get("is_off", False) for row in to_decide], np.bool_),
            column([stage_key(row.get("enrol")) for row in to_decide]),
            column([row.get("directive", walking.NO_DIRECTIVE) for row in to_decide]),
            column([stage_key(row.get("pin")) for row in to_decide]),
        ),
        walking.Before(
            column([subjects.index(subject) for subject, _ in standing if subject in subjects]),
            column([number for subject, number in standing if subject in subjects]),
            column([stage_key(d["current_stage_actual"]) for (s, _), d in standing.items() if s in subjects]),
            column([stage_key(d["next_stage_suggested"]) for (s, _), d in standing.items() if s in subjects]),
        ),
        walking.Clauses(
            column([stage_key(stage) for _, stage, _, _, _ in clause_rows]),
            column([number for _, _, number, _, _ in clause_rows]),
            column([number for _, _, number, _, _ in clause_rows]),
            column([stage_key(rule.to_stage) for _, _, _, rule, _ in clause_rows]),
            column([at_stage(clause)[0] for *_, clause in clause_rows], np.float64),
            column([at_stage(clause)[1] for *_, clause in clause_rows], np.float64),
        ),
        walking.Stages(column(first), has_rules, is_end, np.tile(np.arange(9), (len(keys) + 1, 1))),
        walking.Met(column([pair[0] for pair in met]), column([pair[1] for pair in met])),
    )  # fmt: skip


def walk(rows: list[dict], standing: dict, curricula: dict) -> dict[tuple, Any]:
    to_decide, decided = decide(rows, standing, curricula)
    stages = [None, *map(str, StageName)]
    return {
        (to_decide[key]["subject_id"], to_decide[key]["session"]): walking.REASONS[reason]
        or (stages[suggested], stages[actual], at, rule or None)
        for key, suggested, actual, at, _, _, rule, _, _, reason in zip(*decided, strict=True)
    }


def metrics(row: dict, curricula: dict) -> tuple[str, ...]:
    key = (row["curriculum_name"], row["curriculum_version"], row["curriculum_schema_version"])
    return curricula[key]["metrics"] if key in curricula else ()


@settings(max_examples=80, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_walk_decides_what_the_reference_decides(random: Random) -> None:
    curricula = worlds.curricula(random)
    published: dict = {}
    for table in worlds.nights(random, list(curricula), mice=3):
        rows = [row for its_rows in reference.taking_part(table)[0].values() for row in its_rows]
        after, set_aside, _ = reference.night(rows, published, curricula, 6)
        standing = {key: of for key, of in published.items() if after.get(key) is of}
        expected = {(subject, number): reason for subject, number, reason in set_aside}
        for key, of in after.items():
            if key not in standing:
                fields = ("current_stage_suggested", "current_stage_actual", "session_at_current_stage", "matched_rule")
                expected[key] = tuple(of[field] for field in fields)
        decided = walk(rows, standing, curricula)
        assert {key: of for key, of in decided.items() if key in expected} == expected
        assert set(decided) == set(expected)
        published = after


@settings(max_examples=200, deadline=None)
@given(worlds.conditions(worlds.ALL_METRICS), st.data())
def test_a_condition_means_the_same_as_text_as_clauses_and_in_numpy(condition: Any, data: st.DataObject) -> None:
    number, at_stage = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 6))
    values = st.sampled_from([-0.1, 0.0, 0.1, 0.3, 0.6, 1.0, 2.0, 100.0, 200.0, 300.0, None])
    history = [{m: data.draw(values) for m in worlds.ALL_METRICS} for _ in range(data.draw(st.integers(1, 6)))]
    expected = reference.holds(condition, history, number, at_stage)

    parsed = parse(worlds.text(condition), worlds.ALL_METRICS)
    assert parse(str(parsed), worlds.ALL_METRICS) == parsed

    def value(of: Any) -> float | None:
        return reference.measure(worlds.plain(of), history, number, at_stage)

    by_clauses = any(
        all(value(of) is not None and bounds.lower <= value(of) <= bounds.upper for of, bounds in clause.items())
        for clause in clauses_of(parsed)
    )
    in_numpy = holds(parsed, lambda of: np.array([np.nan if value(of) is None else value(of)]))[0]
    assert (by_clauses, in_numpy) == (expected, expected)


@pytest.mark.parametrize(("subject", "number"), [(2**31, 2**32 - 2), (2**30, 2**53)])
def test_session_numbers_too_large_to_pack_keep_their_order(subject: int, number: int) -> None:
    layout = walking.lay_out(np.array([subject, subject, 3]), np.array([number, 5, 7]))
    assert layout.source.tolist() == [1, 2, 0]
    assert layout.offset.tolist() == [0, 2, 3]


def test_nothing_to_decide_is_no_step() -> None:
    nothing = np.zeros(0, np.int64)
    layout = walking.lay_out(nothing, nothing)
    assert (layout.source.tolist(), layout.offset.tolist()) == ([], [0])
    _, decided = decide([], {}, curriculum(STAGE_1=[]))
    assert [len(column) for column in decided] == [0] * len(decided)


KEY = ("Alpha", "1.0", "1.0")
ALWAYS = (">=", "session_total", 0.0)


def curriculum(**stages: list) -> dict:
    return {KEY: {"task": "dummy", "metrics": worlds.METRICS["dummy"], "stages": stages, "own": False, "policies": {}}}


def session(number: int, stage: str | None = None, version: str = "1.0") -> dict:
    key = {"curriculum_name": KEY[0], "curriculum_version": version, "curriculum_schema_version": KEY[2]}
    metrics = dict.fromkeys(worlds.ALL_METRICS, 1.0)
    return {"subject_id": "1", "session": number, "stage": stage, "wrong": {}, **key, **metrics}


def test_graduated_absorbs_whatever_rules_a_curriculum_writes_for_it() -> None:
    back = curriculum(STAGE_1=[("PROGRESS", "GRADUATED", ALWAYS)], GRADUATED=[("ROLLBACK", "STAGE_1", ALWAYS)])
    _, decided = decide([session(1), session(2), session(3, "GRADUATED")], {}, back)
    graduated = StageName.GRADUATED.position
    assert decided.actual.tolist() == [StageName.STAGE_1.position, graduated, graduated]
    assert decided.next.tolist() == [graduated] * 3
    assert decided.rule_key.tolist() == [1, 0, 0]
    assert decided.reason.tolist() == [0, 0, 0]


def test_first_and_newest_are_decided_sessions() -> None:
    stays = curriculum(STAGE_1=[("STAY", "STAGE_1", ALWAYS)])
    versions = ["9.9", "1.0", "1.0", "9.9"]
    _, decided = decide([session(place, "STAGE_1", of) for place, of in enumerate(versions)], {}, stays)
    assert (decided.reason != 0).tolist() == [True, False, False, True]
    assert decided.is_first.tolist() == [False, True, False, False]
    assert decided.is_newest.tolist() == [False, False, True, False]


def test_a_session_that_comes_late_is_neither_first_nor_newest() -> None:
    stays = curriculum(STAGE_1=[("STAY", "STAGE_1", ALWAYS)])
    decision = {"current_stage_actual": "STAGE_1", "next_stage_suggested": "STAGE_1"}
    standing = {("1", 1): decision, ("1", 3): decision}
    to_decide, decided = decide([session(number) for number in (1, 2, 3)], standing, stays)
    assert [row["session"] for row in to_decide] == [2]
    assert (decided.is_first.tolist(), decided.is_newest.tolist()) == ([False], [False])
    assert decided.at_stage.tolist() == [2]


def test_one_session_is_the_first_and_the_newest() -> None:
    _, decided = decide([session(1)], {}, curriculum(STAGE_1=[("STAY", "STAGE_1", ALWAYS)]))
    assert (decided.is_first.tolist(), decided.is_newest.tolist()) == ([True], [True])


def test_a_decision_has_the_direction_in_which_it_moves_the_mouse() -> None:
    to_and_fro = curriculum(STAGE_2=[("PROGRESS", "STAGE_3", ALWAYS)], STAGE_3=[("ROLLBACK", "STAGE_2", ALWAYS)])
    _, decided = decide([session(1), session(2), session(3, "GRADUATED")], {}, to_and_fro)
    assert decided.direction.tolist() == [1, -1, 0]


def test_directives_overrule_the_rules_and_leave_what_stands() -> None:
    onwards = curriculum(**{f"STAGE_{n}": [("PROGRESS", f"STAGE_{n + 1}", ALWAYS)] for n in (1, 2, 3)}, STAGE_4=[])
    mice = {
        "1": [session(2), session(3)],
        "2": [session(2) | {"directive": walking.HOLD, "pin": "STAGE_4"}, session(3)],
        "3": [session(2) | {"directive": walking.PIN, "pin": "STAGE_1"}, session(3)],
        "4": [session(2) | {"is_off": True}, session(3)],
        # goes on, so that it is enrolled says nothing
        "5": [session(2) | {"enrol": "STAGE_1"}, session(3)],
        # starts
        "6": [session(1) | {"enrol": "STAGE_3"}, session(2)],
        "7": [session(4) | {"enrol": "STAGE_2"}, session(5)],
    }
    rows = [row | {"subject_id": mouse} for mouse, of in mice.items() for row in of]
    stood = {"current_stage_actual": "STAGE_1", "next_stage_suggested": "STAGE_2"}
    standing = {(mouse, 1): stood for mouse in "12345"}
    to_decide, decided = decide(rows, standing, onwards)
    stages, found = [None, *map(str, StageName)], {mouse: [] for mouse in mice}
    for key, suggested, after, reason in zip(
        decided.session_key, decided.suggested, decided.next, decided.reason, strict=True
    ):
        found[to_decide[key]["subject_id"]].append((stages[suggested][-1], stages[after][-1], walking.REASONS[reason]))
    assert found == {
        "1": [("2", "3", None), ("3", "4", None)],
        "2": [("2", "2", None), ("2", "3", None)],
        "3": [("2", "1", None), ("1", "2", None)],
        "4": [("2", "3", "off_by_directive"), ("2", "3", None)],
        "5": [("2", "3", None), ("3", "4", None)],
        "6": [("3", "4", None), ("4", "4", "stage_without_rules")],
        "7": [("2", "3", None), ("3", "4", None)],
    }
