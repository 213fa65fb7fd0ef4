"""Try wrong changes one at a time, and list those that no test notices.

    python -m tests.mutate [--only TEXT] [--workers N]

`mutations.yml` beside this file says for each file which suite notices, and the changes: a text that stands in the
file exactly once, and what a tired developer could write in its place. A change that means the same is marked with the
reason and not tried. Each worker has a copy of the project and a database of its own. Exit code 1 where one survives.
"""

import argparse
import os
import queue
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

import yaml

from tests.copies import copy_of_the_project

LIST = Path(__file__).with_name("mutations.yml")
# what pytest takes; the suite `models` is the unit tests of dbt
SUITES = {"guards": "tests/models/test_guards.py", "page": "tests/page/test_page.py"}
MODELS = "models"
LONGEST = 600  # seconds; a change that makes the tests hang is noticed


@dataclass(frozen=True)
class Mutation:
    """One wrong change.

    Attributes:
        file: path below the project's root.
        before, after: the text, and what stands in its place.
        tests: `MODELS`, a key of `SUITES`, or what pytest takes.
        equivalent: why nothing can notice it; empty where something must.
    """

    file: str
    before: str
    after: str
    tests: str
    equivalent: str = ""

    def __str__(self) -> str:
        return f"{self.file}: {self.before!r} -> {self.after!r} ({self.tests})"

    @property
    def place(self) -> Path:
        """The file in the project that this module belongs to."""
        return Path(__file__).parent.parent / self.file


def mutations() -> list[Mutation]:
    """The project's list."""
    return [
        Mutation(
            of["file"], change["from"], change["to"], change.get("tests", of["tests"]), change.get("equivalent", "")
        )
        for of in yaml.safe_load(LIST.read_text(encoding="utf-8"))
        for change in of["changes"]
    ]


