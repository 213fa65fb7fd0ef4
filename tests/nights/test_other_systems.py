"""What Windows and Macs have: no fcntl, other line ends. As far as this machine can show it."""

import os
import subprocess
from pathlib import Path

from curricula.library import LIBRARY, load_library
from curricula.releases import content_hash
from tests.conftest import ROOT, Project
from tests.mice import GOOD_MOUSE, good_mouse_is_decided


def without_posix(project: Project, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """A command in a Python that cannot import fcntl, nor can any that it starts."""
    (project.folder / "sitecustomize.py").write_text("import sys\nsys.modules['fcntl'] = None\n")
    path = os.pathsep.join([str(project.folder), str(ROOT)])
    project.environment["PYTHONPATH"] = path
    return project.command("-m", "scripts", *arguments)


def test_a_night_and_the_commands_of_curricula_need_no_fcntl(project: Project) -> None:
    project.write_behavior(GOOD_MOUSE)
    done = without_posix(project, "nightly", *project.options[:4])
    assert done.returncode == 0, done.stdout + done.stderr
    assert good_mouse_is_decided(project)
    for arguments in (["check", "coupled_baiting/v2.3"], ["export", str(project.folder / "out"), "dummy_task/v0.2"]):
        done = without_posix(project, "curricula", *arguments)
        assert done.returncode == 0, done.stderr
    assert without_posix(project, "status").returncode == 0


def test_a_library_with_the_line_ends_of_windows_is_the_same(tmp_path: Path) -> None:
    for file in LIBRARY.glob("*/*.yml"):
        copy = tmp_path / file.relative_to(LIBRARY)
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert [content_hash(of) for of in load_library(tmp_path)] == [content_hash(of) for of in load_library()]
