"""The lake: the folder or S3 prefix that df_behavior is read from and df_manager is published to.

Settings come from the environment; see the README for each. Credentials of S3 come from boto3's chain.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
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


@dataclass(frozen=True)
class Settings:
    """What the environment says.

    Attributes:
        lake: folder or ``s3://bucket/prefix`` of input and output, without a slash at its end.
        df_behavior: path, URL or glob of the per-session table.
        manager: name of the manager, part of the names of published files.
        database: path of the DuckDB file.
        s3_endpoint: URL of an S3 service other than AWS; empty for AWS.
    """

    lake: str
    df_behavior: str
    manager: str
    database: str
    s3_endpoint: str

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
        return cls(
            lake=lake,
            df_behavior=behavior if of_its_own else f"{lake}/{behavior}",
            manager=manager,
            database=os.environ.get("AUTO_TRAIN_DATABASE") or "target/auto_train.duckdb",
            s3_endpoint=os.environ.get("AUTO_TRAIN_S3_ENDPOINT") or "",
        )

    def published(self, table: str) -> str:
        """Path below the lake of a published table, e.g. of ``df_manager``."""
        return f"{PUBLISHED}/{table}_{self.manager}.parquet"


class Lake(Protocol):
    """Where files are published. Paths are below the lake's location, with forward slashes."""

    location: str

    def check_reachable(self) -> None:
        """Raise a `LakeError` when nothing could be published here."""

    def check_readable(self, path: str) -> None:
        """Raise a `LakeError` that says what to do when the file is missing or must not be read."""

    def exists(self, path: str) -> bool:
        """Whether there is such a file; raises a `LakeError` where that cannot be known."""

    def checksum(self, path: str) -> str | None:
        """MD5 of a file in hex as the lake knows it, None where there is no such file."""

    def read(self, path: str) -> bytes:
        """The content of a file."""

    def paths(self, folder: str) -> list[str]:
        """Files below a folder, sorted."""

    def publish(self, content: BinaryIO, path: str) -> None:
        """Put the content at the path: whole or not at all, over what was there."""

    def create(self, content: BinaryIO, path: str) -> bool:
        """Put the content at the path unless a file is there, which is left alone; returns whether it was put."""


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

    def checksum(self, path: str) -> str | None:
        file = Path(self.location, path)
        return hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest() if file.exists() else None

    def read(self, path: str) -> bytes:
        return Path(self.location, path).read_bytes()

    def paths(self, folder: str) -> list[str]:
        root = Path(self.location)
        files = (path for path in (root / folder).rglob("*") if path.is_file() and not path.name.startswith("."))
        return sorted(path.relative_to(root).as_posix() for path in files)

    def publish(self, content: BinaryIO, path: str) -> None:
        with self._beside(content, path) as (beside, target):
            os.replace(beside, target)

    def create(self, content: BinaryIO, path: str) -> bool:
        with self._beside(content, path) as (beside, target):
            try:
                os.link(beside, target)
            except FileExistsError:
                return False
        return True

    @contextmanager
    def _beside(self, content: BinaryIO, path: str) -> Iterator[tuple[Path, Path]]:
        """The content in a hidden file beside its place, on disk for good; what is left of it is removed."""
        target = Path(self.location, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        beside = Path(name)
        try:
            with os.fdopen(handle, "wb") as out:
                shutil.copyfileobj(content, out, 1 << 20)
                out.flush()
                os.fsync(out.fileno())
            beside.chmod(0o644)
            yield beside, target
        finally:
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
        return self.checksum(path) is not None

    def checksum(self, path: str) -> str | None:
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
            self.client.put_object(Bucket=self.bucket, Key=self.key(path), Body=content)

    def create(self, content: BinaryIO, path: str) -> bool:
        with self._explaining(self._where(path)):
            try:
                self.client.put_object(Bucket=self.bucket, Key=self.key(path), Body=content, IfNoneMatch="*")
            except ClientError as error:
                if _status(error) == 412:
                    return False
                raise
        return True

    def _where(self, path: str) -> str:
        return f"s3://{self.bucket}/{self.key(path)}"

    @contextmanager
    def _explaining(self, where: str) -> Iterator[None]:
        if self.endpoint:
            where += f" at {self.endpoint}"
        try:
            yield
        except ClientError as error:
            raise LakeError(_explained(error, where)) from None
        except NoCredentialsError:
            raise LakeError(
                f"no AWS credentials for {where}: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
                "or run where a role gives them"
            ) from None
        except BotoCoreError as error:
            raise LakeError(f"cannot reach {where}: {error}") from None


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
    if status == 403:
        return f"access to {where} is denied ({code}): the role or key in use lacks the permission"
    return f"S3 answered {code or status} for {where}: {error.response.get('Error', {}).get('Message', '')}"


def _status(error: ClientError) -> int | None:
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
