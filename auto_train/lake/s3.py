"""A lake in an S3 bucket. Credentials come from boto3's chain."""

import base64
import hashlib
import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from importlib.resources import files
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import boto3
import duckdb
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
)

from auto_train.lake.errors import LakeError, MissingFileError
from auto_train.lake.settings import Settings
from auto_train.lake.storage import Lake

ATTEMPTS = 5


@dataclass(frozen=True)
class S3:
    """A prefix of a bucket."""

    location: str
    endpoint: str = ""

    @classmethod
    def at(cls, location: str, settings: Settings) -> "S3":
        return cls(location, settings.s3_endpoint)

    @property
    def bucket(self) -> str:
        return self.location.removeprefix("s3://").partition("/")[0]

    def key(self, path: str) -> str:
        """The object's key for a path below the lake."""
        # a URL's # and % are only letters here, as they are to DuckDB
        prefix = self.location.removeprefix("s3://").partition("/")[2].strip("/")
        return f"{prefix}/{path}".lstrip("/")

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
                return _tag(self.client.head_object(Bucket=self.bucket, Key=self.key(path)))
            except ClientError as error:
                if _status(error) == 404:
                    return None
                raise

    def versions(self, pattern: str) -> dict[str, str]:
        key = self.key(pattern)
        matches = re.compile(_as_regex(key))
        with self._explaining(self._where(pattern)):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=re.split(r"[*?[]", key)[0]
            )
            entries = [entry for page in pages for entry in page.get("Contents", [])]
        return {entry["Key"]: _tag(entry) for entry in entries if matches.fullmatch(entry["Key"])}

    def read(self, path: str) -> bytes:
        with self._explaining(self._where(path)):
            # boto3 retries requests, but not a body that breaks off
            for attempt in range(ATTEMPTS):
                answer = self.client.get_object(Bucket=self.bucket, Key=self.key(path))
                try:
                    content: bytes = answer["Body"].read()
                    return content
                except (HTTPClientError, IncompleteReadError):
                    if attempt == ATTEMPTS - 1:
                        raise
        raise AssertionError("the last attempt returns or raises")

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
            # if an answer got lost and boto3 retried, the object that refuses us is our own
            tag = self.tag(path)
            return tag if tag and self.read(path) == text else None

    def copy(self, path: str, to: Lake, to_path: str) -> None:
        if not isinstance(to, S3):
            to.publish(io.BytesIO(self.read(path)), to_path)
            return
        with self._explaining(to._where(to_path)):
            source = {"Bucket": self.bucket, "Key": self.key(path)}
            self.client.copy_object(CopySource=source, Bucket=to.bucket, Key=to.key(to_path))

    def remove(self, path: str) -> None:
        with self._explaining(self._where(path)):
            self.client.delete_object(Bucket=self.bucket, Key=self.key(path))

    def connect(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Load httpfs out of its wheel, and let DuckDB ask the same service in the same way as boto3 does."""
        load_httpfs(connection)
        endpoint, session = urlsplit(self.client.meta.endpoint_url), boto3.Session()
        # as boto3 does: a bucket with dots in its name is not part of a host that has a certificate
        is_path = not _is_aws(endpoint.hostname) or "." in self.bucket
        options = {
            "scope": f"s3://{self.bucket}/",
            "region": self.client.meta.region_name,
            "endpoint": endpoint.netloc,
            "url_style": "path" if is_path else "vhost",
            "use_ssl": str(endpoint.scheme == "https").lower(),
        }
        if credentials := session.get_credentials():
            frozen = credentials.get_frozen_credentials()
            options |= {"key_id": frozen.access_key, "secret": frozen.secret_key}
            if frozen.token:
                options["session_token"] = frozen.token
        given = ", ".join(f"{name} {_literal(value)}" for name, value in options.items())
        connection.execute(f'create or replace temporary secret "lake {self.bucket}" (type s3, {given})')

    def remove_leftovers(self, folder: str, older_than: timedelta) -> None:
        """Nothing to do: an object is there whole or not at all."""

    def _put(self, path: str, content: bytes, **condition: str) -> str:
        """Without the checksum, some services store what arrived when a run is killed while it sends."""
        md5 = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
        put = self.client.put_object(Bucket=self.bucket, Key=self.key(path), Body=content, ContentMD5=md5, **condition)
        return _tag(put)

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


def s3_client(endpoint: str) -> Any:
    """A boto3 S3 client for AWS or, with an endpoint's URL (ours, or one that AWS tools know), for another service."""
    session = boto3.Session()
    # boto3 alone among AWS tools does not look at AWS_REGION
    region = os.environ.get("AWS_REGION") or session.region_name or "us-east-1"

    def client(style: str) -> Any:
        config = Config(
            retries={"mode": "standard", "max_attempts": ATTEMPTS},
            s3={"addressing_style": style},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        return session.client("s3", endpoint_url=endpoint or None, config=config, region_name=region)

    try:
        made = client("path" if endpoint else "auto")
        # the environment or the profile may name another service too
        return made if endpoint or _is_aws(urlsplit(made.meta.endpoint_url).hostname) else client("path")
    except (BotoCoreError, ValueError) as error:
        raise LakeError(f"boto3 cannot be set up: {error}. Check the settings of AWS, AWS_… and the profile") from None


def load_httpfs(connection: duckdb.DuckDBPyConnection) -> None:
    """Let DuckDB read what is remote, with the extension out of its wheel."""
    extension = files("duckdb_extension_httpfs") / f"extensions/v{duckdb.__version__}/httpfs.duckdb_extension"
    connection.execute(f"load {_literal(str(extension))}")


def _is_aws(host: str | None) -> bool:
    return bool(host) and f".{host}".endswith((".amazonaws.com", ".amazonaws.com.cn"))


def _as_regex(pattern: str) -> str:
    """A pattern of DuckDB, in which * does not cross folders and ** does."""
    parts = re.split(r"(\*\*/?|\*|\?|\[[^]]+\])", pattern)
    signs = {"**/": "(.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(
        signs.get(part) or (part.replace("[!", "[^") if part[:1] == "[" else re.escape(part)) for part in parts
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
    status: int | None = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return status


def _tag(answer: dict[str, Any]) -> str:
    return str(answer["ETag"]).strip('"')


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
