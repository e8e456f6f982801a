"""Writing entries and tampering with them."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import select

from backend.config import TOWN_ZONE
from backend.extensions import db
from backend.http.work import unit_of_work
from backend.ledger.chain import GENESIS, link, seal, told
from backend.ledger.record import entry, record
from backend.ledger.tables import LedgerEntry

NOW = datetime(2026, 11, 25, 12, tzinfo=TOWN_ZONE)
TOWN = "440605121"


def write(count: int, thing: str = "case", first: int = 1) -> None:
    """Record `count` changes of a thing, each in a unit of work of its own."""
    for version in range(first, first + count):
        with unit_of_work() as session:
            record(session, **event(thing, version))


def event(thing: str, version: int) -> dict[str, Any]:
    """What `record` takes."""
    return {
        "town": TOWN,
        "actor": uuid.UUID(int=7),
        "action": "accept",
        "thing": ("case", thing),
        "version": version,
        "occurred_at": NOW,
        "details": {"why": "测试"},
    }


def change(statement: object) -> None:
    """Do to the database what nobody should."""
    with unit_of_work() as session:
        session.connection().execute(statement)  # type: ignore[call-overload]


def seal_all() -> None:
    """Seal until nothing waits."""
    while seal():
        pass


def rewrite(keep: int | None = None) -> None:
    """Forge a chain that fits together: other contents, all hashes computed anew, at most `keep` entries left."""
    with db.engine.begin() as connection:
        table = LedgerEntry.__table__
        found = connection.execute(select(table).where(table.c.seq.is_not(None)).order_by(table.c.seq)).all()
        previous = GENESIS
        for row in found[keep:] if keep is not None else []:
            connection.execute(table.delete().where(table.c.id == row.id))
        for row in found[:keep]:
            forged = entry(TOWN, None, "decline", ("case", row.thing_id), row.thing_version, NOW)
            previous = link(previous, TOWN, row.seq, told(forged["salt"], forged["payload"]))
            connection.execute(table.update().where(table.c.id == row.id).values(**forged, hash=previous))
