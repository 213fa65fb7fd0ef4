"""``auto-train nightly``."""

import os
import sys

import click

from auto_train.lake import Settings, names_of_managers
from auto_train.nights import night
from auto_train.nights.record import CODES_IN_WORDS, GRAVEST_FIRST
from curricula.errors import UserError
from scripts.options import MANAGER


@click.command(context_settings={"ignore_unknown_options": True})
@MANAGER
@click.option("--all", "of_all", is_flag=True, help="Every manager of managers.yml, one after the other.")
@click.option("--let-through", "gates", multiple=True, metavar="GATE", help="A gate that only warns this once.")
@click.option("--who", help="Who lets it through.")
@click.option("--why", help="Why; it stands in the run's manifest.")
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def command(of_all: bool, gates: tuple[str, ...], who: str | None, why: str | None, options: tuple[str, ...]) -> None:
    """Run `dbt build`, publish, and print a summary.

    OPTIONS are those of `dbt build`. Exit code 0: published; 1: a test refused it; 2: it could not run; 3: published,
    and something beside it is behind. Of several managers it is that of the one that most needs somebody.
    """
    if gates and not (who and why):
        raise click.UsageError("--let-through needs --who and --why")
    if not gates and (who or why):
        raise click.UsageError("--who and --why belong to --let-through")
    let_through = [{"gate": gate, "who": who, "why": why} for gate in gates]
    dbt_options = night.with_vars(list(options), let_through=let_through) if gates else list(options)
    if not of_all:
        sys.exit(one(os.environ.get("AUTO_TRAIN_MANAGER", ""), dbt_options))
    if os.environ.get("AUTO_TRAIN_DATABASE"):
        raise UserError("AUTO_TRAIN_DATABASE would be one database for all managers: leave it out with --all")
    codes = {}
    for name in names_of_managers():
        click.echo(f"== {name}")
        codes[name] = one(name, dbt_options)
    click.echo("\n".join(f"{name}: {CODES_IN_WORDS[code]} ({code})" for name, code in codes.items()))
    sys.exit(next(code for code in GRAVEST_FIRST if code in codes.values()))


def one(name: str, options: list[str]) -> int:
    """The night of one manager; whatever goes wrong with it, the next one has its own."""
    try:
        settings = Settings.from_environment(name)
    except UserError as error:
        return night.not_begun(name, error, options)
    return night.run(settings, options)
