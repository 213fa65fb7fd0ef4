"""Curriculum files: how they inherit, and what is said of a malformed one."""

import json
from pathlib import Path
from typing import Annotated

import jsonschema
import pytest
from pydantic import Field

from curricula import exchange, pictures, releases
from curricula.checks import check
from curricula.library import LIBRARY, CurriculumError, load, load_library, to_yaml
from curricula.releases import content_hash, diff
from curricula.tasks import StageName
from curricula.tasks.base import Parameters, number_fields
from scripts.curricula import generated
from tests.copies import ROOT

FIRST = """
name: Dummy task
version: "0.1"
schema_version: "1.0"
task: dummy
parameters: {dummy_para_bool: false}
stages:
  STAGE_1:
    parameters: {dummy_para_float: 0.1}
    rules:
      - decision: PROGRESS
        to_stage: STAGE_2
        condition: last(dummy_metric_float) > 0.5
  STAGE_2:
    parameters_from: STAGE_1
    parameters: {dummy_para_bool: true}
    rules:
      - decision: ROLLBACK
        to_stage: STAGE_1
        condition: last(dummy_metric_float) < 0.5
"""
SECOND = """
starts_from: dummy_task/v0.1
version: "0.2"
parameters: {dummy_para_float: 0.7}
stages:
  STAGE_2: null
  STAGE_1:
    rules:
      - decision: PROGRESS
        to_stage: STAGE_FINAL
        condition: session_total >= 2
  STAGE_FINAL:
    parameters_from: STAGE_1
"""


