"""``auto-train mirror``."""

import click

from auto_train.lake import Settings
from auto_train.publishing.mirror import bring_up_to_date
from scripts.options import MANAGER


@click.command()
@MANAGER
def command() -> None:
    """Bring the mirror up to date."""
    settings = Settings.from_environment()
    if not settings.mirror:
        click.echo("AUTO_TRAIN_MIRROR is not set")
        return
    click.echo(f"copied to {settings.mirror}: {len(bring_up_to_date(settings))}")
