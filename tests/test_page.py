"""The morning page in a real browser."""

import html
import json
import re
from collections.abc import Iterator
from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect

from scripts.lake import Settings
from scripts.publications import problems
from tests.browser import opened
from tests.conftest import Project
from tests.lab import HOSTILE

pytestmark = pytest.mark.xdist_group("lab")


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
