"""What is said of a decision that a mouse was told."""

import io
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from auto_train.lake import Settings, open_lake
from auto_train.publishing import answers, log
from auto_train.publishing.answers import what_was_told
from auto_train.publishing.manifest import Manifest, Run
from auto_train.publishing.publication import Tables, publish

DECIDED = {
    "session": 0,
    "decision": "STAY",
    "next_stage_suggested": "STAGE_1",
    "current_stage_actual": "STAGE_1",
    "run_id": "20240510T220000Z",
    "directive": "enrol coupled_baiting/v2.3 by Anna: new",
    "matched_rule": None,
}


def test_of_a_mouse_that_was_enrolled_no_session_is_said_to_have_run():
    assert answers._reason(DECIDED) == (
        "STAY at STAGE_1, decided by run 20240510T220000Z: has not run yet; enrol coupled_baiting/v2.3 by Anna: new"
    )


def test_a_reason_names_the_rule_that_held_and_what_it_read_and_a_missing_value_as_missing():
    moved = DECIDED | {
        "session": 3,
        "decision": "PROGRESS",
        "next_stage_suggested": "STAGE_2",
        "directive": None,
        "matched_rule": 2,
        "measures_read": [("finished_trials", 0.0), ("foraging_efficiency", None)],
    }
    assert answers._reason(moved) == (
        "PROGRESS to STAGE_2, decided by run 20240510T220000Z: session 3 ran STAGE_1; rule 2; "
        "it read finished_trials 0, foraging_efficiency missing"
    )
    assert answers._reason(moved | {"matched_rule": None}).endswith(
        "; no rule held; it read finished_trials 0, foraging_efficiency missing"
    )


