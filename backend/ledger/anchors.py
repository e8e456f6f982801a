"""Anchors: the heads of the chains, kept outside the database under a key.

Whoever can write the database can write a whole new chain that fits together. So the scheduler appends each minute the
heads of all chains to a file (the setting ANCHORS), best on another disk or machine. Each line ends in an HMAC-SHA-256
of itself and the line before, under a key that is made with the file and never again: a line cannot be changed, put in
or taken out. What an anchor cannot tell of is what was sealed since the last one.
"""

import fcntl
import hashlib
import hmac
import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from backend.http.secrets import secret


class Head(NamedTuple):
    """The last sealed entry of a chain at an instant."""

    seq: int
    hash: bytes
    at: datetime


class AnchorsFault(Exception):
    """Why the anchors cannot be used, in words."""


class AnchorsLost(AnchorsFault):
    """The file or its key is gone, though it was there."""


class WrongAnchorKey(AnchorsFault):
    """The key is not the one the file was begun with."""


class AnchorsChanged(AnchorsFault):
    """A line was changed, put in or taken out."""


class AnchorFile:
    """The file of anchors and its key. Made by `begin`, and only there."""

    def __init__(self, path: Path, key: Path) -> None:
        self.path, self._key_path = path, key

    def exists(self) -> bool:
        """Whether there is a file with anchors."""
        return self.path.exists() and self.path.stat().st_size > 0

    def size(self) -> int:
        """Bytes written so far: what is read up to here does not meet what is being written."""
        return self.path.stat().st_size

    def begin(self, now: datetime) -> None:
        """Make the file, and its key unless there is one."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = secret(self._key_path.parent, self._key_path.stem).encode()
        self._write({"begun": now.isoformat(), "key": _fingerprint(key)}, key, b"")

    def append(self, heads: Mapping[str, tuple[int, bytes]], now: datetime) -> None:
        """Add the heads of all chains. Raises AnchorsLost, WrongAnchorKey or AnchorsChanged."""
        key, (_, mac) = self._key(), self._last()
        told = {chain: [seq, digest.hex()] for chain, (seq, digest) in heads.items()}
        self._write({"at": now.isoformat(), "heads": told}, key, mac)

    def last(self) -> Mapping[str, tuple[int, bytes]]:
        """The heads anchored last. Raises AnchorsLost, WrongAnchorKey or AnchorsChanged."""
        self._key()
        line, _ = self._last()
        return {chain: (seq, bytes.fromhex(digest)) for chain, (seq, digest) in line.get("heads", {}).items()}

    def chains(self, upto: int) -> frozenset[str]:
        """The chains that have anchors in the first `upto` bytes. Raises as `heads` does."""
        return frozenset(chain for line in self._lines(upto) for chain in line.get("heads", {}))

    def heads(self, chain: str, upto: int) -> Iterator[Head]:
        """The heads of a chain, each once and oldest first, of the first `upto` bytes.

        Raises AnchorsLost, WrongAnchorKey, and AnchorsChanged when it comes to a line that does not hold.
        """
        seen = 0
        for line in self._lines(upto):
            seq, digest = line.get("heads", {}).get(chain, (0, ""))
            if seq > seen:
                yield Head(seq, bytes.fromhex(digest), datetime.fromisoformat(line["at"]))
                seen = seq

    def _lines(self, upto: int) -> Iterator[dict[str, Any]]:
        key, mac, read = self._key(), b"", 0
        with self.path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                read += len(line)
                if read > upto or not line.endswith(b"\n"):
                    return  # written while this reads, or cut off by a power failure
                content, mac_given = _parts(line)
                mac = _mac(key, mac, content)
                if not hmac.compare_digest(mac, mac_given):
                    raise AnchorsChanged(f"line {number} of {self.path} was changed, or a line before it taken out")
                yield orjson.loads(content)

    def _key(self) -> bytes:
        if not self.exists():
            raise AnchorsLost(f"{self.path} is gone")
        if not self._key_path.exists():
            raise AnchorsLost(f"the key of the anchors, {self._key_path}, is gone")
        key = self._key_path.read_bytes()
        with self.path.open("rb") as file:
            first, _ = _parts(file.readline())
        try:
            fitting = orjson.loads(first)["key"] == _fingerprint(key)
        except (ValueError, KeyError, TypeError):
            raise AnchorsChanged(f"the first line of {self.path} was changed") from None
        if not fitting:
            raise WrongAnchorKey(f"{self._key_path} is not the key that {self.path} was begun with")
        return key

    def _last(self) -> tuple[dict[str, Any], bytes]:
        """The last whole line and its HMAC; what a power failure left of one after it is cut away."""
        with self.path.open("rb+") as file:
            size = file.seek(0, os.SEEK_END)
            tail, back = b"", 4096
            while tail.count(b"\n") < 2 and len(tail) < size:
                file.seek(max(0, size - back))
                tail, back = file.read(), back * 2
            whole, _, torn = tail.rpartition(b"\n")
            if torn:
                file.truncate(size - len(torn))
        content, mac = _parts(whole.rpartition(b"\n")[2])
        try:
            return orjson.loads(content), mac
        except ValueError:
            raise AnchorsChanged(f"the last line of {self.path} was changed") from None

    def _write(self, told: Mapping[str, Any], key: bytes, before: bytes) -> None:
        content = orjson.dumps(told)
        line = content + b" " + _mac(key, before, content).hex().encode() + b"\n"
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            os.write(descriptor, line)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _parts(line: bytes) -> tuple[bytes, bytes]:
    content, _, mac = line.rstrip(b"\n").rpartition(b" ")
    try:
        return content, bytes.fromhex(mac.decode())
    except ValueError:
        return content, b""


def _mac(key: bytes, before: bytes, content: bytes) -> bytes:
    return hmac.digest(key, before + content, "sha256")


def _fingerprint(key: bytes) -> str:
    return hashlib.sha256(b"fingerprint" + key).hexdigest()[:16]
