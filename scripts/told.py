"""``auto-train told``."""

from datetime import datetime

import click
import duckdb

from auto_train.lake import Settings
from auto_train.lake.clock import now
from auto_train.publishing.answers import what_was_told

RAN = """
    select stage_ran, followed, trainer_chose, session from marts.told
    where subject_id = ? and session_date = ? and session is not null order by session
"""


@click.command()
@click.argument("mouse")
@click.argument("day", required=False, type=click.DateTime(["%Y-%m-%d"]))
def command(mouse: str, day: datetime | None) -> None:
    """What MOUSE was told on DAY (default: today), by which run, why, and whether the rig followed."""
    settings = Settings.from_environment()
    asked = (day or now()).date()
    click.echo("\n".join(what_was_told(settings, mouse, asked)))
    try:
        with duckdb.connect(settings.database, read_only=True) as database:
            ran = database.execute(RAN, [mouse, asked]).fetchall()
    except duckdb.Error:
        return
    for stage, followed, chose, session in ran:
        how = "as told" if followed else "a trainer chose it" if chose else "and nobody says why" if stage else ""
        click.echo(f"    session {session} ran {f'{stage}, {how}' if stage else 'in open loop'}")
