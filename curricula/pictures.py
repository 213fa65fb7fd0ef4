"""Pictures of a curriculum: its rules as a graph, its parameters as a table, and a page with both.

Graphviz comes out of a wheel, so no `dot` need be installed.
"""

import html
import itertools
import re
from collections.abc import Sequence
from importlib.resources import files
from typing import Any
from urllib.parse import quote

import pygraphviz

from curricula.exchange import file_name
from curricula.explanations import expression_in_words
from curricula.schema import Curriculum, Decision, Stage, TransitionRule
from curricula.wording import describe

FONT = "Helvetica, Arial, sans-serif"
# Red to green through yellow, light enough for black text and told apart in grey (ColorBrewer RdYlGn, lightened)
COLOURS = ("#f4a6a0", "#f8c0a0", "#fbd9a5", "#fdeeb0", "#e9f2b0", "#cbe6a8", "#a6d69a")
GRADUATED = "#7cc47f"
OTHER_END = "#d0d7de"
EDGE = {Decision.PROGRESS: "#1a7f37", Decision.ROLLBACK: "#b42318", Decision.STAY: "#57606a"}


def colour(curriculum: Curriculum, stage: str) -> str:
    """Fill colour of a stage: red for the first of the curriculum, green for the last, their own for ends."""
    if curriculum.is_end(stage):
        return GRADUATED if stage == curriculum.graduation else OTHER_END
    training = [name for name in curriculum.stages if not curriculum.is_end(name)]
    place = training.index(stage) / max(1, len(training) - 1)
    return COLOURS[round(place * (len(COLOURS) - 1))]


def picture_name(curriculum: Curriculum, kind: str) -> str:
    """Name of the picture beside the curriculum's JSON; kind is ``rules`` or ``paras``."""
    return file_name(curriculum).removesuffix(".json") + f"_{kind}.svg"


def rules_svg(curriculum: Curriculum) -> str:
    """The stages and the rules between them; hovering a rule shows its exact condition."""
    graph = pygraphviz.AGraph(directed=True, strict=False, rankdir="TB", nodesep=0.7, ranksep=0.55, bgcolor="white")
    graph.graph_attr.update(fontname=FONT, pad=0.3, tooltip=" ")
    graph.node_attr.update(
        shape="box", style="rounded,filled", fontname=FONT, fontsize=15, color="#57606a", margin="0.3,0.14"
    )
    graph.edge_attr.update(fontname=FONT, fontsize=10.5, arrowsize=0.8)
    leads_to = {rule.to_stage for stage in curriculum.stages.values() for rule in stage.rules}
    shown = sorted({*curriculum.stages, *leads_to}, key=curriculum.position)
    for name in shown:
        tooltip = f"{name}\n{_parameters_in_words(curriculum.stages.get(name))}"
        label = curriculum.label(name)
        graph.add_node(name, label=label, fillcolor=colour(curriculum, name), tooltip=tooltip, id=name)
    for before, after in itertools.pairwise(shown):
        graph.add_edge(before, after, style="invis", weight=100, tooltip=" ")
    for name, stage in curriculum.stages.items():
        for number, rule in enumerate(stage.rules, 1):
            graph.add_edge(
                name,
                rule.to_stage,
                id=f"{name}-{number}",
                label=_label(number, rule, curriculum),
                style="dashed" if rule.decision is Decision.ROLLBACK else "solid",
                color=EDGE[rule.decision],
                fontcolor=EDGE[rule.decision],
                tooltip=_tooltip(curriculum, name, number, rule),
                labeltooltip=_tooltip(curriculum, name, number, rule),
                constraint="false",
            )
    return str(graph.draw(format="svg", prog="dot").decode())


def _tooltip(curriculum: Curriculum, stage: str, number: int, rule: TransitionRule) -> str:
    words = describe(rule, curriculum.task_definition)
    return f"{stage}, rule {number}: {rule.decision} to {rule.to_stage}\n{rule.condition}\n{words}"


def _label(number: int, rule: TransitionRule, curriculum: Curriculum) -> str:
    words = describe(rule, curriculum.task_definition)
    short = words.replace(" of the last ", " over ").replace(" and ", "\nand ").replace(" or ", "\nor ")
    return "\n".join(f"  {line}" for line in f"{number}. {short}".split("\n"))


def _parameters_in_words(stage: Stage | None) -> str:
    if stage is None:
        return "no parameters of its own"
    return "\n".join(f"{name}: {value}" for name, value in stage.values.items())


CELL = {"height": 22, "name": 210, "value": 185, "head": 34}


