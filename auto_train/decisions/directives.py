"""Read the file in which people say what they want for single mice: what is wrong with a line stays with that line."""

import csv
import re
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from auto_train.decisions.vocabulary import DirectiveProblem
from auto_train.lake import LakeError, Settings, reading, shown

FILE = "seeds/by_hand/subject_directives.csv"
COLUMNS = ("subject_id", "directive", "stage", "from_date", "until_date", "who", "why")
DELIMITERS = (",", ";", "\t")
# a reason may be written over several lines, but no longer
MOST_LINES_OF_A_ROW = 20


class Line(NamedTuple):
    """A row of the file, or what is wrong with the whole of it.

    Attributes:
        place: where it stands, for people.
        line_number: the line on which it begins, from 1; None where the whole file cannot be used.
        problem: why it cannot be read, or None.
    """

    place: str
    line_number: int | None = None
    subject_id: str | None = None
    directive: str | None = None
    stage: str | None = None
    from_date: str | None = None
    until_date: str | None = None
    who: str | None = None
    why: str | None = None
    problem: str | None = None


class Known(NamedTuple):
    """The directives that a run goes by.

    Attributes:
        lines: every row; what cannot be used at all is one row that says so.
        content: what they stand in, to be kept; None where nothing could be read.
    """

    lines: list[Line]
    content: bytes | None


def known(root: Path, settings: Settings, last: Callable[[], tuple[str, bytes] | None]) -> Known:
    """The directives of a manager.

    Args:
        root: the project's root, below which the file is where the settings name no other place.
        settings: what names the place.
        last: gives what was known last, with the run that read it. That stays in force where the place is not reached,
            or holds something else, such as the page on which one should log in.
    """
    if not settings.directives:
        return _of_the_project(root / FILE)
    place = shown(settings.directives)
    try:
        content = reading.read(settings.directives, settings)
        found = lines(content, place)
        why = ""
    except LakeError as error:
        content, found, why = None, [], f" ({error})"
    whole = [line for line in found if line.line_number is None]
    if content is not None and not whole:
        return Known(found, content)
    why = why or "".join(f" ({problem.words})" for problem in DirectiveProblem if problem.value == whole[0].problem)
    problem = Line(f"{place}{why}", problem=DirectiveProblem.NOT_REACHED.value)
    if (before := last()) is None:
        return Known([problem], None)
    run, content = before
    return Known([problem, *lines(content, f"{place}, as run {run} read it")], content)


def _of_the_project(path: Path) -> Known:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Known([Line(FILE, problem=DirectiveProblem.FILE_IS_MISSING.value)], None)
    except OSError:
        return Known([Line(FILE, problem=DirectiveProblem.FILE_IS_NOT_TEXT.value)], None)
    return Known(lines(content), content)


def lines(content: bytes, file: str = FILE) -> list[Line]:
    """Every row of a file with this content."""
    if b"\0" in content:
        return [Line(file, problem=DirectiveProblem.FILE_IS_NOT_TEXT.value)]
    # not str.splitlines, which also splits at characters that stand within a line
    texts = re.split(r"\r\n|\n|\r", decoded(content))
    first = next((place for place, text in enumerate(texts) if text.strip()), 0)
    for delimiter in DELIMITERS:
        names = [
            re.sub(r"\s+", "_", name.strip().lower()) for name in _fields(texts[first : first + 1], delimiter) or []
        ]
        if set(COLUMNS) <= set(names):
            return _rows(texts, first + 1, delimiter, names, file)
    return [Line(file, problem=DirectiveProblem.HEADER_IS_MISSING.value)]


def decoded(content: bytes) -> str:
    """The text, as UTF-8 or else as Western spreadsheets write it; every byte is a character of latin-1."""
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1")


def _rows(texts: list[str], start: int, delimiter: str, names: list[str], file: str) -> list[Line]:
    found = []
    while start < len(texts):
        place, number = f"{file}, line {start + 1}", start + 1
        end, fields = _row(texts, start, delimiter, len(names))
        is_row = fields is not None and len(fields) == len(names)
        # of what is not a row, the mouse is looked for where it should stand
        values = [
            re.sub(r"\s*\n\s*", " ", value.strip()) if is_row else value.strip().strip('"').strip()
            for value in fields or texts[start].split(delimiter)
        ]
        start = end
        if not any(values):
            continue
        of = {column: _value(values, names.index(column)) for column in COLUMNS}
        if is_row:
            found.append(Line(place, number, **of))
            continue
        if len(values) < len(names) or fields is None:
            # nobody knows which of them is missing, so dates may not be what they seem
            of["from_date"] = of["until_date"] = None
        found.append(Line(place, number, **of, problem=DirectiveProblem.MALFORMED_LINE.value))
    return found


def _value(values: list[str], place: int) -> str | None:
    return values[place] or None if place < len(values) else None


def _row(texts: list[str], start: int, delimiter: str, width: int) -> tuple[int, list[str] | None]:
    """Where the row ends that starts at a line, and its fields; the line alone where it is not a row."""
    alone = _fields(texts[start : start + 1], delimiter)
    if alone is None:
        for end in islice(range(start + 2, len(texts) + 1), MOST_LINES_OF_A_ROW - 1):
            # a quote that nobody closed must not swallow a line that is a row by itself
            if len(_fields(texts[end - 1 : end], delimiter) or []) == width:
                break
            fields = _fields(texts[start:end], delimiter)
            if fields and len(fields) == width:
                return end, fields
    return start + 1, alone


def _fields(texts: list[str], delimiter: str) -> list[str] | None:
    """Fields of one row; None where they are not one, because a quote is not closed, say."""
    try:
        rows = list(csv.reader((f"{text}\n" for text in texts), delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None
