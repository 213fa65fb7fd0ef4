"""A real HTTP service to which alerts are sent."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

# of an address, which must be repeated nowhere
TOKEN = "T0KEN-4f1c"


class Receiver:
    """What it got, and what it answers."""

    port: int

    def __init__(self) -> None:
        self.got: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.status = 200

    def url(self, port: int | None = None) -> str:
        return f"json://127.0.0.1:{port or self.port}/{TOKEN}"


@contextmanager
def listening() -> Iterator[Receiver]:
    """The service, on a port of its own."""
    state = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            state.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            state.paths.append(self.path)
            self.send_response(state.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = server.server_port
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
