"""df_manager as the pickle that rigs read which have not moved to parquet."""

import pickle

import pandas as pd
import pyarrow as pa

COLUMNS = (
    "subject_id", "session_date", "session", "task", "curriculum_name", "curriculum_version",
    "curriculum_schema_version", "curriculum_json_name", "session_at_current_stage", "foraging_efficiency",
    "finished_trials", "current_stage_suggested", "current_stage_actual", "decision", "next_stage_suggested",
    "if_closed_loop", "if_overriden_by_trainer",
)  # fmt: skip


def to_pickle(df_manager: pa.Table) -> bytes:
    """A pickle that pandas 2 opens: texts and the column index are plain objects, the protocol is 4."""
    columns = {}
    for name in COLUMNS:
        column = df_manager[name].to_pandas()
        columns[name] = column.astype(object) if pa.types.is_string(df_manager.schema.field(name).type) else column
    frame = pd.DataFrame(columns)
    # pandas 3 makes of missing texts NaN, the existing readers know None
    frame = frame.assign(**{name: c.where(c.notna(), None) for name, c in frame.items() if c.dtype == object})
    frame.columns = pd.Index(COLUMNS, dtype=object)
    return pickle.dumps(frame, protocol=4)
