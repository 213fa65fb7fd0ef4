"""``auto-train list``."""

import click

from auto_train.lake import Settings
from auto_train.publishing.status import listing
from scripts.options import MANAGER


@click.command()
@MANAGER
def command() -> None:
    """List the publications that are kept, newest first."""
    click.echo(listing(Settings.from_environment()))
