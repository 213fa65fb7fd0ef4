"""What people write is read as it looks, or refused in one line that they can use."""

import json
import random
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from curricula import exchange, library, pictures, strict_yaml
from curricula.checks import check
from curricula.compile import compiled
from curricula.errors import UserError
from curricula.library import LIBRARY, CurriculumError, load, load_library
from scripts.curricula import command

FORAGING = (LIBRARY / "coupled_baiting/v1.0.yml").read_text(encoding="utf-8")
CONDITION = "last(dummy_metric_float) > 0.5 and last(dummy_metric_int) > 5"
DUMMY = (LIBRARY / "dummy_task/v0.1.yml").read_text(encoding="utf-8")
INTERNAL = ("Traceback", "pydantic", "Input should be", "[type=", "https://errors", "_Document", "Error(", "None")


def write(folder: Path, content: str | bytes, place: str = "dummy_task/v0.1.yml") -> Path:
    path = folder / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refusal(path: Path) -> list[str]:
    with pytest.raises(CurriculumError) as caught:
        load(path)
    lines = str(caught.value).split("\n")
    assert all(line.isprintable() for line in lines)
    assert all(line.startswith(f"{path.parent.name}/{path.name}: ") for line in lines)
    assert not [word for word in INTERNAL if word in str(caught.value)], caught.value
    return lines


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("0100", "line 32: stages, STAGE_1_WARMUP, parameters, BlockMin: 0100 can be read in several ways"),
        ("1:30", "1:30 can be read in several ways"),
        ("0x1F", "can be read in several ways"),
        ("1_000", "can be read in several ways"),
        ("2024-04-12", "can be read in several ways"),
        (".nan", ".nan is not a number that a rig can take"),
        ("-.inf", "-.inf is not a number that a rig can take"),
        ("1e999", "'1e999' is too large for a rig"),
        ("9007199254740993", "'9007199254740993' is too large for a rig"),
        ("9" * 5000, "is too large for a rig"),
        ("yes", "stage STAGE_1_WARMUP, parameters, BlockMin: a whole number is expected, not 'yes'"),
        ("off", "a whole number is expected, not 'off'"),
        ("true", "a whole number is expected, not True"),
        ("-5", "stage STAGE_1_WARMUP, parameters, BlockMin: must be at least 0, not -5"),
        ("[1]", "a whole number is expected, not a list"),
        ("{a: 1}", "a whole number is expected, not a mapping"),
        ("", "a whole number is expected, not nothing"),
        ("!!python/name:os.system", "the tag 'tag:yaml.org,2002:python/name:os.system' is not allowed"),
        ('"\\e[2J\\n"', "BlockMin: the character '\\x1b' is not allowed in a text"),
    ],
)
def test_a_value_that_is_not_what_it_looks_like_is_refused_with_its_path(
    tmp_path: Path, value: str, problem: str
) -> None:
    text = FORAGING.replace("BlockMin: 10", f"BlockMin: {value}", 1)
    lines = refusal(write(tmp_path, text, "coupled_baiting/v1.0.yml"))
    assert problem in lines[0]


