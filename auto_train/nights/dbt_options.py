"""Options of dbt: those that people give, and those that a manager's entry adds."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import yaml

from auto_train.lake import ROOT, LakeError, Settings, clock, managers_file
from curricula.errors import unknown


def target_of(options: list[str]) -> Path:
    """Dbt's target folder, by its options."""
    return Path(options[options.index("--target-path") + 1]) if "--target-path" in options[:-1] else ROOT / "target"


def with_vars(options: list[str], **variables: Any) -> list[str]:
    """Options of dbt with more variables, beside those that they have.

    Raises:
        LakeError: the variables of the options are not YAML.
    """
    given = vars_of(options)
    return [*without(options, "--vars"), "--vars", json.dumps(given | variables, default=str)]


def vars_of(options: list[str]) -> dict[str, Any]:
    """The variables that options of dbt give.

    Raises:
        LakeError: they are not YAML.
    """
    if "--vars" not in options:
        return {}
    try:
        given = yaml.safe_load(options[options.index("--vars") + 1]) or {}
    except (yaml.YAMLError, IndexError):
        given = None
    if not isinstance(given, dict):
        raise LakeError("--vars needs YAML such as '{lab_time_zone: Europe/London}'")
    return given


def with_managers(settings: Settings, options: list[str]) -> list[str]:
    """Options of dbt, with what is the manager's own where the options do not say other: its variables and folders."""
    given = vars_of(options)
    own = {name: value for name, value in settings.vars.items() if name not in given}
    options = with_vars(options, **own) if own else options
    if not managers_file():
        return options
    place = target_of(options) / settings.manager
    options = without(options, "--target-path")
    logs = [] if "--log-path" in options else ["--log-path", str(place / "logs")]
    return [*options, "--target-path", str(place), *logs]


@contextmanager
def on_trial(settings: Settings, options: list[str]) -> Iterator[tuple[Settings, list[str], Path]]:
    """Settings, options of dbt and its target folder for a run apart, which leaves what the last night left."""
    with TemporaryDirectory() as place:
        target = Path(place, "target")
        options = without(without(with_managers(settings, options), "--target-path"), "--log-path")
        trial = replace(settings, database=f"{place}/{Path(settings.database).name}")
        yield trial, [*options, "--target-path", str(target), "--log-path", place], target


def without(options: list[str], name: str) -> list[str]:
    """Options without one of them and its value."""
    place = options.index(name) if name in options else len(options)
    return [*options[:place], *options[place + 2 :]]


def check_vars(root: Path, given: Mapping[str, Any]) -> None:
    """Say which variable cannot be used; a model would only say what DuckDB makes of it, and a misspelt one is none.

    Args:
        root: of the project, whose variables these are.
        given: what this invocation says in place of the project's.

    Raises:
        LakeError: a variable is not one of the project, or not what it should be.
    """
    of_project = yaml.safe_load((root / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]
    for name in given.keys() - of_project.keys():
        raise LakeError(f"--vars: {name} {unknown(name, of_project)}")
    variables = of_project | given
    for name, value in variables.items():
        if type(of_project[name]) is int and not (type(value) in (int, float) and value >= 0):
            raise LakeError(f"{name}={value!r}: a number from 0 up is needed")
    try:
        duckdb.execute("select regexp_full_match('', ?)", [str(variables["subject_id_pattern"])])
    except duckdb.Error as error:
        raise LakeError(f"subject_id_pattern={variables['subject_id_pattern']!r}: {error}") from None
    clock.training_day(clock.now(), variables["lab_time_zone"])
    if day := variables["training_day"]:
        try:
            date.fromisoformat(str(day))
        except ValueError:
            raise LakeError(f"training_day={str(day)!r} is not a day. Write YYYY-MM-DD, or leave it out") from None
