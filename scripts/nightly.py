"""``auto-train nightly``."""

import sys

import click

from auto_train.lake import Settings
from auto_train.nights import night


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def command(options: tuple[str, ...]) -> None:
    """Run `dbt build`, publish, and print a summary.

    OPTIONS are those of `dbt build`; the exit code is dbt's.
    """
    sys.exit(night.run(Settings.from_environment(), list(options)))
