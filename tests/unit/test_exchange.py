"""Released versions, and the JSON that rigs load."""

import json
import random
import shutil
import types
from collections.abc import Callable
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from curricula import exchange, library, releases
from curricula.conditions import parse
from curricula.errors import UserError
from curricula.library import LIBRARY, load, load_library
from curricula.wording import as_lambda, in_words
from scripts.curricula import command
from tests import existing, reference, worlds
from tests.conftest import Project

ALL = load_library()
METRICS = list(worlds.METRICS["dynamic_foraging"])


def test_nothing_that_was_released_has_changed() -> None:
    assert releases.broken_promises(ALL, releases.read_lock()) == []


def test_every_curriculum_of_the_library_is_released() -> None:
    assert {releases.file_key(curriculum) for curriculum in ALL} == set(releases.read_lock())


def test_an_edit_in_place_is_refused_and_the_new_version_named(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(LIBRARY, tmp_path / "library"))
    path = folder / "coupled_baiting/v2.3.yml"
    path.write_text(path.read_text().replace("MaxTime: 75", "MaxTime: 76"))
    (folder / "dummy_task/v0.1.yml").unlink()
    assert releases.broken_promises(load_library(folder), releases.read_lock()) == [
        "coupled_baiting/v2.3.yml was released and must not change: put it back, and write the change as "
        'coupled_baiting/v2.4.yml with starts_from: coupled_baiting/v2.3 and version: "2.4"',
        "dummy_task/v0.1.yml was released and is gone: put it back",
    ]


def test_a_change_of_a_version_that_others_start_from_is_found_in_them_too(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(LIBRARY, tmp_path / "library"))
    path = folder / "coupled_baiting/v2.2.yml"
    path.write_text(path.read_text() + "\n# only a comment\n")
    assert releases.broken_promises(load_library(folder), releases.read_lock()) == []
    path.write_text(path.read_text().replace("Unrewarded: 7", "Unrewarded: 8"))
    broken = releases.broken_promises(load_library(folder), releases.read_lock())
    assert [problem.split(".yml")[0] for problem in broken] == ["coupled_baiting/v2.2", "coupled_baiting/v2.3"]


def test_versions_of_other_curricula_are_not_taken() -> None:
    edited = load(LIBRARY / "coupled_baiting/v2.3.yml")
    lock = {"coupled_baiting/v2.3": "another hash", "uncoupled_baiting/v2.4": "any"}
    [problem] = releases.edited([edited], lock, ["uncoupled_baiting/v2.5"])
    assert 'version: "2.4"' in problem
    [problem] = releases.edited([edited], lock, ["coupled_baiting/v2.4"])
    assert 'version: "2.5"' in problem


def test_check_refuses_an_edited_released_version_as_compile_does(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(LIBRARY, tmp_path / "library"))
    path = folder / "coupled_baiting/v2.3.yml"
    path.write_text(path.read_text().replace("MaxTime: 75", "MaxTime: 76"))
    refused = CliRunner().invoke(command, ["check", str(path)])
    assert isinstance(refused.exception, UserError)
    assert "coupled_baiting/v2.3.yml was released and must not change" in str(refused.exception)


def test_check_refuses_a_new_version_that_could_not_be_released(tmp_path: Path) -> None:
    path = tmp_path / "coupled_baiting/v0.9.yml"
    path.parent.mkdir()
    old = load(LIBRARY / "coupled_baiting/v0.1.yml")
    path.write_text(library.to_yaml(old.model_copy(update={"version": "0.9"})))
    refused = CliRunner().invoke(command, ["check", str(path)])
    assert isinstance(refused.exception, UserError)
    assert str(refused.exception).startswith("coupled_baiting/v0.9.yml: warning: GRADUATED: ")


@pytest.mark.parametrize(
    ("version", "after"),
    [("2.3", "2.5"), ("2.9", "2.10"), ("1", "2"), ("2.3.1rwdDelay159", "2.3.2rwdDelay159")],
)
def test_the_next_version_is_the_first_that_is_free(version: str, after: str) -> None:
    assert releases.next_version(version, {"2.4", "2.3", "1"}) == after


