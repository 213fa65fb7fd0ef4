"""What validation finds wrong with a curriculum, in the words of its file: stage, rule, field, problem."""

from collections.abc import Callable, Iterable

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from curricula.errors import one_line, shown, unknown

Place = tuple[int | str, ...]

EXPECTED = {
    "string": "a text is expected",
    "int": "a whole number is expected",
    "float": "a number is expected",
    "bool": "true or false is expected",
    "dict": "a mapping (name: value) is expected",
    "model": "a mapping (name: value) is expected",
    "list": "a list is expected",
    "tuple": "a list is expected",
}
LIMITS = {
    "greater_than_equal": ("ge", "at least"),
    "less_than_equal": ("le", "at most"),
    "greater_than": ("gt", "above"),
}


def in_words(error: ValidationError, known: Callable[[Place], Iterable[str]]) -> list[str]:
    """One line per problem.

    Args:
        error: what pydantic raised.
        known: gives the names that may stand in a place of the document.
    """
    return [one_line(_problem(detail, known)) for detail in error.errors(include_url=False)]


def _problem(detail: ErrorDetails, known: Callable[[Place], Iterable[str]]) -> str:
    place = _place(detail["loc"])
    what = _what(detail, known)
    return f"{place}: {what}" if place else what


def _place(location: Place) -> str:
    place, rest = [], [part for part in location if part != "[key]"]
    while rest:
        part = rest.pop(0)
        if part == "stages" and rest:
            place.append(f"stage {shown(rest.pop(0)).strip(chr(39))}")
        elif part == "rules" and rest:
            place.append(f"rule {int(rest.pop(0)) + 1}" if str(rest[0]).isdigit() else str(part))
        else:
            place.append(shown(part).strip("'"))
    return ", ".join(place)


def _what(detail: ErrorDetails, known: Callable[[Place], Iterable[str]]) -> str:
    kind, location, given, context = detail["type"], detail["loc"], detail["input"], detail.get("ctx", {})
    if kind == "missing":
        return "is missing"
    if kind == "value_error":
        return str(context["error"])
    if kind == "extra_forbidden":
        return unknown(location[-1], known(location))
    if kind in ("enum", "literal_error"):
        allowed = str(context["expected"]).replace(" or ", ", ").replace("'", "").split(", ")
        return f"{shown(given)} {unknown(given, allowed)}"
    if kind in LIMITS:
        limit, words = LIMITS[kind]
        return f"must be {words} {context[limit]:g}, not {shown(given)}"
    if kind == "string_pattern_mismatch":
        return f"{shown(given)} has characters that are not allowed; allowed is {context['pattern']}"
    if kind == "string_too_long":
        return f"is longer than {context['max_length']} characters"
    if kind == "too_short":
        return "needs at least one entry"
    expected = EXPECTED.get(kind.split("_")[0])
    return f"{expected}, not {shown(given)}" if expected else f"{shown(given)} is not allowed"
