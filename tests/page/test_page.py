"""The morning page in a real browser: what it shows is what the tables say, row by row."""

import html
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import duckdb
import pytest
import yaml
from playwright.sync_api import Browser, Page, expect

from auto_train.lake import Settings
from auto_train.page import page as report
from auto_train.publishing.status import problems
from curricula.tasks import StageName
from tests.browser import running, shown
from tests.conftest import ROOT, Project
from tests.lab import HOSTILE
from tests.mice import GOOD_MOUSE, mouse

LOOKING = Path(__file__).with_name("looking.js").read_text(encoding="utf-8")
pytestmark = pytest.mark.xdist_group("lab")

SIGNS = {"PROGRESS": "▲", "ROLLBACK": "▼", "STAY": "●"}
# what a lab has sooner or later: mice and dates and names missing, sessions gone from df_behavior, many digits, every
# operator, every reason; and names that would do harm where a page takes them for its own language
ODDITIES = """
set variable tag = '<img src=x onerror="document.title=1">';
set variable quotes = '''"</script><b>{{data}}&amp;';

insert into marts.df_manager by name
select '9<b>' as subject_id, * exclude (subject_id) from marts.df_manager where subject_id = '600033';
insert into marts.next_session by name
select '9<b>' as subject_id, * exclude (subject_id) from marts.next_session where subject_id = '600033';
update marts.df_manager set curriculum_name = getvariable('tag'), task = getvariable('quotes')
where subject_id = '9<b>';
update marts.df_manager set directive = getvariable('tag'), directive_kind = 'hold'
where subject_id = '600012' and session = 43;
update staging.stg_lake__behavior_typed set rig = getvariable('tag') where subject_id = '600014';
insert into marts.quarantine by name select * from marts.quarantine limit 1;
insert into marts.attention (subject_id, reason, details) values ('600013', 'drift', getvariable('quotes'));

update marts.df_manager set session_date = null
where subject_id = '600001' or (subject_id, session) in (('600002', 1), ('600004', 13), ('600016', 3));
update marts.df_manager set task = null where subject_id = '600010';
update marts.df_manager set measures_read = map_from_entries(list_transform(
    map_entries(measures_read), lambda of: {'key': of.key, 'value': of.value + 1}
)) where subject_id = '600013';
update staging.stg_lake__behavior_typed set rig = null, trainer = null where subject_id = '600009';
update staging.stg_lake__behavior_typed set set_aside_because = 'gone'
where subject_id = '600006' or (subject_id = '600007' and session <= 5);


update staging.stg_lake__behavior_typed as b set
    foraging_efficiency = odd.efficiency, finished_trials = odd.trials, dummy_metric_float = odd.dummy
from (values (1, 0.123456789, 250.00006, null), (2, 1.0, 0, -0.25), (3, 0.99996, null, 1234567.891)) as odd
    (session, efficiency, trials, dummy)
where b.session = odd.session and b.subject_id = '600011';

update intermediate.int_curricula__comparisons set operator = case operator when '>=' then '==' else '!=' end
where rule_key in (select rule_key from intermediate.int_curricula__rules where stage = 'STAGE_3');
update intermediate.int_curricula__comparisons set operator = case operator when '>=' then '>' else '<=' end
where rule_key in (select rule_key from intermediate.int_curricula__rules where stage = 'STAGE_2');
insert into marts.attention (subject_id, reason, details)
select distinct subject_id, 'held', 'of many' from marts.df_manager order by 1 limit 32;
insert into marts.attention (rig, reason, since, details)
values ('447<b>', 'values_missing', date '2026-01-30', getvariable('tag'));
insert into marts.attention (subject_id, reason, details) values ('7001', 'newest_set_aside', 'it never ran another');
insert into marts.attention (subject_id, reason, since, details)
select '600014', reason, date '2026-01-29', reason || ' of 14'
from unnest(['drift', 'overridden', 'applied_another_stage', 'a_reason_of_tomorrow']) as of_14 (reason);

update marts.next_session as n
set (session_date, curriculum_name) = (m.session_date, m.curriculum_name)
from marts.df_manager as m where m.subject_id = n.subject_id and m.session = n.session;
update marts.next_session set parameter_changes = getvariable('tag') where subject_id = '600003';
update marts.next_session set trainer = null where subject_id = '600006';
update backtest.backtest_pairs set
    mice_that_differ_tomorrow = 15, which_mice = list_transform(range(15), x -> cast(600000 + x as varchar)),
    median_sessions_to_graduation_a = null
where curriculum_name_a = 'Coupled Baiting' and curriculum_version_a = '0.1'
    and curriculum_name_b = 'Coupled Baiting' and curriculum_version_b = '2.3';
"""


@dataclass
class Morning:
    """A database and the page made from it."""

    database: duckdb.DuckDBPyConnection
    path: Path

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return self.database.execute(sql).fetchall()

    def rows(self, sql: str) -> list[dict[str, Any]]:
        found = self.database.execute(sql)
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


@contextmanager
def morning(lab: Project, folder: Path, changes: str, manager: str = "test") -> Iterator[Morning]:
    """The morning of the lab, had something been otherwise."""
    # views name their database, and that is the file's name
    shutil.copy(lab.environment["AUTO_TRAIN_DATABASE"], folder / "auto_train.duckdb")
    with duckdb.connect(str(folder / "auto_train.duckdb")) as database:
        database.execute(changes)
        path = folder / "morning.html"
        path.write_text(report.page(database, manager, lab.folder / "target"), encoding="utf-8")
        yield Morning(database, path)


@contextmanager
def tab(browser: Browser, path: Path, **size: int) -> Iterator[Page]:
    """The page once it is drawn, and what is needed to look at it."""
    with shown(browser, path, **size) as page:
        page.wait_for_function("document.body.dataset.raster")
        page.evaluate(LOOKING)
        yield page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running() as browser:
        yield browser


@pytest.fixture
def page(lab: Project, browser: Browser) -> Iterator[Page]:
    with tab(browser, lab.folder / "target/morning.html") as page:
        yield page


@pytest.fixture(scope="module")
def odd(lab: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Morning]:
    """Sixty-one mice among which everything has happened."""
    with morning(lab, tmp_path_factory.mktemp("odd"), ODDITIES, "<b>{{data}}</title>") as odd:
        yield odd


@pytest.fixture
def odd_page(odd: Morning, browser: Browser) -> Iterator[Page]:
    with tab(browser, odd.path) as page:
        yield page


@pytest.fixture(scope="module")
def looked_at(odd: Morning, browser: Browser) -> Iterator[Page]:
    """The page of the odd lab for tests that find their way on it whatever was chosen before."""
    with tab(browser, odd.path) as page:
        yield page


def raster(page: Page) -> list[str]:
    return page.evaluate("document.body.dataset.raster").split()


def after(page: Page, action: object) -> list[str]:
    before = " ".join(raster(page))
    action()
    page.wait_for_function("before => document.body.dataset.raster !== before", arg=before)
    return raster(page)