def test_several_versions_may_be_taken() -> None:
    assert releases.next_version("2.3", {"2.4", "2.5", "2.7"}) == "2.6"


def test_versions_of_other_curricula_are_free(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(LIBRARY, tmp_path / "library"))
    path = folder / "dummy_task/v0.2.yml"
    path.write_text(
        path.read_text().replace("version: '0.2'", "version: '0.3'").replace('version: "0.2"', 'version: "0.3"')
    )
    path.rename(folder / "dummy_task/v0.3.yml")
    path = folder / "dummy_task/v0.1.yml"
    lock = {"coupled_baiting/v0.2": "another content"}
    # coupled_baiting has 0.1 and 0.2, the dummy task 0.3
    [problem] = releases.broken_promises(load_library(folder), lock)
    assert 'version: "0.3"' in problem


def test_a_diff_shows_rules_and_parameters_side_by_side() -> None:
    one, other = (load(LIBRARY / f"coupled_baiting/v{version}.yml") for version in ("2.2", "2.3"))
    rows = releases.diff(one, other)
    assert ("STAGE_2", "MaxTime", "90", "75") in rows
    assert [row[1] for row in rows if row[0] == "STAGE_FINAL"] == ["MaxTime", "rule 1"]
    assert releases.diff(one, one) == []
    assert releases.as_markdown(rows, "2.2", "2.3").splitlines()[:2] == [
        "| stage | what | 2.2 | 2.3 |",
        "|---|---|---|---|",
    ]
    assert max(map(len, releases.as_text(rows, "2.2", "2.3").splitlines())) <= sum(releases.WIDTHS) + 6
    gone = releases.diff(load(LIBRARY / "uncoupled_without_baiting/v2.1rwdDelay159.yml"), one)
    assert ("STAGE_4", "RewardDelay", "0.15", "–") in gone


@pytest.mark.parametrize("curriculum", ALL, ids=releases.file_key)
def test_the_rigs_json_comes_back_as_the_same_curriculum(curriculum: library.Curriculum) -> None:
    text = exchange.to_json(curriculum)
    schema = json.loads(exchange.json_schema(curriculum.task_definition, curriculum.schema_version))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(text), schema)
    assert releases.content_hash(exchange.from_json(text)) == releases.content_hash(curriculum)


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(extra=1),
        lambda d: d.update(policies={}),
        lambda d: d.pop("curriculum_version"),
        lambda d: d.update(curriculum_schema_version="9.9"),
        lambda d: d["parameters"].update({"Stage 9": d["parameters"]["Stage 2"]}),
        lambda d: d["parameters"]["Stage 2"].update(training_stage="Stage 9"),
        lambda d: d["parameters"]["Stage 2"].pop("training_stage"),
        lambda d: d["curriculum"].update({"Stage 9": d["curriculum"]["Stage 2"]}),
        lambda d: d["curriculum"]["Stage 2"].update(from_stage="Stage 9"),
        lambda d: d["curriculum"]["Stage 2"].update(extra=1),
        lambda d: d["curriculum"]["Stage 2"].pop("transition_rules"),
        lambda d: d["curriculum"]["Stage 2"]["transition_rules"][0].update(extra=1),
        lambda d: d["curriculum"]["Stage 2"]["transition_rules"][0].update(to_stage="Stage 9"),
        lambda d: d["curriculum"]["Stage 2"]["transition_rules"][0].update(decision="jump"),
        lambda d: d["curriculum"]["Stage 2"]["transition_rules"][0].update(condition="True"),
        lambda d: d["curriculum"]["Stage 2"]["transition_rules"][0].pop("condition"),
    ],
)
def test_the_json_schema_refuses_what_is_not_a_curriculum_of_the_task(change: Callable[[dict], object]) -> None:
    [curriculum] = [c for c in ALL if c.key == ("Coupled Baiting", "2.3", "1.0")]
    schema, document = (
        json.loads(of) for of in (exchange.json_schema(curriculum.task_definition, "1.0"), exchange.to_json(curriculum))
    )
    jsonschema.validate(document, schema)
    change(document)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schema)


