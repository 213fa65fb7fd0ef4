"""Tables that labs have: pickles of the existing pipeline, CSV and several parquet files, as good as one parquet."""

import gzip
import json
import os
import pickle
import re
import subprocess
import time
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from auto_train.lake import LakeError, Settings
from auto_train.nights import inputs
from tests import pickles, s3
from tests.conftest import Project
from tests.mice import GOOD_MOUSE, mouse

pytestmark = pytest.mark.xdist_group("inputs")

FIRST = " union all by name ".join([GOOD_MOUSE, mouse("00042"), mouse("700002", current_stage_actual="'STAGE_2'")])
FOURTH_DAY = mouse("700001", session="4", foraging_eff="0.9", session_date="'2024-01-04'")
SECOND = f"{FIRST} union all by name {FOURTH_DAY}"
# the newest session of a mouse that has not run on is decided anew
THIRD = SECOND.replace("'STAGE_2'", "'STAGE_1'")
NIGHTS = (FIRST, SECOND, THIRD)


def decisions(df_manager: Path) -> list[tuple]:
    columns = "columns(c -> c not in ('run_id', 'first_published_at'))"
    return duckdb.sql(f"select {columns} from '{df_manager}' order by subject_id, session").fetchall()


@pytest.fixture(scope="module")
def from_parquet(tmp_path_factory: pytest.TempPathFactory) -> list[list[tuple]]:
    """What each night decides where df_behavior is parquet."""
    project, found = Project(tmp_path_factory.mktemp("parquet")), []
    for night in NIGHTS:
        project.write_behavior(night)
        project.decide()
        found.append(decisions(project.published()))
    assert [len(night) for night in found] == [5, 6, 6]
    assert found[1] != found[2]
    return found


@pytest.fixture
def own(project: Project) -> Project:
    """A project whose database, and so what is made of its inputs, is its own."""
    project.workplace = project.folder
    project.environment["AUTO_TRAIN_DATABASE"] = str(project.folder / "database.duckdb")
    return project


def inputs_of(manifest: bytes) -> list[dict]:
    return json.loads(manifest)["inputs"]


def test_the_pickle_of_the_existing_pipeline_feeds_night_after_night(
    own: Project, from_parquet: list[list[tuple]]
) -> None:
    own.environment["AUTO_TRAIN_DF_BEHAVIOR"] = "df_sessions.pkl"
    file = own.lake / "df_sessions.pkl"
    for number, night in enumerate(NIGHTS):
        pickles.of_the_existing_pipeline(duckdb.sql(night).df(), session_is_a_level=number == 1).to_pickle(file)
        own.decide()
        assert decisions(own.published()) == from_parquet[number]
        [named] = inputs_of((own.lake / "foraging_auto_training/manifest_test.json").read_bytes())
        assert (named["path"], named["bytes"]) == (str(file), file.stat().st_size)
    freshness = own.dbt("source", "freshness", "--select", "source:lake.df_behavior")
    assert freshness == (True, "")


def test_the_pickle_may_lie_in_s3(
    on_s3: Project, own: Project, s3_server: s3.Server, from_parquet: list[list[tuple]]
) -> None:
    own.environment |= {"AUTO_TRAIN_DF_BEHAVIOR": "tables/df_sessions.pkl"}
    assert own.environment["AUTO_TRAIN_LAKE"] == on_s3.environment["AUTO_TRAIN_LAKE"]
    bucket, client, file = on_s3.environment["AUTO_TRAIN_LAKE"].split("/")[2], s3_server.client(), own.folder / "some"
    for number, night in enumerate(NIGHTS[:2]):
        pickles.of_the_existing_pipeline(duckdb.sql(night).df()).to_pickle(file)
        client.upload_file(str(file), bucket, "mice/night/tables/df_sessions.pkl")
        own.decide()
        of = "mice/night/foraging_auto_training/{}"
        client.download_file(bucket, of.format("df_manager_test.parquet"), str(own.folder / "df_manager.parquet"))
        assert decisions(own.folder / "df_manager.parquet") == from_parquet[number]
        manifest = client.get_object(Bucket=bucket, Key=of.format("manifest_test.json"))["Body"].read()
        assert [entry["path"] for entry in inputs_of(manifest)] == [f"s3://{bucket}/mice/night/tables/df_sessions.pkl"]
    assert len(list((own.folder / "inputs").rglob("*.parquet"))) == 2


