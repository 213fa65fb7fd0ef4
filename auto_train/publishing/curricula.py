"""Curricula in a lake: what rigs load from ``saved_curriculums``, where a version never changes."""

import hashlib
import io

from auto_train.lake import CURRICULA, Lake, LakeError
from curricula import exchange, pictures
from curricula.errors import one_line
from curricula.library import load_named
from curricula.releases import content_hash
from curricula.schema import Curriculum


class StoreError(LakeError):
    """The lake holds other content under a curriculum's name and version."""


def path_of(curriculum: Curriculum) -> str:
    """Path of the curriculum's JSON below the lake."""
    return f"{CURRICULA}/{exchange.file_name(curriculum)}"


def publish_named_curricula(lake: Lake, keys: set[tuple[str, str, str]]) -> dict[str, bytes]:
    """Put those curricula into the lake that are not there yet; returns what the lake holds of them by path.

    A key that the library does not have is left alone: its decisions came from another system or an older library.

    Raises:
        StoreError: the lake holds other content under a name and version; nothing was put.
    """
    named = [curriculum for curriculum in load_named(key[:2] for key in keys) if curriculum.key in keys]
    publish(lake, named)
    return {path_of(curriculum): lake.read(path_of(curriculum)) for curriculum in named}


def publish(lake: Lake, curricula: list[Curriculum]) -> list[str]:
    """Put curricula with their pictures and JSON schemas into the lake, only what is not there; returns their paths.

    Raises:
        StoreError: the lake holds other content under a name and version; nothing was put.
    """
    new = [curriculum for curriculum in curricula if not _is_there(lake, curriculum)]
    for curriculum in new:
        task, schema_version = curriculum.task_definition, curriculum.schema_version
        beside = {
            pictures.picture_name(curriculum, "rules"): pictures.rules_svg(curriculum),
            pictures.picture_name(curriculum, "paras"): pictures.parameters_svg(curriculum),
        }
        schema = exchange.schema_file_name(task, schema_version)
        if not lake.exists(f"{CURRICULA}/{schema}"):
            beside[schema] = exchange.json_schema(task, schema_version)
        for name, text in beside.items():
            lake.publish(io.BytesIO(text.encode()), f"{CURRICULA}/{name}")
        # the JSON comes last: where it is, all is
        text = exchange.to_json(curriculum)
        put = lake.replace(io.BytesIO(text.encode()), path_of(curriculum), expected=None)
        if not put and not _is_there(lake, curriculum):
            raise StoreError(f"{path_of(curriculum)} came and went meanwhile: run again")
    return [path_of(curriculum) for curriculum in new]


def _is_there(lake: Lake, curriculum: Curriculum) -> bool:
    path = path_of(curriculum)
    tag = lake.tag(path)
    if tag is None:
        return False
    if tag == _md5(exchange.to_json(curriculum).encode()):
        return True
    name = f"{curriculum.name} {curriculum.version}"
    try:
        other = _read(lake, path)
    except exchange.ExchangeError as error:
        raise StoreError(
            f"{lake.location}/{path} is not a curriculum that can be read, and mice need {name}: {error}. "
            "Mend it, or take it away: then the library's one is put there"
        ) from None
    if content_hash(other) != content_hash(curriculum):
        raise StoreError(
            f"{lake.location}/{path} holds other content than {name} of the library. "
            "A version never changes: give the library's one a new version, or find out who put the other one there"
        )
    return True


def _read(lake: Lake, path: str) -> Curriculum:
    """A curriculum of a lake.

    Raises:
        exchange.ExchangeError: it cannot be read as one.
    """
    try:
        return exchange.from_json(lake.read(path).decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise exchange.ExchangeError(f"is not UTF-8 text at byte {error.start}") from None


def read_all(lake: Lake) -> tuple[list[Curriculum], list[str]]:
    """Every curriculum of a lake that can be read, and of each other one its file with the reason."""
    found, unreadable = [], []
    for path in lake.paths(CURRICULA):
        if "_curriculum_v" in path and path.endswith(".json"):
            try:
                found.append(_read(lake, path))
            except exchange.ExchangeError as error:
                unreadable += [one_line(f"{path} cannot be read: {problem}") for problem in str(error).split("\n")]
    return found, unreadable


def in_lake(lake: Lake) -> list[Curriculum]:
    """Every curriculum of a lake that can be read."""
    return read_all(lake)[0]


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
