"""Sending what is due on a channel: at least once, under a stable id, and never while holding a lock.

A claim is committed before the first message goes out, and outcomes every second at the latest, so that a sender that
dies loses nothing: its claims run out and another sender takes over.
"""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import bindparam, case, delete, func, or_, select, update
from sqlalchemy.orm import Session

from backend.http import clock
from backend.http.reading import AnyRow, row, rows
from backend.http.work import unit_of_work
from backend.outbox.messages import kept_as
from backend.outbox.reaching import resolved
from backend.outbox.tables import OutboxMessage
from backend.outbox.texts import Language, Template, templates
from backend.territory.quiet_hours import Quiet, quiet_until

BATCH = 20
CLAIM = timedelta(minutes=5)
"""Longer than a batch takes even when every message runs into its sender's timeout (10 s)."""

SETTLE_SECONDS = 1.0
"""What was sent is noted after so long: a sender that is killed has at most that much sent again."""

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=10), timedelta(hours=1)
DEAD_AFTER = 20
"""Attempts after which a message is given up: half a day of a gateway that does not take it."""

KEPT = timedelta(days=30)
log = structlog.get_logger()
_messages = OutboxMessage.metadata.tables[OutboxMessage.__tablename__]
_read = ("id", "channel", "address", "template", "language", "params", "body", "about", "attempts")

# Walks ix_outbox_messages_unsent; SQLite has no SKIP LOCKED and needs none, its unit of work holds the only write lock.
_due = (
    select(*(_messages.c[name] for name in _read))
    .where(
        _messages.c.channel == bindparam("channel"),
        _messages.c.sent_at.is_(None),
        _messages.c.dead_at.is_(None),
        _messages.c.not_before <= bindparam("now"),
        or_(_messages.c.not_after.is_(None), _messages.c.not_after > bindparam("now")),
        or_(_messages.c.claimed_until.is_(None), _messages.c.claimed_until <= bindparam("now")),
    )
    .order_by(_messages.c.not_before, _messages.c.id)
    .limit(BATCH)
)
_due_and_free = _due.with_for_update(skip_locked=True)
_useless_later = _messages.c.not_after.is_not(None)
_sent = (
    update(_messages)
    .where(_messages.c.id.in_(bindparam("messages", expanding=True)), _messages.c.sent_at.is_(None))
    .values(
        claimed_until=None,
        last_error=None,
        sent_at=bindparam("sent"),
        dead_at=None,
        body=case((_useless_later, ""), else_=_messages.c.body),
        params=case((_useless_later, None), else_=_messages.c.params),
    )
)
# Whom it went to is told by a keyed hash from then on.
_hide = update(_messages).where(_messages.c.id == bindparam("message")).values(address=bindparam("address"))
# A sender slower than its claim may not take the message out of the next one's hand.
not_sent = (
    update(_messages)
    .where(
        _messages.c.id == bindparam("message"),
        _messages.c.sent_at.is_(None),
        _messages.c.attempts == bindparam("was"),
    )
    .values(
        claimed_until=None,
        attempts=bindparam("attempt"),
        last_error=bindparam("error"),
        not_before=bindparam("again"),
        dead_at=bindparam("dead"),
    )
)
_oldest = select(func.min(_messages.c.created_at)).where(
    _messages.c.sent_at.is_(None),
    _messages.c.dead_at.is_(None),
    or_(_messages.c.not_after.is_(None), _messages.c.not_after > bindparam("now")),
    # What waits for the end of the quiet hours is not late.
    or_(_messages.c.attempts > 0, _messages.c.not_before <= bindparam("now")),
)
_dead = (
    select(*(_messages.c[name] for name in ("id", "channel", "template", "created_at", "dead_at", "attempts")))
    .add_columns(_messages.c.last_error)
    .where(_messages.c.dead_at.is_not(None))
    .order_by(_messages.c.dead_at.desc(), _messages.c.id)
)


class Undeliverable(Exception):
    """What no further attempt would bring there: such as a number that is none."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a sender gets. The same `id` comes again when an earlier attempt may have failed half-way.

    `body` is the text; gateways that keep the texts themselves get its name, language and what fills it. `about` is,
    for a webhook, what happened.
    """

    id: uuid.UUID
    channel: str
    address: str
    body: str
    template: str = ""
    language: Language = "zh"
    params: Mapping[str, str] = field(default_factory=dict)
    about: str | None = None


Sender = Callable[[Message], None]
"""Hands a message to whoever delivers it, in at most ten seconds; raises when it may not have arrived there."""


def send_due(sender: Sender, now: datetime, channel: str = "sms", quiet: Quiet | None = None) -> int:
    """Send one batch of what is due on a channel at `now`; answers how many were taken in hand, sent or not.

    In `quiet` hours only what may wake people goes out, the rest when they end. Opens units of work of its own and is
    called outside any. Several may run at once.
    """
    if row(_due, now=now, channel=channel) is None:
        return 0
    batch = _claim(channel, now)
    outcomes, settled_at = list[dict[str, Any]](), time.monotonic()
    try:
        addresses = _addresses(channel, batch)
        for place, message in enumerate(batch):
            outcomes.append(_attempt(sender, message, addresses[message.id], quiet))
            if time.monotonic() - settled_at > SETTLE_SECONDS:
                _settle(outcomes)
                outcomes, addresses, settled_at = [], _addresses(channel, batch[place + 1 :]), time.monotonic()
    finally:
        _settle(outcomes)
    return len(batch)


