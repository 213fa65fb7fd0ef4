"""What people look at, on one simulated lab: reasons, attention, the morning page in a real browser, what-if, docs."""

import html
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Page, expect

from curricula.conditions import holds
from curricula.library import load_library
from curricula.schema import StageName
from scripts.lake import Settings
from scripts.publications import problems
from scripts.simulate import Rates, simulate
from tests.browser import opened
from tests.conftest import ROOT, Project

pytestmark = pytest.mark.xdist_group("lab")
HOSTILE = "{{vega}}</script><script>document.title='taken over'</script><!-- <b>Ann"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Sixty mice after a night, with the page, the copy of the database and the backtest."""
    project = Project(tmp_path_factory.mktemp("lab"))
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
            if_overriden_by_trainer, next_stage_suggested from marts.df_manager order by subject_id, session
    """)
    mice: dict[str, list[tuple]] = {}
    for subject, *of in rows:
        mice.setdefault(subject, []).append(tuple(of))
    day = date(2026, 2, 1)
    active = {subject: of for subject, of in mice.items() if (day - of[-1][1]).days <= 60}
    assert by_reason["stuck_in_stage"] == {
        s for s, of in active.items() if of[-1][2] >= 10 and of[-1][3] != "GRADUATED" and of[-1][4] == "STAY"
    }
    assert by_reason.get("not_graduated", set()) == {
        s for s, of in active.items() if len(of) >= 40 and all(row[6] != "GRADUATED" for row in of)
    }
    assert by_reason.get("bouncing", set()) == {
        s for s, of in active.items() if sum(row[4] == "ROLLBACK" for row in of[-10:]) >= 2
    }
    assert by_reason.get("overridden", set()) == {s for s, of in active.items() if sum(row[5] for row in of[-10:]) >= 3}
    assert by_reason["no_session"] == {s for s, of in active.items() if (day - of[-1][1]).days > 7}
    assert "old_version" in by_reason
    assert "applied_another_stage" not in by_reason


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
                expected[subject, number] = stage.value
        found = {
            (subject, number): stage
            for subject, number, stage in lab.query(f"""
                select subject_id, session, next_stage from backtest.backtest_decisions
                inner join seeds.curricula using (curriculum_key)
                where curriculum_name = '{name}' and curriculum_version = '{version}'
            """)
        }
        # sessions that cannot be decided in reality have metrics that are no numbers
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
        with a as (select * from backtest.backtest_decisions inner join seeds.curricula using (curriculum_key)
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


@pytest.fixture
def page(lab: Project) -> Iterator[Page]:
    with opened(lab.folder / "target/morning.html") as page:
        page.wait_for_function("document.body.dataset.raster")
        yield page


def raster(page: Page) -> list[str]:
    return page.evaluate("document.body.dataset.raster").split()


def after(page: Page, action: object) -> list[str]:
    before = " ".join(raster(page))
    action()
    page.wait_for_function("before => document.body.dataset.raster !== before", arg=before)
    return raster(page)


def test_the_page_opens_offline_and_says_what_each_mouse_runs(lab: Project, page: Page) -> None:
    assert page.title() == "Training on 2026-02-01, test"
    mice = lab.query("select count(*) from marts.next_session")[0][0]
    expect(page.locator("#tiles")).to_contain_text(f"{mice}mice")
    expect(page.locator("#freshness")).to_contain_text("newest session 2026-01-31")
    moving = lab.query("""
        select n.subject_id, s.sentence, n.parameter_changes from marts.next_session as n
        inner join marts.decision_sentences as s using (subject_id, session)
        where current_stage_actual <> next_stage_suggested order by subject_id
    """)
    page.locator("#only-moves").check()
    assert page.locator("#today tbody tr").count() == len(moving)
    for subject, sentence, changes in moving:
        row = page.locator("#today tbody tr", has_text=subject)
        expect(row).to_contain_text(sentence)
        expect(row).to_contain_text(changes)
    attention = lab.query("select count(distinct subject_id) from marts.attention")[0][0]
    expect(page.locator("#tiles")).to_contain_text(f"{attention}to look at")
    assert page.locator("#h-curricula ~ details svg").count() >= 3
    assert page.evaluate("window.taken") is None


def test_a_text_that_looks_like_a_script_is_only_shown(page: Page) -> None:
    assert page.title() != "taken over"
    assert page.locator("#by-trainer option", has_text="document.title").count() == 1


def test_filters_sorting_and_axes_redraw_the_progress_of_all_mice(lab: Project, page: Page) -> None:
    def ids(order: str, where: str = "true") -> list[str]:
        return [row[0] for row in lab.query(f"""
            select subject_id from marts.df_manager where {where} group by subject_id order by {order} limit 3
        """)]  # fmt: skip

    total = str(lab.query("select count(*) from marts.df_manager")[0][0])
    assert raster(page) == ["session", "last", *ids("max(session_date) desc, subject_id"), total]
    sort, axis = page.locator("#sort-by"), page.locator("#x-by")
    assert after(page, lambda: sort.select_option("subject"))[2:5] == ids("subject_id")
    assert after(page, lambda: sort.select_option("first"))[2:5] == ids("min(session_date), subject_id")
    # who graduated first, by decided sessions
    before = "min(nth) filter (where next_stage_suggested = 'GRADUATED')"
    expected = lab.query(f"""
        select subject_id from (select *, row_number() over (partition by subject_id order by session) as nth
        from marts.df_manager) group by subject_id order by {before} nulls last, subject_id limit 3
    """)
    assert after(page, lambda: sort.select_option("progress"))[2:5] == [subject for (subject,) in expected]
    assert after(page, lambda: axis.select_option("date"))[0] == "date"
    assert after(page, lambda: axis.select_option("days"))[0] == "days"
    name, version = lab.query("select curriculum_name, curriculum_version from marts.next_session limit 1")[0]
    filtered = after(page, lambda: page.locator("#by-curriculum").select_option(f"{name} {version}"))
    rows = lab.query(f"""
        select count(*) from marts.df_manager semi join (
            select subject_id from marts.next_session
            where curriculum_name = '{name}' and curriculum_version = '{version}'
        ) as chosen using (subject_id)
    """)
    assert filtered[-1] == str(rows[0][0])
    after(page, lambda: page.locator("#reset").click())
    assert raster(page)[-1] == total


def test_hovering_a_session_says_all_of_it_and_a_click_leads_to_the_mouse(lab: Project, page: Page) -> None:
    canvas = page.locator("#raster canvas")
    canvas.scroll_into_view_if_needed()
    tooltip, first = page.locator("#vg-tooltip-element"), raster(page)[2]
    # along the first row, to the right of the mouse's number
    for x in range(70, 200, 4):
        canvas.hover(position={"x": x, "y": 32})
        page.wait_for_timeout(100)
        if tooltip.is_visible():
            break
    expect(tooltip).to_be_visible()
    for expected in (first, "curriculum", "suggested", "ran", "loop", "decision", "next", "trainer", "rig", "metrics"):
        expect(tooltip).to_contain_text(expected)
    canvas.click(position={"x": x, "y": 32})
    expect(page.locator("#h-mouse")).to_have_text(f"Mouse {first}")
    expect(page.locator("#charts canvas")).to_have_count(2)
    sessions = lab.query(f"select count(*) from marts.df_manager where subject_id = '{first}'")[0][0]
    expect(page.locator("#reasons tbody tr")).to_have_count(sessions)
    newest = lab.query(f"""
        select sentence from marts.decision_sentences where subject_id = '{first}' order by session desc limit 1
    """)
    expect(page.locator("#reasons tbody tr").first).to_contain_text(newest[0][0])


def test_the_page_shows_a_mouse_by_its_number_and_what_if(lab: Project, page: Page) -> None:
    subject = lab.query("select max(subject_id) from marts.df_manager")[0][0]
    page.locator("#by-mouse").fill(subject)
    page.locator("#by-mouse").press("Enter")
    expect(page.locator("#h-mouse")).to_have_text(f"Mouse {subject}")
    expect(page.locator("#what-if")).to_be_visible()
    name, a, b, which = lab.query("""
        select curriculum_name_a, curriculum_version_a, curriculum_version_b, which_mice from backtest.backtest_pairs
        where curriculum_name_a = curriculum_name_b and len(which_mice) between 1 and 12 order by all limit 1
    """)[0]
    row = page.locator("#pairs tbody tr", has_text=f"{name} {a} → {b}").first
    row.locator("summary").click()
    row.get_by_role("button", name=which[0]).click()
    expect(page.locator("#h-mouse")).to_have_text(f"Mouse {which[0]}")


def test_the_page_works_on_a_phone_and_names_all_it_shows(lab: Project) -> None:
    with opened(lab.folder / "target/morning.html", width=390, height=844) as page:
        page.wait_for_function("document.body.dataset.raster")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        # a screen reader hears a name for every field, button and picture
        nameless = page.evaluate("""[...document.querySelectorAll('input, select, button, [role=img]')].filter(e => !(
            e.closest('label')?.textContent.trim() || e.textContent.trim() || e.getAttribute('aria-label'))).length""")
        assert nameless == 0
        headings = page.locator("h1, h2").all_text_contents()
        assert headings[1:4] == ["Today", "Someone should look at", "Progress of all mice"]


def test_stages_differ_in_grey_too(lab: Project) -> None:
    content = json.loads(
        re.search(r'id="content">(.*?)</script>', (lab.folder / "target/morning.html").read_text()).group(1)
    )
    luminance = [
        sum(weight * int(color[i : i + 2], 16) for i, weight in ((1, 0.299), (3, 0.587), (5, 0.114)))
        for color in content["colors"].values()
    ]
    assert luminance == sorted(luminance, reverse=True)
    assert min(a - b for a, b in pairwise(luminance)) > 10


def test_the_page_is_published_with_the_tables_and_small(lab: Project) -> None:
    path = lab.lake / "foraging_auto_training/morning_test.html"
    assert path.stat().st_size < 2_000_000
    assert html.escape(HOSTILE) not in path.read_text()
    settings = Settings(str(lab.lake), "", "test", "", "")
    assert problems(settings, str(lab.lake)) == []
    manifest = json.loads((lab.lake / "foraging_auto_training/manifest_test.json").read_text())
    assert "foraging_auto_training/morning_test.html" in [file["path"] for file in manifest["files"]]


def test_an_open_reader_keeps_no_run_from_starting(lab: Project) -> None:
    copy = lab.folder / "analysis/auto_train.duckdb"
    with duckdb.connect(str(copy), read_only=True) as reader:
        [(before,)] = reader.execute("select count(*) from marts.df_manager").fetchall()
        done = subprocess.run(
            [sys.executable, "-m", "dbt.cli.main", "build", "--quiet", *lab.options, "--exclude-resource-type", "test",
             "--exclude-resource-type", "unit_test", "--vars", '{training_day: "2026-02-01"}'],
            env=os.environ | lab.environment, cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        assert reader.execute("select count(*) from marts.df_manager").fetchall() == [(before,)]
    with duckdb.connect(str(copy), read_only=True) as reader:
        assert reader.execute("select count(*) from marts.decision_sentences").fetchall() == [(before,)]


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
        expect(browser.locator("body")).to_contain_text("Every night this project decides", timeout=20_000)


def test_publication_waits_for_every_test_but_those_of_what_is_only_looked_at(lab: Project) -> None:
    """A test holds up only models that depend on all that it reads."""
    manifest = json.loads((lab.folder / "target/manifest.json").read_text())
    parents = manifest["parent_map"]
    before, found = ["model.auto_train.publication"], set()
    while before:
        node = before.pop()
        if node not in found:
            found.add(node)
            before += parents.get(node, [])
    late = {
        node.split(".")[2]
        for node, of in manifest["nodes"].items()
        if of["resource_type"] == "test" and not set(parents[node]) <= found
    }
    assert {name for name in late if "attention" not in name and "backtest" not in name} == set()
