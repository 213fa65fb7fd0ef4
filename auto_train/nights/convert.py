"""``python -m auto_train.nights.convert KIND SOURCE OUT BYTES``: one table as parquet, in at most that much memory."""

import csv
import io
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from auto_train.decisions.directives import DELIMITERS, decoded
from auto_train.publishing import migration
from curricula.errors import UserError

# what pandas, R and databases write where a value is missing
MISSING = ["", "NA", "N/A", "NaN", "nan", "NULL", "null", "None", "NaT", "<NA>"]


def of_pickle(source: Path) -> bytes:
    """A pickled table, with its index as columns."""
    return migration.as_parquet(migration.flat(migration.read_pickle(source)))


def of_csv(source: Path) -> bytes:
    """A table of texts: only so does 00042 stay what it is. Models read numbers and dates out of texts.

    Raises:
        UserError: it has no header, or one that names a column twice, or a row of another length than its header.
    """
    text = decoded(source.read_bytes())
    header = re.split(r"[\r\n]", text, maxsplit=1)[0]
    delimiter = max(DELIMITERS, key=header.count)
    names = next(csv.reader([header], delimiter=delimiter), [])
    if not any(name.strip() for name in names):
        raise UserError("it has no header: its first line must name the columns")
    if twice := sorted({name for name in names if name.strip() and names.count(name) > 1}):
        raise UserError(f"its header names {', '.join(twice)} twice: nobody knows which is meant")
    try:
        table = pyarrow.csv.read_csv(
            io.BytesIO(text.encode()),
            read_options=pyarrow.csv.ReadOptions(use_threads=False),
            parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(
                default_column_type=pa.string(), null_values=MISSING, strings_can_be_null=True
            ),
        )
    except pa.ArrowInvalid as error:
        raise UserError(f"it cannot be read as CSV: {' '.join(str(error).split())[:300]}") from None
    # pandas writes its index as a column without a name
    named = [place for place, name in enumerate(table.column_names) if name.strip()]
    out = io.BytesIO()
    pq.write_table(table.select(named), out)
    return out.getvalue()


READERS: dict[str, Callable[[Path], bytes]] = {"pickle": of_pickle, "csv": of_csv}


def main(kind: str, source: str, out: str, limit: str) -> None:
    """Convert; what is wrong with the file is one line."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (int(limit), int(limit)))
    problem = ""
    try:
        Path(out).write_bytes(READERS[kind](Path(source)))
    except UserError as error:
        problem = str(error)
    print(problem, file=sys.stderr, flush=True)
    # all is said and written: Arrow's threads sometimes abort a process that ends as Python does
    os._exit(1 if problem else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
