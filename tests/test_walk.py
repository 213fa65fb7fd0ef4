"""The decision functions alone, against the reference: the walk and the clauses, on hundreds of random worlds."""

from random import Random
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from curricula import walk as walking
from curricula.conditions import clauses as clauses_of
from curricula.conditions import holds, parse
from curricula.schema import StageName
from tests import reference, worlds


def stage_key(stage: str | None) -> int:
    return StageName(stage).position if stage in list(StageName) else 0


def walk(rows: list[dict], standing: dict, curricula: dict) -> dict[tuple, Any]:
    """Run the model's functions on what the SQL models would hand them."""
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
            values = {
                of: reference.measure(
                    of.statistic if not of.metric else (of.statistic, of.metric, of.window), history, row["session"], 0
                )
                for of in clause
            }
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
    first = [0]
    for curriculum_key, values in enumerate(curricula.values(), 1):
        first.append(stage_key(next(iter(values["stages"]))))
        for stage, rules in values["stages"].items():
            has_rules[curriculum_key, stage_key(stage)] = bool(rules)
    curriculum_keys = {key: place for place, key in enumerate(keys, 1)}
    decided = walking.walk(
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
            np.zeros(len(to_decide), np.bool_),
            *(np.zeros(len(to_decide), np.int64) for _ in ("enrol", "directive", "pin")),
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
        walking.Stages(column(first), has_rules),
        walking.Met(column([pair[0] for pair in met]), column([pair[1] for pair in met])),
    )  # fmt: skip
    stages = [None, *map(str, StageName)]
    return {
        (to_decide[key]["subject_id"], to_decide[key]["session"]): walking.REASONS[reason]
        or (stages[suggested], stages[actual], at, rule or None)
        for key, suggested, actual, at, _, rule, _, _, reason in zip(*decided, strict=True)
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
        plain = (of.statistic, of.metric, of.window) if of.metric else of.statistic
        return reference.measure(plain, history, number, at_stage)

    by_clauses = any(
        all(value(of) is not None and bounds.lower <= value(of) <= bounds.upper for of, bounds in clause.items())
        for clause in clauses_of(parsed)
    )
    in_numpy = holds(parsed, lambda of: np.array([np.nan if value(of) is None else value(of)]))[0]
    assert (by_clauses, in_numpy) == (expected, expected)


def test_session_numbers_too_large_to_pack_keep_their_order() -> None:
    subject = np.array([2**30, 2**30, 3])
    number = np.array([2**53, 5, 7])
    layout = walking.lay_out(subject, number)
    assert layout.source.tolist() == [1, 2, 0]
    assert layout.offset.tolist() == [0, 2, 3]
