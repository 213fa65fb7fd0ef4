"""What happens at connecting: the lake is checked, DuckDB may read S3, and models learn where files are."""

import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlparse
from uuid import uuid4

import boto3
import duckdb
import yaml
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.flags import get_flags

from scripts.lake import Lake, LakeError, Settings, open_lake
from scripts.publishing import DECISION_LOG, manifest_path, new_run_id, read_manifest, run_that_made

ROOT = Path(__file__).parent.parent


class Plugin(BasePlugin):
    """Prepares the connection; named in profiles.yml.

    Paths reach SQL as DuckDB variables, so no text of the environment is ever pasted into a statement.
    """

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        self.settings = Settings.from_environment()

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        try:
            self.variables = variables(conn, self.settings)
        except Exception:
            # nobody else would close it, and the database would stay locked
            conn.close()
            raise

    def configure_cursor(self, cursor: duckdb.DuckDBPyConnection) -> None:
        for name, value in self.variables.items():
            cursor.execute(f"set variable {name} = ?", [value])


def variables(conn: duckdb.DuckDBPyConnection, settings: Settings) -> dict[str, str | None]:
    """Make the connection ready for the lake, and say what models need to know of it.

    Raises:
        LakeError: the lake or what was published last cannot be used.
    """
    connect_to_s3(conn, settings)
    lake = open_lake(settings.lake, settings)
    lake.check_reachable()
    check_df_behavior(conn, settings)
    last = last_publication(conn, settings, lake, decides_anew=bool(get_flags().FULL_REFRESH))
    # runs follow each other even where the clock went back
    started_at = max(datetime.now(UTC), last.started_at + timedelta(seconds=1))
    return {
        "df_behavior": settings.df_behavior,
        "df_manager": last.df_manager,
        "decision_log": last.decision_log,
        "df_manager_tag": last.tag,
        "previous_run": last.run_id,
        "run_started_at": started_at.replace(tzinfo=None, microsecond=0).isoformat(" "),
        "run_id": new_run_id(started_at, uuid4().hex[:8]),
        "code_version": code_version(),
    }


def connect_to_s3(conn: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Load httpfs out of its wheel and hand it boto3's credentials, where any path is remote."""
    if not any("://" in path for path in (settings.lake, settings.df_behavior)):
        return
    extension = files("duckdb_extension_httpfs") / f"extensions/v{duckdb.__version__}/httpfs.duckdb_extension"
    conn.execute(f"load {_literal(str(extension))}")
    session = boto3.Session()
    options = {"region": session.region_name or "us-east-1"}
    if settings.s3_endpoint:
        endpoint = urlparse(settings.s3_endpoint)
        options |= {
            "endpoint": endpoint.netloc,
            "url_style": "path",
            "use_ssl": str(endpoint.scheme == "https").lower(),
        }
    if credentials := session.get_credentials():
        frozen = credentials.get_frozen_credentials()
        options |= {"key_id": frozen.access_key, "secret": frozen.secret_key}
        if frozen.token:
            options["session_token"] = frozen.token
    given = ", ".join(f"{name} {_literal(value)}" for name, value in options.items())
    conn.execute(f"create or replace temporary secret lake (type s3, {given})")


def check_df_behavior(conn: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Say clearly what is wrong before anything runs.

    Raises:
        LakeError: df_behavior is missing, must not be read, or is no parquet file.
    """
    path = settings.df_behavior
    if not any(wildcard in path for wildcard in "*?[") and not path.startswith(("http://", "https://")):
        folder, _, name = path.rpartition("/")
        open_lake(folder or ".", settings).check_readable(name)
    try:
        conn.execute("set variable df_behavior = ?", [path])
        conn.execute("describe from read_parquet(getvariable('df_behavior'), union_by_name = true)").fetchall()
    except duckdb.Error as error:
        raise LakeError(f"df_behavior at {path} cannot be read as parquet: {error}") from None


@dataclass(frozen=True)
class LastPublication:
    """What was published last time.

    Attributes:
        df_manager: its path or URL; None on the first night, and where it is of no use and all is decided anew.
        decision_log: path or URL of the log; None where there is none.
        tag: what tells this df_manager from any other; None where there is none.
        run_id: the run that published it; None where that is not known.
        started_at: when that run started.
    """

    df_manager: str | None
    decision_log: str | None
    tag: str | None
    run_id: str | None
    started_at: datetime


def last_publication(
    conn: duckdb.DuckDBPyConnection, settings: Settings, lake: Lake, *, decides_anew: bool
) -> LastPublication:
    """Find what was published last time, and make sure that it is what was published.

    Raises:
        LakeError: df_manager is damaged or gone. That is never taken for a first night, unless all is decided anew.
    """
    path = settings.published("df_manager")
    tag = lake.tag(path)
    manifest = read_manifest(lake, manifest_path(settings))
    problem = None
    if tag is None:
        problem = "is gone, though a manifest says that it was published" if manifest else None
    else:
        if manifest and manifest.get("df_manager_tag") != tag:
            # a run that was killed after it replaced df_manager has left its record in the history
            made_by = run_that_made(lake, settings, lake.read(path))
            problem = None if made_by else f"is not what run {manifest['run']['id']} published"
            manifest = made_by or manifest
        problem = problem or _unreadable(conn, f"{settings.lake}/{path}")
    if problem and not decides_anew:
        raise LakeError(
            f"{settings.lake}/{path} {problem}. It holds the stage of every mouse, so nothing was decided. Bring "
            "back what was published (python -m scripts.publications rollback) or decide all anew from df_behavior "
            "(dbt build --full-refresh)"
        )
    log = settings.published(DECISION_LOG)
    run = manifest["run"] if manifest else {"id": None, "started_at": "1970-01-01T00:00:00+00:00"}
    return LastPublication(
        f"{settings.lake}/{path}" if tag and not problem else None,
        f"{settings.lake}/{log}" if lake.exists(log) else None,
        tag,
        run["id"],
        datetime.fromisoformat(run["started_at"]),
    )


def _unreadable(conn: duckdb.DuckDBPyConnection, path: str) -> str | None:
    try:
        conn.execute("set variable df_manager = ?", [path])
        rows = conn.execute("describe from read_parquet(getvariable('df_manager'))").fetchall()
    except duckdb.Error as error:
        return f"cannot be read as parquet ({str(error).splitlines()[0]})"
    missing = {"subject_id", "session", "current_stage_actual", "next_stage_suggested"} - {row[0] for row in rows}
    return f"is no df_manager: it has no {', '.join(sorted(missing))}" if missing else None


def code_version() -> str:
    """Version of this project, with the commit where git knows it."""
    version = yaml.safe_load((ROOT / "dbt_project.yml").read_text(encoding="utf-8"))["version"]
    git = shutil.which("git")
    described = git and subprocess.run(
        [git, "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return f"{version}+{described.stdout.strip()}" if described and described.returncode == 0 else version


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
