"""Settings of a run: of the environment, or else of the manager's entry in managers.yml; see the README for each."""

import difflib
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

from auto_train.lake import alerts
from auto_train.lake.alerts import Alert
from auto_train.lake.errors import LakeError
from auto_train.lake.managers import Entry, Managers

ROOT = Path(__file__).parents[2]
PUBLISHED = "foraging_auto_training"
CURRICULA = f"{PUBLISHED}/saved_curriculums"
DATABASE = "auto_train.duckdb"
MANAGERS = "managers.yml"
# of each location: its schemes, and what to write
ALLOWED = {
    "AUTO_TRAIN_LAKE": (("s3", "file"), "s3://bucket/prefix or a folder"),
    "AUTO_TRAIN_DF_BEHAVIOR": (("s3", "file", "http", "https"), "s3://bucket/key, https://… or a file"),
    "AUTO_TRAIN_DIRECTIVES": (("s3", "file", "http", "https"), "s3://bucket/key, https://… or a file"),
    "AUTO_TRAIN_MIRROR": (("s3", "file"), "s3://bucket/prefix or a folder"),
    "AUTO_TRAIN_DATABASE": (("file",), "the path of a file"),
}
# what one letter and a colon begin is a drive of Windows, where there are such
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:|[A-Za-z]:(?=//)")
# variables of a shell, and what only Windows takes for a drive or a share
NOT_READ_HERE = re.compile(r"\$\{?\w+\}?|%\w+%|^[A-Za-z]:(?=[\\/])|^\\\\" if os.name == "posix" else r"\$\{?\w+\}?")
BUCKET = re.compile(r"[a-z0-9A-Z][\w.-]*")
MOST_BYTES_OF_A_NAME = 255
RENAME = "Choose another name"


@dataclass(frozen=True)
class Settings:
    """What the environment and the manager's entry say.

    Each field is a setting: AUTO_TRAIN_… in the environment, and the same name in small letters in an entry. `vars` are
    of an entry only, and `manager` is its name.

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
        alerts: who is told how nights went.
        directives: path or URL of what people want for single mice; empty for the file among the seeds.
        vars: variables of dbt that commands hand over.
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
    alerts: tuple[Alert, ...] = ()
    directives: str = ""
    vars: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_environment(cls, manager: str = "") -> "Settings":
        """Read the settings; a relative path is below the project's root, wherever the command runs.

        Args:
            manager: whose they are; by default that of AUTO_TRAIN_MANAGER.

        Raises:
            LakeError: a setting cannot be used, or is none of ours.
        """
        _refuse_unknown_names()
        given = _Given({name: os.environ[name] for name in NAMES if name in os.environ})
        managers = managers_file()
        manager = manager or given.text("AUTO_TRAIN_MANAGER")
        if managers:
            entry = managers.entry(manager, OF_AN_ENTRY)
            manager, given = entry.manager, _Given(given.environment, entry)
        _check_manager(manager := manager or "demo")
        lake = given.location("AUTO_TRAIN_LAKE", "lake")
        keep_runs = given.text("AUTO_TRAIN_KEEP_RUNS", "30")
        if not (keep_runs.isascii() and keep_runs.isdecimal() and len(keep_runs) < 10) or int(keep_runs) < 1:
            raise LakeError(f"{given.named('AUTO_TRAIN_KEEP_RUNS')}={keep_runs!r}: a whole number from 1 up is needed")
        return cls(
            lake=lake,
            df_behavior=given.location("AUTO_TRAIN_DF_BEHAVIOR", "df_behavior.parquet", below=lake),
            manager=manager,
            database=given.database(f"target/{manager}/{DATABASE}" if managers else f"target/{DATABASE}"),
            s3_endpoint=given.endpoint("AUTO_TRAIN_S3_ENDPOINT"),
            mirror=given.location("AUTO_TRAIN_MIRROR", ""),
            keep_runs=int(keep_runs),
            legacy_pickle=given.yes_or_no("AUTO_TRAIN_LEGACY_PICKLE", "no"),
            page=given.yes_or_no("AUTO_TRAIN_PAGE", "yes"),
            alerts=given.alerts(),
            directives=given.location("AUTO_TRAIN_DIRECTIVES", "", below=lake),
            vars=given.entry.vars if given.entry else {},
        )

    def published(self, table: str, kind: str = "parquet") -> str:
        """Path below the lake of a published table, e.g. of ``df_manager``."""
        return f"{PUBLISHED}/{table}_{self.manager}.{kind}"


OF_AN_ENTRY = {of.name: of.type for of in fields(Settings) if of.name not in ("manager", "vars")}
NAMES = (
    *(f"AUTO_TRAIN_{name.upper()}" for name in (*OF_AN_ENTRY, "manager")),
    "AUTO_TRAIN_MANAGERS",
    "AUTO_TRAIN_CLOCK",
)


def managers_file() -> Managers | None:
    """The file of managers that is in use: that of AUTO_TRAIN_MANAGERS, or managers.yml of the project; None for none.

    Raises:
        LakeError: it is missing, or not such a file.
    """
    given = _Given(dict(os.environ))
    name = given.text("AUTO_TRAIN_MANAGERS")
    if name == "no" or not (name or (ROOT / MANAGERS).exists()):
        return None
    return Managers.read(Path(_absolute("AUTO_TRAIN_MANAGERS", name or MANAGERS)), _known_vars())


def _known_vars() -> list[str]:
    project = yaml.safe_load((ROOT / "dbt_project.yml").read_text(encoding="utf-8"))
    return list(project["vars"])


def alerts_of(manager: str) -> tuple[Alert, ...]:
    """Who is told of a manager whose other settings may be wrong; nobody where these are."""
    with suppress(LakeError):
        managers = managers_file()
        entry = managers.alone(manager, "alerts") if managers else None
        return _Given(dict(os.environ), entry).alerts()
    return ()


def names_of_managers() -> list[str]:
    """All managers of the file, or the one of the environment where there is none."""
    managers = managers_file()
    return managers.names if managers else [Settings.from_environment().manager]


def _refuse_unknown_names() -> None:
    """A setting that is misspelt would be the default, silently: another lake, say."""
    for name in os.environ:
        if name.upper().startswith("AUTO_TRAIN_") and name not in NAMES:
            near = difflib.get_close_matches(name.upper(), NAMES, 1, 0)
            raise LakeError(f"{name} is not a setting. Did you mean {near[0]}? All of them: {', '.join(NAMES)}")


@dataclass(frozen=True)
class _Given:
    """What was written as settings; what the environment says comes before what the manager's entry says."""

    environment: Mapping[str, str]
    entry: Entry | None = None

    def named(self, name: str) -> str:
        """The setting as whoever wrote it finds it again."""
        is_of_entry = self.entry and not (self.environment.get(name) or "").strip()
        return self.entry.named(_field(name)) if self.entry and is_of_entry else name

    def text(self, name: str, default: str = "") -> str:
        """A setting without the blanks and ends of lines that files and forms leave around it."""
        text = (self.environment.get(name) or "").strip()
        text = text or (self.entry.texts.get(_field(name), "").strip() if self.entry else "")
        if not text.isprintable():
            raise LakeError(f"{self.named(name)}={shown(text)!r} has characters that do not print: write it anew")
        return text or default

    def alerts(self) -> tuple[Alert, ...]:
        """Who is told; what is written of it is never repeated, because an address may hold a token."""
        name = "AUTO_TRAIN_ALERTS"
        text = self.environment.get(name, "").strip() or (self.entry.texts.get(_field(name), "") if self.entry else "")
        return alerts.read(text, self.named(name))

    def yes_or_no(self, name: str, default: str) -> bool:
        value = self.text(name, default)
        if value not in ("yes", "no"):
            raise LakeError(f"{self.named(name)}={value!r}: yes or no is needed")
        return value == "yes"

    def location(self, name: str, default: str, below: str = "") -> str:
        """A folder or file (absolute), or a URL of a scheme that this setting may have, without a slash at its end.

        What DuckDB and boto3 would not read as the same place is refused.
        """
        text = self.text(name, default)
        if not text:
            return ""
        place = self.named(name)
        schemes, example = ALLOWED[name]
        scheme = SCHEME.match(text)
        if scheme and scheme[0] == "file:" and "file" in schemes:
            text, scheme = _path_of_file_url(place, text), None
        if scheme and not any(text.startswith(f"{of}://") for of in schemes):
            # a query may be a secret
            raise LakeError(f"{place}={shown(text)}: {scheme[0]} is not known here. Write {example}")
        is_glob_allowed = name == "AUTO_TRAIN_DF_BEHAVIOR"
        if scheme and scheme[0] != "s3:":
            if not re.match("https?://[^/?#]", text):
                raise LakeError(f"{place}={shown(text)} names no host. Write {example}")
            return text
        if unread := NOT_READ_HERE.search(text):
            # cron and systemd expand nothing, and a folder of that name would be made
            raise LakeError(f"{place}={shown(text)}: {unread[0]} stands for nothing here. Write the whole path")
        if not scheme:
            is_below = below and not text.startswith(("/", "./", "../", "~"))
            text = f"{below}/{text}" if is_below else _absolute(place, text)
            if not text.startswith("s3://") and max(map(len, map(os.fsencode, text.split("/")))) > MOST_BYTES_OF_A_NAME:
                raise LakeError(f"{place} has a name of more than {MOST_BYTES_OF_A_NAME} bytes, which no disk takes")
        text = text if text in ("/", "s3://") else text.rstrip("/")
        if text.startswith("s3://"):
            bucket, _, key = text.removeprefix("s3://").partition("/")
            if not BUCKET.fullmatch(bucket):
                raise LakeError(f"{place}={text}: {bucket!r} is not a bucket's name. Write s3://bucket/prefix")
            if wrong := set(key) & set("?\\" if is_glob_allowed else "?*[\\"):
                raise LakeError(
                    f"{place}={text}: a key with {' '.join(sorted(wrong))} cannot be read from S3. {RENAME}"
                )
            if key and {"", ".", ".."} & set(key.split("/")):
                raise LakeError(
                    f"{place}={text}: S3 takes no //, . or .. in a key for what a folder does. Leave them out"
                )
        elif not is_glob_allowed and (wrong := set(text) & set("*?[")):
            raise LakeError(f"{place}={text}: DuckDB takes {' '.join(sorted(wrong))} for a wildcard. {RENAME}")
        return text

    def database(self, default: str) -> str:
        """Path of the DuckDB file; dbt makes the database's name of the file's, and quotes it without escaping."""
        name = "AUTO_TRAIN_DATABASE"
        path, place = self.location(name, default), self.named(name)
        stem = Path(path).stem
        if place != name and stem != Path(DATABASE).stem:
            # profiles.yml knows nothing of entries
            raise LakeError(f"{place}={path}: the file's name must be {DATABASE} in an entry. Choose its folder only")
        as_dbt_reads_it = os.path.splitext(os.path.basename(self.environment.get(name) or path))[0]
        if stem != as_dbt_reads_it:
            raise LakeError(f"{place}={path}: write it without blanks around it, and as a path")
        if not re.fullmatch(r"[\w .+-]*\w[\w .+-]*", stem) or stem.lower() in ("temp", "system", "memory"):
            raise LakeError(
                f"{place}={path}: a file's name of letters, digits, '_', '-' and '.' is needed, and not temp, "
                "system or memory, which DuckDB has for itself"
            )
        return path

    def endpoint(self, name: str) -> str:
        """URL of a service, without a slash at its end."""
        text = self.text(name)
        if not text:
            return ""
        try:
            url = urlsplit(text)
            is_url = url.scheme in ("http", "https") and url.hostname and (url.port is None or url.port > 0)
        except ValueError:
            is_url = False
        if not is_url or url.path.strip("/") or url.query or url.fragment or "@" in url.netloc:
            raise LakeError(
                f"{self.named(name)}={shown(text)}: the URL of a service is needed, without a path: "
                "https://s3.lab.org:9000"
            )
        return f"{url.scheme}://{url.netloc}"


def _field(name: str) -> str:
    return name.removeprefix("AUTO_TRAIN_").lower()


def _check_manager(manager: str) -> None:
    is_name = re.fullmatch(r"[\w.-]{1,100}", manager) and any(map(str.isalnum, manager))
    if not is_name or manager.startswith(".") or manager.endswith("."):
        raise LakeError(
            f"AUTO_TRAIN_MANAGER={manager!r}: a manager's name has letters, digits, '_', '-' and '.' only, no '.' at "
            "either end, and at most a hundred of them"
        )
    # df_manager_stats_demo.parquet would be the stats of demo and the df_manager of stats_demo; some storages do not
    # tell small letters from capitals
    if manager.casefold().startswith("stats_"):
        raise LakeError(f"AUTO_TRAIN_MANAGER={manager}: its df_manager would be the stats of {manager[6:]}. {RENAME}")


def _path_of_file_url(name: str, text: str) -> str:
    url = urlsplit(text)
    path = unquote(url.path)
    if not text.startswith("file:///") or url.query or url.fragment or not path.isprintable():
        raise LakeError(f"{name}={text}: a file's URL is file:///absolute/path. Write that, or the path alone")
    return path


def _absolute(name: str, path: str) -> str:
    """A path that does not depend on the working directory."""
    try:
        return (ROOT / Path(path).expanduser()).as_posix()
    except RuntimeError:
        raise LakeError(f"{name}={path}: there is no home folder of that name. Write the whole path") from None


def shown(location: str) -> str:
    """A location as people read it: relative where it is below the working directory, and without what gives access."""
    if location.startswith(("http://", "https://")):
        scheme, _, rest = re.split(r"[?#]", location)[0].partition("://")
        host, slash, path_there = rest.partition("/")
        return f"{scheme}://{host.rpartition('@')[2]}{slash}{path_there}"
    path = Path(location)
    return path.relative_to(Path.cwd()).as_posix() if path.is_relative_to(Path.cwd()) else location
