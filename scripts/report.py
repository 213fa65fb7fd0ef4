"""``auto-train report``."""

from pathlib import Path

import click
import duckdb

from auto_train.lake import ROOT, Settings
from auto_train.page.page import write
from curricula.errors import UserError


@click.command()
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=ROOT / "target/morning.html")
@click.option("--publish/--no-publish", "publishes", default=True, help="Publish it beside the tables of its run.")
def command(out: Path, publishes: bool) -> None:
    """Write the morning page of the last run."""
    try:
        write(Settings.from_environment(), out, publishes=publishes)
    except duckdb.Error as error:
        raise UserError(f"no page: it needs the database that a run leaves ({error})") from None
