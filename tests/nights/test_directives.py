"""What people say about single mice: applied on the days it is in force, visible, and never a reason to stop."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from auto_train.decisions.vocabulary import DirectiveProblem
from auto_train.lake import Settings
from auto_train.nights.night import findings, summary
from curricula.library import load_library
from tests.conftest import Project, project_with
from tests.mice import GOOD_MOUSE

pytestmark = pytest.mark.xdist_group("directives")
FILE = "seeds/by_hand/subject_directives.csv"
HEADER = "subject_id,directive,stage,from_date,until_date,who,why\n"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project_with(load_library(), tmp_path_factory.mktemp("directives"))


@pytest.fixture
def project(tmp_path: Path, root: Path) -> Project:
    return Project(tmp_path, root)


def mice(*subjects: str, efficiency: float = 0.65, sessions: int = 3) -> str:
    """Mice as the good one, which progress by their first session to stage 2."""
    rows = [
        f"select * replace ('{subject}' as subject_id, {efficiency}::double as foraging_eff) from ({GOOD_MOUSE})"
        for subject in subjects
    ]
    return " union all ".join(rows).replace("range(1, 4)", f"range(1, {sessions + 1})")


def night(project: Project, directives: str, day: str = "2024-01-04", *options: str) -> None:
    (project.root / FILE).write_text(HEADER + directives)
    # with a variable for each day dbt would parse the project anew
    project.environment["AUTO_TRAIN_CLOCK"] = f"{day}T05:00:00+00:00"
    project.decide(*options)


def tomorrow(project: Project, columns: str = "next_stage_suggested") -> dict[str, tuple]:
    return {
        subject: tuple(of)
        for subject, *of in project.query(
            f"select subject_id, {columns} from marts.df_manager"
            " qualify row_number() over (partition by subject_id order by session desc) = 1"
        )
    }


def test_a_directive_overrules_the_newest_decision_while_it_is_in_force(project: Project) -> None:
    project.write_behavior(mice("1", "2", "3", "4", "5", sessions=1))
    directives = (
        "1,hold,,2024-01-01,2024-01-05,Anna,weight\n"
        "2,pin,STAGE_FINAL,2024-01-01,2024-01-05,Anna,ephys\n"
        "3,off_curriculum,,2024-01-02,2024-01-05,Anna,surgery\n"
        "4,hold,,2023-01-01,2023-01-05,Anna,expired\n"
    )
    night(project, directives)
    assert tomorrow(project, "decision, next_stage_suggested, matched_rule, directive") == {
        "1": ("STAY", "STAGE_1_WARMUP", None, "hold by Anna until 2024-01-05: weight"),
        "2": ("PROGRESS", "STAGE_FINAL", None, "pin STAGE_FINAL by Anna until 2024-01-05: ephys"),
        "3": ("STAY", "STAGE_1_WARMUP", None, "off_curriculum by Anna until 2024-01-05: surgery"),
        "4": ("PROGRESS", "STAGE_2", 1, None),
        "5": ("PROGRESS", "STAGE_2", 1, None),
    }
    published = project.df_manager()
    night(project, directives, "2024-01-05")
    assert project.df_manager() == published
    # past its last day a directive does nothing, and what it held goes on by the rules
    night(project, directives, "2024-01-06")
    assert tomorrow(project) == dict.fromkeys("12345", ("STAGE_2",))
    log = project.query("select subject_id, next_stage_suggested from marts.decision_log order by all")
    assert log == [
        ("1", "STAGE_1_WARMUP"), ("1", "STAGE_2"), ("2", "STAGE_2"), ("2", "STAGE_FINAL"), ("3", "STAGE_1_WARMUP"),
        ("3", "STAGE_2"), ("4", "STAGE_2"), ("5", "STAGE_2"),
    ]  # fmt: skip


def test_only_a_full_refresh_lets_a_directive_change_a_decision_that_the_mouse_has_run_on(
    project: Project,
) -> None:
    project.write_behavior(mice("1"))
    night(project, "")
    before = project.df_manager("session, next_stage_suggested")
    night(project, "1,pin,STAGE_1,,,Anna,all of its life\n")
    assert project.df_manager("session, next_stage_suggested") == [*before[:2], (3, "STAGE_1")]
    # a session that was decided stays so, though somebody says now that it should not have counted
    surgery = "1,off_curriculum,,2024-01-03,,Anna,surgery\n"
    night(project, surgery)
    assert project.df_manager("session, next_stage_suggested") == [*before[:2], (3, before[1][1])]
    assert project.quarantine() == []
    night(project, surgery, "2024-01-04", "--full-refresh")
    assert project.df_manager("session") == [(1,), (2,)]
    assert project.quarantine() == [("1", 3, "off_by_directive")]


def test_what_was_decided_anew_is_not_once_more_after_a_full_refresh(project: Project) -> None:
    """SEMANTICS 31."""
    project.write_behavior(mice("1"))
    night(project, "")
    corrected = "1,decide_anew,,2024-01-02,,Anna,corrected\n"
    night(project, corrected)
    because = "decide_anew by Anna from 2024-01-02: corrected"
    decided = [(1, None), (2, because), (3, because)]
    assert project.df_manager("session, decided_anew_because") == decided
    night(project, corrected, "2024-01-04", "--full-refresh")
    assert project.df_manager("session, decided_anew_because") == decided
    before = project.df_manager()
    night(project, corrected)
    assert project.df_manager() == before


def test_a_directive_in_force_on_the_day_of_a_later_session_shaped_that_one(project: Project) -> None:
    project.write_behavior(mice("1", "2"))
    # session 1 ran on January 1 and takes effect on the 2nd
    night(project, "1,hold,,2024-01-02,2024-01-02,Anna,weight\n2,off_curriculum,,2024-01-02,2024-01-02,Bo,surgery\n")
    assert project.df_manager("subject_id, session, current_stage_actual, next_stage_suggested") == [
        ("1", 1, "STAGE_1_WARMUP", "STAGE_1_WARMUP"), ("1", 2, "STAGE_1_WARMUP", "STAGE_2"),
        ("1", 3, "STAGE_2", "STAGE_2"),
        ("2", 1, "STAGE_1_WARMUP", "STAGE_1_WARMUP"), ("2", 3, "STAGE_1_WARMUP", "STAGE_2"),
    ]  # fmt: skip
    assert project.quarantine() == [("2", 2, "off_by_directive")]


def test_a_mouse_enrols_at_a_stage(project: Project) -> None:
    later = f"select * from ({mice('2', sessions=7)}) where session > 5"
    project.write_behavior(f"{mice('1', efficiency=0.1)} union all {later} union all {mice('3', efficiency=0.1)}")
    night(project, "")
    assert project.quarantine() == [("2", 6, "unknown_start_stage"), ("2", 7, "unknown_start_stage")]
    night(project, "2,enrol,STAGE_FINAL,,,Anna,came from another lab\n3,enrol,STAGE_3,,,Bo,late: has decisions\n")
    assert project.df_manager("session, current_stage_suggested, directive", "subject_id = '2'") == [
        (6, "STAGE_FINAL", "enrol STAGE_FINAL by Anna: came from another lab"), (7, "STAGE_3", None)
    ]  # fmt: skip
    assert tomorrow(project)["3"] == ("STAGE_1",)
    before = project.df_manager()
    night(project, "2,enrol,STAGE_FINAL,,,Anna,came from another lab\n")
    assert project.df_manager() == before
    # where a mouse begins and that it stays there do not contradict each other
    night(project, "2,enrol,STAGE_FINAL,,,Anna,came from another lab\n2,hold,,,,Bo,gets used to the rig\n")
    problems = project.query("select problem from staging.stg_people__directives")
    assert problems == [(None,), (None,)]


def test_a_directive_that_makes_no_sense_holds_its_mouse_and_stops_nobody(project: Project) -> None:
    project.write_behavior(mice(*"123456789", sessions=1))
    directives = (
        "1,stay,,,,Anna,no such directive\n2,pin,STAGE_9,,,Anna,no such stage\n3,pin,,,,Anna,no stage\n"
        "4,hold,,tomorrow,,Anna,no date\n5,hold,,2024-01-09,2024-01-01,Anna,ends before it starts\n6,hold,,,,,\n"
        "7,hold,,,,Anna,one\n7,pin,STAGE_3,,,Bo,other\n8,pin,STAGE_4,,,Anna,a stage that its curriculum lacks\n"
        "unknown mouse,hold,,,,Anna,nobody\n'; drop table marts.df_manager; --,pin,{{ 1/0 }},,,Anna,hostile\n"
    )
    night(project, directives)
    held = tomorrow(project, "next_stage_suggested, split_part(directive, ':', 1)")

    def because(problem: DirectiveProblem) -> tuple[str, str]:
        return "STAGE_1_WARMUP", f"hold, because a directive has a problem ({problem.words})"

    assert held == {
        "1": because(DirectiveProblem.UNKNOWN_DIRECTIVE),
        "2": because(DirectiveProblem.UNKNOWN_STAGE),
        "3": because(DirectiveProblem.UNKNOWN_STAGE),
        "4": because(DirectiveProblem.UNREADABLE_DATE),
        "5": because(DirectiveProblem.UNTIL_BEFORE_FROM),
        "6": because(DirectiveProblem.WHO_OR_WHY_MISSING),
        "7": because(DirectiveProblem.OVERLAPS_ANOTHER),
        "8": because(DirectiveProblem.STAGE_NOT_IN_CURRICULUM),
        "9": ("STAGE_2", None),
    }
    problems = project.query("select count(*) from staging.stg_people__directives where problem is not null")
    assert problems == [(9,)]


def test_what_would_be_decided_now_leaves_out_what_a_directive_keeps_out(project: Project) -> None:
    two, progresses = mice("1", sessions=2), mice("1", efficiency=0.99).replace("250::double", "1000::double")
    project.write_behavior(two)
    night(project, "", "2024-01-03")
    changed = f"select * replace (if(session = 1, 260, finished_trials) as finished_trials) from ({two})"
    project.write_behavior(f"{changed} union all select * from ({progresses}) where session = 3")
    night(project, "1,off_curriculum,,2024-01-03,2024-01-03,Anna,surgery\n")
    assert project.query(
        "select session, next_stage_now, stage_tomorrow, stage_tomorrow_now, matters_for_tomorrow"
        " from marts.decision_drift"
    ) == [(1, "STAGE_2", "STAGE_2", "STAGE_2", False)]
    assert project.query("select reason from marts.attention where reason = 'drift'") == []


def told(project: Project, content: bytes | None, *options: str) -> tuple[list[str], list[str]]:
    """What a night with this file says: directives in its summary, and details of its warnings."""
    (project.root / FILE).unlink(missing_ok=True)
    if content is not None:
        (project.root / FILE).write_bytes(content)
    project.build("--write-json", "--log-level", "none", *options)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in project.environment.items():
            patch.setenv(name, value)
        settings = Settings.from_environment()
    said = [line.strip() for line in summary(settings).splitlines() if re.match(r"    \w+: \w", line)]
    [results] = project.workplace.glob("target*/run_results.json")
    found = [finding for finding in findings(results.parent, settings) if "directives" in finding.name]
    assert all(finding.is_warning for finding in found)
    results.unlink()
    return said, [detail for finding in found for detail in finding.details]


def test_a_hold_is_in_force_to_the_end_of_its_last_day_in_the_lab_and_is_then_not_mentioned(project: Project) -> None:
    """SEMANTICS 23."""
    project.write_behavior(mice("700001", "00042", sessions=1))
    lines = (
        "700001,hold,,2023-12-20,2024-01-04,Anna,weight\n800001,hold,,,2024-01-04,Anna,left\n9,enrol,STAGE_1,,,Bo,new\n"
        "8,enrol,coupled_baiting/v2.3,,,Bo,never ran\n"
    )
    never_ran = "8: enrol coupled_baiting/v2.3 by Bo: never ran"
    zone = ("--vars", "{lab_time_zone: America/Los_Angeles}")
    unknown = f"{FILE}, line 4: there is no mouse 9"
    project.environment["AUTO_TRAIN_CLOCK"] = "2024-01-04T05:00:00-08:00"
    assert told(project, f"{HEADER}{lines}".encode(), *zone) == (
        ["700001: hold by Anna until 2024-01-04: weight", never_ran, "9: enrol STAGE_1 by Bo: new"],
        [f"{FILE}, line 3: there is no mouse 800001", unknown],
    )
    assert tomorrow(project) == {"700001": ("STAGE_1_WARMUP",), "00042": ("STAGE_2",), "8": ("STAGE_1_WARMUP",)}
    project.environment["AUTO_TRAIN_CLOCK"] = "2024-01-05T05:00:00-08:00"
    assert told(project, f"{HEADER}{lines}".encode(), *zone) == ([never_ran, "9: enrol STAGE_1 by Bo: new"], [unknown])
    assert tomorrow(project)["700001"] == ("STAGE_2",)


def test_a_file_with_bad_lines_holds_the_mice_that_they_name_and_one_that_is_missing_lets_nobody_go(
    project: Project,
) -> None:
    """SEMANTICS 23."""
    project.write_behavior(mice("00042", "43", "44", "45", sessions=1))
    content = (
        HEADER.replace(",", ";") + "44;hold;;2024-01-01\n43;pin;STAGE_3;;;José;ephys\n42.0;hold;;;;Anna;a spreadsheet\n"
        '45;hold;;;;Anna;"weight\n45;pin;STAGE_3;;;Bo;ephys\n'
    ).encode("cp1252")
    project.environment["AUTO_TRAIN_CLOCK"] = "2024-01-04T05:00:00+00:00"
    said, details = told(project, content)
    malformed = DirectiveProblem.MALFORMED_LINE.words
    problem = f"hold, because a directive has a problem ({malformed})"
    other = DirectiveProblem.OVERLAPS_ANOTHER.words
    assert said == [
        "43: pin STAGE_3 by José: ephys",
        f"44: {problem}: hold",
        f"45: {problem}: hold by Anna: weight",
        f"45: hold, because a directive has a problem ({other}): pin STAGE_3 by Bo: ephys",
    ]
    assert details == [
        f"{FILE}, line 2: {malformed} (44: hold)",
        f"{FILE}, line 5: {malformed} (45: hold by Anna: weight)",
        f"{FILE}, line 6: {other} (45: pin STAGE_3 by Bo: ephys)",
        f"{FILE}, line 4: there is no mouse 42.0; did you mean 00042?",
    ]
    stages = {"00042": "STAGE_2", "43": "STAGE_3", "44": "STAGE_1_WARMUP", "45": "STAGE_1_WARMUP"}
    assert tomorrow(project) == {subject: (stage,) for subject, stage in stages.items()}
    said_then, details = told(project, None)
    assert said_then == said
    assert f"{FILE} (the file is missing): {DirectiveProblem.NOT_REACHED.words}" in details
    assert tomorrow(project) == {subject: (stage,) for subject, stage in stages.items()}


def test_a_mouse_that_never_ran_reaches_its_rig_and_harms_no_reader(project: Project) -> None:
    """Read as each reader does: the rigs take the largest session, the web app joins closed loop on the day."""
    project.write_behavior(mice("1", sessions=1))
    enrolment = "9,enrol,coupled_baiting/v2.3,2024-01-02,,Anna,new\n"
    night(project, enrolment, "2024-01-02")
    table = pd.read_parquet(project.published())
    rig = table[table.subject_id == "9"].sort_values("session").iloc[-1]
    assert (rig.session, rig.next_stage_suggested, rig.curriculum_name, rig.curriculum_version) == (
        0, "STAGE_1_WARMUP", "Coupled Baiting", "2.3"
    )  # fmt: skip
    curriculum = project.lake / f"foraging_auto_training/saved_curriculums/{rig.curriculum_json_name}"
    parameters = json.loads(curriculum.read_text())["parameters"]
    assert {parameters[label]["training_stage"] for label in parameters} >= {"Stage 1 w/warmup"}
    assert table.session.dtype.kind == "i" and table.session_at_current_stage.dtype.kind == "i"
    assert table.foraging_efficiency.dtype.kind == "f" and table.if_closed_loop.dtype == bool
    assert table.subject_id.str.fullmatch("[0-9]+").all()
    assert table.session_date.str.fullmatch(r"\d{4}-\d\d-\d\d").all()
    assert table[table.if_closed_loop == True].subject_id.tolist() == []  # noqa: E712 - as the web app asks
    assert project.query("select count(*) from marts.df_manager_stats where subject_id = '9'") == [(0,)]
    assert project.query("select sentence from marts.decision_sentences where subject_id = '9'") == [
        ("STAY at STAGE_1_WARMUP: has not run yet; enrol coupled_baiting/v2.3 by Anna: new",)
    ]
    # told again it is the same row, and its first session supersedes it
    [before] = project.df_manager(where="subject_id = '9'")
    night(project, enrolment, "2024-01-03")
    assert project.df_manager(where="subject_id = '9'") == [before]
    project.write_behavior(mice("1", "9", sessions=1))
    project.build()
    assert project.df_manager("session, session_at_current_stage", "subject_id = '9'") == [(1, 1)]


def test_a_mouse_that_left_is_listed_nowhere_and_its_decisions_stay(project: Project) -> None:
    project.write_behavior(mice("1", "2", efficiency=0.3, sessions=9))
    night(project, "1,hold,,,,Anna,sick\n2,hold,,,,Anna,sick\n2,left,,2024-01-10,,Anna,transferred\n", "2024-01-10")
    assert project.query("select distinct subject_id from marts.attention") == [("1",)]
    assert project.query("select subject_id, has_left from marts.next_session order by 1") == [
        ("1", False),
        ("2", True),
    ]
    assert len(project.df_manager(where="subject_id = '2'")) == 9
