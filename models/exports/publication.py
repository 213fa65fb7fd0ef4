"""Publish the exports: the last model of a run, so a failed test before it leaves the lake as it was."""

import tempfile
from pathlib import Path

import pyarrow as pa

from scripts.curriculum_store import publish_named_curricula
from scripts.lake import Settings, open_lake

SCHEMA = pa.schema([("path", pa.string()), ("rows", pa.int64()), ("bytes", pa.int64())])


def model(dbt, session):  # noqa: ANN001, ANN201 - dbt gives the types
    """Write each export to a local file, then publish it."""
    dbt.config(materialized="table")
    exports = {
        "df_manager": dbt.ref("export_df_manager"),
        "df_manager_stats": dbt.ref("export_df_manager_stats"),
    }
    settings = Settings.from_environment()
    lake = open_lake(settings.lake, settings)
    named = exports["df_manager"].project("curriculum_name, curriculum_version, curriculum_schema_version").distinct()
    publish_named_curricula(lake, set(named.fetchall()))
    published = []
    with tempfile.TemporaryDirectory() as folder:
        for table, relation in exports.items():
            file = Path(folder, table)
            relation.write_parquet(str(file), compression="zstd")
            rows = session.execute("select count(*) from read_parquet(?)", [str(file)]).fetchone()[0]
            published.append({"path": settings.published(table), "rows": rows, "bytes": file.stat().st_size})
            with file.open("rb") as content:
                lake.publish(content, settings.published(table))
    return pa.Table.from_pylist(published, schema=SCHEMA)
