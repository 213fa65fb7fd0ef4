"""What is read whole, or only looked at, wherever it is: in a folder, in S3, or behind a URL."""

import re
from http.client import HTTPException, HTTPResponse
from typing import cast
from urllib.error import URLError
from urllib.request import Request, urlopen

from auto_train.lake import LakeError, Settings, open_lake, shown

SECONDS = 20.0
MOST_BYTES = 10_000_000
WILDCARD = re.compile(r"[*?[]")


def read(location: str, settings: Settings) -> bytes:
    """The content of a small file.

    Raises:
        LakeError: it is not there, or not to be had.
    """
    if not location.startswith(("http://", "https://")):
        folder, _, name = location.rpartition("/")
        return open_lake(folder or "/", settings).read(name)
    with _asked(location) as answer:
        try:
            content = answer.read(MOST_BYTES + 1)
        except (OSError, HTTPException) as error:
            raise LakeError(f"{shown(location)} broke off: {type(error).__name__}") from None
    if len(content) > MOST_BYTES:
        raise LakeError(f"{shown(location)} is larger than {MOST_BYTES:,} bytes")
    return content


def version(location: str, settings: Settings) -> str:
    """What tells one state of a file, or of all files that a pattern names, from another, without reading them.

    Raises:
        LakeError: nothing can be told of it.
    """
    if location.startswith(("http://", "https://")):
        with _asked(location) as answer:
            known = [answer.headers.get(name, "") for name in ("ETag", "Last-Modified", "Content-Length")]
        return " ".join(filter(None, known))
    wildcard = WILDCARD.search(location)
    folder = location[: wildcard.start() if wildcard else None].rpartition("/")[0]
    versions = open_lake(folder or "/", settings).versions(location[len(folder) + 1 :])
    return " ".join(f"{path}={tag}" for path, tag in sorted(versions.items()))


def _asked(url: str) -> HTTPResponse:
    try:
        # schemes were checked with the settings
        return cast(HTTPResponse, urlopen(Request(url), timeout=SECONDS))  # noqa: S310
    except URLError as error:
        raise LakeError(f"{shown(url)} was not reached: {getattr(error, 'code', None) or error.reason}") from None
    except (OSError, HTTPException, ValueError) as error:
        raise LakeError(f"{shown(url)} was not reached: {type(error).__name__}") from None