def test_a_file_that_is_written_says_once_what_all_stages_have() -> None:
    curriculum = load(LIBRARY / "coupled_baiting/v2.3.yml")
    described = curriculum.model_copy(update={"description": "Für Mäuse"})
    text = library.to_yaml(described)
    assert "description: Für Mäuse" in text
    document = yaml.safe_load(text)
    assert list(document) == ["name", "version", "schema_version", "task", "description", "parameters", "stages"]
    assert list(document["stages"]) == list(curriculum.stages)
    for name, stage in document["stages"].items():
        assert set(stage) <= {"parameters", "rules", "description"}
        assert not stage["parameters"].keys() & document["parameters"].keys()
        assert document["parameters"] | stage["parameters"] == curriculum.stages[name].values
        assert all(all(rule.values()) for rule in stage["rules"])
    assert document["parameters"] and document["stages"]["STAGE_2"]["parameters"]


def test_versions_stand_as_people_count_and_stages_as_the_file_has_them() -> None:
    one = load(LIBRARY / "coupled_baiting/v2.3.yml")
    versions = ["10", "2.10", "2.3rwdDelay159", "2.9", "2", "2.3"]
    ordered = sorted((one.model_copy(update={"version": of}) for of in versions), key=library.in_order)
    assert [of.version for of in ordered] == ["2", "2.3", "2.3rwdDelay159", "2.9", "2.10", "10"]
    assert library._in_order(["a", "b", "c"], ["c", "a", "b"]) == ["c", "a", "b"]
    assert library._in_order(["a", "b", "c"], ["c", "x"]) == ["a", "b", "c", "x"]
    assert library._in_order(["a", "b", "c"], ["x", "a", "y"]) == ["x", "a", "y", "b", "c"]


def test_versions_that_some_file_systems_take_for_one_another_are_refused() -> None:
    one = load(LIBRARY / "coupled_baiting/v2.3.yml")
    places = [Path(f"library/coupled_baiting/v2.3{suffix}.yml") for suffix in ("a", "A")]
    with pytest.raises(library.CurriculumError, match=r"coupled_baiting/v2\.3a\.yml is there too"):
        library._check_names(dict.fromkeys(places, one))


def test_the_rigs_json_has_the_keys_and_labels_that_rigs_look_for() -> None:
    [curriculum] = [c for c in ALL if c.key == ("Coupled Baiting", "2.3", "1.0")]
    document = json.loads(exchange.to_json(curriculum))
    assert exchange.file_name(curriculum) == "Coupled Baiting_curriculum_v2.3_schema_v1.0.json"
    assert list(document) == [
        "curriculum_schema_name", "curriculum_schema_version", "curriculum_name", "curriculum_version",
        "curriculum_description", "parameters", "curriculum",
    ]  # fmt: skip
    labels = ["Stage 1 w/warmup", "Stage 1", "Stage 2", "Stage 3", "Stage final", "Graduated"]
    assert list(document["parameters"]) == labels
    words = {"description": ""}
    assert document["parameters"]["Graduated"] | words == document["parameters"]["Stage final"] | words
    assert len(document["parameters"]["Stage 1"]) == 42
    assert document["curriculum"]["Stage 2"]["transition_rules"][0] == {
        "decision": "progress",
        "to_stage": "Stage 3",
        "condition": "lambda metrics: metrics.finished_trials[-1] >= 300 and metrics.foraging_efficiency[-1] >= 0.65",
        "condition_description": "finished trials ≥ 300 and foraging efficiency ≥ 0.65",
    }


