"""Which lines of SQL models no unit test holds: small changes of every line, thousands in minutes.

    python -m tests.sweep [MODEL …]

The unit tests of the models run once by dbt, on the tables of the last run. What dbt wrote of each of them is the model
with its rows and what is expected; so a change is made in that text and asked of DuckDB, which takes milliseconds. What
survives is printed. Much of it means the same (an inner join where the other side is always there), which nobody needs
to list; the rest lacks a row in a unit test. What `mutations.yml` has is tried by `make mutate`.
"""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import duckdb
import yaml

from tests.copies import ROOT

CHANGES = [
    (re.compile(pattern), after)
    for pattern, after in [
        *[(" >= ", " > "), (" > ", " >= "), (" <= ", " < "), (" < ", " <= "), (" <> ", " = "), (" = ", " <> ")],
        *[(" and ", " or "), (" or ", " and "), (r"\bnot ", ""), (r"\bis not null\b", "is null")],
        *[(r"\bis null\b", "is not null"), ("is distinct from", "="), ("is not distinct from", "<>")],
        *[(r"\binner join\b", "left join"), (r"\bleft join\b", "inner join"), (r"\bsemi join\b", "anti join")],
        *[(r"\banti join\b", "semi join"), (r"\bunion all\b(?! by)", "union"), (r"\bdistinct\b(?! from)", "")],
        *[(r"\bmax\(", "min("), (r"\bmin\(", "max("), (r"\bmax_by\(", "min_by("), (r"\bmin_by\(", "max_by(")],
        *[(r"\bbool_or\(", "bool_and("), (r"\bbool_and\(", "bool_or("), (r"count\(distinct ([\w.]+)\)", r"count(\1)")],
        *[(r" desc\b", ""), ("nulls last", "nulls first"), ("nulls first", "nulls last")],
        *[(r" \+ 1\b", ""), (r" - 1\b", ""), (r"coalesce\(([\w.]+), [^()]*?\)", r"\1")],
    ]
]
# where dbt's text of a unit test has the model
FIXTURE = re.compile(r"__dbt__cte__\w+ as \(")
END = "  ) _dbt_internal_unit_test_actual"


class Change(NamedTuple):
    """A line of a model as it ran, which of several that are the same it is, and what is to stand there."""

    line: str
    number: int
    after: str

    def __str__(self) -> str:
        which = f" ({self.number})" if self.number > 1 else ""
        return f"{self.line.strip()}{which} -> {self.after.strip() or 'nothing'}"


def changes(lines: list[str]) -> Iterator[tuple[int, Change]]:
    """Every change of these lines, with its place."""
    seen: Counter[str] = Counter()
    for place, line in enumerate(lines):
        text = line.strip()
        if not text or text.startswith("--"):
            continue
        seen[line] += 1
        after = {
            line[: found.start()] + found.expand(written) + line[found.end() :]
            for pattern, written in CHANGES
            for found in pattern.finditer(line)
        }
        is_whole = text.count("(") == text.count(")")
        goes_on = place + 1 < len(lines) and lines[place + 1].lstrip().startswith(("and ", "or "))
        if is_whole and (text.startswith(("and ", "or ")) or (text.startswith("where ") and not goes_on)):
            after.add("")
        for new in sorted(after - {line}):
            yield place, Change(line, seen[line], new)


def parts(sql: str) -> tuple[str, list[str], str]:
    """What dbt wrote of a unit test: rows that are given, lines of the model, rows that are expected."""
    end = sql.index(END)
    start = max((_closed(sql, found.end()) for found in FIXTURE.finditer(sql, 0, end)), default=0)
    return sql[:start], sql[start:end].split("\n"), sql[end:]


def _closed(sql: str, place: int) -> int:
    """Behind the parenthesis that closes what is open at a place."""
    depth = 1
    for token in re.compile(r"'[^']*'|--[^\n]*|[()]").finditer(sql, place):
        depth += {"(": 1, ")": -1}.get(token[0], 0)
        if not depth:
            return token.end()
    raise ValueError("a parenthesis that nothing closes")


def passes(database: duckdb.DuckDBPyConnection, sql: str) -> bool:
    """Whether what is expected is what comes out."""
    found = database.execute(sql)
    column = [name for name, *_ in found.description].index("actual_or_expected")
    rows = [(row[column], str(row[:column] + row[column + 1 :])) for row in found.fetchall()]
    return Counter(of for kind, of in rows if kind == "actual") == Counter(of for kind, of in rows if kind != "actual")


def survivors(tests: list[Path]) -> tuple[list[Change], int]:
    """Changes of one model that none of its unit tests notices, and how many were tried."""
    noticed: dict[Change, bool] = {}
    with duckdb.connect(config={"threads": 1}) as database:
        database.execute("set TimeZone = 'UTC'")
        for test in tests:
            before, lines, after = parts(test.read_text(encoding="utf-8"))
            for place, change in changes(lines):
                if noticed.get(change):
                    continue
                sql = "\n".join([*lines[:place], change.after, *lines[place + 1 :]])
                try:
                    noticed[change] = not passes(database, before + sql + after)
                except duckdb.Error:
                    noticed[change] = True
    return [change for change, is_noticed in noticed.items() if not is_noticed], len(noticed)


def main() -> None:
    """Sweep the models that are named, or all."""
    wanted = sys.argv[1:]
    models = {
        test["name"]: test["model"]
        for path in (ROOT / "models").rglob("*unit_tests.yml")
        for test in yaml.safe_load(path.read_text(encoding="utf-8"))["unit_tests"]
        if not wanted or test["model"] in wanted
    }
    selected = [f"{model},test_type:unit" for model in wanted] or ["test_type:unit"]
    dbt = Path(sys.executable).with_name("dbt")
    if subprocess.run([dbt, "test", "--quiet", "--select", *selected], cwd=ROOT, check=False).returncode:
        sys.exit("these fail without any change")
    tests: dict[str, list[Path]] = {model: [] for model in sorted(models.values())}
    for path in (ROOT / "target/run").rglob("*.sql"):
        if path.parts[-4].endswith("unit_tests.yml") and path.stem in models:
            tests[models[path.stem]].append(path)
    with ProcessPoolExecutor() as pool:
        for model, (survived, tried) in zip(tests, pool.map(survivors, tests.values()), strict=True):
            print(f"{model}: {len(survived)} of {tried} survived", *survived, sep="\n    ")


if __name__ == "__main__":
    main()
