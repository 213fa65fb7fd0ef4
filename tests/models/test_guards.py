"""Every guard is held: what must trip it does, and what lies just inside its limit does not.

A guard is a data test of dbt. Each runs as dbt runs it, on the tables of a lab in which one thing was tampered with.
"""

import json
import os
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
import pytest

from auto_train.simulation.mice import Rates, simulate
from tests.conftest import DF_MANAGER_COLUMNS, Project

pytestmark = pytest.mark.xdist_group("guards")

BEHAVIOR = "staging.stg_lake__behavior"
TWICE = "staging.stg_lake__sessions_twice"
SESSIONS = "staging.stg_lake__sessions"
DIRECTIVES = "staging.stg_people__directives"
LACKING = "intermediate.int_sessions__lacking"
ONE_MOUSE = "subject_id = (select min(subject_id) from marts.next_session)"
PUBLISHED = "staging.stg_lake__decisions"
DIRECTIVES = "staging.stg_people__directives"
STANDING = "intermediate.int_decisions__standing"
DECIDED = "intermediate.int_walk"
MEASURES = "intermediate.int_sessions__measures"
DF_MANAGER = "marts.df_manager"
NEXT_SESSION = "marts.next_session"
QUARANTINE = "marts.quarantine"
NEW = "intermediate.int_sessions__new"
SEEN = "marts.subjects_seen"
DRIFTED = "intermediate.int_decisions__drifted"
RUN = "staging.stg_lake__run"
READ = "staging.stg_lake__columns"
RULES = "intermediate.int_curricula__rules"
COMPARISONS = "intermediate.int_curricula__comparisons"

# How tables are tampered with


def add(table: str, **values: Any) -> str:
    """A row that has these values; all others are missing."""
    texts = ", ".join("null" if value is None else repr(value) for value in values.values())
    return f"insert into {table} ({', '.join(values)}) values ({texts});"


def fill(table: str, rows_sql: str) -> str:
    return f"insert into {table} by name {rows_sql};"


def change(table: str, where: str = "true", **values: str) -> str:
    """Other values, as SQL."""
    return f"update {table} set {', '.join(f'{name} = {value}' for name, value in values.items())} where {where};"


def drop(table: str, where: str = "true") -> str:
    return f"delete from {table} where {where};"


def decided_now(**values: Any) -> str:
    return add(DECIDED, scenario="tonight", **values)


def empty(*tables: str) -> str:
    return "".join(drop(table) for table in tables)


# Worlds that are small enough to count in


def mice_gone(gone: int, of: int, sessions: int = 1) -> str:
    decisions = f"from range({of}) as m (mouse), range({sessions}) as s (session)"
    return (
        empty(PUBLISHED, BEHAVIOR)
        + fill(PUBLISHED, f"select mouse as subject_id, session {decisions}")
        + fill(BEHAVIOR, f"select mouse as subject_id, 0 as session from range({gone}, {of}) as m (mouse)")
    )


def sessions_gone(gone: int, of: int) -> str:
    """Two mice have half of the sessions each; what the first one lacks has the number of a session of the other."""
    its_sessions = f"select {{}} as subject_id, session from range({{}}, {of // 2}) as s (session)"
    return (
        empty(PUBLISHED, BEHAVIOR)
        + "".join(fill(PUBLISHED, its_sessions.format(mouse, 0)) for mouse in (1, 2))
        + fill(BEHAVIOR, its_sessions.format(1, gone))
        + fill(BEHAVIOR, its_sessions.format(2, 0))
    )


def set_aside(aside: int, of: int) -> str:
    return (
        empty(NEW, QUARANTINE)
        + fill(NEW, f"select mouse as session_key, mouse as subject_id from range({of}) as m (mouse)")
        + fill(QUARANTINE, f"select mouse as session_key, mouse as subject_id from range({aside}) as m (mouse)")
    )


def went(column: str, lost: int, of: int, is_newest: str = "true") -> str:
    """New sessions of mice that were on a curriculum and in closed loop, of which some are so no more."""
    rest = {"is_on_curriculum", "is_closed_loop"} - {column}
    return empty(NEW) + fill(
        NEW,
        f"select mouse as session_key, mouse as subject_id, mouse >= {lost} as {column}, true as {rest.pop()},"
        f" true as was_on_curriculum, true as was_closed_loop, {is_newest} as is_newest from range({of}) as m (mouse)",
    )


def drifted(changed: int, of: int) -> str:
    return (
        empty(STANDING, DRIFTED)
        + fill(STANDING, f"select mouse as subject_id from range({of}) as m (mouse)")
        + fill(
            DRIFTED,
            f"select mouse as subject_id, false as is_gone, true as is_its_own from range({changed}) as m (mouse)",
        )
    )


def without_metrics(lacking: int, of: int) -> str:
    return (
        empty(NEW, SESSIONS, LACKING)
        + fill(NEW, f"select mouse as session_key from range({of}) as m (mouse)")
        + fill(
            SESSIONS,
            "select mouse as session_key, mouse as subject_id, 'Coupled Baiting' as curriculum_name,"
            f" '2.3' as curriculum_version, '1.0' as curriculum_schema_version from range({of}) as m (mouse)",
        )
        + fill(
            LACKING,
            f"select mouse as session_key, ['finished_trials'] as metrics_missing from range({lacking}) as m (mouse)",
        )
    )


NO_MICE = empty(PUBLISHED, SESSIONS, DECIDED, NEXT_SESSION)


def changing(mice: int, of: int, decided_now: int = 1, first: int = 0) -> str:
    """Mice that were to run STAGE_1 after their session 1, some of which are to run STAGE_2 now."""
    all_mice = f"from range({first}, {first + of}) as m (mouse)"
    all_sessions = f"{all_mice}, range({decided_now}) as s (session)"
    stage = f"if(mouse < {first + mice}, 'STAGE_2', 'STAGE_1')"
    return (
        fill(PUBLISHED, f"select mouse as subject_id, 1 as session, 'STAGE_1' as next_stage_suggested {all_mice}")
        + fill(SESSIONS, f"select mouse * 10 + session as session_key, mouse as subject_id {all_sessions}")
        + fill(DECIDED, f"select 'tonight' as scenario, mouse * 10 + session as session_key {all_sessions}")
        + fill(NEXT_SESSION, f"select mouse as subject_id, {stage} as next_stage_suggested {all_mice}")
    )


ONCE_TO_RUN_STAGE_2 = fill(
    PUBLISHED, f"select subject_id, 0 as session, 'STAGE_2' as next_stage_suggested from {PUBLISHED}"
)


def days_old(days: int, where: str = "true") -> str:
    """Sessions so many days before the training day."""
    return change(BEHAVIOR, where, session_date=f"(select training_day - {days} from {RUN})") + change(
        RUN, tomorrow="training_day + 1"
    )


ONE_SESSION = f"rowid = (select min(rowid) from {BEHAVIOR} where set_aside_because is null)"
OFF = "'off_curriculum'"
ONE_SET_ASIDE = f"rowid = (select min(rowid) from {BEHAVIOR} where set_aside_because is not null)"


def one_more_session(key: int = -1, **values: Any) -> str:
    return add(BEHAVIOR, session_key=key, subject_id="1", session=1, **values)


SET_ASIDE_TWICE = "".join(one_more_session(key) + add(TWICE, session_key=key) for key in (-1, -2))


def decision_that_stands(subject_id: str, session: int) -> str:
    return "".join(add(table, subject_id=subject_id, session=session) for table in (STANDING, DF_MANAGER))


IT_STANDS = f"(subject_id, session) in (select (subject_id, session) from {STANDING})"


