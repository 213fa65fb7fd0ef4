"""``auto-train bench``."""

import click

from auto_train.simulation import bench


@click.command()
@click.option(
    "--sessions", "sizes", type=int, multiple=True, default=(35_000, 1_000_000, 10_000_000), show_default=True
)
@click.option("--seed", default=1, show_default=True)
def command(sizes: tuple[int, ...], seed: int) -> None:
    """Time and memory of the whole `dbt build`, as ratios to the floor measured in the same run."""
    click.echo(bench.HEADER)
    for sessions in sizes:
        click.echo(bench.row(bench.measure(sessions, seed)))