EVERY_SESSION = """
    select m.subject_id as subject, m.session, coalesce(cast(m.session_date as varchar), 'no date') as date,
        m.curriculum_name || ' ' || m.curriculum_version as curriculum, coalesce(m.task, 'none') as task,
        coalesce(s.trainer, 'none') as trainer, coalesce(s.rig, 'none') as rig,
        m.current_stage_suggested as suggested, m.current_stage_actual as actual, m.next_stage_suggested as next,
        m.decision, m.if_closed_loop as closed, m.session_at_current_stage as at_stage,
        case
            when not m.if_closed_loop then 'open'
            when m.trainer_chose then 'closed, a trainer chose'
            else 'closed'
        end as loop,
        s.foraging_efficiency, s.finished_trials, s.dummy_metric_float
    from marts.df_manager as m
    left join staging.stg_lake__sessions as s using (subject_id, session)
    order by subject_id, session
"""
METRICS = ["foraging_efficiency", "finished_trials", "dummy_metric_float"]
EVERY_MOUSE = """
    select m.subject_id as subject, coalesce(cast(m.session_date as varchar), 'no date') as date, m.session,
        m.curriculum_name || ' ' || m.curriculum_version as curriculum, m.task, t.trainer, m.decision,
        m.current_stage_actual as actual, m.next_stage_suggested as next, s.sentence, n.parameter_changes as changes,
        'today: ' || s.changed_since as since
    from marts.df_manager as m
    inner join marts.decision_sentences as s using (subject_id, session)
    left join marts.next_session as n using (subject_id, session)
    left join (select subject_id, trainer from marts.next_session) as t using (subject_id)
    qualify row_number() over (partition by m.subject_id order by m.session desc) = 1
    -- those that move first, then who ran last
    order by m.current_stage_actual <> m.next_stage_suggested desc, m.session_date desc nulls last, m.subject_id
"""


def written(number: float) -> str:
    """A number as people write it, with at most four digits after the point."""
    return f"{number:.4f}".rstrip("0").rstrip(".")


def measured(row: dict[str, Any]) -> str:
    return ", ".join(f"{badge(of)} {written(row[of])}" for of in METRICS if row[of] is not None)


def badge(stage: str) -> str:
    return stage.replace("_", " ")


def read(page: Page, what: str, given: Any = None) -> Any:
    """What a function of the page or of looking.js returns; as text, which takes a tenth of the time."""
    return json.loads(page.evaluate(f"async given => JSON.stringify(await ({what})(given))", given))


def views(page: Page, *names: str) -> list[list[dict[str, Any]]]:
    """Data of the view of all mice."""
    return read(page, "async names => (view => names.map(name => view.data(name)))(await rasterReady)", list(names))


def test_the_page_asks_only_marts_and_backtests_and_those_that_its_exposure_names(odd: Morning) -> None:
    class Asked:
        """The database, which notes the tables of each query."""

        tables: ClassVar[set[str]] = set()

        def execute(self, sql: str) -> duckdb.DuckDBPyConnection:
            self.tables |= set(re.findall(r"\b(?:from|join)\s+([\w.]+)", sql))
            return odd.database.execute(sql)

    report.collect(Asked())
    exposures = yaml.safe_load((ROOT / "models/_exposures.yml").read_text(encoding="utf-8"))["exposures"]
    [named] = [of["depends_on"] for of in exposures if of["name"] == "morning_page"]
    asked = Asked.tables - {"shown", "said"}  # which it makes for itself
    assert {table.split(".")[0] for table in asked} == {"marts", "backtest"}
    assert sorted(f"ref('{table.split('.')[1]}')" for table in asked) == sorted(named)


def test_every_session_is_shown_as_the_tables_have_it(odd: Morning, looked_at: Page) -> None:
    expected = {(row["subject"], row["session"]): row for row in odd.rows(EVERY_SESSION)}
    for row in expected.values():
        row["measured"] = measured({metric: row.pop(metric) for metric in METRICS})
    [found] = views(looked_at, "sessions")
    assert len(found) == len(expected)
    for row in found:
        of = expected[row["subject"], row["session"]]
        assert {name: row[name] for name in of} == of
    assert {row["loop"] for row in found} == {"open", "closed", "closed, a trainer chose"}
    assert {row["measured"] for row in found} >= {
        "foraging efficiency 0.1235, finished trials 250.0001",
        "foraging efficiency 1, finished trials 0, dummy metric float -0.25",
        "foraging efficiency 1, dummy metric float 1234567.891",
        "",
    }


ORDERS = {
    "last": "arg_max_null(session_date, session) desc nulls last",
    "first": "arg_min_null(session_date, session) nulls last",
    # who graduated first, then who has come furthest, in fewest sessions
    "progress": """
        min(nth) filter (where next_stage_suggested = 'GRADUATED') nulls last, arg_max(stage_key, session) desc,
        if(bool_or(next_stage_suggested = 'GRADUATED'), 0, count(*))
    """,
    "subject": "subject_id",
}
XS = {
    "session": "session",
    "days": "session_date - first_value(session_date) over (partition by subject_id order by session)",
    "date": "session_date - date '1970-01-01'",
}


@pytest.mark.parametrize(
    ("by", "sort"), [("session", "last"), ("days", "first"), ("date", "progress"), ("session", "subject")]
)
def test_every_session_stands_in_its_place(odd: Morning, looked_at: Page, by: str, sort: str) -> None:
    mice = [subject for subject, _ in odd.query(f"""
        select subject_id, count(*) from (
            select *, row_number() over (partition by subject_id order by session) as nth
            from marts.df_manager inner join seeds.training_stages on next_stage_suggested = stage
        ) group by subject_id order by {ORDERS[sort]}, subject_id
    """)]  # fmt: skip
    assert len(mice) == 61
    expected = [
        (subject, session, x, x + 0.92, x + 0.46, *(round(mice.index(subject) + part, 2) for part in (0.06, 0.94, 0.5)))
        for subject, session, x in odd.query(f"select subject_id, session, {XS[by]} from marts.df_manager")
        if x is not None
    ]
    looked_at.locator("#x-by").select_option(by)
    looked_at.locator("#sort-by").select_option(sort)
    looked_at.evaluate("drawRaster()")
    sessions, names = views(looked_at, "sessions", "mice")
    assert [(name["subject"], name["row_middle"]) for name in names] == [
        (subject, row + 0.5) for row, subject in enumerate(mice)
    ]
    columns = ("subject", "session", "x", "x2", "middle", "row", "row2", "row_middle")
    found = [tuple(row[name] for name in columns) for row in sessions]
    assert sorted((*row[:5], *(round(of, 2) for of in row[5:])) for row in found) == sorted(expected)
    width, height = read(looked_at, "() => rasterReady.then(view => [view.width(), view.height()])")
    assert height == 61 * 14
    assert read(looked_at, "() => rasterReady.then(cutOff)") == [0, 0]
    # all of the width is used, and rows are as high as the page has place for
    boxes = read(looked_at, "() => rasterReady.then(marksOf)")[0]
    assert len(boxes) == len(expected)
    assert (min(box["left"] for box in boxes), max(box["right"] for box in boxes)) == pytest.approx((0, width), abs=2)
    assert [box["bottom"] - box["top"] for box in boxes] == pytest.approx([14 * 0.88] * len(boxes), abs=0.3)


