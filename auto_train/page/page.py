"""Write the morning page: one self-contained HTML file from the database of the last run, published with the tables."""

import html
import json
import os
import re
from collections.abc import Callable, Iterable
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import altair as alt
import duckdb
import vl_convert

from auto_train.decisions.vocabulary import Attention
from auto_train.lake import ROOT, LakeError, Settings, open_lake, shown
from auto_train.publishing.manifest import PAGE, published_manifest
from auto_train.publishing.publication import publish_beside
from curricula.library import load_named
from curricula.pictures import rules_svg
from curricula.tasks import TASKS
from curricula.wording import SIGNS

TEMPLATE = Path(__file__).with_suffix(".html")
MOST_MICE = 1000
EPOCH = date(1970, 1, 1)
REASONS_SHOWN = 8
FITTED = alt.AutoSizeParams(type="fit-x", contains="padding")
# light to dark along the training, so that they differ in grey too
STAGE_COLORS = {
    "STAGE_1_WARMUP": "#f6e8b1", "STAGE_1": "#f2c879", "STAGE_2": "#ec9c5b", "STAGE_3": "#d76a57", "STAGE_4": "#b04a63",
    "STAGE_5": "#8f3f70", "STAGE_FINAL": "#5b3a78", "GRADUATED": "#22304f",
}  # fmt: skip
# of an end that is a way out of training, and of a stage that a curriculum does not have
OTHER_END = "#9aa3af"


def page(database: duckdb.DuckDBPyConnection, manager: str, cache: Path) -> str:
    """The page as HTML that needs no network.

    Args:
        database: what `dbt build` left.
        manager: name of the manager, for the title.
        cache: folder in which the parts are kept that are the same in every page.
    """
    content = collect(database)
    run = content["run"]
    parts = {
        "title": html.escape(f"Training on {run['training_day']}, {manager}"),
        "data": _json(json.dumps(content, separators=(",", ":"), ensure_ascii=False)),
        "raster": _json(raster(content["colors"]).to_json(indent=None)),
        "metrics": _json(metric_lines(content["colors"]).to_json(indent=None)),
        "vega": vega(cache),
        "curricula": curricula_pictures(content["curricula"]),
    }
    # in one pass, because what is filled in may itself contain braces
    return re.sub(r"\{\{(\w+)\}\}", lambda place: parts[place[1]], TEMPLATE.read_text(encoding="utf-8"))


def vega(cache: Path) -> str:
    """Vega, Vega-Lite and Vega-Embed as one script that defines ``vegaEmbed``; cached: bundling takes seconds."""
    kept = cache / f"vega_by_vl_convert_{version('vl-convert-python')}.js"
    if not kept.exists():
        bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
        script = f"(() => {{{bundle}}})();".replace("</script", "<\\/script")
        beside = kept.with_suffix(f".{os.getpid()}")
        beside.write_text(script, encoding="utf-8")
        os.replace(beside, kept)
    return kept.read_text(encoding="utf-8")


