"""``auto-train simulate`` writes over nothing unasked, and never into S3."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from auto_train.simulation.bench import HEADER, row
from scripts.simulate import command
from tests import s3


def simulate(*options: str) -> Result:
    return CliRunner().invoke(command, ["--mice", "1", "--sessions-per-mouse", "3", *options])


@pytest.fixture
def behavior(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AUTO_TRAIN_LAKE", str(tmp_path))
    return tmp_path / "df_behavior.parquet"


def test_a_measurement_of_the_bench_stands_below_its_header() -> None:
    measured = {
        "sessions": 3000, "seconds": 10.0, "memory": 2.5, "start": 4.0, "floor": 1.5, "second_night": 7.0,
    }  # fmt: skip
    assert row(measured).split() == ["3,000", "10.0", "300", "2.50", "4.0", "1.50", "4.0", "7.0"]
    assert len(row(measured)) == len(HEADER)


def test_a_table_that_is_there_is_replaced_only_when_asked(behavior: Path) -> None:
    for options in ([], ["--if-missing"]):
        behavior.unlink(missing_ok=True)
        assert simulate(*options).exit_code == 0
        assert behavior.read_bytes().startswith(b"PAR1")
    behavior.write_bytes(b"the lab's own")
    for options in ([], ["--out", str(behavior)]):
        refused = simulate(*options)
        assert "is there already. Replace it with --overwrite" in str(refused.exception)
    assert simulate("--if-missing").exit_code == 0
    assert behavior.read_bytes() == b"the lab's own"
    assert simulate("--overwrite").exit_code == 0
    assert behavior.read_bytes().startswith(b"PAR1")


def test_a_pattern_of_files_gets_no_simulated_ones_beside_them(behavior: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTO_TRAIN_DF_BEHAVIOR", "nights/*.parquet")
    assert "mice are written into a folder only" in str(simulate("--if-missing").exception)
    file = behavior.parent / "nights/1.parquet"
    file.parent.mkdir()
    file.touch()
    assert simulate("--if-missing").exit_code == 0
    assert "mice are written into a folder only" in str(simulate("--overwrite").exception)
    assert [path.name for path in behavior.parent.rglob("*")] == ["nights", "1.parquet"]


def test_nothing_simulated_is_written_into_s3(
    s3_server: s3.Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    bucket = s3_server.bucket("simulated")
    for name, value in (s3_server.environment | {"AUTO_TRAIN_LAKE": f"s3://{bucket}/mice"}).items():
        monkeypatch.setenv(name, value)
    missing = simulate("--if-missing")
    assert missing.exit_code == 1
    assert str(missing.exception).startswith("there is no df_behavior at s3://simulated/mice/df_behavior.parquet")
    assert "AUTO_TRAIN_LAKE or AUTO_TRAIN_DF_BEHAVIOR" in str(missing.exception)
    for options in ([], ["--overwrite"]):
        assert "mice are written into a folder only" in str(simulate(*options).exception)
    assert s3_server.client().list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    s3_server.client().put_object(Bucket=bucket, Key="mice/df_behavior.parquet", Body=b"the lab's own")
    assert simulate("--if-missing").exit_code == 0
    assert simulate("--out", "own.parquet").exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["own.parquet"]
    monkeypatch.setenv("AUTO_TRAIN_DF_BEHAVIOR", "https://lab.org/df_behavior.parquet?X-Amz-Signature=5e1f")
    assert simulate("--if-missing").exit_code == 0
    assert "5e1f" not in str(simulate().exception)