def test_a_box_is_what_ran_an_edge_what_was_suggested_instead_and_a_cross_open_loop(
    odd: Morning, looked_at: Page
) -> None:
    boxes, edges, crosses, names = read(looked_at, "() => rasterReady.then(marksOf)")
    sessions = {(row["subject"], row["session"]): row for row in odd.rows(EVERY_SESSION)}
    place = {(box["subject"], box["session"]): box for box in boxes}
    assert len(boxes) == len(sessions)
    assert {key: box["fill"] for key, box in place.items()} == {
        key: report.STAGE_COLORS[row["actual"]] for key, row in sessions.items()
    }
    assert {(edge["subject"], edge["session"]): (edge["stroke"], edge["fill"]) for edge in edges} == {
        key: (report.STAGE_COLORS[row["suggested"]], None)
        for key, row in sessions.items()
        if row["suggested"] != row["actual"]
    }
    open_loop = [key for key, row in sessions.items() if not row["closed"]]
    assert sorted((cross["subject"], cross["session"]) for cross in crosses) == open_loop
    assert {(of["shape"], of["angle"], of["fill"], of["stroke"]) for of in crosses} == {
        ("cross", 45, "#111827", "#fff")
    }
    assert 0 < len(open_loop) < len(edges) < len(boxes)
    for cross in crosses:
        box = place[cross["subject"], cross["session"]]
        assert (cross["x"], cross["y"]) == pytest.approx(
            ((box["left"] + box["right"]) / 2, (box["top"] + box["bottom"]) / 2), abs=0.6
        )
        # on a box of its own size it is seen, and seen as a cross
        assert 6 <= cross["right"] - cross["left"] <= box["right"] - box["left"]
    for edge in edges:
        box = place[edge["subject"], edge["session"]]
        assert (edge["x"], edge["y"]) == (box["x"], box["y"])
    assert {name["text"] for name in names} == {name["subject"] for name in names} == {key[0] for key in sessions}
    for name in names:
        box = next(box for box in boxes if box["subject"] == name["subject"])
        assert box["top"] < name["y"] < box["bottom"] and name["right"] < box["left"]
    # the first row is on top, and time runs to the right
    top = {box["subject"]: box["top"] for box in boxes}
    assert [name["subject"] for name in names] == sorted(top, key=top.get)
    of_one = {box["session"]: box["left"] for box in boxes if box["subject"] == names[0]["subject"]}
    assert sorted(of_one, key=of_one.get) == sorted(of_one)


def test_only_the_chosen_mouse_is_not_dim(odd_page: Page) -> None:
    def shades() -> tuple[set[str], set[str], set[str]]:
        """Mice whose boxes are pale, whose boxes are not, and whose names are dark."""
        odd_page.evaluate("drawRaster()")
        boxes, _, _, names = read(odd_page, "() => rasterReady.then(marksOf)")
        dark = {name["subject"] for name in names if name["fill"] == "#1f2937"}
        pale = {box["subject"] for box in boxes if box["opacity"] < 0.3}
        return pale, {box["subject"] for box in boxes if box["opacity"] == 1}, dark

    nobody, mice, dark = shades()
    assert nobody == set() and mice == dark and len(mice) == 61
    for choice, left in (("600003", {"600003"}), ("600004", {"600004"}), ("nobody", mice)):
        odd_page.locator("#by-mouse").fill(choice)
        odd_page.locator("#by-mouse").press("Enter")
        assert shades() == (mice - left, left, left)
    odd_page.evaluate("choose('600003')")
    odd_page.locator("#reset").click()
    assert shades() == (set(), mice, mice)


def test_each_tile_counts_what_it_says(odd: Morning, looked_at: Page) -> None:
    [counts] = odd.query("""
        select count(distinct subject_id),
            (select count(*) from marts.next_session where decision = 'PROGRESS'),
            (select count(*) from marts.next_session where decision = 'ROLLBACK'),
            (select count(*) from marts.next_session where decision = 'STAY'),
            (select count(distinct coalesce(subject_id, rig)) from marts.attention),
            (select count(*) from marts.quarantine)
        from marts.df_manager
    """)
    assert len(set(counts)) == len(counts), "two that are equal could be taken for each other"
    labels = ("mice", "▲ progress", "▼ roll back", "● stay", "to look at", "sessions set aside")
    assert looked_at.locator(".tile").all_text_contents() == [
        f"{count}{label}" for count, label in zip(counts, labels, strict=True)
    ]


def test_today_says_each_mouse_what_it_runs_and_why_with_those_that_move_first(odd: Morning, odd_page: Page) -> None:
    odd_page.locator("#more").click()
    mice = odd.rows(EVERY_MOUSE)
    assert odd_page.evaluate("cellsOf", "#today tbody tr") == [
        [
            [of["subject"]],
            [f"{of['date']}, no. {of['session']}", of["curriculum"]],
            [SIGNS[of["decision"]], badge(of["actual"]), " → ", badge(of["next"])],
            [text for text in (of["sentence"], of["since"], of["changes"]) if text],
            [text for text in [of["trainer"]] if text],
        ]
        for of in mice
    ]  # fmt: skip
    assert odd_page.evaluate("[...document.querySelectorAll('#today .sign')].map(sign => sign.title)") == [
        of["decision"] for of in mice
    ]
    moving = [of["subject"] for of in mice if of["actual"] != of["next"]]
    assert odd_page.locator("#today tr.moves .mouse").all_text_contents() == moving
    assert 0 < len(moving) < len(mice)
    assert {of["decision"] for of in mice} == set(SIGNS)
    [since] = [of["since"] for of in mice if of["since"]]
    assert re.fullmatch("today: finished trials was [0-9]+, is [0-9]+ now; .*", since)


REASONS = {
    "a_reason_of_tomorrow": "a_reason_of_tomorrow",
    "applied_another_stage": "another stage ran than was told, and nobody says so",
    "bouncing": "bouncing between stages",
    "counter_restarted": "the session counter started anew",
    "did_not_run": "did not run when the others of its trainer did",
    "drift": "what is known now would tell another stage",
    "held": "held or pinned",
    "newest_set_aside": "the newest session is set aside",
    "overridden": "trainers chose otherwise again and again",
    "stage_without_parameters": "told a stage that has no parameters",
    "stuck_in_stage": "stuck in a stage",
    "values_missing": "values are missing in most of the newest sessions of the rig",
    "went_open_loop": "went into open loop",
    "without_metrics": "the newest session lacks metrics",
}


def attention(page: Page) -> list[tuple[str, str, list[list[str]], str]]:
    """Of each row the reason, how many, which mice with their details, and what is said of others."""
    return [
        tuple(row)
        for row in read(
            page,
            """() => [...document.querySelectorAll("#attention tbody tr:has(.named)")].map(row => [
                row.cells[0].textContent, row.cells[1].textContent,
                [...row.querySelectorAll(".named > div")].map(of => [...of.children].map(part => part.textContent)),
                [...row.cells[2].childNodes].slice(1).map(node => node.textContent).join(""),
            ])""",
        )
    ]


def expected_attention(morning: Morning, where: str = "true") -> list[tuple[str, str, list[list[str]], str]]:
    rows = []
    for reason, words in REASONS.items():
        mice = morning.query(f"""
            select coalesce(subject_id, 'rig ' || rig), coalesce('since ' || since || ': ', '') || details
            from marts.attention where reason = '{reason}' and (rig is not null or subject_id = '7001'
                or subject_id in (
                select subject_id from marts.df_manager where {where}
                qualify row_number() over (partition by subject_id order by session desc) = 1
            )) order by rig, subject_id
        """)
        others = f"and {len(mice) - 24} more" if len(mice) > 24 else ""
        if mice:
            rows.append((words, str(len(mice)), [list(mouse) for mouse in mice[:24]], others))
    return rows


