"""A df_behavior that is not parquet becomes parquet: pickles of the existing pipeline and CSV files, each only once."""

import hashlib
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import duckdb

from auto_train.lake import ROOT, LakeError, Settings, open_lake, printable, shown

KINDS = {".pkl": "pickle", ".pickle": "pickle", ".csv": "csv"}
# changes whenever the same file becomes other parquet
VERSION = 2
# pandas and Arrow alone take most of the first; a table of texts takes about ten times its pickle
MEMORY, MEMORY_OF_A_BYTE = 3 << 30, 16
SECONDS = 600
KEPT_SECONDS = 7 * 24 * 3600.0


def kind_of(location: str) -> str | None:
    """What the files are by the ending of what people named, never by what a wildcard finds; None for parquet."""
    path = urlsplit(location).path if location.startswith(("http://", "https://")) else location
    return KINDS.get(Path(path).suffix.lower())


def as_parquet(conn: duckdb.DuckDBPyConnection, settings: Settings) -> str | list[str]:
    """Where models read df_behavior: where it is, or the parquet files that were made of its files.

    Raises:
        LakeError: a file cannot be read, or is refused.
    """
    location = settings.df_behavior
    kind = kind_of(location)
    if kind is None:
        return location
    try:
        found = conn.execute("select filename, size, last_modified from read_blob(?) order by all", [location])
        files = found.fetchall()
    except duckdb.Error as error:
        raise LakeError(f"df_behavior at {shown(location)} cannot be read: {_without_query(error, location)}") from None
    if not files:
        raise LakeError(f"df_behavior at {shown(location)}: there is no such file")
    place = Path(settings.database).parent / "inputs"
    made = [_made_of(conn, settings, place, kind, *file) for file in files]
    _remove_unused(place)
    return [str(path) for path in made]


def _made_of(
    conn: duckdb.DuckDBPyConnection, settings: Settings, place: Path, kind: str, file: str, size: int, modified: object
) -> Path:
    """The parquet file of a file: its name says which content of which file it holds, so nothing ever replaces it."""
    folder, _, name = file.rpartition("/")
    tag = open_lake(folder, settings).tag(name) if file.startswith("s3://") else _local_tag(file)
    known = f"{VERSION} {kind} {file} {size} {modified} {tag}"
    # folders called key=value stand for columns
    keys = [key for key in folder.split("/") if "=" in key]
    made = place.joinpath(*keys, f"{hashlib.sha256(known.encode()).hexdigest()[:32]}.parquet")
    if made.exists():
        os.utime(made)
        return made
    made.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=place) as workplace:
        source, out = Path(file), Path(workplace, "made.parquet")
        if "://" in file:
            source = Path(workplace, "source")
            [(content,)] = conn.execute("select content from read_blob(?)", [file]).fetchall()
            source.write_bytes(content)
        _convert(source, kind, out, file)
        os.replace(out, made)
    return made


def _convert(source: Path, kind: str, out: Path, file: str) -> None:
    """In a process of its own, which has no credentials and may not take all the memory there is.

    Raises:
        LakeError: the file is refused, damaged, or needs too much.
    """
    limit = MEMORY + MEMORY_OF_A_BYTE * source.stat().st_size
    command = [sys.executable, "-m", "auto_train.nights.convert", kind, str(source), str(out), str(limit)]
    # Arrow's own allocator, and each thread's, take addresses long before they need them
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "AUTO_TRAIN_"))}
    environment |= {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "1"}
    environment |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    where = f"df_behavior at {shown(file)}"
    try:
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise LakeError(f"{where} takes longer than {SECONDS // 60} minutes to read: refused") from None
    if done.returncode == 0 and out.exists():
        return
    said = done.stderr.decode(errors="replace").strip().splitlines()
    problem = printable(said[-1].replace(str(source), "it")) if said else ""
    if "MemoryError" in problem or "malloc" in problem or "bad_alloc" in problem:
        raise LakeError(f"{where} needs more than {limit / (1 << 30):.1f} GB of memory to read: refused")
    if done.returncode != 1 or not problem:
        raise LakeError(f"{where} crashes what reads it ({done.returncode}): it is damaged, or made to do so. Refused")
    raise LakeError(f"{where}: {problem}")


def _local_tag(file: str) -> str:
    """What changes when a file does, even where its time is set back."""
    with suppress(OSError):
        status = os.stat(file)
        return f"{status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}"
    return ""


def _remove_unused(place: Path) -> None:
    """Other runs may be reading what is young."""
    for path in place.rglob("*.parquet"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > KEPT_SECONDS:
                path.unlink()


def _without_query(error: Exception, location: str) -> str:
    """What DuckDB says, without the query of a URL, which may be a secret."""
    _, mark, query = location.partition("?") if "://" in location else ("", "", "")
    return " ".join(str(error).replace(mark + query, "").split()) if query else " ".join(str(error).split())
