"""Nights in a row: what stands, what is made anew, what is noticed, and what a broken lake or clock does."""

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import duckdb
import pytest

from auto_train.lake import Settings
from auto_train.nights.night import build
from auto_train.publishing.manifest import unstamped
from tests import faults, s3
from tests.conftest import ROOT, Project
from tests.mice import GOOD_MOUSE, mouse
from tests.nights.test_nightly import nightly
from tests.publishing.test_s3 import upload_behavior


def publish_state(project: Project) -> dict[str, bytes]:
    folder = project.lake / "foraging_auto_training"
    return {path.name: path.read_bytes() for path in folder.glob("*_test.*")}


def changed(sql: str, session: int, subject_id: str = "700001", **columns: str) -> str:
    changes = ", ".join(
        f"case when session = {session} and subject_id = '{subject_id}' then {value} else {name} end as {name}"
        for name, value in columns.items()
    )
    return f"select * replace ({changes}) from ({sql})"


def drift(project: Project) -> list[tuple]:
    return project.query(
        "select subject_id, session, what_changed, next_stage_suggested, next_stage_now, not_decided_because,"
        " matters_for_tomorrow from marts.decision_drift order by all"
    )


# what says of which run it is differs every night
NAME_THE_RUN = ("manifest_test.json", "next_session_test.json")


def test_what_changed_after_it_was_decided_is_noticed_and_stands(project: Project) -> None:
    other = GOOD_MOUSE.replace("700001", "700002")
    third = GOOD_MOUSE.replace("700001", "700003")
    table = f"{GOOD_MOUSE} union all {other} union all {third}"
    project.write_behavior(table)
    project.decide()
    assert drift(project) == []
    columns = "* exclude (inputs_read)"
    before = project.df_manager(columns)
    # a decided session of one mouse now holds it back, another one's is gone, a third one's newest row changes
    later = changed(table, 1, finished_trials="20::double", foraging_eff="0.3::double")
    later = f"select * from ({later}) where not (subject_id = '700002' and session = 2)"
    later = changed(later, 3, "700003", finished_trials="1000::double", foraging_eff="0.99::double")
    project.write_behavior(later)
    project.decide()
    assert drift(project) == [
        (
            "700001", 1, "finished_trials: 250.0 → 20.0; foraging_efficiency: 0.65 → 0.3",
            "STAGE_2", "STAGE_1", None, False,
        ),
        ("700002", 2, "the session is gone from df_behavior", "STAGE_2", None, "session_is_gone", False),
    ]  # fmt: skip
    now = project.df_manager(columns)
    assert [row for row in now if row[0] != "700003"] == [row for row in before if row[0] != "700003"]
    # the newest decision was provisional: it is made anew, and both are in the log
    log = project.query(
        "select session, next_stage_suggested, finished_trials from marts.decision_log"
        " where subject_id = '700003' order by first_published_at, session"
    )
    assert log == [
        (1, "STAGE_2", 250.0), (2, "STAGE_2", 250.0), (3, "STAGE_2", 250.0), (3, "STAGE_3", 1000.0)
    ]  # fmt: skip
    runs = project.query("select count(distinct run_id), count(*), min(first_published_at) from marts.decision_log")
    assert runs[0][:2] == (2, 10)
    # a third night without news leaves log and drift as they are
    state = {name: unstamped(of) for name, of in publish_state(project).items() if name not in NAME_THE_RUN}
    project.decide()
    assert {name: unstamped(publish_state(project)[name]) for name in state} == state
    assert len(drift(project)) == 2


def test_drift_that_would_change_tomorrow_says_so(project: Project) -> None:
    table = " union all ".join(GOOD_MOUSE.replace("700001", f"70000{mouse}") for mouse in (1, 2, 3, 4))
    # the third mouse progresses by the session that will be gone
    table = changed(table, 3, "700003", finished_trials="1000::double", foraging_eff="0.99::double")
    project.write_behavior(table)
    project.decide()
    for mouse_and_session in (1, 2):
        table = changed(table, mouse_and_session, f"70000{mouse_and_session}", current_stage_actual="'GRADUATED'")
    # what the fourth mouse would be told now starts from its first decision, which has not changed
    table = changed(table, 2, "700004", task="'other task'")
    project.write_behavior(f"select * from ({table}) where not (subject_id = '700003' and session = 3)")
    project.decide()
    found = {
        (subject, session): (what, why_not, matters) for subject, session, what, *_, why_not, matters in drift(project)
    }
    assert found == {
        ("700001", 1): ("stage: none → GRADUATED", None, True),
        ("700002", 2): ("stage: none → GRADUATED", None, True),
        ("700003", 3): ("the session is gone from df_behavior", "session_is_gone", True),
        ("700004", 2): ("task: Coupled Baiting → other task", None, False),
    }


