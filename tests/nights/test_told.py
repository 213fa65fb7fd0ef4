"""What rigs were told on which day, who chose otherwise, and what a publication that is not a usual night says."""

import json
from dataclasses import replace
from datetime import date, timedelta

import duckdb
import pytest

from auto_train.lake import LakeError, Settings
from auto_train.lake.clock import now
from auto_train.publishing.answers import what_was_told
from auto_train.publishing.rename import rename
from auto_train.publishing.rollback import roll_back
from auto_train.publishing.status import status
from tests.conftest import Project

COLUMNS = (
    "subject_id, session_date, session, current_stage_actual, if_overriden_by_trainer, finished_trials, foraging_eff"
)
POOR, GOOD = (100.0, 0.3), (400.0, 0.8)


class Life:
    """Nights of one lake, whose rigs report what ran and sometimes who chose it."""

    def __init__(self, project: Project, patch: pytest.MonkeyPatch) -> None:
        self.project, self.rows, self.patch = project, [], patch
        for name, value in project.environment.items():
            patch.setenv(name, value)

    def ran(self, mouse: str, day: int, session: int, stage: str | None, flag: bool | None, values: tuple) -> None:
        self.rows.append((mouse, f"2024-01-{day:02}", session, stage, flag, *values))

    def at(self, time: str) -> None:
        self.project.environment["AUTO_TRAIN_CLOCK"] = f"2024-01-{time}:00:00+00:00"
        self.patch.setenv("AUTO_TRAIN_CLOCK", self.project.environment["AUTO_TRAIN_CLOCK"])

    def night(self, time: str, *options: str) -> str:
        """A night at a time such as 02T20; returns the name of its run."""
        self.at(time)
        self.write()
        self.project.decide(*options)
        return self.manifest()["run"]["id"]

    def write(self) -> None:
        with duckdb.connect() as connection:
            connection.execute(
                "create table t (subject_id text, session_date text, session int, current_stage_actual text,"
                " if_overriden_by_trainer boolean, finished_trials double, foraging_eff double)"
            )
            connection.executemany("insert into t values (?, ?, ?, ?, ?, ?, ?)", self.rows)
            connection.execute(f"""
                copy (select *, 'Coupled Baiting' as task, 'Coupled Baiting' as curriculum_name,
                    '2.3' as curriculum_version, '1.0' as curriculum_schema_version from t)
                to '{self.project.lake / "df_behavior.parquet"}' (format parquet)
            """)

    def manifest(self) -> dict:
        name = f"manifest_{self.project.environment['AUTO_TRAIN_MANAGER']}.json"
        return json.loads((self.project.lake / "foraging_auto_training" / name).read_text())

    def told(self, mouse: str, day: int) -> tuple:
        [row] = self.project.query(
            "select run_id, stage_told, stage_ran, followed, trainer_chose from marts.told"
            f" where subject_id = '{mouse}' and session_date = '2024-01-{day:02}' and session is not null"
        )
        return row


