"""What publications told the rigs: of each, the mice whose newest decision differs from that of the publication before."""

import io
from contextlib import suppress
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from auto_train.publishing.log import NOTHING, Rows

# a rig takes the row with the largest session of its mouse
NEWEST = "subject_id, max(session) as session, max_by(next_stage_suggested, session) as stage"
CHANGES = """
    select
        $run_id as run_id, subject_id, newest.session, newest.stage, newest_before.stage as stage_before
    from newest full join newest_before using (subject_id)
    where newest.session is distinct from newest_before.session or newest.stage is distinct from newest_before.stage
    order by subject_id
"""


def changes(run_id: str, before: Any, after: Any) -> Rows:
    """Mice that are told another stage, or the same because of another session.

    Args:
        run_id: the run that publishes.
        before, after: what df_manager was and is, as DuckDB's relations.

    Returns:
        As parquet: run_id; subject_id; session and stage, missing where the mouse is no longer told anything;
        stage_before, missing where it was told nothing.
    """
    newest_before, newest = (of.aggregate(NEWEST, "subject_id").arrow().read_all() for of in (before, after))
    with duckdb.connect() as connection:
        connection.register("newest_before", newest_before)
        connection.register("newest", newest)
        table = connection.execute(CHANGES, {"run_id": run_id}).arrow().read_all()
    if not table.num_rows:
        return NOTHING
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd")
    return out.getvalue(), table.num_rows


def changes_between(run_id: str, before: bytes | None, after: bytes) -> Rows:
    """The same of two files of df_manager; None where there was none."""
    with duckdb.connect() as connection:
        return changes(run_id, *(connection.from_arrow(_rows(content)) for content in (before, after)))


def _rows(df_manager: bytes | None) -> pa.Table:
    columns = {"subject_id": pa.string(), "session": pa.int64(), "next_stage_suggested": pa.string()}
    # what cannot be read told nothing
    with suppress(pa.ArrowException):
        if df_manager is not None:
            return pq.read_table(io.BytesIO(df_manager), columns=list(columns))
    return pa.table({name: pa.array([], of) for name, of in columns.items()})
