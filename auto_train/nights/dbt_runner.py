"""Run dbt with a progress bar on terminals; elsewhere only what goes wrong is printed."""

import json
import os
import subprocess
import sys
from pathlib import Path

from auto_train.lake import ROOT

WIDTH = 30


def run_dbt(*arguments: str, **settings: str) -> tuple[int, str]:
    """Run dbt on this project, from any directory; returns its exit code and what it said of errors.

    `settings` are those of the environment that are other for this run, such as ``database``.
    """
    dbt = str(Path(sys.executable).with_name("dbt"))
    errors = []
    command = [dbt, "--log-format", "json", *arguments]
    ours = os.environ | {f"AUTO_TRAIN_{name.upper()}": value for name, value in settings.items()}
    with subprocess.Popen(command, cwd=ROOT, env=ours, stdout=subprocess.PIPE, text=True, encoding="utf-8") as running:
        for line in running.stdout or ():
            try:
                event = json.loads(line)
            except json.JSONDecodeError:
                errors.append(line.rstrip())
                continue
            of = event.get("data", {})
            if of.get("total") and event["info"]["name"].startswith("Log"):
                show(of["index"], of["total"], of.get("node_info", {}).get("node_name", ""))
            if event["info"]["level"] == "error":
                errors.append(event["info"]["msg"])
    show(0, 0, "")
    return running.returncode, "\n".join(errors)


def show(done: int, total: int, name: str) -> None:
    """Draw the bar over the last one, on terminals only; a total of 0 removes it."""
    if not sys.stderr.isatty():
        return
    filled = WIDTH * done // total if total else 0
    bar = f"[{'█' * filled}{'·' * (WIDTH - filled)}] {done}/{total} {name[:40]}" if total else ""
    print(f"\r\x1b[2K{bar}", end="", file=sys.stderr, flush=True)
