"""Settings of a run, from the environment; see the README for each."""

import os
from dataclasses import dataclass
from pathlib import Path

from auto_train.lake.errors import LakeError

ROOT = Path(__file__).parents[2]
PUBLISHED = "foraging_auto_training"
CURRICULA = f"{PUBLISHED}/saved_curriculums"


@dataclass(frozen=True)
class Settings:
    """What the environment says.

    Attributes:
        lake: folder (absolute) or ``s3://bucket/prefix`` of input and output, without a slash at its end.
        df_behavior: path, URL or glob of the per-session table.
        manager: name of the manager, part of the names of published files.
        database: path of the DuckDB file.
        s3_endpoint: URL of an S3 service other than AWS; empty for AWS.
        mirror: folder or prefix that gets a copy of all that is published; empty for none.
        keep_runs: how many earlier publications are kept to roll back to.
        legacy_pickle: whether df_manager is published as a pickle too.
        page: whether the morning page is published too.
    """

    lake: str
    df_behavior: str
    manager: str
    database: str
    s3_endpoint: str
    mirror: str = ""
    keep_runs: int = 30
    legacy_pickle: bool = False
    page: bool = True

    @classmethod
    def from_environment(cls) -> "Settings":
        """Read the settings; a relative path is below the project's root, wherever the command runs.

        Raises:
            LakeError: a setting cannot be used.
        """
        lake = _absolute(os.environ.get("AUTO_TRAIN_LAKE") or "lake")
        behavior = os.environ.get("AUTO_TRAIN_DF_BEHAVIOR") or "df_behavior.parquet"
        of_its_own = "://" in behavior or behavior.startswith(("/", "./", "../"))
        manager = os.environ.get("AUTO_TRAIN_MANAGER") or "demo"
        if not manager.replace("_", "").replace("-", "").replace(".", "").isalnum() or manager.startswith("."):
            raise LakeError(
                f"AUTO_TRAIN_MANAGER={manager!r}: a manager's name has letters, digits, '_', '-' and '.' only"
            )
        keep_runs = os.environ.get("AUTO_TRAIN_KEEP_RUNS") or "30"
        if not keep_runs.isdecimal() or int(keep_runs) < 1:
            raise LakeError(f"AUTO_TRAIN_KEEP_RUNS={keep_runs!r}: a whole number from 1 up is needed")
        return cls(
            lake=lake,
            df_behavior=_absolute(behavior) if of_its_own else f"{lake}/{behavior}",
            manager=manager,
            database=_absolute(os.environ.get("AUTO_TRAIN_DATABASE") or "target/auto_train.duckdb"),
            s3_endpoint=os.environ.get("AUTO_TRAIN_S3_ENDPOINT") or "",
            mirror=_absolute(os.environ.get("AUTO_TRAIN_MIRROR") or ""),
            keep_runs=int(keep_runs),
            legacy_pickle=_yes_or_no("LEGACY_PICKLE", "no"),
            page=_yes_or_no("PAGE", "yes"),
        )

    def published(self, table: str, kind: str = "parquet") -> str:
        """Path below the lake of a published table, e.g. of ``df_manager``."""
        return f"{PUBLISHED}/{table}_{self.manager}.{kind}"


def _yes_or_no(name: str, otherwise: str) -> bool:
    value = os.environ.get(f"AUTO_TRAIN_{name}") or otherwise
    if value not in ("yes", "no"):
        raise LakeError(f"AUTO_TRAIN_{name}={value!r}: yes or no is needed")
    return value == "yes"


def _absolute(location: str) -> str:
    """A location that does not depend on the working directory, without a slash at its end."""
    if not location or "://" in location:
        return location.rstrip("/")
    return (ROOT / location).as_posix()


def shown(location: str) -> str:
    """A location as people read it: relative where it is below the working directory."""
    path = Path(location)
    return path.relative_to(Path.cwd()).as_posix() if path.is_relative_to(Path.cwd()) else location
