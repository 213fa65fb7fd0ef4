"""The static checks of curricula: each finds what it is for, and nothing else."""

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curricula.checks import CHECKS, _Domain, check
from curricula.conditions import clauses, parse
from curricula.library import load_library
from curricula.schema import Curriculum
from curricula.tasks import TASKS
from tests import reference, worlds

DOMAIN = _Domain(TASKS["dynamic_foraging"])
METRICS = worlds.METRICS["dynamic_foraging"]
OUT = ("PROGRESS", "GRADUATED", "session_total >= 2 and last(finished_trials) > 10")


def curriculum(**stages: list[tuple[str, str, str]]) -> Curriculum:
    values = {
        stage: {
            "parameters": worlds.FORAGING_PARAMETERS | worlds.WARMUP,
            "rules": [dict(zip(("decision", "to_stage", "condition"), rule, strict=True)) for rule in rules],
        }
        for stage, rules in {**stages, "GRADUATED": []}.items()
    }
    return Curriculum.read(
        {"name": "Test", "version": "1.0", "schema_version": "1.0", "task": "dynamic_foraging", "stages": values}
    )


def found(of: Curriculum) -> list[tuple[str, str, int]]:
    return [(finding.check, finding.stage, finding.rule) for finding in check(of)]


def test_a_sound_curriculum_has_no_findings() -> None:
    on = ("PROGRESS", "STAGE_2", "last(finished_trials) >= 200 and last(foraging_efficiency) >= 0.6")
    back = ("ROLLBACK", "STAGE_1", "last(finished_trials) < 10")
    assert found(curriculum(STAGE_1=[on], STAGE_2=[OUT, back])) == []


@pytest.mark.parametrize(
    ("name", "stage", "rule", "stages"),
    [
        ("unreached-stage", "STAGE_2", 0, {"STAGE_1": [OUT], "STAGE_2": [OUT]}),
        ("no-graduation", "STAGE_1", 0, {"STAGE_1": [("STAY", "STAGE_1", "last(finished_trials) > 1")]}),
        ("stage-without-rules", "STAGE_1", 0, {"STAGE_1": []}),
        (
            "never-holds", "STAGE_1", 1,
            {"STAGE_1": [("PROGRESS", "GRADUATED", "last(finished_trials) > 5 and last(finished_trials) < 5"), OUT]},
        ),
        # an interval without a whole number, and a count below its domain
        (
            "never-holds", "STAGE_1", 1,
            {"STAGE_1": [("PROGRESS", "GRADUATED", "session_total > 1 and session_total < 2"), OUT]},
        ),
        ("never-holds", "STAGE_1", 1, {"STAGE_1": [("PROGRESS", "GRADUATED", "last(finished_trials) < 0"), OUT]}),
        (
            "never-holds", "STAGE_1", 1,
            {"STAGE_1": [("PROGRESS", "GRADUATED", "count(finished_trials > 9, 3) > 3 and session_total > 3"), OUT]},
        ),
        # all of a window's sessions are so, hence the newest too
        (
            "never-holds", "STAGE_1", 1,
            {"STAGE_1": [
                ("PROGRESS", "GRADUATED", "count(finished_trials > 9, 1) > 0 and last(finished_trials) < 9"),
                OUT,
            ]},
        ),
        # a count is never missing, so its two sides leave nothing out
        (
            "always-holds", "STAGE_1", 1,
            {"STAGE_1": [
                ("PROGRESS", "GRADUATED", "count(finished_trials > 9, 1) > 0 or not count(finished_trials > 9, 1) >= 1")
            ]},
        ),
        # covered by one rule, and by two together that meet at a whole number
        (
            "never-fires", "STAGE_1", 2,
            {"STAGE_1": [OUT, ("PROGRESS", "GRADUATED", f"{OUT[2]} and session_total >= 3")]},
        ),
        (
            "never-fires", "STAGE_1", 3,
            {
                "STAGE_1": [
                    ("STAY", "STAGE_1", "session_total <= 4"),
                    ("STAY", "STAGE_1", "session_total >= 5 and last(finished_trials) >= 0"),
                    ("PROGRESS", "GRADUATED", "last(finished_trials) > 100"),
                ]
            },
        ),
        ("always-holds", "STAGE_1", 1, {"STAGE_1": [("PROGRESS", "GRADUATED", "session_at_current_stage >= 1")]}),
        (
            "always-holds", "STAGE_1", 1,
            {"STAGE_1": [("PROGRESS", "GRADUATED", "session_total < 3 or session_total > 2")]},
        ),
        (
            "progress-meets-rollback", "STAGE_2", 2,
            {
                "STAGE_1": [("PROGRESS", "STAGE_2", "last(finished_trials) > 10")],
                "STAGE_2": [OUT, ("ROLLBACK", "STAGE_1", "last(foraging_efficiency) < 0.5")],
            },
        ),
        (
            "wrong-way", "STAGE_2", 2,
            {
                "STAGE_1": [("PROGRESS", "STAGE_2", "last(finished_trials) > 10")],
                "STAGE_2": [OUT, ("PROGRESS", "STAGE_1", "last(finished_trials) < 5")],
            },
        ),
        (
            "threshold-out-of-range", "STAGE_1", 1,
            {"STAGE_1": [("PROGRESS", "GRADUATED", "last(foraging_efficiency) > 70")]},
        ),
        ("window-not-filled", "STAGE_1", 1, {"STAGE_1": [("PROGRESS", "GRADUATED", "mean(finished_trials, 5) > 7")]}),
        (
            "window-not-filled", "STAGE_1", 1,
            {"STAGE_1": [("PROGRESS", "GRADUATED", "session_total >= 4 and mean(finished_trials, 5) > 7")]},
        ),
    ],
)  # fmt: skip
def test_each_check_finds_what_it_is_for(name: str, stage: str, rule: int, stages: dict[str, Any]) -> None:
    assert found(curriculum(**stages)) == [(name, stage, rule)]


