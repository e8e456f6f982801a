"""Posting a message: in the unit of work of the change that causes it, so that neither exists without the other."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import bindparam, case, delete, or_, select
from sqlalchemy.orm import Session

from backend.http import clock
from backend.http.ids import new_id
from backend.http.reading import rows
from backend.http.tags import tag
from backend.http.work import add
from backend.outbox.own_texts import OwnTexts
from backend.outbox.tables import OutboxMessage
from backend.outbox.texts import Language, text_of

_words = case((OutboxMessage.not_after.is_(None), OutboxMessage.body), else_="").label("body")
_to_address = (
    select(OutboxMessage.channel, _words, OutboxMessage.created_at, OutboxMessage.sent_at)
    .where(
        OutboxMessage.address.in_(bindparam("addresses", expanding=True)),
        # A notice that was shared out stands there once more for each of its channels.
        or_(OutboxMessage.channel != "notice", OutboxMessage.sent_at.is_(None)),
    )
    .order_by(OutboxMessage.created_at, OutboxMessage.id)
)
REPORTER, SUPPORTER = "reporter", "supporter"
"""`reporter:<case>` stands for whoever reported a case, `supporter:<pseudonym>` for whoever joined in one: who that is,
is asked when the message is sent."""
HOLDER, DESK = "holder", "desk"
"""`holder:<case>` stands for the people of the department or village that holds a case, `desk:<case>` for the desk."""
ALSO: Mapping[str, str] = {HOLDER: "case_at_hand", DESK: "case_at_desk"}
"""What holder and desk are told where a notice to somebody else tells them also."""
ACCOUNT = "account"
"""`account:<id>` stands for a person with an account."""
NOTICE: Literal["notice"] = "notice"
"""The channel of what goes to a person by all the ways that they want: which those are is decided when it is sent."""
Channel = Literal["notice", "sms", "email"]


def post(
    session: Session,
    channel: Channel,
    address: str,
    template: str,
    language: Language = "zh",
    id: uuid.UUID | None = None,
    not_after: datetime | None = None,
    also: Literal["holder", "desk"] | None = None,
    about: uuid.UUID | None = None,
    **params: str,
) -> uuid.UUID:
    """Leave a message to be sent once the caller has committed; answers its id, under which it is sent however often.

    Mostly a "notice" to `reporter:<case>`, `holder:<case>`, `desk:<case>` or `account:<id>`, which comes in the
    language and by the channels that each person wants. What has to reach a phone whoever holds it goes by "sms" to a
    number. `params` fill the template's placeholders. `also` tells the case's holder or desk besides its reporter.
    `about` is the case that a notice to an account is about.

    Give an `id` derived from what the message tells of where the same might be told twice: the second insert fails on
    the key. `not_after` is for what is of no use later, such as a code: it is not sent then, and its words are not kept
    once they are sent. KeyError for a template, language or placeholder that does not exist.
    """
    # Of a notice, the words are chosen when it is shared out.
    shipped = channel == NOTICE
    body = text_of(template, language, params) if shipped else OwnTexts([template]).words(template, language, params)
    message, now = id or new_id(), clock.now()
    told: dict[str, Any] = {"channel": channel, "address": address, "template": template, "language": language}
    told |= {"body": body, "params": params or None, "also": also, "about": str(about) if about else None}
    add(session, OutboxMessage, told | {"id": message, "attempts": 0} | _when(now, not_after))
    return message


def _when(now: datetime, not_after: datetime | None) -> dict[str, Any]:
    return {"created_at": now, "not_before": now, "not_after": not_after}


def kept_as(address: str) -> str:
    """How the address of a message is kept once it was sent: of a number or an e-mail address a keyed hash, by which
    whoever has it finds their messages, and nobody else whose they are."""
    return address if ":" in address else f"sent:{tag('address of a message', address.encode())}"


def messages_to(address: str) -> list[dict[str, Any]]:
    """The messages kept for an address, oldest first: their words and when they were posted and sent.

    A code's words are left out even while it waits: it proves who holds the phone, not who is signed in.
    """
    return [dict(message._mapping) for message in rows(_to_address, addresses=[address, kept_as(address)])]


def forget_address(session: Session, address: str) -> Sequence[uuid.UUID]:
    """Delete the messages to an address, those that wait among them; answers their ids."""
    both = OutboxMessage.address.in_([address, kept_as(address)])
    to = delete(OutboxMessage).where(both).returning(OutboxMessage.id)
    return session.execute(to, execution_options={"synchronize_session": False}).scalars().all()
