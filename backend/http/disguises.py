"""Ids for everybody: which row it is can be told from one by this server alone.

An id of ours begins with the time at which it was made (RFC 9562, version 7). Outside it is disguised: as one block
under AES with a key of its own for each purpose. The same id always has the same disguise, nothing is kept, and every
UUID is the disguise of some id, so that one that was made up leads where an id that nothing has leads.
"""

import uuid

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from backend.http.tags import keyed_hash


def disguised(purpose: str, id: uuid.UUID) -> uuid.UUID:
    """The disguise of an id for a purpose."""
    encryptor = _cipher(purpose).encryptor()
    return uuid.UUID(bytes=encryptor.update(id.bytes) + encryptor.finalize())


def undisguised(purpose: str, disguise: uuid.UUID) -> uuid.UUID:
    """The id behind a disguise."""
    decryptor = _cipher(purpose).decryptor()
    return uuid.UUID(bytes=decryptor.update(disguise.bytes) + decryptor.finalize())


def _cipher(purpose: str) -> Cipher[modes.ECB]:
    # A single block needs no chaining: ECB of one block is the bare permutation that is wanted here.
    return Cipher(algorithms.AES(keyed_hash("disguise", purpose.encode())), modes.ECB())
