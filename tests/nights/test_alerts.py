"""Who is told how a night went, by real receivers."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message
from click.testing import CliRunner
from pydantic import SecretStr

from auto_train.lake import LakeError, Settings
from auto_train.lake.alerts import Alert, Event, read
from auto_train.nights import alerts, night
from auto_train.nights.record import Finding, LastPublication, Night, Outcome
from scripts.cli import auto_train
from tests.conftest import Project
from tests.mice import GOOD_MOUSE
from tests.receiver import TOKEN, Receiver, listening

STARTED = datetime(2026, 1, 31, 5, tzinfo=UTC)
LAST = LastPublication(run="20260130T050000Z-abc", started_at=datetime(2026, 1, 30, 5, tzinfo=UTC))
GATE = Finding("assert_x", False, "many mice change", ["700001", "700002"], "look upstream", (), "mice_change_stage")
REFUSED = Night(
    manager="test", outcome=Outcome.REFUSED, started_at=STARTED, last_publication=LAST, findings=[GATE]
).finished()
PUBLISHED = Night(
    manager="test",
    outcome=Outcome.PUBLISHED,
    started_at=STARTED,
    training_day=date(2026, 2, 1),
    counts={"next_session": {"STAY": 3, "PROGRESS": 1}},
).finished()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as receiver:
        yield receiver


def nobodys_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def alert(url: str, *on: Event) -> Alert:
    return Alert(SecretStr(url), on or (Event.FAILURE, Event.WARNING))


@pytest.fixture(autouse=True)
def _the_next_morning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTO_TRAIN_CLOCK", "2026-01-31T05:00:00+00:00")


def test_a_night_that_is_refused_is_told_with_what_rigs_run_on_the_gate_its_mice_and_what_to_do(
    receiver: Receiver,
) -> None:
    assert alerts.tell(REFUSED, (alert(receiver.url()),), "s3://lab/morning_test.html") == []
    [got] = receiver.got
    assert (got["title"], got["type"]) == ("test: nothing was published, a test refused it", "failure")
    assert got["message"].splitlines() == [
        "Nothing was published.",
        "Rigs run on the decisions of run 20260130T050000Z-abc, published 2026-01-30 05:00 UTC, 24.0 hours ago.",
        "FAILED: many mice change (mice_change_stage)",
        "    mice: 700001, 700002",
        "    do: look upstream",
        "    or let it through this once: "
        "auto-train nightly --manager test --let-through mice_change_stage --who … --why …",
        "Page: s3://lab/morning_test.html",
    ]
    assert receiver.paths == [f"/{TOKEN}"]


def test_a_night_that_could_not_run_is_told_with_why_though_a_gate_warned_before() -> None:
    warned = replace(GATE, is_warning=True)
    broke = Night(
        manager="test", outcome=Outcome.COULD_NOT_RUN, started_at=STARTED, problem="no bucket", findings=[warned]
    )
    assert alerts.message(broke, None).splitlines()[2:4] == [
        "no bucket",
        "warning: many mice change (mice_change_stage)",
    ]


def test_a_long_alert_is_cut_and_still_says_where_the_page_is() -> None:
    def said(length: int) -> str:
        broke = REFUSED.model_copy(update={"findings": [], "problem": "x" * length})
        return alerts.message(broke, "s3://lab/morning_test.html")

    cut, page = "…\nThe rest is in the log of the night.", "\nPage: s3://lab/morning_test.html"
    fits = alerts.LONGEST - len(f"Nothing was published.\n{alerts.rigs_run_on(REFUSED)}\n")
    assert said(fits).endswith("xx" + page)
    assert said(fits + 1).endswith(f"xx {cut}{page}")
    # and of many lines the first
    broke = Night(manager="test", outcome=Outcome.COULD_NOT_RUN, started_at=STARTED, problem="x\n" * 20)
    assert alerts.message(broke, None).count("x") == alerts.LINES_OF_A_PROBLEM


@pytest.mark.parametrize("is_made", [True, False])
def test_only_where_a_page_is_made_people_are_told_where_it_is(is_made: bool) -> None:
    settings = replace(Settings.from_environment(), lake="s3://lab/mice", page=is_made)
    page = "s3://lab/mice/foraging_auto_training/morning_demo.html"
    assert alerts.page_of(settings) == (page if is_made else None)


def test_each_address_is_told_of_the_events_that_it_wants(receiver: Receiver) -> None:
    with_warning = PUBLISHED.model_copy(update={"warnings": ["odd"]})
    could_not = Night(manager="test", outcome=Outcome.COULD_NOT_RUN, started_at=STARTED, problem="no bucket\nat all")
    nights = [PUBLISHED, with_warning, PUBLISHED.finished("the mirror"), REFUSED, could_not]
    for on, titles in {
        (Event.SUCCESS,): ["test: published"],
        (Event.WARNING,): ["test: published, but look"] * 2,
        (Event.FAILURE,): [
            "test: nothing was published, a test refused it",
            "test: nothing was published, the night could not run",
        ],
    }.items():
        receiver.got.clear()
        for one in nights:
            assert alerts.tell(one, (alert(receiver.url(), *on),), None) == []
        assert [got["title"] for got in receiver.got] == titles
    assert "no earlier publication; if there is one, rigs run on it.\nno bucket\nat all" in receiver.got[-1]["message"]
    # without a choice: whatever needs somebody
    assert read("json://lab", "x")[0].on == (Event.FAILURE, Event.WARNING)


def test_an_e_mail_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    mails = []

    class Handler(Message):
        def handle_message(self, message) -> None:  # noqa: ANN001
            mails.append(message)

    server = Controller(Handler(), hostname="127.0.0.1", port=nobodys_port())
    server.start()
    try:
        monkeypatch.setenv(
            "LAB_MAIL", f"mailto://127.0.0.1:{server.port}?from=night@lab.org&to=anna@lab.org&mode=insecure"
        )
        assert alerts.tell(REFUSED, (alert("$LAB_MAIL"),), None) == []
    finally:
        server.stop()
    [mail] = mails
    assert mail["Subject"] == "test: nothing was published, a test refused it"
    assert mail["To"] == "anna@lab.org"
    assert "many mice change" in str(mail)


@pytest.mark.parametrize("kind", ["unreachable", "refusing", "unknown", "no variable"])
def test_who_cannot_be_told_is_named_without_the_address_and_the_others_are_told(
    kind: str, receiver: Receiver, tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    url = {
        "unreachable": receiver.url(nobodys_port()),
        "refusing": receiver.url(),
        "unknown": f"nosuchthing://{TOKEN}",
        "no variable": "$LAB_SLACK",
    }[kind]
    receiver.status = 500 if kind == "refusing" else 200
    both = (alert(url), alert(receiver.url()))
    record = tmp_path / "summary.json"
    assert night.told(PUBLISHED.finished("the mirror"), both, None, record) == 3
    assert len(receiver.got) == (2 if kind == "refusing" else 1)
    said = capsys.readouterr()
    assert "alert 1 (" in said.out and "could not be sent" in said.out
    assert "LAB_SLACK" in said.out or kind != "no variable"
    for text in (said.out, said.err, record.read_text(), caplog.text, repr(both)):
        assert TOKEN not in text
    assert Night.model_validate_json(record.read_text()).behind[0] == "the mirror"


@pytest.mark.parametrize("url", [f"nosuchthing://{TOKEN}", "$LAB_SLACK", "mailto://"])
def test_an_address_that_is_none_is_found_before_the_night_in_which_it_is_needed(
    url: str, receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = (alert(url, Event.FAILURE), alert(receiver.url(), Event.FAILURE))
    [problem] = alerts.tell(PUBLISHED, both, None)
    assert problem.startswith("alert 1 (") and "could not be sent" in problem
    (tmp_path / "managers.yml").write_text(f"lab:\n  lake: /lake\n  alerts: ['{url}', '{receiver.url()}']\n", "utf-8")
    monkeypatch.setenv("AUTO_TRAIN_MANAGERS", str(tmp_path / "managers.yml"))
    listed = CliRunner().invoke(auto_train, ["managers"])
    assert (listed.exit_code, listed.output.splitlines()) == (
        1,
        ["lab: /lake/df_behavior.parquet to /lake", f"    {problem}"],
    )
    assert TOKEN not in listed.output
    assert receiver.got == []


def test_a_page_is_named_only_where_one_was_published() -> None:
    assert "Page: x" in alerts.message(PUBLISHED, "x") and "Page: x" in alerts.message(REFUSED, "x")
    assert "Page" not in alerts.message(REFUSED.model_copy(update={"last_publication": None}), "x")


def test_an_alert_that_fails_changes_the_exit_code_of_a_published_night_only(tmp_path: Path) -> None:
    nobody = (alert("$NOBODY", *Event),)
    codes = [night.told(one, nobody, None, tmp_path / "summary.json") for one in (PUBLISHED, REFUSED)]
    assert codes == [3, 1]


def test_alerts_are_read_from_a_list_or_from_addresses_with_blanks_between() -> None:
    in_brackets = f"[slack://{TOKEN}, {{url: $MAIL, on: [success, failure]}}]"
    with_dashes = f"- slack://{TOKEN}\n- url: $MAIL\n  on: [success, failure]\n"
    for text in (in_brackets, with_dashes, f"\n{with_dashes}", f"\n  {in_brackets}"):
        assert [(of.url.get_secret_value(), of.on) for of in read(text, "x")] == [
            (f"slack://{TOKEN}", (Event.FAILURE, Event.WARNING)),
            ("$MAIL", (Event.SUCCESS, Event.FAILURE)),
        ]
    assert [of.url.get_secret_value() for of in read("json://a\n json://b?x=1,2", "x")] == [
        "json://a",
        "json://b?x=1,2",
    ]
    assert read("", "x") == ()


@pytest.mark.parametrize(
    "text",
    [
        f"slack-{TOKEN}", f"[{{url: {TOKEN}}}]", f"[{{ulr: slack://{TOKEN}}}]",
        f"[{{url: 'a://{TOKEN}', on: [{TOKEN}]}}]",
        f"[{{url: 'a://{TOKEN}', {TOKEN}: 1}}]", f"[slack://{TOKEN}", f"[!x {TOKEN}]", f"[[{TOKEN}]]", f"a://{TOKEN}\x1b",
    ],
)  # fmt: skip
def test_a_mistake_in_an_alert_is_refused_without_repeating_it(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTO_TRAIN_ALERTS", text)
    with pytest.raises(LakeError, match="AUTO_TRAIN_ALERTS") as error:
        Settings.from_environment()
    assert TOKEN not in str(error.value)
    assert str(error.value).isprintable()


def test_a_manager_whose_entry_has_a_mistake_still_tells_who_is_named_there(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "managers.yml"
    file.write_text(f"test:\n  laek: x\n  alerts:\n    - {{url: '{receiver.url()}', on: [failure]}}\n")
    monkeypatch.setenv("AUTO_TRAIN_MANAGERS", str(file))
    done = CliRunner().invoke(auto_train, ["nightly", "--manager", "test", "--target-path", str(tmp_path)])
    assert done.exit_code == 2
    [got] = receiver.got
    assert "laek: is unknown, did you mean 'lake'?" in got["message"]
    file.write_text(f"test:\n  alerts: {{url: '{receiver.url()}'}}\n")
    assert [of.url.get_secret_value() for of in Settings.from_environment("test").alerts] == [receiver.url()]
    file.write_text(f"test:\n  alerts: [{TOKEN}]\n")
    with pytest.raises(LakeError, match="line 2: test, alerts, alert 1") as error:
        Settings.from_environment("test")
    assert TOKEN not in str(error.value)


def test_a_defect_is_told_too_and_keeps_its_traceback(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AUTO_TRAIN_ALERTS", receiver.url())
    monkeypatch.setattr(night, "attempt", lambda *_: 1 / 0)
    assert night.run(Settings.from_environment(), ["--target-path", str(tmp_path)]) == 2
    assert "a defect of this program: ZeroDivisionError" in receiver.got[0]["message"]
    said = capsys.readouterr()
    assert "Traceback" in said.err
    assert TOKEN not in said.err + said.out + (tmp_path / "demo/summary.json").read_text()


def test_who_is_told_of_warnings_is_told_of_a_publication_that_is_not_a_usual_night(receiver: Receiver) -> None:
    said = "rolled back to what run a published: 1 mouse is told another stage"
    usual, of_warnings, of_failures = (
        Alert(url=SecretStr(receiver.url()), on=(event,)) for event in (Event.SUCCESS, Event.WARNING, Event.FAILURE)
    )
    settings = replace(Settings.from_environment(), lake="s3://lab", manager="test", alerts=(usual, of_failures))
    assert alerts.tell_of_rollback(settings, [said]) == []
    assert receiver.got == []
    assert alerts.tell_of_rollback(replace(settings, alerts=(of_warnings,)), [said]) == []
    anew = PUBLISHED.model_copy(update={"said": ["a full refresh, all is decided anew"]})
    assert alerts.tell(anew, (usual, of_warnings), None) == []
    [of_rollback, of_refresh] = receiver.got
    assert of_rollback["title"] == "test: rolled back"
    assert of_rollback["message"].splitlines() == [
        said, "Page: s3://lab/foraging_auto_training/morning_test.html",
    ]  # fmt: skip
    assert of_refresh["title"] == "test: published, but look"


def test_what_apprise_raises_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> bool:
        raise ValueError(TOKEN)

    monkeypatch.setattr("apprise.Apprise.notify", broken)
    assert alerts.tell(REFUSED, (alert(f"json://{TOKEN}"),), None) == ["alert 1 (json) could not be sent: ValueError"]


def test_a_watch_tells_of_one_thing_once(receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTO_TRAIN_ALERTS", receiver.url())
    options = ["--target-path", str(tmp_path)]
    for lake in ("a", "a", "b"):
        monkeypatch.setenv("AUTO_TRAIN_LAKE", f"{tmp_path}/{lake}")
        (tmp_path / lake).write_text("not a folder")
        assert night.run(Settings.from_environment(), options, tells_once=True) == 2
    assert len(receiver.got) == 2
    night.run(Settings.from_environment(), options)
    assert len(receiver.got) == 3
    for _ in range(2):
        night.not_begun("test", LakeError("mistyped"), options, tells_once=True)
    assert len(receiver.got) == 4
    # every night that publishes is told of, and whoever could not be told before
    assert not PUBLISHED.says_the_same_as(PUBLISHED)
    assert REFUSED.says_the_same_as(REFUSED) and not REFUSED.says_the_same_as(REFUSED.finished("alert 1"))


def test_a_night_is_told_though_its_record_cannot_be_written(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "demo").write_text("not a folder")
    monkeypatch.setenv("AUTO_TRAIN_ALERTS", receiver.url())
    monkeypatch.setattr(night, "attempt", lambda *_: PUBLISHED)
    assert night.run(Settings.from_environment(), ["--target-path", str(tmp_path)]) == 3
    [got] = receiver.got
    assert "summary.json could not be written" in got["message"]


def test_whole_nights_tell_of_success_and_failure_and_leave_no_address_anywhere(
    project: Project, receiver: Receiver
) -> None:
    project.write_behavior(GOOD_MOUSE)
    project.workplace = project.folder
    everything = f"{{url: '{receiver.url()}', on: [success, warning, failure]}}"
    project.environment |= {
        "AUTO_TRAIN_DATABASE": str(project.folder / "database.duckdb"),
        "AUTO_TRAIN_ALERTS": f"[{everything}, {{url: '{receiver.url(nobodys_port())}', on: [success, warning]}}]",
        "AUTO_TRAIN_CLOCK": "2024-01-04T05:00:00+00:00",
    }
    # nobody is there for the second address, and nothing else is lost
    night_one = project.command("-m", "scripts", "nightly", *project.options[:4], "--debug")
    assert night_one.returncode == 3, night_one.stdout + night_one.stderr
    assert "alert 2 (json) could not be sent" in night_one.stdout
    assert len(project.df_manager()) == 3
    assert receiver.got[0]["title"] == "test: published"
    assert receiver.got[0]["message"] == "Published for 2024-01-04: 1 mouse, 1 STAY, 0 PROGRESS, 0 ROLLBACK."
    project.write_behavior(f"select * exclude (session) from ({GOOD_MOUSE})")
    project.environment["AUTO_TRAIN_CLOCK"] = "2024-01-05T05:00:00+00:00"
    night_two = project.command("-m", "scripts", "nightly", *project.options[:4], "--debug")
    assert night_two.returncode == 1, night_two.stdout + night_two.stderr
    said = receiver.got[1]["message"]
    assert "published 2024-01-04 05:00 UTC, 24.0 hours ago" in said
    assert "df_behavior lacks columns that decisions need (columns_missing)" in said
    recorded = Night.model_validate_json((project.folder / "target/test/summary.json").read_text())
    assert recorded.exit_code == 1 and recorded.last_publication
    written = [path for path in project.folder.rglob("*") if path.is_file()]
    assert {"summary.json", "dbt.log", "database.duckdb", "run_results.json"} <= {path.name for path in written}
    assert [path for path in written if TOKEN.encode() in path.read_bytes()] == []
    assert TOKEN not in night_one.stdout + night_one.stderr + night_two.stdout + night_two.stderr
    # a day later nobody has published
    project.environment["AUTO_TRAIN_CLOCK"] = "2024-01-05T07:00:00+00:00"
    for age, code in {"26h": 0, "25h": 1}.items():
        done = project.command("-m", "scripts", "status", "--max-age", age)
        assert done.returncode == code, done.stdout
    assert "WRONG  the last publication is of 26.0 hours ago" in done.stdout
