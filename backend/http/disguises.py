"""Ids for everybody: which row it is can be told from one by this server alone.

An id of ours begins with the time at which it was made (RFC 9562, version 7). Outside it is disguised: as one block
under AES with a key of its own for each purpose. The same id always has the same disguise, nothing is kept, and every
UUID is the disguise of some id, so that one that was made up leads where an id that nothing has leads.

An instant that a list for everybody is sorted by, and does not show, goes into its cursor in the same way.
"""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from backend.http.tags import keyed_hash

_EPOCH, _TICK = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


def disguised(purpose: str, id: uuid.UUID) -> uuid.UUID:
    """The disguise of an id for a purpose."""
    encryptor = _cipher(purpose).encryptor()
    return uuid.UUID(bytes=encryptor.update(id.bytes) + encryptor.finalize())


def disguised_all(purpose: str, ids: Sequence[uuid.UUID]) -> list[str]:
    """The disguises of many ids for a purpose, in their order, as they are written."""
    encryptor = _cipher(purpose).encryptor()
    blocks = (encryptor.update(b"".join(id.bytes for id in ids)) + encryptor.finalize()).hex()
    each = [blocks[start : start + 32] for start in range(0, len(blocks), 32)]
    return [f"{one[:8]}-{one[8:12]}-{one[12:16]}-{one[16:20]}-{one[20:]}" for one in each]


def undisguised(purpose: str, disguise: uuid.UUID) -> uuid.UUID:
    """The id behind a disguise."""
    decryptor = _cipher(purpose).decryptor()
    return uuid.UUID(bytes=decryptor.update(disguise.bytes) + decryptor.finalize())


def disguised_instant(purpose: str, moment: datetime) -> uuid.UUID:
    """The disguise of an instant for a purpose, to the microsecond: two of them do not tell which is the later one."""
    return disguised(purpose, uuid.UUID(int=(moment - _EPOCH) // _TICK))


def undisguised_instant(purpose: str, disguise: uuid.UUID) -> datetime:
    """The instant behind a disguise, in UTC. Raises ValueError for what `disguised_instant` did not make: of one that
    was made up, the upper half is not empty."""
    ticks = undisguised(purpose, disguise).int
    if ticks >= 1 << 64:
        raise ValueError(disguise)
    return _EPOCH + ticks * _TICK


def _cipher(purpose: str) -> Cipher[modes.ECB]:
    # Blocks that stand for themselves need no chaining: ECB of one block is the bare permutation that is wanted here.
    return Cipher(algorithms.AES(keyed_hash("disguise", purpose.encode())), modes.ECB())
