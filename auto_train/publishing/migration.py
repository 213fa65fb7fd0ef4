"""Bring the state of the existing system into a lake: its pickles of df_manager and df_sessions, as parquet.

A pickle can run any program while it is read. This reader makes nothing but tables, texts, numbers and times, and
refuses all else; still, migrate only what you trust.
"""

import inspect
import io
import math
import pickle
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pandas.compat import pickle_compat

from auto_train.decisions.columns import columns_for_readers
from auto_train.lake import ROOT, LakeError, Settings, open_lake, printable
from auto_train.publishing.manifest import LEADER, Manifest, Run, new_run_id
from auto_train.publishing.publication import Tables, publish
from curricula.tasks import StageName

# what a pickled table of texts, numbers and times is made of, as pandas 1 to 3 and numpy 1 and 2 name it
PLAIN = {
    "builtins": {"bytearray", "getattr", "slice"},
    "__builtin__": {"bytearray", "getattr", "slice"},
    "copyreg": {"_reconstructor"},
    "copy_reg": {"_reconstructor"},
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
    "pandas": {
        "BooleanDtype",
        "Categorical",
        "CategoricalDtype",
        "CategoricalIndex",
        "DataFrame",
        "DatetimeIndex",
        "DatetimeTZDtype",
        "Float64Dtype",
        "Index",
        "Int64Dtype",
        "MultiIndex",
        "NA",
        "RangeIndex",
        "Series",
        "StringDtype",
    },
    "pandas.arrays": {
        "ArrowStringArray",
        "BooleanArray",
        "Categorical",
        "DatetimeArray",
        "FloatingArray",
        "IntegerArray",
        "StringArray",
    },
    "pyarrow.lib": {"_restore_array", "chunked_array", "py_buffer", "type_for_alias"},
    "pandas.core.arrays.string_arrow": {"ArrowStringArray"},
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


class _ArrayType:
    """Stands for numpy's class of arrays, which would make one of any memory; `_reconstruct` makes them."""

    def __new__(cls, *_: object) -> "_ArrayType":
        raise MigrationError("the pickle asks for an array of raw memory: refused")


def _dtype(code: str, *_: object) -> np.dtype[Any]:
    if not re.fullmatch(r"[<>|=]?([biufcSU?]\d{0,4}|O8?|[mM]8?(\[\w+\])?)", code, re.ASCII):
        raise MigrationError(f"the pickle asks for an array of {code!r}: refused")
    return np.dtype(code, False, True)  # a copy: what follows changes it


def _of_bytes(dtype: object, data: object) -> None:
    """Arrays of objects are made of lists; made of bytes they would be pointers that the pickle chose."""
    if not isinstance(dtype, np.dtype) or dtype.hasobject or dtype.fields is not None or dtype.subdtype is not None:
        raise MigrationError("the pickle makes objects out of bytes: refused")
    if not isinstance(data, bytes | bytearray | str):
        raise MigrationError("the pickle makes an array out of what is not bytes: refused")


def _array_of_buffer(data: bytes, dtype: Any, shape: Any, order: Any, *axes: Any) -> Any:
    _of_bytes(dtype, data)
    array = np.frombuffer(data, dtype).reshape(shape, order="C" if order == "K" else order)
    return array.transpose(*axes) if axes and axes[0] is not None else array


def _scalar(dtype: Any, data: bytes) -> Any:
    _of_bytes(dtype, data)
    return np.frombuffer(data.encode("latin1") if isinstance(data, str) else data, dtype, 1)[0]


def _arrow_type(name: str) -> pa.DataType:
    if name not in ("string", "large_string"):
        raise MigrationError(f"the pickle asks for an Arrow array of {name!r}: refused")
    return pa.type_for_alias(name)


def _arrow_array(data: tuple[Any, ...]) -> pa.Array:
    kind, length, _, offset, buffers, *rest = data
    if kind not in (pa.string(), pa.large_string()) or len(buffers) != 3 or any(rest):
        raise MigrationError("the pickle asks for an Arrow array that is not of texts: refused")
    array = pa.Array.from_buffers(kind, length, buffers, -1, offset)
    array.validate(full=True)
    return array


def _encode(text: str, encoding: str) -> bytes:
    if encoding not in ("latin1", "latin-1"):
        raise MigrationError(f"the pickle asks for the encoding {encoding!r}: refused")
    return text.encode("latin1")


def _reconstructor(cls: type, base: type, _: object) -> Any:
    if base is not object:
        raise MigrationError(f"the pickle makes {cls.__name__} out of {base.__name__}: refused")
    return object.__new__(cls)


def _of_zone(cls: object, name: str) -> Any:
    """How Python pickles a time zone."""
    if cls is not ZoneInfo or name != "_unpickle":
        raise MigrationError(f"the pickle asks for getattr(…, {name!r}): refused")
    return lambda key, *_: ZoneInfo(key)


def _bytes_only(of: bytes | str = b"", *encoding: str) -> bytearray:
    return bytearray(_encode(of, *encoding) if isinstance(of, str) else memoryview(of))


# what takes the place of functions that would believe any size, kind or pointer that a pickle names
CHECKED: dict[str, Any] = {
    "ndarray": _ArrayType,
    "dtype": _dtype,
    "_reconstruct": lambda *_: np.empty(0, "b"),
    "_frombuffer": _array_of_buffer,
    "scalar": _scalar,
    "_restore_array": _arrow_array,
    "type_for_alias": _arrow_type,
    "encode": _encode,
    "_reconstructor": _reconstructor,
    "bytearray": _bytes_only,
    "getattr": _of_zone,
}


class _PlainUnpickler(pickle_compat.Unpickler):
    dispatch = pickle_compat.Unpickler.dispatch.copy()

    def find_class(self, module: str, name: str) -> Any:
        if name not in PLAIN.get(module, ()):
            raise MigrationError(
                f"the pickle asks for {printable(f'{module}.{name}')}, which no table of texts, numbers and times is "
                "made of: refused. Nothing of it was run"
            )
        return CHECKED.get(name) or super().find_class(module, name)

    def load_build(self) -> None:
        state, made = self.stack[-1], self.stack[-2]
        if isinstance(made, np.dtype):
            self.stack[-1] = _state_of_dtype(made, state)
        elif isinstance(made, np.ndarray):
            self.stack[-1] = _state_of_array(state)
        elif isinstance(made, type) or inspect.isroutine(made):
            raise MigrationError("the pickle changes what it is read with: refused")
        super().load_build()

    dispatch[pickle.BUILD[0]] = load_build


def _state_of_array(state: tuple[Any, ...]) -> tuple[Any, ...]:
    """The state, if as much is there as its shape needs; numpy believes what it is told."""
    _, shape, dtype, is_fortran, data = state
    if not isinstance(shape, tuple) or not all(type(of) is int and of >= 0 for of in shape) or len(shape) > 2:
        raise MigrationError("the pickle asks for an array of a shape that no table has: refused")
    if isinstance(dtype, np.dtype) and dtype.kind == "O" and isinstance(data, list):
        needed, data = math.prod(shape), list(data)
    else:
        _of_bytes(dtype, data)
        data = data.encode("latin1") if isinstance(data, str) else bytes(data)
        needed = math.prod(shape) * dtype.itemsize
    if needed != len(data):
        raise MigrationError("the pickle asks for an array of another size than it holds: refused")
    return (1, shape, dtype, bool(is_fortran), data)


def _state_of_dtype(made: np.dtype[Any], state: tuple[Any, ...]) -> tuple[Any, ...]:
    """The state with the flags of the kind itself: those of the pickle may say that pointers are numbers."""
    _, order, subarray, names, fields, size, *_ = state
    is_text = made.kind in "SU" and type(size) is int and 0 < size < 2**16 and size % made.alignment == 0
    is_whole = all(of is None for of in (subarray, names, fields)) and ((type(size) is int and size == -1) or is_text)
    if not is_whole or order not in ("<", ">", "|", "="):
        raise MigrationError("the pickle asks for an array of other things than texts, numbers and times: refused")
    of_text = (size, made.alignment) if is_text else (-1, -1)
    if made.kind not in "mM":
        return (3, order, None, None, None, *of_text, made.flags)
    # a time that is not of one of these units is nothing that pandas writes
    _, (unit, number, *_) = state[8] if len(state) > 8 else (None, np.datetime_data(made))
    unit = unit if isinstance(unit, str) else bytes(unit).decode()
    if unit not in ("D", "s", "ms", "us", "ns", "generic") or number != 1:
        raise MigrationError(f"the pickle asks for times in {number} {unit}: refused")
    return (4, order, None, None, None, -1, -1, made.flags, ({}, (unit.encode(), 1, 1, 1)))


@contextmanager
def _explaining(path: Path) -> Iterator[None]:
    """Whatever a damaged or hostile pickle leads to is said in one line."""
    try:
        yield
    except MigrationError:
        raise
    except EOFError:
        raise MigrationError(f"{path} cannot be read as a pickled table: it ends too early. Was it cut off?") from None
    except Exception as error:
        problem = printable(" ".join(str(error).split())[:300])
        if path.is_file() and not path.read_bytes().startswith(pickle.PROTO):
            problem += ". It does not begin like a pickle: is it compressed, or something else?"
        raise MigrationError(f"{path} cannot be read as a pickled table: {type(error).__name__} {problem}") from None


def read_pickle(path: Path) -> pd.DataFrame:
    """A table out of a pickle, made of plain types only.

    Raises:
        MigrationError: the pickle holds anything else, or is damaged.
    """
    with _explaining(path):
        table = _PlainUnpickler(io.BytesIO(path.read_bytes())).load()
    if not isinstance(table, pd.DataFrame):
        raise MigrationError(f"{path} holds a {type(table).__name__}, not a table")
    return table


def rehearse(path: Path) -> None:
    """Read a pickle and make parquet of it in another process first: what crashes pandas crashes only that one.

    Raises:
        MigrationError: it crashed.
    """
    command = [sys.executable, "-m", "auto_train.publishing.migration", str(path.resolve())]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        raise MigrationError(f"{path} crashes pandas ({done.returncode}): it is damaged, or made to do so. Refused")


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
        f"subject {row.subject_id!r}, session {printable(row.session)}: {reason}"
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
    for pickled in (df_manager, df_sessions):
        if pickled:
            rehearse(pickled)
    with _explaining(df_manager):
        table, left_out = clean(read_pickle(df_manager))
        decisions = df_manager_parquet(table, run_id := new_run_id(now, "migration"), now.replace(microsecond=0))
    behavior = None
    if df_sessions:
        with _explaining(df_sessions):
            behavior = as_parquet(flat(read_pickle(df_sessions)))
    if lake.exists(settings.published(LEADER)):
        raise MigrationError(f"{settings.lake} has a df_manager of {settings.manager} already; nothing was changed")
    if behavior is not None:
        if settings.df_behavior != f"{settings.lake}/df_behavior.parquet":
            raise MigrationError("df_sessions goes to df_behavior.parquet of the lake: unset AUTO_TRAIN_DF_BEHAVIOR")
        if not lake.replace(io.BytesIO(behavior), "df_behavior.parquet", expected=None):
            raise MigrationError(f"{settings.df_behavior} is there already; nothing was changed")
    path, started_at = settings.published(LEADER), now.replace(microsecond=0)
    manifest = Manifest(
        manager=settings.manager,
        run=Run(id=run_id, started_at=started_at, kind="migration"),
        code_version="migration",
        inputs=[{"path": str(df_manager), "bytes": df_manager.stat().st_size}],
        counts={"set_aside": {"left_out": len(left_out)}},
        files=[],
    )
    publish(settings, None, Tables({path: decisions}, {path: len(table)}, (decisions, len(table))), manifest)
    return left_out


if __name__ == "__main__":
    with suppress(Exception):  # it comes again where it is said
        made = read_pickle(Path(sys.argv[1]))
        as_parquet(flat(made))
        df_manager_parquet(clean(made)[0], "rehearsal", datetime.now())