def test_attention_names_every_reason_with_its_mice_and_their_details(odd: Morning, odd_page: Page) -> None:
    expected = expected_attention(odd)
    assert attention(odd_page) == expected
    assert {reason for (reason,) in odd.query("select distinct reason from marts.attention")} <= REASONS.keys()
    assert len(expected) >= 8
    assert [others for *_, others in expected if others] == ["and 8 more"]
    odd_page.locator("#by-curriculum").select_option("Coupled Baiting 2.3")
    filtered = expected_attention(odd, "curriculum_name || ' ' || curriculum_version = 'Coupled Baiting 2.3'")
    assert attention(odd_page) == filtered
    assert 0 < len(filtered) < len(expected)
    odd_page.locator("#attention .mouse").last.click()
    [*_, last] = [mouse for _, _, some, _ in filtered for mouse, _ in some if not mouse.startswith("rig ")]
    expect(odd_page.locator("#h-mouse")).to_have_text(f"Mouse {last}")
    [(of_nobody,)] = odd.query(
        "select curriculum_name || ' ' || curriculum_version from marts.next_session where subject_id = '9<b>'"
    )
    odd_page.locator("#by-curriculum").select_option(of_nobody)
    # neither rigs nor mice that were never decided have a curriculum, or a page
    of_others = expected_attention(odd, "false")
    assert attention(odd_page) == of_others and len(of_others) == 2
    assert odd_page.locator("#attention button").count() == 0


def test_each_filter_leaves_its_mice_everywhere(odd: Morning, odd_page: Page) -> None:
    mice = odd.rows(EVERY_MOUSE)
    values = {name: sorted({of[name] for of in mice} - {None}) for name in ("curriculum", "task", "trainer")}
    for name, texts in values.items():
        assert len(texts) > 2
        assert odd_page.locator(f"#by-{name} option").all_text_contents() == ["all", *texts]
    offered = odd_page.evaluate("[...$('by-mouse').list.options].map(of => of.value)")
    assert sorted(offered) == sorted(of["subject"] for of in mice)
    chosen = [{name: text} for name, texts in values.items() for text in texts]
    chosen += [{"curriculum": "Coupled Baiting 2.3", "trainer": "Bo"}, {"task": values["task"][-1], "trainer": "Cleo"}]
    odd_page.locator("#more").click()
    for choice in chosen:
        for name, text in choice.items():
            odd_page.locator(f"#by-{name}").select_option(text)
        expected = [of["subject"] for of in mice if all(of[name] == text for name, text in choice.items())]
        assert 0 < len(expected) < 61
        assert odd_page.locator("#today tbody .mouse").all_text_contents() == expected
        assert odd_page.locator("#count").text_content() == f"{len(expected)} of 61 mice"
        odd_page.evaluate("drawRaster()")
        sessions, names = views(odd_page, "sessions", "mice")
        assert {row["subject"] for row in sessions} == {name["subject"] for name in names} == set(expected)
        listed = {subject for _, _, some, _ in attention(odd_page) for subject, _ in some}
        assert {of for of in listed if not of.startswith("rig ")} - {"7001"} <= set(expected)
        odd_page.locator("#reset").click()
    assert odd_page.evaluate("[...document.querySelectorAll('nav select')].map(select => select.value)") == ["", "", ""]
    assert odd_page.locator("#count").text_content() == "61 of 61 mice"


def hover(page: Page, subject: str, session: int) -> None:
    """Move over the box of a session."""
    at = page.evaluate("([subject, session]) => placeOf(subject, session)", [subject, session])
    page.locator("#raster canvas").hover(position=at)


def test_three_hover_boxes_word_for_word(odd: Morning, odd_page: Page) -> None:
    """A session in closed loop, one in open loop on a rig with a hostile name, and one that a trainer overrode."""
    titles = {
        "mouse": "subject", "date": "date", "session": "session", "curriculum": "curriculum", "task": "task",
        "trainer": "trainer", "rig": "rig", "suggested": "suggested", "ran": "actual", "loop": "loop",
        "sessions at stage": "at_stage", "metrics": "measured", "decision": "decision", "next": "next",
    }  # fmt: skip
    tooltip = odd_page.locator("#vg-tooltip-element")
    for subject, loop in (("600003", "closed"), ("600014", "open"), ("600003", "closed, a trainer chose")):
        row = next(
            row for row in reversed(odd.rows(EVERY_SESSION)) if row["subject"] == subject and row["loop"] == loop
        )
        row["measured"] = measured(row)
        hover(odd_page, subject, row["session"])
        expect(tooltip.locator("tr").nth(2)).to_have_text(f"session{row['session']}")
        expect(tooltip).to_be_visible()
        assert odd_page.evaluate("cellsOf", "#vg-tooltip-element tr") == [
            [[title], [str(row[name])]] for title, name in titles.items()
        ]
        box = tooltip.bounding_box()
        # fourteen lines, of which one or two are broken
        assert box["width"] < 420 and box["height"] < 400


def test_hovering_a_point_says_its_session_and_value(odd: Morning, odd_page: Page) -> None:
    the_mouse(odd_page, "600011")
    row = next(row for row in odd.rows(EVERY_SESSION) if (row["subject"], row["session"]) == ("600011", 2))
    point = read(odd_page, "() => marksOf(charts.finished_trials)[2][1]")
    [x, y], padding = read(odd_page, "() => [charts.finished_trials.origin(), charts.finished_trials.padding()]")
    odd_page.locator("#charts canvas").nth(1).hover(
        position={"x": x + padding["left"] + point["x"], "y": y + padding["top"] + point["y"]}
    )
    expect(odd_page.locator("#vg-tooltip-element")).to_be_visible()
    assert odd_page.evaluate("cellsOf", "#vg-tooltip-element tr") == [
        [["session"], ["2"]], [["date"], [row["date"]]], [["value"], ["0"]], [["actual"], [row["actual"]]],
        [["decision"], [row["decision"]]],
    ]  # fmt: skip


def the_mouse(page: Page, subject: str) -> None:
    page.locator("#by-mouse").fill(subject)
    page.locator("#by-mouse").press("Enter")
    expect(page.locator("#reasons table")).to_be_visible()


# one that moves, one with odd values, one that graduated, three of which much is missing, one with a directive, one
# with many reasons to look at it, one at the final stage
SOME_MICE = ["600003", "600011", "600033", "600006", "600009", "9<b>", "600012", "600014", "600055"]