@settings(max_examples=200, deadline=None)
@given(worlds.conditions(tuple(METRICS)), st.data())
def test_the_lambda_text_means_what_the_condition_means(condition: object, data: st.DataObject) -> None:
    """Evaluated here, in the test alone, as readers of the JSON do."""
    parsed = parse(worlds.text(condition), METRICS)
    text = as_lambda(parsed)
    assert exchange.from_lambda(text, METRICS) == parsed

    history = [{m: data.draw(st.sampled_from(worlds.VALUES[m])) for m in METRICS} for _ in range(6)]
    total, at_stage = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 6))
    metrics = types.SimpleNamespace(
        **{m: [row[m] for row in history] for m in METRICS}, session_total=total, session_at_current_stage=at_stage
    )
    assert bool(eval(text, {"np": np})(metrics)) == reference.holds(condition, history, total, at_stage)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("lambda metrics: __import__('os').system('x') > 0", "unknown name '__import__'"),
        ("lambda metrics: last(finished_trials) > 1", "unknown name 'last'"),
        ("lambda metrics: metrics.finished_trials[-2] > 1", "is not a measure"),
        ("lambda metrics: np.mean(metrics.finished_trials[-5:-1]) > 1", "is not a measure"),
        ("lambda metrics: np.mean(metrics.finished_trials) > 1", "is not a measure"),
        ("lambda metrics: np.std(metrics.finished_trials[-5:]) > 1", "is not a measure"),
        ("lambda metrics: metrics.licks[-1] > 1", "unknown metric 'licks'"),
        ("lambda metrics: metrics.finished_trials[-1] > metrics.session_total", "is not a threshold"),
        ("lambda metrics, x=1: metrics.session_total > 1", "is not a lambda of one argument"),
        ("lambda metrics, x: metrics.session_total > 1", "is not a lambda of one argument"),
        ("lambda metrics=1: metrics.session_total > 1", "is not a lambda of one argument"),
        ("lambda *metrics: metrics.session_total > 1", "is not a lambda of one argument"),
        ("lambda metrics, *more: metrics.session_total > 1", "is not a lambda of one argument"),
        ("lambda metrics: 1 <= metrics.session_total <= 3", "a second comparison in a row"),
        ("lambda metrics: 1 in metrics.session_total", "unknown comparison"),
        ("lambda metrics: np.session_total > 1", "is not a measure"),
        ("metrics.session_total > 1", "is not a lambda of one argument"),
        ("lambda metrics: (", "is not an expression"),
        ("lambda metrics: metrics.session_total if 1 else 2", "is not a comparison"),
        ("lambda metrics: metrics.__class__ > 1", "is not a measure"),
    ],
)
def test_lambda_text_that_is_not_known_is_an_error(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        exchange.from_lambda(text, METRICS)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda d: d.update(extra=1), "'extra' is unknown"),
        (lambda d: d.update(curriculum_schema_name="Other"), "curriculum_schema_name 'Other' is unknown"),
        (lambda d: d["parameters"].update({"Stage 9": d["parameters"]["Stage 1"]}), "stage 'Stage 9' is unknown"),
        (lambda d: d["parameters"]["Stage 1"].update(Licks=1), "stage STAGE_1, parameters, Licks: is unknown"),
        (lambda d: d["parameters"]["Stage 1"].update(training_stage="Stage 2"), "Stage 1: training_stage is 'Stage 2'"),
        (lambda d: d["curriculum"]["Stage 2"].update(from_stage="Stage 3"), "Stage 2: from_stage must be 'Stage 2'"),
        (
            lambda d: d["curriculum"]["Stage 2"]["transition_rules"][0].update(decision="jump"),
            "Stage 2, rule 1: decision 'JUMP'",
        ),
        (
            lambda d: d["curriculum"]["Stage 2"].update(transition_rules=None),
            "Stage 2: transition_rules: a list is expected, not nothing",
        ),
        (
            lambda d: d["curriculum"]["Stage 2"]["transition_rules"][0].update(to_stage="X"),
            "Stage 2, rule 1: stage 'X'",
        ),
        (lambda d: d.pop("parameters"), "parameters: a JSON object is expected"),
        (lambda d: d["parameters"]["Stage 1"].pop("training_stage"), "^Stage 1: training_stage is missing$"),
        (
            lambda d: d["parameters"].update({"STAGE_1": d["parameters"]["Stage 1"]}),
            "^STAGE_1: is the same stage as another one here$",
        ),
        (lambda d: d["curriculum"].update({"Stage 2": []}), "^Stage 2: a JSON object is expected$"),
        (lambda d: d["parameters"].pop("Stage 2"), "^Stage 2: has rules but no parameters$"),
        (
            lambda d: d["curriculum"]["Stage 2"]["transition_rules"][0].update(extra=1),
            "^Stage 2, rule 1: a JSON object with decision, to_stage, condition, condition_description is expected$",
        ),
        (
            lambda d: d["curriculum"]["Stage 2"].update(transition_rules=[["progress", "Stage 3"]]),
            "^Stage 2, rule 1: a JSON object with",
        ),
        (
            lambda d: d["curriculum"]["Stage 2"]["transition_rules"][0].update(condition="lambda m: " + "1" * 2000),
            "^Stage 2, rule 1: .* is longer than 2000 characters$",
        ),
        (
            lambda d: d["curriculum"]["Stage 2"]["transition_rules"][0].update(condition="lambda m: " + "-" * 1900),
            "^Stage 2, rule 1: .* is not an expression: invalid syntax",
        ),
        (
            lambda d: d["curriculum"]["Stage 2"]["transition_rules"][0].update(
                condition="lambda m: " + "-" * 1900 + "1"
            ),
            "^Stage 2, rule 1: .* is nested too deep$",
        ),
        (lambda d: d.update(curriculum_version=2.3), "^version: write it in quotes"),
        (lambda d: d.update(policies=[1]), "^policies: a JSON object is expected$"),
        (lambda d: d.update(policies={"Stage 1": "x"}), "^Stage 1: a JSON object is expected$"),
        (lambda d: d.update(policies={"Stage 9": {}}), "^stage 'Stage 9' is unknown"),
    ],
)
def test_json_that_is_not_known_is_an_error(change: object, problem: str) -> None:
    document = json.loads(exchange.to_json(ALL[3]))
    change(document)
    with pytest.raises(exchange.ExchangeError, match=problem):
        exchange.from_json(json.dumps(document))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "^this is not JSON: "),
        ("[" * 100_000, "^this is not JSON: "),
        ("[1]", "^this is not a curriculum: a JSON object is expected$"),
        ("{}", "^curriculum_schema_name nothing is unknown"),
        ('{"curriculum_name": 1, "curriculum_name": 2}', "^'curriculum_name' is written twice$"),
    ],
)
def test_what_is_not_the_json_of_a_curriculum_is_a_line(text: str, problem: str) -> None:
    with pytest.raises(exchange.ExchangeError, match=problem):
        exchange.from_json(text)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("curriculum", ALL, ids=releases.file_key)
