"""Copies of the project that are changed or built by themselves, with the packages of this virtual environment."""

import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent


def copy_of_the_project(folder: Path) -> Path:
    """The project as it is in the working tree, installed in an environment of its own; returns the folder."""
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    for name in names:
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    environment = folder / ".venv"
    venv.create(environment, symlinks=True)
    [packages] = environment.glob("lib/python*/site-packages")
    # first the copy, then the packages that are installed here
    here = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "project.pth").write_text("\n".join([str(folder), *here, ""]))
    for program in filter(Path.is_file, Path(sys.executable).parent.iterdir()):
        place = environment / "bin" / program.name
        if place.exists():
            continue
        if program.read_bytes()[:2] == b"#!":
            place.write_text(program.read_text().replace(str(program.parent), str(place.parent)))
            place.chmod(0o755)
        else:
            place.symlink_to(program)
    # make sees an environment that is up to date
    for marker in ("runtime", "dev"):
        (environment / marker).touch()
    return folder
