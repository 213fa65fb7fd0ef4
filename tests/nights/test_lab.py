"""What people look at, on one simulated lab: reasons, attention, what-if, docs."""

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pytest
from playwright.sync_api import expect

from curricula.conditions import holds
from curricula.library import load_library
from curricula.tasks import StageName
from tests.browser import opened
from tests.conftest import ROOT, Project

pytestmark = pytest.mark.xdist_group("lab")


def test_reasons_say_what_was_compared_and_which_rule_decided(lab: Project) -> None:
    """Each comparison again in Python, from the text of its rule."""
    rows = lab.query("""
        select measure, measured, operator, threshold, is_met, margin from marts.decision_reasons
        where measured is not null using sample 500 rows (reservoir, 1)
    """)
    assert len(rows) > 400
    for _, measured, operator, threshold, is_met, margin in rows:
        # the operators of the language are Python's
        assert is_met == {">=": measured >= threshold, "<": measured < threshold, ">": measured > threshold,
                          "<=": measured <= threshold, "==": measured == threshold}[operator]  # fmt: skip
        assert (margin > 0 or (margin == 0 and operator in (">=", "<=", "=="))) == is_met
    undecided = lab.query("""
        select count(*) from marts.decision_reasons where measured is null and is_met
    """)
    assert undecided == [(0,)]
    deciding = lab.query("""
        select count(*) from marts.df_manager as m where matched_rule is not null and not exists (
            select 1 from marts.decision_reasons as r
            where r.subject_id = m.subject_id and r.session = m.session and r.is_deciding_rule and r.is_rule_met
        )
    """)
    assert deciding == [(0,)]


def test_every_decision_has_a_sentence_that_agrees_with_it(lab: Project) -> None:
    rows = lab.query("""
        select m.decision, m.next_stage_suggested, m.matched_rule, s.sentence
        from marts.df_manager as m left join marts.decision_sentences as s using (subject_id, session)
    """)
    assert len(rows) > 1500
    for decision, stage, rule, sentence in rows:
        assert sentence.startswith(f"{decision} {'at' if decision == 'STAY' else 'to'} {stage}: ")
        assert ("no rule holds" in sentence or sentence.endswith(": graduated")) == (rule is None)
        if rule is not None:
            assert " not " not in sentence
    assert any(re.search(r"PROGRESS to STAGE_2: finished trials \d+ ≥ 200 and foraging efficiency 0\.\d+ ≥ 0\.6$", of)
               for *_, of in rows)  # fmt: skip


def test_a_decision_that_its_reasons_do_not_explain_stops_the_night(lab: Project, tmp_path: Path) -> None:
    """The test in front of publishing, on a database in which three decisions were tampered with, each in one way."""
    database = tmp_path / "auto_train.duckdb"
    shutil.copy(lab.environment["AUTO_TRAIN_DATABASE"], database)
    with duckdb.connect(str(database)) as connection:
        some = connection.execute(
            "select subject_id, session from marts.df_manager where decision = 'PROGRESS'"
            " and next_stage_suggested <> 'STAGE_1' order by all limit 3"
        ).fetchall()
        tampering = ("decision = 'ROLLBACK'", "next_stage_suggested = 'STAGE_1'", "matched_rule = 99")
        for change, row in zip(tampering, some, strict=True):
            connection.execute(f"update marts.df_manager set {change} where subject_id = ? and session = ?", row)
    kept = lab.environment["AUTO_TRAIN_DATABASE"]
    lab.environment["AUTO_TRAIN_DATABASE"] = str(database)
    try:
        passed, message = lab.dbt("test", "--select", "assert_reasons_explain_every_new_decision")
    finally:
        lab.environment["AUTO_TRAIN_DATABASE"] = kept
    assert not passed
    assert "Got 3 results" in message


