"""Read the file in which people say what they want for single mice: what is wrong with a line stays with that line."""

import codecs
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
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# what chats and spreadsheets leave in a text that is copied
INVISIBLE = "[\u200b\u2060\ufeff]"
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
        last: gives what was known last, with the run that read it. That stays in force where the file is gone or not
            reached, or holds something else, such as a workbook or the page on which one should log in.
    """
    found, content = _there(root, settings)
    whole = [line for line in found if line.line_number is None]
    if not whole:
        return Known(found, content)
    if (before := last()) is None:
        return Known(found, None)
    run, content = before
    [line] = whole
    why = "".join(
        f" ({problem.words.split(', so ')[0]})"
        for problem in DirectiveProblem
        if problem.value == line.problem and problem is not DirectiveProblem.NOT_REACHED
    )
    problem = Line(f"{line.place}{why}", problem=DirectiveProblem.NOT_REACHED.value)
    return Known([problem, *lines(content, f"{line.place.split(' (')[0]}, as run {run} read it")], content)


def _there(root: Path, settings: Settings) -> tuple[list[Line], bytes | None]:
    place = shown(settings.directives) if settings.directives else FILE
    try:
        content = reading.read(settings.directives, settings) if settings.directives else (root / FILE).read_bytes()
    except LakeError as error:
        return [Line(f"{place} ({error})", problem=DirectiveProblem.NOT_REACHED.value)], None
    except FileNotFoundError:
        return [Line(place, problem=DirectiveProblem.FILE_IS_MISSING.value)], None
    except OSError:
        return [Line(place, problem=DirectiveProblem.FILE_IS_NOT_TEXT.value)], None
    return lines(content, place), content


def lines(content: bytes, file: str = FILE) -> list[Line]:
    """Every row of a file with this content."""
    text = decoded(content)
    # not str.splitlines, which also splits at characters that stand within a line
    texts = re.split(r"\r\n|\n|\r", re.sub(INVISIBLE, "", text))
    if header := _header(texts):
        return _rows(texts, header, file)
    problem = DirectiveProblem.FILE_IS_NOT_TEXT if "\0" in text else DirectiveProblem.HEADER_IS_MISSING
    return [Line(file, problem=problem.value)]


class _Header(NamedTuple):
    """Which columns a file has.

    Attributes:
        place: the index of its line; None where there is none, and rows are as this project writes them.
        delimiter: what stands between fields.
        names: of the columns, in their order.
        problem: why rows cannot be trusted, or None.
    """

    place: int | None
    delimiter: str
    names: list[str]
    problem: str | None = None


def _header(texts: list[str]) -> _Header | None:
    """The header, wherever a spreadsheet sorted it to; where it is damaged or gone, what tells the mice of the rows."""
    for place, text in enumerate(texts):
        if "directive" in text.lower():
            for delimiter in DELIMITERS:
                if set(COLUMNS) <= set(names := _names(text, delimiter)):
                    return _Header(place, delimiter, names)
    first = next((place for place, text in enumerate(texts) if text.strip()), 0)
    for delimiter in DELIMITERS:
        names = _names(texts[first], delimiter)
        if len(names) > 1 and COLUMNS[0] in names:
            return _Header(first, delimiter, names, DirectiveProblem.HEADER_IS_DAMAGED.value)
        if len(_fields([texts[first]], delimiter) or []) == len(COLUMNS):
            return _Header(None, delimiter, list(COLUMNS), DirectiveProblem.HEADER_IS_DAMAGED.value)
    return None


def _names(text: str, delimiter: str) -> list[str]:
    return [re.sub(r"\s+", "_", name.strip().lower()) for name in text.replace('"', "").split(delimiter)]


def decoded(content: bytes) -> str:
    """The text, as its first bytes say, as UTF-8, or as Western spreadsheets write it; every byte is one of latin-1."""
    for encoding in (*(("utf-16",) if content[:2] in UTF_16 else ()), "utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1")


def _rows(texts: list[str], header: _Header, file: str) -> list[Line]:
    found, start = [], 0
    names = header.names
    while start < len(texts):
        place, number = f"{file}, line {start + 1}", start + 1
        end, fields = _row(texts, start, header.delimiter, len(names))
        is_row = fields is not None and len(fields) == len(names)
        # of what is not a row, the mouse is looked for where it should stand
        values = [
            re.sub(r"\s*\n\s*", " ", value.strip()) if is_row else value.strip().strip('"').strip()
            for value in fields or texts[start].split(header.delimiter)
        ]
        is_header, start = start == header.place, end
        if is_header or not any(values):
            continue
        of = {column: _value(values, names.index(column)) for column in COLUMNS if column in names}
        if is_row:
            found.append(Line(place, number, **of, problem=header.problem))
            continue
        # a line pasted from elsewhere may have another delimiter
        of["subject_id"] = re.split("[,;\t]", of["subject_id"] or "")[0].strip() or None
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
    if any("\0" in text for text in texts):
        return None
    try:
        rows = list(csv.reader((f"{text}\n" for text in texts), delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None
