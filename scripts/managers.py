"""``auto-train managers``."""

import json
import sys

import click

from auto_train.lake import Settings, names_of_managers, shown
from curricula.errors import UserError


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Their names as a JSON list, for a matrix of jobs.")
def command(as_json: bool) -> None:
    """List the managers of managers.yml, and what is wrong with their entries. Exit code 1 if anything is."""
    names = names_of_managers()
    if as_json:
        click.echo(json.dumps(names))
        return
    all_well = True
    for name in names:
        try:
            settings = Settings.from_environment(name)
            click.echo(f"{name}: {shown(settings.df_behavior)} to {shown(settings.lake)}")
        except UserError as error:
            all_well = False
            click.echo(f"{name}: WRONG\n    " + str(error).replace("\n", "\n    "))
    sys.exit(not all_well)
