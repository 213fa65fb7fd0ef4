"""The rigs' morning file: what it says of a mouse, and what its client refuses."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import jsonschema
import pytest

from auto_train.lake import Settings
from auto_train.publishing.manifest import Run
from auto_train.publishing.next_session import again, parameters
from curricula.library import load_library
from tests.copies import ROOT

spec = spec_from_file_location("client", ROOT / "docs/next_session_client.py")
assert spec and spec.loader
client = module_from_spec(spec)
spec.loader.exec_module(client)
LIBRARY = {curriculum.key: curriculum for curriculum in load_library()}
SINGLE_SITE = LIBRARY["SingleSite", "1.3.2", "1.0"]


def test_a_rig_gets_the_stages_own_values_and_what_its_policies_gave() -> None:
    own = parameters(SINGLE_SITE, "learn_to_choose", None)
    assert own == SINGLE_SITE.stages["learn_to_choose"].values
    given = parameters(SINGLE_SITE, "learn_to_choose", '{"reward_delay_offset": 0.2}')
    assert given is not None
    assert given == own | {"reward_delay_offset": 0.2}
    assert (given["reward_probability"], given["task"]) == (0.9, "vr_foraging")


def test_a_stage_without_parameters_has_none() -> None:
    assert parameters(None, "learn_to_choose", None) is None
    without = LIBRARY["Coupled Baiting", "0.1", "0.3"]
    assert "GRADUATED" not in without.stages
    assert parameters(without, "GRADUATED", None) is None


def test_what_is_published_again_names_the_run_and_the_day_of_that() -> None:
    settings = replace(Settings.from_environment(), manager="new")
    first, day = "20261120T040000Z-aaaaaaaa", date(2026, 11, 26)
    run = Run(
        id="20261125T040000Z-rollback", started_at=datetime(2026, 11, 25, 4, tzinfo=UTC), kind="rollback",
        rolled_back_to=first, training_day=day,
    )  # fmt: skip
    told = {
        "schema": "next_session/1",
        "manager": "old",
        "run_id": first,
        "training_day": "2026-11-20",
        "mice": {},
    }
    found = json.loads(again(json.dumps(told).encode(), settings, run))
    assert found == told | {
        "manager": "new", "run_id": run.id, "rolled_back_to": first, "training_day": "2026-11-26"
    }  # fmt: skip
    jsonschema.validate(found, json.loads((ROOT / "docs/next_session.schema.json").read_text()))


def test_the_client_takes_what_was_decided_for_its_day_only(tmp_path: Path) -> None:
    file = tmp_path / "next_session_demo.json"
    document = {
        "schema": "next_session/1",
        "training_day": "2026-11-26",
        "mice": {
            "600001": {"stage": "STAGE_2", "parameters": {"MaxTime": 75}},
            "600002": {"stage": "x", "parameters": None},
        },
    }
    file.write_text(json.dumps(document))
    assert client.next_session(file, "600001", date(2026, 11, 26))["parameters"] == {"MaxTime": 75}
    for subject, day, problem in (
        ("600001", date(2026, 11, 27), "decided for 2026-11-26, not for 2026-11-27"),
        ("1", date(2026, 11, 26), "there is no mouse 1"),
        ("600002", date(2026, 11, 26), "has no parameters"),
    ):
        with pytest.raises(SystemExit, match=problem):
            client.next_session(file, subject, day)
    file.write_text(json.dumps(document | {"schema": "next_session/2"}))
    with pytest.raises(SystemExit, match="does not know the schema next_session/2"):
        client.next_session(file, "600001", date(2026, 11, 26))


def test_each_mouse_is_a_line_whatever_it_is_called() -> None:
    settings = replace(Settings.from_environment(), manager="new")
    run = Run(id="20261125T040000Z-rollback", started_at=datetime(2026, 11, 25, 4, tzinfo=UTC))
    mice = {"7": {"session": 1, "sentence": "a ≥ 2"}, 'odd "\n one': {"session": 2, "sentence": None}}
    content = again(json.dumps({"run_id": "x", "mice": mice}).encode(), settings, run)
    assert json.loads(content)["mice"] == mice
    assert [line.strip(" ,") for line in content.decode().splitlines() if '"session"' in line] == [
        '"7": {"session": 1, "sentence": "a ≥ 2"}',
        '"odd \\"\\n one": {"session": 2, "sentence": null}',
    ]
    nobody = again(b'{"run_id": "x", "mice": {}}', settings, run)
    assert json.loads(nobody) == {"manager": "new", "run_id": run.id, "mice": {}}