@pytest.mark.parametrize("subject", SOME_MICE)
def test_the_page_of_a_mouse_has_its_metrics_thresholds_and_all_its_reasons(
    odd: Morning, looked_at: Page, subject: str
) -> None:
    page = looked_at
    the_mouse(page, subject)
    [mouse] = [of for of in odd.rows(EVERY_MOUSE) if of["subject"] == subject]
    sessions = [row for row in odd.rows(EVERY_SESSION) if row["subject"] == subject]
    expect(page.locator("#h-mouse")).to_have_text(f"Mouse {subject}")
    trained = f", trained by {mouse['trainer']}" if mouse["trainer"] else ""
    lines = odd.query(f"""
        select reason, coalesce(' since ' || since, ''), details from marts.attention
        where subject_id = '{subject}' order by reason
    """)
    assert page.locator("#detail p").all_text_contents() == [
        f"{badge(mouse['actual'])} → {badge(mouse['next'])} {mouse['curriculum']}{trained}. {mouse['sentence']}.",
        *(f"{REASONS[reason]}{since}: {details}" for reason, since, details in lines),
    ]
    charted = [metric for metric in METRICS if any(row[metric] is not None for row in sessions)]
    assert page.locator("#charts h3").all_text_contents() == [badge(metric) for metric in charted]
    assert page.evaluate("Object.keys(charts)") == charted
    for place, metric in enumerate(charted):
        values, thresholds = read(
            page, "name => [charts[name].data('values'), charts[name].data('thresholds')]", metric
        )
        assert values == [
            {
                "session": row["session"], "date": row["date"], "value": float(written(row[metric])),
                "actual": row["actual"], "decision": row["decision"],
            }
            for row in sessions if row[metric] is not None
        ]  # fmt: skip
        asked = odd.query(f"""
            select threshold,
                case rule_decision when 'PROGRESS' then '▲' when 'ROLLBACK' then '▼' else '●' end || ' '
                || measure_in_words || ' ' || case operator when '>=' then '≥' when '<=' then '≤' when '==' then '='
                    when '!=' then '≠' else operator end || ' ' || format('{{:.6g}}', threshold)
            from (
                select distinct measure, measure_in_words, operator, threshold, rule_decision
                from marts.decision_reasons
                where subject_id = '{subject}' and starts_with(measure, '{metric}__')
                    and session = (select max(session) from marts.df_manager where subject_id = '{subject}')
            ) order by measure, measure_in_words, operator, threshold, rule_decision
        """)
        assert [(of["threshold"], of["words"]) for of in thresholds] == asked
        words = "; ".join(of["words"] for of in thresholds) or "no threshold at this stage"
        assert page.locator("#charts > div").nth(place).get_attribute("aria-label") == (
            f"{metric} over {len(values)} sessions; {words}"
        )
        height = page.evaluate("name => charts[name].height()", metric)
        assert read(page, "name => cutOff(charts[name])", metric) == [0, 0]
        rules, line, points, labels = read(page, "name => marksOf(charts[name])", metric)
        assert [rule["y"] for rule in rules] == [label["y"] for label in labels]
        assert [label["text"] for label in labels] == [of["words"] for of in thresholds]
        assert len(line) == len(points) == len(values)
        assert [point["fill"] for point in points] == [report.STAGE_COLORS[of["actual"]] for of in values]
        # what is more is higher, what is later is further right
        heights = {of["value"]: point["y"] for of, point in zip(values, points, strict=True)}
        heights |= {of["threshold"]: rule["y"] for of, rule in zip(thresholds, rules, strict=True)}
        assert sorted(heights, key=heights.get, reverse=True) == sorted(heights)
        assert [point["x"] for point in points] == sorted({point["x"] for point in points})
        if len(heights) > 1:
            assert max(heights.values()) - min(heights.values()) > height / 2
    sentences = dict(
        odd.query(f"select session, sentence from marts.decision_sentences where subject_id = '{subject}'")
    )
    newest_first = sessions[::-1]
    assert page.evaluate("cellsOf", "#reasons tbody tr") == [
        [
            [str(row["session"])], [row["date"]], [badge(row["actual"])],
            [
                sentences[row["session"]] if place < 8
                else f"{row['decision']} {'at' if row['decision'] == 'STAY' else 'to'} {row['next']}"
            ],
        ]
        for place, row in enumerate(newest_first)
    ]  # fmt: skip


def test_these_mice_have_thresholds_of_every_kind(odd: Morning) -> None:
    """Else the test above would compare less than it says."""
    signs = odd.query(f"""
        select distinct operator from marts.decision_reasons inner join marts.next_session using (subject_id, session)
        where subject_id in {tuple(SOME_MICE)} and measure not like 'session%'
    """)
    assert {sign for (sign,) in signs} == {">=", "<=", "==", "!=", "<", ">"}


def test_two_mice_chosen_one_upon_the_other_are_not_mixed(odd: Morning, odd_page: Page) -> None:
    odd_page.evaluate("""Promise.all(["600003", "600012", "600012"].map(
        subject => detail(mice.find(mouse => mouse.subject_id === subject))))""")
    expect(odd_page.locator("#h-mouse")).to_have_text("Mouse 600012")
    assert odd_page.locator("#charts h3").all_text_contents() == ["foraging efficiency", "finished trials"]
    [(sessions,)] = odd.query("select count(*) from marts.df_manager where subject_id = '600012'")
    assert odd_page.locator("#reasons tbody tr").count() == sessions


def test_the_chosen_mouse_is_scrolled_to_and_seen(odd_page: Page) -> None:
    the_mouse(odd_page, "600003")
    odd_page.wait_for_function("""() => {
        const heading = $("h-mouse").getBoundingClientRect(), filters = document.querySelector("nav");
        return heading.top >= filters.getBoundingClientRect().bottom && heading.bottom < 200;
    }""")
    assert odd_page.evaluate("document.activeElement.id") == "h-mouse"


def test_a_mouse_that_is_not_on_the_page_is_said_not_to_be(odd_page: Page) -> None:
    the_mouse(odd_page, "600003")
    odd_page.locator("#by-mouse").fill("123")
    odd_page.locator("#by-mouse").press("Enter")
    expect(odd_page.locator("#h-mouse")).to_have_text("No mouse 123 on this page")
    assert odd_page.locator("#charts canvas, #reasons table, #detail p").count() == 0
    expect(odd_page.locator("#by-mouse")).to_have_value("")
    # as it is copied from a table
    odd_page.locator("#by-mouse").fill(" 600004 ")
    odd_page.locator("#by-mouse").press("Enter")
    expect(odd_page.locator("#h-mouse")).to_have_text("Mouse 600004")
    odd_page.locator("#today .mouse").first.click()
    expect(odd_page.locator("#by-mouse")).to_have_value("600003")
    odd_page.locator("#reset").click()
    expect(odd_page.locator("#h-mouse")).to_have_text("One mouse")
    expect(odd_page.locator("#by-mouse")).to_have_value("")


def test_what_if_says_of_each_pair_of_versions_what_would_differ(odd: Morning, looked_at: Page) -> None:
    pairs = odd.rows("""
        select *, which_mice[:12] as some from backtest.backtest_pairs where curriculum_name_a = curriculum_name_b
        order by mice_that_differ_tomorrow desc, curriculum_name_a, curriculum_version_a, curriculum_version_b
    """)
    expected = []
    for pair in pairs:
        some, differ = pair["some"] or [], pair["mice_that_differ_tomorrow"]
        others = [f"and {differ - 12} more"] if differ > 12 else []
        medians = [pair[f"median_sessions_to_graduation_{of}"] for of in "ab"]
        expected.append([
            f"{pair['curriculum_name_a']} {pair['curriculum_version_a']} → {pair['curriculum_version_b']}",
            [f"{differ} of {pair['mice']}", *some, *others],
            f"{pair['decisions_that_differ']} of {pair['sessions']}",
            " → ".join("none" if median is None else written(median) for median in medians),
        ])  # fmt: skip
    found = read(looked_at, """() => [...document.querySelectorAll("#pairs tbody tr")].map(row => {
        const [pair, mice, decisions, medians] = row.cells, which = mice.querySelector("details") ?? mice;
        const texts = [...which.childNodes].map(node => node.textContent).filter(text => text.trim());
        return [pair.textContent, texts, decisions.textContent, medians.textContent];
    })""")  # fmt: skip
    assert found == expected
    assert found[0][1] == ["15 of 60", *(str(600000 + mouse) for mouse in range(12)), "and 3 more"]
    assert found[0][3].startswith("none → ") and not found[0][3].endswith("none")
    assert any(row[1] == ["0 of 60"] for row in found)


