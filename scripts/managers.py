"""``auto-train managers``."""

import json
import sys

import click

from auto_train.lake import ROOT, Settings, names_of_managers, shown
from auto_train.lake.clock import now
from auto_train.nights import alerts
from auto_train.nights.dbt_options import check_vars
from auto_train.publishing.rename import rename as renamed
from curricula.errors import UserError


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Their names as a JSON list, for a matrix of jobs.")
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """List the managers of managers.yml, and what is wrong with their entries. Exit code 1 if anything is."""
    if context.invoked_subcommand:
        return
    names = names_of_managers()
    if as_json:
        click.echo(json.dumps(names))
        return
    all_well = True
    for name in names:
        try:
            settings = Settings.from_environment(name)
            check_vars(ROOT, settings.vars)
            click.echo(f"{name}: {shown(settings.df_behavior)} to {shown(settings.lake)}")
            if problems := alerts.check(settings.alerts):
                all_well = False
                click.echo("\n".join(f"    {problem}" for problem in problems))
        except UserError as error:
            all_well = False
            click.echo(f"{name}: WRONG\n    " + str(error).replace("\n", "\n    "))
    sys.exit(not all_well)


@command.command()
@click.argument("old")
@click.argument("new")
def rename(old: str, new: str) -> None:
    """Go on under the name NEW with what OLD published, and its log. An entry in managers.yml is renamed by hand."""
    manifest = renamed(Settings.from_environment(new), old, now())
    click.echo("\n".join([*manifest.said, f"published as run {manifest.run.id}"]))
