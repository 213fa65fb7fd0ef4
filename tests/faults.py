"""What goes wrong: a proxy that fails before a real S3 server, and a database that another process has open."""

import http.client
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlparse

ERROR = '<?xml version="1.0"?><Error><Code>{code}</Code><Message>{code}</Message></Error>'
ERRORS = {"500": (500, "InternalError"), "503": (503, "SlowDown"), "expired": (400, "ExpiredToken")}
Fault = str | None


class Proxy:
    """Asks `fault` about every request: None lets it through; `500`, `503`, `expired`, `slow` and those below do not.

    `torn` closes the connection before what is sent has arrived, `lost` after the server did what it was asked, and
    `cut` in the middle of the answer.
    """

    def __init__(self, upstream: str, fault: Callable[[str, str], Fault]) -> None:
        self.upstream, self.fault = urlparse(upstream).netloc, fault
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.faults: list[str] = []
        self.endpoint = ""


def at_random(
    seed: int, share: float, kinds: tuple[str, ...] = ("500", "503", "slow", "torn", "cut", "lost")
) -> Callable:
    """Faults for a share of all requests."""
    chance = random.Random(seed)
    return lambda method, path: chance.choice(kinds) if chance.random() < share else None


@contextmanager
def proxy(upstream: str, fault: Callable[[str, str], Fault]) -> Iterator[Proxy]:
    """Run a proxy on a free port."""
    state = Proxy(upstream, fault)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            state.requests.append((self.command, self.path, dict(self.headers)))
            kind = state.fault(self.command, self.path)
            if kind:
                state.faults.append(kind)
            if kind in ("500", "503", "expired"):
                status, code = ERRORS[kind]
                self.answer(status, [], b"" if self.command == "HEAD" else ERROR.format(code=code).encode())
                return
            if kind == "slow":
                time.sleep(0.3)
            upstream = http.client.HTTPConnection(state.upstream, timeout=60)
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() != "expect":
                    upstream.putheader(name, value)
            if kind == "torn":
                upstream.endheaders()
                upstream.close()
                self.close_connection = True
                return
            upstream.endheaders(body)
            found = upstream.getresponse()
            content = found.read()
            if kind == "lost":
                self.close_connection = True
                return
            headers = [(k, v) for k, v in found.getheaders() if k.lower() not in ("transfer-encoding", "connection")]
            self.answer(found.status, headers, content, cut=kind == "cut")

        def answer(self, status: int, headers: list[tuple[str, str]], content: bytes, *, cut: bool = False) -> None:
            self.send_response_only(status)
            for name, value in headers:
                self.send_header(name, value)
            if not any(name.lower() == "content-length" for name, _ in headers):
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if cut else content)
            self.close_connection = cut or self.close_connection

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = forward  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

        def handle(self) -> None:
            with suppress(OSError):
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()


HOLD = """
import duckdb, sys
held = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "reader")
print("open", flush=True)
sys.stdin.read()
"""


@contextmanager
def held_open(database: Path, by: str) -> Iterator[int]:
    """Another process has the database open, whose id this is."""
    command = [sys.executable, "-c", HOLD, str(database), by]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout and holder.stdout.readline() == "open\n"
    try:
        yield holder.pid
    finally:
        holder.communicate("")