def test_a_page_without_a_backtest_asks_no_what_if(lab: Project, browser: Browser, tmp_path: Path) -> None:
    with morning(lab, tmp_path, "drop schema backtest cascade") as without, tab(browser, without.path) as page:
        assert page.locator("#what-if").is_hidden()
        assert page.locator("#pairs tbody tr").count() == 0


def test_sixty_mice_are_listed_and_all_when_asked(odd: Morning, odd_page: Page, page: Page) -> None:
    rows, more = odd_page.locator("#today tbody tr"), odd_page.locator("#more")
    assert rows.count() == 60
    expect(more).to_have_text("Show all 61 mice")
    # of those whose stage changes fewer are left, and all of them are listed
    odd_page.locator("#only-moves").check()
    assert 0 < rows.count() < 60
    expect(more).to_be_hidden()
    odd_page.locator("#only-moves").uncheck()
    expect(more).to_be_visible()
    more.click()
    assert rows.count() == 61
    expect(more).to_be_hidden()
    assert page.locator("#today tbody tr").count() == 60
    expect(page.locator("#more")).to_be_hidden()


# mice that ran once: so many that with the lab's they are a thousand; of two the last date is missing or the oldest
CROWD = """
create table crowd as
select cast(700000 + mouse as varchar) as subject_id, date '2025-12-01' + cast(mouse % 50 as integer) as session_date
from range(938) as of_crowd (mouse)
union all values ('800000', null), ('800001', date '2025-06-01');
insert into marts.df_manager by name
select m.* replace (crowd.subject_id as subject_id, crowd.session_date as session_date)
from marts.df_manager as m, crowd where m.subject_id = '600003' and m.session = 1;
insert into marts.next_session by name
select n.* replace (crowd.subject_id as subject_id, crowd.session_date as session_date, 1 as session)
from marts.next_session as n, crowd where n.subject_id = '600003';
insert into marts.attention (subject_id, reason, details) select subject_id, 'drift', 'of a crowd' from crowd;
-- its first session is older than all, and yet it ran yesterday
update marts.df_manager set session_date = date '2020-01-01' where subject_id = '600001' and session = 1;
"""


def test_of_more_than_a_thousand_mice_those_that_ran_longest_ago_are_left_out(
    lab: Project, browser: Browser, tmp_path: Path
) -> None:
    def left_out() -> tuple[set[str], int]:
        content = report.collect(crowd.database)
        listed = {mouse["subject_id"] for mouse in content["mice"]}
        assert {content["mice"][mouse]["subject_id"] for mouse in content["sessions"]["mouse"]} == listed
        every = {subject for (subject,) in crowd.query("select distinct subject_id from marts.df_manager")}
        return every - listed, content["hidden_mice"]

    def one_more(subject: str) -> None:
        for table in ("df_manager", "next_session"):
            crowd.database.execute(
                f"insert into marts.{table} by name select * replace ('{subject}' as subject_id)"
                f" from marts.{table} where subject_id = '600000'"
            )

    with morning(lab, tmp_path, CROWD) as crowd:
        assert left_out() == (set(), 0)
        one_more("900000")
        assert left_out() == ({"800000"}, 1)
        one_more("900001")
        assert left_out() == ({"800000", "800001"}, 2)
        for table in ("df_manager", "next_session", "attention"):
            crowd.database.execute(f"delete from marts.{table} where subject_id = '800000'")
        crowd.path.write_text(report.page(crowd.database, "test", lab.folder / "target"), encoding="utf-8")
        with tab(browser, crowd.path) as page:
            said = "1,000 of 1,000 mice, 1 that ran longer ago are left out"
            assert page.locator("#count").text_content() == said
            tiles = page.locator(".tile").all_text_contents()
            [(listed,)] = crowd.query(
                "select count(distinct coalesce(subject_id, rig)) from marts.attention"
                " where subject_id is distinct from '800001'"
            )
            assert tiles[0] == "1,000mice" and tiles[4] == f"{listed}to look at"
            page.locator("#more").click()
            assert page.locator("#today tbody tr").count() == 1000
            [names] = views(page, "mice")
            assert len(names) == 1000 and "800001" not in {name["subject"] for name in names}


def test_the_page_says_how_old_it_is(odd: Morning, browser: Browser) -> None:
    [(started, newest, written_at)] = odd.query("""
        select started_at, (select max(session_date) from staging.stg_lake__sessions),
            (select modified_at from staging.stg_lake__files)
        from staging.stg_lake__run
    """)
    fresh = f"decided {started} UTC, newest session {newest}, df_behavior written {written_at} UTC"
    with shown(browser, odd.path) as page:
        for hours, said in ((23, ""), (25, "; this page is 1 days old"), (47, "; this page is 1 days old"),
                            (49, "; this page is 2 days old")):  # fmt: skip
            page.clock.set_fixed_time(started.replace(tzinfo=UTC) + timedelta(hours=hours))
            page.reload()
            assert page.locator("#freshness").text_content() == fresh + said
            assert page.locator("#freshness .stale").count() == bool(said)


def test_names_that_look_like_the_page_s_own_language_are_only_shown(odd: Morning, odd_page: Page) -> None:
    [(tag, quotes)] = odd.query("select getvariable('tag'), getvariable('quotes')")
    assert odd_page.title() == "Training on 2026-02-01, <b>{{data}}</title>"
    assert odd_page.locator("h1").text_content() == odd_page.title()
    for subject, text in (("9<b>", tag), ("600012", tag), ("600013", quotes)):
        the_mouse(odd_page, subject)
        assert text in odd_page.locator("#detail").text_content()
    odd_page.locator("#by-task").select_option(quotes)
    assert odd_page.locator("#today tbody .mouse").all_text_contents() == ["9<b>"]
    # nothing of them became an element, and no script of theirs ran
    assert odd_page.locator("img, title ~ b, h1 b, td b, p b").count() == 0
    assert odd_page.title() != "1"


def test_the_legend_has_the_stages_that_ran_and_pictures_their_curricula(odd: Morning, looked_at: Page) -> None:
    ran = {stage for (stage,) in odd.query("select distinct current_stage_actual from marts.df_manager")}
    assert looked_at.locator("#stages .stage").all_text_contents() == [badge(of) for of in StageName if of in ran]
    assert 0 < len(ran) < len(StageName)
    assert looked_at.locator("#raster").get_attribute("aria-label").startswith("Stages of all mice by session")
    in_use = odd.query(
        "select distinct curriculum_name || ' ' || curriculum_version from marts.next_session order by 1"
    )
    drawn = looked_at.locator("#h-curricula ~ details")
    # the library does not have the hostile one
    assert drawn.locator("summary").all_text_contents() == [of for (of,) in in_use if "<" not in of]
    assert looked_at.evaluate(
        "[...document.querySelectorAll('#h-curricula ~ details')].every(of => of.querySelectorAll('svg').length === 1)"
    )
    badges = looked_at.evaluate(
        "[...document.querySelectorAll('.stage')].map(of => [of.textContent, getComputedStyle(of).backgroundColor])"
    )
    colors = {badge(name): tuple(int(of[i : i + 2], 16) for i in (1, 3, 5)) for name, of in report.STAGE_COLORS.items()}
    assert {(name, color) for name, color in badges} <= {(name, f"rgb{of}") for name, of in colors.items()}


