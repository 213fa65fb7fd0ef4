"""One simulated lab after a night, for the tests of what people look at."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from scripts.simulate import Rates, simulate
from tests.conftest import Project

HOSTILE = "{{vega}}</script><script>document.title='taken over'</script><!-- <b>Ann"


def lab_after_a_night(folder: Path) -> Project:
    """Sixty mice, with the page, the copy of the database and the backtest."""
    project = Project(folder)
    project.workplace = project.folder
    project.environment["AUTO_TRAIN_DATABASE"] = str(project.folder / "auto_train.duckdb")
    table = pa.concat_tables(simulate(60, 35, 3, date(2026, 1, 31), Rates(override=0.05)))
    trainers = [HOSTILE if name == "Ada" else name for name in table["user_name"].to_pylist()]
    table = table.set_column(table.schema.get_field_index("user_name"), "user_name", pa.array(trainers))
    pq.write_table(table, project.lake / "df_behavior.parquet")
    options = [*project.options, "--vars", '{training_day: "2026-02-01"}']
    done = project.command("-m", "scripts.nightly", *options)
    assert done.returncode == 0, done.stdout
    done = project.command("-m", "scripts.backtest", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "decisions replayed" in done.stdout
    page = ("-m", "scripts.report", "--out", str(project.folder / "target/morning.html"))
    assert project.command(*page).returncode == 0
    return project
