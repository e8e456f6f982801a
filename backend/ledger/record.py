"""Writing what happened, in the same unit of work as its effect, without a number and without a lock."""

import os
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy.orm import Session

from backend.http.work import add
from backend.ledger.tables import LedgerEntry

Thing = tuple[str, str]
"""What an entry tells of: a kind and an id."""

SYSTEM = ""
"""The chain of what belongs to no town: accounts, settings."""

_RECORDED = "the thing recorded first"


def entry(
    town: str,
    actor: uuid.UUID | None,
    action: str,
    thing: Thing,
    version: int,
    occurred_at: datetime,
    details: Mapping[str, Any] | None = None,
    subject: uuid.UUID | None = None,
) -> dict[str, Any]:
    """The columns of one ledger entry. All that is told of the event is inside the payload, which the chain covers."""
    payload = {
        "actor": str(actor) if actor else None,
        "action": action,
        "thing": list(thing),
        "version": version,
        "occurred_at": occurred_at.astimezone(UTC).isoformat(),
        "details": dict(details or {}),
    }
    if subject:
        payload["subject"] = str(subject)
    return {
        "chain": town,
        "salt": os.urandom(16),
        "payload": orjson.dumps(payload, option=orjson.OPT_SORT_KEYS),
        "actor_id": actor,
        "action": action,
        "thing_kind": thing[0],
        "thing_id": thing[1],
        "thing_version": version,
        "occurred_at": occurred_at,
        "subject_id": subject,
    }


def record(
    session: Session,
    *,
    town: str,
    actor: uuid.UUID | None,
    action: str,
    thing: Thing,
    version: int,
    occurred_at: datetime,
    details: Mapping[str, Any] | None = None,
    subject: uuid.UUID | None = None,
) -> None:
    """Record that `actor` did `action` to `thing` (kind, id), now at `version`, in the chain of `town`.

    `subject` is the account whose personal data was looked at: that person can read who looked, when, and the reason in
    `details["reason"]`, so the details of such an entry say nothing that the subject may not know.

    Written at the end of the unit of work, when the thing itself is locked and changed: the entry's hidden identity,
    which orders a batch, is drawn then, and must not be drawn while another may still change the thing first.
    """
    session.info.setdefault(_RECORDED, thing)
    add(session, LedgerEntry, entry(town, actor, action, thing, version, occurred_at, details, subject))


def recorded_first(session: Session) -> Thing | None:
    """The thing that was recorded first in this session since this was last asked."""
    thing: Thing | None = session.info.pop(_RECORDED, None)
    return thing
