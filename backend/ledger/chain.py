"""Sealing committed entries into a town's hash chain, and verifying it.

hash = SHA-256(previous ‖ town ‖ seq ‖ SHA-256(salt ‖ payload)). No writer waits for another: entries are written
without a number, and get one here, after their commit, so that no reader can skip an entry that commits late.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import Connection, bindparam, func, select, text, update
from sqlalchemy.orm import Session

from backend.http.work import unit_of_work
from backend.ledger.tables import LedgerEntry

BATCH = 1000
GENESIS = b"\0" * 32

_unsealed_chains = select(LedgerEntry.chain).where(LedgerEntry.seq.is_(None)).distinct()
_unsealed = (
    select(LedgerEntry.id, LedgerEntry.salt, LedgerEntry.payload)
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
_give_number = (
    update(LedgerEntry)
    .where(LedgerEntry.id == bindparam("entry"))
    .values(seq=bindparam("number"), hash=bindparam("linked"))
)


def link(previous: bytes, chain: str, seq: int, salt: bytes, payload: bytes) -> bytes:
    """The hash of the entry numbered `seq`."""
    inner = hashlib.sha256(salt + payload).digest()
    return hashlib.sha256(previous + chain.encode() + seq.to_bytes(8, "big") + inner).digest()


def seal() -> int:
    """Number and chain what is committed and not yet sealed, one batch of each town; answers how many entries.

    A unit of work of its own, never called inside one. On PostgreSQL its first statement takes the town's advisory
    lock and holds it to the commit: released earlier, two sealers skip and double entries.
    """
    from backend.http.reading import rows

    return sum(_seal_chain(row.chain) for row in rows(_unsealed_chains))


def _seal_chain(chain: str) -> int:
    with unit_of_work() as session:
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"seal {chain}"})
        return _seal_batch(session, chain)


def _seal_batch(session: Session, chain: str) -> int:
    head = session.execute(_head, {"chain": chain}).first()
    seq, previous = (head.seq, head.hash) if head else (0, GENESIS)
    numbered = []
    for row in session.execute(_unsealed, {"chain": chain}):
        seq += 1
        previous = link(previous, chain, seq, row.salt, row.payload)
        numbered.append({"entry": row.id, "number": seq, "linked": previous})
    if numbered:
        session.connection().execute(_give_number, numbered)
    return len(numbered)


@dataclass(frozen=True)
class Verdict:
    """What verifying a chain found: how many sealed entries hold, and the first that does not, with why."""

    chain: str
    entries: int
    fault_at: int | None = None
    fault: str | None = None


def verify(connection: Connection, chain: str) -> Verdict:
    """Walk a chain from its start and check every number, hash, index column and rising version."""
    previous, count = GENESIS, 0
    versions: dict[tuple[str, str], int] = {}
    for row in _sealed(connection, chain):
        count += 1
        fault = _fault(row, chain, count, previous, versions)
        if fault:
            return Verdict(chain, count - 1, row.seq, fault)
        previous = row.hash or b""
    return Verdict(chain, count)


def _sealed(connection: Connection, chain: str) -> Iterator["LedgerEntry"]:
    # Long reads page in short snapshots.
    after = 0
    while True:
        page = connection.execute(
            select(LedgerEntry.__table__)
            .where(LedgerEntry.chain == chain, LedgerEntry.seq > after)
            .order_by(LedgerEntry.seq)
            .limit(BATCH)
        ).all()
        yield from page  # type: ignore[misc]  # rows carry the table's columns by name
        if len(page) < BATCH:
            return
        after = page[-1].seq


def _fault(
    row: LedgerEntry, chain: str, expected: int, previous: bytes, versions: dict[tuple[str, str], int]
) -> str | None:
    if row.seq != expected:
        return f"entry {expected} is missing"
    if row.hash != link(previous, chain, expected, row.salt, row.payload):
        return "the hash does not follow from the entry and the one before"
    told = orjson.loads(row.payload)
    beside = (str(row.actor_id) if row.actor_id else None, row.action, [row.thing_kind, row.thing_id])
    if (
        beside != (told["actor"], told["action"], told["thing"])
        or row.thing_version != told["version"]
        or (str(row.subject_id) if row.subject_id else None) != told.get("subject")
        or row.occurred_at != datetime.fromisoformat(told["occurred_at"])
    ):
        return "the columns beside the payload were changed"
    thing = (row.thing_kind, row.thing_id)
    if row.thing_version and row.thing_version <= versions.get(thing, 0):
        return "versions of the thing do not rise"
    versions[thing] = row.thing_version
    return None


def chains(connection: Connection) -> list[str]:
    """The names of all chains."""
    return list(connection.scalars(select(LedgerEntry.chain).group_by(LedgerEntry.chain).order_by(LedgerEntry.chain)))


def unsealed(connection: Connection) -> int:
    """How many entries wait for their number."""
    return connection.scalar(select(func.count()).where(LedgerEntry.seq.is_(None))) or 0
