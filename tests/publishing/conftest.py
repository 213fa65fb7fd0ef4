"""Settings of a lake in a folder and in a bucket of the S3 server."""

from dataclasses import replace
from pathlib import Path

import pytest

from auto_train.lake import Settings
from tests import s3


def settings_for(location: str, endpoint: str = "", **others: object) -> Settings:
    return replace(Settings(location, f"{location}/df_behavior.parquet", "test", "", endpoint), **others)


@pytest.fixture
def in_a_bucket(s3_server: s3.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    return settings_for(f"s3://{s3_server.bucket(f'lab-{abs(hash(tmp_path)) % 10**9}')}/mice", s3_server.endpoint)


@pytest.fixture(params=["folder", "s3"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    if request.param == "s3":
        return request.getfixturevalue("in_a_bucket")
    return settings_for(str(tmp_path / "lake"))
