"""``auto-train lab``."""

import sys
import tempfile
from pathlib import Path

import click

from auto_train.lab.nights import build, live
from auto_train.lab.world import World


@click.command()
@click.option("--nights", type=click.IntRange(0), default=30, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--mice", type=click.IntRange(1), default=84, show_default=True)
@click.option("--trainers", type=click.IntRange(1), default=6, show_default=True)
@click.option("--rigs", type=click.IntRange(1), default=5, show_default=True)
@click.option("--without-flag", is_flag=True, help="The rigs say nothing of what trainers choose.")
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), help="Default: a temporary one.")
def command(
    nights: int, seed: int, mice: int, trainers: int, rigs: int, without_flag: bool, folder: Path | None
) -> None:
    """Live the nights of a simulated lab, and hold what people are told against what is true.

    The exit code is 1 where anything is wrong; wrong.csv in the folder names it.
    """
    world = World(seed, mice, nights, trainers, rigs, has_flag=not without_flag)
    place = folder.resolve() if folder else Path(tempfile.mkdtemp(prefix="auto_train_lab_"))
    judge = live(world, place, build(place), lambda line: click.echo(line, err=True))
    click.echo(judge.table())
    if judge.wrong_kinds:
        click.echo(f"what was wrong: {place / 'wrong.csv'}")
        sys.exit(1)