def one_that_stands(column: str, value: str) -> str:
    """Another value in df_manager than the one that was published."""
    one = f"select min(rowid) from {DF_MANAGER} where {IT_STANDS} and {column} is distinct from {value}"
    return change(DF_MANAGER, f"rowid = ({one})", **{column: value})


# another value than any that was published, by type
ANOTHER = {
    "varchar": "'another'", "date": "date '1999-01-01'", "timestamp": "timestamp '1999-01-01'", "bigint": "-1",
    "integer": "-1", "double": "-1", "map(varchar, double)": "map(['another'], [-1::double])",
}  # fmt: skip
STANDS = {
    name: ANOTHER.get(kind, f"coalesce(not {name}, true)")
    for name, kind in DF_MANAGER_COLUMNS.items()
    if name not in ("subject_id", "session", "inputs_read")
}


def directive_for(subject: str | None, is_over: bool = False, **columns: str) -> str:
    return add(DIRECTIVES, subject_id=subject, is_over=is_over, **columns)


def rule(key: int, number: int, decision: str, to: str, stage: str = "STAGE_1", curriculum: int = 1) -> str:
    return add(
        RULES, rule_key=key, curriculum_key=curriculum, stage=stage, rule_number=number, decision=decision, to_stage=to
    )


def comparison(key: int, measure: str, operator: str, threshold: float, alternative: int = 1) -> str:
    return add(
        COMPARISONS, rule_key=key, alternative=alternative, measure=measure, operator=operator, threshold=threshold
    )


TRIALS = "finished_trials__last"
# The third session at STAGE_1 of a mouse, with 250 trials. The first of two rules moves it on, and has the higher key.
PROGRESS = (
    empty(DECIDED, MEASURES, SESSIONS, DF_MANAGER, RULES, COMPARISONS)
    + add(SESSIONS, session_key=7, subject_id="1", session=9)
    + add(MEASURES, session_key=7, curriculum_key=1, session_total=9, finished_trials__last=250)
    + decided_now(session_key=7, actual_stage_key=2, session_at_current_stage=3)
    + (rule(2, 1, "PROGRESS", "STAGE_2") + comparison(2, TRIALS, ">=", 250))
    + (rule(1, 2, "ROLLBACK", "STAGE_1_WARMUP") + comparison(1, TRIALS, "<", 100))
    + add(DF_MANAGER, subject_id="1", session=9, current_stage_actual="STAGE_1")
    + change(DF_MANAGER, decision="'PROGRESS'", next_stage_suggested="'STAGE_2'", matched_rule="1")
)
IT_STAYS = change(DF_MANAGER, decision="'STAY'", next_stage_suggested="current_stage_actual", matched_rule="null")
STAY = PROGRESS + change(MEASURES, finished_trials__last="249") + IT_STAYS
# A mouse that stays at a stage whose policy gives its delay.
PARAMETERS = "intermediate.int_decisions__parameters"
A_POLICY = (
    STAY + empty(PARAMETERS) + add(PARAMETERS, session_key=7, subject_id="1", session=9, parameter="x", computed=0.2)
)


def told(value: float, parameter: str = "x") -> str:
    return change(DF_MANAGER, next_parameters=f"""'{{"{parameter}": {value}}}'""")


# another mouse is decided too, and told a parameter that no policy gives
OF_ANOTHER_MOUSE = (
    add(SESSIONS, session_key=8, subject_id="2", session=9)
    + add(MEASURES, session_key=8, curriculum_key=1, session_total=9, finished_trials__last=249)
    + decided_now(session_key=8, actual_stage_key=2, session_at_current_stage=3)
    + fill(DF_MANAGER, f"select * replace ('2' as subject_id) from {DF_MANAGER}")
)


def held_rule(key: int, number: int, **of: Any) -> str:
    return rule(key, number, "STAY", "STAGE_1", **of) + comparison(key, TRIALS, ">", 0)


# What each guard must make of it: what is so, the tampering, and whether the guard stops, warns or passes

Cases = list[tuple[str, str, str]]

