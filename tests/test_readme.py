"""Every command of the README does what the README says, in a copy of the project."""

import re
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from tests import s3
from tests.conftest import ROOT

pytestmark = pytest.mark.xdist_group("readme")
README = (ROOT / "README.md").read_text(encoding="utf-8")
OPERATIONS = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
DOCS = (ROOT / "docs/curricula.md").read_text(encoding="utf-8")


def blocks(text: str) -> list[str]:
    """The console blocks of a document as shell scripts; what follows a `> ` goes on from the line before."""
    found = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    return ["".join(re.findall(r"^(?:\$ |> ?)(.*\n)", block, re.MULTILINE)) for block in found]


def run(script: str, folder: Path, environment: dict[str, str]) -> str:
    """Run a script as a user would, and return what it prints."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), **environment}
    done = subprocess.run(
        ["bash", "-euc", script], cwd=folder, capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, f"{script}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as it is in the repository, with the virtual environment that is there already."""
    folder = tmp_path_factory.mktemp("copy") / "project"
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    for name in listed:
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    return folder


@pytest.fixture
def built(copy: Path) -> Path:
    """The copy after `make build`."""
    if not (copy / "target/auto_train.duckdb").exists():
        run("make build", copy, {})
    return copy


def test_every_command_of_the_readme_works(copy: Path, s3_server: s3.Server) -> None:
    client = s3_server.client()
    client.create_bucket(Bucket="my-lab")
    outputs = []
    for script in blocks(README):
        if "s3://" in script:
            client.upload_file(str(copy / "lake/df_behavior.parquet"), "my-lab", "mice/df_behavior.parquet")
        outputs.append(run(script, copy, s3_server.environment))
    assert "sessions read:" in outputs[0]
    assert "df_manager is at lake/foraging_auto_training/df_manager_demo.parquet" in outputs[0]
    assert client.head_object(Bucket="my-lab", Key="mice/foraging_auto_training/df_manager_447_demo.parquet")
    assert len(outputs) == README.count("```console")


def test_every_command_of_the_guide_to_curricula_works(built: Path) -> None:
    outputs = [run(script, built, {}) for script in blocks(DOCS)]
    printed = "\n".join(outputs)
    assert "quick_start/v1.0.yml: warning: STAGE_1_WARMUP, rule 2: always holds" in printed
    assert "released: quick_start/v1.0" in printed
    assert "Quick Start                1.0" in printed
    assert "is there already" in printed
    assert (built / "pictures/Quick Start_curriculum_v1.0_schema_v1.0.html").exists()
    assert "turns__mean_3" in (built / "macros/generated_measures.sql").read_text()


def test_every_command_of_the_guide_to_operations_works(built: Path) -> None:
    outputs = [run(script, built, {}) for script in blocks(OPERATIONS)]
    assert "every file is what its manifest says" in outputs[0]
    assert "next sessions: " in outputs[1]


@pytest.mark.parametrize("name", ["curriculum_schema", "full_automation", "curriculum_manager"])
def test_the_walkthroughs_work(built: Path, name: str) -> None:
    text = (ROOT / f"docs/walkthroughs/{name}.md").read_text(encoding="utf-8")
    outputs = [run(script, built, {}) for script in blocks(text)]
    if name == "curriculum_schema":
        shown = re.search(r"```text\n(.*?)```", text, re.DOTALL).group(1)
        assert outputs[0].startswith(shown)
        assert "column 26" in outputs[2]
    elif name == "full_automation":
        changes = [line for line in outputs[0].splitlines() if re.match(r"\d+ \d+: (PROGRESS|ROLLBACK) to ", line)]
        assert len(changes) >= 5
        assert any(": PROGRESS to GRADUATED: " in line for line in changes)
    else:
        assert "hold by Anna: weight below target" in outputs[1]
        assert "published once more" in outputs[2]
        assert "every file is what its manifest says" in outputs[0]
        assert "every file is what its manifest says" in outputs[2]


def test_dbt_docs_serve_shows_the_docs(built: Path) -> None:
    test_port, copy = 18_080, built
    if not (copy / "target/catalog.json").exists():
        subprocess.run([".venv/bin/dbt", "docs", "generate", "--quiet"], cwd=copy, check=True)
    server = subprocess.Popen(
        [".venv/bin/dbt", "docs", "serve", "--no-browser", "--port", str(test_port)],
        cwd=copy,
        stdout=subprocess.DEVNULL,
    )
    try:
        for _ in range(100):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{test_port}/catalog.json") as answer:
                    assert b"df_manager" in answer.read()
                    break
            except OSError:
                time.sleep(0.2)
        else:
            pytest.fail("dbt docs serve did not answer")
    finally:
        server.terminate()
        server.wait(10)


def test_the_settings_of_the_readme_are_those_that_there_are() -> None:
    used = set(re.findall(r'environ\.get\("(AUTO_TRAIN_\w+)"', (ROOT / "scripts/lake.py").read_text()))
    assert set(re.findall(r"^\| `(AUTO_TRAIN_\w+)`", README, re.MULTILINE)) == used
