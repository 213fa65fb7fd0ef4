"""``auto-train status``."""

import sys

import click

from auto_train.lake import Settings
from auto_train.lake.clock import now
from auto_train.publishing.status import status


@click.command()
def command() -> None:
    """Is what is published consistent, and how fresh is it? Exit code 1 if not."""
    text, is_well = status(Settings.from_environment(), now())
    click.echo(text)
    sys.exit(not is_well)
