"""Bring the state of the existing system into a lake: its pickles of df_manager and df_sessions, as parquet.

A pickle can run any program while it is read. This reader makes nothing but tables, texts, numbers and times, and
refuses all else; still, migrate only what you trust.
"""

import io
import pickle
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pandas.compat import pickle_compat

from auto_train.decisions.columns import columns_for_readers
from auto_train.lake import LakeError, Settings, open_lake
from auto_train.publishing.manifest import LEADER, Manifest, Run, new_run_id
from auto_train.publishing.publication import Tables, publish
from curricula.schema import StageName

# what a pickled table of texts, numbers and times is made of, as pandas 1 to 3 and numpy 1 and 2 name it
PLAIN = {
    "builtins": {"slice"},
    "copyreg": {"_reconstructor"},
    "_codecs": {"encode"},
    "datetime": {"date", "datetime", "time", "timedelta", "timezone"},
    "decimal": {"Decimal"},
    "dateutil.tz.tz": {"tzoffset", "tzutc", "tzlocal"},
    "dateutil.tz": {"tzoffset", "tzutc", "tzlocal"},
    "pytz": {"_UTC", "_p"},
    "zoneinfo": {"ZoneInfo"},
    "numpy": {"dtype", "ndarray"},
    "numpy.core.multiarray": {"_reconstruct", "scalar"},
    "numpy._core.multiarray": {"_reconstruct", "scalar"},
    "numpy.core.numeric": {"_frombuffer"},
    "numpy._core.numeric": {"_frombuffer"},
    "pandas": {"DataFrame", "Series", "Index", "MultiIndex", "RangeIndex", "DatetimeIndex", "StringDtype"},
    "pandas.core.frame": {"DataFrame"},
    "pandas.core.series": {"Series"},
    "pandas.core.internals.managers": {"BlockManager", "SingleBlockManager"},
    "pandas.core.internals.blocks": {"new_block"},
    "pandas._libs.internals": {"_unpickle_block"},
    "pandas._libs.arrays": {"__pyx_unpickle_NDArrayBacked"},
    "pandas._libs.missing": {"NA"},
    "pandas._libs.tslibs.nattype": {"__nat_unpickle", "_nat_unpickle"},
    "pandas._libs.tslibs.timestamps": {"Timestamp", "_unpickle_timestamp"},
    "pandas._libs.tslibs.timedeltas": {"Timedelta", "_timedelta_unpickle"},
    "pandas.core.arrays.boolean": {"BooleanArray", "BooleanDtype"},
    "pandas.core.arrays.integer": {"IntegerArray", "Int64Dtype"},
    "pandas.core.arrays.floating": {"FloatingArray", "Float64Dtype"},
    "pandas.core.arrays.datetimes": {"DatetimeArray"},
    "pandas.core.arrays.string_": {"StringArray", "StringDtype"},
    "pandas.core.arrays.categorical": {"Categorical"},
    "pandas.core.dtypes.dtypes": {"CategoricalDtype", "DatetimeTZDtype"},
    "pandas.core.indexes.base": {"Index", "_new_Index"},
    "pandas.core.indexes.category": {"CategoricalIndex"},
    "pandas.core.indexes.datetimes": {"DatetimeIndex", "_new_DatetimeIndex"},
    "pandas.core.indexes.multi": {"MultiIndex"},
    "pandas.core.indexes.numeric": {"Int64Index", "Float64Index"},
    "pandas.core.indexes.range": {"RangeIndex"},
}
NEEDED = ("subject_id", "session", "current_stage_actual", "next_stage_suggested", "curriculum_name")


class MigrationError(LakeError):
    """The pickle is refused, or is not the table it should be."""


