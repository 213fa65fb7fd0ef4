"""``auto-train watch``."""

import os
import time
from datetime import timedelta

import click

from auto_train.lake import names_of_managers
from auto_train.nights.begin import watch
from scripts.options import ALL, DURATION, MANAGER, OF_DBT, refuse_one_database


@click.command(context_settings=OF_DBT)
@MANAGER
@ALL
@click.option("--every", type=DURATION, default="5m", show_default=True, help="How often it looks.")
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def command(of_all: bool, every: timedelta, options: tuple[str, ...]) -> None:
    """Look at df_behavior, directives and the library every few minutes, and run a night where there is news.

    A new training day is news too; what a test refused once is not. Ends when it is interrupted.
    """
    if of_all:
        refuse_one_database()
    managers = names_of_managers() if of_all else [os.environ.get("AUTO_TRAIN_MANAGER", "")]

    def wait() -> bool:
        time.sleep(every.total_seconds())
        return True

    try:
        watch(managers, list(options), wait)
    except KeyboardInterrupt:
        click.echo("stopped")
