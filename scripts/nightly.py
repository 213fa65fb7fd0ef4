"""``auto-train nightly``."""

import sys

import click

from auto_train.lake import Settings
from auto_train.nights import night
from auto_train.nights.rehearsal import rehearse


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--let-through", "gates", multiple=True, metavar="GATE", help="A gate that only warns this once.")
@click.option("--who", help="Who lets it through.")
@click.option("--why", help="Why; it stands in the run's manifest.")
@click.option("--dry-run", is_flag=True, help="Publish nothing, and say what the night would change.")
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def command(gates: tuple[str, ...], who: str | None, why: str | None, dry_run: bool, options: tuple[str, ...]) -> None:
    """Run `dbt build`, publish, and print a summary.

    OPTIONS are those of `dbt build`; the exit code is dbt's.
    """
    if gates and not (who and why):
        raise click.UsageError("--let-through needs --who and --why")
    if not gates and (who or why):
        raise click.UsageError("--who and --why belong to --let-through")
    let_through = [{"gate": gate, "who": who, "why": why} for gate in gates]
    dbt_options = night.with_vars(list(options), let_through=let_through) if gates else list(options)
    if dry_run:
        code, lines = rehearse(Settings.from_environment(), dbt_options)
        click.echo("\n".join(lines))
        sys.exit(code)
    sys.exit(night.run(Settings.from_environment(), dbt_options))
