"""Who is told of a night: addresses as settings have them."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import SecretStr

from auto_train.lake.errors import LakeError
from curricula import strict_yaml
from curricula.errors import closest


class Event(StrEnum):
    """What somebody may want to be told of."""

    FAILURE = "failure"
    WARNING = "warning"
    SUCCESS = "success"


UNLESS_SAID = (Event.FAILURE, Event.WARNING)


@dataclass(frozen=True)
class Alert:
    """An address of Apprise, which may hold a token, and so is never shown; or ``$NAME`` of the environment."""

    url: SecretStr
    on: tuple[Event, ...] = UNLESS_SAID


def read(text: str, place: str) -> tuple[Alert, ...]:
    """The alerts of a text: addresses with blanks between them, or a list of addresses and of ``{url, on}``.

    Args:
        text: as the setting has it.
        place: the setting, for messages, which never repeat what it holds.

    Raises:
        LakeError: it is something else.
    """
    given: Any = text.split()
    if text.lstrip().startswith(("[", "- ")):
        try:
            # in which `on` is a word, not a truth
            given = strict_yaml.read(text.encode())
        except strict_yaml.YamlError:
            raise LakeError(f"{place}: is not a list. Write [{{url: …, on: [failure]}}], or addresses only") from None
    return tuple(_alert(one, f"{place}, alert {number}") for number, one in enumerate(given, 1))


def _alert(given: Any, place: str) -> Alert:
    entry = {"url": given} if isinstance(given, str) else given
    if not isinstance(entry, dict) or not isinstance(url := entry.get("url"), str):
        raise LakeError(f"{place}: an address is needed, or url and on: {{url: mailtos://…, on: [failure]}}")
    if strange := [name for name in entry if name not in ("url", "on")]:
        raise LakeError(f"{place}: only url and on may stand here{closest(strange[0], ('url', 'on'))}")
    if not url.isprintable() or not (url.startswith("$") or "://" in url):
        raise LakeError(f"{place}: its url is not one of Apprise, such as mailtos://…, nor $NAME of the environment")
    return Alert(SecretStr(url), _events(entry.get("on", UNLESS_SAID), place))


def _events(given: Any, place: str) -> tuple[Event, ...]:
    names: Iterable[Any] = given if isinstance(given, list | tuple) else [given]
    wrong = [name for name in names if name not in list(Event)]
    if wrong:
        raise LakeError(f"{place}, on: {', '.join(Event)} are known only{closest(wrong[0], list(Event))}")
    return tuple(map(Event, names))
