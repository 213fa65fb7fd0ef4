"""Every command of the README does what the README says, in a copy of the project."""

import json
import re
import subprocess
import time
import urllib.request
from pathlib import Path

import duckdb
import pytest
import yaml

from auto_train.lake.settings import NAMES
from curricula.tasks import TASKS
from tests import s3
from tests.conftest import ROOT
from tests.copies import copy_of_the_project

pytestmark = pytest.mark.xdist_group("readme")
README = (ROOT / "README.md").read_text(encoding="utf-8")
OPERATIONS = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
DOCS = (ROOT / "docs/curricula.md").read_text(encoding="utf-8")
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]

QUICK_AND_ABOUT_WHAT_THERE_IS = (
    "tests/unit/test_curricula.py tests/unit/test_blocks.py tests/unit/test_rooms.py tests/unit/test_mutate.py "
    "tests/unit/test_checks.py tests/docs/test_semantics.py "
    "tests/docs/test_readme.py::test_the_columns_of_the_readme_are_those_that_are_read"
)


def blocks(text: str, kind: str = "sh") -> list[str]:
    """The blocks of a document that can be pasted into a shell, or those of another kind."""
    return re.findall(rf"^```{kind}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def without_sizes(text: str) -> str:
    """A text in which every size is the same, and every day: both depend on the day."""
    return re.sub(r"on \d{4}-\d\d-\d\d", "on …", re.sub(r"\([\d,]+ bytes\)", "(… bytes)", text))


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
    """The project as it is in the repository, with the packages that are installed already."""
    return copy_of_the_project(tmp_path_factory.mktemp("copy") / "project")


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
    [shown] = blocks(README, "text")
    assert without_sizes(outputs[0]).endswith(without_sizes(shown))
    assert client.head_object(Bucket="my-lab", Key="mice/foraging_auto_training/df_manager_447_demo.parquet")


def test_the_rows_of_df_manager_in_the_readme_are_those_of_the_simulated_mice(built: Path) -> None:
    header, *shown = re.findall(r"^\| (subject_id .*|60\d{4} .*) \|$", README, re.MULTILINE)
    assert len(shown) == 3
    columns = header.split(" | ")
    path = built / "lake/foraging_auto_training/df_manager_demo.parquet"
    for row in shown:
        values = [value.strip() for value in row.split("|")]
        found = duckdb.execute(
            f"""
            select cast(columns([{", ".join(f"'{column}'" for column in columns)}]) as varchar)
            from (select * replace (
                cast(finished_trials as int) as finished_trials,
                cast(foraging_efficiency as decimal(9, 2)) as foraging_efficiency
            ) from read_parquet(?)) where subject_id = ? and session = ?
            """,
            [str(path), *values[:2]],
        ).fetchone()
        assert dict(zip(columns, values, strict=True)) == dict(zip(columns, [of or "" for of in found], strict=True))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere_and_code_can_be_pasted(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)]+)\)", text):
        path, _, heading = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), link
        if heading:
            headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert heading in [re.sub(r"[^\w -]", "", of.lower()).replace(" ", "-") for of in headings], link
    assert "```console" not in text
    assert [line for line in "".join(blocks(text)).splitlines() if line.startswith(("$ ", "> "))] == []


def test_every_command_of_the_guide_to_curricula_works(built: Path) -> None:
    outputs = [run(script, built, {}) for script in blocks(DOCS)]
    printed = "\n".join(outputs)
    # the other block shows what is said of mistakes
    assert blocks(DOCS, "text")[0] == outputs[1]
    assert "released: quick_start/v1.0" in printed
    assert "Quick Start                1.0" in printed
    assert "is there already" in printed
    assert (built / "pictures/Quick Start_curriculum_v1.0_schema_v1.0.html").exists()
    measures = (built / "macros/generated/measures.sql").read_text()
    assert "hit_rate__mean_3" in measures and "turns__count_gt_100_3" in measures
    # mice of the new task learn, and rigs are told what its policy gives
    assert "8 mice for the next session" in outputs[-1]
    mice = json.loads((built / "target/wheel/foraging_auto_training/next_session_demo.json").read_text())["mice"]
    told = [mouse["parameters"]["gain"] for mouse in mice.values() if mouse["stage"] == "learn_to_turn"]
    assert 0 < len(told) < 8
    assert any(4 < gain < 8 for gain in told)
    assert {mouse["sentence"].split(":")[0] for mouse in mice.values() if mouse["stage"] == "learn_to_turn"} == {
        "STAY at Learns to turn"
    }
    # what was added is everywhere, and no existing test minds
    with duckdb.connect(str(built / "target/auto_train.duckdb"), read_only=True) as database:
        [counted] = database.execute("select count(*), count(early_licks), count(turns) from marts.sessions").fetchall()
    assert counted[0] > 1000 and counted[1:] == (0, 0)
    assert "written: none" in run("make curricula", built, {})
    run(f".venv/bin/python -m pytest -q -n 0 {QUICK_AND_ABOUT_WHAT_THERE_IS}", built, {})


