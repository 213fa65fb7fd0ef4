"""What happens at connecting: the lake is checked, DuckDB may read S3, and models learn where files are."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import yaml
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.flags import get_flags
from dbt_common.events.event_manager_client import get_event_manager
from dbt_common.exceptions import DbtRuntimeError
from dbt_common.ui import COLORS

from auto_train.decisions import directives
from auto_train.lake import (
    PUBLISHED,
    ROOT,
    Lake,
    LakeError,
    Settings,
    clock,
    load_httpfs,
    open_lake,
    printable_lines,
    shown,
)
from auto_train.nights import inputs, news
from auto_train.nights.dbt_options import check_vars
from auto_train.publishing import history, log
from auto_train.publishing.history import run_of_df_manager
from auto_train.publishing.manifest import LEADER, SEEN, Run, new_run_id, published_manifest
from curricula.errors import UserError


class Plugin(BasePlugin):
    """Prepares the connection; named in profiles.yml.

    Paths reach SQL as DuckDB variables, so no text of the environment is ever pasted into a statement.
    """

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        keep_escapes_off_terminals()
        with _as_dbt_says_it():
            self.settings = Settings.from_environment()
            refuse_other_vars(self.settings)
            check_vars(Path(get_flags().PROJECT_DIR), getattr(get_flags(), "VARS", {}))
            if self.creds is not None and self.creds.path != ":memory:":
                check_database(Path(self.settings.database))
                self.creds.path = self.settings.database

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        try:
            with _as_dbt_says_it():
                self.variables = variables(conn, self.settings)
        except Exception:
            # nobody else would close it, and the database would stay locked
            conn.close()
            raise

    def configure_cursor(self, cursor: duckdb.DuckDBPyConnection) -> None:
        for name, value in self.variables.items():
            cursor.execute(f"set variable {name} = ?", [value])


@contextmanager
def _as_dbt_says_it() -> Iterator[None]:
    """dbt prints its own errors without a traceback."""
    try:
        yield
    except UserError as error:
        raise DbtRuntimeError(str(error)) from None


def keep_escapes_off_terminals() -> None:
    """Let dbt say no text of a table or of a file raw, whichever command it is; its own colours stay."""
    for logger in get_event_manager().loggers:
        logger.scrubber = _plain(logger.scrubber)


def _plain(scrubber: Callable[[str], str]) -> Callable[[str], str]:
    # those of what differs in a unit test are bold, and its lines end as a CSV's
    bold = r"\x1b\[(?:0|3[1-4]);1m|\r(?=\n)"
    colours = "|".join([*(re.escape(colour) for colour in COLORS.values()), bold])

    def plain(text: str) -> str:
        # what stands between colours, and every second is a colour
        pieces = re.split(f"({colours})", scrubber(text))
        return "".join(piece if place % 2 else printable_lines(piece) for place, piece in enumerate(pieces))

    return plain


def refuse_other_vars(settings: Settings) -> None:
    """Plain dbt reads no managers.yml, so it would decide under other limits than the manager's.

    Raises:
        LakeError: this invocation decides, without variables that the manager's entry has.
    """
    flags = get_flags()
    if getattr(flags, "WHICH", "") in ("build", "run") and settings.vars.keys() - getattr(flags, "VARS", {}).keys():
        raise LakeError(
            f"managers.yml has vars of {settings.manager} that dbt cannot see. Run auto-train nightly, or add them: "
            f"--vars '{json.dumps(dict(settings.vars))}'"
        )


def check_database(path: Path) -> None:
    """Say in one line why the database cannot be used.

    Raises:
        LakeError: its folder is missing, it is not a database, or another process has it open.
    """
    setting = f"AUTO_TRAIN_DATABASE={path}"
    if path.is_relative_to(ROOT / "target"):
        path.parent.mkdir(parents=True, exist_ok=True)
    if not path.parent.is_dir():
        raise LakeError(f"{setting}: there is no folder {path.parent}. Make it, or name another file")
    if path.is_dir():
        raise LakeError(f"{setting} is a folder. Name a file in it")
    if not path.exists():
        if not os.access(path.parent, os.W_OK):
            raise LakeError(f"{setting}: nothing can be written into {path.parent}. Name a file elsewhere")
        return
    try:
        duckdb.connect(str(path)).close()
    except duckdb.ConnectionException:
        pass  # this process has it open
    except duckdb.Error as error:
        problem = " ".join(str(error).split("See also")[0].split())
        what_to_do = (
            "Another run or a reader has it open: wait for it, or read the copy in the folder analysis beside it"
            if "lock" in problem
            else "Remove it and a run makes it anew, or name another file"
        )
        raise LakeError(f"{setting}: {problem} {what_to_do}") from None


def variables(conn: duckdb.DuckDBPyConnection, settings: Settings) -> dict[str, Any]:
    """Make the connection ready for the lake, and say what models need to know of it.

    Raises:
        LakeError: the lake or what was published last cannot be used.
    """
    connect_to_lake(conn, settings)
    lake = open_lake(settings.lake, settings)
    lake.check_reachable()
    df_behavior = readable_df_behavior(conn, settings)
    last = last_publication(conn, settings, lake, decides_anew=bool(get_flags().FULL_REFRESH))
    root, started_at = Path(get_flags().PROJECT_DIR), clock.now().replace(microsecond=0)
    of_people = directives.known(root, settings, lambda: history.last_directives(lake, settings))
    read: dict[str, str] = {}
    with suppress(LakeError):  # then the next look finds news
        read = news.as_they_are(settings, of_people.content, root, started_at)
    return {
        "df_behavior": df_behavior,
        "df_behavior_as_named": settings.df_behavior,
        "df_manager": last.df_manager,
        "subjects_seen": last.subjects_seen,
        "decision_log": last.decision_log or None,
        "told": last.told or None,
        "publications": json.dumps(last.publications),
        "damaged_log_files": ", ".join(last.damaged) or None,
        "df_manager_tag": last.tag,
        "previous_run": last.run.id if last.run else None,
        "previous_started_at": _in_utc(last.run.started_at) if last.run else None,
        "run_started_at": _in_utc(started_at),
        "run_id": new_run_id(started_at, uuid4().hex[:8], after=last.run.id if last.run else None),
        "code_version": code_version(),
        "directive_lines": json.dumps([line._asdict() for line in of_people.lines]),
        "directives_as_read": of_people.content,
        "inputs_as_read": json.dumps(read),
    }


def _in_utc(time: datetime) -> str:
    return time.astimezone(UTC).replace(tzinfo=None, microsecond=0).isoformat(" ")


def connect_to_lake(conn: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Let DuckDB read what is remote; where nothing is, it needs neither an extension nor a secret."""
    for location in {settings.lake, settings.df_behavior}:
        if location.startswith(("http://", "https://")):
            load_httpfs(conn)
        else:
            open_lake(location, settings).connect(conn)


