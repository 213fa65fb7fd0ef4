"""What a lake is, whatever it is stored on. Adding a scheme: a module with such a class, and its line in `SCHEMES`."""

from datetime import timedelta
from typing import BinaryIO, Protocol

import duckdb


class Lake(Protocol):
    """Where files are published. Paths are below the lake's location, with forward slashes."""

    @property
    def location(self) -> str:
        """The folder, or the bucket and prefix."""

    def check_reachable(self) -> None:
        """Raise a `LakeError` when nothing could be published here."""

    def check_readable(self, path: str) -> None:
        """Raise a `LakeError` that says what to do when the file is missing or must not be read."""

    def exists(self, path: str) -> bool:
        """Whether there is such a file; raises a `LakeError` where that cannot be known."""

    def tag(self, path: str) -> str | None:
        """What tells one content of a file from another (on S3 its ETag), None where there is no such file."""

    def versions(self, pattern: str) -> dict[str, str]:
        """What tells contents of files from others without reading them, by path; a pattern is as DuckDB has it."""

    def read(self, path: str) -> bytes:
        """The content of a file; raises a `MissingFileError` where there is none."""

    def paths(self, folder: str) -> list[str]:
        """Files below a folder, sorted."""

    def publish(self, content: BinaryIO, path: str) -> None:
        """Put the content at the path: whole or not at all, over what was there."""

    def replace(self, content: BinaryIO, path: str, expected: str | None) -> str | None:
        """Put the content at the path if the file there still has the expected tag; None expects that there is none.

        Returns the new tag, or None where another content is there, which is left alone.
        """

    def copy(self, path: str, to: "Lake", to_path: str) -> None:
        """Copy a file to another lake (or to another path), without passing through here where that can be."""

    def remove(self, path: str) -> None:
        """Remove a file if it is there."""

    def connect(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Let a DuckDB connection read here."""

    def remove_leftovers(self, folder: str, older_than: timedelta) -> None:
        """Remove what killed runs left half-written below a folder, where the storage keeps such things."""
