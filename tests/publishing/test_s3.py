"""The lake on S3, against a real server: the same decisions as in a folder, and clear errors."""

import io
import json
import re
from pathlib import Path
from urllib.parse import unquote

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import ClientError

from auto_train.lake import S3, LakeError, MissingFileError, Settings, open_lake
from auto_train.nights.dbt_plugin import connect_to_lake
from tests import s3
from tests.conftest import Project
from tests.mice import GOOD_MOUSE, mouse

NIGHTS = (
    " union all by name ".join([GOOD_MOUSE, mouse("700003", curriculum_version="'9.9'")]),
    " union all by name ".join([GOOD_MOUSE, mouse("700002"), mouse("700001", session="4", foraging_eff="0.9")]),
)


def upload_behavior(project: Project, server: s3.Server, sql: str) -> None:
    project.write_behavior(sql)
    bucket = project.environment["AUTO_TRAIN_LAKE"].split("/")[2]
    server.client().upload_file(str(project.lake / "df_behavior.parquet"), bucket, "mice/night/df_behavior.parquet")


def rows(parquet: Path) -> list[tuple]:
    """All rows, but for which run decided them and when."""
    return duckdb.sql(
        f"select columns(c -> c not in ('run_id', 'first_published_at')) from '{parquet}' order by all"
    ).fetchall()


def download(project: Project, server: s3.Server, table: str) -> bytes:
    bucket = project.environment["AUTO_TRAIN_LAKE"].split("/")[2]
    key = f"mice/night/foraging_auto_training/{table}_test.parquet"
    return server.client().get_object(Bucket=bucket, Key=key)["Body"].read()


def test_two_nights_on_s3_publish_the_same_bytes_as_in_a_folder(
    on_s3: Project, s3_server: s3.Server, tmp_path_factory: pytest.TempPathFactory
) -> None:
    local = Project(tmp_path_factory.mktemp("local"))
    for night in NIGHTS:
        local.write_behavior(night)
        local.decide()
        upload_behavior(on_s3, s3_server, night)
        on_s3.decide()
        for table in ("df_manager", "df_manager_stats"):
            there = on_s3.folder / f"{table}.parquet"
            there.write_bytes(download(on_s3, s3_server, table))
            assert rows(there) == rows(local.published(table))
    assert len(local.df_manager()) == 5
    assert not list(on_s3.lake.glob("foraging_auto_training/*"))


def test_df_behavior_may_stand_in_another_bucket_than_what_is_published(on_s3: Project, s3_server: s3.Server) -> None:
    upload_behavior(on_s3, s3_server, GOOD_MOUSE)
    on_s3.environment["AUTO_TRAIN_DF_BEHAVIOR"] = on_s3.environment["AUTO_TRAIN_LAKE"] + "/df_behavior.parquet"
    on_s3.environment["AUTO_TRAIN_LAKE"] = str(on_s3.lake)
    on_s3.decide()
    assert len(on_s3.df_manager()) == 3


def test_nothing_is_downloaded_at_run_time(on_s3: Project, s3_server: s3.Server) -> None:
    upload_behavior(on_s3, s3_server, GOOD_MOUSE)
    home = on_s3.folder / "home"
    home.mkdir()
    on_s3.environment["HOME"] = str(home)
    on_s3.decide()
    assert not list(home.rglob("*.duckdb_extension"))


def test_a_wrong_key_is_a_clear_error(on_s3: Project, s3_server: s3.Server) -> None:
    upload_behavior(on_s3, s3_server, GOOD_MOUSE)
    for wrong in ({"AWS_SECRET_ACCESS_KEY": "wrong"}, {"AWS_ACCESS_KEY_ID": "nobody"}):
        kept = dict(on_s3.environment)
        on_s3.environment |= wrong
        succeeded, problems = on_s3.dbt("build")
        assert not succeeded
        assert "S3 refused the credentials for s3://" in problems
        assert s3.SECRET not in problems
        on_s3.environment = kept


def test_no_credentials_are_a_clear_error(on_s3: Project) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del on_s3.environment[name]
    on_s3.environment |= {"AWS_SHARED_CREDENTIALS_FILE": "/nonexistent", "AWS_CONFIG_FILE": "/nonexistent"}
    succeeded, problems = on_s3.dbt("build")
    assert not succeeded
    assert "no AWS credentials for s3://" in problems


