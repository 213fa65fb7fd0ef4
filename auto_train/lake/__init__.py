"""The lake: the folder or bucket that df_behavior is read from and df_manager is published to."""

from collections.abc import Callable
from urllib.parse import urlparse

from auto_train.lake.errors import LakeError, MissingFileError
from auto_train.lake.folder import Folder
from auto_train.lake.printable import counted, named, printable, printable_lines
from auto_train.lake.s3 import S3, load_httpfs, s3_client
from auto_train.lake.settings import (
    CURRICULA,
    PUBLISHED,
    ROOT,
    Settings,
    alerts_of,
    managers_file,
    names_of_managers,
    shown,
)
from auto_train.lake.storage import Lake

# by the scheme of a location; adding one: a module with such a class, and its line here
SCHEMES: dict[str, Callable[[str, Settings], Lake]] = {
    "": Folder.at,
    "s3": S3.at,
}


def open_lake(location: str, settings: Settings) -> Lake:
    """The lake at a location, by its scheme.

    Raises:
        LakeError: the scheme is unknown.
    """
    scheme = urlparse(location).scheme if "://" in location else ""
    if scheme not in SCHEMES:
        known = ", ".join(f"{name}://" for name in SCHEMES if name)
        raise LakeError(f"{location}: {scheme}:// is not known; a folder is, and {known}")
    return SCHEMES[scheme](location, settings)


__all__ = [
    "CURRICULA",
    "PUBLISHED",
    "ROOT",
    "S3",
    "Lake",
    "LakeError",
    "MissingFileError",
    "Settings",
    "alerts_of",
    "counted",
    "load_httpfs",
    "managers_file",
    "named",
    "names_of_managers",
    "open_lake",
    "printable",
    "printable_lines",
    "s3_client",
    "shown",
]