# fmt: off
CLAIMS: dict[str, Cases] = {
    "assert_df_behavior_is_fresh": [
        ("newest sessions four days before the training day", days_old(4), "pass"),
        ("newest sessions five days before it", days_old(5), "warn"),
        ("one newer session among older ones", days_old(9) + days_old(4, ONE_SESSION), "pass"),
        ("no session has a date", change(BEHAVIOR, session_date="null"), "warn"),
        ("one session tomorrow among older ones", days_old(9) + days_old(-1, ONE_SESSION), "pass"),
        ("one session in the future hides no old table", days_old(9) + days_old(-2, ONE_SESSION), "warn"),
        ("the newer one is set aside", days_old(9) + days_old(0, ONE_SET_ASIDE), "warn"),
        (
            "the newer one is off curriculum",
            days_old(9) + days_old(0, ONE_SET_ASIDE) + change(BEHAVIOR, ONE_SET_ASIDE, set_aside_because=OFF),
            "pass",
        ),
    ],
    "assert_some_session_is_on_curriculum": [
        ("all are off curriculum", change(BEHAVIOR, set_aside_because=OFF), "warn"),
        ("one is not", change(BEHAVIOR, f"not {ONE_SESSION}", set_aside_because=OFF), "pass"),
        ("one is set aside", change(BEHAVIOR, f"not {ONE_SET_ASIDE}", set_aside_because=OFF), "pass"),
        ("there is no session", drop(BEHAVIOR), "warn"),
    ],
    "assert_directives_are_understood": [
        ("a directive without a problem", add(DIRECTIVES, subject_id="1", is_over=False), "pass"),
        ("a directive with one", add(DIRECTIVES, subject_id="1", problem="unknown_stage", is_over=False), "warn"),
        ("one that has ended", add(DIRECTIVES, subject_id="1", problem="unknown_stage", is_over=True), "pass"),
        ("a file that is missing", add(DIRECTIVES, problem="file_is_missing", is_over=False), "warn"),
    ],
    "assert_subjects_of_directives_are_known": [
        ("a mouse of df_behavior", directive_for("1") + add(SEEN, subject_id="1"), "pass"),
        ("a mouse of df_manager", directive_for("1") + add(PUBLISHED, subject_id="1"), "pass"),
        ("a mouse of neither", directive_for("1"), "warn"),
        ("a mouse that differs by zeros", directive_for("1") + add(SEEN, subject_id="0001"), "warn"),
        ("an enrolment of a mouse that has never run", directive_for("1", curriculum="a/v1"), "pass"),
        ("one in a curriculum that does not exist",
         directive_for("1", curriculum="a/v1", problem="unknown_curriculum"), "warn"),
        ("one of a mouse that differs by zeros",
         directive_for("1", curriculum="a/v1") + add(SEEN, subject_id="0001"), "warn"),
        ("a mouse without a number", directive_for("1") + add(SEEN, subject_id=None), "warn"),
        ("one that has ended", directive_for("1", is_over=True), "pass"),
        ("a line that names no mouse", directive_for(None), "pass"),
    ],
    "assert_every_session_is_accounted_for": [
        ("what a mouse is told that has not run yet",
         add(DF_MANAGER, subject_id="-9", session=0) + add("intermediate.int_decisions__enrolled", subject_id="-9"),
         "pass"),
        ("such a row that nobody asked for", add(DF_MANAGER, subject_id="-9", session=0), "error"),
        ("a session that nothing knows of", one_more_session(), "error"),
        ("one that is set aside", one_more_session(set_aside_because="off_curriculum"), "pass"),
        ("one of two rows of it is set aside",
         one_more_session() + decision_that_stands("1", 1) + one_more_session(-2) + add(TWICE, session_key=-2), "pass"),
        ("both rows are", SET_ASIDE_TWICE, "error"),
        ("the only row that is said to come twice",
         empty(TWICE) + one_more_session() + add(TWICE, session_key=-1), "error"),
        ("both are, and its mouse has another session",
         SET_ASIDE_TWICE + add(BEHAVIOR, session_key=-3, subject_id="1", session=2) + decision_that_stands("1", 2),
         "error"),
        ("one not decided", one_more_session() + decided_now(session_key=-1, not_decided_because="x"), "pass"),
        ("one only walked again, to compare",
         one_more_session() + add(DECIDED, scenario="replay", session_key=-1, not_decided_because="x"), "error"),
        ("one decided before", one_more_session() + decision_that_stands("1", 1), "pass"),
        ("another mouse decided before", one_more_session() + decision_that_stands("2", 1), "error"),
        ("another session decided before", one_more_session() + decision_that_stands("1", 2), "error"),
        ("one decided now",
         one_more_session() + decided_now(session_key=-1) + add(DF_MANAGER, subject_id="1", session=1), "pass"),
        ("one decided that df_manager lacks", decided_now(session_key=-1), "error"),
        ("df_manager has another one in its place",
         one_more_session() + decided_now(session_key=-1) + add(DF_MANAGER, subject_id="2", session=1), "error"),
        ("one in df_manager that nothing decided", add(DF_MANAGER, subject_id="1", session=1), "error"),
        ("one of df_manager lost", drop(DF_MANAGER, "rowid = 0"), "error"),
    ],
    "assert_few_mice_change_stage": [
        ("300 of 1000", NO_MICE + changing(300, 1000), "pass"),
        ("301 of 1000", NO_MICE + changing(301, 1000), "warn"),
        ("700 of 1000", NO_MICE + changing(700, 1000), "warn"),
        ("701 of 1000", NO_MICE + changing(701, 1000), "error"),
        ("9 of 9", NO_MICE + changing(9, 9), "warn"),
        ("10 of 10", NO_MICE + changing(10, 10), "error"),
        ("8 of 10, which is few mice but many of those that are decided", NO_MICE + changing(8, 10), "error"),
        ("50 of 50 that ran twice since", NO_MICE + changing(50, 50, decided_now=2), "error"),
        ("50 of 50, and others that were not decided",
         NO_MICE + changing(50, 50) + changing(0, 99, decided_now=0, first=50), "error"),
        ("10 of 40, which ran twice since",
         NO_MICE + changing(10, 10, decided_now=2) + changing(0, 30, first=10), "pass"),
        ("50 of 100, whose sessions since were not decided",
         NO_MICE + changing(0, 50) + changing(50, 50, decided_now=0, first=50)
         + fill(SESSIONS, "select -mouse as session_key, mouse as subject_id from range(50, 100) as m (mouse)"),
         "pass"),
        ("50 that would change in a replay only",
         NO_MICE + changing(50, 50) + change(DECIDED, scenario="'replay'"), "pass"),
        ("50 whose sessions are set aside",
         NO_MICE + changing(50, 50) + change(DECIDED, not_decided_because="'x'"), "pass"),
        ("50 of 50 that graduate",
         NO_MICE + changing(50, 50) + change(NEXT_SESSION, next_stage_suggested="'GRADUATED'"), "error"),
        ("none, but another stage earlier", NO_MICE + changing(0, 100) + ONCE_TO_RUN_STAGE_2, "pass"),
        ("50 of 50, and another stage earlier", NO_MICE + changing(50, 50) + ONCE_TO_RUN_STAGE_2, "error"),
        ("mice without a decision before", NO_MICE + changing(50, 50) + empty(PUBLISHED), "pass"),
    ],
    "assert_few_sessions_are_set_aside": [
        ("50 of 1000", set_aside(50, 1000), "pass"),
        ("51 of 1000", set_aside(51, 1000), "warn"),
        ("900 of 1000", set_aside(900, 1000), "warn"),
        ("901 of 1000", set_aside(901, 1000), "error"),
        ("9 of 9", set_aside(9, 9), "warn"),
        ("10 of 10", set_aside(10, 10), "error"),
        ("none, but 90 that were known before", set_aside(0, 10) + fill(
            QUARANTINE, "select 100 + mouse as session_key from range(90) as m (mouse)"), "pass"),
    ],
    "assert_new_sessions_have_their_metrics": [
        ("20 of 100", without_metrics(20, 100), "pass"),
        ("21 of 100", without_metrics(21, 100), "warn"),
        ("50 of 100", without_metrics(50, 100), "warn"),
        ("51 of 100", without_metrics(51, 100), "error"),
        ("51 of 100 off every curriculum",
         without_metrics(51, 100) + change(SESSIONS, curriculum_version="'0'"), "pass"),
        ("51 of 100 of another curriculum", without_metrics(51, 100) + change(SESSIONS, curriculum_name="'x'"), "pass"),
        ("51 of 100 of another schema version",
         without_metrics(51, 100) + change(SESSIONS, curriculum_schema_version="'0'"), "pass"),
        ("51 of 100 that are known already", without_metrics(51, 100) + empty(NEW), "pass"),
        ("51 of 99 that are known already, beside a new one",
         without_metrics(51, 100) + drop(NEW, "session_key <> 99"), "pass"),
        ("9 of 9", without_metrics(9, 9), "warn"),
    ],
    "assert_new_sessions_stay_on_curriculum": [
        ("20 of 100", went("is_on_curriculum", 20, 100), "pass"),
        ("21 of 100", went("is_on_curriculum", 21, 100), "warn"),
        ("51 of 100", went("is_on_curriculum", 51, 100, is_newest="false"), "error"),
        ("10 of 10 that were not before",
         went("is_on_curriculum", 10, 10) + change(NEW, was_on_curriculum="false"), "pass"),
        ("10 of 10 of new mice", went("is_on_curriculum", 10, 10) + change(NEW, was_on_curriculum="null"), "pass"),
        ("9 of 9", went("is_on_curriculum", 9, 9), "warn"),
    ],
    "assert_mice_stay_on_curriculum": [
        ("10 of 100", went("is_on_curriculum", 10, 100), "pass"),
        ("11 of 100", went("is_on_curriculum", 11, 100), "warn"),
        ("31 of 100", went("is_on_curriculum", 31, 100), "error"),
        ("31 of 100, in sessions that are not the newest",
         went("is_on_curriculum", 31, 100, is_newest="false"), "pass"),
        ("10 of 10 that were not before",
         went("is_on_curriculum", 10, 10) + change(NEW, was_on_curriculum="false"), "pass"),
        ("9 of 9", went("is_on_curriculum", 9, 9), "warn"),
    ],
    "assert_new_sessions_stay_in_closed_loop": [
        ("20 of 100", went("is_closed_loop", 20, 100), "pass"),
        ("21 of 100", went("is_closed_loop", 21, 100), "warn"),
        ("80 of 100", went("is_closed_loop", 80, 100), "warn"),
        ("81 of 100", went("is_closed_loop", 81, 100), "error"),
        ("10 of 10 that were not before",
         went("is_closed_loop", 10, 10) + change(NEW, was_closed_loop="false"), "pass"),
        ("10 of 10 off curriculum", went("is_closed_loop", 10, 10) + change(NEW, is_on_curriculum="false"), "pass"),
        ("9 of 9", went("is_closed_loop", 9, 9), "warn"),
    ],
    "assert_few_decided_sessions_drift": [
        ("1 of 100", drifted(1, 100), "pass"),
        ("2 of 100", drifted(2, 100), "warn"),
        ("10 of 100", drifted(10, 100), "warn"),
        ("11 of 100", drifted(11, 100), "error"),
        ("11 of 100 that are gone", drifted(11, 100) + change(DRIFTED, is_gone="true"), "pass"),
        ("11 of 100 that have what changed in their history",
         drifted(11, 100) + change(DRIFTED, is_its_own="false"), "pass"),
        ("9 of 9", drifted(9, 9), "warn"),
    ],
    "assert_columns_are_there": [
        *((f"{name} is missing", drop(READ, f"read_as = '{name}'"), "error") for name in (
            "subject_id", "session", "finished_trials", "foraging_efficiency", "curriculum_name",
            "curriculum_version", "curriculum_schema_version")),
        *((f"{name} is missing", drop(READ, f"read_as = '{name}'"), "pass") for name in (
            "trainer", "reported_stage", "session_date", "dummy_metric_int")),
        ("all columns of the curriculum are missing", drop(READ, "starts_with(read_as, 'curriculum_')"), "pass"),
        ("a metric of a curriculum that only df_manager names",
         drop(READ, "read_as = 'finished_trials'") + change(BEHAVIOR, curriculum_name="null"), "error"),
        *((f"a metric of curricula of which none in use has the {part}", drop(READ, "read_as = 'finished_trials'")
           + change(BEHAVIOR, **{part: "'0'"}) + change(PUBLISHED, **{part: "'0'"}), "pass")
          for part in ("curriculum_name", "curriculum_version", "curriculum_schema_version")),
    ],
    "assert_the_last_run_is_past": [
        ("an hour ago", change(RUN, previous_started_at="started_at - interval 1 hour"), "pass"),
        ("at the same time", change(RUN, previous_started_at="started_at"), "pass"),
        ("a second later", change(RUN, previous_started_at="started_at + interval 1 second"), "warn"),
        ("never", change(RUN, previous_started_at="null"), "pass"),
    ],
    "assert_mice_do_not_vanish": [
        ("none of 1000", mice_gone(0, 1000), "pass"),
        ("1 of 1000", mice_gone(1, 1000), "warn"),
        ("100 of 1000", mice_gone(100, 1000), "warn"),
        ("101 of 1009", mice_gone(101, 1009), "error"),
        ("111 of 1000", mice_gone(111, 1000), "error"),
        ("9 of 9", mice_gone(9, 9), "warn"),
        ("9 of 9 with two decisions each", mice_gone(9, 9, sessions=2), "warn"),
        ("10 of 10", mice_gone(10, 10), "error"),
        ("2 of 10", mice_gone(2, 10), "error"),
        ("one that someone knows to be gone", mice_gone(1, 1000)
         + add(DIRECTIVES, subject_id="0", applied_as="accept_gone"), "pass"),
        ("one that is held", mice_gone(1, 1000) + add(DIRECTIVES, subject_id="0", applied_as="hold"), "warn"),
        ("an enrolment of a mouse that never ran", mice_gone(0, 1000)
         + add(PUBLISHED, subject_id="-9", session=0, session_at_current_stage=0), "pass"),
        ("mice whose sessions are all set aside",
         mice_gone(0, 1000) + change(BEHAVIOR, set_aside_because="'off_curriculum'"), "pass"),
    ],
    "assert_published_decisions_stand": [
        *((f"another {column}", one_that_stands(column, value), "error") for column, value in STANDS.items()),
        ("the record of what was read, which only the newest decision keeps",
         one_that_stands("inputs_read", "null"), "pass"),
        ("no value where there was one", one_that_stands("matched_rule", "null"), "error"),
        ("a value where there was none",
         decision_that_stands("1", 1) + change(DF_MANAGER, "subject_id = '1'", decision="'STAY'"), "error"),
        ("a decision that df_manager lacks", add(STANDING, subject_id="1", session=1), "error"),
        ("only another mouse's",
         add(STANDING, subject_id="1", session=1) + add(DF_MANAGER, subject_id="2", session=1), "error"),
        ("only that of another session",
         add(STANDING, subject_id="1", session=1) + add(DF_MANAGER, subject_id="1", session=2), "error"),
        ("decisions made anew", change(DF_MANAGER, f"not {IT_STANDS}", decision="null"), "pass"),
    ],
    "assert_the_log_is_whole": [
        ("a damaged file", change(RUN, damaged_log_files="'a.parquet'"), "warn"),
    ],
    "assert_reasons_explain_every_new_decision": [
        ("what the first rule says", PROGRESS, "pass"),
        ("another rule is named", PROGRESS + change(DF_MANAGER, matched_rule="2"), "error"),
        ("no rule is named", PROGRESS + change(DF_MANAGER, matched_rule="null"), "error"),
        ("another decision", PROGRESS + change(DF_MANAGER, decision="'STAY'"), "error"),
        ("another next stage", PROGRESS + change(DF_MANAGER, next_stage_suggested="'STAGE_3'"), "error"),
        ("no rule holds", STAY, "pass"),
        ("no rule holds but one is named", STAY + change(DF_MANAGER, matched_rule="1"), "error"),
        ("no rule holds but it progresses", STAY + change(DF_MANAGER, decision="'PROGRESS'"), "error"),
        ("no rule holds but it moves", STAY + change(DF_MANAGER, next_stage_suggested="'STAGE_2'"), "error"),
        ("a value is missing", STAY + change(MEASURES, finished_trials__last="null"), "pass"),
        ("a later rule holds too", PROGRESS + comparison(1, TRIALS, ">", 0, alternative=2), "pass"),
        ("an earlier rule holds too", PROGRESS + held_rule(3, 0), "error"),
        ("a rule of another stage holds", STAY + held_rule(3, 0, stage="STAGE_2"), "pass"),
        ("a rule of another curriculum holds", STAY + held_rule(3, 0, curriculum=2), "pass"),
        ("a second comparison holds", PROGRESS + comparison(2, "session_total", ">=", 9), "pass"),
        ("a second comparison does not", PROGRESS + comparison(2, "session_total", ">", 9), "error"),
        ("a second alternative does not", PROGRESS + comparison(2, "session_total", ">", 9, alternative=2), "pass"),
        ("enough sessions at the stage", PROGRESS + comparison(2, "session_at_current_stage", ">=", 3), "pass"),
        ("too few of them", PROGRESS + comparison(2, "session_at_current_stage", ">", 3), "error"),
        *((f"250 trials are {sign} 250", PROGRESS + change(COMPARISONS, "rule_key = 2", operator=f"'{sign}'"), of)
          for sign, of in {
              ">=": "pass", ">": "error", "<=": "pass", "<": "error", "==": "pass", "!=": "error"}.items()),
        ("a mouse that is held", PROGRESS + IT_STAYS + change(DF_MANAGER, directive_kind="'hold'"), "pass"),
        ("a mouse that was enrolled", PROGRESS + IT_STAYS + change(DF_MANAGER, directive_kind="'enrol'"), "error"),
        ("its mouse stayed the session before",
         PROGRESS + add(DF_MANAGER, subject_id="1", session=8, current_stage_actual="STAGE_1", decision="STAY",
                        next_stage_suggested="STAGE_1"), "pass"),
        ("a session that is not decided", PROGRESS + IT_STAYS + change(DECIDED, not_decided_because="'x'"), "pass"),
        ("a session that was walked again, to compare",
         PROGRESS + IT_STAYS + change(DECIDED, scenario="'replay'"), "pass"),
        ("what the policy gives", A_POLICY + change(PARAMETERS, given="0.2") + told(0.2), "pass"),
        ("another value", A_POLICY + change(PARAMETERS, given="0.25") + told(0.25), "error"),
        ("no value where there is one", A_POLICY, "error"),
        ("no value where it is missing", A_POLICY + change(PARAMETERS, computed="null"), "pass"),
        ("a value where it is missing",
         A_POLICY + change(PARAMETERS, computed="null", given="0.2") + told(0.2), "error"),
        ("a parameter without a policy", STAY + told(0.2), "error"),
        ("a parameter without a policy, told before",
         STAY + add(DF_MANAGER, subject_id="1", session=8, next_parameters='{"x": 0.2}'), "pass"),
        ("a parameter without a policy, of a session beside one with it",
         A_POLICY + change(PARAMETERS, given="0.2") + told(0.2) + OF_ANOTHER_MOUSE, "error"),
        ("the value of another parameter", A_POLICY + told(0.2, "y"), "error"),
        ("a policy of a session that is not decided", A_POLICY + change(DECIDED, not_decided_because="'x'"), "pass"),
        ("a rule for GRADUATED holds",
         PROGRESS + change(RULES, stage="'GRADUATED'") + change(DECIDED, actual_stage_key="8")
         + change(DF_MANAGER, current_stage_actual="'GRADUATED'") + IT_STAYS, "pass"),
    ],
    "assert_sessions_do_not_vanish": [
        ("none of 1000", sessions_gone(0, 1000), "pass"),
        ("1 of 1000", sessions_gone(1, 1000), "warn"),
        ("100 of 1000", sessions_gone(100, 1000), "warn"),
        ("101 of 1000", sessions_gone(101, 1000), "error"),
        ("111 of 1000", sessions_gone(111, 1000), "error"),
        ("4 of 8", sessions_gone(4, 8), "warn"),
        ("5 of 10", sessions_gone(5, 10), "error"),
        ("one that someone knows to be gone", sessions_gone(1, 1000)
         + add(DIRECTIVES, subject_id="1", applied_as="accept_gone"), "pass"),
        ("one of a mouse that is held", sessions_gone(1, 1000)
         + add(DIRECTIVES, subject_id="1", applied_as="hold"), "warn"),
        ("one that someone knows of another mouse", sessions_gone(1, 1000)
         + add(DIRECTIVES, subject_id="2", applied_as="accept_gone"), "warn"),
        ("one of before the day that someone names", sessions_gone(1, 1000)
         + change(PUBLISHED, session_date="date '2024-01-01'")
         + add(DIRECTIVES, subject_id="1", applied_as="accept_gone", valid_from="2024-01-02"), "warn"),
        ("one of the only day that someone names", sessions_gone(1, 1000)
         + change(PUBLISHED, session_date="date '2024-01-02'")
         + add(DIRECTIVES, subject_id="1", applied_as="accept_gone", valid_from="2024-01-02", valid_until="2024-01-02"),
         "pass"),
        ("one of after the day that someone names", sessions_gone(1, 1000)
         + change(PUBLISHED, session_date="date '2024-01-03'")
         + add(DIRECTIVES, subject_id="1", applied_as="accept_gone", valid_until="2024-01-02"), "warn"),
        ("an enrolment of a mouse that never ran", sessions_gone(0, 1000)
         + add(PUBLISHED, subject_id="9", session=0, session_at_current_stage=0), "pass"),
        ("sessions that are all set aside",
         sessions_gone(0, 1000) + change(BEHAVIOR, set_aside_because="'off_curriculum'"), "pass"),
    ],
    "assert_told_stages_have_parameters": [
        ("a stage that has none", change("marts.next_session", ONE_MOUSE, next_stage_suggested="'STAGE_9'"), "warn"),
        ("of a version that has none", change("marts.next_session", ONE_MOUSE, curriculum_version="'0'"), "warn"),
        ("of a schema version that has none",
         change("marts.next_session", ONE_MOUSE, curriculum_schema_version="'0'"), "warn"),
        ("of a curriculum that has none", change("marts.next_session", ONE_MOUSE, curriculum_name="'x'"), "warn"),
        ("of a mouse that left",
         change("marts.next_session", ONE_MOUSE, next_stage_suggested="'STAGE_9'", has_left="true"), "pass"),
    ],
    "assert_no_sessions_in_the_future": [
        ("a session on the day after the training day", days_old(-1, ONE_SESSION), "pass"),
        ("a session a day later", days_old(-2, ONE_SESSION), "warn"),
        ("one that is set aside", days_old(-2, ONE_SET_ASIDE), "pass"),
    ],
}