def test_attention_lists_mice_by_what_is_wrong(lab: Project) -> None:
    found = lab.query("select subject_id, reason, details from marts.attention")
    by_reason: dict[str, set[str]] = {}
    for subject, reason, _ in found:
        by_reason.setdefault(reason, set()).add(subject)
    # the same from plain Python over df_manager
    rows = lab.query("""
        select subject_id, session, session_date, session_at_current_stage, current_stage_actual, decision,
            trainer_chose from marts.df_manager order by subject_id, session
    """)
    mice: dict[str, list[tuple]] = {}
    for subject, *of in rows:
        mice.setdefault(subject, []).append(tuple(of))
    day = date(2026, 2, 1)
    seen = dict(lab.query("select subject_id, max(session_date) from staging.stg_lake__behavior group by all"))
    active = {subject: of for subject, of in mice.items() if (day - seen[subject]).days <= 14}
    assert 0 < len(active) < len(mice)
    assert by_reason["stuck_in_stage"] == {
        s for s, of in active.items() if of[-1][2] >= 10 and of[-1][3] != "GRADUATED" and of[-1][4] == "STAY"
    }
    assert by_reason.get("bouncing", set()) == {
        s for s, of in active.items() if sum(row[4] == "ROLLBACK" for row in of[-10:]) >= 2
    }
    assert by_reason.get("overridden", set()) == {s for s, of in active.items() if sum(row[5] for row in of[-10:]) >= 3}
    assert by_reason.keys().isdisjoint({"held", "directive_ends", "directive_problem", "drift"})


def test_the_backtest_decides_as_rules_read_in_python_do(lab: Project) -> None:
    """Three curricula replayed mouse by mouse in plain Python from their conditions."""
    library = {c.key[:2]: c for c in load_library()}
    sessions: dict[str, list[tuple]] = {}
    for subject, *of in lab.query("""
        select subject_id, session, finished_trials, foraging_efficiency from staging.stg_lake__sessions
        order by subject_id, session
    """):
        sessions.setdefault(subject, []).append(tuple(of))
    for name, version in (
        ("Coupled Baiting", "0.1"),
        ("Uncoupled Baiting", "2.3"),
        ("Uncoupled Without Baiting", "1.0"),
    ):
        curriculum = library[name, version]
        expected = {}
        for subject, of in sessions.items():
            stage, last, run = curriculum.first_stage, None, 0
            for place, (number, _, _) in enumerate(of):
                run = run + 1 if stage == last else 1
                last = stage
                history = {
                    "finished_trials": [r[1] for r in of[: place + 1]],
                    "foraging_efficiency": [r[2] for r in of[: place + 1]],
                }
                stage = next_stage(curriculum, stage, number, run, history)
                expected[subject, number] = str(stage)
        found = {
            (subject, number): stage
            for subject, number, stage in lab.query(f"""
                select subject_id, session, next_stage from backtest.backtest_decisions
                inner join intermediate.int_curricula using (curriculum_key)
                where curriculum_name = '{name}' and curriculum_version = '{version}'
            """)
        }
        # sessions that cannot be decided in reality have metrics that are not numbers
        assert {key: of for key, of in expected.items() if key in found} == found
        assert len(found) > 0.99 * len(expected)


def next_stage(curriculum: object, stage: StageName, number: int, run: int, history: dict) -> StageName:
    def value(measure: object) -> np.ndarray:
        if not measure.metric:
            return np.array([float(number if measure.statistic == "session_total" else run)])
        window = history[measure.metric][-measure.window :]
        total = 0.0
        for of in window:
            total = np.nan if of is None else total + of
        return np.array([total / len(window)])

    if stage == StageName.GRADUATED:
        return stage
    for rule in curriculum.stages[stage].rules:
        if holds(rule.parsed(curriculum.task_definition), value)[0]:
            return rule.to_stage
    return stage


