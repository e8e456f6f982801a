"""Passwords: hashed and checked by a process of its own (hashing.py) where serve.py started one, else in this one."""

import os
import socket
import threading

import structlog

from backend.people.hashing import FITS, HASH, LONGEST, YES, answer

HASHER = "PASSWORD_HASHER"
"""The environment variable with the path of the hashing process's socket; serve.py sets it for web workers."""
ANSWER_SECONDS = 5.0
LEAST_PASSWORD, LONGEST_PASSWORD = 10, 200
"""Characters of a password."""

# Several at once would cost a worker 19 MiB each.
_one_at_a_time = threading.Lock()
log = structlog.get_logger()


def hash_password(password: str) -> str:
    """The argon2id hash of a password."""
    return _answered(HASH, b"", password.encode()).decode()


def password_fits(password: str, hashed: str | None) -> bool:
    """Whether a password fits a hash. Without a hash it takes as long and says no, so that time tells nothing."""
    return _answered(FITS, (hashed or "").encode(), password.encode()) == YES


def _answered(*words: bytes) -> bytes:
    """The answer to a question (see hashing.py), of whoever can give it: nobody is kept out by a process that ended."""
    question, address = b"\n".join(words), os.environ.get(HASHER)
    if address:
        try:
            return _told(address, question)
        except OSError as error:
            log.warning("password_hasher_silent", error=type(error).__name__)
    with _one_at_a_time:
        return answer(question)


def _told(address: str, question: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        connection.settimeout(ANSWER_SECONDS)
        connection.connect(address)
        connection.send(question)
        told = connection.recv(LONGEST)
        if not told:
            raise ConnectionResetError
        return told