class Worker:
    """A copy of the project in which changes are made, and a dbt that stays, because starting takes longest."""

    def __init__(self, folder: Path) -> None:
        self.folder = copy_of_the_project(folder)
        self.python = str(folder / ".venv/bin/python")
        for command in (
            ["-m", "scripts", "simulate", "--mice", "12"],
            ["-m", "dbt.cli.main", "build", "--quiet", "--exclude-resource-type", "unit_test", "--select", "*"],
        ):
            subprocess.run([self.python, *command], cwd=folder, check=True, capture_output=True, env=self.environment)
        self.dbt = subprocess.Popen(
            [self.python, "-m", "tests.mutate", "--serve"],
            cwd=folder, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip

    @property
    def environment(self) -> dict[str, str]:
        """The environment without settings of the developer; what tests keep goes below the copy."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("AUTO_TRAIN_", "DBT_"))}
        return ours | {"PYTHONDONTWRITEBYTECODE": "1", "KEEP_TEST_LAB": str(self.folder / "target/lab")}

    def fails(self, tests: str, file: str = "") -> bool:
        """Whether these tests fail on the copy as it is.

        Raises:
            ValueError: there are no such tests.
        """
        if tests == MODELS:
            return self._unit_tests_fail(file)
        command = [self.python, "-m", "pytest", "-xq", "-p", "no:cacheprovider", *SUITES.get(tests, tests).split()]
        if file.startswith("tests/dbt/"):
            # the cases of one guard tell of it
            command += ["-k", f"{Path(file).stem} or limits"]
        try:
            done = subprocess.run(
                command, cwd=self.folder, env=self.environment, capture_output=True, check=False, timeout=LONGEST
            )
        except subprocess.TimeoutExpired:
            return True
        if done.returncode in (4, 5):
            raise ValueError(f"there are no such tests: {tests}")
        return done.returncode != 0

    def _unit_tests_fail(self, file: str) -> bool:
        path = Path(file)
        of_one = path.parts[:1] == ("models",) and path.suffix == ".sql"
        assert self.dbt.stdin is not None
        assert self.dbt.stdout is not None
        print(f"{path.stem},test_type:unit" if of_one else "test_type:unit", file=self.dbt.stdin, flush=True)
        return self.dbt.stdout.readline() != "passed\n"

    def notices(self, mutation: Mutation) -> bool:
        """Whether the tests fail with the change, which is taken back afterwards.

        Raises:
            ValueError: the change has no place, or there are no such tests.
        """
        path = self.folder / mutation.file
        text = path.read_text(encoding="utf-8")
        if text.count(mutation.before) != 1:
            raise ValueError(f"{mutation}: the text stands {text.count(mutation.before)} times in the file")
        path.write_text(text.replace(mutation.before, mutation.after), encoding="utf-8")
        try:
            return self.fails(mutation.tests, mutation.file)
        finally:
            path.write_text(text, encoding="utf-8")

    def verdict(self, mutation: Mutation) -> bool | str:
        """Whether the tests notice, or what kept them from being run."""
        try:
            return self.notices(mutation)
        except (ValueError, OSError) as error:
            return str(error)


def serve(asked: IO[str], said: IO[str]) -> None:
    """Run the unit tests that are asked for, one selection a line."""
    from dbt.cli.main import dbtRunner  # takes seconds, and only here

    quiet = ("--quiet", "--fail-fast", "--log-level", "none", "--log-level-file", "none", "--no-write-json")
    for line in asked:
        done = dbtRunner().invoke(["test", *quiet, "--select", line.strip()])
        ran = getattr(done.result, "results", None)
        print("passed" if done.success and ran else "failed", file=said, flush=True)


def tried(of: list[Mutation], workers: int) -> Iterator[tuple[Mutation, bool | str]]:
    """Each mutation with whether it was noticed, or with what kept it from being tried."""
    with tempfile.TemporaryDirectory() as place, ThreadPoolExecutor(workers) as pool:
        copies = list(pool.map(Worker, [Path(place, f"copy{number}") for number in range(workers)]))
        free: queue.SimpleQueue[Worker] = queue.SimpleQueue()
        for copy in copies:
            free.put(copy)

        def on_a_copy(ask: Callable[[Worker, Any], Any], about: Any) -> Any:
            copy = free.get()
            try:
                return ask(copy, about)
            finally:
                free.put(copy)

        def refuse(suites: list[str], fail: Iterable[bool]) -> None:
            for suite, fails in zip(suites, fail, strict=True):
                if fails:
                    pool.shutdown(cancel_futures=True)
                    sys.exit(f"{suite}: these tests fail without any change")

        suites = {mutation.tests for mutation in of}
        for suite in suites & SUITES.keys():
            # each copy keeps the lab that it builds here
            refuse([suite] * workers, pool.map(Worker.fails, copies, [suite] * workers))
        others = sorted(suites - SUITES.keys())
        refuse(others, pool.map(partial(on_a_copy, Worker.fails), others))
        # those of one suite together
        ordered = sorted(of, key=lambda mutation: mutation.tests)
        yield from zip(ordered, pool.map(partial(on_a_copy, Worker.verdict), ordered), strict=True)


def main() -> None:
    """Try them, and print what survives."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", default="", help="only changes that have this text in their file or their tests")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(sys.stdin, sys.stdout)
        return
    chosen = [m for m in mutations() if options.only in m.file or options.only in m.tests]
    equivalent = [m for m in chosen if m.equivalent]
    chosen = [m for m in chosen if not m.equivalent]
    started, survivors, broken = time.monotonic(), [], []
    for number, (mutation, noticed) in enumerate(tried(chosen, options.workers), 1):
        verdict = {True: "noticed", False: "SURVIVED"}.get(noticed, "BROKEN")  # type: ignore[call-overload]
        print(f"{number:>4} of {len(chosen)}  {verdict:<8}  {noticed if verdict == 'BROKEN' else mutation}", flush=True)
        survivors += [mutation] if noticed is False else []
        broken += [noticed] if verdict == "BROKEN" else []
    print(
        f"{len(chosen)} wrong changes in {(time.monotonic() - started) / 60:.0f} minutes: {len(survivors)} survived, "
        f"{len(broken)} could not be tried; {len(equivalent)} more mean the same"
    )
    for survivor in survivors:
        print(f"    {survivor}")
    sys.exit(bool(survivors or broken))


if __name__ == "__main__":
    main()
