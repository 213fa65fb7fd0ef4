"""The lake: the folder or S3 prefix that df_behavior is read from and df_manager is published to.

Settings come from the environment; see the README for each. Credentials of S3 come from boto3's chain.
"""

import base64
import fcntl
import hashlib
import io
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Protocol
from urllib.parse import urlparse

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

PUBLISHED = "foraging_auto_training"
CURRICULA = f"{PUBLISHED}/saved_curriculums"


class LakeError(RuntimeError):
    """The lake cannot be used as it is; the message says what is wrong, where, and what to do."""


class MissingFileError(LakeError):
    """There is no such file."""


@dataclass(frozen=True)
class Settings:
    """What the environment says.

    Attributes:
        lake: folder or ``s3://bucket/prefix`` of input and output, without a slash at its end.
        df_behavior: path, URL or glob of the per-session table.
        manager: name of the manager, part of the names of published files.
        database: path of the DuckDB file.
        s3_endpoint: URL of an S3 service other than AWS; empty for AWS.
        mirror: folder or prefix that gets a copy of all that is published; empty for none.
        keep_runs: how many earlier publications are kept to roll back to.
        legacy_pickle: whether df_manager is published as a pickle too.
    """

    lake: str
    df_behavior: str
    manager: str
    database: str
    s3_endpoint: str
    mirror: str = ""
    keep_runs: int = 30
    legacy_pickle: bool = False

    @classmethod
    def from_environment(cls) -> "Settings":
        """Read the settings.

        Raises:
            LakeError: a setting cannot be used.
        """
        lake = os.environ.get("AUTO_TRAIN_LAKE") or "lake"
        lake = lake.rstrip("/") or "/"
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
        legacy_pickle = os.environ.get("AUTO_TRAIN_LEGACY_PICKLE") or "no"
        if legacy_pickle not in ("yes", "no"):
            raise LakeError(f"AUTO_TRAIN_LEGACY_PICKLE={legacy_pickle!r}: yes or no is needed")
        return cls(
            lake=lake,
            df_behavior=behavior if of_its_own else f"{lake}/{behavior}",
            manager=manager,
            database=os.environ.get("AUTO_TRAIN_DATABASE") or "target/auto_train.duckdb",
            s3_endpoint=os.environ.get("AUTO_TRAIN_S3_ENDPOINT") or "",
            mirror=(os.environ.get("AUTO_TRAIN_MIRROR") or "").rstrip("/"),
            keep_runs=int(keep_runs),
            legacy_pickle=legacy_pickle == "yes",
        )

    def published(self, table: str, kind: str = "parquet") -> str:
        """Path below the lake of a published table, e.g. of ``df_manager``."""
        return f"{PUBLISHED}/{table}_{self.manager}.{kind}"


class Lake(Protocol):
    """Where files are published. Paths are below the lake's location, with forward slashes."""

    location: str

    def check_reachable(self) -> None:
        """Raise a `LakeError` when nothing could be published here."""

    def check_readable(self, path: str) -> None:
        """Raise a `LakeError` that says what to do when the file is missing or must not be read."""

    def exists(self, path: str) -> bool:
        """Whether there is such a file; raises a `LakeError` where that cannot be known."""

    def tag(self, path: str) -> str | None:
        """What tells one content of a file from another (on S3 its ETag), None where there is no such file."""

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


def open_lake(location: str, settings: Settings) -> "Lake":
    """The lake at a location: an S3 bucket for ``s3://…``, else a folder."""
    return S3Lake(location, settings.s3_endpoint) if location.startswith("s3://") else LocalLake(location)