def test_the_axis_counts_sessions_and_days_and_names_dates(lab: Project, browser: Browser, tmp_path: Path) -> None:
    others = "delete from marts.df_manager where subject_id <> '600008';"
    others += "delete from marts.next_session where subject_id <> '600008'"
    with morning(lab, tmp_path, others) as small, tab(browser, small.path) as page:
        found = {}
        for by in XS:
            page.evaluate("by => { $('x-by').value = by; return drawRaster(); }", by)
            found[by] = sorted(read(page, "() => rasterReady.then(labelsOf)"))
    assert found["session"] == [[1, "1"], [2, "2"], [3, "3"]]
    assert found["days"] == [[0, "0"], [1, "1"], [2, "2"]]
    assert [text for _, text in found["date"]] == ["Jan 29 2026", "Jan 30 2026", "Jan 31 2026"]


# three that left, one of each decision, one that is enrolled, and rules that ask how many sessions were good
NOT_TRAINED = """
update intermediate.int_curricula__comparisons set measure = replace(measure, 'trials__', 'trials__count_');
update marts.df_manager set measures_read = map_from_entries(list_transform(
    map_entries(measures_read), lambda of: {'key': replace(of.key, 'trials__', 'trials__count_'), 'value': of.value}
));
update marts.next_session set has_left = true where subject_id in ('600002', '600003', '600012');
update marts.df_manager set session_at_current_stage = 0 where subject_id = '600004'
"""


def test_who_left_is_not_counted_of_who_never_ran_no_session_is_named_and_a_count_is_no_line_of_a_metric(
    lab: Project, browser: Browser, tmp_path: Path
) -> None:
    with morning(lab, tmp_path, NOT_TRAINED) as some, tab(browser, some.path) as page:
        counts = some.query("""
            select count(*), count(*) filter (where decision = 'PROGRESS'),
                count(*) filter (where decision = 'ROLLBACK'), count(*) filter (where decision = 'STAY')
            from marts.next_session where not has_left
        """)
        assert [int(re.match(r"\d+", of)[0]) for of in page.locator(".tile").all_text_contents()[:4]] == [*counts[0]]
        expect(page.locator("#count")).to_have_text(f"{counts[0][0]} of {counts[0][0] + 3} mice")
        expect(page.locator("label:has(#with-left)")).to_have_text("also the 3 that left")
        assert page.locator("#today tbody .mouse", has_text="600003").count() == 0
        page.locator("#with-left").check()
        expect(page.locator("#count")).to_have_text(f"{counts[0][0] + 3} of {counts[0][0] + 3} mice")
        assert page.locator("#today tbody .mouse", has_text="600003").count() == 1
        page.locator("#with-left").uncheck()
        assert page.locator("#today tbody .mouse", has_text="600003").count() == 0
        [mouse] = [of for of in some.rows(EVERY_MOUSE) if of["subject"] == "600004"]
        [cells] = [of for of in page.evaluate("cellsOf", "#today tbody tr") if of[0] == ["600004"]]
        assert cells[1:3] == [["has not run yet", mouse["curriculum"]], ["●", " → ", badge(mouse["next"])]]
        the_mouse(page, "600004")
        expect(page.locator("#detail p").first).to_contain_text(f" → {badge(mouse['next'])} {mouse['curriculum']}")
        assert page.locator("#detail p").first.locator(".stage").count() == 1
        [(counted,)] = some.query("""
            select min(subject_id) from marts.decision_reasons
            where nth_newest = 1 and starts_with(measure, 'finished_trials__count_') and subject_id <> '600004'
        """)
        the_mouse(page, counted)
        assert read(page, "() => charts.finished_trials.data('thresholds')") == []


def test_a_stage_is_called_as_its_own_curriculum_calls_it(lab: Project, browser: Browser, tmp_path: Path) -> None:
    labelled = """
        update marts.stages set called = 'First <i>steps'
        where stage = 'STAGE_2' and curriculum_name = 'Coupled Baiting' and curriculum_version = '2.3'
    """
    with morning(lab, tmp_path, labelled) as some, tab(browser, some.path) as page:
        ran = {
            (of["subject"], of["session"]): [
                "First <i>steps" if (of["curriculum"], stage) == ("Coupled Baiting 2.3", "STAGE_2") else stage
                for stage in (of["suggested"], of["actual"], of["next"])
            ]
            for of in some.rows(EVERY_SESSION)
        }
        [shown] = views(page, "sessions")
        assert {(of["subject"], of["session"]): [of["suggested"], of["actual"], of["next"]] for of in shown} == ran
        assert {"First <i>steps", "STAGE 2"} <= set(page.locator("#stages .stage").all_text_contents())
        newest = {subject: called for (subject, _), called in ran.items()}
        today = {cells[0][0]: cells[2][1:] for cells in page.evaluate("cellsOf", "#today tbody tr")}
        assert today == {
            subject: [badge(actual), " → ", badge(following)] for subject, (_, actual, following) in newest.items()
        }
        mouse = next(subject for subject, called in newest.items() if called[2] == "First <i>steps")
        the_mouse(page, mouse)
        expect(page.locator("#detail")).to_contain_text(
            re.compile(r"(STAY at|PROGRESS to|ROLLBACK to) First <i>steps: ")
        )
        assert page.locator("#reasons tbody .stage").first.text_content() == badge(newest[mouse][1])
        # its place in training is that of the stage
        assert page.evaluate("[content.places['First <i>steps'], content.colors['First <i>steps']]") == [
            2 / 7,
            report.STAGE_COLORS["STAGE_2"],
        ]


# one mouse of a task whose curricula name their own stages: it began under an older one, and was told one of neither
MAZE = """
delete from marts.df_manager where subject_id <> '600003';
delete from marts.next_session where subject_id <> '600003';
insert into marts.stages by name
select 'Maze' as curriculum_name, '1.0' as curriculum_schema_version, stage as called, *
from (values ('0', 'peek', 1, false, false), ('0', 'poke', 2, false, false), ('1', 'learn', 1, false, false),
    ('1', 'try_it', 2, false, false), ('1', 'able', 3, false, false), ('1', 'gave_up', 4, true, false),
    ('1', 'done', 5, true, true)) as of_maze (curriculum_version, stage, position, is_end, is_graduation);
set variable stages = ['peek', 'poke', 'learn', 'try_it', 'able', 'gave_up', 'done'];
update marts.df_manager set
    curriculum_name = 'Maze', curriculum_version = if(session <= 2, '0', '1'), curriculum_schema_version = '1.0',
    current_stage_suggested = if(session = 4, 'of_neither', getvariable('stages')[least(session, 7)]),
    current_stage_actual = getvariable('stages')[least(session, 7)],
    next_stage_suggested = getvariable('stages')[least(session + 1, 7)];
update marts.next_session set
    curriculum_name = 'Maze', curriculum_version = '1', curriculum_schema_version = '1.0',
    current_stage_actual = 'done', next_stage_suggested = 'done';
"""