@pytest.mark.parametrize(("name", "value"), [("SwitchThr", "1.5"), ("DelayMin", "-0.1"), ("MaxTime", "-5")])
def test_a_value_that_no_rig_can_run_is_refused(tmp_path: Path, name: str, value: str) -> None:
    text = FORAGING.replace("parameters:\n", f"parameters:\n  {name}: {value}\n", 1).replace(f"  {name}: 90\n", "")
    text = "\n".join(line for line in text.split("\n") if not line.startswith(f"      {name}:"))
    assert f"{name}: must be at " in refusal(write(tmp_path, text, "coupled_baiting/v1.0.yml"))[0]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('version: "0.1"', "version: 1.10", 'line 2: version: write version: "1.10" in quotes'),
        ("STAGE_FINAL:", "STAGE_FINNAL:", "stage STAGE_FINNAL: 'STAGE_FINNAL' is unknown, did you mean 'STAGE_FINAL'?"),
        ("  STAGE_1:", "  stage_1:", "stage stage_1: 'stage_1' is unknown, did you mean 'STAGE_1'?"),
        ("PROGRESS", "progress", "decision: 'progress' is unknown, did you mean 'PROGRESS'?"),
        ("last(dummy_metric_float)", "last(dummy_metric_flot)", "did you mean 'dummy_metric_float'?"),
        ("last(dummy_metric_float)", "lst(dummy_metric_float)", "did you mean 'last'?"),
        ("dummy_para_float:", "dummy_para_flot:", "did you mean 'dummy_para_float'?"),
        ("name:", "nme:", "nme: is unknown, did you mean 'name'?"),
        ("condition:", "conditon:", "conditon: is unknown, did you mean 'condition'?"),
        ("name:", "starts_from: dumy_task/v0.1\nname:", "did you mean 'dummy_task/v0.1'?"),
        (CONDITION, "'lambda metrics: metrics.x[-1] > 1'", "`auto-train curricula import`"),
        (CONDITION, "session_total > " + "-" * 1900 + "1", "the condition is nested too deep"),
        (CONDITION, "session_total > " + "-" * 2000 + "1", "too long"),
        (CONDITION, "(" * 900 + "session_total > 1", "this is not a condition"),
        ("name: Dummy task", "name: [Dummy task]", "name: a text is expected, not a list"),
        ("name: Dummy task", 'name: Dummy task\n"a\\e[31m\\n": 1', "a\\x1b[31m\\n: is unknown"),
        ("name: Dummy task", "name: Dummy task\ntask: dummy", "'task' is written twice"),
    ],
)
def test_a_slip_is_refused_with_what_was_probably_meant(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert old in DUMMY
    assert any(problem in line for line in refusal(write(tmp_path, DUMMY.replace(old, new, 1))))


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "content",
    [
        "", "# nothing\n", "5", "- a\n- b\n", "[]", "\x00\x01", b"\xff\xfe\x00", "name: é".encode("latin-1"), BOMB,
        "a: &a [*a]", "{" * 5000, "---\na: 1\n---\nb: 2\n", "a: *nobody", "? [a]\n: 1", "\t", "a: b: c", '"\\xZZ"', "%",
        DUMMY + "x" * 2_000_000, "version: \"1\"\nstages: []\n", "version: \"1\"\nstages: 5\n", "<<: {a: 1}",
    ],
)  # fmt: skip
def test_what_is_not_a_curriculum_is_one_line(tmp_path: Path, content: str | bytes) -> None:
    assert len(refusal(write(tmp_path, content))) == 1


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (" " * 1_000_001, "is larger than 1,000,000 bytes: this is not a curriculum"),
        ("[" * 50_000, "is nested too deep"),
        ("a: " + "[" * 21 + "]" * 21, "line 1: is nested too deep: this is not a curriculum"),
        (f"a: [{'1, ' * 20_000}]", "line 1: has too many values: this is not a curriculum"),
        ("a: {b: 1\nc: 2", "line 2: is not YAML: "),
        ('a: "\\UFFFFFFFF"', "is not YAML: "),
        ("a: \x01", "is not YAML text: special characters are not allowed"),
        ("? {a: 1}\n: 2", "line 1: a name is expected before the colon"),
        ("a: 1\n<<: 2", "line 2: a name is expected before the colon"),
        ("version: 2", 'line 1: version: write version: "2" in quotes'),
        ("schema_version: 1e0", 'line 1: schema_version: write schema_version: "1e0" in quotes'),
        ("a: 9007199254740993", "line 1: a: '9007199254740993' is too large for a rig"),
        ("a: -9007199254740993", "line 1: a: '-9007199254740993' is too large for a rig"),
        ("a: 1e999", "line 1: a: '1e999' is too large for a rig"),
        ("a: " + "1" * 5000, "line 1: a: "),
        ("a: !!map 1", "line 1: a: the tag "),
        ("a: !x {b: 1}", "line 1: a: the tag '!x' is not allowed"),
        ("a: !x 'text'", "line 1: a: the tag '!x' is not allowed"),
    ],
)
def test_what_is_not_plain_yaml_is_refused_in_a_line(content: str, problem: str) -> None:
    with pytest.raises(strict_yaml.YamlError) as caught:
        strict_yaml.read(content.encode())
    [line] = caught.value.problems
    assert line.startswith(problem)


def test_plain_yaml_is_taken_up_to_what_a_rig_can_hold() -> None:
    deep = "[" * 19 + "1" + "]" * 19
    assert strict_yaml.read(f"a: {deep}".encode())
    assert len(strict_yaml.read(f"a: [{'1, ' * 19_998}]".encode())["a"]) == 19_998
    text = "a: 9007199254740992\nb: TRUE\nc: false\nd: {version: 2.3}\ne: ~\nf: '1'\ng: .5\n"
    assert strict_yaml.read(text.ljust(1_000_000).encode()) == {
        "a": 2**53, "b": True, "c": False, "d": {"version": 2.3}, "e": None, "f": "1", "g": 0.5,
    }  # fmt: skip


