"""A real S3 server for tests: SeaweedFS out of its wheel, on free ports of this machine."""

import os
import random
import socket
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

KEY, SECRET = "test-key", "test-secret-4f1c"


@dataclass(frozen=True)
class Server:
    """A running S3 server and the credentials that it takes."""

    endpoint: str

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AUTO_TRAIN_S3_ENDPOINT": self.endpoint,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
            region_name="us-east-1",
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
        )

    def bucket(self, name: str) -> str:
        self.client().create_bucket(Bucket=name)
        return name


def free_ports(count: int) -> list[int]:
    """Free ports below those of outgoing connections; the server opens each one's neighbour 10,000 above too."""
    found: list[int] = []
    with ExitStack() as held:
        while len(found) < count:
            port = random.randrange(10_100, 22_000)
            with suppress(OSError):
                for number in (port, port + 10_000):
                    held.enter_context(socket.socket()).bind(("127.0.0.1", number))
                found.append(port)
    return found


@contextmanager
def running_server(folder: Path) -> Iterator[Server]:
    """Start the server with its data below the folder; stop it in the end."""
    for attempt in range(3):  # another process may take a port between the look and the start
        data = folder / str(attempt)
        data.mkdir()
        with suppress(NotStartedError), _server(data) as server:
            yield server
            return
    raise NotStartedError((data / "server.log").read_text()[-2000:])


class NotStartedError(RuntimeError):
    """The server did not start."""


@contextmanager
def _server(folder: Path) -> Iterator[Server]:
    s3, master, volume, filer, admin = free_ports(5)
    weed = Path(sysconfig.get_path("scripts")) / "weed"
    command = [
        str(weed), "mini", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-s3.port={s3}",
        f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}", f"-admin.port={admin}",
        "-admin.ui=false", "-webdav=false", "-s3.port.iceberg=0", "-s3.port.lance=0",
    ]  # fmt: skip
    environment = os.environ | {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
    server = Server(f"http://127.0.0.1:{s3}")
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)
        try:
            _wait_until_ready(server, process)
            yield server
        finally:
            process.terminate()
            process.wait(20)


def _wait_until_ready(server: Server, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            server.client().list_buckets()
        except (BotoCoreError, ClientError):
            time.sleep(0.2)
        else:
            return
    raise NotStartedError
