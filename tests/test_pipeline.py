"""The whole dbt pipeline against the reference, on random curricula and mice over several nights."""

import shutil
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests import reference, worlds
from tests.conftest import Project, project_with

COLUMNS = (
    "current_stage_suggested", "current_stage_actual", "session_at_current_stage", "decision", "next_stage_suggested",
    "matched_rule", "if_closed_loop", "if_overriden_by_trainer",
)  # fmt: skip


def behavior(rows: list[reference.Row]) -> pa.Table:
    """df_behavior as the rows have it; spellings that staging undoes are put back."""
    columns = {
        name: [row[name] for row in rows]
        for name in ("subject_id", "session_date", "task", "curriculum_name", "curriculum_schema_version")
    }
    columns["session"] = [float(row["session"]) for row in rows]
    columns["curriculum_version"] = [
        f"v{row['curriculum_version']}" if row["session"] % 2 else row["curriculum_version"] for row in rows
    ]
    columns["current_stage_actual"] = [row["raw_stage"] for row in rows]
    for metric in worlds.ALL_METRICS:
        columns[metric.replace("efficiency", "eff")] = pa.array([row[metric] for row in rows], pa.float64())
    return pa.table(columns)


# No shrinking: each try takes three builds, and a failure names its mouse anyway
@settings(
    max_examples=2,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.data_too_large, HealthCheck.large_base_example, HealthCheck.too_slow],
)
@given(st.data())
def test_every_night_publishes_what_the_reference_decides(data: st.DataObject) -> None:
    curricula = data.draw(worlds.curricula())
    nights = data.draw(worlds.nights(list(curricula), mice=25))
    folder = Path(tempfile.mkdtemp())
    try:
        root = project_with([worlds.as_curriculum(*item) for item in curricula.items()], folder)
        project = Project(folder, root)
        published: dict = {}
        for night, rows in enumerate([*nights, nights[-1]]):
            full_refresh = night == len(nights)
            pq.write_table(behavior(rows), project.lake / "df_behavior.parquet")
            options = ["--vars", "max_percent_set_aside: 100"]
            # the data tests on the last night, when everything has happened that can
            night_of = project.build if full_refresh else project.decide
            night_of(*options, *(["--full-refresh"] if full_refresh else []))
            windows = [1, *(window(of) for values in curricula.values() for of in measures(values))]
            published, set_aside = reference.night(rows, {} if full_refresh else published, curricula, max(windows))
            decided = {
                (subject, number): of
                for subject, number, *of in project.df_manager(f"subject_id, session, {', '.join(COLUMNS)}")
            }
            expected = {key: [of[column] for column in COLUMNS] for key, of in published.items()}
            wrong = {
                key: (decided.get(key), expected.get(key))
                for key in decided.keys() | expected.keys()
                if decided.get(key) != expected.get(key)
            }
            assert wrong == {}, f"night {night}: (decided, expected)"
            assert project.quarantine() == set_aside
    finally:
        shutil.rmtree(folder)


def measures(values: reference.Row) -> list:
    """All measures that a reference curriculum's conditions look at."""

    def within(condition: tuple) -> list:
        if condition[0] in ("and", "or"):
            return [of for part in condition[1] for of in within(part)]
        return [condition[1]]

    return [of for rules in values["stages"].values() for _, _, condition in rules for of in within(condition)]


def window(of: object) -> int:
    return of[2] if isinstance(of, tuple) else 1
