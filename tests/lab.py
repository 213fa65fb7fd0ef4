"""One simulated lab after a night, for the tests of what people look at."""

import os
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from auto_train.simulation.mice import Rates, simulate
from tests.conftest import Project

HOSTILE = "{{vega}}</script><script>document.title='taken over'</script><!-- <b>Ann"


def lab_after_a_night(folder: Path) -> Project:
    """Sixty mice, with the page, the copy of the database and the backtest.

    Where KEEP_TEST_LAB names a folder, the lab is kept there, and only its page is written anew the next time.
    """
    kept = os.environ.get("KEEP_TEST_LAB")
    project = Project(Path(kept) if kept else folder)
    project.workplace = project.folder
    project.environment["AUTO_TRAIN_DATABASE"] = str(project.folder / "auto_train.duckdb")
    project.environment["AUTO_TRAIN_PAGE"] = "yes"
    page = ("-m", "scripts", "report", "--out", str(project.folder / "target/morning.html"))
    if (project.folder / "analysis").exists():
        assert project.command(*page).returncode == 0
        return project
    table = pa.concat_tables(simulate(60, 35, 3, date(2026, 1, 31), Rates(override=0.05)))
    trainers = [HOSTILE if name == "Ada" else name for name in table["user_name"].to_pylist()]
    table = table.set_column(table.schema.get_field_index("user_name"), "user_name", pa.array(trainers))
    pq.write_table(table, project.lake / "df_behavior.parquet")
    options = [*project.options, "--vars", '{training_day: "2026-02-01"}']
    done = project.command("-m", "scripts", "nightly", *options)
    assert done.returncode == 0, done.stdout
    done = project.command("-m", "scripts", "backtest", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "decisions replayed" in done.stdout
    assert project.command(*page).returncode == 0
    return project
