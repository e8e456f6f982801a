"""Sending what is due: at least once, under a stable id, and never while holding a lock.

A claim is committed before the first message goes out, and outcomes every second at the latest, so that a sender that
dies loses nothing: its claims run out and another sender takes over.
"""

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Row, bindparam, case, delete, or_, select, update
from sqlalchemy.orm import Session

from backend.http import clock
from backend.http.reading import row
from backend.http.registry import ask
from backend.http.work import unit_of_work
from backend.outbox.messages import REPORTER
from backend.outbox.tables import OutboxMessage

BATCH = 20
CLAIM = timedelta(minutes=5)
"""Longer than a batch takes even when every message runs into its sender's timeout (10 s)."""

SETTLE_SECONDS = 1.0
"""What was sent is noted after so long: a sender that is killed has at most that much sent again."""

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=10), timedelta(hours=1)
KEPT = timedelta(days=30)
log = structlog.get_logger()
_messages = OutboxMessage.metadata.tables[OutboxMessage.__tablename__]

# Walks ix_outbox_messages_unsent; SQLite has no SKIP LOCKED and needs none, its unit of work holds the only write lock.
_due = (
    select(*(_messages.c[name] for name in ("id", "channel", "address", "body", "attempts")))
    .where(
        _messages.c.sent_at.is_(None),
        _messages.c.not_before <= bindparam("now"),
        or_(_messages.c.not_after.is_(None), _messages.c.not_after > bindparam("now")),
        or_(_messages.c.claimed_until.is_(None), _messages.c.claimed_until <= bindparam("now")),
    )
    .order_by(_messages.c.not_before, _messages.c.id)
    .limit(BATCH)
)
_due_and_free = _due.with_for_update(skip_locked=True)
_sent = (
    update(_messages)
    .where(_messages.c.id.in_(bindparam("messages", expanding=True)), _messages.c.sent_at.is_(None))
    .values(
        claimed_until=None,
        last_error=None,
        sent_at=bindparam("sent"),
        body=case((_messages.c.not_after.is_(None), _messages.c.body), else_=""),
    )
)
# A sender slower than its claim may not take the message out of the next one's hand.
_not_sent = (
    update(_messages)
    .where(
        _messages.c.id == bindparam("message"),
        _messages.c.sent_at.is_(None),
        _messages.c.attempts == bindparam("attempt"),
    )
    .values(claimed_until=None, last_error=bindparam("error"), not_before=bindparam("again"))
)


@dataclass(frozen=True, slots=True)
class Message:
    """What a sender gets. The same `id` comes again when an earlier attempt may have failed half-way."""

    id: uuid.UUID
    channel: str
    address: str
    body: str


Sender = Callable[[Message], None]
"""Hands a message to whoever delivers it, in at most ten seconds; raises when it may not have arrived there."""


def send_due(sender: Sender, now: datetime) -> int:
    """Send one batch of what is due at `now`; answers how many were taken in hand, sent or not.

    Opens units of work of its own and is called outside any. Several may run at once.
    """
    if row(_due, now=now) is None:
        return 0
    batch = _claim(now)
    outcomes, settled_at = list[dict[str, Any]](), time.monotonic()
    try:
        for message in batch:
            outcomes.append(_attempt(sender, message))
            if time.monotonic() - settled_at > SETTLE_SECONDS:
                _settle(outcomes)
                outcomes, settled_at = [], time.monotonic()
    finally:
        _settle(outcomes)
    return len(batch)


def pause(attempts: int) -> timedelta:
    """How long to wait after so many attempts have failed: doubling from ten seconds up to an hour."""
    return min(FIRST_PAUSE * (1 << min(attempts - 1, 20)), LONGEST_PAUSE)


def forget_sent(session: Session, now: datetime) -> None:
    """Delete what was sent more than 30 days ago: addresses are kept only while a delivery may be asked about.

    What came too late to be sent goes with it.
    """
    session.execute(delete(_messages).where(_messages.c.sent_at < now - KEPT))
    session.execute(delete(_messages).where(_messages.c.sent_at.is_(None), _messages.c.not_after < now))


def _claim(now: datetime) -> Sequence[Row[tuple[uuid.UUID, str, str, str, int]]]:
    with unit_of_work() as session:
        batch = session.execute(_due_and_free, {"now": now}).all()
        session.execute(
            update(_messages)
            .where(_messages.c.id.in_([message.id for message in batch]))
            .values(claimed_until=now + CLAIM, attempts=_messages.c.attempts + 1)
        )
    return batch


def _attempt(sender: Sender, row: Row[tuple[uuid.UUID, str, str, str, int]]) -> dict[str, Any]:
    attempt = row.attempts + 1
    try:
        address = _resolved(row.address)
        if address is not None:
            sender(Message(row.id, row.channel, address, row.body))
    except Exception as error:
        # Deliveries fail in ways of their own, and the error's own words may hold the address.
        kind = type(error).__name__
        log.warning("message_not_sent", message=str(row.id), attempt=attempt, error=kind)
        return {"message": row.id, "attempt": attempt, "error": kind[:80], "again": clock.now() + pause(attempt)}
    return {"message": row.id}


def _resolved(address: str) -> str | None:
    """Where a message goes now; None when there is nobody to get it, and so nothing to send."""
    kind, _, thing = address.rpartition(":")
    return ask("phone_of_reporter", thing) if kind == REPORTER else address


def _settle(outcomes: Sequence[dict[str, Any]]) -> None:
    sent = [outcome["message"] for outcome in outcomes if "error" not in outcome]
    not_sent = [outcome for outcome in outcomes if "error" in outcome]
    if outcomes:
        with unit_of_work() as session:
            if sent:
                session.connection().execute(_sent, {"messages": sent, "sent": clock.now()})
            if not_sent:
                session.connection().execute(_not_sent, not_sent)
