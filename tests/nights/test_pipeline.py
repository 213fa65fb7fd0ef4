"""The whole dbt pipeline against the reference, on random curricula and mice over several nights."""

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from curricula.conditions import Measure
from curricula.statistics import STATISTICS
from tests import reference, worlds
from tests.conftest import DF_MANAGER_COLUMNS, ROOT, Project, project_with

COLUMNS = (
    "current_stage_suggested", "current_stage_actual", "session_at_current_stage", "decision", "next_stage_suggested",
    "next_parameters", "matched_rule", "if_closed_loop", "if_overriden_by_trainer", "measures_read",
    "decided_anew_because is not null",
)  # fmt: skip
TRAINING_DAY = "2024-01-09"
# the world is what is tested here, and few of its rows are as in a lab
# what these worlds do at once no lab does, and it is not the gates that are tried here
LIMITS = {
    name: 100
    for name in yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"]
    if name.startswith("max_percent_")
}


def behavior(rows: list[reference.Row]) -> pa.Table:
    """df_behavior as the rows have it; spellings that staging undoes are put back."""
    rows = [row | row["raw"] for row in rows]
    texts = (
        "subject_id", "session_date", "task", "curriculum_name", "curriculum_version", "curriculum_schema_version",
        "current_stage_actual",
    )  # fmt: skip
    columns = {name: pa.array([row[name] for row in rows], pa.string()) for name in texts}
    for name in ("session", *worlds.ALL_METRICS):
        columns[name.replace("efficiency", "eff")] = pa.array([row[name] for row in rows], pa.float64())
    return pa.table(columns)


def write_directives(directives: list[reference.Row], root: Path) -> None:
    columns = ("subject_id", "directive", "stage", "from_date", "until_date")
    lines = [",".join(of[column] or "" for column in columns) + ",Anna,weight" for of in directives]
    header = ",".join([*columns, "who", "why"])
    (root / "seeds/by_hand/subject_directives.csv").write_text("\n".join([header, *lines, ""]))


@pytest.mark.parametrize("seed", [3, 7])
def test_every_night_publishes_what_the_reference_decides(
    seed: int, record_property: Callable[[str, Any], None]
) -> None:
    random = Random(seed)
    # a library has one file per name and version
    of_versions = {key[:2]: (key, of) for key, of in worlds.curricula(random, most=8).items()}
    curricula = dict(of_versions.values()) | worlds.own_curricula(random)
    nights = worlds.nights(random, list(curricula), mice=500)
    folder = Path(tempfile.mkdtemp())
    reference.exercised.clear()
    try:
        root = project_with([worlds.as_curriculum(*item) for item in curricula.items()], folder)
        world = World(Project(folder, root), curricula)
        directives: list[reference.Row] = []
        for rows in nights:
            # what is decided anew stays said, and is done once
            kept = [of for of in directives if of["directive"] == "decide_anew"]
            of_mice = {of["subject_id"] for of in kept}
            directives = kept + [of for of in worlds.directives(random, rows) if of["subject_id"] not in of_mice]
            world.night(rows, directives)
        reference.happens("10: all is decided anew")
        world.night(nights[-1], worlds.directives(random, nights[-1]), full_refresh=True)
        reference.happens("14: a table from before auto training")
        world.before_auto_training(
            nights[0], random.choice([key for key in curricula if curricula[key]["task"] == "dynamic_foraging"])
        )
    finally:
        shutil.rmtree(folder)
    record_property("exercised", json.dumps({event: reference.exercised[event] for event in reference.RULES}))
    never = [event for event in reference.RULES if not reference.exercised[event]]
    assert never == []
    # a column in which nothing was ever published could not show that it is read
    assert world.published_columns == set(DF_MANAGER_COLUMNS)


