"""Files sealed piece by piece, so that neither a copy of the folder nor whoever keeps the bucket sees a picture or a
place, and a film is read from its middle without opening what stands before.

AES-256-GCM under a key of the file's own, which stands sealed in its row (see originals.py): when that row goes, no
copy of the file opens any more, and changing the identity keys leaves the files as they are. A nonce is never used
twice under a key: it says which copy, which piece, and whether it is the last, so that no piece can be moved, nor the
end cut.
"""

import io
import uuid
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from backend.evidence.store import KINDS, Kind, Store
from backend.http.envelope import CannotOpen

PIECE, TAG = 1 << 20, 16
"""Bytes sealed as one, and what that adds to them: as much as a worker holds of a file at a time."""


def new_key() -> bytes:
    """A key for the copies of one file."""
    return AESGCM.generate_key(256)


def seal_file(source: Path, target: Path, key: bytes, kind: Kind) -> None:
    """Write the content of a file sealed as one of the copies that a key is for; once only, whatever the content."""
    cipher, number = AESGCM(key), 0
    with source.open("rb") as content, target.open("wb") as sealed:
        piece = content.read(PIECE)
        while True:
            following = content.read(PIECE)
            sealed.write(cipher.encrypt(_nonce(kind, number, last=not following), piece, None))
            if not following:
                return
            piece, number = following, number + 1


class OpenedFile(io.RawIOBase):
    """The content of a sealed file, to be read and sought like any file; in memory is one piece of it.

    Raises FileNotFoundError, and CannotOpen (the first piece at once) for a file that was changed.
    """

    def __init__(self, store: Store, kind: Kind, photo: uuid.UUID, key: bytes) -> None:
        super().__init__()
        self._store, self._kind, self._photo, self._cipher = store, kind, photo, AESGCM(key)
        sealed = store.size(kind, photo)
        self._pieces = -(-sealed // (PIECE + TAG))
        self.size, self._at = sealed - self._pieces * TAG, 0
        self._number, self._piece = -1, b""
        if self.size < 0 or not self._pieces:
            raise CannotOpen
        self._open(0)

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Where the next byte is read."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Read on from another place."""
        self._at = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence])
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Read what the piece at this place still has."""
        if self._at >= self.size:
            return 0
        number, offset = divmod(self._at, PIECE)
        if number != self._number:
            self._open(number)
        part = self._piece[offset : offset + len(buffer)]
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)

    def _open(self, number: int) -> None:
        sealed = self._store.read(self._kind, self._photo, number * (PIECE + TAG), PIECE + TAG)
        try:
            nonce = _nonce(self._kind, number, last=number == self._pieces - 1)
            self._number, self._piece = number, self._cipher.decrypt(nonce, sealed, None)
        except InvalidTag as error:
            raise CannotOpen from error


def _nonce(kind: Kind, number: int, last: bool) -> bytes:
    return bytes((KINDS.index(kind), last)) + number.to_bytes(10, "big")
