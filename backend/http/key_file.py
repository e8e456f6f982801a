"""The key provider for a town with one machine: keys in a file of the instance folder, its owner's only.

The file is JSON: `{"present": name, "keys": {name: base64}}`. A rotation adds a key and makes it the present one; the
old ones stay until nothing is wrapped under them any more.
"""

import base64
import json
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from backend.http.envelope import CannotOpen


class UnusableKeys(Exception):
    """A key file that is not one."""


class KeyFile:
    """Wraps data keys (RFC 3394) under keys kept in a file; made with one key when it does not exist."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():
            self._make()
        self._read()

    @property
    def present(self) -> str:
        """The name of the key that wraps new data keys, as the file says at this moment."""
        if _state(self.path) not in (None, self._state):
            self._read()
        return self._present

    @property
    def names(self) -> frozenset[str]:
        """The names of all keys in the file."""
        return frozenset(self._keys)

    def wrap(self, data_key: bytes) -> tuple[str, bytes]:
        """The present key's name, and the data key wrapped under it."""
        name = self.present
        return name, aes_key_wrap(self._keys[name], data_key)

    def unwrap(self, key: str, wrapped: bytes) -> bytes:
        """The data key again. A key added by another process is looked for in the file."""
        if key not in self._keys:
            self._read()
        try:
            return aes_key_unwrap(self._keys[key], wrapped)
        except (KeyError, InvalidUnwrap, ValueError) as error:
            raise CannotOpen from error

    def add_key(self) -> str:
        """Make a new key the present one; answers its name."""
        name = _new_name()
        self._write(name, self._keys | {name: secrets.token_bytes(32)})
        self._read()
        return name

    def drop_keys(self) -> list[str]:
        """Drop all keys but the present one; answers their names. Only when nothing is wrapped under them any more."""
        old = sorted(self.names - {self._present})
        self._write(self._present, {self._present: self._keys[self._present]})
        self._read()
        return old

    def _make(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = _new_name()
        draft = self._draft(name, {name: secrets.token_bytes(32)})
        try:
            os.link(draft, self.path)  # fails if another process was first: its key is the key
        except FileExistsError:
            pass
        finally:
            draft.unlink()

    def _write(self, present: str, keys: dict[str, bytes]) -> None:
        self._draft(present, keys).replace(self.path)

    def _draft(self, present: str, keys: dict[str, bytes]) -> Path:
        draft = self.path.with_name(f".{self.path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        written = {"present": present, "keys": {name: base64.b64encode(key).decode() for name, key in keys.items()}}
        with open(draft, "x", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            json.dump(written, file)
            file.flush()
            os.fsync(file.fileno())
        return draft

    def _read(self) -> None:
        self._state = _state(self.path)
        try:
            told = json.loads(self.path.read_text())
            self._keys = {name: base64.b64decode(key, validate=True) for name, key in told["keys"].items()}
            self._present: str = told["present"]
            if self._present not in self._keys or any(len(key) != 32 for key in self._keys.values()):
                raise ValueError
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UnusableKeys(f"{self.path} is no key file") from error


def _state(path: Path) -> tuple[int, int] | None:
    """What changes when another process writes the file; None while it cannot be looked at: the keys read stay."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def _new_name() -> str:
    return f"{datetime.now(UTC):%Y%m%d}-{secrets.token_hex(3)}"
