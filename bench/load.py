"""A load of little work: eight kept-alive connections in one thread, each sending its next request when answered."""

import selectors
import socket
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from backend.http.reading import render

CONNECTIONS = 8
RENEWED_AFTER = 200
"""Answers after which a connection is opened anew: else chance may give one worker of a server nearly all of them."""


def request(method: str, path: str, headers: Mapping[str, str] | None = None, body: object = None) -> bytes:
    """The bytes of one HTTP request; a body is sent as JSON, bytes as they are."""
    content = body if isinstance(body, bytes) else b"" if body is None else render(body)
    lines = [f"{method} {path} HTTP/1.1", "Host: bench"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body is not None:
        lines += [f"Content-Length: {len(content)}"]
        lines += [] if isinstance(body, bytes) else ["Content-Type: application/json"]
    return "\r\n".join([*lines, "", ""]).encode() + content


@dataclass
class Outcome:
    """How many answers of each status came in how many seconds; bodies of the answers that are no success."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    refusals: list[bytes] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.statuses.total() / self.seconds


class _Connection:
    def __init__(self, port: int) -> None:
        self.port, self.answers, self.received = port, 0, bytearray()
        self._open()

    def _open(self) -> None:
        self.socket = socket.create_connection(("127.0.0.1", self.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, message: bytes, selector: selectors.BaseSelector) -> None:
        if self.answers and self.answers % RENEWED_AFTER == 0:
            self.leave(selector)
            self._open()
        if self.socket not in selector.get_map():
            selector.register(self.socket, selectors.EVENT_READ, self)
        self.received.clear()
        self.socket.sendall(message)

    def answer(self) -> int | None:
        """The status when the whole answer is there, else None."""
        part = self.socket.recv(1 << 18)
        if not part:
            raise ConnectionError("the server closed a connection")
        self.received += part
        head_end = self.received.find(b"\r\n\r\n")
        if head_end < 0:
            return None
        head = bytes(self.received[:head_end]).lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self.received) < head_end + 4 + length:
            return None
        self.answers += 1
        return int(head[9:12])

    def leave(self, selector: selectors.BaseSelector) -> None:
        selector.unregister(self.socket)
        self.socket.close()


def drive(
    port: int,
    requests: Iterator[bytes],
    seconds: float = 3600.0,
    most: int | None = None,
    connections: int = CONNECTIONS,
) -> Outcome:
    """Send requests for so long or so many, and count the answers to all that were sent."""
    outcome, sent = Outcome(), 0
    with selectors.DefaultSelector() as selector:
        waiting = [_Connection(port) for _ in range(connections)]
        start = time.perf_counter()
        while True:
            if time.perf_counter() - start < seconds:
                for connection in waiting:
                    if most is None or sent < most:
                        connection.send(next(requests), selector)
                        sent += 1
            if outcome.statuses.total() == sent:
                outcome.seconds = time.perf_counter() - start
                return outcome
            waiting = [connection for connection in _readable(selector) if _take(connection, outcome)]


def _readable(selector: selectors.BaseSelector) -> list[_Connection]:
    ready = selector.select(timeout=60)
    if not ready:
        raise TimeoutError("no answer within a minute")
    return [key.data for key, _ in ready]


def _take(connection: _Connection, outcome: Outcome) -> bool:
    status = connection.answer()
    if status is None:
        return False
    outcome.statuses[status] += 1
    if status >= 400 and len(outcome.refusals) < 3:
        outcome.refusals.append(bytes(connection.received))
    return True