def not_null(column: str) -> Cases:
    table, _, name = column.rpartition(".")
    return [("a row without it", add(table, **{name: None}), "error")]


def unique(column: str) -> Cases:
    table, _, name = column.rpartition(".")
    return [("two rows with the same", add(table, **{name: "-1"}) * 2, "error")]


def known(column: str, example: str) -> Cases:
    """A value that a seed lists."""
    table, _, name = column.rpartition(".")
    return [
        ("a known one", add(table, **{name: example}), "pass"),
        ("an unknown one", add(table, **{name: "x"}), "error"),
        ("none", add(table, **{name: None}), "pass"),
    ]


def a_stage(column: str) -> Cases:
    table, _, name = column.rpartition(".")
    return [
        ("a stage", add(table, **{name: "GRADUATED"}), "pass"),
        ("no stage", add(table, **{name: "STAGE_9"}), "error"),
        ("the label of a stage", add(table, **{name: "Stage 2"}), "error"),
    ]


def one_of(column: str, *values: str) -> Cases:
    table, _, name = column.rpartition(".")
    outcomes = dict.fromkeys(values, "pass") | {"x": "error"}
    return [(value, add(table, **{name: value}), of) for value, of in outcomes.items()]


def unique_together(table: str, *columns: str) -> Cases:
    row = dict.fromkeys(columns, "-1")
    return [
        ("two rows that are the same", add(table, **row) * 2, "error"),
        *((f"two that differ in {of}", add(table, **row) + add(table, **row | {of: "-2"}), "pass") for of in columns),
    ]


