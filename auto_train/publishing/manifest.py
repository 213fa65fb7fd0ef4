"""What a publication says of itself, and where everything that is published has its place."""

import hashlib
import io
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from auto_train.lake import CURRICULA, PUBLISHED, Lake, LakeError, MissingFileError, Settings

LEADER = "df_manager"
STATS = "df_manager_stats"
DECISION_LOG = "decision_log"
PAGE = "morning"
SEEN = "subjects_seen"
TIME = "%Y%m%dT%H%M%SZ"


class Run(BaseModel):
    """A run that publishes, or published.

    Attributes:
        id: sorts in the order of runs.
        started_at: what the clock said, with its time zone.
        previous: the run whose df_manager it read; None where there was none, or none that is known.
        kind: what it was.
        rolled_back_to: of a rollback, the run whose files it published again.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    started_at: datetime
    previous: str | None = None
    kind: Literal["night", "full_refresh", "rollback", "migration", "taken_over"] = "night"
    rolled_back_to: str | None = None


class File(BaseModel):
    """A published file.

    Attributes:
        path: below the lake.
        rows: of a table.
        size: of its content in bytes; ``bytes`` in JSON.
        sha256: of its content.
    """

    model_config = ConfigDict(frozen=True, validate_by_name=True, serialize_by_alias=True)

    path: str
    size: int = Field(alias="bytes")
    sha256: str
    rows: int | None = None

    @classmethod
    def of(cls, path: str, content: bytes, rows: int | None = None) -> "File":
        """The record of a file with this content."""
        return cls(path=path, rows=rows, size=len(content), sha256=sha256(content))


class Manifest(BaseModel):
    """What one publication consists of.

    Attributes:
        manager: name of the manager.
        run: the run that published.
        code_version: version of this project that ran.
        inputs: files that were read, each with path, bytes and modified_at.
        counts: what the run counted, by group and name.
        let_through: gates that were let through, with who and why.
        newest_session_date: the newest session's date in df_behavior, YYYY-MM-DD.
        files, curricula: what was published.
        df_manager_tag: tells this df_manager from any other; None before it is published.
    """

    model_config = ConfigDict(frozen=True)

    manager: str
    run: Run
    code_version: str
    inputs: list[dict[str, Any]] = []
    counts: dict[str, dict[str, int]] = {}
    let_through: list[dict[str, str]] = []
    newest_session_date: str | None = None
    files: list[File]
    curricula: list[File] = []
    df_manager_tag: str | None = None

    def file(self, path: str) -> File | None:
        """The file at a path below the lake."""
        return next((file for file in self.files if file.path == path), None)

    def as_json(self) -> bytes:
        return self.model_dump_json(indent=2).encode()


def sha256(content: bytes) -> str:
    """Checksum as manifests have it."""
    return hashlib.sha256(content).hexdigest()


def new_run_id(started_at: datetime, suffix: str, after: str | None = None) -> str:
    """An id that sorts in the order of runs, even where a clock was ahead; the suffix tells those of a second apart."""
    time = f"{started_at.astimezone(UTC):{TIME}}"
    try:
        last = datetime.strptime((after or "")[:16], TIME).replace(tzinfo=UTC)
        time = max(time, f"{last + timedelta(seconds=1):{TIME}}")
    except (ValueError, OverflowError):
        # the run before has no such id
        pass
    return f"{time}-{suffix}"


def manifest_path(settings: Settings) -> str:
    """Path below the lake of the manifest of the last publication."""
    return f"{PUBLISHED}/manifest_{settings.manager}.json"


def history_path(settings: Settings, run_id: str = "") -> str:
    """Folder below the lake of what a run published, or of all runs."""
    return f"{PUBLISHED}/history/{settings.manager}/{run_id}".rstrip("/")


def kept_path(settings: Settings, run_id: str, path: str) -> str:
    """Path below the lake of the copy of a published file that is kept to roll back to."""
    return f"{history_path(settings, run_id)}/{PurePosixPath(path).name}"


def publishable(settings: Settings) -> set[str]:
    """Every path below the lake at which this manager's tables and page are published."""
    kinds = {
        LEADER: ("parquet", "pkl"),
        STATS: ("parquet",),
        SEEN: ("parquet",),
        DECISION_LOG: ("parquet",),
        PAGE: ("html",),
    }
    return {settings.published(name, kind) for name, of in kinds.items() for kind in of}


def read_manifest(lake: Lake, settings: Settings, path: str) -> Manifest | None:
    """A manifest, None where there is none.

    Raises:
        LakeError: the file is not a manifest of this manager.
    """
    try:
        manifest = Manifest.model_validate_json(lake.read(path))
    except MissingFileError:
        return None
    except ValidationError as error:
        [first, *_] = error.errors()
        problem = ": ".join([*map(str, first["loc"]), first["msg"]])
        raise LakeError(_refused(lake, path, f"is not a manifest ({problem})")) from None
    own = publishable(settings)
    # a file of the lake must not make us read or write anywhere else
    strange = [file.path for file in manifest.files if file.path not in own]
    strange += [file.path for file in manifest.curricula if PurePosixPath(file.path).parent != PurePosixPath(CURRICULA)]
    strange += [of for of in (manifest.run.id, manifest.run.previous or "") if "/" in of or ".." in of]
    if strange or manifest.manager != settings.manager:
        problem = f"is not a manifest of {settings.manager} ({strange or manifest.manager})"
        raise LakeError(_refused(lake, path, problem))
    return manifest


def _refused(lake: Lake, path: str, problem: str) -> str:
    return (
        f"{lake.location}/{path} {problem}. It only records what was published: remove it, run again, and it is "
        "written anew"
    )


def published_manifest(lake: Lake, settings: Settings) -> Manifest | None:
    """The manifest of the last publication, None where there is none."""
    return read_manifest(lake, settings, manifest_path(settings))


def verify(lake: Lake, path: str, content: bytes) -> bool:
    """Whether a file reads back as it was written."""
    return sha256(lake.read(path)) == sha256(content)


def stream(content: bytes) -> io.BytesIO:
    """Content as lakes take it."""
    return io.BytesIO(content)
