"""``auto-train simulate``."""

from datetime import datetime, timedelta
from pathlib import Path

import click

from auto_train.lake import Settings, shown
from auto_train.lake.clock import now
from auto_train.simulation.mice import simulate, write


@click.command()
@click.option("--mice", default=40, show_default=True)
@click.option("--sessions-per-mouse", default=30, show_default=True, help="Mean number of sessions of a mouse.")
@click.option("--seed", default=1, show_default=True)
@click.option("--last-day", type=click.DateTime(["%Y-%m-%d"]), help="Default: yesterday.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Default: df_behavior of the lake.")
@click.option("--if-missing", is_flag=True, help="Write only where there is no file yet.")
def command(
    mice: int, sessions_per_mouse: int, seed: int, last_day: datetime | None, out: Path | None, if_missing: bool
) -> None:
    """Write a df_behavior of simulated mice."""
    out = out or Path(Settings.from_environment().df_behavior)
    if if_missing and ("://" in str(out) or out.exists()):
        return
    until = last_day.date() if last_day else now().date() - timedelta(days=1)
    rows = write(simulate(mice, sessions_per_mouse, seed, until), out)
    click.echo(f"{rows} sessions of {mice} simulated mice in {shown(str(out))}")
