"""The trail: what is on record of a town or a thing, newest first, without what was said with it."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, or_, select

from backend.http.reading import rows
from backend.ledger.tables import LedgerEntry


class Trace(NamedTuple):
    """A sealed entry without its content. Of an erased one only its place is left; its action is empty."""

    seq: int
    occurred_at: datetime | None
    actor_id: uuid.UUID | None
    action: str
    thing_kind: str
    thing_id: str
    thing_version: int


# By the unique index of chain and seq, or by ix_ledger_entries_thing.
_newest = (
    select(*(getattr(LedgerEntry, name) for name in Trace._fields))
    .where(LedgerEntry.chain == bindparam("chain"), LedgerEntry.seq < bindparam("before"))
    .order_by(LedgerEntry.seq.desc())
    .limit(bindparam("most"))
)
_of_thing = _newest.where(LedgerEntry.thing_id == bindparam("thing"))
_by_others = _of_thing.where(or_(LedgerEntry.actor_id.is_(None), LedgerEntry.actor_id != bindparam("oneself")))


def trail(chain: str, before: int, most: int, thing: str | None = None) -> Sequence[Trace]:
    """At most `most` entries of a chain before a place, the newest first: all, or those of one thing."""
    values = {"chain": chain, "before": before, "most": most}
    found = rows(_newest, **values) if thing is None else rows(_of_thing, thing=thing, **values)
    return [Trace(*one) for one in found]


def trail_of_account(chain: str, account: uuid.UUID, before: int, most: int) -> Sequence[Trace]:
    """The same of what others did to an account; what its holder does with it is their own."""
    values = {"chain": chain, "thing": str(account), "oneself": account, "before": before, "most": most}
    return [Trace(*one) for one in rows(_by_others, **values)]
