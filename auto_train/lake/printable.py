"""Text of a table as people may see it: it must not clear a terminal, nor look like a line of ours."""

import re

# what moves a cursor, changes colours or the direction of writing
CONTROLS = "\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
MICE_NAMED = 10


def printable(text: object) -> str:
    """The text on one line, with what does not print as its escape."""
    return _escaped(f"[\t\n{CONTROLS}]", str(text))


def printable_lines(text: str) -> str:
    """The same for a text that is of several lines."""
    return _escaped(f"[{CONTROLS}]", text)


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its noun: ``1 mouse``, ``2,000 mice``; without `many` the plural ends in s."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def named(mice: list[str]) -> str:
    """Mice in words, of many only the first."""
    more = len(mice) - MICE_NAMED
    return ", ".join(map(printable, mice[:MICE_NAMED])) + (f" and {more:,} more" if more > 0 else "")


def _escaped(pattern: str, text: str) -> str:
    return re.sub(pattern, lambda found: found[0].encode("unicode_escape").decode(), text)
