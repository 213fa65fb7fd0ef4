"""Options that several commands share."""

import os
import re
from datetime import timedelta
from typing import Any

import click

from curricula.errors import UserError

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _one_or_all(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    if value and context.meta.setdefault("whose", parameter.name) != parameter.name:
        raise click.UsageError("--all and --manager exclude each other")
    return value


def _chosen(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    # dbt runs in a process of its own, and finds the manager there
    if value and _one_or_all(context, parameter, value):
        os.environ["AUTO_TRAIN_MANAGER"] = value


class _Duration(click.ParamType[timedelta]):
    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        found = re.fullmatch(r"([1-9][0-9]{0,5})([smhd])", str(value))
        if not found:
            self.fail(
                f"{value!r}: a whole number from 1 up and its unit are needed, such as 90s, 5m, 26h or 2d", param, ctx
            )
        return timedelta(**{UNITS[found[2]]: int(found[1])})


def refuse_one_database() -> None:
    """Managers of one database would overwrite each other's tables."""
    if os.environ.get("AUTO_TRAIN_DATABASE"):
        raise UserError("AUTO_TRAIN_DATABASE would be one database for all managers: leave it out with --all")


# what we do not know is dbt's
OF_DBT = {"ignore_unknown_options": True}
DURATION = _Duration()
ALL = click.option(
    "--all", "of_all", is_flag=True, callback=_one_or_all, help="Every manager of managers.yml, one after the other."
)
MANAGER = click.option(
    "--manager", metavar="NAME", callback=_chosen, expose_value=False, help="Whose settings; of managers.yml, say."
)
