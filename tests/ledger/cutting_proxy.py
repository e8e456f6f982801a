"""A TCP proxy on loopback that passes requests on and cuts some of the answers off, as a bad line does."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def cutting_proxy(port: int, share: float, dice: random.Random) -> Iterator[int]:
    """Stand before a server on `port`, cut this share of its answers at some byte; gives the proxy's port."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listening:
        taking = threading.Thread(target=_take, args=(listening, port, share, dice), daemon=True)
        taking.start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            taking.join()


def _take(listening: socket.socket, port: int, share: float, dice: random.Random) -> None:
    while True:
        try:
            client, _ = listening.accept()
        except OSError:
            return
        cut = dice.randrange(600) if dice.random() < share else None
        threading.Thread(target=_pass_on, args=(client, port, cut), daemon=True).start()


def _pass_on(client: socket.socket, port: int, cut: int | None) -> None:
    with client, socket.create_connection(("127.0.0.1", port)) as server, suppress(OSError):
        sending = threading.Thread(target=_copy, args=(client, server, None), daemon=True)
        sending.start()
        _copy(server, client, cut)
        with suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)
        sending.join()


def _copy(source: socket.socket, target: socket.socket, most: int | None) -> None:
    """Copy until the source ends; after `most` bytes copy no more, but read to the end: the effect is not cut off."""
    with suppress(OSError):
        while part := source.recv(65536):
            if most is None:
                target.sendall(part)
            elif most > 0:
                target.sendall(part[:most])
                most -= len(part[:most])
        target.shutdown(socket.SHUT_WR)
