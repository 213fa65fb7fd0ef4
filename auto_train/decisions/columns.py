"""The columns of df_manager, as its contract lists them."""

from functools import cache
from typing import Any

import yaml

from auto_train.lake.settings import ROOT
from curricula.blocks import yaml_columns
from curricula.compile import list_macro

CONTRACT = ROOT / "models/_df_manager__models.yml"
MACRO = "macros/generated/df_manager_columns.sql"


def columns_for_readers() -> dict[str, str]:
    """DuckDB type by name of the published columns that readers of the existing system know, in their order."""
    return {
        column["name"]: column["data_type"] for column in _columns("export_df_manager") if "readers" in _tags(column)
    }


def macro() -> dict[str, str]:
    """The columns as the macro that models loop over, by its path below the project's root."""
    columns = [
        {"name": column["name"], "type": column["data_type"], "tags": _tags(column)}
        for column in _columns("df_manager")
    ]
    return {MACRO: list_macro("contract_of_df_manager", columns, "models/_df_manager__models.yml")}


def lists() -> dict[str, str]:
    """The columns as other models' YAML has them, by the names of its blocks."""
    columns = _columns("df_manager")
    typed = [{key: column[key] for key in ("name", "description", "data_type")} for column in columns]
    published = [
        column
        | ({"data_type": "varchar"} if column["data_type"] == "date" else {})
        | ({"config": "{tags: [readers]}"} if "readers" in _tags(of) else {})
        for column, of in zip(typed, columns, strict=True)
    ]
    return {
        "columns of df_manager": yaml_columns(
            {"name": column["name"], "description": column["description"]} for column in columns
        ),
        "columns of df_manager as published": yaml_columns(published),
        "logged columns": yaml_columns(
            {"name": column["name"], "description": column["description"]}
            for column in columns
            if "logged" in _tags(column)
        ),
        "logged columns with types": yaml_columns(
            column for column, of in zip(typed, columns, strict=True) if "logged" in _tags(of)
        ),
    }


@cache
def _models() -> dict[str, Any]:
    return {model["name"]: model for model in yaml.safe_load(CONTRACT.read_text(encoding="utf-8"))["models"]}


def _columns(model: str) -> list[dict[str, Any]]:
    columns: list[dict[str, Any]] = _models()[model]["columns"]
    return columns


def _tags(column: dict[str, Any]) -> list[str]:
    return list(column.get("config", {}).get("tags", ()))