def test_a_missing_bucket_is_a_clear_error(on_s3: Project) -> None:
    on_s3.environment["AUTO_TRAIN_LAKE"] = "s3://no-such-bucket/mice"
    succeeded, problems = on_s3.dbt("build")
    assert not succeeded
    assert "there is no such bucket: s3://no-such-bucket" in problems


def test_a_missing_df_behavior_is_a_clear_error(on_s3: Project) -> None:
    succeeded, problems = on_s3.dbt("build")
    assert not succeeded
    assert "there is no file s3://" in problems
    assert "df_behavior.parquet" in problems


def test_a_service_that_does_not_answer_is_a_clear_error(on_s3: Project) -> None:
    on_s3.environment |= {"AUTO_TRAIN_S3_ENDPOINT": "http://127.0.0.1:1", "AWS_MAX_ATTEMPTS": "1"}
    succeeded, problems = on_s3.dbt("build")
    assert not succeeded
    assert "cannot reach s3://" in problems


def test_an_object_that_is_no_parquet_leaves_what_was_published(on_s3: Project, s3_server: s3.Server) -> None:
    upload_behavior(on_s3, s3_server, GOOD_MOUSE)
    on_s3.decide()
    before = download(on_s3, s3_server, "df_manager")
    bucket = on_s3.environment["AUTO_TRAIN_LAKE"].split("/")[2]
    s3_server.client().put_object(Bucket=bucket, Key="mice/night/df_behavior.parquet", Body=b"subject_id,session\n" * 9)
    succeeded, problems = on_s3.dbt("build")
    assert not succeeded
    assert "cannot be read as parquet" in problems
    assert download(on_s3, s3_server, "df_manager") == before


@pytest.mark.parametrize(
    ("endpoint", "options"),
    [
        ("", {"region=eu-west-1"}),
        ("https://s3.lab.org:9000", {"endpoint=s3.lab.org:9000", "url_style=path", "use_ssl=true"}),
        ("http://127.0.0.1:9000", {"endpoint=127.0.0.1:9000", "url_style=path", "use_ssl=false"}),
    ],
)
def test_duckdb_gets_what_boto3_knows(endpoint: str, options: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"ACCESS_KEY_ID": "o'key", "SECRET_ACCESS_KEY": "s", "SESSION_TOKEN": "t", "DEFAULT_REGION": "eu-west-1"}
    for name, value in given.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    settings = Settings("s3://lab/mice", "df_behavior.parquet", "test", "", endpoint)
    with duckdb.connect() as connection:
        connect_to_lake(connection, settings)
        [(name, persistent, text)] = connection.sql(
            "select name, persistent, secret_string from duckdb_secrets()"
        ).fetchall()
    assert (name, persistent) == ("lake lab", False)
    assert options | {"key_id=o'key", "secret=redacted", "session_token=redacted"} <= set(text.split(";"))


def test_where_nothing_is_remote_duckdb_needs_neither_extension_nor_secret() -> None:
    with duckdb.connect() as connection:
        connect_to_lake(connection, Settings("lake", "lake/df_behavior.parquet", "test", "", ""))
        loaded = "select count(*) from duckdb_extensions() where loaded and extension_name = 'httpfs'"
        assert connection.sql(loaded).fetchall() == [(0,)]
        assert connection.sql("select count(*) from duckdb_secrets()").fetchall() == [(0,)]


