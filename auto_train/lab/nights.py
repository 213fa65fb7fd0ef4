"""Live the nights of a simulated lab with the real command, in a folder of its own, and judge each."""

import csv
import gc
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import yaml
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from auto_train.lab.judge import Judge, Seen, Sentence
from auto_train.lab.reference import Rules, State
from auto_train.lab.truth import Morning, told_of, truth_of
from auto_train.lab.world import World
from auto_train.lake import ROOT, LakeError, Settings, open_lake
from auto_train.publishing.history import kept_runs
from auto_train.publishing.manifest import published_manifest
from auto_train.publishing.rollback import roll_back

Night = Callable[[Mapping[str, str]], str]
"""Run a night with these settings; returns what kept it from publishing, or nothing."""

NIGHT, MORNING = time(5, tzinfo=UTC), time(6, tzinfo=UTC)


def environment(folder: Path) -> dict[str, str]:
    """Settings of a lab in a folder."""
    return {
        "AUTO_TRAIN_LAKE": str(folder / "lake"),
        "AUTO_TRAIN_MANAGER": "lab",
        "AUTO_TRAIN_PAGE": "no",
        "AUTO_TRAIN_DATABASE": str(folder / "lab.duckdb"),
        "AUTO_TRAIN_DIRECTIVES": str(folder / "directives.csv"),
    }


def build(folder: Path) -> Night:
    """`dbt build` in this process, which spares the seconds that starting dbt takes."""
    paths = ["--target-path", str(folder / "target"), "--log-path", str(folder / "logs")]
    places = ["--project-dir", str(ROOT), "--profiles-dir", str(ROOT)]
    quick = ["--quiet", "--log-level", "none", "--log-level-file", "none", "--no-write-json"]

    def night(settings: Mapping[str, str]) -> str:
        Path(settings["AUTO_TRAIN_DATABASE"]).unlink(missing_ok=True)
        with _set(settings):
            done = dbtRunner().invoke(["build", *quick, "--exclude-resource-type", "unit_test", *paths, *places])
        DuckDBConnectionManager.close_all_connections()
        results = getattr(done.result, "results", None) or []
        failed = [f"{of.node.name}: {of.message}" for of in results if str(of.status) in ("error", "fail")]
        problem = "" if done.success else "; ".join([*failed, str(done.exception or "")]) or "dbt says nothing"
        del done, results
        # what went wrong holds on to its connection, and while that lives DuckDB takes no new file for the old one
        gc.collect()
        return problem

    return night


