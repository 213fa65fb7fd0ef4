"""Publish the exports: the last model of a run, so a failed test before it leaves the lake as it was."""

import json
import tempfile
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any

import pyarrow as pa

from auto_train.lake import Settings, open_lake
from auto_train.publishing import analysis_copy, curricula, next_session, told
from auto_train.publishing.legacy_pickle import to_pickle
from auto_train.publishing.manifest import DECISION_LOG, LEADER, SEEN, STATS, File, Manifest, Run
from auto_train.publishing.publication import Tables, publish
from auto_train.publishing.tested import refuse_untested

SCHEMA = pa.schema([("path", pa.string()), ("rows", pa.int64()), ("bytes", pa.int64())])


def model(dbt, session):  # noqa: ANN001, ANN201 - dbt gives the types
    """Write each export to a local file, then publish all with a record of the run."""
    dbt.config(materialized="table")
    exports = {
        LEADER: dbt.ref("export_df_manager"),
        STATS: dbt.ref("export_df_manager_stats"),
        DECISION_LOG: dbt.ref("export_decision_log"),
        SEEN: dbt.ref("export_subjects_seen"),
    }
    new_decisions = dbt.ref("export_new_decisions")
    run = dbt.ref("stg_lake__run")
    counts = dbt.ref("run_summary")
    inputs = dbt.ref("stg_lake__files")
    # dbt runs a test before this model only where the model depends on all that the test reads; these refs are for
    # tests of what is not read here
    _ = dbt.ref("int_curricula__comparisons"), dbt.ref("set_aside_reasons"), dbt.ref("task_metrics")
    _ = dbt.ref("stg_lake__columns"), dbt.ref("curriculum_metrics"), dbt.ref("int_sessions__new")
    # what the page shows
    _ = dbt.ref("attention"), dbt.ref("attention_reasons"), dbt.ref("decision_sentences"), dbt.ref("stage_parameters")
    _ = dbt.ref("run"), dbt.ref("sessions"), dbt.ref("told"), dbt.ref("next_session"), dbt.ref("stages")
    _ = dbt.ref("curriculum_policies")
    _ = dbt.ref("int_decisions__parameters"), dbt.ref("int_curricula__ends"), dbt.ref("task_stages")
    [of_run] = run.arrow().read_all().to_pylist()
    refuse_untested(of_run)
    settings = Settings.from_environment()
    lake = open_lake(settings.lake, settings)
    # the plugin noted both before anything was read
    [(read, directives)] = session.execute(
        "select getvariable('inputs_as_read'), getvariable('directives_as_read')"
    ).fetchall()
    changed = told.changes(of_run["run_id"], dbt.ref("stg_lake__decisions"), dbt.ref("df_manager"))
    tables = replace(
        written(session, settings, exports, new_decisions), directives=directives, told=told.as_rows(changed)
    )
    tables.files.update(next_session.of_run(session, settings, of_run["run_id"], of_run["training_day"]))
    said = told.in_words("a full refresh, all is decided anew", changed) if of_run["kind"] == "full_refresh" else []
    if of_run["df_manager_tag"] is None:
        said = told.of_other_managers(lake, settings, of_run["run_id"], tables.files[settings.published(LEADER)])
    if settings.page:
        # importing what draws it takes a second
        from auto_train.page.page import of_run as page_of_run

        pages = page_of_run(session, settings)
        tables.files.update({path: told.banner(page, said) for path, page in pages.items()})
    of_curricula = "curriculum_name, curriculum_version, curriculum_schema_version"
    named = dbt.ref("df_manager").project(of_curricula).distinct()
    in_lake = curricula.publish_named_curricula(lake, set(named.fetchall()))
    manifest = Manifest(
        manager=settings.manager,
        run=Run(
            id=of_run["run_id"],
            started_at=of_run["started_at"].replace(tzinfo=UTC),
            previous=of_run["previous_run"],
            kind=of_run["kind"],
            training_day=of_run["training_day"],
            lab_time_zone=of_run["lab_time_zone"],
        ),
        code_version=of_run["code_version"],
        let_through=json.loads(of_run["let_through"]),
        said=said,
        inputs=[
            entry | {"modified_at": f"{entry['modified_at'].isoformat()}+00:00"}
            for entry in inputs.arrow().read_all().to_pylist()
        ],
        read=json.loads(read),
        files=[],
        curricula=[File.of(path, content) for path, content in in_lake.items()],
        **summary(counts.fetchall()),
    )
    manifest = publish(settings, of_run["df_manager_tag"], tables, manifest)
    analysis_copy.leave_at_exit(settings.database)
    published = [{"path": file.path, "rows": file.rows, "bytes": file.size} for file in manifest.files]
    return pa.Table.from_pylist(published, schema=SCHEMA)


def written(session: Any, settings: Settings, exports: dict[str, Any], new_decisions: Any) -> Tables:
    """The exports as parquet, df_manager as a pickle too where readers need one."""
    files, rows = {}, {}
    with tempfile.TemporaryDirectory() as folder:

        def parquet(name: str, relation: Any) -> tuple[bytes, int]:
            file = Path(folder, name)
            relation.write_parquet(str(file), compression="zstd")
            [(count,)] = session.execute("select count(*) from read_parquet(?)", [str(file)]).fetchall()
            return file.read_bytes(), count

        for table, relation in exports.items():
            path = settings.published(table)
            files[path], rows[path] = parquet(table, relation)
        new = parquet("new_decisions", new_decisions)
    if settings.legacy_pickle:
        path = settings.published(LEADER, "pkl")
        files[path] = to_pickle(exports[LEADER].arrow().read_all())
        rows[path] = rows[settings.published(LEADER)]
    return Tables(files, rows, new)


def summary(counts: list[tuple[str, str, int]]) -> dict[str, Any]:
    """Counts of the run by group and name, and the newest session's date."""
    groups: dict[str, Any] = {"counts": {}}
    for group, name, value in counts:
        if group == "newest_session_date":
            groups[group] = name
        else:
            groups["counts"].setdefault(group, {})[name] = value
    return groups
