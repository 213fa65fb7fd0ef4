"""A lake that is a folder."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import duckdb
from filelock import FileLock

from auto_train.lake.clock import now
from auto_train.lake.errors import LakeError, MissingFileError
from auto_train.lake.settings import Settings
from auto_train.lake.storage import Lake


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

    def exists(self, path: str) -> bool:
        return Path(self.location, path).exists()

    def tag(self, path: str) -> str | None:
        file = Path(self.location, path)
        try:
            return _md5(file)
        except FileNotFoundError:
            return None

    def read(self, path: str) -> bytes:
        try:
            return Path(self.location, path).read_bytes()
        except FileNotFoundError:
            raise MissingFileError(f"there is no file {self.location}/{path}") from None

    def paths(self, folder: str) -> list[str]:
        root = Path(self.location)
        # unlike rglob, walk does not fail when another run removes a folder meanwhile
        files = (Path(parent, name) for parent, _, names in os.walk(root / folder) for name in names)
        return sorted(path.relative_to(root).as_posix() for path in files if not path.name.startswith("."))

    def publish(self, content: BinaryIO, path: str) -> None:
        with self._beside(content, path) as (beside, target):
            os.replace(beside, target)

    def replace(self, content: BinaryIO, path: str, expected: str | None) -> str | None:
        with self._beside(content, path) as (beside, target), self._one_at_a_time(target.parent):
            if self.tag(path) != expected:
                return None
            tag = _md5(beside)
            os.replace(beside, target)
        return tag

    def copy(self, path: str, to: Lake, to_path: str) -> None:
        with Path(self.location, path).open("rb") as content:
            to.publish(content, to_path)

    def remove(self, path: str) -> None:
        file = Path(self.location, path)
        file.unlink(missing_ok=True)
        with suppress(OSError):  # a folder goes with its last file
            file.parent.rmdir()

    @contextmanager
    def _one_at_a_time(self, folder: Path) -> Iterator[None]:
        """No other run may rename between comparing and renaming; the lock ends with its process."""
        with FileLock(folder / ".lock"):
            yield

    @contextmanager
    def _beside(self, content: BinaryIO, path: str) -> Iterator[tuple[Path, Path]]:
        """The content in a hidden file beside its place, safely on disk; what is left of it is removed."""
        target = Path(self.location, path)
        beside = None
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
            beside = Path(name)
            with os.fdopen(handle, "wb") as out:
                shutil.copyfileobj(content, out, 1 << 20)
                out.flush()
                os.fsync(out.fileno())
            beside.chmod(0o644)
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
        for parent, _, names in os.walk(Path(self.location, folder)):
            for file in (Path(parent, name) for name in names if name.startswith(".") and name != ".lock"):
                with suppress(OSError):
                    if datetime.fromtimestamp(file.stat().st_mtime, UTC) < limit:
                        file.unlink()


def _md5(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _sync_folder(folder: Path) -> None:
    """A rename is on disk only with its folder; Windows neither needs nor allows this."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