def parameters_svg(curriculum: Curriculum) -> str:
    """Parameters by stages; what changes from the stage before is highlighted, and hovering says from what."""
    stages = list(curriculum.stages)
    # a parameter that follows performance shows how, where one points at it
    values = [
        {name: f"{value} ƒ" if name in stage.policies else value for name, value in stage.values.items()}
        for stage in curriculum.stages.values()
    ]
    policies = [
        {name: expression_in_words(of) for name, of in stage.parsed_policies(curriculum.task_definition).items()}
        for stage in curriculum.stages.values()
    ]
    names = list(dict.fromkeys(name for of_stage in values for name in of_stage))
    width = CELL["name"] + CELL["value"] * len(stages)
    height = CELL["head"] + CELL["height"] * len(names)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="{FONT}" font-size="12" role="img" aria-label="parameters of {html.escape(_title(curriculum))}">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for column, stage in enumerate(stages):
        x = CELL["name"] + column * CELL["value"]
        parts.append(
            f'<g id="paras-{stage}"><title>{stage}</title>'
            f'<rect x="{x}" width="{CELL["value"]}" height="{CELL["head"]}" stroke="#ffffff" '
            f'fill="{colour(curriculum, stage)}"/>'
            f'<text x="{x + 8}" y="22" font-weight="bold">{html.escape(curriculum.label(stage))}</text></g>'
        )
    for row, name in enumerate(names):
        y = CELL["head"] + row * CELL["height"]
        fill = "#f6f8fa" if row % 2 else "#ffffff"
        parts.append(
            f'<g class="row" data-name="{name.lower()}"><rect y="{y}" width="{width}" height="{CELL["height"]}" '
            f'fill="{fill}"/><text x="8" y="{y + 15}">{name}</text>'
        )
        parts += [_cell(stages, values, policies, name, column, y) for column in range(len(stages))]
        parts.append("</g>")
    return "\n".join([*parts, "</svg>"])


def _cell(
    stages: Sequence[str],
    values: Sequence[dict[str, Any]],
    policies: Sequence[dict[str, str]],
    name: str,
    column: int,
    y: int,
) -> str:
    x = CELL["name"] + column * CELL["value"]
    value = str(values[column].get(name, "–"))
    before = str(values[column - 1].get(name, "–")) if column else value
    shown = value if len(value) <= 27 else value[:26] + "…"
    tooltip = f"{stages[column]}: {name} = {value}"
    if name in policies[column]:
        tooltip += f"\nfollows performance: {policies[column][name]}"
    mark = ""
    if value != before:
        tooltip += f"\nwas {before or 'empty'} at {stages[column - 1]}"
        mark = (
            f'<rect x="{x + 2}" y="{y + 2}" width="{CELL["value"] - 4}" height="{CELL["height"] - 4}" rx="4" '
            f'fill="#ffe08a"/>'
        )
    weight = ' font-weight="bold"' if mark else ""
    return (
        f"<g><title>{html.escape(tooltip)}</title>"
        f'<rect x="{x}" y="{y}" width="{CELL["value"]}" height="{CELL["height"]}" fill="transparent"/>{mark}'
        f'<text x="{x + 8}" y="{y + 15}"{weight}>{html.escape(shown)}</text></g>'
    )


def _title(curriculum: Curriculum) -> str:
    return f"{curriculum.name} {curriculum.version} (schema {curriculum.schema_version})"


def index(curricula: Sequence[Curriculum]) -> str:
    """A page with the rules of every curriculum as a picture that leads to its own page, newest version first."""
    shown = "".join(
        f'<figure><a href="{quote(file_name(curriculum).replace(".json", ".html"))}">'
        f'<img loading="lazy" alt="" src="{quote(picture_name(curriculum, "rules"))}">'
        f"<figcaption>{html.escape(_title(curriculum))}</figcaption></a></figure>"
        for curriculum in reversed(curricula)
    )
    template = files("curricula").joinpath("index.html").read_text(encoding="utf-8")
    return template.replace("{{curricula}}", shown)


def page(curriculum: Curriculum) -> str:
    """One page with rules, parameters and a search, in one file that needs nothing else."""
    rules = rules_svg(curriculum)
    rows = "".join(
        f'<tr data-name="{html.escape(f"{name} {rule.condition} {rule.decision} {rule.to_stage}".lower())}">'
        f'<td><span class="stage" style="background:{colour(curriculum, name)}">'
        f"{html.escape(curriculum.label(name))}</span></td>"
        f"<td>{number}</td>"
        f'<td class="{rule.decision.lower()}">{rule.decision}</td>'
        f"<td>{html.escape(curriculum.label(rule.to_stage))}</td>"
        f"<td>{html.escape(describe(rule, curriculum.task_definition))}"
        f"<br><code>{html.escape(rule.condition)}</code></td></tr>"
        for name, stage in curriculum.stages.items()
        for number, rule in enumerate(stage.rules, 1)
    )
    template = files("curricula").joinpath("page.html").read_text(encoding="utf-8")
    parts = {
        "title": html.escape(_title(curriculum)),
        "description": html.escape(curriculum.description),
        "rules": rules[rules.index("<svg") :],
        "table": rows,
        "parameters": parameters_svg(curriculum),
    }
    # in one pass: a text of a curriculum may hold {{rules}} itself
    return re.sub(r"{{(\w+)}}", lambda found: parts[found[1]], template)
