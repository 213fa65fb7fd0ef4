"""A lake that is a folder."""

import hashlib
import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from glob import escape, glob
from io import BufferedReader
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import duckdb
from filelock import FileLock, Timeout

from auto_train.lake.clock import now
from auto_train.lake.errors import LakeError, MissingFileError
from auto_train.lake.settings import Settings
from auto_train.lake.storage import Lake

LOCK_SECONDS = 60.0  # a lock is held for as long as it takes to rename


@dataclass(frozen=True)
class Folder:
    """A folder."""

    location: str

    @classmethod
    def at(cls, location: str, settings: Settings) -> "Folder":
        return cls(location)

    def check_reachable(self) -> None:
        if Path(self.location).exists() and not Path(self.location).is_dir():
            raise LakeError(f"AUTO_TRAIN_LAKE={self.location} is not a folder")

    def check_readable(self, path: str) -> None:
        file = Path(self.location, path)
        if not file.exists():
            raise LakeError(
                f"there is no df_behavior at {file}. Put it there, name another with AUTO_TRAIN_LAKE or "
                f"AUTO_TRAIN_DF_BEHAVIOR, or write simulated mice: make simulate"
            )
        if file.is_dir():
            # DuckDB would read all parquet files below it, what was published too
            raise LakeError(f"df_behavior at {file} is a folder. Name a file, or the files in it: {file}/*.parquet")

    def exists(self, path: str) -> bool:
        return self._place(path).exists()

    def tag(self, path: str) -> str | None:
        try:
            with self._open(path) as content:
                return _md5(content)
        except MissingFileError:
            return None

    def versions(self, pattern: str) -> dict[str, str]:
        found = {}
        for name in glob(f"{escape(self.location.rstrip('/'))}/{pattern}", recursive=True):
            with suppress(OSError):  # another process may remove it meanwhile
                of = os.stat(name)
                found[Path(name).relative_to(self.location).as_posix()] = f"{of.st_size}-{of.st_mtime_ns}"
        return found

    def read(self, path: str) -> bytes:
        with self._open(path) as content:
            return content.read()

    def paths(self, folder: str) -> list[str]:
        root = Path(self.location)
        # unlike rglob, walk does not fail when another run removes a folder meanwhile
        files = (Path(parent, name) for parent, _, names in os.walk(self._place(folder)) for name in names)
        return sorted(path.relative_to(root).as_posix() for path in files if not path.name.startswith("."))

    def publish(self, content: BinaryIO, path: str) -> None:
        with self._beside(content, path) as (beside, target):
            os.replace(beside, target)

    def replace(self, content: BinaryIO, path: str, expected: str | None) -> str | None:
        with self._beside(content, path) as (beside, target), self._one_at_a_time(target.parent):
            if self.tag(path) != expected:
                return None
            with beside.open("rb") as written:
                tag = _md5(written)
            os.replace(beside, target)
        return tag

    def copy(self, path: str, to: Lake, to_path: str) -> None:
        with self._open(path) as content:
            to.publish(content, to_path)

    def remove(self, path: str) -> None:
        file = self._place(path)
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise LakeError(f"cannot remove {file}: {error.strerror}") from None
        with suppress(OSError):  # a folder goes with its last file
            file.parent.rmdir()

    def _place(self, path: str) -> Path:
        """The file or folder at a path; whoever may write here must not make us read or write anywhere else."""
        root, parts = Path(self.location), PurePosixPath(path).parts
        if ".." in parts or PurePosixPath(path).is_absolute():
            raise LakeError(f"{path!r} is not below {self.location}")
        for number in range(1, len(parts) + 1):
            place = root.joinpath(*parts[:number])
            try:
                is_link = place.is_symlink()
            except OSError as error:
                raise LakeError(f"cannot look at {place}: {error.strerror}") from None
            if is_link:
                raise LakeError(
                    f"{place} is a symbolic link, and nothing is read or written through one: put what it leads to in "
                    "its place (AUTO_TRAIN_LAKE itself may lead through links)"
                )
        return root.joinpath(*parts)

    @contextmanager
    def _open(self, path: str) -> Iterator[BufferedReader]:
        file = self._place(path)
        try:
            # a pipe would wait for somebody who writes
            if file.exists() and not file.is_file():
                raise LakeError(f"{file} is not a file")
            with file.open("rb") as content:
                yield content
        except (FileNotFoundError, NotADirectoryError):
            raise MissingFileError(f"there is no file {self.location}/{path}") from None
        except OSError as error:
            raise LakeError(f"cannot read {file}: {error.strerror}") from None

    @contextmanager
    def _one_at_a_time(self, folder: Path) -> Iterator[None]:
        """No other run may rename between comparing and renaming; the lock ends with its process.

        Raises:
            LakeError: another run holds the lock for long; the message says which.
        """
        path = folder / ".lock"
        if path.is_symlink() or (path.exists() and not path.is_file()):
            raise LakeError(f"{path} is not a file that a run made: find out who put it there, and remove it")
        try:
            with FileLock(path, timeout=LOCK_SECONDS, mode=_mode_below(folder)):
                _say_who(path)
                yield
        except Timeout:
            raise LakeError(
                f"{path} has been held for {LOCK_SECONDS} seconds by {_who(path)}. Nothing was replaced. Look whether "
                "that process still runs, and run again"
            ) from None

    @contextmanager
    def _beside(self, content: BinaryIO, path: str) -> Iterator[tuple[Path, Path]]:
        """The content in a hidden file beside its place, safely on disk; what is left of it is removed."""
        target = self._place(path)
        beside = None
        try:
            _make_folder(target.parent)
            handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
            beside = Path(name)
            with os.fdopen(handle, "wb") as out:
                shutil.copyfileobj(content, out, 1 << 20)
                out.flush()
                os.fsync(out.fileno())
            beside.chmod(_mode_below(target.parent))
            yield beside, target
        except OSError as error:
            raise LakeError(f"cannot write {target}: {error.strerror}. What was there is untouched") from None
        finally:
            if beside:
                beside.unlink(missing_ok=True)
        _sync_folder(target.parent)

    def connect(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Nothing to do: DuckDB reads folders by itself."""

    def remove_leftovers(self, folder: str, older_than: timedelta) -> None:
        """Remove the hidden files that killed runs left below a folder."""
        limit = now() - older_than
        for parent, _, names in os.walk(self._place(folder)):
            for file in (Path(parent, name) for name in names if name.startswith(".") and name != ".lock"):
                with suppress(OSError):
                    if datetime.fromtimestamp(file.lstat().st_mtime, UTC) < limit:
                        file.unlink()


def _md5(content: BufferedReader) -> str:
    return hashlib.file_digest(content, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it; a group that shares the one above shares it too."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    with suppress(FileExistsError):
        folder.mkdir()
        shared = stat.S_IMODE(folder.parent.stat().st_mode) & (stat.S_ISGID | stat.S_IRWXG)
        folder.chmod(stat.S_IMODE(folder.stat().st_mode) | shared)


def _mode_below(folder: Path) -> int:
    """Mode of a file that may be read and written by those who may read and write its folder, but not by everybody."""
    return stat.S_IMODE(folder.stat().st_mode) & 0o664 | stat.S_IRUSR | stat.S_IWUSR


def _say_who(lock: Path) -> None:
    """Write into the lock who holds it; where that fails, the lock holds all the same."""
    since = datetime.now(UTC).isoformat(" ", "seconds")
    with suppress(OSError), lock.open("r+", encoding="utf-8") as file:
        file.truncate()
        file.write(f"process {os.getpid()} of {socket.gethostname()} since {since}")


def _who(lock: Path) -> str:
    with suppress(OSError), lock.open(encoding="utf-8", errors="replace") as file:
        return " ".join(file.read(200).split()) or "another process"
    return "another process"


def _sync_folder(folder: Path) -> None:
    """A rename is on disk only with its folder; Windows neither needs nor allows this."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
