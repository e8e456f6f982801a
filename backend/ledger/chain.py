"""Sealing committed entries into a town's hash chain.

hash = SHA-256(previous ‖ town ‖ seq ‖ SHA-256(salt ‖ payload)). No writer waits for another: entries are written
without a number, and get one here, after their commit, so that no reader can skip an entry that commits late.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, bindparam, func, select, text
from sqlalchemy.exc import OperationalError

from backend.extensions import db
from backend.http.reading import row
from backend.ledger.tables import LedgerEntry

BATCH = 1000
GENESIS = b"\0" * 32
WAIT_MS = 15_000

# By ix_ledger_entries_unsealed, from one chain to the next: DISTINCT would read all that waits.
_next_unsealed = (
    select(LedgerEntry.chain)
    .where(LedgerEntry.seq.is_(None), LedgerEntry.chain >= bindparam("least"))
    .order_by(LedgerEntry.chain)
    .limit(1)
)
_unsealed = (
    select(LedgerEntry.id, LedgerEntry.salt, LedgerEntry.payload, LedgerEntry.digest)
    .where(LedgerEntry.chain == bindparam("chain"), LedgerEntry.seq.is_(None))
    .order_by(LedgerEntry.id)
    .limit(BATCH)
)
_head = (
    select(LedgerEntry.seq, LedgerEntry.hash)
    .where(LedgerEntry.chain == bindparam("chain"), LedgerEntry.seq.is_not(None))
    .order_by(LedgerEntry.seq.desc())
    .limit(1)
)
_lock = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
_number_all = text(
    "UPDATE ledger_entries AS entry SET seq = :head + given.place, hash = given.hash"
    " FROM unnest(CAST(:ids AS bigint[]), CAST(:hashes AS bytea[])) WITH ORDINALITY AS given(id, hash, place)"
    " WHERE entry.id = given.id"
)


def told(salt: bytes, payload: bytes) -> bytes:
    """The digest of what an entry tells; it stays when the entry is erased, so that the chain goes on."""
    return hashlib.sha256(salt + payload).digest()


def link(previous: bytes, chain: str, seq: int, digest: bytes) -> bytes:
    """The hash of the entry numbered `seq`, which tells what `digest` stands for."""
    return hashlib.sha256(previous + chain.encode() + seq.to_bytes(8, "big") + digest).digest()


def seal() -> int:
    """Number and chain what is committed and not yet sealed, one batch of each town; answers how many entries.

    A unit of work of its own, never called inside one.
    """
    sealed, waiting = 0, row(_next_unsealed, least="")
    while waiting is not None:
        sealed += seal_chain(waiting.chain)
        waiting = row(_next_unsealed, least=waiting.chain + " ")  # the least after it
    return sealed


def seal_chain(chain: str, wait_ms: int = WAIT_MS) -> int:
    """Seal one batch of one chain; answers how many entries, none when the chain was not free for so long.

    On PostgreSQL the first statement takes the town's advisory lock and holds it to the commit: released earlier, two
    sealers skip and double entries. A unit of work of its own, never called inside one.
    """
    try:
        with db.engine.connect() as connection, _waiting(connection, wait_ms), connection.begin():
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = {wait_ms}")
                connection.execute(_lock, {"name": f"seal {chain}"})
            return _seal_batch(connection, chain)
    except OperationalError as error:
        if any(words in str(error.orig) for words in ("database is locked", "lock timeout")):
            return 0
        raise


@contextmanager
def _waiting(connection: Connection, wait_ms: int) -> Iterator[None]:
    """On SQLite, wait so long for the one writer, and as long as ever again afterwards."""
    if connection.dialect.name != "sqlite":
        yield
        return
    driver = connection.connection.cursor()
    driver.execute(f"PRAGMA busy_timeout = {wait_ms}")
    try:
        yield
    finally:
        driver.execute(f"PRAGMA busy_timeout = {WAIT_MS}")
        driver.close()


def _seal_batch(connection: Connection, chain: str) -> int:
    waiting = connection.execute(_unsealed, {"chain": chain}).all()
    if not waiting:
        return 0
    head = connection.execute(_head, {"chain": chain}).first()
    seq, previous = (head.seq, head.hash) if head else (0, GENESIS)
    hashes = []
    for number, (_, salt, payload, digest) in enumerate(waiting, start=seq + 1):
        previous = link(previous, chain, number, digest or told(salt, payload))
        hashes.append(previous)
    ids = [one.id for one in waiting]
    if connection.dialect.name == "postgresql":
        connection.execute(_number_all, {"head": seq, "ids": ids, "hashes": hashes})
    else:
        numbered = [
            (seq + place, given, entry) for place, (entry, given) in enumerate(zip(ids, hashes, strict=True), 1)
        ]
        connection.exec_driver_sql("UPDATE ledger_entries SET seq = ?, hash = ? WHERE id = ?", numbered)
    return len(waiting)


def chains(connection: Connection) -> list[str]:
    """The names of all chains."""
    return list(connection.scalars(select(LedgerEntry.chain).group_by(LedgerEntry.chain).order_by(LedgerEntry.chain)))


def head(connection: Connection, chain: str) -> tuple[int, bytes] | None:
    """Number and hash of a chain's last sealed entry; None when none is sealed."""
    found = connection.execute(_head, {"chain": chain}).first()
    return (found.seq, found.hash) if found else None


def unsealed(connection: Connection) -> int:
    """How many entries wait for their number."""
    return connection.scalar(select(func.count()).where(LedgerEntry.seq.is_(None))) or 0