def test_pairs_count_mice_and_decisions_that_differ(lab: Project) -> None:
    row = lab.query("""
        select mice, mice_that_differ_tomorrow, decisions_that_differ, len(which_mice) from backtest.backtest_pairs
        where curriculum_name_a = 'Coupled Baiting' and curriculum_version_a = '1.0'
            and curriculum_name_b = 'Coupled Baiting' and curriculum_version_b = '2.3'
    """)
    expected = lab.query("""
        with a as (select * from backtest.backtest_decisions
            inner join intermediate.int_curricula using (curriculum_key)
            where curriculum_name = 'Coupled Baiting')
        select count(*) filter (where x.is_newest),
            count(*) filter (where x.is_newest and x.next_stage <> y.next_stage),
            count(*) filter (where x.next_stage <> y.next_stage),
            count(*) filter (where x.is_newest and x.next_stage <> y.next_stage)
        from a as x inner join a as y on x.subject_id = y.subject_id and x.session = y.session
        where x.curriculum_version = '1.0' and y.curriculum_version = '2.3'
    """)
    assert row == expected
    assert row[0][0] == lab.query("select count(*) from intermediate.int_subjects")[0][0]
    rates = lab.query("select min(fire_rate), max(fire_rate), sum(times_overridden) from backtest.backtest_rules")
    assert 0 <= rates[0][0] <= rates[0][1] <= 1
    assert rates[0][2] > 0


def test_an_open_reader_keeps_no_run_from_starting(lab: Project) -> None:
    copy = lab.folder / "analysis/auto_train.duckdb"
    with duckdb.connect(str(copy), read_only=True) as reader:
        [(before,)] = reader.execute("select count(*) from marts.df_manager").fetchall()
        done = subprocess.run(
            [sys.executable, "-m", "dbt.cli.main", "build", "--quiet", *lab.options,
             "--exclude-resource-type", "unit_test", "--vars", '{training_day: "2026-02-01"}'],
            env=os.environ | lab.environment, cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        assert reader.execute("select count(*) from marts.df_manager").fetchall() == [(before,)]
    with duckdb.connect(str(copy), read_only=True) as reader:
        assert reader.execute("select count(*) from marts.decision_sentences").fetchall() == [(before,)]
    # the tables of this run are without a page: as before, for the others
    page = ("-m", "scripts", "report", "--out", str(lab.folder / "target/morning.html"))
    assert lab.command(*page).returncode == 0


def test_the_questions_of_analysts_are_answered(lab: Project) -> None:
    text = (ROOT / "docs/for_analysts.md").read_text(encoding="utf-8")
    questions = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    assert len(questions) == 5 == text.count("\n## ")
    with duckdb.connect(str(lab.folder / "analysis/auto_train.duckdb"), read_only=True) as reader:
        for question in questions:
            assert reader.execute(question).fetchall(), question


def test_docs_are_one_file_that_opens_offline_and_describe_everything(lab: Project, tmp_path: Path) -> None:
    succeeded, problem = lab.dbt("docs", "generate", "--static")
    assert succeeded, problem
    target = lab.folder / "target"
    manifest = json.loads((target / "manifest.json").read_text())
    catalog = json.loads((target / "catalog.json").read_text())
    ours = {
        kind: {key: of for key, of in manifest[kind].items() if ".auto_train." in key}
        for kind in ("nodes", "sources", "macros", "exposures")
    }
    described = {**ours["sources"], **ours["macros"], **ours["exposures"]}
    described |= {key: of for key, of in ours["nodes"].items() if of["resource_type"] in ("model", "seed")}
    assert [key for key, of in described.items() if not of["description"].strip()] == []
    columns = {
        f"{key}.{name}": (described[key]["columns"].get(name) or {}).get("description", "")
        for key, of in catalog["nodes"].items()
        if key in described
        for name in of["columns"]
    }
    assert len(columns) > 400
    assert [name for name, description in columns.items() if not description.strip()] == []
    assert {of["label"] for of in ours["exposures"].values()} >= {"GUI of the rigs", "Web app", "Morning page"}
    models = [of for of in described.values() if of.get("resource_type") == "model"]
    assert [of["name"] for of in models if not of["config"]["group"] or not of["config"]["docs"]["node_color"]] == []
    config = tmp_path / "dbt-bouncer.yml"
    config.write_text((ROOT / "dbt-bouncer.yml").read_text().replace(": target", f": {target}"))
    bouncer = Path(sys.executable).with_name("dbt-bouncer")
    checked = subprocess.run(
        [bouncer, "run", "--config-file", config], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout
    page = tmp_path / "docs.html"
    shutil.copy(target / "static_index.html", page)
    with opened(page) as browser:
        expect(browser.locator("body")).to_contain_text("Every night this project decides")
