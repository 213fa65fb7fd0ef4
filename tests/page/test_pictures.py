"""Pictures of curricula: everything is in them, nothing overlaps, and hovering shows the exact rule."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from curricula import pictures, releases
from curricula.explanations import expression_in_words
from curricula.library import LIBRARY, load, load_library
from curricula.schema import Decision, Stage
from curricula.tasks import StageName
from curricula.wording import describe
from tests import browser
from tests.conftest import ROOT

SVG = "{http://www.w3.org/2000/svg}"
TITLE = "{http://www.w3.org/1999/xlink}title"
ALL = load_library()
LONGEST = load(LIBRARY / "uncoupled_without_baiting/v2.3.1rwdDelay159.yml")


@pytest.mark.parametrize("curriculum", ALL, ids=releases.file_key)
def test_each_stage_rule_and_tooltip_is_in_the_picture_of_the_rules(curriculum: object) -> None:
    svg = ElementTree.fromstring(pictures.rules_svg(curriculum))
    groups = {group.get("id"): group for group in svg.iter(f"{SVG}g")}
    assert [curriculum.stages[name].rules == () or name in groups for name in curriculum.stages]
    for name, stage in curriculum.stages.items():
        assert groups[name].find(f".//{SVG}text").text == curriculum.label(name)
        fill = groups[name].find(f".//{SVG}path").get("fill")
        assert fill == pictures.colour(curriculum, name)
        for number, rule in enumerate(stage.rules, 1):
            edge = groups[f"{name}-{number}"]
            titles = {link.get(TITLE) for link in edge.iter(f"{SVG}a")}
            [title] = titles
            assert rule.condition in title
            assert describe(rule, curriculum.task_definition) in title
            dashes = edge.find(f".//{SVG}path").get("stroke-dasharray")
            assert (dashes is not None) == (rule.decision is Decision.ROLLBACK)


@pytest.mark.parametrize("curriculum", ALL, ids=releases.file_key)
def test_each_parameter_of_each_stage_is_in_the_picture_and_changes_are_marked(curriculum: object) -> None:
    svg = ElementTree.fromstring(pictures.parameters_svg(curriculum))
    titles = {title.text: group for group in svg.iter(f"{SVG}g") for title in group.findall(f"{SVG}title")}

    def shown(stage: Stage, parameter: str) -> str:
        # what a stage does not set; what follows performance
        return f"{stage.values.get(parameter, '–')}{' ƒ' if parameter in stage.policies else ''}"

    stages = list(curriculum.stages.items())
    for place, (name, stage) in enumerate(stages):
        for parameter in {parameter for _, of in stages for parameter in of.values}:
            value, before = shown(stage, parameter), shown(stages[max(place - 1, 0)][1], parameter)
            title = f"{name}: {parameter} = {value}"
            if parameter in stage.policies:
                policy = expression_in_words(stage.parsed_policies(curriculum.task_definition)[parameter])
                title += f"\nfollows performance: {policy}"
            if before != value:
                title += f"\nwas {before or 'empty'} at {stages[place - 1][0]}"
            assert (len(titles[title].findall(f"{SVG}rect")) == 2) == (before != value)


def test_colours_go_from_red_to_green() -> None:
    colours = [pictures.colour(LONGEST, name) for name in LONGEST.stages]
    assert (colours[0], colours[-1]) == (pictures.COLOURS[0], pictures.GRADUATED)
    assert len(set(colours)) == len(colours)


def test_graphviz_comes_out_of_its_wheel() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from curricula import library, pictures; "
         "print(len(pictures.rules_svg(library.load(library.LIBRARY / 'dummy_task/v0.1.yml'))))"],
        env={"PATH": "/nonexistent"}, cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 1000


OVERLAPS = """() => {
    const boxes = [...document.querySelectorAll("svg")].flatMap(svg => {
        const nodes = [...svg.querySelectorAll(".node")]
            .map(n => [n.id, n.querySelector("path").getBoundingClientRect()]);
        const labels = [...svg.querySelectorAll(".edge")].map(e => [e.id, [...e.querySelectorAll("text")]])
            .filter(([, texts]) => texts.length)
            .map(([id, texts]) => {
                const of = texts.map(t => t.getBoundingClientRect());
                return [id, {left: Math.min(...of.map(b => b.left)), right: Math.max(...of.map(b => b.right)),
                             top: Math.min(...of.map(b => b.top)), bottom: Math.max(...of.map(b => b.bottom))}];
            });
        return [...nodes, ...labels];
    });
    const found = [];
    for (let i = 0; i < boxes.length; i++)
        for (let j = 0; j < i; j++) {
            const [a, b] = [boxes[i][1], boxes[j][1]];
            if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1)
                found.push(boxes[i][0] + " on " + boxes[j][0]);
        }
    return found;
}"""


@pytest.mark.parametrize(
    "curriculum",
    [c for c in ALL if c.version in ("0.1", "0.2", "1.0", "2.3", "2.3.1rwdDelay159")],
    ids=releases.file_key,
)
def test_no_label_overlaps_another_one_or_a_stage(curriculum: object, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(pictures.page(curriculum), encoding="utf-8")
    with browser.opened(path) as page:
        assert page.evaluate(OVERLAPS) == []


def test_hovering_shows_the_exact_rule_and_searching_finds_it(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(pictures.page(LONGEST), encoding="utf-8")
    rule = LONGEST.stages[StageName.STAGE_3].rules[1]
    with browser.opened(path) as page:
        tip = page.locator("#tip")
        assert tip.is_hidden()
        page.locator("#STAGE_3-2 text").first.hover()
        assert rule.condition in tip.inner_text()
        assert "STAGE_3, rule 2: ROLLBACK to STAGE_2" in tip.inner_text()
        page.locator("#STAGE_FINAL text").hover()
        assert "RewardDelay: 0.2" in tip.inner_text()
        page.locator("#paras-STAGE_4").scroll_into_view_if_needed()
        page.locator("svg text", has_text="0.1, 0.5, 0.9").first.hover()
        assert "UncoupledReward = 0.1, 0.5, 0.9\nwas empty at STAGE_3" in tip.inner_text()

        assert page.locator("#rules tbody tr:visible").count() == 10
        page.fill("#search", "graduated")
        assert page.locator("#rules tbody tr:visible").count() == 1
        page.fill("#search", "rewarddelay")
        assert page.locator("svg .row:not(.dim)").count() == 1


def test_a_page_of_hostile_words_shows_them_as_they_are(tmp_path: Path) -> None:
    values = LONGEST.model_dump(mode="json") | {"description": "<img src=x onerror=document.title='hit'> {{table}}"}
    path = tmp_path / "page.html"
    path.write_text(pictures.page(type(LONGEST).read(values)), encoding="utf-8")
    with browser.opened(path) as page:
        assert page.title() != "hit"
        assert page.locator("p").first.inner_text().startswith("<img src=x")