def test_rules_that_are_no_list_and_folders_called_like_files_are_one_line(tmp_path: Path) -> None:
    text = DUMMY[: DUMMY.index("    rules:")] + "    rules: 5\n"
    assert refusal(write(tmp_path, text)) == ["dummy_task/v0.1.yml: stage STAGE_1, rules: a list is expected, not 5"]
    text = DUMMY[: DUMMY.index("    rules:")] + "    rules: [5]\n"
    assert "rule 1: a mapping (name: value) is expected, not 5" in refusal(write(tmp_path, text))[0]
    (tmp_path / "dummy_task/v1.yml").mkdir()
    assert refusal(tmp_path / "dummy_task/v1.yml") == ["dummy_task/v1.yml: cannot be read: is a directory"]
    done = CliRunner().invoke(command, ["check", str(tmp_path / "dummy_task/v1.yml")])
    assert isinstance(done.exception, UserError)


@pytest.mark.parametrize(
    ("place", "old", "new", "problem"),
    [
        (
            "dummy_task/v0.3.yml",
            'name: Dummy task\nversion: "0.1"',
            'name: dummy task\nversion: "0.3"',
            "spelling only",
        ),
        ("dummy_task/v0.1.yaml", "x", "x", "is there too, with the same name and version"),
    ],
)
def test_names_that_differ_by_their_spelling_only_are_refused(
    tmp_path: Path, place: str, old: str, new: str, problem: str
) -> None:
    write(tmp_path, DUMMY)
    write(tmp_path, DUMMY.replace(old, new), place)
    with pytest.raises(CurriculumError, match=problem):
        load_library(tmp_path)


def test_braces_in_a_description_are_text(tmp_path: Path) -> None:
    words = "{{ ref('nobody') }} {{rules}} {% raw %} {# gone"
    text = DUMMY.replace("Two stages of the dummy task.", words)
    curriculum = load(write(tmp_path, text))
    files = compiled([curriculum])
    assert [name for name, text in files.items() if words in text] == ["seeds/curricula/curricula.csv"]
    assert json.loads(exchange.to_json(curriculum))["curriculum_description"] == words
    assert "{{rules}}" in pictures.page(curriculum)


def test_texts_are_one_line_and_cannot_act_on_a_terminal(tmp_path: Path) -> None:
    folded = DUMMY.replace('"Two stages of the dummy task."', "|\n  Two\n  stages")
    assert load(write(tmp_path, folded)).description == "Two stages"
    escape = DUMMY.replace("Two stages", "\\e[31mTwo")
    assert "description: the character '\\x1b' is not allowed" in refusal(write(tmp_path, escape))[0]


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([DUMMY, FORAGING]))
def test_a_mutated_file_is_accepted_or_refused_in_lines(seed: int, text: str) -> None:
    mutated = mutate(text, random.Random(seed))
    name = "dummy_task/v0.1.yml" if text is DUMMY else "coupled_baiting/v1.0.yml"
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder), mutated.encode("utf-8", "surrogatepass"), name)
        try:
            curriculum = load(path)
        except UserError as error:
            assert_lines(error)
        else:
            check(curriculum)
            exchange.from_json(exchange.to_json(curriculum))
            path.write_text(library.to_yaml(curriculum), encoding="utf-8")
            load(path)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32))
def test_a_mutated_json_is_accepted_or_refused_in_lines(seed: int) -> None:
    text = exchange.to_json(load(LIBRARY / "dummy_task/v0.1.yml"))
    try:
        exchange.to_json(exchange.from_json(mutate(text, random.Random(seed))))
    except UserError as error:
        assert_lines(error)


def assert_lines(error: UserError) -> None:
    assert str(error)
    assert all(line and line.isprintable() for line in str(error).split("\n")), str(error)
    assert not [word for word in INTERNAL if word in str(error).replace("None", "")], str(error)


PIECES = (
    "0100", "1:30", ".nan", "NaN", "Infinity", "1e999", "9" * 400, "null", "[]", "{}", "[5]",
    "-", "(", '"', "'", ":", "\n", "\t",
    "\x1b[2J", "\x00", "\ud800", "\\ud800", "é", "*a", "&a ", "!!str ", "!x ", "<<",
    "# ", "{{", "yes", "true", "lambda m: ", "x" * 300,
)  # fmt: skip


def mutate(text: str, chance: random.Random) -> str:
    """A few random edits: a piece put in, taken out, written twice, or a value replaced."""
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(text))
        end = min(len(text), start + chance.choice([0, 1, 3, 20]))
        kind = chance.randrange(4)
        if kind == 0:
            text = text[:start] + chance.choice(PIECES) + text[end:]
        elif kind == 1:
            text = text[:start] + text[end:] or " "
        elif kind == 2:
            text = text[:end] + text[start:]
        else:
            lines = text.split("\n")
            number = chance.randrange(len(lines))
            lines[number] = lines[number].split(":")[0] + ": " + chance.choice(PIECES)
            text = "\n".join(lines)
    return text
