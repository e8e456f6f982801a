"""Passwords are hashed by a process of its own, and by nobody worse when it is gone."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from backend.people import hashing, passwords
from backend.people.passwords import hash_password, password_fits
from serve import start_hasher, stop
from tests.town import PASSWORD, People, phone

SAID = "口令 with\nline feeds\n"


@pytest.fixture
def hasher(monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[bytes]]:
    with tempfile.TemporaryDirectory() as folder:
        process = start_hasher(f"{folder}/passwords")
        monkeypatch.setenv(passwords.HASHER, f"{folder}/passwords")
        try:
            yield process
        finally:
            stop([process])


@pytest.fixture
def elsewhere(hasher: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch) -> subprocess.Popen[bytes]:
    """The process, with this one unable to hash."""
    monkeypatch.setattr(passwords, "answer", lambda question: pytest.fail("hashed in this process"))
    return hasher


def here(word: bytes, known: str, password: str) -> bytes:
    return hashing.answer(b"\n".join((word, known.encode(), password.encode())))


def sent(message: bytes) -> bytes:
    """What the process answers to a message; nothing when it closes the connection."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        connection.settimeout(10)
        connection.connect(os.environ[passwords.HASHER])
        connection.send(message)
        try:
            return connection.recv(hashing.LONGEST)
        except ConnectionResetError:
            return b""


@pytest.mark.usefixtures("elsewhere")
def test_what_one_process_hashes_the_other_checks() -> None:
    there, mine = hash_password(SAID), here(hashing.HASH, "", SAID).decode()
    assert there.startswith("$argon2id$v=19$m=19456,t=2,p=1$") and there != mine
    assert here(hashing.FITS, there, SAID) == hashing.YES and password_fits(SAID, mine)
    assert here(hashing.FITS, there, SAID.strip()) == hashing.NO and not password_fits(SAID.strip(), mine)
    assert not password_fits("nobody's password", None) and not password_fits(SAID, "no hash")


@pytest.mark.usefixtures("elsewhere")
def test_what_is_no_question_gets_no_answer_and_the_next_gets_one() -> None:
    long = b"hash\n\n" + b"x" * hashing.LONGEST
    for garbage in (b"\0", b"hash", b"open\n\nx", b"fits\n\xff\nx", b"\x80\x04K\x01.", long) * hashing.THREADS:
        assert sent(garbage) in (b"", hashing.NO)
    assert sent(long) == b"", "a password cut off would fit by its beginning"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as silent:
        silent.connect(os.environ[passwords.HASHER])
        assert password_fits(SAID, hash_password(SAID))


def test_who_signs_in_does_not_notice_that_the_process_has_ended(
    client: FlaskClient, people: People, elsewhere: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"phone": phone("resident"), "password": PASSWORD}
    assert client.post("/api/v1/auth/login", json=body).status_code == 200
    stop([elsewhere])
    monkeypatch.setattr(passwords, "answer", hashing.answer)
    with capture_logs() as logs:
        assert client.post("/api/v1/auth/login", json=body).status_code == 200
        assert client.post("/api/v1/auth/login", json=body | {"password": "wrong"}).status_code == 401
    assert [line["event"] for line in logs if "hasher" in line["event"]] == ["password_hasher_silent"] * 2
    assert PASSWORD not in str(logs)


def test_a_process_that_does_not_answer_is_not_waited_for(
    hasher: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "ANSWER_SECONDS", 0.05)
    hasher.send_signal(signal.SIGSTOP)
    with capture_logs() as logs:
        assert password_fits(SAID, here(hashing.HASH, "", SAID).decode())
    assert [line["error"] for line in logs] == ["TimeoutError"]
    hasher.kill()  # what is stopped does not end when told to
