"""What GitHub, cron, systemd, containers and orchestrators call are commands that run here, job by job."""

import configparser
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.cli import COMMANDS
from tests import s3
from tests.conftest import ROOT, Project
from tests.copies import copy_of_the_project
from tests.docs.test_readme import blocks
from tests.mice import GOOD_MOUSE

pytestmark = pytest.mark.xdist_group("workflows")
WORKFLOWS = {path.stem: yaml.safe_load(path.read_text("utf-8")) for path in (ROOT / ".github/workflows").glob("*.yml")}
OPERATIONS = (ROOT / "docs/operations.md").read_text("utf-8")
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
# too long for a test, or what runs this one: that they are targets is all that is checked here
TOO_LONG = {"make lint", "make quick", "make test"}
COMMAND = re.compile(
    r"(make( --silent)? [a-z]+|\.venv/bin/(auto-train|dbt) [a-z-]+( --?[a-z-]+)*)( >> \"\$GITHUB_[A-Z_]+\")?"
)


def steps(kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every step of every job that runs something, or uses an action."""
    for name, workflow in WORKFLOWS.items():
        for job, content in workflow["jobs"].items():
            yield from ((f"{name}.{job}", step) for step in content["steps"] if kind in step)


def test_steps_are_commands_that_exist() -> None:
    runs = [step["run"] for _, step in steps("run")]
    assert len(runs) > 8
    for run in runs:
        assert COMMAND.fullmatch(run), run
        if run.startswith("make"):
            assert run.removeprefix("make").removeprefix(" --silent").split()[0] in TARGETS, run
    assert set(runs) >= TOO_LONG


def test_actions_are_pinned_to_what_nobody_can_move() -> None:
    text = "".join(path.read_text("utf-8") for path in (ROOT / ".github/workflows").glob("*.yml"))
    uses = re.findall(r"uses: (.*)", text)
    assert len(uses) == len(list(steps("uses")))
    pinned: dict[str, set[str]] = {}
    for of in uses:
        found = re.fullmatch(r"([\w-]+/[\w-]+)@([0-9a-f]{40} # v\d+\.\d+\.\d+)", of)
        assert found, of
        pinned.setdefault(found[1], set()).add(found[2])
    assert {action for action, digests in pinned.items() if len(digests) > 1} == set()


def test_jobs_may_do_the_least_and_end_in_time() -> None:
    allowed = {
        "nightly.night": {"contents": "read", "id-token": "write"},
        "docs.publish": {"pages": "write", "id-token": "write"},
    }
    for name, workflow in WORKFLOWS.items():
        assert workflow["permissions"] == {}
        for job, content in workflow["jobs"].items():
            assert content["permissions"] == allowed.get(f"{name}.{job}", {"contents": "read"}), job
            assert content["timeout-minutes"] <= 90
    # what YAML calls on, 1.1 calls true
    [schedule] = WORKFLOWS["nightly"][True]["schedule"]
    assert 5 <= int(schedule["cron"].split()[0]) <= 55
    concurrency = WORKFLOWS["nightly"]["jobs"]["night"]["concurrency"]
    assert concurrency == {"group": "nightly-${{ matrix.manager }}", "cancel-in-progress": False}


class Runner:
    """Runs the steps of a job one after the other, as GitHub does."""

    def __init__(self, copy: Path, environment: dict[str, str], values: dict[str, str]) -> None:
        self.copy, self.environment, self.values = copy, environment, values
        self.files = {name: copy / "target" / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        (copy / "target").mkdir(exist_ok=True)

    def _filled(self, environment: dict[str, str] | None) -> dict[str, str]:
        return {
            name: re.sub(r"\$\{\{ ([\w.]+) \}\}", lambda of: self.values.get(of[1], ""), str(value))
            for name, value in (environment or {}).items()
        }

    def job(self, workflow: str, job: str) -> list[str]:
        """Run it, and return what ran; a step that uses an action is GitHub's."""
        of, ran = WORKFLOWS[workflow]["jobs"][job], []
        for step in of["steps"]:
            if "run" not in step:
                continue
            environment = {"PATH": "/usr/bin:/bin", "HOME": str(self.copy), **self.environment}
            for given in (WORKFLOWS[workflow].get("env"), of.get("env"), step.get("env")):
                environment |= self._filled(given)
            environment |= {name: str(path) for name, path in self.files.items()}
            done = subprocess.run(
                ["bash", "-eo", "pipefail", "-c", step["run"]],
                cwd=self.copy, env=environment, capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode == 0, f"{step['run']}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
            ran.append(step["run"])
        return ran

    def kept(self, workflow: str, job: str) -> dict[str, int]:
        """How many files each path of what the job keeps finds."""
        of = WORKFLOWS[workflow]["jobs"][job]["steps"]
        paths = [path for step in of if "path" in step.get("with", {}) for path in step["with"]["path"].split()]
        return {path: len(list(self.copy.glob(path))) for path in paths}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_of_the_project(tmp_path_factory.mktemp("copy") / "project")


def test_the_jobs_of_a_night_run_against_s3(copy: Path, s3_server: s3.Server, tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write_behavior(GOOD_MOUSE)
    client, bucket = s3_server.client(), s3_server.bucket("workflows")
    client.upload_file(str(project.lake / "df_behavior.parquet"), bucket, "mice/df_behavior.parquet")
    values = {"vars.AUTO_TRAIN_LAKE": f"s3://{bucket}/mice", "vars.AUTO_TRAIN_MANAGER": "447_demo"}
    runner = Runner(copy, s3_server.environment, values)
    assert "make setup" in runner.job("nightly", "managers")
    name, _, names = runner.files["GITHUB_OUTPUT"].read_text().strip().partition("=")
    assert (name, json.loads(names)) == ("names", ["447_demo"])
    [values["matrix.manager"]] = json.loads(names)
    ran = runner.job("nightly", "night")
    assert ran[1] == ".venv/bin/auto-train nightly"
    assert client.head_object(Bucket=bucket, Key="mice/foraging_auto_training/df_manager_447_demo.parquet")
    recap = runner.files["GITHUB_STEP_SUMMARY"].read_text()
    assert recap.startswith("```text\n") and recap.endswith("```\n")
    assert "every file is what its manifest says" in recap
    assert {path for path, count in runner.kept("nightly", "night").items() if count == 0} == set()


def test_a_plain_dbt_build_does_the_whole_night(project: Project) -> None:
    project.write_behavior(GOOD_MOUSE)
    project.environment["AUTO_TRAIN_PAGE"] = "yes"
    project.build()
    published = {path.name for path in (project.lake / "foraging_auto_training").iterdir()}
    assert published >= {"df_manager_test.parquet", "morning_test.html", "manifest_test.json", "saved_curriculums"}
    assert project.command("-m", "scripts", "status").returncode == 0


def test_the_job_of_the_docs_writes_a_site_whose_links_lead_somewhere(copy: Path) -> None:
    runner = Runner(copy, {}, {})
    assert runner.job("docs", "build") == ["make build", "make site"]
    assert runner.kept("docs", "build") == {"target/site": 1}
    site = copy / "target/site"
    for page in (site / "index.html", site / "curricula/index.html"):
        links = re.findall(r'(?:href|src)="([^"#]+)"', page.read_text("utf-8"))
        assert len(links) >= 3
        for link in links:
            assert (page.parent / link.replace("%20", " ")).is_file(), link
    assert b"stg_lake__behavior" in (site / "tables.html").read_bytes()


def named_commands(text: str) -> set[str]:
    """What a text asks `auto-train` for, where it is written as a command."""
    return set(re.findall(r"auto-train,? ([a-z][a-z-]+)", text))


def test_recipes_name_commands_that_exist() -> None:
    recipes = "\n".join(text for kind in ("text", "sh", "ini", "python") for text in blocks(OPERATIONS, kind))
    files = ("compose.yaml", "Dockerfile", "run", "Makefile", ".github/workflows/nightly.yml")
    named = named_commands(recipes + "".join((ROOT / name).read_text("utf-8") for name in files))
    named |= named_commands((ROOT / "Dockerfile").read_text("utf-8").replace('", "', " "))
    assert {"nightly", "status", "watch"} <= named
    assert named <= set(COMMANDS)


def test_units_of_systemd_run_a_night_and_say_when() -> None:
    units = {}
    for text in blocks(OPERATIONS, "ini"):
        unit = configparser.ConfigParser(strict=False, interpolation=None, comment_prefixes=("#",))
        unit.optionxform = str  # type: ignore[method-assign, assignment]
        unit.read_string(text)
        units |= {section: dict(unit[section]) for section in unit.sections() if section not in ("Unit", "Install")}
    assert units["Service"]["ExecStart"].endswith(".venv/bin/auto-train nightly")
    assert units["Service"]["Type"] == "oneshot"
    assert re.fullmatch(r"\*-\*-\* \d\d:\d\d:\d\d", units["Timer"]["OnCalendar"])
    if verify := subprocess.run(
        ["which", "systemd-analyze"], capture_output=True, text=True, check=False
    ).stdout.strip():
        calendar = [verify, "calendar", units["Timer"]["OnCalendar"]]
        assert subprocess.run(calendar, capture_output=True, check=False).returncode == 0


def test_the_capsule_runs_a_night_on_what_is_attached(copy: Path, tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write_behavior(GOOD_MOUSE)
    given = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AUTO_TRAIN_LAKE": str(tmp_path / "results"),
        "AUTO_TRAIN_DF_BEHAVIOR": str(project.lake / "df_behavior.parquet"),
    }
    done = subprocess.run(
        [copy / "run", "--quiet"], cwd=tmp_path, env=given, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "results/foraging_auto_training/df_manager_demo.parquet").exists()
