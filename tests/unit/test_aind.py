"""Curricula as aind-behavior-curriculum has them, read by that library itself."""

import json
from pathlib import Path

import aind_behavior_curriculum as other
import pytest
from click.testing import CliRunner

from curricula import aind
from curricula.errors import UserError
from curricula.library import load_library
from curricula.schema import Curriculum
from scripts.curricula import command

LIBRARY = {curriculum.key: curriculum for curriculum in load_library()}
SINGLE_SITE = LIBRARY["SingleSite", "1.3.2", "1.0"]


@pytest.mark.parametrize("curriculum", LIBRARY.values(), ids=lambda of: f"{of.name} {of.version}")
def test_that_library_reads_every_curriculum_and_writes_it_as_it_was(curriculum: Curriculum) -> None:
    text = json.dumps(aind.to_json(curriculum))
    read = other.Curriculum.model_validate_json(text)
    assert [stage.name for stage in read.see_stages()] == list(curriculum.stages)
    assert [stage.task.task_parameters.model_dump() for stage in read.see_stages()] == [
        stage.values for stage in curriculum.stages.values()
    ]
    for stage in read.see_stages():
        told = [(of.callable.mock_serialize(), to.name) for of, to in read.see_stage_transitions(stage)]
        rules = [(rule.condition, rule.to_stage) for rule in curriculum.stages[stage.name].rules]
        assert told == [(c, to) for c, to in rules if to in curriculum.stages and to != stage.name]
    assert json.loads(read.model_dump_json()) == json.loads(text)


def test_that_library_reads_the_state_of_a_mouse() -> None:
    told = SINGLE_SITE.stages["learn_to_stop"].values | {"stop_velocity_threshold": 14.4}
    key = dict(zip(("name", "version", "schema_version"), SINGLE_SITE.key, strict=True))
    mice = {
        "1": {"curriculum": key, "stage": "learn_to_stop", "parameters": told},
        "2": {"curriculum": key, "stage": "gone", "parameters": None},
    }
    states = aind.states({"mice": mice}, LIBRARY)
    assert list(states) == ["1"]
    read = other.TrainerState[other.Curriculum].model_validate_json(states["1"])
    assert (read.stage.name, read.is_on_curriculum) == ("learn_to_stop", True)
    assert read.stage.task.task_parameters.model_dump() == told
    assert len(read.active_policies) == len(SINGLE_SITE.stages["learn_to_stop"].policies)


def test_the_command_writes_curricula_states_and_what_cannot_be_said(tmp_path: Path) -> None:
    key = dict(zip(("name", "version", "schema_version"), SINGLE_SITE.key, strict=True))
    mouse = {"curriculum": key, "stage": "learn_to_stop", "parameters": {}}
    mice = tmp_path / "next_session_demo.json"
    options = ["export", str(tmp_path / "out"), "singlesite/v1.3.2", "coupled_baiting/v2.3", "--to", aind.LIBRARY]
    mice.write_text(json.dumps({"mice": {"600001": mouse}}))
    done = CliRunner().invoke(command, [*options, "--mice", str(mice)], catch_exceptions=False)
    assert "2 curricula and 1 mouse in" in done.output
    assert {of.name for of in (tmp_path / "out").iterdir()} == {
        "singlesite_v1.3.2.json", "coupled_baiting_v2.3.json", "trainer_state_600001.json", "what_it_cannot_say.txt"
    }  # fmt: skip
    assert (
        "coupled_baiting/v2.3: STAGE_FINAL, rule 1: session_total"
        in (tmp_path / "out/what_it_cannot_say.txt").read_text()
    )
    mice.write_text(json.dumps({"mice": {"../x": mouse}}))
    with pytest.raises(UserError, match="is not the number of a mouse"):
        CliRunner().invoke(command, [*options, "--mice", str(mice)], catch_exceptions=False)


def test_what_that_library_cannot_say_is_listed() -> None:
    assert aind.cannot_say(SINGLE_SITE) == []
    world = aind.cannot_say(LIBRARY["IBL Choice World", "1.0", "1.0"])
    assert world[0] == "in_training, rule 1: count(n_trials > 400, 3) looks at more than the newest session"
    assert "in_training, rule 3: session_total looks at more than the newest session" in world
    first = aind.cannot_say(LIBRARY["Coupled Baiting", "0.1", "0.3"])
    assert [of for of in first if "GRADUATED" in of] == [
        "STAGE_FINAL, rule 1: leads to GRADUATED, which has no parameters"
    ]


@pytest.mark.parametrize(
    ("version", "semantic"),
    [("2.3", "2.3.0"), ("1.3.2", "1.3.2"), ("2.3.1rwdDelay159", "2.3.1-rwdDelay159"), ("1", "1.0.0")],
)
def test_a_version_becomes_a_semantic_one(version: str, semantic: str) -> None:
    assert aind.semantic_version(version) == semantic