def readable_df_behavior(conn: duckdb.DuckDBPyConnection, settings: Settings) -> str | list[str]:
    """Where models read df_behavior as parquet; say clearly what is wrong before anything runs.

    Raises:
        LakeError: df_behavior is missing, must not be read, or is not a table.
    """
    path = settings.df_behavior
    if not any(wildcard in path for wildcard in "*?[") and not path.startswith(("http://", "https://")):
        folder, _, name = path.rpartition("/")
        open_lake(folder or ".", settings).check_readable(name)
    if any(wildcard in path for wildcard in "*?[") and _finds_what_is_published(conn, path):
        raise LakeError(
            f"df_behavior at {shown(path)} finds files that this program publishes ({PUBLISHED}/). Name the files more "
            "closely, or give them a folder of their own"
        )
    files = inputs.as_parquet(conn, settings)
    try:
        conn.execute("set variable df_behavior = ?", [files])
        conn.execute(
            "describe from read_parquet(getvariable('df_behavior'), union_by_name = true, hive_partitioning = false)"
        ).fetchall()
    except duckdb.Error as error:
        # what DuckDB says repeats the URL
        problem = re.sub(r"\?[^\s'\"]*", "", str(error)) if "://" in path else str(error)
        raise LakeError(
            f"df_behavior at {shown(path)} cannot be read as parquet: {' '.join(problem.split())}"
        ) from None
    return files


