"""Publish the exports: the last model of a run, so a failed test before it leaves the lake as it was."""

import tempfile
from pathlib import Path

import pyarrow as pa

from scripts import analysis_copy, curriculum_store
from scripts.lake import Settings, open_lake
from scripts.legacy_pickle import to_pickle
from scripts.publishing import publish, sha256

SCHEMA = pa.schema([("path", pa.string()), ("rows", pa.int64()), ("bytes", pa.int64())])


def model(dbt, session):  # noqa: ANN001, ANN201 - dbt gives the types
    """Write each export to a local file, then publish all with a record of the run."""
    dbt.config(materialized="table")
    exports = {
        "df_manager": dbt.ref("export_df_manager"),
        "df_manager_stats": dbt.ref("export_df_manager_stats"),
        "decision_log": dbt.ref("export_decision_log"),
    }
    run = dbt.ref("stg_lake__run")
    counts = dbt.ref("run_summary")
    inputs = dbt.ref("stg_lake__files")
    # a test holds up only what is behind all that it reads: this is for assert_reasons_explain_every_new_decision
    _ = dbt.ref("curriculum_comparisons")
    settings = Settings.from_environment()
    files, rows = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for table, relation in exports.items():
            file, path = Path(folder, table), settings.published(table)
            relation.write_parquet(str(file), compression="zstd")
            files[path] = file.read_bytes()
            rows[path] = session.execute("select count(*) from read_parquet(?)", [str(file)]).fetchone()[0]
    if settings.legacy_pickle:
        path = settings.published("df_manager", "pkl")
        files[path] = to_pickle(exports["df_manager"].arrow().read_all())
        rows[path] = rows[settings.published("df_manager")]

    lake = open_lake(settings.lake, settings)
    of_curricula = "curriculum_name, curriculum_version, curriculum_schema_version"
    named = dbt.ref("df_manager").project(of_curricula).distinct()
    curricula = curriculum_store.publish_named_curricula(lake, set(named.fetchall()))
    [of_run] = run.arrow().read_all().to_pylist()
    record = {
        "manager": settings.manager,
        "run": {
            "id": of_run["run_id"],
            "started_at": f"{of_run['started_at'].isoformat()}+00:00",
            "previous": of_run["previous_run"],
        },
        "code_version": of_run["code_version"],
        "inputs": [
            entry | {"modified_at": f"{entry['modified_at'].isoformat()}+00:00"}
            for entry in inputs.arrow().read_all().to_pylist()
        ],
        **summary(counts.fetchall()),
        "curricula": [
            {"path": path, "bytes": len(content), "sha256": sha256(content)} for path, content in curricula.items()
        ],
    }
    publish(settings, of_run["df_manager_tag"], files, rows, record)
    analysis_copy.leave_at_exit(settings.database)
    published = [{"path": path, "rows": rows[path], "bytes": len(content)} for path, content in files.items()]
    return pa.Table.from_pylist(published, schema=SCHEMA)


def summary(counts: list[tuple[str, str, int]]) -> dict:
    """Counts of the run by group and name, and the newest session's date."""
    groups: dict = {"counts": {}}
    for group, name, value in counts:
        if group == "newest_session_date":
            groups[group] = name
        else:
            groups["counts"].setdefault(group, {})[name] = value
    return groups