def test_every_command_of_the_guide_to_operations_works(built: Path) -> None:
    outputs = [run(script, built, {}) for script in blocks(OPERATIONS)]
    assert "every file is what its manifest says" in outputs[0]
    assert "next sessions: " in outputs[1]
    assert "PASS" in outputs[2]
    assert len(outputs) == 3


@pytest.mark.parametrize("name", ["curriculum_schema", "full_automation", "curriculum_manager"])
def test_the_walkthroughs_work(built: Path, name: str) -> None:
    text = (ROOT / f"docs/walkthroughs/{name}.md").read_text(encoding="utf-8")
    outputs = [run(script, built, {}) for script in blocks(text)]
    if name == "curriculum_schema":
        [shown] = blocks(text, "text")
        assert outputs[0].startswith(shown)
        assert "column 26" in outputs[2]
    elif name == "full_automation":
        changes = [line for line in outputs[0].splitlines() if re.match(r"\d+ \d+: (PROGRESS|ROLLBACK) to ", line)]
        assert len(changes) >= 5
        assert any(": PROGRESS to GRADUATED: " in line for line in changes)
    else:
        assert "hold by Anna: weight below target" in outputs[1]
        assert "published again what run" in outputs[2]
        assert "every file is what its manifest says" in outputs[0]
        assert "every file is what its manifest says" in outputs[2]


def test_dbt_docs_serve_shows_the_docs(built: Path) -> None:
    [port] = s3.free_ports(1)
    if not (built / "target/catalog.json").exists():
        subprocess.run([".venv/bin/dbt", "docs", "generate", "--quiet"], cwd=built, check=True)
    server = subprocess.Popen(
        [".venv/bin/dbt", "docs", "serve", "--no-browser", "--port", str(port)],
        cwd=built,
        stdout=subprocess.DEVNULL,
    )
    try:
        for _ in range(100):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/catalog.json") as answer:
                    assert b"df_manager" in answer.read()
                    break
            except OSError:
                time.sleep(0.2)
        else:
            pytest.fail("dbt docs serve did not answer")
    finally:
        server.terminate()
        server.wait(10)


def test_the_variables_of_the_readme_are_those_of_the_project() -> None:
    project = yaml.safe_load((ROOT / "dbt_project.yml").read_text(encoding="utf-8"))
    rows = re.findall(r"^\| (`[a-z_]+`[a-z_`, ()0-9]*) \| [^|]+ \|$", README, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", " ".join(rows))) == set(project["vars"])
    said = {name: int(value) for name, value in re.findall(r"`(\w+)` \((\d+)\)", " ".join(rows))}
    assert said == {name: value for name, value in project["vars"].items() if name.startswith("attention_")}


def test_the_columns_of_the_readme_are_those_that_are_read() -> None:
    sources = yaml.safe_load((ROOT / "models/staging/_lake__sources.yml").read_text(encoding="utf-8"))
    [table] = [of for of in sources["sources"][0]["tables"] if of["name"] == "df_behavior"]
    read = {column["name"] for column in table["columns"]}
    read |= {name for task in TASKS.values() for metric in task.metrics for name in metric.columns}
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \| [^|]+ \| [^|]+ \|$", README, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", " ".join(rows))) == read | {"trainer"}


def test_the_settings_of_the_readme_are_those_that_there_are() -> None:
    assert set(re.findall(r"^\| `(AUTO_TRAIN_\w+)`", README, re.MULTILINE)) == set(NAMES)
