"""Options that several commands share."""

import os
import re
from datetime import timedelta
from typing import Any

import click

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _chosen(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    # dbt runs in a process of its own, and finds the manager there
    if value:
        os.environ["AUTO_TRAIN_MANAGER"] = value


class _Duration(click.ParamType[timedelta]):
    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        found = re.fullmatch(r"([0-9]{1,6})([smhd])", str(value))
        if not found:
            self.fail(f"{value!r}: a whole number and its unit are needed, such as 90s, 5m, 26h or 2d", param, ctx)
        return timedelta(**{UNITS[found[2]]: int(found[1])})


DURATION = _Duration()
MANAGER = click.option(
    "--manager", metavar="NAME", callback=_chosen, expose_value=False, help="Whose settings; of managers.yml, say."
)
