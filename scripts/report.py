"""``auto-train report``."""

from pathlib import Path

import click
import duckdb

from auto_train.lake import Settings
from auto_train.page.page import local_copy, report
from curricula.errors import UserError
from scripts.options import MANAGER


@click.command()
@MANAGER
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Where it is saved.")
def command(out: Path | None) -> None:
    """Write the morning page of the last publication anew, with the backtest where one was made since."""
    settings = Settings.from_environment()
    try:
        click.echo(report(settings, out or local_copy(settings)))
    except duckdb.Error as error:
        raise UserError(f"no page: it needs the database that a run leaves ({error})") from None