def write(folder: Path, text: str, version: str = "0.1") -> Path:
    path = folder / "dummy_task" / f"v{version}.yml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_stage_starts_from_another_stages_parameters_and_a_version_from_another_version(tmp_path: Path) -> None:
    first, second = load(write(tmp_path, FIRST)), load(write(tmp_path, SECOND, "0.2"))
    assert [
        p.parameters.model_dump(include={"dummy_para_bool", "dummy_para_float"}) for p in first.stages.values()
    ] == [
        {"dummy_para_bool": False, "dummy_para_float": 0.1},
        {"dummy_para_bool": True, "dummy_para_float": 0.1},
    ]
    assert list(second.stages) == [StageName.STAGE_1, StageName.STAGE_FINAL]
    assert second.name == "Dummy task"
    assert {stage.parameters.dummy_para_float for stage in second.stages.values()} == {0.7}
    assert [len(stage.rules) for stage in second.stages.values()] == [1, 0]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("last(dummy_metric_float) >", "last(dummy) >", "stage STAGE_1, rule 1, condition: column 6 of"),
        ("STAGE_2\n", "STAGE_5\n", "to_stage STAGE_5 is not a stage of this curriculum, did you mean 'STAGE_2'?; "),
        ("to_stage: STAGE_2", "to_stage: STAGE_1", "stage STAGE_1, rule 1: PROGRESS to STAGE_1"),
        ("PROGRESS", "ADVANCE", "stage STAGE_1, rule 1, decision: 'ADVANCE' is unknown; allowed: STAY"),
        ("dummy_para_float: 0.1", "dummy_para_flat: 0.1", "is unknown, did you mean 'dummy_para_float'?; "),
        ("0.1}", "high}", "STAGE_1, parameters, dummy_para_float: a number is expected, not 'high'"),
        ("dummy_para_bool: true", "dummy_para_bool: 1", "dummy_para_bool: true or false is expected"),
        ('"0.1"', "0.1", 'line 3: version: write version: "0.1" in quotes'),
        ('"0.1"', '"0.3"', "belongs into dummy_task/v0.3.yml"),
        ("task: dummy", "task: dumy", "task 'dumy' is unknown, did you mean 'dummy'?; allowed: dynamic_foraging"),
        ('schema_version: "1.0"', 'schema_version: "7"', "schema_version '7' is unknown; allowed: \"1.0\""),
        ("parameters_from: STAGE_1", "parameters_from: STAGE_3", "parameters_from STAGE_3 is not a stage"),
        ("parameters_from: STAGE_1", "parameters_from: STAGE_2", "parameters_from of STAGE_2 lead in a circle"),
        ("    rules:", "    rule:", "stage STAGE_1, rule: is unknown, did you mean 'rules'?; allowed: "),
        ("STAGE_2:", "STAGE_9:", "stage STAGE_9"),
        ("  STAGE_2:", "  STAGE_1:", "'STAGE_1' is written twice"),
        ("false", "!!python/object/apply:os.getcwd []", "line 6: parameters, dummy_para_bool: the tag"),
        ("false", "[" * 100_000, "is nested too deep"),
        ("name: Dummy task", "name: ../etc", "name: '../etc' has characters that are not allowed"),
        ("name: Dummy task", "starts_from: dummy_task/v7\nname: Dummy task", "there is no dummy_task/v7.yml"),
        ("name: Dummy task", "starts_from: dummy_task/v0.1\nname: Dummy task", "leads back to this file"),
    ],
)  # fmt: skip
def test_a_malformed_curriculum_is_refused_by_file_stage_and_rule(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    assert old in FIRST
    path = write(tmp_path, FIRST.replace(old, new, 1))
    with pytest.raises(CurriculumError) as caught:
        load(path)
    assert str(caught.value).startswith("dummy_task/v0.1.yml: ")
    assert problem in str(caught.value)


def test_on_and_off_are_texts_and_not_booleans(tmp_path: Path) -> None:
    path = write(tmp_path, FIRST.replace("dummy_para_bool: false", "dummy_para_bool: off"))
    with pytest.raises(CurriculumError, match="true or false is expected, not 'off'"):
        load(path)


def test_the_library_holds_the_curricula_in_use() -> None:
    curricula = load_library()
    assert len({curriculum.key for curriculum in curricula}) == len(list(LIBRARY.glob("*/*"))) >= 26
    assert releases.read_lock().keys() <= {releases.file_key(curriculum) for curriculum in curricula}
    assert {curriculum.task for curriculum in curricula} >= {"dynamic_foraging", "dummy"}


def test_versions_are_sorted_as_people_count() -> None:
    versions = [c.version for c in load_library() if c.name == "Uncoupled Without Baiting"]
    assert versions.index("2.2") < versions.index("2.2.1rwdDelay159") < versions.index("2.3")


def test_generated_files_are_what_their_sources_give() -> None:
    for name, text in generated(load_library()).items():
        assert (ROOT / name).read_text(encoding="utf-8") == text, f"{name}: run `make curricula`"


def test_the_rules_that_the_rigs_run_tonight_have_the_known_thresholds() -> None:
    library = {curriculum.key: curriculum for curriculum in load_library()}
    final = library["Coupled Baiting", "2.3", "1.0"].stages[StageName.STAGE_FINAL]
    assert [(rule.decision, rule.to_stage, rule.condition) for rule in final.rules] == [
        (
            "PROGRESS",
            "GRADUATED",
            "session_total >= 10 and session_at_current_stage >= 5"
            " and mean(finished_trials, 5) >= 450 and mean(foraging_efficiency, 5) >= 0.7",
        ),
        ("ROLLBACK", "STAGE_3", "mean(finished_trials, 5) < 300 or mean(foraging_efficiency, 5) < 0.6"),
    ]
    delayed = library["Uncoupled Without Baiting", "2.3.1rwdDelay159", "1.0"].stages[StageName.STAGE_4]
    assert (delayed.parameters.RewardDelay, delayed.parameters.UncoupledReward) == (0.15, "0.1, 0.5, 0.9")


OWN = """
name: Own
version: "1.0"
schema_version: "1.0"
task: vr_foraging
parameters: {reward_probability: 0.5}
stages:
  learn:
    parameters: {stop_velocity_threshold: 60.0}
    policies:
      stop_velocity_threshold: clamp(last(last_stop_threshold_updater) * 1.2, 8, 60)
    rules:
      - {decision: PROGRESS, to_stage: able, condition: last(visit_ratio) <= 0.7}
      - {decision: ROLLBACK, to_stage: gave_up, condition: session_total >= 40}
  gave_up:
    label: No longer trained
    rules: []
  able:
    label: Able & "quick"
    rules: []
"""


def write_own(folder: Path, text: str, version: str = "1.0") -> Path:
    path = folder / "own" / f"v{version}.yml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_curriculum_names_its_own_stages_in_the_order_of_training(tmp_path: Path) -> None:
    own = load(write_own(tmp_path, OWN))
    assert list(own.stages) == ["learn", "gave_up", "able"]
    assert (own.first_stage, own.graduation) == ("learn", "able")
    assert [own.label(stage) for stage in own.stages] == ["Learn", "No longer trained", 'Able & "quick"']
    assert [own.position(stage) for stage in own.stages] == [1, 2, 3]
    assert [own.is_end(stage) for stage in own.stages] == [False, True, True]
    # a version that adds a stage puts it behind the one that it stands behind
    added = '{starts_from: own/v1.0, version: "1.1", stages: {learn: {}, practise: {rules: []}}}'
    assert list(load(write_own(tmp_path, added, "1.1")).stages) == ["learn", "practise", "gave_up", "able"]
    first = '{starts_from: own/v1.0, version: "1.2", stages: {arrive: {rules: []}}}'
    assert list(load(write_own(tmp_path, first, "1.2")).stages) == ["arrive", "learn", "gave_up", "able"]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "    label: No longer trained\n    rules: []\n",
            "    label: No longer trained\n",
            "stage gave_up: rules are missing; write `rules: []`",
        ),
        ("  gave_up:", "  gave up:", "stage 'gave up': a stage's name has letters, digits and _"),
        ("  gave_up:", "  None:", "df_behavior says None where there is no stage"),
        ("  gave_up:", "  GRADUATED:", "stage GRADUATED is the end of tasks that fix their stages"),
        ("label: No longer trained", "label: Learn", "two stages have the label 'Learn'"),
        ("label: No longer trained", "label: learn", "two stages have the label 'learn'"),
        ("to_stage: able", "to_stage: abel", "to_stage abel is not a stage of this curriculum, did you mean 'able'?"),
        ("to_stage: able", "to_stage: GRADUATED", "allowed: learn, gave_up, able"),
        (
            "  stop_velocity_threshold: clamp",
            "  stop_velocity: clamp",
            "stop_velocity is unknown, did you mean",
        ),
        ("  stop_velocity_threshold: clamp", "  task: clamp", "policies: task is not a number; numbers are"),
        ("  stop_velocity_threshold: clamp", "  n_odors: clamp", "policies: n_odors has no value of its own"),
        ("last(last_stop", "last(last_start", "stop_velocity_threshold: column 12 of"),
    ],
)
def test_a_stage_that_says_nothing_about_rules_is_an_error_where_tasks_do_not_fix_them(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    assert old in OWN
    with pytest.raises(CurriculumError) as caught:
        load(write_own(tmp_path, OWN.replace(old, new, 1)))
    assert problem in str(caught.value)


def test_a_task_that_fixes_its_stages_fixes_their_labels_too(tmp_path: Path) -> None:
    path = write(tmp_path, FIRST.replace("  STAGE_1:\n", "  STAGE_1:\n    label: One\n", 1))
    with pytest.raises(CurriculumError, match="stage STAGE_1: label: the task dummy fixes the labels"):
        load(path)


def test_own_stages_go_to_the_rigs_and_come_back(tmp_path: Path) -> None:
    own = load(write_own(tmp_path, OWN))
    document = json.loads(exchange.to_json(own))
    assert list(document["parameters"]) == ["Learn", "No longer trained", 'Able & "quick"']
    assert document["parameters"]["No longer trained"]["training_stage"] == "No longer trained"
    assert document["policies"] == {"Learn": own.stages["learn"].policies}
    assert exchange.from_json(exchange.to_json(own)).model_dump() == own.model_dump()
    assert load(write_own(tmp_path, to_yaml(own))).model_dump() == own.model_dump()
    jsonschema.validate(document, json.loads(exchange.json_schema(own.task_definition, "1.0")))
    # pictures escape what an author wrote
    assert "Able &amp; &quot;quick&quot;" in pictures.parameters_svg(own)
    assert "follows performance: clamp(last stop threshold updater × 1.2, 8, 60)" in pictures.parameters_svg(own)
    assert [pictures.colour(own, stage) for stage in own.stages] == [
        pictures.COLOURS[0], pictures.OTHER_END, pictures.GRADUATED
    ]  # fmt: skip


def test_a_policy_is_content_and_a_curriculum_without_one_has_its_old_hash(tmp_path: Path) -> None:
    own = load(write_own(tmp_path, OWN))
    faster = load(write_own(tmp_path, OWN.replace("* 1.2", "* 1.3")))
    assert content_hash(own) != content_hash(faster)
    [(stage, what, before, after)] = diff(own, faster)
    assert (stage, what) == ("learn", "policy of stop_velocity_threshold")
    assert (before[-16:], after[-16:]) == ("er × 1.2, 8, 60)", "er × 1.3, 8, 60)")
    text = "{starts_from: own/v1.0, version: '1.1', stages: {learn: {policies: {stop_velocity_threshold: null}}}}"
    without = load(write_own(tmp_path, text, "1.1"))
    assert without.stages["learn"].policies == {}


@pytest.mark.parametrize(
    ("policy", "name"),
    [
        ("last(last_stop_threshold_updater) * -1", "policy-out-of-range"),
        ("1 / last(last_stop_threshold_updater) - 1", "policy-out-of-range"),
        ("last(last_stop_threshold_updater) / (2 - 2)", "policy-always-missing"),
        ("12 * 2", "policy-constant"),
        ("last(last_stop_threshold_updater) * 1.2", "policy-trusts-metrics"),
        ("greatest(last(last_stop_threshold_updater) * 1.2, 0)", None),
        ("count(visit_ratio > 0.5, 3) + session_at_current_stage", None),
        ("clamp(last(last_stop_threshold_updater), 8, 60)", None),
    ],
)
def test_a_policy_that_makes_no_sense_is_found(tmp_path: Path, policy: str, name: str | None) -> None:
    own = load(write_own(tmp_path, OWN.replace("clamp(last(last_stop_threshold_updater) * 1.2, 8, 60)", policy)))
    found = [of.check for of in check(own) if of.check.startswith("policy")]
    assert found == ([name] if name else [])


def test_a_limit_that_a_parameter_excludes_is_out_of_its_range() -> None:
    class Own(Parameters):
        gain: Annotated[float, Field(gt=0, le=10)]
        doors: Annotated[int, Field(ge=1, lt=8)] | None = None

    fields = number_fields(Own)
    assert [fields["gain"].takes(value) for value in (0, 5e-324, 10, 10.5)] == [False, True, True, False]
    assert [fields["doors"].takes(value) for value in (0, 1, 7, 8)] == [False, True, True, False]
    assert str(fields["gain"]) == "0 to 10, without 0"


def test_a_way_out_of_training_may_be_a_rollback_to_a_later_stage(tmp_path: Path) -> None:
    own = load(write_own(tmp_path, OWN))
    assert "wrong-way" not in [of.check for of in check(own)]
    back = load(write_own(tmp_path, OWN.replace("ROLLBACK, to_stage: gave_up", "ROLLBACK, to_stage: able")))
    assert "wrong-way" in [of.check for of in check(back)]


def test_a_count_that_asks_for_all_of_its_window_needs_no_other_rule_about_sessions(tmp_path: Path) -> None:
    rule = "condition: last(visit_ratio) <= 0.7}"
    texts = [OWN.replace(rule, f'condition: "count(visit_ratio <= 0.7, 3) >= {n}"}}') for n in (2, 3)]
    found = [[of.check for of in check(load(write_own(tmp_path, text)))] for text in texts]
    assert ["window-not-filled" in of for of in found] == [True, False]


def test_a_new_version_that_leads_mice_to_a_stage_without_parameters_is_not_released() -> None:
    old = next(of for of in load_library() if releases.file_key(of) == "coupled_baiting/v0.1")
    new = old.model_copy(update={"version": "0.9"})
    [problem] = releases.unfit([old, new], releases.read_lock())
    assert problem.startswith("coupled_baiting/v0.9.yml: ") and "[stage-without-parameters]" in problem
