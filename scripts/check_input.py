"""``auto-train check-input``."""

import os
import sys

import click

from auto_train.lake import Settings
from auto_train.nights import night
from scripts.options import MANAGER


@click.command(context_settings={"ignore_unknown_options": True})
@MANAGER
@click.argument("path")
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def command(path: str, options: tuple[str, ...]) -> None:
    """Say what a night would make of the table at PATH, without deciding or publishing anything.

    What is published in AUTO_TRAIN_LAKE is what it is compared with. OPTIONS are those of `dbt build`; the exit code is
    not 0 where a night would stop.
    """
    os.environ["AUTO_TRAIN_DF_BEHAVIOR"] = path if "://" in path else os.path.abspath(path)
    sys.exit(night.check_input(Settings.from_environment(), list(options)))