def test_the_existing_systems_layout_means_the_same(curriculum: library.Curriculum, seed: int) -> None:
    chance = random.Random(seed)
    document = existing.document(curriculum)
    for label, stage in document["curriculum"].items():
        for number, rule in enumerate(stage["transition_rules"]):
            if seed:
                plain = " ".join(rule["condition"].split())
                rule["condition"] = existing.respelled(plain, chance)
                rule["decision"] = chance.choice([rule["decision"], rule["decision"].upper()])
            if seed == 2:
                stage["transition_rules"][number] = list(rule.values())
        assert label in document["parameters"]
    found = exchange.from_json(json.dumps(document))
    assert releases.content_hash(found) == releases.content_hash(curriculum)


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("lambda m: 200 <= m.finished_trials[-1]", "last(finished_trials) >= 200"),
        ("lambda m: -1 < m.session_total", "session_total > -1"),
        ("lambda m: (numpy.amin(m.finished_trials[-3:]) > 1)", "min(finished_trials, 3) > 1"),
    ],
)
def test_other_spellings_of_a_condition_are_understood(text: str, means: str) -> None:
    assert str(exchange.from_lambda(text, METRICS)) == means


def test_descriptions_and_notes_come_back_and_are_no_content(tmp_path: Path) -> None:
    curriculum = load(LIBRARY / "coupled_baiting/v2.0.yml")
    document = existing.document(curriculum)
    document["curriculum_description"] = "Smaller rewards {{ config }} {% raw %}"
    described = exchange.from_json(json.dumps(document))
    path = tmp_path / "coupled_baiting/v2.0.yml"
    path.parent.mkdir()
    path.write_text(library.to_yaml(described), encoding="utf-8")
    again = json.loads(exchange.to_json(exchange.from_json(exchange.to_json(load(path)))))
    assert again["curriculum_description"] == document["curriculum_description"]
    tooltips = [stage["description"] for stage in again["parameters"].values()]
    assert tooltips == [stage["description"] for stage in document["parameters"].values()]
    assert releases.content_hash(load(path)) == releases.content_hash(curriculum)


