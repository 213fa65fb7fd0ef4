"""No text of a table or of a file in the lake reaches a terminal as it is."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from dbt_common.events.base_types import EventLevel
from dbt_common.events.event_manager_client import add_logger_to_manager, get_event_manager
from dbt_common.events.functions import fire_event
from dbt_common.events.logger import LoggerConfig
from dbt_common.events.types import Note
from dbt_common.ui import green

from auto_train.lake import Folder, Settings, printable, printable_lines
from auto_train.nights.dbt_plugin import keep_escapes_off_terminals
from auto_train.publishing.manifest import File, Manifest, Run
from auto_train.publishing.status import listing, status
from tests.copies import ROOT

EVIL = "a\x1b[2J\x9b31m\r\n\tb\u202ec\x07\u2028d\x00"


def test_what_a_terminal_would_obey_is_shown_as_its_escape() -> None:
    assert printable(EVIL) == r"a\x1b[2J\x9b31m\r\n\tb\u202ec\x07\u2028d\x00"
    assert printable_lines("one\n\ttwo\x1b[0m\r") == "one\n\ttwo\\x1b[0m\\r"
    for text in ("Ünal 日本 🐭 ≥ …", "a\u00a0b", ""):
        assert printable(text) == printable_lines(text) == text
    assert printable("\ud800") == r"\ud800"
    assert printable(None) == "None"


def test_texts_of_a_manifest_make_no_lines_of_their_own(tmp_path: Path) -> None:
    settings = Settings(str(tmp_path), "", "test", "", "")
    leader = settings.published("df_manager")
    for path in ("manifest_test.json", "history/test/a/published.json"):
        counts = {"next_session": {EVIL: 1}}
        run = Run(id="a", started_at=datetime(2026, 1, 1, tzinfo=UTC))
        manifest = Manifest(
            manager="test", run=run, code_version=EVIL, newest_session_date=EVIL, counts=counts,
            files=[File.of(leader, b"x")],
        )  # fmt: skip
        file = tmp_path / "foraging_auto_training" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(manifest.as_json())
    Folder(str(tmp_path)).tag(leader)
    text, _ = status(settings, datetime(2026, 1, 2, tzinfo=UTC))
    for of in (text, listing(settings)):
        assert of == printable_lines(of)
        assert printable(EVIL) in of
        assert "\t" not in of


@pytest.mark.parametrize("manager", [EVIL, "demo"])
def test_a_command_says_nothing_that_a_terminal_obeys(manager: str, tmp_path: Path) -> None:
    folder = tmp_path / "foraging_auto_training"
    folder.mkdir()
    (folder / "manifest_demo.json").write_text(
        json.dumps(
            {"manager": manager, "run": {"id": "a", "started_at": EVIL}, "code_version": EVIL, "files": [], EVIL: EVIL}
        )
    )
    done = subprocess.run(
        [sys.executable, "-m", "scripts", "status"],
        cwd=ROOT,
        capture_output=True,
        env={"AUTO_TRAIN_LAKE": str(tmp_path)},
        check=False,
    )
    said = (done.stdout + done.stderr).decode()
    assert done.returncode == 2
    assert "is not a manifest" in said
    assert said == printable_lines(said)
    assert said.count("\n") == 1


SAY = """
import click, sys
from scripts import cli
cli.auto_train = lambda **_: (print("a\\x1b[2Jb"), click.echo("c\\x9b31md"))
cli.main()
"""


def test_whatever_a_command_prints_is_plain() -> None:
    done = subprocess.run([sys.executable, "-c", SAY], cwd=ROOT, capture_output=True, check=True)
    assert done.stdout.decode() == "a\\x1b[2Jb\nc\\x9b31md\n"


WRONG = """
from scripts import cli
cli.auto_train = lambda **_: compile("TASK = Task(\\n  name=wheel'", "curricula/tasks/wheel.py", "exec")
cli.main()
"""


def test_a_module_that_python_cannot_read_is_named_in_a_line() -> None:
    done = subprocess.run([sys.executable, "-c", WRONG], cwd=ROOT, capture_output=True, check=False, text=True)
    assert done.returncode == 2
    assert re.fullmatch(r"curricula/tasks/wheel\.py, line 2: unterminated string literal.*\n", done.stderr)


def test_plain_dbt_says_no_escape_but_its_own_colours() -> None:
    said = StringIO()
    manager = get_event_manager()
    before = list(manager.loggers)
    try:
        manager.loggers = []
        add_logger_to_manager(LoggerConfig("said", level=EventLevel.INFO, output_stream=said, use_colors=True))
        keep_escapes_off_terminals()
        differs = "\x1b[0;1m@@\x1b[33m,\x1b[0m\r\n\x1b[31;1mone\x1b[0m"
        fire_event(Note(msg=f"{green('OK')} {EVIL}\x1b[8m\r {differs}"), EventLevel.INFO)
    finally:
        manager.loggers = before
    evil = printable_lines(EVIL).replace("\\r\n", "\r\n")
    assert said.getvalue().endswith(f"{green('OK')} {evil}\\x1b[8m\\r {differs}\n")
