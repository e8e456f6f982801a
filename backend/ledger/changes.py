"""The change log: what happened in a town, in the order in which it was sealed, for readers who keep their place.

No reader can skip an entry that commits late: it gets its number after its commit, so every number that is there stays
the last one before the next. The places are for the product's own use: no number of the ledger is ever shown.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, select

from backend.http.reading import Prepared, row
from backend.ledger.chain import seal_chain
from backend.ledger.tables import LedgerEntry

WAIT_MS = 200
"""How long a reader waits to seal: then it reads what is sealed, and finds the rest the next time."""


class Change(NamedTuple):
    """A sealed entry. Of an erased one nothing is left but its place; its action is empty."""

    seq: int
    action: str
    thing_kind: str
    thing_id: str
    thing_version: int
    actor_id: uuid.UUID | None
    occurred_at: datetime | None
    payload: bytes


_waits = select(LedgerEntry.id).where(LedgerEntry.chain == bindparam("chain"), LedgerEntry.seq.is_(None)).limit(1)
_newest = (
    select(LedgerEntry.seq)
    .where(LedgerEntry.chain == bindparam("chain"), LedgerEntry.seq.is_not(None))
    .order_by(LedgerEntry.seq.desc())
    .limit(1)
)
_after = Prepared(
    select(
        LedgerEntry.seq,
        LedgerEntry.action,
        LedgerEntry.thing_kind,
        LedgerEntry.thing_id,
        LedgerEntry.thing_version,
        LedgerEntry.actor_id,
        LedgerEntry.occurred_at,
        LedgerEntry.payload,
    )
    .where(LedgerEntry.chain == bindparam("chain"), LedgerEntry.seq > bindparam("after"))
    .order_by(LedgerEntry.seq)
    .limit(bindparam("most")),
    Change,
)


def changes(chain: str, after: int, limit: int) -> Sequence[Change]:
    """At most `limit` changes of a chain after the place `after`, up to its end, which is sealed first.

    At most one batch is sealed. Not to be called inside a unit of work.
    """
    if row(_waits, chain=chain) is not None:
        seal_chain(chain, WAIT_MS)
    return _after.all(chain=chain, after=after, most=limit)


def newest_place(chain: str) -> int:
    """The place of the newest sealed change: what commits from now on comes after it. 0 before the first."""
    found = row(_newest, chain=chain)
    return int(found[0]) if found else 0