def _finds_what_is_published(conn: duckdb.DuckDBPyConnection, pattern: str) -> bool:
    try:
        ours = f"/{PUBLISHED}/(history/|log/|df_manager_|decision_log_|subjects_seen_)"
        found = conn.execute("select count(*) from glob(?) where regexp_matches(file, ?)", [pattern, ours])
        return bool(found.fetchall()[0][0])
    except duckdb.Error:
        return False  # reading says why


@dataclass(frozen=True)
class LastPublication:
    """What was published last time.

    Attributes:
        df_manager: its path or URL; None on the first night, and where it is of no use and all is decided anew.
        subjects_seen: what that run had seen of each mouse; None where it did not say.
        decision_log: paths or URLs of the files of the log, oldest first.
        damaged: of these, what cannot be read and is left out.
        told: paths or URLs of the files of the log with what publications told, oldest first.
        publications: the runs that published, oldest first.
        tag: what tells this df_manager from any other; None where there is none.
        run: the run that published it; None where that is not known.
    """

    df_manager: str | None
    subjects_seen: str | None
    decision_log: list[str]
    damaged: list[str]
    told: list[str]
    publications: list[dict[str, Any]]
    tag: str | None
    run: Run | None


def last_publication(
    conn: duckdb.DuckDBPyConnection, settings: Settings, lake: Lake, *, decides_anew: bool
) -> LastPublication:
    """Find what was published last time, and make sure that it is what was published.

    Raises:
        LakeError: df_manager is damaged or gone. That is never taken for a first night, unless all is decided anew.
    """
    path, seen = settings.published(LEADER), settings.published(SEEN)
    tag, manifest = lake.tag(path), published_manifest(lake, settings)
    made_by = run_of_df_manager(lake, settings)
    problem = None
    if tag is None:
        problem = "is gone, though a manifest says that it was published" if manifest else None
    else:
        if manifest and not made_by:
            problem = f"is not what run {manifest.run.id} published"
        problem = problem or _unreadable(conn, f"{settings.lake}/{path}")
    if problem and not decides_anew:
        raise LakeError(
            f"{settings.lake}/{path} {problem}. It holds the stage of every mouse, so nothing was decided. Bring "
            "back what was published (auto-train rollback) or decide all anew from df_behavior "
            "(dbt build --full-refresh)"
        )
    last = made_by or manifest
    newest = last.run.id if last else None
    entries = log.entries(lake, settings, newest)
    of_log = [f"{settings.lake}/{file}" for file in log.files(lake, settings, newest, entries)]
    told = [f"{settings.lake}/{entry.told.path}" for entry in reversed(entries) if entry.told]
    damaged = [file for of in (of_log, told) if not _is_parquet(conn, of) for file in of if not _is_parquet(conn, file)]
    return LastPublication(
        f"{settings.lake}/{path}" if tag and not problem else None,
        f"{settings.lake}/{seen}" if lake.exists(seen) and _is_parquet(conn, f"{settings.lake}/{seen}") else None,
        [file for file in of_log if file not in damaged],
        damaged,
        [file for file in told if file not in damaged],
        [entry.run.model_dump(mode="json") for entry in reversed(entries)],
        tag,
        last.run if last else None,
    )


def _is_parquet(conn: duckdb.DuckDBPyConnection, files: str | list[str]) -> bool:
    try:
        conn.execute("select count(*) from parquet_file_metadata(?)", [files]) if files else None
    except duckdb.Error:
        return False
    return True


def _unreadable(conn: duckdb.DuckDBPyConnection, path: str) -> str | None:
    try:
        conn.execute("set variable df_manager = ?", [path])
        rows = conn.execute("describe from read_parquet(getvariable('df_manager'))").fetchall()
    except duckdb.Error as error:
        return f"cannot be read as parquet ({str(error).splitlines()[0]})"
    missing = {"subject_id", "session", "current_stage_actual", "next_stage_suggested"} - {row[0] for row in rows}
    return f"is not a df_manager: it has no {', '.join(sorted(missing))}" if missing else None


def code_version() -> str:
    """Version of this project, with the commit where git knows it."""
    version = yaml.safe_load((ROOT / "dbt_project.yml").read_text(encoding="utf-8"))["version"]
    git = shutil.which("git")
    described = git and subprocess.run(
        [git, "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return f"{version}+{described.stdout.strip()}" if described and described.returncode == 0 else version
