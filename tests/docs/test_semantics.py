"""The rules in docs/semantics.md: each is held by tests that exist, and code cites only rules that exist."""

import re
from itertools import chain
from pathlib import Path

import yaml

from tests.conftest import ROOT

RULES = (ROOT / "docs/semantics.md").read_text(encoding="utf-8")
# e.g. "SEMANTICS 7", "SEMANTICS 8 and 9", "SEMANTICS 2-8"
CITATION = re.compile(r"SEMANTICS\s+(\d+(?:(?:-|, | and | to )\d+)*)")


def rules() -> dict[int, str]:
    """The text of each rule by its number."""
    _, *parts = re.split(r"^### (\d+)\. ", RULES, flags=re.MULTILINE)
    return {int(number): text for number, text in zip(parts[::2], parts[1::2], strict=True)}


def named_tests(rule: str) -> list[str]:
    """The tests that a rule names in its paragraph `Tests: …`."""
    named = re.search(r"^Tests: (.*?)(?:\n\n|\Z)", rule, re.DOTALL | re.MULTILINE)
    return re.findall(r"`(\w+)`", named[1]) if named else []


def existing_tests() -> set[str]:
    """Names of pytest functions, of unit tests of models, and of data tests."""
    files = (ROOT / "tests").rglob("*.py")
    functions = chain.from_iterable(re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE) for file in files)
    documents = (yaml.safe_load(file.read_text()) for file in (ROOT / "models").rglob("*unit_tests.yml"))
    unit_tests = (test["name"] for document in documents for test in document["unit_tests"])
    return {*functions, *unit_tests, *(file.stem for file in (ROOT / "tests").rglob("assert_*.sql"))}


def cited() -> dict[int, set[str]]:
    """Files by the number of a rule that they cite."""
    folders = ("auto_train", "curricula", "scripts", "models", "macros", "tests")
    files = [*ROOT.glob("*.md"), *(file for folder in folders for file in (ROOT / folder).rglob("*"))]
    found: dict[int, set[str]] = {}
    for file in files:
        if file.suffix not in (".py", ".sql", ".yml", ".md"):
            continue
        for numbers in CITATION.findall(file.read_text(encoding="utf-8")):
            for number in re.findall(r"\d+", numbers):
                found.setdefault(int(number), set()).add(str(Path(file).relative_to(ROOT)))
    return found


def test_every_rule_names_tests_and_they_exist() -> None:
    there = existing_tests()
    assert len(rules()) >= 15 and len(there) >= 300
    assert [number for number, text in rules().items() if not named_tests(text)] == []
    lost = [(number, name) for number, text in rules().items() for name in named_tests(text) if name not in there]
    assert lost == []


def test_every_rule_that_code_cites_is_in_the_document() -> None:
    assert len(cited()) >= 10
    assert {number: files for number, files in cited().items() if number not in rules()} == {}


def test_rules_come_in_order_and_each_number_once() -> None:
    numbers = [int(number) for number in re.findall(r"^### (\d+)\. ", RULES, re.MULTILINE)]
    assert numbers == sorted(set(numbers))