def test_csv_files_of_several_days_are_one_table(own: Project, from_parquet: list[list[tuple]]) -> None:
    own.environment["AUTO_TRAIN_DF_BEHAVIOR"] = "days/**/*.csv"
    for number, part in enumerate(("session = 1", "session > 1")):
        table = duckdb.sql(f"select * from ({SECOND}) where {part}").df()
        # the second has its curriculum's name only in its folder's
        folder = own.lake / "days" / ("all" if number == 0 else "curriculum_name=Coupled Baiting")
        folder.mkdir(parents=True)
        table = table.drop(columns=["curriculum_name"] * number)
        table.to_csv(folder / f"{number}.csv", sep=",;"[number], encoding="utf-8-sig", na_rep=["", "NA"][number])
    own.decide()
    assert decisions(own.published()) == from_parquet[1]


class Converter:
    """What the plugin asks, without dbt."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def files(self, df_behavior: str) -> list[str]:
        settings = Settings(str(self.folder), str(self.folder / df_behavior), "test", str(self.folder / "d.duckdb"), "")
        with duckdb.connect() as connection:
            found = inputs.as_parquet(connection, settings)
        return [found] if isinstance(found, str) else found

    def refused(self, df_behavior: str) -> str:
        with pytest.raises(LakeError) as error:
            self.files(df_behavior)
        line = str(error.value)
        assert line.startswith(f"df_behavior at {self.folder / df_behavior}")
        assert "\n" not in line
        assert list((self.folder / "inputs").rglob("*")) == []
        return line


@pytest.fixture
def converter(tmp_path: Path) -> Converter:
    return Converter(tmp_path)


class _Hostile:
    def __init__(self, trap: Path) -> None:
        self.trap = trap

    def __reduce__(self) -> tuple:
        return (subprocess.call, (["touch", str(self.trap)],))


def test_a_table_that_cannot_be_used_is_refused_in_one_line(converter: Converter, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    table = pickle.dumps(pd.DataFrame({"subject_id": ["1"]}))
    refused = {
        "hostile.pkl": (pickle.dumps(_Hostile(trap)), r"the pickle asks for subprocess\.call.*refused"),
        "cut.pkl": (table[: len(table) // 2], "cannot be read as a pickled table"),
        "none.pkl": (b"", "cannot be read as a pickled table: it ends too early"),
        "login.pkl": (b"<html>sign in</html>", "It does not begin like a pickle"),
        "list.PICKLE": (pickle.dumps([1]), "holds a list, not a table"),
        "zipped.pkl": (gzip.compress(table), "It does not begin like a pickle: is it compressed"),
        "rows.csv": (b"subject_id,session\n1,2\n3\n", "cannot be read as CSV: .*Expected 2 columns, got 1"),
        "empty.csv": (b"\n", "has no header"),
        "twice.csv": (b"session,subject_id,session\n1,2,3\n", "its header names session twice"),
        "old_mac.csv": (b"subject_id,session\r1,2\r3\r", "cannot be read as CSV: .*Expected 2 columns, got 1"),
    }
    for name, (content, why) in refused.items():
        (tmp_path / name).write_bytes(content)
        assert re.search(why, converter.refused(name)), name
    assert not trap.exists()


def test_a_table_that_eats_memory_is_stopped_by_the_limit(
    converter: Converter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inputs, "MEMORY", 1_500_000_000)
    pd.DataFrame({"subject_id": [pickles.nested(9)]}).to_pickle(tmp_path / "small.pkl")
    assert (tmp_path / "small.pkl").stat().st_size < 3_000
    assert "needs more than 1.4 GB of memory to read: refused" in converter.refused("small.pkl")
    pd.DataFrame({"subject_id": [pickles.nested(2)]}).to_pickle(tmp_path / "small.pkl")
    assert len(converter.files("small.pkl")) == 1


def test_a_table_that_takes_for_ever_or_crashes_its_reader_is_one_line(
    converter: Converter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "some.pkl").write_bytes(b"")
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\nsleep 20 > /dev/null 2>&1\n")
    program.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(program))
    monkeypatch.setattr(inputs, "SECONDS", 0.1)
    assert "takes longer than" in converter.refused("some.pkl")
    program.write_text("#!/bin/sh\nkill -SEGV $$\n")
    monkeypatch.setattr(inputs, "SECONDS", 20)
    assert "crashes what reads it (-11)" in converter.refused("some.pkl")


def test_what_reads_a_table_has_no_credentials(
    converter: Converter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\nenv > {tmp_path}/seen\ntouch $5\n")
    program.chmod(0o755)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setattr("sys.executable", str(program))
    (tmp_path / "some.pkl").write_bytes(b"")
    converter.files("some.pkl")
    assert "PATH=" in (tmp_path / "seen").read_text()
    assert "secret" not in (tmp_path / "seen").read_text()


def test_a_file_is_converted_again_only_when_it_changed(
    converter: Converter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    converted = []
    convert = inputs._convert
    monkeypatch.setattr(inputs, "_convert", lambda *of: (converted.append(of[3]), convert(*of)))
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("subject_id\n00042\n")
    first = converter.files("*.csv")
    assert converter.files("*.csv") == first
    assert len(converted) == 2
    before = (tmp_path / "b.csv").stat()
    (tmp_path / "b.csv").write_text("subject_id\n00043\n")
    os.utime(tmp_path / "b.csv", ns=(before.st_atime_ns, before.st_mtime_ns))
    second = converter.files("*.csv")
    assert converted[2:] == [str(tmp_path / "b.csv")]
    assert second[0] == first[0]
    assert duckdb.execute("select * from read_parquet(?)", [second]).fetchall() == [("00042",), ("00043",)]
    # what no run has used for long goes; what another one may be reading stays
    assert Path(first[1]).exists()
    old = time.time() - inputs.KEPT_SECONDS - 60
    for path in (*first, *second):
        os.utime(path, (old, old))
    converter.files("*.csv")
    assert [Path(path).exists() for path in (*first, second[1])] == [True, False, True]


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ("subject_id,session,at\n00042,1.0,2024-01-01\n", [("00042", "1.0", "2024-01-01")]),
        ('subject_id;session;at\r\n"a;b";NA;None\r\n', [("a;b", None, None)]),
        ('subject_id\tsession\tat\n"two\nlines"\tnan\t""\n', [("two\nlines", None, None)]),
        (",subject_id,session,at\n0,é,<NA>,NULL\n", [("é", None, None)]),
        ("subject_id,session,at\n", []),
    ],
)
def test_what_is_in_a_csv_file_stays_text_as_it_is(
    content: str, rows: list[tuple], converter: Converter, tmp_path: Path
) -> None:
    for encoding in ("utf-8", "utf-8-sig", "cp1252"):
        (tmp_path / "some.csv").write_bytes(content.encode(encoding))
        [made] = converter.files("some.csv")
        table = duckdb.execute("from read_parquet(?)", [made])
        assert [(column[0], str(column[1])) for column in table.description] == [
            (name, "VARCHAR") for name in ("subject_id", "session", "at")
        ]
        assert table.fetchall() == rows


@pytest.mark.parametrize(
    ("named", "kind"),
    [
        ("/lake/df_sessions.pkl", "pickle"),
        ("s3://lab/mice/*.PKL", "pickle"),
        ("https://lab.org/df.csv?signature=x.pkl", "csv"),
        ("https://lab.org/df.parquet?signature=x.pkl", None),
        ("/lake/df_behavior.parquet", None),
        # what a wildcard happens to find is not what somebody asked for
        ("/lake/*", None),
    ],
)
def test_only_the_ending_that_people_named_makes_a_pickle_of_a_file(named: str, kind: str | None) -> None:
    assert inputs.kind_of(named) == kind


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("https://lab.org/df.csv?key=S3CRET&x=1", "403 at https://lab.org/df.csv now"),
        ("https://lab.org/df.csv", "403 at https://lab.org/df.csv now"),
        # a question mark is a wildcard elsewhere
        ("/lab/df?.csv", "403 at /lab/df?.csv now"),
    ],
)
def test_what_duckdb_says_of_a_url_is_repeated_in_a_line_without_its_query(location: str, said: str) -> None:
    assert inputs._without_query(ValueError(f"403 at {location}\n  now"), location) == said


def test_a_pickle_or_csv_that_is_not_there_is_one_line(converter: Converter, own: Project) -> None:
    assert "there is no such file" in converter.refused("none*.pkl")
    own.environment["AUTO_TRAIN_DF_BEHAVIOR"] = "none.pkl"
    succeeded, problem = own.dbt("build")
    assert (succeeded, problem.count("there is no df_behavior at")) == (False, 1)


def test_simulated_mice_are_not_written_into_a_pickle_or_csv(own: Project) -> None:
    own.environment["AUTO_TRAIN_DF_BEHAVIOR"] = "df_sessions.pkl"
    done = own.command("-m", "scripts", "simulate")
    assert done.returncode == 2
    assert "simulated mice are written as parquet" in done.stderr
    assert not list(own.lake.iterdir())
