"""The one command line, ``auto-train``. Adding a command: a module with a `command` beside this file, named here."""

import sys
from importlib import import_module
from typing import Any, TextIO, cast

import click

from auto_train.lake import printable_lines
from curricula.errors import UserError

# name of the command -> module; loaded only when asked for, so that each starts quickly
COMMANDS = {
    "nightly": "nightly",
    "summary": "summary",
    "managers": "managers",
    "watch": "watch",
    "check-input": "check_input",
    "status": "status",
    "list": "runs",
    "told": "told",
    "rollback": "rollback",
    "mirror": "mirror",
    "report": "report",
    "backtest": "backtest",
    "curricula": "curricula",
    "simulate": "simulate",
    "migrate": "migrate",
    "bench": "bench",
    "lab": "lab",
}

COULD_NOT = 2  # as of a mistyped option, and of a night that could not run


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"scripts.{COMMANDS[cmd_name]}").command
        return command


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
def auto_train() -> None:
    """Decide every night which training stage each mouse runs tomorrow.

    Settings are environment variables AUTO_TRAIN_…; the README lists them. Relative paths are below the project's root.
    """


class _Plain:
    """Standard output to which no text of a table sends what a terminal would obey."""

    def __init__(self, out: TextIO) -> None:
        self.out = out

    def write(self, text: str) -> int:
        return self.out.write(printable_lines(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.out, name)


def main() -> None:
    """Run the command; what a person can fix is one line, anything else keeps its traceback."""
    sys.stdout = cast(TextIO, _Plain(sys.stdout))
    try:
        auto_train(prog_name="auto-train")
    except UserError as error:
        print(printable_lines(str(error)), file=sys.stderr)
        sys.exit(COULD_NOT)
    except SyntaxError as error:  # of a task's module, say
        print(f"{error.filename}, line {error.lineno}: {error.msg}", file=sys.stderr)
        sys.exit(COULD_NOT)