def test_a_week_of_a_lab_is_told_as_it_was(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    life = Life(project, monkeypatch)
    for mouse in ("1", "2", "3"):
        life.ran(mouse, 1, 1, "STAGE_1_WARMUP", None, POOR)
        life.ran(mouse, 2, 2, "STAGE_1", False, POOR)
    for session, values in enumerate((POOR, POOR, (250.0, 0.58)), 1):
        life.ran("4", session - 1 or 1, session, None, None, values)
    first = life.night("02T20")

    # a session that arrives late makes the next one look overridden, and nobody chose
    life.ran("1", 3, 3, "STAGE_1", False, GOOD)
    life.ran("1", 4, 4, "STAGE_1", False, POOR)
    # no flag, and another stage than was told; then a flag that says so, and one that says no
    life.ran("2", 3, 3, "STAGE_2", None, POOR)
    life.ran("2", 4, 4, "STAGE_2", True, POOR)
    life.ran("3", 4, 3, "STAGE_3", False, POOR)
    second = life.night("04T20")
    assert life.told("1", 4) == (first, "STAGE_1", "STAGE_1", True, False)
    assert life.told("2", 3) == (first, "STAGE_1", "STAGE_2", False, True)
    assert life.told("2", 4) == (first, "STAGE_1", "STAGE_2", False, True)
    assert life.told("3", 4) == (first, "STAGE_1", "STAGE_3", False, False)
    columns = "if_overriden_by_trainer, trainer_chose"
    assert project.df_manager(columns, "subject_id = '1' and session = 4") == [(True, False)]
    assert project.query("select sum(n_overridden) from marts.df_manager_stats") == [(2,)]
    assert project.query("select subject_id, details from marts.attention where reason = 'applied_another_stage'") == [
        ("3", "STAGE_1 was told, STAGE_3 ran, and the rig reports no choice of a trainer")
    ]

    # a corrected past: sentences stay those of the night on which they were true
    [(before,)] = project.query("select sentence from marts.decision_sentences where subject_id = '2' and session = 2")
    # and a newest session that was corrected, so that its decision is made once more
    corrected = {("2", "2024-01-02", 2), ("3", "2024-01-04", 3)}
    life.rows = [of if of[:3] not in corrected else (*of[:5], *GOOD) for of in life.rows]
    life.ran("1", 5, 5, "STAGE_1", False, GOOD)
    third = life.night("05T20")
    assert project.query(
        "select sentence, changed_since from marts.decision_sentences where subject_id = '2' and session = 2"
    ) == [(before, "finished trials was 100, is 400 now; foraging efficiency was 0.3, is 0.8 now")]
    [drift] = project.query("select session, is_its_own, what_changed from marts.decision_drift where subject_id = '2'")
    assert drift == (2, True, "finished_trials: 100.0 → 400.0; foraging_efficiency: 0.3 → 0.8")

    # a rollback is what rigs read on the next day
    settings = Settings.from_environment()
    life.at("05T22")
    back = roll_back(settings, second, now())
    assert back.said == [
        f"rolled back to what run {second} published: 2 mice are told another stage than before (1, 3)"
    ]
    assert back.said[0] in status(settings, now())[0]
    rigs = json.loads((project.lake / "foraging_auto_training/next_session_test.json").read_text())
    assert (rigs["run_id"], rigs["rolled_back_to"], rigs["training_day"]) == (back.run.id, second, "2024-01-06")
    assert rigs["mice"]["1"]["session"] == 4
    late = "late: rigs run on decisions of that time"
    assert late not in status(settings, now() + timedelta(hours=36))[0]
    assert late in status(settings, now() + timedelta(hours=37))[0]
    life.ran("1", 6, 6, "STAGE_1", False, POOR)
    life.night("06T20")
    assert life.told("1", 6) == (back.run.id, "STAGE_1", "STAGE_1", True, False)

    def answer(mouse: str, day: int) -> str:
        return "\n".join(what_was_told(settings, mouse, date(2024, 1, day)))

    assert answer("1", 2) == "1 on 2024-01-02: nothing had been published for that day"
    assert answer("1", 5).startswith(f"1 on 2024-01-05: was told STAGE_1 by run {second} (night)\n    STAY at STAGE_1")
    assert answer("1", 6).startswith(
        f"1 on 2024-01-06: was told STAGE_1 by run {back.run.id} (rollback to run {second})\n"
        f"    STAY at STAGE_1, decided by run {second}: session 4 ran STAGE_1; no rule held; it read finished_trials"
    )
    assert answer("1", 6).endswith("\n    session 6 ran STAGE_1, as told")
    assert answer("3", 6).startswith(
        f"3 on 2024-01-06: was told STAGE_2 by run {back.run.id} (rollback to run {second})\n"
        f"    ROLLBACK to STAGE_2, decided by run {second}: session 3 ran STAGE_3"
    )
    assert answer("9", 6) == (
        f"9 on 2024-01-06: was told nothing by run {back.run.id} (rollback to run {second}): "
        "df_manager has no such mouse"
    )
    assert answer("03", 6).endswith(": df_manager has no such mouse, did you mean '3'?")
    kinds = project.query("select run_id, kind, rolled_back_to from staging.stg_lake__publications order by place")
    assert [kind for _, kind, _ in kinds] == ["night", "night", "night", "rollback", "night"]
    assert kinds[3] == (back.run.id, "rollback", second)
    assert kinds[2][0] == third

    # a full refresh decides the corrected past anew, and says what that changes
    life.rows = [of if (of[0], of[2]) != ("4", 2) else (*of[:5], *GOOD) for of in life.rows]
    life.night("06T21", "--full-refresh")
    assert life.manifest()["said"] == [
        "a full refresh, all is decided anew: 1 mouse is told another stage than before (4)"
    ]

    # another manager's first night over the same mice
    project.environment["AUTO_TRAIN_MANAGER"] = "other"
    life.rows = [of for of in life.rows if of[:3] != ("3", "2024-01-04", 3)]
    life.night("06T22")
    assert life.manifest()["said"] == [
        "the first night of other: 4 of its mice were decided by manager test before, and 1 mouse is told another "
        "stage than there (3). To go on from those decisions: auto-train managers rename "
        "test NEW, with a name that has published nothing yet"
    ]


def test_a_dry_run_says_what_would_change_and_publishes_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    life = Life(project, monkeypatch)
    life.ran("1", 1, 1, None, None, POOR)
    life.night("01T20")
    published = project.published().read_bytes()
    life.rows[0] = (*life.rows[0][:5], *GOOD)
    life.at("01T21")
    life.write()
    done = project.command("-m", "scripts", "nightly", "--dry-run", "--project-dir", str(project.root))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == (
        "this night would publish: 1 mouse is told another stage than before (1)\n"
        "    1: STAGE_1 -> STAGE_2\nnothing was published\n"
    )
    assert project.published().read_bytes() == published


def test_a_manager_that_is_renamed_goes_on_where_it_was(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    life = Life(project, monkeypatch)
    life.ran("1", 1, 1, "STAGE_1_WARMUP", None, POOR)
    first = life.night("01T20")
    life.at("01T21")
    monkeypatch.setenv("AUTO_TRAIN_MANAGER", "new_name")
    project.environment["AUTO_TRAIN_MANAGER"] = "new_name"
    settings = Settings.from_environment()
    renamed = rename(settings, "test", now())
    assert (renamed.run.kind, renamed.run.previous) == ("rename", first)
    with pytest.raises(LakeError, match=r"manager new_name has published in .* already"):
        rename(settings, "test", now())
    text, is_well = status(settings, now())
    assert is_well and "manager test is called new_name from now on: no mouse is told another stage" in text
    # the decision stands though its data changed, and the answer to what was told goes back before the new name
    life.ran("1", 2, 2, "STAGE_1", None, POOR)
    life.rows[0] = (*life.rows[0][:5], *GOOD)
    life.night("02T20")
    assert life.manifest()["said"] == []
    assert project.query("select session, run_id from marts.df_manager order by session")[0] == (1, first)
    assert what_was_told(settings, "1", date(2024, 1, 2))[0] == (
        f"1 on 2024-01-02: was told STAGE_1 by run {renamed.run.id} (rename)"
    )
    with pytest.raises(LakeError, match="has nothing that manager nobody published"):
        rename(replace(settings, manager="x"), "nobody", now())
