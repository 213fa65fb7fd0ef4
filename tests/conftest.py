"""What several tests share: the project as users run it, on a lake of its own."""

import atexit
import gc
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from auto_train.publishing import tested
from auto_train.simulation.mice import simulate
from curricula.compile import compiled
from curricula.schema import Curriculum
from tests import s3

ROOT = Path(__file__).parent.parent
# type by name, as the contract has them
DF_MANAGER_COLUMNS: dict[str, str] = {
    column["name"]: column["data_type"]
    for model in yaml.safe_load((ROOT / "models/_df_manager__models.yml").read_text(encoding="utf-8"))["models"]
    if model["name"] == "df_manager"
    for column in model["columns"]
}
WORKPLACE = Path(tempfile.mkdtemp(prefix="auto_train_"))
atexit.register(shutil.rmtree, WORKPLACE, ignore_errors=True)
SETTINGS = ("AUTO_TRAIN_", "AWS_", "DBT_")
# dbt makes so many objects that looking for garbage would take an eighth of the time
gc.freeze()
gc.set_threshold(50_000, 20, 20)


class Project:
    """The dbt project with a lake, a database and a target folder below `folder`.

    Builds run in this process, which spares the seconds that importing dbt takes; `command` runs a program as a user
    would. The database and the target folder stay where they are from one test to the next, because dbt parses the
    project anew when they do not; every build starts on an empty database all the same.
    """

    # neither logs nor artifacts are looked at, and writing them takes a third of the time
    QUICK = ("--log-level", "none", "--log-level-file", "none", "--no-write-json")

    def __init__(self, folder: Path, root: Path = ROOT) -> None:
        self.folder, self.root = folder, root
        self.lake = folder / "lake"
        self.lake.mkdir(parents=True, exist_ok=True)
        self.is_tested = True
        self.workplace = WORKPLACE if root == ROOT else root.parent
        self.environment = {
            "AUTO_TRAIN_LAKE": str(self.lake),
            "AUTO_TRAIN_MANAGER": "test",
            "AUTO_TRAIN_PAGE": "no",
            "AUTO_TRAIN_DATABASE": str(self.workplace / "database.duckdb"),
        }

    @property
    def options(self) -> list[str]:
        return self._options("target")

    def _options(self, target: str) -> list[str]:
        paths = ["--target-path", str(self.workplace / target), "--log-path", str(self.folder / "logs")]
        return [*paths, "--project-dir", str(self.root), "--profiles-dir", str(self.root)]

    def dbt(self, *arguments: str) -> tuple[bool, str]:
        """Run dbt in this process; returns whether it succeeded, and what went wrong where it did not."""
        # dbt parses anew where variables change, so each choice of them has a target folder of its own
        variables = arguments[arguments.index("--vars") + 1] if "--vars" in arguments else ""
        target = f"target{zlib.crc32(variables.encode())}" if variables else "target"
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.environment.items():
                patch.setenv(name, value)
            if not self.is_tested:
                patch.setattr(tested, "refuse_untested", lambda run: None)
            done = dbtRunner().invoke([*arguments, "--quiet", *self._options(target)])
        DuckDBConnectionManager.close_all_connections()
        results = getattr(done.result, "results", None) or []
        failed = [r for r in results if str(r.status) in ("error", "fail", "RunStatus.Error")]
        problems = [f"{r.node.name}: {r.message}" for r in failed]
        succeeded, problem = done.success, "\n".join([*problems, str(done.exception or "")])
        if not succeeded or self.environment["AUTO_TRAIN_PAGE"] == "yes":
            # what went wrong, or drew a page, holds on to its connection, and while that lives DuckDB takes no new file
            # for the old one
            del done, results, failed
            gc.collect()
        return succeeded, problem

    def build(self, *arguments: str) -> None:
        """`dbt build` on a fresh database: all that is known of earlier nights is in the lake.

        The unit tests of models know nothing of the lake; one test runs them.
        """
        Path(self.environment["AUTO_TRAIN_DATABASE"]).unlink(missing_ok=True)
        succeeded, problems = self.dbt("build", *self.QUICK, "--exclude-resource-type", "unit_test", *arguments)
        assert succeeded, problems

    def decide(self, *arguments: str) -> None:
        """`build` without the data tests, which take a third of its time: for nights whose tests are not the matter."""
        self.is_tested = False
        try:
            self.build("--exclude-resource-type", "test", *arguments)
        finally:
            self.is_tested = True

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a program with the project's settings."""
        environment = os.environ | self.environment
        return subprocess.run(
            [sys.executable, *arguments], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
        )

    def write_behavior(self, rows_sql: str) -> None:
        """Write df_behavior from a query."""
        duckdb.sql(f"copy ({rows_sql}) to '{self.lake / 'df_behavior.parquet'}' (format parquet)")

    def published(self, table: str = "df_manager") -> Path:
        return self.lake / f"foraging_auto_training/{table}_test.parquet"

    def df_manager(self, columns: str = "*", where: str = "true") -> list[tuple[Any, ...]]:
        """Rows of the published df_manager, in order of subject and session."""
        return duckdb.sql(
            f"select {columns} from '{self.published()}' where {where} order by subject_id, session"
        ).fetchall()

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Query the database that the last run left."""
        with duckdb.connect(self.environment["AUTO_TRAIN_DATABASE"], read_only=True) as database:
            return database.sql(sql).fetchall()

    def quarantine(self) -> list[tuple[Any, ...]]:
        return self.query("select subject_id, session, reason from marts.quarantine order by all")


def project_with(curricula: list[Curriculum], folder: Path) -> Path:
    """A copy of the project whose library holds other curricula; returns its root."""
    root = folder / "project"
    root.mkdir()
    for name in ("dbt_project.yml", ".dbtignore", "profiles.yml", "models", "tests"):
        (root / name).symlink_to(ROOT / name)
    for name in ("macros", "seeds"):
        shutil.copytree(ROOT / name, root / name)
    for name, content in compiled(curricula).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How often each rule of SEMANTICS came up in the random worlds."""
    counts: Counter[str] = Counter()
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, value in report.user_properties:
            if name == "exercised":
                counts.update(json.loads(value))
    if counts:
        terminalreporter.section("rules of SEMANTICS in the random worlds")
        for event, times in counts.items():
            terminalreporter.line(f"{times:>8,}  {event}")


