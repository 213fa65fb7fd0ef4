"""``auto-train backtest``."""

import click

from auto_train.lake import Settings
from auto_train.nights import backtest
from scripts.options import MANAGER


@click.command(context_settings={"ignore_unknown_options": True})
@MANAGER
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def command(options: tuple[str, ...]) -> None:
    """Replay all sessions that the last run read under every curriculum, in open loop.

    OPTIONS are those of `dbt build`.
    """
    click.echo(backtest.replay(Settings.from_environment(), list(options)))