COLUMNS: dict[str, Cases] = {
    "not_null_attention_reasons_reason": not_null("seeds.attention_reasons.reason"),
    "unique_attention_reasons_reason": unique("seeds.attention_reasons.reason"),
    "not_null_curricula_curriculum": not_null("seeds.curricula.curriculum"),
    "unique_curricula_curriculum": unique("seeds.curricula.curriculum"),
    "not_null_directives_directive": not_null("seeds.directives.directive"),
    "not_null_directive_problems_problem": not_null("seeds.directive_problems.problem"),
    "unique_directive_problems_problem": unique("seeds.directive_problems.problem"),
    "unique_directives_directive": unique("seeds.directives.directive"),
    "not_null_set_aside_reasons_reason": not_null("seeds.set_aside_reasons.reason"),
    "unique_set_aside_reasons_reason": unique("seeds.set_aside_reasons.reason"),
    "not_null_task_aliases_alias": not_null("seeds.task_aliases.alias"),
    "unique_task_aliases_alias": unique("seeds.task_aliases.alias"),
    "not_null_training_stages_stage_key": not_null("seeds.training_stages.stage_key"),
    "unique_training_stages_stage_key": unique("seeds.training_stages.stage_key"),
    "not_null_int_curricula__rules_rule_key": not_null("intermediate.int_curricula__rules.rule_key"),
    "unique_int_curricula__rules_rule_key": unique("intermediate.int_curricula__rules.rule_key"),
    "not_null_int_curricula_curriculum_key": not_null("intermediate.int_curricula.curriculum_key"),
    "unique_int_curricula_curriculum_key": unique("intermediate.int_curricula.curriculum_key"),
    "relationships_curriculum_comparisons_curriculum__curriculum__ref_curricula_": known(
        "seeds.curriculum_comparisons.curriculum", "coupled_baiting/v2.3"),
    "relationships_curriculum_conditions_curriculum__curriculum__ref_curricula_": known(
        "seeds.curriculum_conditions.curriculum", "coupled_baiting/v2.3"),
    "relationships_curriculum_parameters_curriculum__curriculum__ref_curricula_": known(
        "seeds.curriculum_parameters.curriculum", "coupled_baiting/v2.3"),
    "relationships_curriculum_rules_curriculum__curriculum__ref_curricula_": known(
        "seeds.curriculum_rules.curriculum", "coupled_baiting/v2.3"),
    "relationships_curriculum_stages_curriculum__curriculum__ref_curricula_": known(
        "seeds.curriculum_stages.curriculum", "coupled_baiting/v2.3"),
    "relationships_attention_reason__reason__ref_attention_reasons_": known(
        "marts.attention.reason", "drift"),
    "relationships_df_manager_directive_kind__directive__ref_directives_": known(
        "marts.df_manager.directive_kind", "pin"),
    "relationships_quarantine_reason__reason__ref_set_aside_reasons_": known(
        "marts.quarantine.reason", "session_twice"),
    "not_null_int_sessions__new_session_key": not_null("intermediate.int_sessions__new.session_key"),
    "unique_int_sessions__new_session_key": unique("intermediate.int_sessions__new.session_key"),
    "not_null_subjects_seen_subject_id": not_null("marts.subjects_seen.subject_id"),
    "unique_subjects_seen_subject_id": unique("marts.subjects_seen.subject_id"),
    "relationships_curriculum_metrics_curriculum__curriculum__ref_curricula_": known(
        "seeds.curriculum_metrics.curriculum", "coupled_baiting/v2.3"),
    "relationships_curriculum_policies_curriculum__curriculum__ref_curricula_": known(
        "seeds.curriculum_policies.curriculum", "coupled_baiting/v2.3"),
    "relationships_task_stages_stage__stage__ref_training_stages_": a_stage("seeds.task_stages.stage"),
    "unique_together_task_stages_task__stage": unique_together("seeds.task_stages", "task", "stage"),
    "unique_together_curriculum_policies_curriculum__stage__parameter": unique_together(
        "seeds.curriculum_policies", "curriculum", "stage", "parameter"),
    "unique_together_int_curricula__ends_curriculum_name__curriculum_version__curriculum_schema_version__stage":
        unique_together("intermediate.int_curricula__ends", "curriculum_name", "curriculum_version",
                        "curriculum_schema_version", "stage"),
    "unique_together_int_decisions__policies_scenario__session_key": unique_together(
        "intermediate.int_decisions__policies", "scenario", "session_key"),
    "unique_together_stages_curriculum_name__curriculum_version__curriculum_schema_version__stage":
        unique_together("marts.stages", "curriculum_name", "curriculum_version", "curriculum_schema_version", "stage"),
    "unique_together_curriculum_metrics_curriculum__metric": unique_together(
        "seeds.curriculum_metrics", "curriculum", "metric"),
    "unique_together_curricula_curriculum_name__curriculum_version__curriculum_schema_version":
        unique_together("seeds.curricula", "curriculum_name", "curriculum_version", "curriculum_schema_version"),
    "unique_together_curriculum_comparisons_curriculum__stage__rule_number__alternative__comparison_number":
        unique_together("seeds.curriculum_comparisons", "curriculum", "stage", "rule_number", "alternative",
                        "comparison_number"),
    "unique_together_curriculum_conditions_curriculum__stage__rule_number__clause_number__measure":
        unique_together("seeds.curriculum_conditions", "curriculum", "stage", "rule_number", "clause_number",
                        "measure"),
    "unique_together_curriculum_parameters_curriculum__stage__parameter":
        unique_together("seeds.curriculum_parameters", "curriculum", "stage", "parameter"),
    "unique_together_curriculum_rules_curriculum__stage__rule_number":
        unique_together("seeds.curriculum_rules", "curriculum", "stage", "rule_number"),
    "unique_together_curriculum_stages_curriculum__stage":
        unique_together("seeds.curriculum_stages", "curriculum", "stage"),
    "unique_together_task_metrics_task__metric":
        unique_together("seeds.task_metrics", "task", "metric"),
    "accepted_values_df_manager_decision__STAY__PROGRESS__ROLLBACK": one_of(
        "marts.df_manager.decision", "STAY", "PROGRESS", "ROLLBACK"),
    "not_null_decision_log_run_id": not_null("marts.decision_log.run_id"),
    "not_null_decision_log_session": not_null("marts.decision_log.session"),
    "not_null_decision_log_subject_id": not_null("marts.decision_log.subject_id"),
    "not_null_df_manager_current_stage_actual": not_null("marts.df_manager.current_stage_actual"),
    "not_null_df_manager_current_stage_suggested": not_null("marts.df_manager.current_stage_suggested"),
    "not_null_df_manager_curriculum_name": not_null("marts.df_manager.curriculum_name"),
    "not_null_df_manager_curriculum_schema_version": not_null("marts.df_manager.curriculum_schema_version"),
    "not_null_df_manager_curriculum_version": not_null("marts.df_manager.curriculum_version"),
    "not_null_df_manager_decision": not_null("marts.df_manager.decision"),
    "not_null_df_manager_if_closed_loop": not_null("marts.df_manager.if_closed_loop"),
    "not_null_df_manager_if_overriden_by_trainer": not_null("marts.df_manager.if_overriden_by_trainer"),
    "not_null_df_manager_next_stage_suggested": not_null("marts.df_manager.next_stage_suggested"),
    "not_null_df_manager_session": not_null("marts.df_manager.session"),
    "not_null_df_manager_session_at_current_stage": not_null("marts.df_manager.session_at_current_stage"),
    "not_null_df_manager_subject_id": not_null("marts.df_manager.subject_id"),
    "not_null_int_curricula__clauses_clause_key": not_null("intermediate.int_curricula__clauses.clause_key"),
    "not_null_int_decisions__history_read_session_key": not_null(
        "intermediate.int_decisions__history_read.session_key"),
    "not_null_int_sessions__told_session_key": not_null("intermediate.int_sessions__told.session_key"),
    "not_null_int_sessions__lacking_session_key": not_null("intermediate.int_sessions__lacking.session_key"),
    "not_null_int_mice_subject_id": not_null("intermediate.int_mice.subject_id"),
    "not_null_int_decisions__enrolled_subject_id": not_null("intermediate.int_decisions__enrolled.subject_id"),
    "not_null_stg_lake__publications_place": not_null("staging.stg_lake__publications.place"),
    "unique_int_sessions__told_session_key": unique("intermediate.int_sessions__told.session_key"),
    "unique_int_sessions__lacking_session_key": unique("intermediate.int_sessions__lacking.session_key"),
    "unique_int_walk__replayed_from_subject_id": unique("intermediate.int_walk__replayed_from.subject_id"),
    "unique_int_mice_subject_id": unique("intermediate.int_mice.subject_id"),
    "unique_int_decisions__enrolled_subject_id": unique("intermediate.int_decisions__enrolled.subject_id"),
    "unique_stg_lake__publications_place": unique("staging.stg_lake__publications.place"),
    "unique_together_stg_lake__told_place__subject_id": unique_together(
        "staging.stg_lake__told", "place", "subject_id"),
    "not_null_int_subjects_subject_id": not_null("intermediate.int_subjects.subject_id"),
    "not_null_int_subjects_subject_key": not_null("intermediate.int_subjects.subject_key"),
    "not_null_next_session_subject_id": not_null("marts.next_session.subject_id"),
    "not_null_publication_path": not_null("exports.publication.path"),
    "not_null_quarantine_reason": not_null("marts.quarantine.reason"),
    "not_null_run_run_id": not_null("marts.run.run_id"),
    "not_null_stg_lake__decisions_current_stage_actual": not_null("staging.stg_lake__decisions.current_stage_actual"),
    "not_null_stg_lake__decisions_next_stage_suggested": not_null("staging.stg_lake__decisions.next_stage_suggested"),
    "not_null_stg_lake__decisions_session": not_null("staging.stg_lake__decisions.session"),
    "not_null_stg_lake__decisions_subject_id": not_null("staging.stg_lake__decisions.subject_id"),
    "not_null_stg_lake__sessions_curriculum_name": not_null("staging.stg_lake__sessions.curriculum_name"),
    "not_null_stg_lake__sessions_session": not_null("staging.stg_lake__sessions.session"),
    "not_null_stg_lake__sessions_subject_id": not_null("staging.stg_lake__sessions.subject_id"),
    "not_null_stg_lake__sessions_twice_session_key": not_null("staging.stg_lake__sessions_twice.session_key"),
    "relationships_df_manager_current_stage_actual__stage__ref_training_stages_": a_stage(
        "marts.df_manager.current_stage_actual"),
    "relationships_df_manager_current_stage_suggested__stage__ref_training_stages_": a_stage(
        "marts.df_manager.current_stage_suggested"),
    "relationships_df_manager_next_stage_suggested__stage__ref_training_stages_": a_stage(
        "marts.df_manager.next_stage_suggested"),
    "relationships_stg_lake__decisions_current_stage_actual__stage__ref_training_stages_": a_stage(
        "staging.stg_lake__decisions.current_stage_actual"),
    "relationships_stg_lake__decisions_next_stage_suggested__stage__ref_training_stages_": a_stage(
        "staging.stg_lake__decisions.next_stage_suggested"),
    "unique_int_curricula__clauses_clause_key": unique("intermediate.int_curricula__clauses.clause_key"),
    "unique_int_decisions__history_read_session_key": unique("intermediate.int_decisions__history_read.session_key"),
    "unique_int_subjects_subject_id": unique("intermediate.int_subjects.subject_id"),
    "unique_int_subjects_subject_key": unique("intermediate.int_subjects.subject_key"),
    "unique_next_session_subject_id": unique("marts.next_session.subject_id"),
    "unique_publication_path": unique("exports.publication.path"),
    "unique_run_run_id": unique("marts.run.run_id"),
    "unique_stg_lake__sessions_twice_session_key": unique("staging.stg_lake__sessions_twice.session_key"),
    "unique_together_attention_subject_id__rig__reason": unique_together(
        "marts.attention", "subject_id", "rig", "reason"),
    "unique_together_backtest_mice_subject_id__curriculum_name__curriculum_version__curriculum_schema_version":
        unique_together("backtest.backtest_mice", "subject_id", "curriculum_name", "curriculum_version",
                        "curriculum_schema_version"),
    "unique_together_decision_drift_subject_id__session": unique_together(
        "marts.decision_drift", "subject_id", "session"),
    "unique_together_decision_log_subject_id__session__run_id": unique_together(
        "marts.decision_log", "subject_id", "session", "run_id"),
    "unique_together_df_manager_stats_subject_id__current_stage_actual": unique_together(
        "marts.df_manager_stats", "subject_id", "current_stage_actual"),
    "unique_together_df_manager_subject_id__session": unique_together("marts.df_manager", "subject_id", "session"),
    "unique_together_int_curricula__stages_curriculum_key__stage_key": unique_together(
        "intermediate.int_curricula__stages", "curriculum_key", "stage_key"),
    "unique_together_int_decisions__reopened_subject_id__session": unique_together(
        "intermediate.int_decisions__reopened", "subject_id", "session"),
    "unique_together_stage_parameters_curriculum_name__curriculum_version__curriculum_schema_version__stage__parameter":
        unique_together("marts.stage_parameters", "curriculum_name", "curriculum_version", "curriculum_schema_version",
                        "stage", "parameter"),
    "unique_together_stg_lake__decisions_subject_id__session": unique_together(
        "staging.stg_lake__decisions", "subject_id", "session"),
    "unique_together_sessions_subject_id__session": unique_together("marts.sessions", "subject_id", "session"),
    "unique_together_stg_lake__sessions_subject_id__session": unique_together(
        "staging.stg_lake__sessions", "subject_id", "session"),
}
# fmt: on

