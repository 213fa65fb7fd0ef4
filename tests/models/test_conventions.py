"""Style of the SQL and structure of the dbt project, by the linters of the field."""

import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT, Project
from tests.mice import GOOD_MOUSE


def program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def test_sql_follows_the_style(project: Project) -> None:
    project.write_behavior(GOOD_MOUSE)
    project.environment["AUTO_TRAIN_DATABASE"] = str(project.folder / "database.duckdb")
    done = subprocess.run(
        [program("sqlfluff"), "lint", "models", "tests/dbt", "--disable-progress-bar"],
        env={"PATH": "/usr/bin:/bin", "HOME": str(project.folder), **project.environment},
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