def test_where_no_author_described_a_stage_its_rules_do() -> None:
    curriculum = load(LIBRARY / "coupled_baiting/v2.0.yml")
    exported = json.loads(exchange.to_json(curriculum))
    assert exported["parameters"]["Stage 1"]["description"] == (
        "PROGRESS to Stage 2: finished trials ≥ 200 and foraging efficiency ≥ 0.6"
    )
    assert exchange.from_json(exchange.to_json(curriculum)).stages == {
        name: stage.model_copy(update={"rules": tuple(
            rule.model_copy(update={"condition": str(rule.parsed(curriculum.task_definition))}) for rule in stage.rules
        )})
        for name, stage in curriculum.stages.items()
    }  # fmt: skip


def test_one_file_that_is_refused_stops_none_of_the_others(tmp_path: Path) -> None:
    good, broken = (existing.document(c) for c in (load(LIBRARY / "dummy_task/v0.1.yml"), ALL[3]))
    rule = broken["curriculum"]["Stage 2"]["transition_rules"][0]
    rule["condition"] = "lambda metrics: (" + rule["condition"].removeprefix("lambda metrics:")
    files = [tmp_path / "a.json", tmp_path / "b.json", tmp_path / "latin.json", tmp_path / "folder.json"]
    files[0].write_text(json.dumps(broken))
    files[1].write_text(json.dumps(good))
    files[2].write_bytes("{'é'}".encode("latin-1"))
    files[3].mkdir()
    done = CliRunner().invoke(command, ["import", *map(str, files), "--library", str(tmp_path / "library")])
    assert (tmp_path / "library/dummy_task/v0.1.yml").exists()
    refused = str(done.exception).splitlines()
    assert [line.removeprefix(f"{tmp_path}/").split(":")[0] for line in refused] == [
        "a.json",
        "latin.json",
        "folder.json",
    ]
    assert "Stage 2, rule 1" in refused[0]
    assert "'(' was never closed" in refused[0]


def test_words_say_what_the_rule_says() -> None:
    condition = parse(
        "(mean(finished_trials, 2) < 300 or session_total != 4) and session_at_current_stage >= 3", METRICS
    )
    assert in_words(condition) == (
        "(mean finished trials of the last 2 sessions < 300 or sessions in total ≠ 4) and sessions at this stage ≥ 3"
    )


def test_a_labs_json_comes_over_with_one_command(project: Project, tmp_path: Path) -> None:
    exported = project.command("-m", "scripts", "curricula", "export", str(tmp_path / "json"))
    assert exported.returncode == 0, exported.stderr
    files = sorted(map(str, (tmp_path / "json").glob("*_curriculum_v*.json")))
    assert len(files) == len(ALL) >= 26
    taken = ["-m", "scripts", "curricula", "import", *files, "--library", str(tmp_path / "library")]
    assert project.command(*taken).returncode == 0
    imported = {releases.file_key(c): releases.content_hash(c) for c in load_library(tmp_path / "library")}
    assert imported == {releases.file_key(c): releases.content_hash(c) for c in ALL}
    again = project.command(*taken)
    assert again.stdout.count("is there already") == len(files)

    document = json.loads(Path(files[0]).read_text())
    document["curriculum"]["Stage 1"]["transition_rules"][0]["condition"] = "lambda metrics: metrics.session_total > 1"
    Path(files[0]).write_text(json.dumps(document))
    refused = project.command(*taken)
    assert refused.returncode != 0
    assert "is there with other content; a version never changes" in refused.stderr


def test_findings_read_like_those_of_a_linter(project: Project) -> None:
    done = project.command("-m", "scripts", "curricula", "check", "coupled_baiting/v2.3")
    assert done.returncode == 0
    assert done.stdout.splitlines()[0] == (
        "coupled_baiting/v2.3.yml: warning: STAGE_1_WARMUP, rule 2: always holds; intended for a stage of one session; "
        "otherwise ask for more [always-holds]"
    )
    assert done.stdout.splitlines()[-1] == "checked: 1, errors: 0, warnings: 3"