GUARDS = CLAIMS | COLUMNS
# Other limits than the project's, and cases of the table in which they make a difference
LOOSER = {
    "expected_days_between_sessions": 5,
    "fewest_to_stop": 11,
    "max_percent_drifted": 11,
    "max_percent_in_open_loop": 81,
    "max_percent_of_mice_off_curriculum": 31,
    "max_percent_off_curriculum": 51,
    "max_percent_without_metrics": 51,
    "max_percent_changing_stage": 71,
    "max_percent_of_mice_gone": 11,
    "max_percent_of_sessions_gone": 12,
    "max_percent_set_aside": 91,
}
UNDER_LOOSER_LIMITS = {
    "assert_df_behavior_is_fresh": {"newest sessions five days before it": "pass"},
    "assert_few_mice_change_stage": {"701 of 1000": "warn", "10 of 10": "warn"},
    "assert_few_decided_sessions_drift": {"11 of 100": "warn"},
    "assert_mice_stay_on_curriculum": {"31 of 100": "warn"},
    "assert_new_sessions_have_their_metrics": {"51 of 100": "warn"},
    "assert_new_sessions_stay_in_closed_loop": {"81 of 100": "warn"},
    "assert_new_sessions_stay_on_curriculum": {"51 of 100": "warn"},
    "assert_few_sessions_are_set_aside": {"901 of 1000": "warn", "10 of 10": "warn"},
    "assert_mice_do_not_vanish": {"101 of 1009": "warn", "111 of 1000": "error", "10 of 10": "warn"},
    "assert_sessions_do_not_vanish": {"111 of 1000": "warn", "5 of 10": "warn"},
}


