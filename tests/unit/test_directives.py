"""The file of directives is read line by line: whatever its bytes are, what is wrong with one line stays with it."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from auto_train.decisions.directives import COLUMNS, FILE, MOST_LINES_OF_A_ROW, Line, known, lines
from auto_train.lake import Settings

HEADER = ",".join(COLUMNS)
HOLD = "42,hold,,2024-01-01,2024-01-05,Anna,weight"
MALFORMED = "malformed_line"


def of(*rows: str, header: str = HEADER, encoding: str = "utf-8") -> list[Line]:
    return lines("\n".join([header, *rows, ""]).encode(encoding))


def told(found: list[Line]) -> list[tuple[int | None, str | None, str | None]]:
    return [(line.line_number, line.subject_id, line.problem) for line in found]


def test_a_line_keeps_its_number_and_what_it_says() -> None:
    [line] = of("", ",,,,,,", HOLD)
    assert line == Line(f"{FILE}, line 4", 4, "42", "hold", None, "2024-01-01", "2024-01-05", "Anna", "weight")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_what_spreadsheets_write_is_read(delimiter: str, encoding: str, end: str) -> None:
    text = end.join([HEADER, HOLD.replace("Anna", "José’s")]).replace(",", delimiter)
    [line] = lines(text.encode(encoding))
    assert (line.line_number, line.subject_id, line.who, line.problem) == (2, "42", "José’s", None)


def test_invisible_characters_of_a_copied_text_do_not_make_another_mouse() -> None:
    [line] = lines(f"\ufeff\ufeff{HEADER}\n\u200b42\u2060,hold,,,,Anna,weight".encode())
    assert (line.subject_id, line.problem) == ("42", None)


@pytest.mark.parametrize(
    "texts",
    [
        (HOLD, HEADER, HOLD.replace("42", "43")),  # what sorting a sheet does
        ("sep=,", f'"{HEADER}', HOLD),
        ("# by Anna", "", HEADER, HOLD),
        ("<<<<<<< HEAD", HEADER, HOLD),
    ],
)
def test_the_header_may_stand_below_other_lines(texts: tuple[str, ...]) -> None:
    found = lines("\n".join(texts).encode())
    good = [number for number, text in enumerate(texts, 1) if ",hold," in text]
    assert [line.line_number for line in found if line.problem is None] == good
    assert all(line.problem in (None, MALFORMED) for line in found)


@pytest.mark.parametrize(
    ("header", "number"),
    [
        (HEADER.replace("until_date", "untill_date"), 2),
        ("\n" + HEADER.replace("until_date", "untill_date"), 3),
        (HEADER.replace("directive", "hold"), 2),
        (HEADER.replace(",why", ",reason"), 2),
        (HEADER.replace("subject_id", "mouse") + "\n", 3),
        (None, 1),
    ],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_damaged_header_holds_the_mice_of_all_rows(header: str | None, number: int, delimiter: str) -> None:
    text = "\n".join([*([] if header is None else [header]), HOLD, HOLD.replace("42", "43")]).replace(",", delimiter)
    found = [line for line in lines(text.encode()) if line.subject_id in ("42", "43")]
    assert told(found) == [(number, "42", "header_is_damaged"), (number + 1, "43", "header_is_damaged")]


@pytest.mark.parametrize(
    "text", ["why,subject_id,directive,stage,from_date,who\nweight,42,hold,,2024-01-01,Anna", "subject_id,why\n42,x"]
)
def test_a_column_that_is_gone_holds_the_mice_of_all_rows(text: str) -> None:
    assert told(lines(text.encode())) == [(2, "42", "header_is_damaged")]


@pytest.mark.parametrize("broken", ["42;hold;;2024-01-01;;Anna;x", '"42,hold,,,,Anna,x"', "42\thold"])
def test_a_line_with_another_delimiter_names_its_mouse(broken: str) -> None:
    assert told(of(broken)) == [(2, "42", MALFORMED)]


def test_bytes_that_windows_does_not_know_are_read_too() -> None:
    [line] = lines(f"{HEADER}\n{HOLD}".encode() + b"\x81\xe9")
    assert line.why == "weight\x81é"


def test_the_header_is_read_without_regard_to_case_blanks_and_order() -> None:
    header = " Why ,WHO,until date,From_Date,stage,directive, Subject_ID,note"
    [line] = of("weight,Anna,2024-01-05,2024-01-01,,hold,42,x", header=header)
    assert line[2:] == ("42", "hold", None, "2024-01-01", "2024-01-05", "Anna", "weight", None)


def test_blanks_around_are_trimmed_and_nothing_else_is_changed() -> None:
    [line] = of(' 0042.0\u00a0, Hold ,, ,,\tAnna ,"low  weight"')
    assert line[2:] == ("0042.0", "Hold", None, None, None, "Anna", "low  weight", None)


def test_a_row_may_have_quotes_and_several_lines() -> None:
    found = of('42,hold,,,,Anna,"weight, ""low""\n\nand falling"', '43,hold,,,,Bo,5" away')
    assert [(line.line_number, line.why) for line in found] == [(2, 'weight, "low" and falling'), (5, '5" away')]


def test_a_row_may_end_the_file_and_has_as_many_lines_as_the_limit_allows() -> None:
    def rows(lines_of_it: int, end: str = "") -> list[Line]:
        return lines(f'{HEADER}\n42,hold,,,,Anna,"weight{chr(10) * (lines_of_it - 1)}low"{end}'.encode())

    for number in (2, MOST_LINES_OF_A_ROW):
        for end in ("", "\n"):
            assert [(line.why, line.problem) for line in rows(number, end)] == [("weight low", None)]
    assert rows(MOST_LINES_OF_A_ROW + 1)[0].problem == MALFORMED
    # nothing that is not a text is in any of its lines
    assert of('42,hold,,,,Anna,"weight\n\0low"')[0].problem == MALFORMED


@pytest.mark.parametrize(
    "malformed",
    [
        "42,hold,,2024-01-01",
        f"{HOLD}, low",
        f"{HOLD}\0",
        '42,hold,,,,Anna,"weight',
        '"42",hold,,,,"Anna"B,weight',
        '"42,hold',
    ],
)
def test_a_malformed_line_names_its_mouse_and_leaves_the_others_alone(malformed: str) -> None:
    found = of("41,hold,,,,Anna,before", malformed, '43,hold,,,,Bo,why"', '44,hold,,,,Bo,"after"')
    assert told(found) == [(2, "41", None), (3, "42", MALFORMED), (4, "43", None), (5, "44", None)]
    assert found[1].place == f"{FILE}, line 3"


def test_a_line_too_long_keeps_its_dates_and_of_a_short_one_nobody_knows_which_they_are() -> None:
    long, short, open_quote = of(f"{HOLD}, low", "42,hold,2024-01-01,2024-01-05,", f'{HOLD[:-6]}"weight')
    assert (long.from_date, long.until_date) == ("2024-01-01", "2024-01-05")
    assert [(line.from_date, line.until_date) for line in (short, open_quote)] == [(None, None)] * 2


def test_a_line_without_a_mouse_names_none() -> None:
    assert told(of("# a note", ",hold", header="directive,subject_id,stage,from_date,until_date,who,why")) == [
        (2, None, MALFORMED), (3, "hold", MALFORMED),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "header_is_missing"),
        (b"\n\n", "header_is_missing"),
        (b"subject_id\n42\n", "header_is_missing"),
        (HEADER.replace(",", "|").encode(), "header_is_missing"),
        (f"{HEADER}\n{HOLD}".encode("utf-16-le"), "file_is_not_text"),
        (b"PK\x03\x04\x00", "file_is_not_text"),
    ],
)
def test_a_file_that_is_no_table_of_directives_is_one_problem(content: bytes, problem: str) -> None:
    assert lines(content) == [Line(FILE, problem=problem)]


def test_a_file_that_is_missing_or_a_folder_is_one_problem(tmp_path: Path) -> None:
    settings = Settings.from_environment()
    assert known(tmp_path, settings, lambda: None) == ([Line(FILE, problem="file_is_missing")], None)
    (tmp_path / FILE).mkdir(parents=True)
    assert known(tmp_path, settings, lambda: None) == ([Line(FILE, problem="file_is_not_text")], None)


@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "the file is missing"), (b"PK\x03\x04\0", "not a text file"), (b"", "no header with subject_id")],
)
def test_where_the_file_is_gone_or_damaged_directives_known_last_stay_in_force(
    tmp_path: Path, content: bytes | None, why: str
) -> None:
    last = f"{HEADER}\n{HOLD}".encode()
    (tmp_path / FILE).parent.mkdir(parents=True)
    if content is not None:
        (tmp_path / FILE).write_bytes(content)
    [problem, hold], kept = known(tmp_path, Settings.from_environment(), lambda: ("20240103T050000Z-x", last))
    assert kept == last
    assert (problem.line_number, problem.problem) == (None, "not_reached")
    assert why in problem.place and "no directives are known" not in problem.place
    assert hold[:4] == (f"{FILE}, as run 20240103T050000Z-x read it, line 2", 2, "42", "hold")


pieces = st.sampled_from(
    ['"', ",", ";", "\t", "\n", "\r\n", "\r", "42", "hold", " ", HOLD, "\n" + HOLD + "\n", "\x85", "é"]
)


@given(content=st.binary() | st.lists(pieces).map("".join).map(lambda text: f"{HEADER}\n{text}".encode()))
@example(content=HEADER.encode() + b'\n"' * 30)
def test_any_bytes_are_lines_or_problems(content: bytes) -> None:
    found = lines(content)
    numbers = [line.line_number for line in found if line.line_number]
    assert numbers == sorted(set(numbers))
    assert all(line.problem for line in found if line.line_number is None)
    assert all(line.problem == MALFORMED or len(line) == len(Line._fields) for line in found)


@given(broken=st.lists(st.text(st.sampled_from('42,;"a ')), max_size=5))
@example(broken=['42,hold,,,,Anna,"'])
def test_no_broken_line_swallows_a_row_after_it(broken: list[str]) -> None:
    found = of(*broken, f'{HOLD.replace("42", "00042")}"')
    assert [line.problem for line in found if line.subject_id == "00042"] == [None]
