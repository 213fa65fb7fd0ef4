"""df_manager as the pickle that rigs read which have not moved to parquet."""

import pickle

import pandas as pd
import pyarrow as pa

from auto_train.decisions.columns import columns_for_readers


def to_pickle(df_manager: pa.Table) -> bytes:
    """A pickle that pandas 2 opens: texts and the column index are plain objects, the protocol is 4."""
    names = list(columns_for_readers())
    columns = {}
    for name in names:
        column = df_manager[name].to_pandas()
        columns[name] = column.astype(object) if pa.types.is_string(df_manager.schema.field(name).type) else column
    frame = pd.DataFrame(columns)
    # pandas 3 makes of missing texts NaN, the existing readers know None
    for name in names:
        if frame[name].dtype == object:
            frame[name] = frame[name].where(frame[name].notna(), None)
    frame.columns = pd.Index(names, dtype=object)
    return pickle.dumps(frame, protocol=4)
