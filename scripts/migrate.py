"""``auto-train migrate``."""

from pathlib import Path

import click

from auto_train.lake import Settings
from auto_train.lake.clock import now
from auto_train.publishing.manifest import LEADER
from auto_train.publishing.migration import migrate
from scripts.options import MANAGER

PICKLE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@MANAGER
@click.argument("df_manager", type=PICKLE)
@click.option("--df-sessions", type=PICKLE, help="The existing system's pickle of sessions, to become df_behavior.")
def command(df_manager: Path, df_sessions: Path | None) -> None:
    """Bring the state of the existing system into a lake that has none yet.

    DF_MANAGER is its pickle of decisions. A pickle can run any program while it is read. This reader makes nothing but
    tables, texts, numbers and times, and refuses all else; still, migrate only what you trust.
    """
    settings = Settings.from_environment()
    for line in migrate(settings, df_manager, df_sessions, now()):
        click.echo(f"left out: {line}")
    click.echo(f"{settings.lake}/{settings.published(LEADER)} is there; the next night goes on from it")