@dataclass(frozen=True)
class LocalLake:
    """A folder."""

    location: str

    def check_reachable(self) -> None:
        if Path(self.location).exists() and not Path(self.location).is_dir():
            raise LakeError(f"AUTO_TRAIN_LAKE={self.location} is no folder")

    def check_readable(self, path: str) -> None:
        file = Path(self.location, path)
        if not file.exists():
            raise LakeError(
                f"there is no df_behavior at {file}. Put it there, name another with AUTO_TRAIN_LAKE or "
                f"AUTO_TRAIN_DF_BEHAVIOR, or write simulated mice: make simulate"
            )

    def exists(self, path: str) -> bool:
        return Path(self.location, path).exists()

    def tag(self, path: str) -> str | None:
        file = Path(self.location, path)
        try:
            return _md5(file)
        except FileNotFoundError:
            return None

    def read(self, path: str) -> bytes:
        try:
            return Path(self.location, path).read_bytes()
        except FileNotFoundError:
            raise MissingFileError(f"there is no file {self.location}/{path}") from None

    def paths(self, folder: str) -> list[str]:
        root = Path(self.location)
        # unlike rglob, walk does not mind folders that another run removes meanwhile
        files = (Path(parent, name) for parent, _, names in os.walk(root / folder) for name in names)
        return sorted(path.relative_to(root).as_posix() for path in files if not path.name.startswith("."))

    def publish(self, content: BinaryIO, path: str) -> None:
        with self._beside(content, path) as (beside, target):
            os.replace(beside, target)

    def replace(self, content: BinaryIO, path: str, expected: str | None) -> str | None:
        with self._beside(content, path) as (beside, target), self._one_at_a_time(target.parent):
            if self.tag(path) != expected:
                return None
            tag = _md5(beside)
            os.replace(beside, target)
        return tag

    def copy(self, path: str, to: Lake, to_path: str) -> None:
        with Path(self.location, path).open("rb") as content:
            to.publish(content, to_path)

    def remove(self, path: str) -> None:
        file = Path(self.location, path)
        file.unlink(missing_ok=True)
        with suppress(OSError):  # a folder goes with its last file
            file.parent.rmdir()

    @contextmanager
    def _one_at_a_time(self, folder: Path) -> Iterator[None]:
        """Between looking and renaming no other run may rename; the lock goes with its process, however it ends."""
        with (folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextmanager
    def _beside(self, content: BinaryIO, path: str) -> Iterator[tuple[Path, Path]]:
        """The content in a hidden file beside its place, on disk for good; what is left of it is removed."""
        target = Path(self.location, path)
        beside = None
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
            beside = Path(name)
            with os.fdopen(handle, "wb") as out:
                shutil.copyfileobj(content, out, 1 << 20)
                out.flush()
                os.fsync(out.fileno())
            beside.chmod(0o644)
            yield beside, target
        except OSError as error:
            raise LakeError(f"cannot write {target}: {error.strerror}. What was there is untouched") from None
        finally:
            if beside:
                beside.unlink(missing_ok=True)
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@dataclass(frozen=True)
class S3Lake:
    """A prefix of a bucket."""

    location: str
    endpoint: str = ""

    @property
    def bucket(self) -> str:
        return urlparse(self.location).netloc

    def key(self, path: str) -> str:
        """The object's key for a path below the lake."""
        return f"{urlparse(self.location).path.strip('/')}/{path}".lstrip("/")

    @cached_property
    def client(self) -> Any:
        """The boto3 client, made once: credentials, region and profile come from boto3's chain."""
        return s3_client(self.endpoint)

    def check_reachable(self) -> None:
        """Raise a `LakeError` when the bucket is missing or refuses the credentials."""
        with self._explaining(f"s3://{self.bucket}"):
            self.client.list_objects_v2(Bucket=self.bucket, Prefix=self.key(""), MaxKeys=1)

    def check_readable(self, path: str) -> None:
        with self._explaining(self._where(path)):
            self.client.list_objects_v2(Bucket=self.bucket, Prefix=self.key(path), MaxKeys=1)
            self.client.head_object(Bucket=self.bucket, Key=self.key(path))

    def exists(self, path: str) -> bool:
        return self.tag(path) is not None

    def tag(self, path: str) -> str | None:
        with self._explaining(self._where(path)):
            try:
                return self.client.head_object(Bucket=self.bucket, Key=self.key(path))["ETag"].strip('"')
            except ClientError as error:
                if _status(error) == 404:
                    return None
                raise

    def read(self, path: str) -> bytes:
        with self._explaining(self._where(path)):
            return self.client.get_object(Bucket=self.bucket, Key=self.key(path))["Body"].read()

    def paths(self, folder: str) -> list[str]:
        with self._explaining(self._where(folder)):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=self.key(folder).rstrip("/") + "/"
            )
            keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        return sorted(key.removeprefix(self.key("")) for key in keys)

    def publish(self, content: BinaryIO, path: str) -> None:
        with self._explaining(self._where(path)):
            self._put(path, content.read())

    def replace(self, content: BinaryIO, path: str, expected: str | None) -> str | None:
        text = content.read()
        condition = {"IfNoneMatch": "*"} if expected is None else {"IfMatch": f'"{expected}"'}
        with self._explaining(self._where(path)):
            try:
                return self._put(path, text, **condition)
            except ClientError as error:
                if _status(error) not in (404, 409, 412):
                    raise
            # an answer may get lost and the client asks again: then what is there is ours
            tag = self.tag(path)
            return tag if tag and self.read(path) == text else None

    def copy(self, path: str, to: Lake, to_path: str) -> None:
        if not isinstance(to, S3Lake):
            to.publish(io.BytesIO(self.read(path)), to_path)
            return
        with self._explaining(to._where(to_path)):
            source = {"Bucket": self.bucket, "Key": self.key(path)}
            self.client.copy_object(CopySource=source, Bucket=to.bucket, Key=to.key(to_path))

    def remove(self, path: str) -> None:
        with self._explaining(self._where(path)):
            self.client.delete_object(Bucket=self.bucket, Key=self.key(path))

    def _put(self, path: str, content: bytes, **condition: str) -> str:
        """Without the checksum, some services store what arrived when a run is killed while it sends."""
        md5 = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
        put = self.client.put_object(Bucket=self.bucket, Key=self.key(path), Body=content, ContentMD5=md5, **condition)
        return put["ETag"].strip('"')

    def _where(self, path: str) -> str:
        return f"s3://{self.bucket}/{self.key(path)}"

    @contextmanager
    def _explaining(self, where: str) -> Iterator[None]:
        if self.endpoint:
            where += f" at {self.endpoint}"
        try:
            yield
        except ClientError as error:
            is_missing = error.response.get("Error", {}).get("Code") in ("404", "NoSuchKey")
            raise (MissingFileError if is_missing else LakeError)(_explained(error, where)) from None
        except NoCredentialsError:
            raise LakeError(
                f"no AWS credentials for {where}: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
                "or run where a role gives them"
            ) from None
        except BotoCoreError as error:
            raise LakeError(f"cannot reach {where}: {error}") from None