# what a guard says of a tampering, row by row
WORDS: dict[str, list[tuple[str, list[str]]]] = {
    "assert_some_session_is_on_curriculum": [
        (drop(BEHAVIOR) + "".join(one_more_session(session_date=day, set_aside_because="off_curriculum")
                                  for day in ("2024-01-02", "2024-01-09", "2024-01-05")),
         ["3 sessions, newest of 2024-01-09"]),
        (drop(BEHAVIOR), ["0 sessions, newest of no day"]),
    ],
    "assert_subjects_of_directives_are_known": [
        (directive_for("1", place="line 4") + add(SEEN, subject_id="01") + add(SEEN, subject_id="0001"),
         ["line 4: there is no mouse 1; did you mean 0001 or 01?"]),
        (directive_for("1", place="line 4"), ["line 4: there is no mouse 1"]),
    ],
    "assert_reasons_explain_every_new_decision": [
        (PROGRESS + change(DF_MANAGER, matched_rule="null"), ["rule none, not 1"]),
        (STAY + change(DF_MANAGER, matched_rule="1"), ["rule 1, not none"]),
        (A_POLICY + change(PARAMETERS, given="0.25") + told(0.25), ["x 0.25, not 0.2"]),
        (STAY + told(0.2), ["""parameters told: {"x": 0.2}, where policies of the stage give 0"""]),
        (A_POLICY, ["parameters told: none, where policies of the stage give 1", "x none, not 0.2"]),
    ],
}  # fmt: skip


