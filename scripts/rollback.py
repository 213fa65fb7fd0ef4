"""``auto-train rollback``."""

import sys

import click

from auto_train.lake import Settings, open_lake
from auto_train.lake.clock import now
from auto_train.nights import alerts
from auto_train.nights.record import BEHIND
from auto_train.publishing.history import last_other_run
from auto_train.publishing.rollback import roll_back
from scripts.options import MANAGER


@click.command()
@MANAGER
@click.argument("run", required=False)
def command(run: str | None) -> None:
    """Publish again what an earlier run published.

    RUN is one that `auto-train list` shows; without it, the newest that published another df_manager than there is now.
    Exit code 3: published, but somebody could not be told.
    """
    settings = Settings.from_environment()
    run_id = run or last_other_run(open_lake(settings.lake, settings), settings)
    manifest = roll_back(settings, run_id, now())
    said = [f"published again what run {run_id} published, as run {manifest.run.id}", *manifest.said]
    behind = alerts.tell_of_rollback(settings, said)
    click.echo("\n".join([*said, *behind]))
    sys.exit(BEHIND if behind else 0)