def _md5(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def s3_client(endpoint: str) -> Any:
    """A boto3 S3 client for AWS or, with an endpoint's URL, for another service."""
    config = Config(
        retries={"mode": "standard", "max_attempts": 5},
        s3={"addressing_style": "path" if endpoint else "auto"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    session = boto3.Session()
    return session.client(
        "s3", endpoint_url=endpoint or None, config=config, region_name=session.region_name or "us-east-1"
    )


def _explained(error: ClientError, where: str) -> str:
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = _status(error)
    if code in ("NoSuchBucket",):
        return f"there is no such bucket: {where}. Check AUTO_TRAIN_LAKE and AUTO_TRAIN_S3_ENDPOINT"
    if code in ("404", "NoSuchKey"):
        return f"there is no file {where}. Check AUTO_TRAIN_LAKE and AUTO_TRAIN_DF_BEHAVIOR"
    if code in ("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken"):
        return f"S3 refused the credentials for {where} ({code}): check the profile, key or role in use"
    if code == "400":
        return f"S3 refused the credentials for {where}, or the request (400): they may have expired during the run"
    if status == 403:
        return f"access to {where} is denied ({code}): the role or key in use lacks the permission"
    return f"S3 answered {code or status} for {where}: {error.response.get('Error', {}).get('Message', '')}"


def _status(error: ClientError) -> int | None:
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
