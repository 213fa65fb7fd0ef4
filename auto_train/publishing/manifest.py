"""What a publication says of itself, and where everything that is published has its place."""

import hashlib
import io
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from auto_train.lake import CURRICULA, PUBLISHED, Lake, LakeError, MissingFileError, Settings, clock, printable

LEADER = "df_manager"
STATS = "df_manager_stats"
DECISION_LOG = "decision_log"
PAGE = "morning"
NEXT_SESSION = "next_session"
SEEN = "subjects_seen"
TIME = "%Y%m%dT%H%M%SZ"
STAMP, STAMPED_WIDTH = b"auto_train run ", 100


# a name of one folder or file: what a run is called, which a lake's own files must not make a way out
RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}", re.ASCII)
RunId = Annotated[str, Field(pattern=f"^{RUN_ID.pattern}$")]
Count = Annotated[int, Field(ge=0, lt=2**63)]


def _of_our_time(moment: datetime) -> datetime:
    """Before and after these years, adding a second or telling an age may fail."""
    if not 2000 <= moment.year < 9000:
        raise ValueError("a year from 2000 on is needed")
    return moment


class Run(BaseModel):
    """A run that publishes, or published.

    Attributes:
        id: sorts in the order of runs.
        started_at: what the clock said, with its time zone.
        previous: the run whose df_manager it read; None where there was none, or none that is known.
        kind: what it was.
        rolled_back_to: of a rollback, the run whose files it published again.
        training_day: the day it decides for, of the lab; None of an older version, which did not record what it told.
        lab_time_zone: whose days these are.
    """

    model_config = ConfigDict(frozen=True)

    id: RunId
    started_at: Annotated[AwareDatetime, AfterValidator(_of_our_time)]
    previous: RunId | None = None
    kind: Literal["night", "full_refresh", "rollback", "migration", "rename", "taken_over"] = "night"
    rolled_back_to: RunId | None = None
    training_day: date | None = None
    lab_time_zone: str = "UTC"

    def training_day_at(self, time: datetime) -> date:
        """The day for which a run of this lab decides at a time; as in UTC where this machine knows no such zone."""
        return self._of_lab(clock.training_day, time)

    def day_at(self, time: datetime) -> date:
        """The day of a time in this lab; as in UTC where this machine knows no such zone."""
        return self._of_lab(clock.day, time)

    def _of_lab(self, of: Callable[[datetime, str], date], time: datetime) -> date:
        try:
            return of(time, self.lab_time_zone)
        except LakeError:
            return of(time, "UTC")


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
    size: Count = Field(alias="bytes")
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    rows: Count | None = None

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
        read: what tells all that a run reads from what an earlier one read, by kind; empty of an older version.
        counts: what the run counted, by group and name.
        let_through: gates that were let through, with who and why.
        said: of a publication that is not a usual night, what it is and what it changed.
        newest_session_date: the newest session's date in df_behavior, YYYY-MM-DD.
        files, curricula: what was published.
        df_manager_tag: tells this df_manager from any other; None before it is published.
        df_manager_content: checksum of df_manager without the name of its run; None of an older version, whose
            df_manager names none.
    """

    model_config = ConfigDict(frozen=True)

    manager: str
    run: Run
    code_version: str
    inputs: list[dict[str, Any]] = []
    read: dict[str, str] = {}
    counts: dict[str, dict[str, Count]] = {}
    let_through: list[dict[str, str]] = []
    said: list[str] = []
    newest_session_date: str | None = None
    files: list[File]
    curricula: list[File] = []
    df_manager_tag: str | None = None
    df_manager_content: str | None = None

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
        NEXT_SESSION: ("json",),
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
        [first, *_] = error.errors(include_url=False, include_input=False)
        problem = printable(": ".join([*map(str, first["loc"]), first["msg"]]))
        raise LakeError(_refused(lake, path, f"is not a manifest ({problem})")) from None
    if manifest.manager != settings.manager:
        if manifest.manager.casefold() == settings.manager.casefold():
            raise LakeError(
                f"{lake.location} does not tell AUTO_TRAIN_MANAGER={settings.manager} from {manifest.manager}, which "
                "has published here. Choose another name"
            )
        raise LakeError(_refused(lake, path, f"is not a manifest of {settings.manager} ({manifest.manager!r})"))
    # a file of the lake must not make us read or write anywhere else
    own, paths = publishable(settings), [file.path for file in manifest.files]
    strange = [of for of in paths if of not in own] + [
        file.path for file in manifest.curricula if not is_of_curricula(file.path)
    ]
    problem = f"it has {strange[:3]}" if strange else ""
    if len(set(paths)) < len(paths):
        problem = problem or "it has a file twice"
    if settings.published(LEADER) not in paths:
        problem = problem or f"it has no {LEADER}"
    if problem:
        raise LakeError(_refused(lake, path, f"is not a manifest of {settings.manager}: {problem}"))
    return manifest


def is_of_curricula(path: str) -> bool:
    """Whether a path below the lake is one at which curricula are published."""
    folder, _, name = path.rpartition("/")
    return folder == CURRICULA and re.fullmatch(r"[^./\\][^/\\]*\.(json|svg)", name) is not None and name.isprintable()


def _refused(lake: Lake, path: str, problem: str) -> str:
    return (
        f"{lake.location}/{path} {problem}. It only records what was published: remove it, run again, and it is "
        "written anew"
    )


def published_manifest(lake: Lake, settings: Settings) -> Manifest | None:
    """The manifest of the last publication, None where there is none."""
    return read_manifest(lake, settings, manifest_path(settings))


def stamped(parquet: bytes, run_id: str) -> bytes:
    """A parquet file that also names its run, so that no two runs ever make the same bytes.

    The name stands between the rows and the footer, where readers never look: nothing is encoded again.
    """
    content, end = unstamped(parquet), _footer(parquet)
    if not end:
        return parquet
    rows = content[:-end]
    return rows + STAMP + run_id.encode().rjust(STAMPED_WIDTH) + content[-end:]


def unstamped(parquet: bytes) -> bytes:
    """The file as it was before it named a run."""
    end, width = _footer(parquet), len(STAMP) + STAMPED_WIDTH
    if not end or not parquet[:-end][-width:].startswith(STAMP):
        return parquet
    return parquet[: -end - width] + parquet[-end:]


def _footer(parquet: bytes) -> int:
    """How many bytes the end of a parquet file takes, 0 where it is none."""
    end = int.from_bytes(parquet[-8:-4], "little") + 8
    return end if parquet[:4] == parquet[-4:] == b"PAR1" and end + 4 <= len(parquet) else 0


def verify(lake: Lake, path: str, content: bytes) -> bool:
    """Whether a file reads back as it was written."""
    return sha256(lake.read(path)) == sha256(content)


def stream(content: bytes) -> io.BytesIO:
    """Content as lakes take it."""
    return io.BytesIO(content)
