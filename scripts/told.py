"""``auto-train told``."""

from datetime import datetime

import click

from auto_train.lake import Settings
from auto_train.publishing.answers import what_was_told
from scripts.options import MANAGER


@click.command()
@MANAGER
@click.argument("mouse")
@click.argument("day", required=False, type=click.DateTime(["%Y-%m-%d"]), metavar="[DAY]")
def command(mouse: str, day: datetime | None) -> None:
    """What MOUSE was told on DAY (default: today), by which run, why, and whether the rig followed."""
    click.echo("\n".join(what_was_told(Settings.from_environment(), mouse, day and day.date())))
