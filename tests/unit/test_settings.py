"""Settings: what cannot be used is refused at once, in one line that says what to write."""

import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from auto_train.lake import ROOT, LakeError, Settings, clock, shown
from auto_train.nights.dbt_options import check_vars

LOCATIONS = ("LAKE", "DF_BEHAVIOR", "MIRROR", "DATABASE")


def settings(monkeypatch: pytest.MonkeyPatch, **given: str) -> Settings:
    with monkeypatch.context() as patch:
        for name, value in given.items():
            patch.setenv(f"AUTO_TRAIN_{name}", value)
        return Settings.from_environment()


def refused(monkeypatch: pytest.MonkeyPatch, **given: str) -> str:
    """The one line that refuses these settings."""
    with pytest.raises(LakeError) as error:
        settings(monkeypatch, **given)
    assert str(error.value).isprintable()
    assert next(iter(given)) in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("name", LOCATIONS)
@pytest.mark.parametrize("location", ["gs://lab/x", "S3://lab/x", "az://lab", "s3:/lab/x", "s3:lab", "md:lab", "x://"])
def test_an_unknown_scheme_is_refused_with_what_to_write(
    name: str, location: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert " is not known here. Write " in refused(monkeypatch, **{name: location})


@pytest.mark.parametrize("name", LOCATIONS)
@pytest.mark.parametrize("location", ["/lab/" + "x" * 256, "é" * 128 + "/mice", "./" + "x" * 5000])
def test_a_name_that_no_disk_takes_is_refused(name: str, location: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "has a name of more than 255 bytes" in refused(monkeypatch, **{name: location})


@pytest.mark.parametrize("name", LOCATIONS)
@pytest.mark.parametrize(
    "location", ["$HOME/mice", "/lab/${USER}", "%USERPROFILE%/mice", "C:\\mice", "c:/mice", r"\\srv\mice"]
)
def test_what_nothing_here_expands_does_not_become_a_folder(
    name: str, location: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert " stands for nothing here. Write the whole path" in refused(monkeypatch, **{name: location})


@pytest.mark.parametrize("name", ["LAKE", "DF_BEHAVIOR", "MIRROR"])
@pytest.mark.parametrize(
    "location", ["s3://", "s3:///x", "s3://[lab]/x", "s3://lab/a\\b", "s3://lab/a/../b", "s3://lab//b"]
)
def test_what_s3_would_not_find_is_refused(name: str, location: str, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(monkeypatch, **{name: location})


@pytest.mark.parametrize("name", ["LAKE", "MIRROR"])
@pytest.mark.parametrize("sign", "*?[")
def test_a_lake_whose_name_is_a_pattern_is_refused(name: str, sign: str, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(monkeypatch, **{name: f"/lakes/a{sign}b"})
    refused(monkeypatch, **{name: f"s3://lab/a{sign}b"})


def test_df_behavior_may_be_a_pattern_but_a_query_of_a_key_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for location in ("/lake/2024-*.parquet", "s3://lab/[ab]*.parquet", "/lake/?.parquet"):
        assert settings(monkeypatch, DF_BEHAVIOR=location).df_behavior == location
    refused(monkeypatch, DF_BEHAVIOR="s3://lab/df.parquet?s3_region=x")


@pytest.mark.parametrize("name", [*LOCATIONS, "S3_ENDPOINT", "MANAGER"])
@pytest.mark.parametrize("character", ["\r", "\n", "\t", "\x1b[31m", "\x7f", "\u202e", "\u2028"])
def test_characters_that_do_not_print_are_refused_within_a_setting(
    name: str, character: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused(monkeypatch, **{name: f"a{character}b"})


def test_blanks_and_ends_of_lines_around_a_setting_are_no_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "LAKE": " s3://lab/mice/ ",
        "MANAGER": "447_demo\r",
        "KEEP_RUNS": "5\n",
        "S3_ENDPOINT": "\thttp://s3:9000/",
    }
    found = settings(monkeypatch, **given, DF_BEHAVIOR=" \n", MIRROR=" ")
    assert (found.lake, found.manager, found.keep_runs, found.s3_endpoint) == (
        "s3://lab/mice",
        "447_demo",
        5,
        "http://s3:9000",
    )
    assert (found.df_behavior, found.mirror) == ("s3://lab/mice/df_behavior.parquet", "")


def test_directives_are_the_projects_or_a_file_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings(monkeypatch).directives == ""
    assert settings(monkeypatch, DIRECTIVES="/lab/mice.csv").directives == "/lab/mice.csv"
    refused(monkeypatch, DIRECTIVES="gs://lab/mice.csv")


def test_the_home_folder_and_urls_of_files_are_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    found = settings(monkeypatch, LAKE="~/lake", MIRROR="file:///mirror%20of%20it/", DATABASE="file:///a/b.duckdb")
    assert (found.lake, found.mirror, found.database) == (
        str(Path.home() / "lake"), "/mirror of it", "/a/b.duckdb"
    )  # fmt: skip
    assert found.df_behavior == f"{found.lake}/df_behavior.parquet"
    assert settings(monkeypatch, LAKE="some/lake").lake == f"{ROOT.as_posix()}/some/lake"
    for wrong in ("file://host/x", "file:x", "file:///a%00b", "file:///a?b", "~no such user/x"):
        refused(monkeypatch, LAKE=wrong)


@pytest.mark.parametrize("name", ["LAK", "DATABASES", "lake", "S3_ENDPOINT_URL", "DF_BEHAVIOUR", ""])
def test_a_misspelt_setting_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "is not a setting. Did you mean AUTO_TRAIN_" in refused(monkeypatch, **{name: "x"})


def test_the_setting_that_was_meant_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong, right in (("LAK", "LAKE"), ("DF_BEHAVIOUR", "DF_BEHAVIOR"), ("KEEPRUNS", "KEEP_RUNS")):
        assert f"Did you mean AUTO_TRAIN_{right}?" in refused(monkeypatch, **{wrong: "x"})


@pytest.mark.parametrize(
    "endpoint",
    [
        "localhost:9000", "s3.lab.org", "ftp://s3", "http://", "http://s3/path", "http://s3?x", "http://s3:port",
        "http://s3:99999", "http://key:secret@s3", "http://[::1", "s3://lab",
    ],
)  # fmt: skip
def test_what_is_not_the_url_of_a_service_is_refused(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    line = refused(monkeypatch, S3_ENDPOINT=endpoint)
    assert "https://s3.lab.org:9000" in line
    assert "secret" not in line


@pytest.mark.parametrize(
    "name", ["stats_demo", "Stats_demo", ".", "...", ".a", "a.", "_", "a/b", "a b", "a\\b", "é\u0301", "x" * 101]
)
def test_a_name_that_is_not_a_managers_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(monkeypatch, MANAGER=name)


@pytest.mark.parametrize("name", ["demo", "447_demo", "a.b-c", "_x", "-x", "Ünal", "stats", "demo_stats_x"])
def test_a_good_name_of_a_manager_goes_on(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings(monkeypatch, MANAGER=name).manager == name


def test_no_two_managers_publish_at_one_path(monkeypatch: pytest.MonkeyPatch) -> None:
    from auto_train.publishing.manifest import history_path, manifest_path, publishable

    names = ["demo", "stats", "demo_stats", "df_manager_demo", "log_demo", "manifest_demo", "morning_demo", "history"]
    paths: list[str] = []
    for name in names:
        of = settings(monkeypatch, MANAGER=name)
        paths += [path.casefold() for path in (*publishable(of), manifest_path(of), history_path(of))]
    assert len(set(paths)) == len(paths)


@pytest.mark.parametrize(
    "name", ["it's.duckdb", 'a"b.duckdb', "{{ x }}.duckdb", "temp.duckdb", "System.duckdb", "a/", ".."]
)
def test_a_database_whose_name_dbt_would_paste_into_sql_unquoted_is_refused(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert name == "a/" or refused(monkeypatch, DATABASE=name)


def test_what_gives_access_is_not_shown() -> None:
    url = "https://lab.s3.amazonaws.com/mice/df_behavior.parquet"
    assert shown(f"{url}?X-Amz-Signature=5e1f&X-Amz-Credential=key") == url
    assert shown(url.replace("https://", "https://name:password@") + "#part") == url
    assert shown(os.path.join(os.getcwd(), "lake")) == "lake"


@pytest.mark.parametrize("name", LOCATIONS)
def test_the_query_of_a_url_stands_in_no_refusal(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for url in ("https://?X-Amz-Signature=5e1f", "https://lab/x\n?X-Amz-Signature=5e1f"):
        assert "5e1f" not in refused(monkeypatch, **{name: url})


def test_a_signature_may_have_any_percent_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "https://lab.s3.amazonaws.com/mice/df_behavior.parquet?X-Amz-Signature=a%2Bz%2FlX%3D"
    monkeypatch.setenv("AUTO_TRAIN_DF_BEHAVIOR", url)
    assert Settings.from_environment().df_behavior == url


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"lab_time_zone": "America/Los_Angles"}, "knows, did you mean 'America/Los_Angeles'?"),
        ({"lab_time_zone": "PST"}, "is not a time zone"),
        ({"lab_time_zone": ""}, "is not a time zone"),
        ({"lab_time_zone": -8}, "is not a time zone"),
        ({"lab_timezone": "UTC"}, "is unknown, did you mean 'lab_time_zone'?"),
        ({"training_day": "tomorrow"}, "is not a day"),
        ({"max_percent_drifted": "10 %"}, "a number from 0 up is needed"),
        ({"fewest_to_stop": -1}, "a number from 0 up is needed"),
        ({"attention_rollbacks": True}, "a number from 0 up is needed"),
        ({"subject_id_pattern": "[0-9"}, "missing ]"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(given: dict[str, object], problem: str) -> None:
    with pytest.raises(LakeError) as error:
        check_vars(ROOT, given)
    assert str(error.value).isprintable()
    assert problem in str(error.value) and next(iter(given)) in str(error.value)


def test_variables_may_be_days_and_shares() -> None:
    day = date(2026, 1, 31)
    check_vars(ROOT, {"training_day": day, "max_percent_drifted": 2.5, "lab_time_zone": "Asia/Kolkata"})
    check_vars(ROOT, {})


def test_the_clock_may_be_told_the_time_and_only_one_with_its_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTO_TRAIN_CLOCK", "2026-01-31T05:00:00-08:00")
    assert clock.now() == datetime(2026, 1, 31, 13, tzinfo=UTC)
    assert clock.now().tzinfo is UTC
    for told in ("2026-01-31T05:00:00", "tomorrow"):
        monkeypatch.setenv("AUTO_TRAIN_CLOCK", told)
        with pytest.raises(LakeError, match=f"AUTO_TRAIN_CLOCK='{told}': a time with its zone is needed"):
            clock.now()
