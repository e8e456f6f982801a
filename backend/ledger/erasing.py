"""Erasing what entries told, on record: nothing personal stays, and the chain still verifies.

An erased entry keeps its number, its hash and the digest of what it told, which its random salt, erased too, makes
impossible to guess. Another entry names these digests and says by whom and why.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, bindparam, select, update
from sqlalchemy.orm import Session

from backend.http.work import write_added
from backend.ledger.chain import told
from backend.ledger.record import record
from backend.ledger.tables import LedgerEntry

ERASE = "erase_entries"
MOST_NAMED = 1000
"""Digests that one entry names at most."""

_nothing = {
    "salt": b"",
    "payload": b"",
    "actor_id": None,
    "action": "",
    "thing_kind": "",
    "thing_id": "",
    "thing_version": 0,
    "occurred_at": None,
    "subject_id": None,
}
_empty = (
    update(LedgerEntry.__table__)  # type: ignore[arg-type]  # a table, though declared as any FROM
    .where(LedgerEntry.id == bindparam("entry"))
    .values(_nothing | {"digest": bindparam("left")})
)


def erase(session: Session, which: ColumnElement[bool], *, by: uuid.UUID | None, why: str, now: datetime) -> int:
    """Erase the entries that fit a condition on LedgerEntry and record it in their chains; answers how many.

    Records of erasures are not erased. `why` stays for good, so it names nobody.
    """
    write_added(session)
    found = session.execute(
        select(LedgerEntry.chain, LedgerEntry.id, LedgerEntry.salt, LedgerEntry.payload)
        .where(which, LedgerEntry.digest.is_(None), LedgerEntry.action != ERASE)
        .order_by(LedgerEntry.chain, LedgerEntry.id)
        .with_for_update()
    ).all()
    for chain, entries in groupby(found, key=lambda row: row.chain):
        erased = [{"entry": row.id, "left": told(row.salt, row.payload)} for row in entries]
        session.connection().execute(_empty, erased)
        _record(session, chain, [one["left"] for one in erased], by, why, now)
    return len(found)


def _record(
    session: Session, chain: str, digests: Sequence[Any], by: uuid.UUID | None, why: str, now: datetime
) -> None:
    for start in range(0, len(digests), MOST_NAMED):
        named = [digest.hex() for digest in digests[start : start + MOST_NAMED]]
        record(
            session,
            town=chain,
            actor=by,
            action=ERASE,
            thing=("ledger", chain),
            version=0,
            occurred_at=now,
            details={"why": why, "erased": named},
        )
