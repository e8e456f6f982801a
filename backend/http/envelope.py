"""The envelope: what only few may read is sealed, so that neither a copy of the database nor a backup tells it.

AES-256-GCM (NIST SP 800-38D) under a data key, which a key provider wraps under a key of its own and gives back. A
process seals many contents under one data key and takes a new one each hour, so that a provider far away is asked
rarely. Changing the provider's key wraps the data keys anew; the sealed contents stay as they are.

A sealed content is: a version byte, the provider's key (one byte of length, then its name), the wrapped data key (two
bytes of length, then the key), twelve bytes of nonce, and the ciphertext with its tag.

A column of sealed contents is called `sealed`, in whatever table: by this name `flask keys rotate` finds it.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import Flask, current_app

VERSION = 1
DATA_KEY_SECONDS, DATA_KEY_USES = 3600.0, 1 << 20
"""How long, and for how many contents, one data key is used: far below the 2^32 random nonces that GCM allows."""


class CannotOpen(Exception):
    """A sealed content that was changed, belongs elsewhere, or whose key is not there. Says nothing of the content."""


class KeyProvider(Protocol):
    """Who holds the keys that wrap the data keys. Raises CannotOpen for a key it does not have."""

    def wrap(self, data_key: bytes) -> tuple[str, bytes]:
        """The present key's name, and the data key wrapped under it."""

    def unwrap(self, key: str, wrapped: bytes) -> bytes:
        """The data key again."""

    def add_key(self) -> str:
        """Make a new key the present one, for all processes at once; answers its name."""

    def drop_keys(self) -> list[str]:
        """Drop the keys but the present one, as far as this side can; answers their names."""

    @property
    def present(self) -> str:
        """The name of the key that wraps new data keys."""


@dataclass
class _DataKey:
    content: bytes
    under: str
    head: bytes
    until: float
    uses: int = 0


class Envelope:
    """Seals and opens under a key provider."""

    def __init__(self, provider: KeyProvider, clock: Callable[[], float] = time.monotonic) -> None:
        self.provider, self._clock = provider, clock
        self._data_key: _DataKey | None = None
        self._unwrap = lru_cache(maxsize=4096)(provider.unwrap)

    def seal(self, content: bytes, context: str) -> bytes:
        """The content sealed for a context (what it is and whose): opened under another, it does not open."""
        key = self._present_key()
        nonce = os.urandom(12)
        return key.head + nonce + AESGCM(key.content).encrypt(nonce, content, context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        """The content again. Raises CannotOpen."""
        name, wrapped, rest = _parts(sealed)
        try:
            return AESGCM(self._unwrap(name, wrapped)).decrypt(rest[:12], rest[12:], context.encode())
        except (InvalidTag, ValueError) as error:
            raise CannotOpen from error

    def wrapped_anew(self, sealed: bytes) -> bytes | None:
        """The same content with its data key under the provider's present key; None when it is there already."""
        name, wrapped, rest = _parts(sealed)
        if name == self.provider.present:
            return None
        return _head(*self.provider.wrap(self._unwrap(name, wrapped))) + rest

    def check(self, sealed: bytes) -> None:
        """See that a sealed content has its key here, without opening it. Raises CannotOpen."""
        name, wrapped, _ = _parts(sealed)
        self._unwrap(name, wrapped)

    def _present_key(self) -> _DataKey:
        key = self._data_key
        used_up = key is None or key.uses >= DATA_KEY_USES or self._clock() > key.until
        if key is None or used_up or key.under != self.provider.present:
            content = os.urandom(32)  # as AESGCM.generate_key does
            name, wrapped = self.provider.wrap(content)
            key = _DataKey(content, name, _head(name, wrapped), self._clock() + DATA_KEY_SECONDS)
            self._data_key = key
        key.uses += 1
        return key


def envelope() -> Envelope:
    """The app's envelope."""
    held: Envelope = current_app.extensions["envelope"]
    return held


def init_envelope(app: Flask, provider: KeyProvider) -> None:
    """Give the app its envelope."""
    app.extensions["envelope"] = Envelope(provider)


def _head(name: str, wrapped: bytes) -> bytes:
    encoded = name.encode()
    return bytes((VERSION, len(encoded))) + encoded + len(wrapped).to_bytes(2, "big") + wrapped


def _parts(sealed: bytes) -> tuple[str, bytes, bytes]:
    try:
        if sealed[0] != VERSION:
            raise CannotOpen
        wrapped_at = 2 + sealed[1] + 2
        length = int.from_bytes(sealed[wrapped_at - 2 : wrapped_at], "big")
        wrapped, rest = sealed[wrapped_at : wrapped_at + length], sealed[wrapped_at + length :]
        if len(wrapped) != length or len(rest) < 12 + 16:
            raise CannotOpen
        return sealed[2 : 2 + sealed[1]].decode(), wrapped, rest
    except (IndexError, UnicodeDecodeError) as error:
        raise CannotOpen from error