def pause(attempts: int) -> timedelta:
    """How long to wait after so many attempts have failed: doubling from ten seconds up to an hour."""
    return min(FIRST_PAUSE * (1 << min(attempts - 1, 20)), LONGEST_PAUSE)


def failed(message: uuid.UUID, was: int, attempt: int, error: Exception) -> dict[str, Any]:
    """The outcome of an attempt that failed: another after a pause, or none any more."""
    now, kind = clock.now(), type(error).__name__
    # Deliveries fail in ways of their own, and the error's own words may hold the address.
    log.warning("message_not_sent", message=str(message), attempt=attempt, error=kind)
    over = isinstance(error, Undeliverable) or attempt >= DEAD_AFTER
    outcome = {"message": message, "was": was, "attempt": attempt, "error": kind[:80]}
    return outcome | {"again": now + pause(attempt), "dead": now if over else None}


def forget_sent(session: Session, now: datetime) -> None:
    """Delete what was sent more than 30 days ago: addresses are kept only while a delivery may be asked about.

    What came too late to be sent goes with it, and what was given up so long ago.
    """
    session.execute(delete(_messages).where(_messages.c.sent_at < now - KEPT))
    session.execute(delete(_messages).where(_messages.c.dead_at < now - KEPT))
    session.execute(delete(_messages).where(_messages.c.sent_at.is_(None), _messages.c.not_after < now))


def oldest_unsent_seconds(now: datetime) -> float:
    """For how long the oldest message has waited that could be sent; 0 where none waits."""
    found = row(_oldest, now=now)
    oldest: datetime | None = found[0] if found else None
    return max(0.0, (now - oldest).total_seconds()) if oldest else 0.0


def given_up(limit: int) -> Sequence[AnyRow]:
    """The messages that were given up, newest first, without their addresses."""
    return rows(_dead.limit(limit))


def send_again(session: Session, messages: Sequence[uuid.UUID], now: datetime) -> int:
    """Take messages that were given up in hand anew; answers how many there were."""
    which = [_messages.c.id.in_(messages)] if messages else []
    anew = (
        update(_messages)
        .where(_messages.c.dead_at.is_not(None), *which)
        .values(dead_at=None, attempts=0, not_before=now)
    )
    return len(session.execute(anew.returning(_messages.c.id)).all())


def _claim(channel: str, now: datetime) -> Sequence[AnyRow]:
    with unit_of_work() as session:
        batch = session.execute(_due_and_free, {"now": now, "channel": channel}).all()
        session.execute(
            update(_messages)
            .where(_messages.c.id.in_([message.id for message in batch]))
            .values(claimed_until=now + CLAIM, attempts=_messages.c.attempts + 1)
        )
    return batch


def _addresses(channel: str, batch: Sequence[AnyRow]) -> dict[uuid.UUID, str | None]:
    """Where messages go now: looked up together, and anew after a second, as people may have left meanwhile."""
    if channel == "webhook":
        return {message.id: message.address for message in batch}
    texts = [(message.address, templates().get(message.template, _PLAIN)) for message in batch]
    return dict(zip((message.id for message in batch), resolved(channel, texts), strict=True))


def _attempt(sender: Sender, row: AnyRow, address: str | None, quiet: Quiet | None) -> dict[str, Any]:
    attempt, text = row.attempts + 1, templates().get(row.template, _PLAIN)
    wait = None if quiet is None or text.wakes else quiet_until(quiet, clock.now())
    if wait is not None:
        # The attempt was none.
        outcome = {"message": row.id, "was": attempt, "attempt": row.attempts, "error": None}
        return outcome | {"again": wait, "dead": None}
    try:
        if address is not None:
            told = (row.template, row.language, row.params or {}, row.about)
            sender(Message(row.id, row.channel, address, row.body, *told))
    except Exception as error:
        return failed(row.id, attempt, attempt, error)
    return {"message": row.id, "address": row.address}


_PLAIN = Template("", "")


def _settle(outcomes: Sequence[dict[str, Any]]) -> None:
    sent = [outcome for outcome in outcomes if "again" not in outcome]
    unsent = [outcome for outcome in outcomes if "again" in outcome]
    if outcomes:
        with unit_of_work() as session:
            if sent:
                _note_sent(session, sent)
            if unsent:
                session.connection().execute(not_sent, unsent)


def _note_sent(session: Session, sent: Sequence[dict[str, Any]]) -> None:
    session.connection().execute(_sent, {"messages": [one["message"] for one in sent], "sent": clock.now()})
    hidden = [
        {"message": one["message"], "address": kept_as(one["address"])} for one in sent if ":" not in one["address"]
    ]
    if hidden:
        session.connection().execute(_hide, hidden)
