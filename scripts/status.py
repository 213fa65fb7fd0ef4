"""``auto-train status``."""

import sys
from datetime import timedelta

import click

from auto_train.lake import Settings
from auto_train.lake.clock import now
from auto_train.publishing.status import status
from scripts.options import DURATION, MANAGER


@click.command()
@MANAGER
@click.option("--max-age", type=DURATION, help="Such as 26h: older than that is not well.")
def command(max_age: timedelta | None) -> None:
    """Is what is published consistent, and how fresh is it? Exit code 1 if it is not well."""
    text, is_well = status(Settings.from_environment(), now(), max_age)
    click.echo(text)
    sys.exit(not is_well)