def collect(database: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """What the page shows, in columns and with repeated texts as numbers, because thousands of sessions must fit."""

    def rows(sql: str) -> list[dict[str, Any]]:
        found = database.execute(sql)
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    [run] = rows("""
        select run_id, cast(started_at as varchar) as started_at, cast(training_day as varchar) as training_day,
            cast(modified_at as varchar) as modified_at, cast(newest_session_date as varchar) as newest_session
        from marts.run
    """)
    database.execute(f"""
        create or replace temp table shown as
        select subject_id from marts.df_manager group by subject_id
        order by max(session_date) desc nulls last, subject_id limit {MOST_MICE}
    """)  # noqa: S608
    # both views read the whole history unless asked for a constant; of many mice those shown lie close together
    database.execute("set variable first_shown = (select min(subject_id) from shown)")
    database.execute("set variable last_shown = (select max(subject_id) from shown)")
    database.execute(f"""
        create or replace temp table said as
        select * from marts.decision_sentences semi join shown using (subject_id)
        where nth_newest <= {REASONS_SHOWN}
            and subject_id between getvariable('first_shown') and getvariable('last_shown')
    """)  # noqa: S608
    database.execute("""
        create or replace temp macro called(of_name, of_version, of_schema_version, of_stage) as coalesce((
            select called from marts.stages
            where curriculum_name = of_name and curriculum_version = of_version
                and curriculum_schema_version = of_schema_version and stage = of_stage
        ), of_stage)
    """)
    of_n, of_m = (f"{of}.curriculum_name, {of}.curriculum_version, {of}.curriculum_schema_version" for of in ("n", "m"))
    metrics = [
        name
        for name in sorted({metric.name for task in TASKS.values() for metric in task.metrics}, reverse=True)
        if rows(f'select 1 from marts.sessions where "{name}" is not null limit 1')  # noqa: S608
    ]
    mice = rows(f"""
        select n.subject_id, n.session, cast(n.session_date as varchar) as session_date, n.curriculum_name,
            n.curriculum_version, n.decision, n.parameter_changes,
            called({of_n}, n.current_stage_actual) as current_stage_actual,
            called({of_n}, n.next_stage_suggested) as next_stage_suggested,
            m.task, m.directive, s.sentence, s.changed_since, n.trainer, n.has_left,
            m.session_at_current_stage > 0 as has_run
        from marts.next_session as n
        inner join shown using (subject_id)
        inner join marts.df_manager as m on n.subject_id = m.subject_id and n.session = m.session
        inner join said as s on n.subject_id = s.subject_id and n.session = s.session
        order by n.subject_id
    """)  # noqa: S608
    number_of = {mouse["subject_id"]: place for place, mouse in enumerate(mice)}
    texts: dict[str, list[str]] = {name: [] for name in ("stage", "decision", "curriculum", "task", "rig", "trainer")}

    def number(name: str, text: str | None) -> int:
        if text is None:
            return -1
        if text not in texts[name]:
            texts[name].append(text)
        return texts[name].index(text)

    places, colors, graduations = stages(
        rows("""
            select called as stage, position, is_end, is_graduation,
                max(position) over (
                    partition by curriculum_name, curriculum_version, curriculum_schema_version
                ) as stages
            from marts.stages
            semi join (from marts.df_manager semi join shown using (subject_id)) as m
                using (curriculum_name, curriculum_version, curriculum_schema_version)
            order by curriculum_name, curriculum_version, curriculum_schema_version, position
        """)
    )
    for stage in colors:
        number("stage", stage)
    measured = "".join(f', b."{metric}"' for metric in metrics)
    sessions = rows(f"""
        select m.subject_id, m.session, m.session_date, called({of_m}, m.current_stage_suggested) as suggested,
            called({of_m}, m.current_stage_actual) as actual, called({of_m}, m.next_stage_suggested) as next,
            m.decision, m.if_closed_loop as closed,
            m.trainer_chose as overridden, m.session_at_current_stage as at_stage, m.task,
            m.curriculum_name || ' ' || m.curriculum_version as curriculum, b.rig, b.trainer {measured}
        from marts.df_manager as m
        inner join shown using (subject_id)
        left join marts.sessions as b on m.subject_id = b.subject_id and m.session = b.session
        order by m.subject_id, m.session
    """)  # noqa: S608
    columns: dict[str, list[Any]] = {
        "mouse": [number_of[row["subject_id"]] for row in sessions],
        "session": [row["session"] for row in sessions],
        "day": [row["session_date"] and (row["session_date"] - EPOCH).days for row in sessions],
        "at_stage": [row["at_stage"] for row in sessions],
        "closed": [int(row["closed"]) for row in sessions],
        "overridden": [int(bool(row["overridden"])) for row in sessions],
    }
    for name, kind in {
        "suggested": "stage", "actual": "stage", "next": "stage", "decision": "decision", "curriculum": "curriculum",
        "task": "task", "rig": "rig", "trainer": "trainer",
    }.items():  # fmt: skip
        columns[name] = [number(kind, row[name]) for row in sessions]
    # what was told under another curriculum may be a stage of none of these
    colors |= {stage: OTHER_END for stage in texts["stage"] if stage not in colors}
    for metric in metrics:
        columns[f"metric_{metric}"] = [_short(row[metric]) for row in sessions]

    lately = rows("select subject_id, session, sentence from said order by all")
    thresholds = rows("""
        select distinct r.subject_id, r.measure, r.measure_in_words, r.operator, r.threshold, r.rule_decision
        from marts.decision_reasons as r
        semi join shown using (subject_id)
        where r.nth_newest = 1
            -- how many sessions, and what several have together, are not on the scale of one session
            and not regexp_matches(r.measure, '__(count|sum)_')
            and r.subject_id between getvariable('first_shown') and getvariable('last_shown')
        order by all
    """)
    return {
        "run": run,
        "mice": mice,
        "texts": texts,
        "colors": colors,
        "places": places,
        "graduations": graduations,
        "metrics": metrics,
        "sessions": columns,
        "reasons": [[number_of[row["subject_id"]], row["session"], row["sentence"]] for row in lately],
        "thresholds": [[number_of[row["subject_id"]], *list(row.values())[1:]] for row in thresholds],
        "signs": SIGNS,
        "words": {reason.value: reason.words for reason in Attention},
        "attention": rows("""
            select subject_id, rig, reason, cast(since as varchar) as since, details from marts.attention
            where rig is not null or subject_id in (select subject_id from shown)
                or subject_id not in (select subject_id from marts.df_manager)
            order by reason, rig, subject_id
        """),
        "set_aside": rows("select count(*) as sessions from marts.quarantine")[0]["sessions"],
        "hidden_mice": rows("select count(distinct subject_id) as mice from marts.df_manager")[0]["mice"] - len(mice),
        "curricula": sorted({(mouse["curriculum_name"], mouse["curriculum_version"]) for mouse in mice}),
        "what_if": what_if(rows),
    }


def what_if(rows: Callable[[str], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The backtest's pairs, where one was run on this database."""
    try:
        return rows("""
            select curriculum_name_a as name, curriculum_version_a as a, curriculum_version_b as b, sessions,
                decisions_that_differ, mice, mice_that_differ_tomorrow, which_mice[:12] as which_mice,
                median_sessions_to_graduation_a as median_a, median_sessions_to_graduation_b as median_b
            from backtest.backtest_pairs
            where curriculum_name_a = curriculum_name_b
            order by mice_that_differ_tomorrow desc, name, a, b
        """)
    except duckdb.CatalogException:
        return []


def stages(of_curricula: list[dict[str, Any]]) -> tuple[dict[str, float], dict[str, str], list[str]]:
    """Of each stage by its name: its place in training from 0 to 1, its colour by that place; and which graduate."""
    fixed = list(STAGE_COLORS)
    places = {stage: number / (len(fixed) - 1) for number, stage in enumerate(fixed)}
    colors, graduations = dict(STAGE_COLORS), [fixed[-1]]
    shades = list(STAGE_COLORS.values())
    for stage in of_curricula:
        if stage["stage"] in places:
            continue
        place = (stage["position"] - 1) / max(1, stage["stages"] - 1)
        places[stage["stage"]] = place
        is_out = stage["is_end"] and not stage["is_graduation"]
        colors[stage["stage"]] = OTHER_END if is_out else shades[round(place * (len(shades) - 1))]
        graduations += [stage["stage"]] if stage["is_graduation"] else []
    return places, colors, graduations


def raster(stage_colors: dict[str, str]) -> alt.LayerChart:
    """All mice by session: colour is the stage that ran, edge the suggested one where that differs, cross open loop."""
    colors = alt.Scale(domain=list(stage_colors), range=list(stage_colors.values()))
    x_by = alt.param(name="x_by", value="session")
    tooltip = [alt.Tooltip(f"{name}:N", title=title) for name, title in (
        ("subject", "mouse"), ("date", "date"), ("session", "session"), ("curriculum", "curriculum"), ("task", "task"),
        ("trainer", "trainer"), ("rig", "rig"), ("suggested", "suggested"), ("actual", "ran"), ("loop", "loop"),
        ("at_stage", "sessions at stage"), ("measured", "metrics"), ("decision", "decision"), ("next", "next"),
    )]  # fmt: skip
    x_axis = alt.Axis(
        title=None,
        orient="top",
        grid=False,
        tickMinStep=1,
        labelExpr="x_by == 'date' ? utcFormat(datum.value * 864e5, '%b %d %Y') : format(datum.value, ',d')",
    )
    base = alt.Chart(alt.NamedData(name="sessions")).encode(
        x=alt.X("x:Q", axis=x_axis, scale=alt.Scale(zero=False, nice=False)),
        y=alt.Y("row:Q", axis=None, scale=alt.Scale(reverse=True, nice=False, zero=True)),
        opacity=alt.condition("datum.dim", alt.value(0.15), alt.value(1)),
    )
    boxes = base.mark_rect().encode(
        x2="x2:Q", y2="row2:Q", color=alt.Color("actual:N", scale=colors, legend=None), tooltip=tooltip
    )
    edges = (
        base.transform_filter("datum.suggested != datum.actual")
        .mark_rect(filled=False, strokeWidth=2)
        .encode(x2="x2:Q", y2="row2:Q", stroke=alt.Color("suggested:N", scale=colors, legend=None), tooltip=tooltip)
    )
    crosses = (
        base.transform_filter("!datum.closed")
        .mark_point(shape="cross", angle=45, size=36, filled=True, color="#111827", stroke="#fff", strokeWidth=0.8)
        .encode(x="middle:Q", y="row_middle:Q", tooltip=tooltip)
    )
    names = (
        alt.Chart(alt.NamedData(name="mice"))
        .mark_text(align="right", baseline="middle", fontSize=10, dx=-6)
        .encode(
            x=alt.value(0),
            y=alt.Y("row_middle:Q"),
            text="subject:N",
            color=alt.condition("datum.dim", alt.value("#6b7280"), alt.value("#1f2937")),
        )
    )
    layers: alt.LayerChart = (
        alt.layer(boxes, edges, crosses, names)
        .add_params(x_by)
        .properties(
            width="container", height=300, autosize=FITTED, padding={"left": 4, "right": 8, "top": 4, "bottom": 4}
        )
        .configure_view(stroke=None)
    )
    return layers


def metric_lines(stage_colors: dict[str, str]) -> alt.LayerChart:
    """One metric of one mouse over its sessions, with the thresholds of its stage."""
    colors = alt.Scale(domain=list(stage_colors), range=list(stage_colors.values()))
    values = alt.Chart(alt.NamedData(name="values")).encode(
        x=alt.X("session:Q", axis=alt.Axis(title="session", tickMinStep=1, grid=False)),
        y=alt.Y("value:Q", title=None, axis=alt.Axis(minExtent=36), scale=alt.Scale(zero=False)),
    )
    line = values.mark_line(color="#9aa3af", strokeWidth=1.5)
    points = values.mark_point(filled=True, size=55, stroke="#374151", strokeWidth=0.6, opacity=1).encode(
        color=alt.Color("actual:N", scale=colors, legend=None),
        tooltip=[alt.Tooltip(f"{name}:N") for name in ("session", "date", "value", "actual", "decision")],
    )
    thresholds = alt.Chart(alt.NamedData(name="thresholds"))
    rules = thresholds.mark_rule(strokeDash=[5, 3], color="#6b7280").encode(y="threshold:Q")
    labels = thresholds.mark_text(align="left", dx=4, dy=-5, fontSize=10, color="#4b5563").encode(
        x=alt.value(0), y="threshold:Q", text="words:N"
    )
    layers: alt.LayerChart = (
        alt.layer(rules, line, points, labels)
        .properties(
            width="container", height=190, autosize=FITTED, padding={"left": 4, "right": 8, "top": 16, "bottom": 4}
        )
        .configure_view(stroke=None)
    )
    return layers


def curricula_pictures(keys: Iterable[tuple[str, str]]) -> str:
    """Diagrams of the curricula in use."""
    return "\n".join(
        f"<details><summary>{html.escape(f'{curriculum.name} {curriculum.version}')}</summary>"
        f'<div class="scroll">{_inline(rules_svg(curriculum))}</div></details>'
        for curriculum in load_named(keys)
    )


def _inline(svg: str) -> str:
    return svg[svg.index("<svg") :]


def _json(value: str) -> str:
    """Text of a table may hold anything; as JSON it must not end the script that it stands in."""
    return value.replace("<", "\\u003c")


def _short(value: float | None) -> float | int | None:
    if value is None:
        return None
    return int(value) if value == int(value) else round(value, 4)


def of_run(database: duckdb.DuckDBPyConnection, settings: Settings) -> dict[str, bytes]:
    """The page of the run whose tables these are, by its path below the lake.

    What is wrong with a page stops no mouse: then there is none, and why is printed.
    """
    try:
        cache = Path(settings.database).parent
        return {settings.published(PAGE, "html"): page(database, settings.manager, cache).encode()}
    except Exception as error:  # whatever it is, rigs wait for df_manager
        print(f"no morning page: {error}")
        return {}


def local_copy(settings: Settings) -> Path:
    """Where the page is put for whoever runs the nightly; each manager has its own."""
    return ROOT / f"target/{PAGE}_{settings.manager}.html"


def save_published(settings: Settings, out: Path) -> str:
    """Save the page of the last publication; returns what to say of it."""
    lake, path = open_lake(settings.lake, settings), settings.published(PAGE, "html")
    manifest = published_manifest(lake, settings)
    if manifest is None or manifest.file(path) is None:
        return "the last publication has no morning page"
    content = lake.read(path)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(content)
    return f"the morning page is {shown(str(out.resolve()))} ({len(content):,} bytes)"


def report(settings: Settings, out: Path) -> str:
    """Write the page anew, with a backtest that was made since, and publish it; returns what to say of it.

    Only of a run that published: after one that failed its tables are not what rigs read, and the page that is
    published is saved instead.

    Raises:
        LakeError: nothing was published, or another run published meanwhile.
    """
    manifest = published_manifest(open_lake(settings.lake, settings), settings)
    if manifest is None:
        raise LakeError(f"{settings.manager} has published nothing in {settings.lake}: there is no page to show")
    with duckdb.connect(settings.database, read_only=True) as database:
        [(run_id,)] = database.execute("select run_id from marts.run").fetchall()
        if run_id != manifest.run.id:
            return f"run {run_id} published nothing; of run {manifest.run.id}: {save_published(settings, out)}"
        text = page(database, settings.manager, Path(settings.database).parent)
    publish_beside(settings, run_id, settings.published(PAGE, "html"), text.encode())
    return save_published(settings, out)
