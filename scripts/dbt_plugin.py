"""What happens at connecting: the lake is checked, DuckDB may read S3, and models learn where files are."""

from importlib.resources import files
from typing import Any
from urllib.parse import urlparse

import boto3
import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin

from scripts.lake import LakeError, Settings, open_lake


class Plugin(BasePlugin):
    """Prepares the connection; named in profiles.yml.

    Paths reach SQL as DuckDB variables, so no text of the environment is ever pasted into a statement.
    """

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        self.settings = Settings.from_environment()

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        connect_to_s3(conn, self.settings)
        lake = open_lake(self.settings.lake, self.settings)
        lake.check_reachable()
        check_df_behavior(conn, self.settings)
        self.is_first_night = not lake.exists(self.settings.published("df_manager"))

    def configure_cursor(self, cursor: duckdb.DuckDBPyConnection) -> None:
        settings = self.settings
        cursor.execute("set variable df_behavior = ?", [settings.df_behavior])
        cursor.execute("set variable df_manager = ?", [f"{settings.lake}/{settings.published('df_manager')}"])
        cursor.execute("set variable is_first_night = ?", [self.is_first_night])


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


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
