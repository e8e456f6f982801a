"""An HTTP server on this machine that answers as a test says, and remembers what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Asked:
    """A request."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    target: str


Answer = tuple[int, Mapping[str, str], bytes]


@dataclass
class Server:
    """Where it listens, and what it was asked."""

    address: str = ""
    asked: list[Asked] = field(default_factory=list)

    @property
    def port(self) -> int:
        """Its port."""
        return urlsplit(self.address).port or 0


@contextmanager
def serving(answer: Callable[[Asked], Answer], secure: Any = None) -> Iterator[Server]:
    """A server for the time of the block; `secure` is the context of one that speaks TLS."""
    server = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, parts.path, dict(parse_qsl(parts.query)), headers, body, self.path)
            server.asked.append(asked)
            status, told, content = answer(asked)
            with suppress(ConnectionError):
                self.send_response(status)
                for name, value in told.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.daemon_threads = True
    if secure is not None:
        listening.socket = secure.wrap_socket(listening.socket, server_side=True)
    server.address = f"{'https' if secure else 'http'}://127.0.0.1:{listening.server_address[1]}"
    thread = threading.Thread(target=listening.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join(5)
