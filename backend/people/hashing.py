"""Argon2id at 19 MiB, two passes, one lane (OWASP's minimum), and the process that alone takes that memory.

Run as a program (`python -I hashing.py`) whose standard input is a listening UNIX socket that keeps messages whole
(SOCK_SEQPACKET); serve.py starts it, passwords.py asks it. It imports nothing of the product, and writes and keeps
nothing. A connection asks once. What cannot be answered is closed without an answer.
"""

import socket
import threading
from contextlib import suppress
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

HASH, FITS = b"hash", b"fits"
YES, NO = b"yes", b"no"
LONGEST = 16_384
"""Bytes of a question or an answer."""
THREADS = 2
QUESTION_SECONDS = 1.0
"""For how long a connection may take to ask."""

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def answer(question: bytes) -> bytes:
    """The answer to a word, a hash and a password with line feeds between them: the hash to HASH, YES or NO to FITS.

    Where there is no hash, FITS takes as long and says NO, so that time tells nothing. Raises ValueError.
    """
    if len(question) > LONGEST:
        raise ValueError("too long")
    word, known, password = question.split(b"\n", 2)
    if word == HASH:
        return _hasher.hash(password).encode()
    if word != FITS:
        raise ValueError("no such question")
    try:
        _hasher.verify(known or _hash_of_nobody(), password)
    except (VerificationError, InvalidHashError):
        return NO
    return YES if known else NO


@cache
def _hash_of_nobody() -> str:
    return _hasher.hash("nobody's password")


def _serve(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        with connection, suppress(Exception):  # whatever one asks, the next gets an answer
            connection.settimeout(QUESTION_SECONDS)
            connection.send(answer(connection.recv(LONGEST + 1)))


def main() -> None:
    """Answer until ended, two at a time: argon2 works without Python's lock."""
    _hash_of_nobody()
    listener = socket.socket(fileno=0)
    for _ in range(THREADS - 1):
        threading.Thread(target=_serve, args=(listener,), daemon=True).start()
    _serve(listener)


if __name__ == "__main__":
    main()
