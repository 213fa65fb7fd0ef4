"""``auto-train simulate``."""

from datetime import datetime, timedelta
from glob import glob
from pathlib import Path

import click

from auto_train.lake import Settings, open_lake, shown
from auto_train.lake.clock import now
from auto_train.nights.inputs import kind_of
from auto_train.simulation.mice import simulate, write
from curricula.errors import UserError
from scripts.curricula import named
from scripts.options import MANAGER


@click.command()
@MANAGER
@click.option("--mice", default=40, show_default=True, help="Foraging mice.")
@click.option(
    "--also", nargs=2, type=(str, click.IntRange(min=0)), multiple=True, metavar="CURRICULUM MICE", show_default=True,
    default=[("singlesite/v1.3.2", 8)], help="Mice of another curriculum of the library; may be repeated.",
)  # fmt: skip
@click.option("--sessions-per-mouse", default=30, show_default=True, help="Mean number of sessions of a mouse.")
@click.option("--seed", default=1, show_default=True)
@click.option("--last-day", type=click.DateTime(["%Y-%m-%d"]), help="Default: yesterday.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Default: df_behavior of the lake.")
@click.option("--if-missing", is_flag=True, help="Do nothing where df_behavior is there.")
@click.option("--overwrite", is_flag=True, help="Replace a file that is there.")
def command(
    mice: int,
    also: tuple[tuple[str, int], ...],
    sessions_per_mouse: int,
    seed: int,
    last_day: datetime | None,
    out: Path | None,
    if_missing: bool,
    overwrite: bool,
) -> None:
    """Write a df_behavior of simulated mice into a folder."""
    file = out or place(Settings.from_environment(), if_missing)
    if file is None or (if_missing and file.exists()):
        return
    if file.exists() and not overwrite:
        raise UserError(f"{shown(str(file))} is there already. Replace it with --overwrite, or name another with --out")
    until = last_day.date() if last_day else now().date() - timedelta(days=1)
    others = [(named(key), count) for key, count in also]
    rows = write(simulate(mice, sessions_per_mouse, seed, until, also=others), file)
    count = mice + sum(count for _, count in also)
    click.echo(f"{rows} sessions of {count} simulated mice in {shown(str(file))}")


def place(settings: Settings, if_missing: bool) -> Path | None:
    """Where the lake's df_behavior is to be; None where it is there and that is enough.

    Raises:
        UserError: it is not a file of a folder, so nothing simulated is written there.
    """
    there = settings.df_behavior
    is_remote, is_pattern = "://" in there, any(wildcard in there for wildcard in "*?[")
    if not is_remote and not is_pattern:
        if kind_of(there) and not (if_missing and Path(there).exists()):
            raise UserError(f"simulated mice are written as parquet, not to {shown(there)}: name another with --out")
        return Path(there)
    # a URL, or whether files match a pattern in S3, is the run's to find out
    if if_missing and (is_pattern if is_remote else glob(there)):
        return None
    folder, _, name = there.rpartition("/")
    if if_missing and (there.startswith("http") or open_lake(folder, settings).exists(name)):
        return None
    state = f"there is no df_behavior at {shown(there)}, and simulated" if if_missing else "simulated"
    raise UserError(
        f"{state} mice are written into a folder only, not to {shown(there)}. Put a table there or name another with "
        "AUTO_TRAIN_LAKE or AUTO_TRAIN_DF_BEHAVIOR (simulated mice in a file: auto-train simulate --out FILE)"
    )
