"""``auto-train nightly``."""

import os
import sys

import click

from auto_train.lake import Settings, names_of_managers
from auto_train.nights.begin import begin
from auto_train.nights.dbt_options import with_vars
from auto_train.nights.record import CODES_IN_WORDS, GRAVEST_FIRST
from auto_train.nights.rehearsal import rehearse
from scripts.options import ALL, MANAGER, OF_DBT, refuse_one_database


@click.command(context_settings=OF_DBT)
@MANAGER
@ALL
@click.option("--if-news", is_flag=True, help="Only where something is new since the last run.")
@click.option("--let-through", "gates", multiple=True, metavar="GATE", help="A gate that only warns this once.")
@click.option("--who", help="Who lets it through.")
@click.option("--why", help="Why; it stands in the run's manifest.")
@click.option("--dry-run", is_flag=True, help="Publish nothing, and say what the night would change.")
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def command(
    of_all: bool,
    if_news: bool,
    gates: tuple[str, ...],
    who: str | None,
    why: str | None,
    dry_run: bool,
    options: tuple[str, ...],
) -> None:
    """Run `dbt build`, publish, and print a summary.

    OPTIONS are those of `dbt build`. Exit code 0: published; 1: a test refused it; 2: it could not run; 3: published,
    and something beside it is behind. Of several managers it is that of the one that most needs somebody.
    """
    if gates and not (who and why):
        raise click.UsageError("--let-through needs --who and --why")
    if not gates and (who or why):
        raise click.UsageError("--who and --why belong to --let-through")
    let_through = [{"gate": gate, "who": who, "why": why} for gate in gates]
    dbt_options = with_vars(list(options), let_through=let_through) if gates else list(options)
    if dry_run:
        if of_all or if_news:
            raise click.UsageError("--dry-run is for one manager, and looks whatever is new")
        code, lines = rehearse(Settings.from_environment(), dbt_options)
        click.echo("\n".join(lines))
        sys.exit(code)
    if not of_all:
        sys.exit(begin(os.environ.get("AUTO_TRAIN_MANAGER", ""), dbt_options, if_news=if_news))
    refuse_one_database()
    codes: dict[str, int | None] = {}
    for name in names_of_managers():
        click.echo(f"== {name}")
        codes[name] = begin(name, dbt_options, if_news=if_news)
    said = {name: "no news" if code is None else f"{CODES_IN_WORDS[code]} ({code})" for name, code in codes.items()}
    click.echo("\n".join(f"{name}: {words}" for name, words in said.items()))
    sys.exit(next((code for code in GRAVEST_FIRST if code in codes.values()), 0))