@contextmanager
def _set(settings: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(settings)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def limits() -> dict[str, int]:
    """Limits of attention, as dbt_project.yml has them."""
    project = yaml.safe_load((ROOT / "dbt_project.yml").read_text(encoding="utf-8"))
    return {name: value for name, value in project["vars"].items() if name.startswith("attention_")}


def live(world: World, folder: Path, run: Night, say: Callable[[str], None] = print, **settings: str) -> Judge:
    """Live all nights of a world; returns what was told, against what is true.

    What was wrong is in ``wrong.csv`` in the folder; `settings` are those that are other, such as ``database``.

    Raises:
        LakeError: there is a lab in the folder already.
    """
    lake = folder / "lake"
    if lake.exists():
        raise LakeError(f"there is a lab in {folder} already, with a past of its own. Name another folder")
    lake.mkdir(parents=True)
    others = {f"AUTO_TRAIN_{name.upper()}": value for name, value in settings.items()}
    life = _Life(world, folder, environment(folder) | others)
    for day in world.days:
        say(life.a_day(day, run))
    with (folder / "wrong.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([("day", "kind", "of", "told", "true"), *life.judge.wrong])
    return life.judge


class _Life:
    def __init__(self, world: World, folder: Path, settings: dict[str, str]) -> None:
        self.world, self.folder, self.judge = world, folder, Judge()
        self.rules, self.limits = Rules(world.library), limits()
        self.environment = settings
        with _set(settings):
            self.settings = Settings.from_environment()
        self.lake = open_lake(self.settings.lake, self.settings)
        self.mornings: dict[date, Morning] = {}
        self.state: State = {}
        self.states: dict[str | None, State] = {}

    def a_day(self, day: date, run: Night) -> str:
        """The night before it, the morning, and what runs; says in a line how the night went."""
        became, wrong_before = self.world.night(day), len(self.judge.wrong)
        if became != "night_missed":
            became = self._night(day, run, became)
        published = self._published()
        self.judge.decisions(day, self.world, published, self.state)
        stages = {who: of[max(of)] for who, of in published.items()}
        self.mornings[day] = Morning(self._run_id(), stages)
        self.world.run(day, stages)
        return f"{day}: {became}, {len(self.world.rows):,} sessions, {len(self.judge.wrong) - wrong_before:,} wrong"

    def _night(self, day: date, run: Night, planned: str) -> str:
        behavior = self.folder / "lake/df_behavior.parquet"
        pq.write_table(self.world.table(), behavior)
        if planned == "night_refused":
            # an upload that broke off
            behavior.write_bytes(behavior.read_bytes()[:-100])
        (self.folder / "directives.csv").write_text(self.world.directives(), encoding="utf-8")
        clock = {"AUTO_TRAIN_CLOCK": datetime.combine(day, NIGHT).isoformat()}
        problem = run(self.environment | clock)
        became = "refused" if problem else "published"
        self.judge.compare(day, "nights", {day: became}, {day: "published" if planned == "runs" else "refused"})
        if problem:
            return f"refused ({' '.join(problem.split())[:200]})"
        truth = truth_of(self.world, day, self.state, self.mornings, self.rules, self.limits)
        self.state = {subject: mouse.decisions for subject, mouse in truth.mice.items()}
        self.states[self._run_id()] = self.state
        told = told_of(truth.mice, self.mornings, self.world.has_flag)
        self.judge.words(day, seen(Path(self.settings.database)), truth, told)
        if self.world.is_rolled_back(day):
            self.judge.decisions(day, self.world, self._published(), self.state)
            target = kept_runs(self.lake, self.settings)[1]
            roll_back(self.settings, target, datetime.combine(day, MORNING))
            self.state = self.states[self._run_id()] = self.states[target]
            became = f"rolled back to {target}"
        self.world.published(day)
        return became

    def _run_id(self) -> str | None:
        manifest = published_manifest(self.lake, self.settings)
        return manifest.run.id if manifest else None

    def _published(self) -> dict[str, dict[int, str]]:
        """Next stages as the rigs read them, by subject and session."""
        path = f"{self.settings.lake}/{self.settings.published('df_manager')}"
        if not Path(path).exists():
            return {}
        found: dict[str, dict[int, str]] = {}
        rows = duckdb.execute("select subject_id, session, next_stage_suggested from read_parquet(?)", [path])
        for subject, session, stage in rows.fetchall():
            found.setdefault(subject, {})[session] = stage
        return found


def seen(database: Path) -> Seen:
    """What a night tells people, from the database that it left."""
    with duckdb.connect(str(database), read_only=True) as connection:

        def columns(mart: str) -> set[str]:
            sql = "select column_name from duckdb_columns() where schema_name = 'marts' and table_name = ?"
            return {name for (name,) in connection.execute(sql, [mart]).fetchall()}

        def rows(sql: str) -> list[tuple[Any, ...]]:
            return connection.execute(sql).fetchall()

        sentences = [
            Sentence(*row)
            for row in rows("""
                select subject_id, session, decision, current_stage_actual, next_stage_suggested, matched_rule,
                    directive_kind, sentence
                from marts.df_manager inner join marts.decision_sentences using (subject_id, session)
            """)
        ]
        who = "coalesce(subject_id, rig)" if "rig" in columns("attention") else "subject_id"
        attention = set(rows(f"select {who}, reason from marts.attention"))  # noqa: S608
        told = None
        if names := columns("told"):
            asked = ("stage_told", "run_id", "stage_ran", "followed", "trainer_chose")
            selected = ", ".join(name if name in names else f"null as {name}" for name in asked)
            told = {
                (subject, session, day): dict(zip(asked, of, strict=True))
                for subject, session, day, *of in rows(
                    f"select subject_id, session, cast(session_date as date), {selected} from marts.told"  # noqa: S608
                )
            }
        return Seen(sentences, attention, told)
