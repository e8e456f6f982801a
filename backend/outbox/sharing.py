"""Sharing out notices: who is told, and by which channels, is decided here and not where the notice is posted.

What comes of a notice (a row in the inbox, a message for each other channel) is written together with the note that it
was shared out, under ids made from the notice's: so each comes into being once, whoever dies when.
"""

import uuid
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, or_, select, update
from sqlalchemy.orm import Session

from backend.http import clock
from backend.http.reading import AnyRow, rows
from backend.http.registry import ask
from backend.http.work import unit_of_work
from backend.outbox.inbox import notice_row
from backend.outbox.messages import ACCOUNT, ALSO, DESK, HOLDER, NOTICE, REPORTER, SUPPORTER
from backend.outbox.reaching import Number, Who, reach
from backend.outbox.sending import BATCH, failed, not_sent
from backend.outbox.tables import Notice, OutboxMessage
from backend.outbox.texts import templates, text_of

_OF_A_CASE = (REPORTER, HOLDER, DESK)
_messages = OutboxMessage.metadata.tables[OutboxMessage.__tablename__]
# Walks ix_outbox_messages_unsent.
_waiting = (
    select(_messages)
    .where(
        _messages.c.channel == NOTICE,
        _messages.c.sent_at.is_(None),
        _messages.c.dead_at.is_(None),
        _messages.c.not_before <= bindparam("now"),
        or_(_messages.c.not_after.is_(None), _messages.c.not_after > bindparam("now")),
    )
    .order_by(_messages.c.not_before, _messages.c.id)
    .limit(BATCH)
)
_still = (
    select(_messages.c.id)
    .where(
        _messages.c.id.in_(bindparam("notices", expanding=True)),
        _messages.c.sent_at.is_(None),
        _messages.c.dead_at.is_(None),
    )
    .with_for_update(skip_locked=True)
)


@dataclass
class _Shared:
    messages: list[dict[str, Any]] = field(default_factory=list)
    inbox: list[dict[str, Any]] = field(default_factory=list)


def share_out(channels: Collection[str], now: datetime) -> int:
    """Share out one batch of the notices due at `now`; answers how many were looked at.

    `channels` are those that this deployment has. Opens units of work of its own; several may run at once.
    """
    found = rows(_waiting, now=now)
    shared: dict[uuid.UUID, _Shared] = {}
    wrong: list[dict[str, Any]] = []
    for notice in found:
        try:
            shared[notice.id] = _shared(notice, channels)
        except Exception as error:
            wrong.append(failed(notice.id, notice.attempts, notice.attempts + 1, error))
    if found:
        with unit_of_work() as session:
            _keep(session, shared, wrong)
    return len(found)


def _keep(session: Session, shared: Mapping[uuid.UUID, _Shared], wrong: list[dict[str, Any]]) -> None:
    still = session.execute(_still, {"notices": [*shared]}).scalars().all()
    messages = [message for notice in still for message in shared[notice].messages]
    inbox = [row for notice in still for row in shared[notice].inbox]
    for table, made in ((_messages, messages), (Notice, inbox)):
        if made:
            session.execute(insert(table), made)
    session.execute(update(_messages).where(_messages.c.id.in_(still)).values(sent_at=clock.now(), last_error=None))
    if wrong:
        session.connection().execute(not_sent, wrong)


def _shared(notice: AnyRow, channels: Collection[str]) -> _Shared:
    made = _Shared()
    kind, _, thing = notice.address.rpartition(":")
    for told, template in ((kind, notice.template), (notice.also, ALSO.get(notice.also or "", ""))):
        for told_as, who in _people(told, thing, notice.address) if told is not None else ():
            _tell(made, notice, told_as, template, who, channels)
    return made


def _people(kind: str, thing: str, address: str) -> Iterator[tuple[str, Who]]:
    if kind == SUPPORTER:
        if (account := ask("account_of_supporter", thing)) is not None:
            yield kind, account
    elif kind in _OF_A_CASE:
        yield from ask("people_of_case", kind, uuid.UUID(thing))
    else:
        yield kind, uuid.UUID(thing) if kind == ACCOUNT else address


def _tell(made: _Shared, notice: AnyRow, kind: str, template: str, who: Who, channels: Collection[str]) -> None:
    person, text = reach(who), templates()[template]
    case = notice.address.rpartition(":")[2] if kind in _OF_A_CASE else notice.about
    # The rows that wait to be sent do not say who reported, nor do their ids: their sender asks.
    hidden = notice.address if kind == SUPPORTER else f"{REPORTER}:{case}" if kind == REPORTER else None
    if person is None:
        if not isinstance(who, uuid.UUID):
            number = who.phone if isinstance(who, Number) else who
            made.messages.append(_message(notice, "sms", hidden or number, template, notice.language))
        return
    address = hidden or f"{ACCOUNT}:{person.account}"
    if "inbox" in text.channels and ("inbox" not in person.off or text.security):
        made.inbox.append(notice_row(notice, person.account, hidden is not None, template, case))
    for channel in ("sms", "wechat", "email"):
        if channel in channels and person.by(channel, text) is not None:
            made.messages.append(_message(notice, channel, address, template, person.language))


def _message(notice: AnyRow, channel: str, address: str, template: str, language: Any) -> dict[str, Any]:
    return {
        "id": uuid.uuid5(notice.id, f"{channel} {template} {address}"),
        "channel": channel,
        "address": address,
        "template": template,
        "language": language,
        "params": notice.params,
        "body": text_of(template, language, notice.params),
        "about": notice.about,
        "created_at": notice.created_at,
        # Not the moment of sharing out: what was told first is sent first.
        "not_before": notice.not_before,
        "not_after": notice.not_after,
        "attempts": 0,
    }
