"""Errors that people see."""

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Something that a person can fix; the message says what is wrong, where, and what to do.

    Commands print the message alone. Any other exception is a defect and keeps its traceback.
    """


def one_line(text: str) -> str:
    """Text of a file as a terminal may show it: newlines, escapes and the like are spelled out."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape", "surrogatepass").decode()
        for character in text
    )


def closest(given: object, allowed: Iterable[str]) -> str:
    """``, did you mean 'STAGE_2'?`` where a name is close to what was given; else empty."""
    by_lower_case = {name.casefold(): str(name) for name in allowed}
    close = difflib.get_close_matches(str(given)[:200].casefold(), by_lower_case, n=1)
    return f", did you mean {by_lower_case[close[0]]!r}?" if close else ""


def unknown(given: object, allowed: Iterable[str]) -> str:
    """What to say of a name that is not known: ``is unknown, did you mean 'STAGE_2'?; allowed: STAGE_1, STAGE_2``."""
    names = list(allowed)
    return f"is unknown{closest(given, names)}; allowed: {', '.join(names)}"


def shown(value: object) -> str:
    """A value of a file, cut where it is long."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None:
        return "nothing"
    try:
        text = repr(value)
    except ValueError:  # a whole number of thousands of digits
        return "a number too large"
    return text if len(text) <= 80 else f"{text[:80]}…"