@pytest.mark.parametrize(
    "rules",
    [
        # the efficiency may be missing, so the rules before do not cover it
        [
            ("STAY", "STAGE_1", "last(foraging_efficiency) < 0.5"),
            ("STAY", "STAGE_1", "last(foraging_efficiency) >= 0.5"),
            ("PROGRESS", "GRADUATED", "session_total >= 2"),
        ],
        # both bounds are strict, so 0.5 itself is left
        [
            ("STAY", "STAGE_1", "last(foraging_efficiency) < 0.5"),
            ("STAY", "STAGE_1", "last(foraging_efficiency) > 0.5"),
            ("PROGRESS", "GRADUATED", "last(foraging_efficiency) > 0.4"),
        ],
        # a session may have the number 0
        [("PROGRESS", "GRADUATED", "session_total >= 1")],
        # how many sessions are counted is not held against what is counted, which may be the least there is
        [("PROGRESS", "GRADUATED", "session_total >= 5 and count(foraging_efficiency >= 0, 5) >= 3")],
        # a window that the sessions before fill
        [("PROGRESS", "GRADUATED", "session_total >= 5 and mean(finished_trials, 5) > 7")],
        [("PROGRESS", "GRADUATED", "session_at_current_stage >= 5 and mean(finished_trials, 5) > 7")],
    ],
)
def test_what_can_happen_is_no_finding(rules: list[Any]) -> None:
    assert found(curriculum(STAGE_1=rules)) == []


def test_a_progress_that_asks_of_every_session_meets_no_rollback_of_the_newest() -> None:
    def stages(count: str) -> Any:
        progress = ("PROGRESS", "GRADUATED", f"session_total > 9 and {count}")
        back = ("ROLLBACK", "STAGE_1", "not last(finished_trials) >= 9")
        return curriculum(STAGE_1=[("PROGRESS", "STAGE_2", "session_total > 3")], STAGE_2=[progress, back])

    assert found(stages("count(finished_trials >= 9, 3) >= 3")) == []
    meets = [("progress-meets-rollback", "STAGE_2", 2)]
    assert found(stages("count(finished_trials >= 9, 3) >= 2")) == meets
    assert found(stages("count(finished_trials >= 8, 3) >= 3")) == meets


def test_rules_that_lead_to_graduated_without_parameters_are_found() -> None:
    values = curriculum(STAGE_1=[OUT]).model_dump(mode="json")
    del values["stages"]["GRADUATED"]
    assert found(Curriculum.read(values)) == [("stage-without-parameters", "GRADUATED", 0)]


@settings(max_examples=200, deadline=None)
@given(st.lists(worlds.conditions(METRICS), min_size=1, max_size=3), worlds.conditions(METRICS))
def test_what_is_said_to_be_covered_is_and_what_is_not_has_a_witness(cover: list[Any], condition: Any) -> None:
    """Against all combinations of the values at and beside the thresholds, where intervals begin and end."""

    def region(of: Any) -> list[Any]:
        return DOMAIN.possible(clauses(parse(worlds.text(of), METRICS)))

    covered = DOMAIN.covers([clause for of in cover for clause in region(of)], region(condition))
    measures = sorted({measure for of in [*cover, condition] for clause in region(of) for measure in clause})
    ends = {
        measure: {
            end
            for of in [*cover, condition]
            for clause in region(of)
            if measure in clause
            for end in (clause[measure].lower, clause[measure].upper)
            if abs(end) != float("inf")
        }
        for measure in measures
    }
    values = [
        [None, *sorted({v for e in ends[of] for v in (e - 1e-6, e, e + 1e-6) if v >= 0})]
        if of.may_be_missing
        else list(range(of.window + 1))
        if of.metric
        else list(range(1, 8))
        for of in measures
    ]
    if len(list(itertools.islice(itertools.product(*values), 20_001))) > 20_000:
        return

    def holds(of: Any, point: dict[Any, Any], *, negated: bool = False) -> bool:
        if of[0] == "not":
            return holds(of[1], point, negated=not negated)
        if of[0] in ("and", "or"):
            parts = [holds(part, point, negated=negated) for part in of[1]]
            return all(parts) if (of[0] == "and") != negated else any(parts)
        value = point.get(of[1])
        return value is not None and reference.OPERATORS[of[0]](value, of[2]) != negated

    witness = False
    for combination in itertools.product(*values):
        point = {worlds.plain(of): value for of, value in zip(measures, combination, strict=True)}
        if holds(condition, point) and not any(holds(of, point) for of in cover):
            witness = True
    if covered:
        assert not witness


def test_the_librarys_findings_are_known() -> None:
    counted = dict.fromkeys(CHECKS, 0)
    # those of the existing system, which never change; later ones have their own findings
    names = {"Coupled Baiting", "Dummy task", "Uncoupled Baiting", "Uncoupled Without Baiting"}
    known = [of for of in load_library() if of.name in names and of.version < "2.4"]
    assert len(known) == 26
    for of in known:
        for finding in check(of):
            counted[finding.check] += 1
    assert {name: count for name, count in counted.items() if count} == {
        "always-holds": 35,
        "progress-meets-rollback": 20,
        "window-not-filled": 12,
        "stage-without-parameters": 5,
        "no-graduation": 4,
    }