def pytest_make_parametrize_id(val: object) -> str | None:
    """Values that are tried for their length do not fill the report."""
    return f"{val[:40]!a}, {len(val)} long" if isinstance(val, str | bytes) and len(val) > 80 else None


@pytest.fixture(autouse=True)
def _no_settings_of_the_developer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(SETTINGS):
            monkeypatch.delenv(name)
    # of a managers.yml that the lab has
    monkeypatch.setenv("AUTO_TRAIN_MANAGERS", "no")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture(scope="session")
def small_lab(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Twelve simulated mice and every model built of them, the backtest too: what dbt needs to run its unit tests."""
    project = Project(tmp_path_factory.mktemp("small_lab"))
    project.workplace = project.folder
    project.environment["AUTO_TRAIN_DATABASE"] = str(project.folder / "database.duckdb")
    pq.write_table(pa.concat_tables(simulate(12, 20, 1, date(2026, 1, 31))), project.lake / "df_behavior.parquet")
    project.decide("--select", "*")
    return project


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A simulated lab after a night; what uses it is of one xdist_group, so that it is built once."""
    from tests.lab import lab_after_a_night  # which needs what stands here

    return lab_after_a_night(tmp_path_factory.mktemp("lab"))


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[s3.Server]:
    with s3.running_server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def on_s3(project: Project, s3_server: s3.Server, request: pytest.FixtureRequest) -> Project:
    """The project with a lake of its own in a bucket of the server."""
    bucket = s3_server.bucket(f"lab-{abs(hash(request.node.name)) % 10**8}")
    project.environment |= {"AUTO_TRAIN_LAKE": f"s3://{bucket}/mice/night", **s3_server.environment}
    return project
