"""Sharing out notices: who is told, and by which channels, is decided here and not where the notice is posted.

What comes of a notice (a row in the inbox, a message for each other channel) is written together with the note that it
was shared out, under ids made from the notice's: so each comes into being once, whoever dies when.
"""

import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import bindparam, insert, or_, select, update
from sqlalchemy.orm import Session

from backend.http import clock
from backend.http.reading import AnyRow, rows
from backend.http.registry import ask
from backend.http.work import unit_of_work
from backend.outbox.inbox import notice_row
from backend.outbox.messages import ACCOUNT, ALSO, DESK, HOLDER, NOTICE, REPORTER, SUPPORTER
from backend.outbox.own_texts import OwnTexts
from backend.outbox.reaching import Number, Reach, Who, behind, reach
from backend.outbox.sending import BATCH, failed, not_sent
from backend.outbox.tables import Notice, OutboxMessage
from backend.outbox.texts import templates

_FOUND_ONE_BY_ONE = (HOLDER, DESK)
_OF_A_CASE = (REPORTER, *_FOUND_ONE_BY_ONE)
_As = tuple[str, str]
"""The kind of an address somebody is told as, and the name of the text they get."""

R = TypeVar("R")
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
    """What comes of a notice, in these words."""

    own: OwnTexts
    messages: list[dict[str, Any]] = field(default_factory=list)
    inbox: list[dict[str, Any]] = field(default_factory=list)


def share_out(channels: Collection[str], now: datetime) -> int:
    """Share out one batch of the notices due at `now`; answers how many were looked at.

    `channels` are those that this deployment has. Opens units of work of its own; several may run at once.
    """
    found = rows(_waiting, now=now)
    if not found:
        return 0
    wrong: list[dict[str, Any]] = []
    people = behind([notice.address for notice in found if notice.address.partition(":")[0] not in _FOUND_ONE_BY_ONE])
    told = _each(found, lambda notice: list(_told(notice, people)), wrong)
    ways = reach({who for everybody in told.values() for _, who in everybody})
    known = [notice for notice in found if notice.id in told]
    own = OwnTexts({*(notice.template for notice in found), *ALSO.values()})
    shared = _each(known, lambda notice: _shared(notice, told[notice.id], ways, channels, own), wrong)
    with unit_of_work() as session:
        _keep(session, shared, wrong)
    return len(found)


def _each(notices: Iterable[AnyRow], work: Callable[[AnyRow], R], wrong: list[dict[str, Any]]) -> dict[uuid.UUID, R]:
    """What comes of each notice; one that fails is put to what went `wrong`, and keeps none of the others."""
    done: dict[uuid.UUID, R] = {}
    for notice in notices:
        try:
            done[notice.id] = work(notice)
        except Exception as error:
            wrong.append(failed(notice.id, notice.attempts, notice.attempts + 1, error))
    return done


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


def _told(notice: AnyRow, people: Mapping[str, Who]) -> Iterator[tuple[_As, Who]]:
    """Who is told of a notice, as what and by which text."""
    kind, _, thing = notice.address.rpartition(":")
    if notice.address in people:
        yield (kind, notice.template), people[notice.address]
    for told, template in ((kind, notice.template), (notice.also, ALSO.get(notice.also or "", ""))):
        if told in _FOUND_ONE_BY_ONE:
            for told_as, who in ask("people_of_case", told, uuid.UUID(thing)):
                yield (told_as, template), who


def _shared(
    notice: AnyRow,
    told: Iterable[tuple[_As, Who]],
    ways: Mapping[Who, Reach],
    channels: Collection[str],
    own: OwnTexts,
) -> _Shared:
    made = _Shared(own)
    for (kind, template), who in told:
        _tell(made, notice, kind, template, who, ways.get(who), channels)
    return made


def _tell(
    made: _Shared,
    notice: AnyRow,
    kind: str,
    template: str,
    who: Who,
    person: Reach | None,
    channels: Collection[str],
) -> None:
    text = templates()[template]
    case = notice.address.rpartition(":")[2] if kind in _OF_A_CASE else notice.about
    # The rows that wait to be sent do not say who reported, nor do their ids: their sender asks.
    hidden = notice.address if kind == SUPPORTER else f"{REPORTER}:{case}" if kind == REPORTER else None
    if person is None:
        if not isinstance(who, uuid.UUID):
            number = who.phone if isinstance(who, Number) else who
            made.messages.append(_message(made.own, notice, "sms", hidden or number, template, notice.language))
        return
    address = hidden or f"{ACCOUNT}:{person.account}"
    if "inbox" in text.channels and ("inbox" not in person.off or text.security):
        made.inbox.append(notice_row(notice, person.account, hidden is not None, template, case))
    for channel in ("sms", "wechat", "email"):
        if channel in channels and person.by(channel, text) is not None:
            made.messages.append(_message(made.own, notice, channel, address, template, person.language))


def _message(own: OwnTexts, notice: AnyRow, channel: str, address: str, template: str, language: Any) -> dict[str, Any]:
    return {
        "id": uuid.uuid5(notice.id, f"{channel} {template} {address}"),
        "channel": channel,
        "address": address,
        "template": template,
        "language": language,
        "params": notice.params,
        "body": own.words(template, language, notice.params),
        "about": notice.about,
        "created_at": notice.created_at,
        # Not the moment of sharing out: what was told first is sent first.
        "not_before": notice.not_before,
        "not_after": notice.not_after,
        "attempts": 0,
    }