def table(*rows: dict[str, Any]) -> log.Rows:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows)), out)
    return out.getvalue(), len(rows)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A lake in which mice 00452 and 7 were told a stage for 10 May, and 00452 another one for 11 May, of Sydney."""
    lake = str(tmp_path / "lake")
    settings = Settings(lake, "", "test", str(tmp_path / "database.duckdb"), "")
    for day, stages in ((10, {"00452": "STAGE_1", "7": "STAGE_1"}), (11, {"00452": "STAGE_2"})):
        started = datetime(2024, 5, day - 1, 20, tzinfo=UTC)
        run = Run(
            id=f"202405{day - 1:02}T200000Z-a", started_at=started, training_day=date(2024, 5, day),
            previous="20240509T200000Z-a" if day == 11 else None, lab_time_zone="Australia/Sydney",
        )  # fmt: skip
        told = [{"subject_id": mouse, "session": day, "stage": stage} for mouse, stage in stages.items()]
        decisions = [
            DECIDED | {"subject_id": mouse, "session": day, "next_stage_suggested": stage, "run_id": run.id}
            for mouse, stage in stages.items()
        ]
        if day == 11:
            # decided anew, and not told: the mouse is told what explains the decision that it had
            decisions.append(decisions[0] | {"subject_id": "7", "session": 10, "next_stage_suggested": "STAGE_3"})
        leader = settings.published("df_manager")
        content = table(*(DECIDED | {"subject_id": mouse} for mouse in ("00452", "7", "8")))[0]
        publish(
            settings,
            open_lake(lake, settings).tag(leader),
            Tables({leader: content}, {leader: 1}, table(*decisions), table(*told)),
            Manifest(manager="test", run=run, code_version="test", files=[]),
        )
    return settings


def said(settings: Settings, mouse: str, day: int | None) -> list[str]:
    return what_was_told(settings, mouse, day and date(2024, 5, day))


def test_what_was_told_on_a_day_is_of_the_last_publication_for_that_day_or_one_before(settings: Settings) -> None:
    of = "00452 on 2024-05-"
    assert said(settings, "00452", 9) == [f"{of}09: nothing had been published for that day"]
    assert said(settings, "00452", 10)[0] == f"{of}10: was told STAGE_1 by run 20240509T200000Z-a (night)"
    assert said(settings, "00452", 12)[0] == f"{of}12: was told STAGE_2 by run 20240510T200000Z-a (night)"
    # nothing else was told since
    assert said(settings, "7", 11)[0] == "7 on 2024-05-11: was told STAGE_1 by run 20240510T200000Z-a (night)"
    assert said(settings, "7", 11)[1].startswith("    STAY at STAGE_1, decided by run 20240509T200000Z-a: session 10")


def test_what_a_rollback_took_back_explains_nothing(settings: Settings) -> None:
    lake, first = open_lake(settings.lake, settings), "20240509T200000Z-a"
    last = "20240510T200000Z-a"
    # the run of the eleventh decided the same of mouse 7 after other values, and was rolled back
    anew = DECIDED | {"subject_id": "7", "session": 10, "matched_rule": 2, "run_id": last}
    taken_back = log.entries(lake, settings, last)[0].run
    log.forget(lake, settings, last)
    log.write(lake, settings, taken_back, table(anew))
    for day, led_to in ((12, first), (13, None)):
        run = taken_back.model_copy(
            update={
                "id": f"202405{day - 1}T200000Z-b", "previous": last, "rolled_back_to": led_to,
                "training_day": date(2024, 5, day), "kind": "rollback" if led_to else "night",
            }
        )  # fmt: skip
        leader = settings.published("df_manager")
        tables = Tables({leader: lake.read(leader)}, {leader: 1})
        publish(settings, lake.tag(leader), tables, Manifest(manager="test", run=run, code_version="test", files=[]))
        last = run.id
    reasons = {day: said(settings, "7", day)[1] for day in (11, 12, 13)}
    assert reasons[11].startswith("    STAY at STAGE_1, decided by run 20240510T200000Z-a: session 10")
    # nor of the nights after it
    for day in (12, 13):
        assert reasons[day].startswith(f"    STAY at STAGE_1, decided by run {first}: session 10")


def test_without_a_day_the_lab_s_own_is_meant(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    # it is the eleventh there already
    monkeypatch.setenv("AUTO_TRAIN_CLOCK", "2024-05-10T15:00:00+00:00")
    assert said(settings, "00452", None)[0].startswith("00452 on 2024-05-11: was told STAGE_2")
    # of a day to come nobody can say what was told
    assert said(settings, "00452", 12)[0].startswith("00452 on 2024-05-12: so far is told STAGE_2")
    assert said(settings, "other", 12)[0].startswith("other on 2024-05-12: so far is told nothing")
    nothing = replace(settings, manager="other")
    assert said(nothing, "7", None) == ["7 on 2024-05-10: nothing had been published for that day"]


def test_a_mouse_that_is_not_known_is_said_to_be_and_which_may_be_meant(settings: Settings) -> None:
    nothing = "2024-05-11: was told nothing by run 20240510T200000Z-a (night)"
    # it is in df_manager, which told it nothing
    assert said(settings, "8", 11) == [f"8 on {nothing}"]
    for mouse, meant in {"452": "00452", "0452": "00452", "452.0": "00452", "00453": "00452", "000007": "7"}.items():
        assert said(settings, mouse, 11) == [
            f"{mouse} on {nothing}: df_manager has no such mouse, did you mean '{meant}'?"
        ]
    assert said(settings, "other", 11) == [f"other on {nothing}: df_manager has no such mouse"]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("(5, 'STAGE_1', true, false)", "session 5 ran STAGE_1, as told"),
        ("(5, 'STAGE_3', false, true)", "session 5 ran STAGE_3, a trainer chose it"),
        ("(5, 'STAGE_3', false, false)", "session 5 ran STAGE_3, and nobody says why"),
        ("(5, null, null, null)", "session 5 ran in open loop"),
    ],
)
def test_what_ran_is_said_with_whose_choice_it_was(row: str, words: str, settings: Settings) -> None:
    with duckdb.connect(settings.database) as database:
        database.execute("create schema marts")
        database.execute(f"""
            create table marts.told as
            select 'run of another night' as run_id, '7' as subject_id, date '2024-05-10' as session_date,
                1 as session, 'STAGE_9' as stage_ran, true as followed, false as trainer_chose
            union all select '20240509T200000Z-a', '8', date '2024-05-10', 1, 'STAGE_9', true, false
            union all select '20240509T200000Z-a', '7', date '2024-05-11', 1, 'STAGE_9', true, false
            union all
            select '20240509T200000Z-a', '7', date '2024-05-10', * from (values {row})
        """)
    assert said(settings, "7", 10)[2:] == [f"    {words}"]