def test_a_log_that_a_killed_run_did_not_write_is_caught_up_with(project: Project) -> None:
    project.write_behavior(f"select * from ({GOOD_MOUSE}) where session < 3")
    project.decide()
    log = project.published("decision_log").read_bytes()
    project.write_behavior(GOOD_MOUSE)
    project.decide()
    # as if the second run had been killed just after df_manager
    project.published("decision_log").write_bytes(log)
    (project.lake / "foraging_auto_training/manifest_test.json").unlink()
    project.write_behavior(f"{GOOD_MOUSE} union all {mouse('700009')}")
    project.decide()
    assert project.query("select subject_id, session from marts.decision_log order by all") == [
        ("700001", 1), ("700001", 2), ("700001", 3), ("700009", 1),
    ]  # fmt: skip
    # what a decision read is recorded while it is provisional
    assert project.df_manager("subject_id, session", "inputs_read is not null") == [("700001", 3), ("700009", 1)]


def test_a_damaged_df_manager_is_refused_with_instructions_and_comes_back(project: Project) -> None:
    project.write_behavior(GOOD_MOUSE)
    project.decide()
    good = project.published().read_bytes()
    other = project.folder / "other.parquet"
    duckdb.sql("select 1 as session").write_parquet(str(other))
    damages = [good[: len(good) // 2], b"", b"PAR1", bytes(reversed(good)), other.read_bytes(), None]
    for damage in damages:
        project.published().unlink()
        if damage is not None:
            project.published().write_bytes(damage)
        succeeded, problems = project.dbt("build")
        assert not succeeded
        assert "so nothing was decided" in problems
        assert "auto-train rollback" in problems
        assert "--full-refresh" in problems
        assert not project.published().exists() if damage is None else project.published().read_bytes() == damage
    done = project.command("-m", "scripts", "rollback")
    assert done.returncode == 0, done.stderr
    assert unstamped(project.published().read_bytes()) == unstamped(good)
    done = project.command("-m", "scripts", "status")
    assert done.returncode == 0, done.stdout
    project.decide()
    project.published().write_bytes(damages[0])
    done = project.command("-m", "scripts", "status")
    assert done.returncode == 1
    assert "WRONG" in done.stdout
    project.decide("--full-refresh")
    assert project.df_manager("session, next_stage_suggested") == [(1, "STAGE_2"), (2, "STAGE_2"), (3, "STAGE_2")]


def test_a_df_behavior_cut_short_stops_the_night_and_says_for_which_mice(project: Project) -> None:
    many = f"select * replace (('8' || mouse) as subject_id) from ({GOOD_MOUSE}), range(60) as mice (mouse)"
    project.write_behavior(f"select * exclude (mouse) from ({many})")
    project.build()
    before = publish_state(project)
    project.write_behavior(f"select * exclude (mouse) from ({many}) where mouse = 7")
    done = nightly(project)
    assert done.returncode != 0
    assert "nothing was published; the last df_manager is untouched" in done.stdout
    assert "FAILED: mice with published decisions have no session in df_behavior any more" in done.stdout
    assert "mice: 80, 81, 810, 811, 812" in done.stdout
    assert "and 49 more" in done.stdout
    assert "do: see whether df_behavior was cut short" in done.stdout
    assert publish_state(project) == before
    project.build("--vars", "{max_percent_of_sessions_gone: 100, max_percent_of_mice_gone: 100}")
    assert len(project.df_manager()) == 180


def test_what_is_odd_but_no_reason_to_stop_is_in_the_summary(project: Project) -> None:
    future = mouse("700002", session_date="'2090-01-01'")
    project.write_behavior(f"{GOOD_MOUSE} union all {future} union all {mouse('700003')}")
    project.decide()
    aside = [mouse(f"8{place}", curriculum_version="'9.9'") for place in range(3)]
    project.write_behavior(" union all ".join([GOOD_MOUSE, future, *aside]))
    done = nightly(project)
    assert done.returncode == 0, done.stdout
    for expected in (
        "1 decided session changed in df_behavior since (marts.decision_drift); mice whose stage tomorrow would",
        "warning: sessions dated after tomorrow (assert_no_sessions_in_the_future)\n"
        "    session 1 of 700002: 2090-01-01\n    mice: 700002\n    do: see",
        "warning: sessions with a published decision are gone from df_behavior (sessions_gone)",
        "warning: mice with published decisions have no session in df_behavior any more",
        # few rows never stop the others, however large their share is
        "warning: new sessions are set aside (sessions_set_aside)\n"
        "    3 of 3 (100 %); a night stops above 90 %, where 10 or more are counted\n"
        "    unknown_curriculum\n    mice: 80, 81, 82",
    ):
        assert expected in done.stdout
    assert project.dbt("source", "freshness")[0]


def test_a_night_that_another_one_overtakes_starts_over_from_what_that_one_published(
    on_s3: Project, s3_server: s3.Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    """The other night runs whole just before this one replaces the df_manager that both started from."""
    upload_behavior(on_s3, s3_server, GOOD_MOUSE)
    on_s3.decide()
    upload_behavior(on_s3, s3_server, f"{GOOD_MOUSE} union all {mouse('700002')}")
    arrived, may_go_on = threading.Event(), threading.Event()

    def hold_up(method: str, path: str) -> None:
        if method == "PUT" and path.endswith("/foraging_auto_training/df_manager_test.parquet"):
            arrived.set()
            may_go_on.wait(60)

    with faults.proxy(s3_server.endpoint, hold_up) as proxy, ThreadPoolExecutor() as pool:
        own = on_s3.environment | {
            "AUTO_TRAIN_S3_ENDPOINT": proxy.endpoint, "AUTO_TRAIN_DATABASE": str(on_s3.folder / "own.duckdb")
        }  # fmt: skip
        for name, value in own.items():
            monkeypatch.setenv(name, value)
        target = on_s3.folder / "target"
        options = ["--target-path", str(target), *on_s3.options[2:]]
        overtaken = pool.submit(build, options, target, Settings.from_environment())
        assert arrived.wait(120)
        upload_behavior(on_s3, s3_server, f"{GOOD_MOUSE} union all {mouse('700003')}")
        on_s3.decide()
        may_go_on.set()
        assert overtaken.result() == (0, "")
    assert "another run published meanwhile: starting over" in capsys.readouterr().out
    # what the other night decided stands, though df_behavior as this one's first try read it did not have the mouse
    with duckdb.connect(own["AUTO_TRAIN_DATABASE"], read_only=True) as database:
        decided = database.sql(
            "select subject_id, run_id from marts.decision_log order by session, subject_id"
        ).fetchall()
    assert [subject for subject, _ in decided] == ["700001", "700003", "700001", "700001"]
    assert len({run for _, run in decided}) == 2
    assert on_s3.command("-m", "scripts", "status").returncode == 0


def test_a_build_killed_anywhere_is_made_up_for_by_the_next(
    on_s3: Project, s3_server: s3.Server, tmp_path_factory: pytest.TempPathFactory
) -> None:
    table = f"{GOOD_MOUSE} union all {mouse()}"
    decisions = "select columns(c -> c not in ('run_id', 'first_published_at')) from marts.{} order by all"

    def told(of: Project) -> list[list[tuple]]:
        return [of.query(decisions.format(mart)) for mart in ("df_manager", "decision_log")]

    undisturbed, local = (Project(tmp_path_factory.mktemp(name)) for name in ("undisturbed", "local"))
    undisturbed.write_behavior(GOOD_MOUSE)
    undisturbed.decide()
    shutil.copytree(undisturbed.lake, local.lake, dirs_exist_ok=True)
    undisturbed.write_behavior(table)
    undisturbed.decide()
    expected = told(undisturbed)
    upload_behavior(on_s3, s3_server, GOOD_MOUSE)
    on_s3.decide()

    chance = random.Random(3)
    for of, write in (
        (local, local.write_behavior),
        (on_s3, lambda sql: upload_behavior(on_s3, s3_server, sql)),
    ):
        write(table)
        options = ["--exclude-resource-type", "unit_test", *of.options]
        for started in (f" {chance.randrange(1, 50)} of ", "exports.publication"):
            with subprocess.Popen(
                [sys.executable, "-m", "dbt.cli.main", "build", *options],
                cwd=ROOT, env=os.environ | of.environment, stdout=subprocess.PIPE, text=True, start_new_session=True,
            ) as running:  # fmt: skip
                for line in running.stdout:
                    if " START " in line and started in line:
                        time.sleep(chance.uniform(0, 0.3))
                        os.killpg(running.pid, signal.SIGKILL)
                        break
            assert running.returncode == -signal.SIGKILL
            status = of.command("-m", "scripts", "status").stdout
            assert "WRONG" not in status or "was interrupted while it published: the next run completes it" in status
        of.decide()
        assert of.command("-m", "scripts", "status").returncode == 0
        assert told(of) == expected


def test_credentials_that_expire_in_the_middle_of_a_run_change_nothing(
    on_s3: Project,
    s3_server: s3.Server,
) -> None:
    upload_behavior(on_s3, s3_server, GOOD_MOUSE)
    on_s3.decide()
    count = {"requests": 0}

    def lists(project: Project) -> list[tuple]:
        bucket = project.environment["AUTO_TRAIN_LAKE"].split("/")[2]
        found = s3_server.client().list_objects_v2(Bucket=bucket)["Contents"]
        return sorted((entry["Key"], entry["ETag"]) for entry in found if "/history/" not in entry["Key"])

    before = lists(on_s3)
    upload_behavior(on_s3, s3_server, f"{GOOD_MOUSE} union all {mouse()}")
    before = lists(on_s3)
    for allowed in (3, 12, 25):
        count["requests"] = 0

        def expire(method: str, path: str, allowed: int = allowed) -> str | None:
            count["requests"] += 1
            return "expired" if count["requests"] > allowed else None

        with faults.proxy(s3_server.endpoint, expire) as proxy:
            on_s3.environment["AUTO_TRAIN_S3_ENDPOINT"] = proxy.endpoint
            succeeded, problems = on_s3.dbt("build", "--exclude-resource-type", "unit_test")
        assert not succeeded
        assert "refused the credentials" in problems or "ExpiredToken" in problems, problems
        assert lists(on_s3) == before
    on_s3.environment["AUTO_TRAIN_S3_ENDPOINT"] = s3_server.endpoint
    on_s3.decide()
    assert on_s3.query("select count(*) from marts.df_manager") == [(4,)]


def test_whole_builds_over_an_s3_that_fails_now_and_then(
    on_s3: Project,
    s3_server: s3.Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    published = 0
    for night in range(3):
        upload_behavior(on_s3, s3_server, f"{GOOD_MOUSE} union all {mouse(f'9{night}')}")
        with faults.proxy(s3_server.endpoint, faults.at_random(night, 0.1)) as proxy:
            on_s3.environment["AUTO_TRAIN_S3_ENDPOINT"] = proxy.endpoint
            succeeded, problems = on_s3.dbt("build", "--exclude-resource-type", "unit_test")
        assert succeeded or problems.strip()
        assert s3.SECRET not in problems
        published += succeeded
        on_s3.environment["AUTO_TRAIN_S3_ENDPOINT"] = s3_server.endpoint
        status = on_s3.command("-m", "scripts", "status").stdout
        assert "WRONG" not in status or "was interrupted" in status or "there is no manifest" in status
    assert published
    on_s3.decide()
    [(mice,)] = on_s3.query("select count(distinct subject_id) from marts.df_manager")
    assert mice >= 2


def test_a_build_into_a_full_disk_says_so_and_changes_nothing(project: Project) -> None:
    project.write_behavior(GOOD_MOUSE)
    disk = project.folder / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", disk], check=False, capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"no small file system can be mounted here: {mounted.stderr.strip()}")
    try:
        project.environment |= {
            "AUTO_TRAIN_LAKE": str(disk), "AUTO_TRAIN_DF_BEHAVIOR": str(project.lake / "df_behavior.parquet"),
        }  # fmt: skip
        project.lake = disk
        project.decide()
        before = publish_state(project)
        space = os.statvfs(disk)
        (disk / "stuffing").write_bytes(b"x" * (space.f_bavail * space.f_frsize - 12_000))
        succeeded, problems = project.dbt("build")
        assert not succeeded
        assert "No space left on device" in problems
        assert publish_state(project) == before
        (disk / "stuffing").unlink()
        project.decide()
    finally:
        subprocess.run(["umount", disk], check=True)