def test_stages_of_a_task_s_own_are_coloured_by_their_place_and_can_be_read(
    lab: Project, browser: Browser, tmp_path: Path
) -> None:
    shades = list(report.STAGE_COLORS.values())
    with morning(lab, tmp_path, MAZE) as maze, tab(browser, maze.path) as page:
        boxes, edges, *_ = read(page, "() => rasterReady.then(marksOf)")
        assert [box["fill"] for box in boxes[:7]] == [
            shades[0], shades[7], shades[0], shades[2], shades[4], report.OTHER_END, shades[7],
        ]  # fmt: skip
        assert [(edge["session"], edge["stroke"]) for edge in edges] == [(4, report.OTHER_END)]
        legend = page.locator("#stages .stage").all_text_contents()
        assert legend == ["peek", "poke", "learn", "try it", "able", "gave up", "done"]
        # it graduated with its sixth session, and the others of its curriculum do not
        assert page.evaluate("mice[0].progress") == [0, 5]
        the_mouse(page, "600003")
        assert [text for contrast, text in page.evaluate("contrasts") if contrast < 4.5] == []


def test_a_page_of_no_mice_says_so(lab: Project, browser: Browser, tmp_path: Path) -> None:
    nothing = "".join(f"delete from marts.{of};" for of in ("df_manager", "next_session", "attention", "quarantine"))
    nothing += "update marts.run_summary set name = null where of_what = 'newest_session_date';"
    nothing += "update staging.stg_lake__files set modified_at = null"
    with morning(lab, tmp_path, nothing) as empty, tab(browser, empty.path) as page:
        assert {of[0] for of in page.locator(".tile").all_text_contents()} == {"0"}
        assert page.locator("#today tbody tr").count() == 0
        expect(page.locator("#count")).to_have_text("0 of 0 mice")
        expect(page.locator("#with-left")).to_be_hidden()
        expect(page.locator("#attention tbody")).to_have_text("nobody")
        expect(page.locator("#freshness")).to_contain_text(
            "newest session unknown, df_behavior written at an unknown time"
        )


def test_every_text_stands_out_from_what_is_below_it(odd_page: Page) -> None:
    the_mouse(odd_page, "600014")
    hover(odd_page, "600014", 1)
    expect(odd_page.locator("#vg-tooltip-element")).to_be_visible()
    found = odd_page.evaluate("contrasts")
    assert len(found) > 1000
    assert any("vg-tooltip" not in text and '<td class="key">' in text for _, text in found)
    assert any("<text" in text for _, text in found)
    assert [text for contrast, text in found if contrast < 4.5] == []


def test_on_paper_stages_keep_their_colours_and_nothing_asks_to_be_clicked(odd_page: Page) -> None:
    the_mouse(odd_page, "600014")
    odd_page.emulate_media(media="print")
    assert odd_page.evaluate(
        "[...document.querySelectorAll('.stage')].every(of => getComputedStyle(of).printColorAdjust === 'exact')"
    )
    for what in ("nav", "#raster", "#h-progress", "#x-by", "#stages", "#more", "#only-moves"):
        expect(odd_page.locator(what)).to_be_hidden()
    for what in ("#today", "#attention", "#detail", "#charts canvas >> nth=0", "#reasons table"):
        expect(odd_page.locator(what)).to_be_visible()


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
    attention = lab.query("select count(distinct coalesce(subject_id, rig)) from marts.attention")[0][0]
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


def test_the_page_works_on_a_phone_and_names_all_it_shows(lab: Project, browser: Browser) -> None:
    with tab(browser, lab.folder / "target/morning.html", width=390, height=844) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        # all of the width is for why a mouse runs what it runs, and what is the matter with whom
        the_mouse(page, "600014")
        for words in ("#today .why", "#attention td:has(.named)", "#reasons td:last-child"):
            places = page.locator(words).evaluate_all("all => all.map(of => of.getBoundingClientRect())")
            assert [of for of in places if of["width"] < 300 or of["right"] > 390] == []
            assert len(places) > 2
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


def published_page(project: Project) -> str:
    return (project.lake / "foraging_auto_training/morning_test.html").read_text()


def test_the_page_belongs_to_the_publication(project: Project) -> None:
    """Whatever publishes, publishes it; what does not publish leaves it; going back brings back that night's."""
    project.environment["AUTO_TRAIN_PAGE"] = "yes"
    project.workplace = project.folder
    project.environment["AUTO_TRAIN_DATABASE"] = str(project.folder / "database.duckdb")
    project.write_behavior(GOOD_MOUSE)
    too_early = project.command("-m", "scripts", "report")
    assert "test has published nothing in" in too_early.stdout + too_early.stderr
    project.build()
    first = published_page(project)
    [(run_id,)] = project.query("select run_id from staging.stg_lake__run")
    assert run_id in first
    yesterday = "cast(current_date - 1 as varchar)"
    never_decided = mouse("700009", session_date=yesterday, curriculum_name="'Coupled Biting'")
    project.write_behavior(f"{GOOD_MOUSE} union all {mouse('700002')} union all {never_decided}")
    project.decide()
    second = published_page(project)
    for subject in ("700002", "700009"):
        assert subject in second and subject not in first

    # a run that fails leaves tables that were not published, and they must not be shown
    project.write_behavior(f"{GOOD_MOUSE} union all {mouse('700003')}")
    options = ("--exclude-resource-type", "unit_test", "test", "--exclude", "publication")
    succeeded, _ = project.dbt("build", *project.QUICK, *options)
    assert succeeded
    out = project.folder / "where/nothing/is/shown.html"
    reported = project.command("-m", "scripts", "report", "--out", str(out))
    assert reported.returncode == 0, reported.stderr
    assert "published nothing; of run" in reported.stdout
    assert out.read_text() == second == published_page(project)

    back = project.command("-m", "scripts", "rollback", run_id)
    assert back.returncode == 0, back.stderr
    # but for saying what it is
    back_again = published_page(project)
    assert "<p>rolled back to what run " in back_again
    assert re.sub("<!-- said -->.*<!-- end of said -->", "<!-- said --><!-- end of said -->", back_again) == first
    assert project.command("-m", "scripts", "status").returncode == 0

    # a night without a page leaves one that tells of another night
    project.environment["AUTO_TRAIN_PAGE"] = "no"
    project.decide()
    status = project.command("-m", "scripts", "status")
    assert status.returncode != 0
    assert "morning_test.html is of another run than" in status.stdout
    assert "delete it, since AUTO_TRAIN_PAGE=no writes none" in status.stdout
    settings = Settings(str(project.lake), "", "test", "", "")
    assert report.save_published(settings, out) == "the last publication has no morning page"


def test_a_page_that_cannot_be_made_stops_no_mouse(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project.environment["AUTO_TRAIN_PAGE"] = "yes"
    project.write_behavior(GOOD_MOUSE)

    def broken(*of: object) -> str:
        raise RuntimeError("no fonts")

    monkeypatch.setattr(report, "page", broken)
    project.decide()
    assert "no morning page: no fonts" in capsys.readouterr().out
    assert len(project.df_manager()) == 3
    assert not (project.lake / "foraging_auto_training/morning_test.html").exists()
