"""Run dbt with a progress bar on terminals, and a line now and then elsewhere."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from auto_train.lake import ROOT, Settings

WIDTH = 30
# what dbt puts before what a Python model raised for people to read
TRACEBACK = re.compile(r"Python model failed:\n *Traceback.*?\n *(?:auto_train|curricula)\.[\w.]*Error: ", re.DOTALL)
SECONDS_BETWEEN_LINES = 5.0


def run_dbt(settings: Settings, *arguments: str) -> tuple[int, str]:
    """Run dbt on this project, from any directory; returns its exit code and what it said of errors."""
    dbt = str(Path(sys.executable).with_name("dbt"))
    errors = []
    command = [dbt, "--log-format", "json", "--log-format-file", "debug", "--no-use-colors", *arguments]
    # a fifth of the default; the file before it is kept too
    ours = {"DBT_LOG_FILE_MAX_BYTES": "2000000"} | os.environ
    ours |= {"AUTO_TRAIN_MANAGER": settings.manager, "AUTO_TRAIN_DATABASE": settings.database}
    progress = Progress()
    with subprocess.Popen(command, cwd=ROOT, env=ours, stdout=subprocess.PIPE, text=True, encoding="utf-8") as running:
        for line in running.stdout or ():
            try:
                event = json.loads(line)
            except json.JSONDecodeError:
                errors.append(line.rstrip())
                continue
            of = event.get("data", {})
            if of.get("total") and event["info"]["name"].startswith("Log"):
                progress.show(of["index"], of["total"], of.get("node_info", {}).get("node_name", ""))
            if event["info"]["level"] == "error":
                errors.append(without_traceback(event["info"]["msg"]))
    progress.end()
    return running.returncode, "\n".join(errors)


def without_traceback(message: str) -> str:
    """What dbt says of a failure; an error of ours, which says what is wrong and what to do, needs no traceback."""
    return TRACEBACK.sub("", message)


class Progress:
    """How far something is: a bar over the last one on terminals, elsewhere a plain line every few seconds."""

    def __init__(self, seconds_between_lines: float = SECONDS_BETWEEN_LINES) -> None:
        self.every = seconds_between_lines
        self.last = time.monotonic()

    def show(self, done: int, total: int, name: str) -> None:
        """Say that so many of all are done, and which is next."""
        if sys.stderr.isatty():
            filled = WIDTH * done // total
            self._over_the_last(f"[{'█' * filled}{'·' * (WIDTH - filled)}] {done}/{total} {name[:40]}")
        elif time.monotonic() - self.last >= self.every:
            self.last = time.monotonic()
            print(f"{done}/{total} {name}", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Remove the bar."""
        if sys.stderr.isatty():
            self._over_the_last("")

    def _over_the_last(self, text: str) -> None:
        print(f"\r\x1b[2K{text}", end="", file=sys.stderr, flush=True)