class Lab(NamedTuple):
    """Two nights of mice: guards by name as dbt compiled them, what they said, and a copy of the tables."""

    project: Project
    guards: dict[str, dict[str, Any]]
    said: dict[str, str]
    database: duckdb.DuckDBPyConnection

    @contextmanager
    def tampered(self, tampering: str) -> Iterator[duckdb.DuckDBPyConnection]:
        """The tables, which are as before afterwards."""
        self.database.begin()
        try:
            self.database.execute(tampering or "select 1")
            yield self.database
        finally:
            self.database.rollback()

    def outcome(self, guard: dict[str, Any], tampering: str = "") -> str:
        """What dbt makes of a guard, where tables were tampered with."""
        config = guard["config"]
        calc, warn, error = config["fail_calc"], config["warn_if"], config["error_if"]
        with self.tampered(tampering) as database:
            [(should_warn, should_error)] = database.execute(
                f"select {calc} {warn}, {calc} {error} from ({guard['compiled_code']}) as dbt_internal_test"
            ).fetchall()
        if should_error and config["severity"].lower() == "error":
            return "error"
        return "warn" if should_warn else "pass"


def compiled_guards(project: Project, target: str) -> dict[str, dict[str, Any]]:
    manifest = json.loads((project.workplace / target / "manifest.json").read_text())
    return {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "test"}


def two_nights(project: Project) -> None:
    """Build the tables that guards read, run the guards, and keep the tables, views as well, apart."""
    rates = Rates(twice=0.01, unknown_version=0.005)
    duckdb.register("lab", pa.concat_tables(simulate(70, 8, 3, date.today() - timedelta(days=1), rates)))
    project.write_behavior("select * from lab where session_date < (select max(session_date) from lab)")
    project.decide()
    # of a mouse that ran on what changed is drift, and where it did not run its newest decision is made anew
    project.write_behavior("""
        select * exclude (place) replace (
            finished_trials + coalesce(
                place = 1 or (place = 2 and subject_id::int % 35 = 0), false
            )::int as finished_trials
        )
        from (select *, row_number() over (partition by subject_id order by session desc nulls last) as place from lab)
    """)
    succeeded, problems = project.dbt("build", "--select", "fqn:*", "--exclude-resource-type", "unit_test")
    assert succeeded, problems
    shutil.copy(project.workplace / "target/run_results.json", project.folder)
    path = project.folder / "database.duckdb"  # named as the guards name it
    shutil.copy(project.environment["AUTO_TRAIN_DATABASE"], path)
    with duckdb.connect(str(path)) as database:
        views = "select schema_name || '.' || view_name from duckdb_views() where not internal"
        for (view,) in database.execute(views).fetchall():
            database.execute(f"create table {view}__rows as select * from {view}")
        for (view,) in database.execute(views).fetchall():
            database.execute(f"drop view {view}; alter table {view}__rows rename to {view.split('.')[1]}")


@contextmanager
def lab_below(folder: Path, *, is_kept: bool) -> Iterator[Lab]:
    """The lab in a folder; where it is kept, only the guards are compiled the next time."""
    project = Project(folder)
    if is_kept:
        project.workplace = project.folder / "dbt"
        project.workplace.mkdir(exist_ok=True)
        project.environment["AUTO_TRAIN_DATABASE"] = str(project.workplace / "database.duckdb")
    if (project.folder / "database.duckdb").exists():
        succeeded, problems = project.dbt("compile", "--select", "test_type:data")
        assert succeeded, problems
    else:
        two_nights(project)
    results = json.loads((project.folder / "run_results.json").read_text())["results"]
    said = {of["unique_id"].split(".")[2]: of["status"] for of in results if of["unique_id"].startswith("test.")}
    with duckdb.connect(str(project.folder / "database.duckdb")) as database:
        yield Lab(project, compiled_guards(project, "target"), said, database)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Where KEEP_TEST_LAB names a folder, the lab is kept beside it."""
    kept = os.environ.get("KEEP_TEST_LAB")
    folder = Path(f"{kept}_of_guards") if kept else tmp_path_factory.mktemp("guards")
    with lab_below(folder, is_kept=bool(kept)) as lab:
        yield lab


def test_every_guard_is_in_the_table_and_the_table_names_guards_only(lab: Lab) -> None:
    assert sorted(GUARDS) == sorted(lab.guards)


def test_whatever_a_guard_reads_comes_before_the_publication(lab: Lab) -> None:
    """Else dbt publishes while, or although, the guard fails."""
    manifest = json.loads((lab.project.workplace / "target/manifest.json").read_text())
    publication = "model.auto_train.publication"
    before, asked = set(), [publication]
    while asked:
        before |= (parents := set(manifest["parent_map"][asked.pop()]) - before)
        asked += parents
    reads = {name: set(guard["depends_on"]["nodes"]) for name, guard in lab.guards.items()}
    after = {name for name, guard in lab.guards.items() if "backtest" in guard["fqn"] or publication in reads[name]}
    assert {name: of - before for name, of in reads.items() if name not in after and of - before} == {}
    assert {name for name in after if "backtest" not in name} == {
        "not_null_publication_path",
        "unique_publication_path",
    }


def test_every_guard_passes_on_a_lab_that_was_not_tampered_with(lab: Lab) -> None:
    found = {name: lab.outcome(guard) for name, guard in lab.guards.items()}
    # this lab has more doubles and unknown versions than people would live with
    assert found == dict.fromkeys(lab.guards, "pass")
    assert found == lab.said


# nobody says anything here, and nothing is told before the second night
EMPTY = {
    "stg_people__directives", "int_decisions__enrolled", "int_sessions__told",
    # mice of no such task
    "int_decisions__policies", "int_decisions__parameters",
}  # fmt: skip


def test_a_guard_that_passes_did_not_look_at_empty_tables(lab: Lab) -> None:
    looked_at = {of.split(".")[-1] for guard in lab.guards.values() for of in guard["depends_on"]["nodes"]}
    of_lab = lab.database.execute("select schema_name || '.' || table_name, table_name from duckdb_tables()").fetchall()
    rows = {name: lab.database.execute(f"select count(*) from {table}").fetchone() for table, name in of_lab}
    assert {name for name in looked_at if rows[name] == (0,)} == EMPTY


@pytest.mark.parametrize(
    ("guard", "tampering", "expected"),
    [
        pytest.param(guard, tampering, expected, id=f"{guard}: {what}")
        for guard, cases in GUARDS.items()
        for what, tampering, expected in cases
    ],
)
def test_a_guard_trips_where_it_must_and_only_there(lab: Lab, guard: str, tampering: str, expected: str) -> None:
    assert lab.outcome(lab.guards[guard], tampering) == expected


@pytest.mark.parametrize(
    ("guard", "tampering", "details"), [(guard, *case) for guard, cases in WORDS.items() for case in cases]
)
def test_a_guard_says_what_is_wrong(lab: Lab, guard: str, tampering: str, details: list[str]) -> None:
    with lab.tampered(tampering) as database:
        found = database.execute(
            f"select detail from ({lab.guards[guard]['compiled_code']}) order by detail"
        ).fetchall()
    assert [detail for (detail,) in found] == details


def test_limits_are_those_of_the_project(lab: Lab) -> None:
    variables = json.dumps(LOOSER)
    succeeded, problems = lab.project.dbt("compile", "--select", "test_type:singular", "--vars", variables)
    assert succeeded, problems
    looser = compiled_guards(lab.project, f"target{zlib.crc32(variables.encode())}")
    found = {
        name: {what: lab.outcome(looser[name], tampering) for what, tampering, _ in GUARDS[name] if what in cases}
        for name, cases in UNDER_LOOSER_LIMITS.items()
    }
    assert found == UNDER_LOOSER_LIMITS