class _PlainUnpickler(pickle_compat.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if name not in PLAIN.get(module, ()):
            raise MigrationError(
                f"the pickle asks for {module}.{name}, which no table of texts, numbers and times is made of: refused. "
                "Nothing of it was run"
            )
        return super().find_class(module, name)


def read_pickle(path: Path) -> pd.DataFrame:
    """A table out of a pickle, made of plain types only.

    Raises:
        MigrationError: the pickle holds anything else, or is damaged.
    """
    try:
        table = _PlainUnpickler(io.BytesIO(path.read_bytes())).load()
    except MigrationError:
        raise
    except (pickle.UnpicklingError, EOFError, AttributeError, ValueError, IndexError, KeyError, TypeError) as error:
        raise MigrationError(f"{path} cannot be read as a pickled table: {error}") from None
    if not isinstance(table, pd.DataFrame):
        raise MigrationError(f"{path} holds a {type(table).__name__}, not a table")
    return table


def flat(df_sessions: pd.DataFrame) -> pd.DataFrame:
    """df_sessions with its index as columns, and of each two-level column its second level."""
    table = df_sessions.copy()
    if table.columns.nlevels > 1:
        table.columns = [parts[-1] for parts in table.columns]
    levels = [name for name in table.index.names if name is not None and name not in table.columns]
    table = table.reset_index(level=levels) if levels else table
    table = table.reset_index(drop=True)
    return table.loc[:, ~table.columns.duplicated()]


def as_parquet(table: pd.DataFrame) -> bytes:
    """The table as parquet; columns of mixed kinds become text, and what is missing stays missing."""
    columns = {str(name): _texts(column) if _is_mixed(column) else column for name, column in table.items()}
    out = io.BytesIO()
    pd.DataFrame(columns).to_parquet(out, index=False)
    return out.getvalue()


def _is_mixed(column: pd.Series) -> bool:
    return column.dtype == object or isinstance(column.dtype, pd.StringDtype)


def _texts(column: pd.Series) -> pd.Series:
    return column.astype(object).where(column.notna(), None).map(lambda of: None if of is None else str(of))


def clean(df_manager: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The decisions of the existing system as df_manager has them, and each row that was left out with its reason."""
    table = flat(df_manager)
    missing = [name for name in NEEDED if name not in table]
    if missing:
        raise MigrationError(f"this is not a df_manager: it has no {', '.join(missing)}")
    table = table[[name for name in columns_for_readers() if name in table]]
    number = pd.to_numeric(table["session"], errors="coerce")
    subject = table["subject_id"].map(str)
    reasons = pd.Series(None, index=table.index, dtype=object)
    for wrong, reason in (
        (~subject.str.fullmatch("[0-9]+"), "readers take no such subject id"),
        (number.isna() | (number < 0) | (number % 1 != 0), "the session number is not a whole number from 0 up"),
        (~table["current_stage_actual"].isin(list(StageName)), "current_stage_actual is not a stage"),
        (~table["next_stage_suggested"].isin(list(StageName)), "next_stage_suggested is not a stage"),
    ):
        reasons = reasons.where(reasons.notna() | ~wrong, reason)
    again = pd.DataFrame({"subject": subject, "number": number})[reasons.isna()].duplicated(keep="last")
    reasons[again[again].index] = "a later row has the same session"
    left_out = [
        f"subject {row.subject_id!r}, session {row.session}: {reason}"
        for row, reason in zip(table.itertuples(), reasons, strict=True)
        if reason is not None and not pd.isna(reason)
    ]
    return table.assign(subject_id=subject, session=number)[reasons.isna()], left_out


def df_manager_parquet(table: pd.DataFrame, run_id: str, started_at: datetime) -> bytes:
    """The decisions with the types of a published df_manager."""
    columns = {}
    for name, kind in columns_for_readers().items():
        column = table[name] if name in table else pd.Series(None, index=table.index, dtype=object)
        if kind == "bigint":
            columns[name] = pa.array(pd.to_numeric(column, errors="coerce").astype("Int64"))
        elif kind == "double":
            columns[name] = pa.array(pd.to_numeric(column, errors="coerce").astype("float64"), from_pandas=True)
        elif kind == "boolean":
            columns[name] = pa.array(column.map(str).isin(["True", "1", "1.0"]))
        else:
            texts = _texts(column).str[:10] if name == "session_date" else _texts(column)
            columns[name] = pa.array(texts, pa.string(), from_pandas=True)
    columns["run_id"] = pa.array([run_id] * len(table), pa.string())
    columns["first_published_at"] = pa.array([started_at.replace(tzinfo=None)] * len(table), pa.timestamp("us"))
    out = io.BytesIO()
    pq.write_table(pa.table(columns).sort_by([("subject_id", "ascending"), ("session", "ascending")]), out)
    return out.getvalue()


def migrate(settings: Settings, df_manager: Path, df_sessions: Path | None, now: datetime) -> list[str]:
    """Put the existing system's state into a lake that has none yet; returns what was left out, each with its reason.

    Raises:
        MigrationError: a pickle is refused, or the lake has a df_manager (or df_behavior) already.
    """
    lake = open_lake(settings.lake, settings)
    lake.check_reachable()
    table, left_out = clean(read_pickle(df_manager))
    behavior = as_parquet(flat(read_pickle(df_sessions))) if df_sessions else None
    if lake.exists(settings.published(LEADER)):
        raise MigrationError(f"{settings.lake} has a df_manager of {settings.manager} already; nothing was changed")
    if behavior is not None:
        if settings.df_behavior != f"{settings.lake}/df_behavior.parquet":
            raise MigrationError("df_sessions goes to df_behavior.parquet of the lake: unset AUTO_TRAIN_DF_BEHAVIOR")
        if not lake.replace(io.BytesIO(behavior), "df_behavior.parquet", expected=None):
            raise MigrationError(f"{settings.df_behavior} is there already; nothing was changed")
    run_id, path = new_run_id(now, "migration"), settings.published(LEADER)
    started_at = now.replace(microsecond=0)
    decisions = df_manager_parquet(table, run_id, started_at)
    manifest = Manifest(
        manager=settings.manager,
        run=Run(id=run_id, started_at=started_at, kind="migration"),
        code_version="migration",
        inputs=[{"path": str(df_manager), "bytes": df_manager.stat().st_size}],
        counts={"set_aside": {"left_out": len(left_out)}},
        files=[],
    )
    publish(settings, None, Tables({path: decisions}, {path: len(table)}, decisions, len(table)), manifest)
    return left_out
