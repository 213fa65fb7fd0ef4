"""``auto-train summary``."""

import click

from auto_train.lake import Settings
from auto_train.nights.record import Night, in_words, record_path
from curricula.errors import UserError
from scripts.options import MANAGER


@click.command()
@MANAGER
@click.option("--json", "as_json", is_flag=True, help="As it was recorded.")
@click.option("--schema", is_flag=True, help="The JSON schema of the record.")
def command(as_json: bool, schema: bool) -> None:
    """Say again what the last night on this machine said."""
    if schema:
        click.echo(Night.schema_text())
        return
    settings = Settings.from_environment()
    path = record_path(settings)
    if not path.exists():
        raise UserError(f"{settings.manager} had no night on this machine: there is no {path}")
    text = path.read_text(encoding="utf-8")
    click.echo(text if as_json else in_words(Night.model_validate_json(text), settings), nl=not as_json)
