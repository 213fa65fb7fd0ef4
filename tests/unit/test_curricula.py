"""Curriculum files: how they inherit, and what is said of a malformed one."""

from pathlib import Path

import pytest

from curricula import releases
from curricula.library import LIBRARY, CurriculumError, load, load_library
from curricula.tasks import StageName
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
