"""Who looked at a person's data, when and why: read from the entries that name that person as their subject."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import orjson
from sqlalchemy import bindparam, or_, select

from backend.http.reading import Prepared
from backend.http.tags import tag
from backend.ledger.tables import LedgerEntry


class _Entry(NamedTuple):
    """An entry that has a subject."""

    occurred_at: datetime
    actor_id: uuid.UUID | None
    action: str
    payload: bytes


class Access(NamedTuple):
    """One look at somebody's data: when, by which account (None: the system), doing what, and the reason given."""

    at: datetime
    by: uuid.UUID | None
    action: str
    reason: str | None


# By ix_ledger_entries_subject. The hidden identity orders entries of one instant and is told to nobody.
_of_subject = Prepared(
    select(LedgerEntry.occurred_at, LedgerEntry.actor_id, LedgerEntry.action, LedgerEntry.payload)
    .where(
        or_(LedgerEntry.subject_id == bindparam("subject"), LedgerEntry.subject_id == bindparam("hidden")),
        LedgerEntry.occurred_at <= bindparam("until"),
    )
    .order_by(LedgerEntry.occurred_at.desc(), LedgerEntry.id.desc())
    .limit(bindparam("most"))
    .offset(bindparam("passed")),
    _Entry,
)


def accesses(subject: uuid.UUID, until: datetime, most: int, passed: int = 0) -> Sequence[Access]:
    """The looks at an account's data, newest first: at most `most`, not after `until`, the first `passed` left out."""
    found = _of_subject.all(subject=subject, hidden=hidden_subject(subject), until=until, most=most, passed=passed)
    return [Access(one.occurred_at, one.actor_id, one.action, _reason(one.payload)) for one in found]


def hidden_subject(account: uuid.UUID) -> uuid.UUID:
    """An account as the subject of an entry that must not tell whose data it is about, as where the thing of the
    entry is the account's own report."""
    return tag("subject", account.bytes)


def _reason(payload: bytes) -> str | None:
    reason = orjson.loads(payload)["details"].get("reason")
    return reason if isinstance(reason, str) else None