class World:
    """Nights of one project, each compared with the reference."""

    def __init__(self, project: Project, curricula: dict[tuple, reference.Row]) -> None:
        self.project, self.curricula = project, curricula
        self.published: dict[reference.Key, reference.Row] = {}
        self.published_columns: set[str] = set()
        self.longest = max([1, *(window(of) for values in curricula.values() for of in measures(values))])

    def night(
        self,
        rows: list[reference.Row],
        directives: list[reference.Row],
        table: pa.Table | None = None,
        full_refresh: bool = False,
        **variables: Any,
    ) -> None:
        project = self.project
        last_night = project.folder / "last_night.parquet"
        if project.published().exists():
            shutil.copy(project.published(), last_night)
        pq.write_table(table or behavior(rows), project.lake / "df_behavior.parquet")
        write_directives(directives, project.root)
        # the data tests on the last night, when everything has happened that can
        night_of = project.build if full_refresh else project.decide
        options = ["--full-refresh"] if full_refresh else []
        night_of("--vars", json.dumps(LIMITS | {"training_day": TRAINING_DAY, **variables}), *options)
        self.published, set_aside, drifted = reference.night(
            rows, self.published, self.curricula, self.longest, directives, TRAINING_DAY, full_refresh=full_refresh
        )
        decided = {
            (subject, number): of
            for subject, number, *of in project.df_manager(f"subject_id, session, {', '.join(COLUMNS)}")
        }
        expected = {key: [as_published(of, column) for column in COLUMNS] for key, of in self.published.items()}
        wrong = {
            key: (decided.get(key), expected.get(key))
            for key in decided.keys() | expected.keys()
            if decided.get(key) != expected.get(key)
        }
        assert wrong == {}, "(decided, expected)"
        if last_night.exists():
            self.assert_read_and_kept_in_every_column(last_night)
        assert project.quarantine() == set_aside
        drift = project.query(
            "select subject_id, session, stage_tomorrow_now, parameters_tomorrow_now from marts.decision_drift"
        )
        told = {(subject, number): (stage, parameters) for subject, number, stage, parameters in drift}
        assert told.keys() == drifted.keys()
        assert {key: told[key] for key, stage in drifted.items() if stage} == {k: s for k, s in drifted.items() if s}

    def assert_read_and_kept_in_every_column(self, last_night: Path) -> None:
        """What is published is what the next night reads, and what stands is published again as it was."""
        columns = ", ".join(DF_MANAGER_COLUMNS)
        typed = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind in DF_MANAGER_COLUMNS.items())
        published = f"(select {typed} from '{last_night}')"
        read = f"(select {columns} from staging.stg_lake__decisions)"
        assert self.project.query(f"from {published} except all from {read}") == []
        assert self.project.query(f"from {read} except all from {published}") == []
        [counts] = self.project.query(
            f"select {', '.join(f'count({name})' for name in DF_MANAGER_COLUMNS)} from {published}"
        )
        self.published_columns |= {name for name, count in zip(DF_MANAGER_COLUMNS, counts, strict=True) if count}
        # the record of what a decision read is dropped once its mouse has run a later session
        kept = "* exclude (inputs_read)"
        standing = "select subject_id, session from intermediate.int_decisions__standing"
        changed = self.project.query(f"""
            select {kept} from {published} semi join ({standing}) using (subject_id, session)
            except all select {kept} from (select {columns} from marts.df_manager)
        """)
        assert changed == []

    def before_auto_training(self, rows: list[reference.Row], default: tuple[str, str, str]) -> None:
        """The same mice as an old table has them: without curriculum and stage, so the default one and open loop."""
        columns = ("curriculum_name", "curriculum_version", "curriculum_schema_version")
        table = behavior(rows).drop_columns([*columns, "current_stage_actual"])
        task = worlds.PARAMETERS[self.curricula[default]["task"], default[2]]["task"]
        none = dict.fromkeys(columns)
        rows = [
            row
            | (dict(zip(columns, default, strict=True)) if row["task"] == task else none)
            | {"stage": None, "raw": {k: v for k, v in row["raw"].items() if k not in columns}}
            for row in rows
        ]
        # where another curriculum has been decided the default one would not hold
        shutil.rmtree(self.project.lake / "foraging_auto_training")
        (self.project.folder / "last_night.parquet").unlink()
        self.published = {}
        of_vars = {"default_curriculum": dict(zip(("name", "version", "schema_version"), default, strict=True))}
        self.night(rows, [], table, full_refresh=True, **of_vars)


def measures(values: reference.Row) -> list:
    """All measures that a reference curriculum's conditions look at."""

    def within(condition: tuple) -> list:
        if condition[0] in ("and", "or"):
            return [of for part in condition[1] for of in within(part)]
        return within(condition[1]) if condition[0] == "not" else [condition[1]]

    def of_policy(of: Any) -> list:
        if not isinstance(of, tuple):
            return []
        return [of] if of[0] in STATISTICS else [found for part in of for found in of_policy(part)]

    of_rules = [of for rules in values["stages"].values() for _, _, condition in rules for of in within(condition)]
    return of_rules + [
        of for stage in values["policies"].values() for policy in stage.values() for of in of_policy(policy)
    ]


def as_published(of: reference.Row, column: str) -> Any:
    """What a decision of the reference has in a column of df_manager."""
    if column == "decided_anew_because is not null":
        return of["decided_anew"] is not None
    if column == "measures_read":
        return {Measure(*measure).name: value for measure, value in of["measures_read"].items()} or None
    return of[column]


def window(of: object) -> int:
    return of[2] if isinstance(of, tuple) else 1
