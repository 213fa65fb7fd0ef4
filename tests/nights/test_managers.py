"""Managers of one file: what an entry may say, and nights of all of them."""

import json
from functools import partial
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner

from auto_train.lake import ROOT, LakeError, Settings, alerts_of, names_of_managers
from auto_train.lake.settings import NAMES, OF_AN_ENTRY
from auto_train.nights.begin import begin
from auto_train.nights.dbt_options import with_managers
from auto_train.nights.record import Night, Outcome
from scripts.cli import auto_train
from tests.conftest import Project
from tests.mice import GOOD_MOUSE

FILE = """
447_demo:
  lake: s3://my-lab/mice
  keep_runs: 7
  legacy_pickle: yes
  vars: {lab_time_zone: America/Los_Angeles, max_percent_drifted: 5}
other:
  lake: /lakes/other
  s3_endpoint: http://s3:9000
  page: false
"""


@pytest.fixture
def managers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return in_use(tmp_path, monkeypatch, FILE)


def in_use(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> Path:
    file = folder / "managers.yml"
    file.write_text(text, encoding="utf-8")
    monkeypatch.setenv("AUTO_TRAIN_MANAGERS", str(file))
    return file


def refused(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str, manager: str = "") -> str:
    in_use(folder, monkeypatch, text)
    with pytest.raises(LakeError) as error:
        Settings.from_environment(manager)
    return str(error.value)


def test_an_entry_gives_the_settings_and_the_environment_overrides_it(
    managers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Settings.from_environment("447_demo")
    assert (found.lake, found.df_behavior, found.keep_runs, found.legacy_pickle, found.page) == (
        "s3://my-lab/mice", "s3://my-lab/mice/df_behavior.parquet", 7, True, True,
    )  # fmt: skip
    assert found.vars == {"lab_time_zone": "America/Los_Angeles", "max_percent_drifted": 5}
    assert (Settings.from_environment("other").page, Settings.from_environment("other").vars) == (False, {})
    monkeypatch.setenv("AUTO_TRAIN_KEEP_RUNS", "3")
    monkeypatch.setenv("AUTO_TRAIN_MANAGER", "447_demo")
    assert (Settings.from_environment().keep_runs, Settings.from_environment().lake) == (3, "s3://my-lab/mice")


def test_each_manager_has_a_database_and_folders_of_its_own_and_its_variables(managers: Path) -> None:
    for name in ("447_demo", "other"):
        assert Settings.from_environment(name).database == f"{ROOT.as_posix()}/target/{name}/auto_train.duckdb"
    options = with_managers(Settings.from_environment("447_demo"), ["--vars", "{max_percent_drifted: 9}", "--debug"])
    assert json.loads(options[options.index("--vars") + 1]) == {
        "lab_time_zone": "America/Los_Angeles", "max_percent_drifted": 9,
    }  # fmt: skip
    assert options[options.index("--target-path") + 1] == str(ROOT / "target/447_demo")
    assert options[options.index("--log-path") + 1] == str(ROOT / "target/447_demo/logs")
    assert "--debug" in options


def test_an_entry_may_have_every_setting_but_its_name_and_a_setting_stands_in_one_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert {f"AUTO_TRAIN_{name.upper()}" for name in OF_AN_ENTRY} == set(NAMES) - {
        "AUTO_TRAIN_MANAGER", "AUTO_TRAIN_MANAGERS", "AUTO_TRAIN_CLOCK",
    }  # fmt: skip
    problem = refused(tmp_path, monkeypatch, "demo: {laek: x}")
    assert all(name in problem for name in (*OF_AN_ENTRY, "vars"))


@pytest.mark.parametrize(
    ("entry", "line", "says"),
    [
        ("  lake: lake\n  df_behaviour: x.parquet", 3, "df_behaviour: is unknown, did you mean 'df_behavior'?"),
        ("  keep_runs: many", 2, "keep_runs: a whole number is expected, not 'many'"),
        ("  page: perhaps", 2, "page: true or false is expected, not 'perhaps'"),
        ("  page: false\n  keep_runs: 0", 3, "keep_runs='0': a whole number from 1 up is needed"),
        ("  lake: gs://lab/mice", 2, "lake=gs://lab/mice: gs: is not known here"),
        ("  vars: {lab_timezone: UTC}", 2, "lab_timezone is not a variable of dbt_project.yml, did you mean"),
        ("  database: /tmp/other.duckdb", 2, "the file's name must be auto_train.duckdb"),
        ("  - lake", 1, "a mapping"),
        ("  lake: lake\n  lake: lake", 3, "'lake' is written twice"),
        ("  lake: [", 3, "is not YAML"),
    ],
)
def test_a_mistake_in_an_entry_is_named_with_its_line_and_what_to_write(
    entry: str, line: int, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = refused(tmp_path, monkeypatch, f"demo:\n{entry}\n")
    assert says in problem
    assert f"line {line}" in problem


def test_an_entry_may_be_empty_and_have_one_alert_without_a_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_use(tmp_path, monkeypatch, "empty:\none:\n  alerts: {url: mailtos://lab, on: [success]}\nwrong:\n  - lake\n")
    assert Settings.from_environment("empty").manager == "empty"
    [alert] = Settings.from_environment("one").alerts
    assert (alert.url.get_secret_value(), alert.on) == ("mailtos://lab", ("success",))
    # who is told of a mistake is read out of it, and here is nobody
    assert alerts_of("wrong") == alerts_of("empty") == ()
    assert alerts_of("one") == (alert,)


def test_a_mistake_in_one_entry_stops_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = """
good: {lake: /lake}
bad: {laek: x}
far: {vars: {lab_time_zone: Amerika/LA}}
any: {vars: {max_percent_drifted: many}}
"""
    assert "bad" in refused(tmp_path, monkeypatch, text, "bad")
    assert Settings.from_environment("good").lake == "/lake"
    listed = CliRunner().invoke(auto_train, ["managers"])
    assert listed.exit_code == 1
    assert listed.output.splitlines()[0] == "good: /lake/df_behavior.parquet to /lake"
    assert "bad: WRONG" in listed.output
    assert "far: WRONG\n    lab_time_zone='Amerika/LA' is not a time zone" in listed.output
    assert "any: WRONG\n    max_percent_drifted='many': a number from 0 up is needed" in listed.output
    named = CliRunner().invoke(auto_train, ["managers", "--json"])
    assert (named.exit_code, json.loads(named.output)) == (0, ["good", "bad", "far", "any"])


def test_a_manager_that_the_file_does_not_have_is_refused_and_one_alone_needs_no_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = "447_demo: {}\nother: {}\n"
    assert "447_dmeo is not in managers.yml, did you mean '447_demo'?" in refused(
        tmp_path, monkeypatch, two, "447_dmeo"
    )
    assert "nobody is not in managers.yml. managers.yml has 447_demo" in refused(tmp_path, monkeypatch, two, "nobody")
    assert "which manager? managers.yml has 447_demo, other" in refused(tmp_path, monkeypatch, two)
    assert "differ by their spelling only" in refused(tmp_path, monkeypatch, "demo: {}\nDemo: {}\n")
    one = "447_demo: {}\n"
    assert "447_dmeo is not in managers.yml" in refused(tmp_path, monkeypatch, one, "447_dmeo")
    in_use(tmp_path, monkeypatch, one)
    assert Settings.from_environment().manager == "447_demo"


def test_a_file_that_is_named_must_be_there_and_without_one_all_is_as_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTO_TRAIN_MANAGERS", str(tmp_path / "none.yml"))
    with pytest.raises(LakeError, match=r"none\.yml cannot be read"):
        Settings.from_environment()
    assert "an entry per manager is needed" in refused(tmp_path, monkeypatch, "- demo\n")
    monkeypatch.delenv("AUTO_TRAIN_MANAGERS")
    monkeypatch.setenv("AUTO_TRAIN_MANAGER", "mine")
    assert names_of_managers() == ["mine"]
    assert Settings.from_environment().database == f"{ROOT.as_posix()}/target/auto_train.duckdb"
    # with_managers changes nothing, so dbt's folders are as ever
    assert with_managers(Settings.from_environment(), ["--debug"]) == ["--debug"]


def test_the_example_of_the_documents_is_a_file_of_managers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTO_TRAIN_MANAGERS", str(ROOT / "managers.example.yml"))
    names = names_of_managers()
    assert len(names) > 1
    assert all(Settings.from_environment(name).manager == name for name in names)
    # each setting is shown there
    assert set(OF_AN_ENTRY) - {"database"} <= set((ROOT / "managers.example.yml").read_text().replace(":", " ").split())


def lakes(project: Project) -> str:
    """Nights of which one publishes, one leaves its mirror behind, one is refused, and two cannot run."""
    missing = "* exclude (session)"
    tables = {"good": "*", "behind": "*", "refused": missing, "empty": None}
    entries = []
    for name, columns in tables.items():
        project.lake = project.folder / name / "lake"
        project.lake.mkdir(parents=True)
        if columns:
            project.write_behavior(f"select {columns} from ({GOOD_MOUSE})")
        entries.append(
            f"{name}:\n  lake: {project.lake}\n  page: no\n  database: {project.folder / name}/auto_train.duckdb\n"
        )
    (project.folder / "mirror").write_text("not a folder")
    entries[1] += f"  mirror: {project.folder}/mirror\n"
    entries[0] += "  vars: {lab_time_zone: Australia/Sydney}\n"
    return "".join(["mistyped: {laek: x}\n", *entries])


def test_a_night_of_all_goes_on_after_each_failure_and_its_exit_code_and_records_say_what_became_of_each(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = in_use(project.folder, monkeypatch, lakes(project))
    project.environment = {"AUTO_TRAIN_MANAGERS": str(file)}
    target = project.folder / "target"
    done = project.command("-m", "scripts", "nightly", "--all", "--target-path", str(target))
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stdout.splitlines()[-5:] == [
        "mistyped: could not run (2)",
        "good: published (0)",
        "behind: published, and something beside it is behind (3)",
        "refused: refused by a test, nothing was published (1)",
        "empty: could not run (2)",
    ]
    assert "laek: is unknown, did you mean 'lake'?" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    nights = {}
    schema = json.loads(CliRunner().invoke(auto_train, ["summary", "--schema"]).output)
    for name, code in {"good": 0, "behind": 3, "refused": 1, "empty": 2}.items():
        text = (target / name / "summary.json").read_text()
        jsonschema.validate(json.loads(text), schema)
        nights[name] = Night.model_validate_json(text)
        assert (nights[name].manager, nights[name].exit_code) == (name, code)
        published = project.folder / name / f"lake/foraging_auto_training/df_manager_{name}.parquet"
        assert published.exists() == (code in (0, 3))
    good, behind, refused, empty = nights.values()
    assert (good.lab_time_zone, behind.lab_time_zone) == ("Australia/Sydney", "UTC")
    assert good.next_session == {"STAY": ["700001"]}
    assert good.counts["sessions"]["decided_now"] == 3
    manifest = json.loads((project.folder / "good/lake/foraging_auto_training/manifest_good.json").read_text())
    assert [file.model_dump() for file in good.files] == manifest["files"]
    assert good.run == manifest["run"]["id"]
    [mirror] = behind.behind
    assert "its mirror" in mirror and mirror.split(": ", 1)[1] in done.stdout
    [gate] = [finding for finding in refused.findings if finding.gate]
    assert (gate.gate, gate.is_warning) == ("columns_missing", False)
    assert any("session" in detail for detail in gate.details) and "bring the column back" in gate.what_to_do
    assert empty.outcome is Outcome.COULD_NOT_RUN and "there is no df_behavior at" in empty.problem
    # logs stay small
    assert (target / "good/logs/dbt.log").stat().st_size < 100_000
    # without news the mirror is brought up to date as soon as it can be
    look = partial(begin, "behind", ["--target-path", str(target)], if_news=True)
    assert look() == 3
    assert "its mirror" in capsys.readouterr().out.splitlines()[-1]
    (project.folder / "mirror").unlink()
    assert (look(), look()) == (0, None)
    assert "behind: copied to the mirror, which was behind: " in capsys.readouterr().out
    df_manager = "foraging_auto_training/df_manager_behind.parquet"
    assert (project.folder / "mirror" / df_manager).read_bytes() == (
        project.folder / "behind/lake" / df_manager
    ).read_bytes()


def test_plain_dbt_takes_the_managers_settings_and_refuses_to_decide_without_its_variables(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = project.folder / "of the entry"
    text = f"test:\n  lake: {lake}\n  vars: {{lab_time_zone: Australia/Sydney}}\n"
    in_use(project.folder, monkeypatch, text)
    del project.environment["AUTO_TRAIN_LAKE"]
    succeeded, problem = project.dbt("build", *project.QUICK)
    assert not succeeded
    assert '--vars \'{"lab_time_zone": "Australia/Sydney"}\'' in problem
    succeeded, problem = project.dbt("build", *project.QUICK, "--vars", '{"lab_time_zone": "Australia/Sydney"}')
    assert not succeeded
    assert f"there is no df_behavior at {lake}/df_behavior.parquet" in problem