@pytest.mark.parametrize(
    "name", ["a#b", "a%20b", "a%2Fb", "a+b", "a b", "é 日本", "a&b=c;d", "a'b\"c", "{a}~^|<$,@:(!)"]
)
def test_boto3_and_duckdb_read_and_write_the_same_keys(
    name: str, on_s3: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, value in (
        on_s3.environment | {"AUTO_TRAIN_LAKE": on_s3.environment["AUTO_TRAIN_LAKE"] + f"/{name}"}
    ).items():
        monkeypatch.setenv(key, value)
    settings = Settings.from_environment()
    lake, out = open_lake(settings.lake, settings), io.BytesIO()
    pq.write_table(pa.table({"x": [name]}), out)
    lake.publish(io.BytesIO(out.getvalue()), f"{name}.parquet")
    with duckdb.connect() as connection:
        connect_to_lake(connection, settings)
        read = "select x from read_parquet(?)"
        assert connection.execute(read, [f"{settings.lake}/{name}.parquet"]).fetchall() == [(name,)]
        target = f"{settings.lake}/written {name}.parquet".replace("'", "''")
        connection.execute(f"copy (select 1 as x) to '{target}' (format parquet)")
    assert lake.paths("") == sorted([f"{name}.parquet", f"written {name}.parquet"])


@pytest.mark.parametrize("given", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "profile"])
def test_a_service_that_aws_tools_know_is_the_one_that_both_ask(
    given: str, on_s3: Project, s3_server: s3.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_behavior(on_s3, s3_server, GOOD_MOUSE)
    del on_s3.environment["AUTO_TRAIN_S3_ENDPOINT"]
    for key, value in on_s3.environment.items():
        monkeypatch.setenv(key, value)
    if given == "profile":
        config = on_s3.folder / "config"
        config.write_text(f"[default]\nregion = eu-west-1\nendpoint_url = {s3_server.endpoint}\n")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    else:
        monkeypatch.setenv(given, s3_server.endpoint)
    settings = Settings.from_environment()
    assert open_lake(settings.lake, settings).paths("") == ["df_behavior.parquet"]
    with duckdb.connect() as connection:
        connect_to_lake(connection, settings)
        assert connection.execute("select count(*) from read_parquet(?)", [settings.df_behavior]).fetchall() == [(3,)]


@pytest.mark.parametrize(
    ("location", "environment", "endpoint", "region", "style"),
    [
        ("s3://lab/mice", {}, "s3.amazonaws.com", "us-east-1", "vhost"),
        ("s3://lab.org/mice", {}, "s3.amazonaws.com", "us-east-1", "path"),
        ("s3://lab/mice", {"AWS_REGION": "eu-west-1"}, "s3.eu-west-1.amazonaws.com", "eu-west-1", "vhost"),
        (
            "s3://lab/mice",
            {"AWS_DEFAULT_REGION": "cn-north-1"},
            "s3.cn-north-1.amazonaws.com.cn",
            "cn-north-1",
            "vhost",
        ),
        ("s3://lab/mice", {"AWS_ENDPOINT_URL": "https://s3.lab.org"}, "s3.lab.org", "us-east-1", "path"),
    ],
)
def test_duckdb_and_boto3_address_a_bucket_alike(
    location: str, environment: dict[str, str], endpoint: str, region: str, style: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (environment | {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}).items():
        monkeypatch.setenv(name, value)
    settings = Settings(location, f"{location}/df_behavior.parquet", "test", "", "")
    lake = open_lake(location, settings)
    with duckdb.connect() as connection:
        connect_to_lake(connection, settings)
        [(scope, text)] = connection.sql("select scope, secret_string from duckdb_secrets()").fetchall()
    assert scope == [f"s3://{lake.bucket}/"]
    assert {f"endpoint={endpoint}", f"region={region}", f"url_style={style}"} <= set(text.split(";"))

    class AskedError(Exception):
        pass

    def ask(request: AWSPreparedRequest, **_: object) -> None:
        raise AskedError(request.url)

    lake.client.meta.events.register("before-send.s3.HeadObject", ask)
    with pytest.raises(AskedError) as asked:
        lake.tag("x")
    host = f"{lake.bucket}.{endpoint}/mice/x" if style == "vhost" else f"{endpoint}/{lake.bucket}/mice/x"
    assert str(asked.value) == f"https://{host}"


def test_the_signature_of_a_url_is_written_nowhere(on_s3: Project, s3_server: s3.Server) -> None:
    upload_behavior(on_s3, s3_server, GOOD_MOUSE)
    bucket = on_s3.environment["AUTO_TRAIN_LAKE"].split("/")[2]
    of = {"Bucket": bucket, "Key": "mice/night/df_behavior.parquet"}
    url = s3_server.client().generate_presigned_url("get_object", of)
    signature = re.search("Signature=([^&]+)", url).group(1)
    on_s3.workplace = on_s3.folder
    on_s3.environment |= {
        "AUTO_TRAIN_LAKE": str(on_s3.lake),
        "AUTO_TRAIN_DF_BEHAVIOR": url,
        "AUTO_TRAIN_DATABASE": str(on_s3.folder / "database.duckdb"),
    }
    command = ("-m", "scripts", "nightly", *on_s3.options, "--debug", "--exclude-resource-type", "unit_test")
    done = on_s3.command(*command)
    assert done.returncode == 0, done.stdout
    assert len(on_s3.df_manager()) == 3
    [source] = json.loads((on_s3.lake / "foraging_auto_training/manifest_test.json").read_text())["inputs"]
    assert source["path"] == url.split("?")[0]
    on_s3.environment["AUTO_TRAIN_DF_BEHAVIOR"] = url.replace("df_behavior", "other")
    failed = on_s3.command(*command)
    assert failed.returncode != 0
    assert "other.parquet cannot be read as parquet" in failed.stdout
    written = [path for path in on_s3.folder.rglob("*") if path.is_file()]
    assert {"stg_lake__behavior_typed.sql", "dbt.log", "database.duckdb"} <= {path.name for path in written}
    for text in (signature, unquote(signature)):
        assert [path for path in written if text.encode() in path.read_bytes()] == []
        assert not [ran for ran in (done, failed) if text in ran.stdout + ran.stderr]


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [
        ("NoSuchBucket", 404, "there is no such bucket: {where}. Check AUTO_TRAIN_LAKE and AUTO_TRAIN_S3_ENDPOINT"),
        ("NoSuchKey", 404, "there is no file {where}. Check AUTO_TRAIN_LAKE and AUTO_TRAIN_DF_BEHAVIOR"),
        ("404", 404, "there is no file {where}. Check AUTO_TRAIN_LAKE and AUTO_TRAIN_DF_BEHAVIOR"),
        *(
            (code, status, f"S3 refused the credentials for {{where}} ({code}): check the profile, key or role in use")
            for code, status in (
                ("InvalidAccessKeyId", 403),
                ("SignatureDoesNotMatch", 403),
                ("ExpiredToken", 400),
                ("InvalidToken", 400),
            )
        ),
        (
            "400", 400,
            "S3 refused the credentials for {where}, or the request (400): they may have expired during the run",
        ),
        *(
            (code, 403, f"access to {{where}} is denied ({code}): the role or key in use lacks the permission")
            for code in ("AccessDenied", "403")
        ),
        ("SlowDown", 503, "S3 answered SlowDown for {where}: Please wait."),
        ("", 500, "S3 answered 500 for {where}: Please wait."),
    ],
)  # fmt: skip
@pytest.mark.parametrize("endpoint", ["", "http://here:8333"])
def test_what_s3_answers_is_said_in_words(code: str, status: int, words: str, endpoint: str) -> None:
    answer = {"Error": {"Code": code, "Message": "Please wait."}, "ResponseMetadata": {"HTTPStatusCode": status}}
    with pytest.raises(LakeError) as caught, S3("s3://lab/mice", endpoint)._explaining("s3://lab/mice/x"):
        raise ClientError(answer, "GetObject")
    where = f"s3://lab/mice/x at {endpoint}" if endpoint else "s3://lab/mice/x"
    assert str(caught.value) == words.format(where=where)
    # where a file is missing, a night goes on: that must not be said of anything else
    assert isinstance(caught.value, MissingFileError) == (code in ("404", "NoSuchKey"))


@pytest.mark.parametrize(
    ("location", "key"),
    [
        ("s3://lab", "x/y"), ("s3://lab/", "x/y"), ("s3://lab/mice", "mice/x/y"), ("s3://lab/mice/", "mice/x/y"),
        ("s3://lab/a/b#c%20d", "a/b#c%20d/x/y"),
    ],
)  # fmt: skip
def test_a_path_is_a_key_below_the_prefix_as_it_is_written(location: str, key: str) -> None:
    assert (S3(location).bucket, S3(location).key("x/y")) == ("lab", key)
