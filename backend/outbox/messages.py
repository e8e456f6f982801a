"""Posting a message: in the unit of work of the change that causes it, so that neither exists without the other."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

import orjson
from sqlalchemy import bindparam, case, delete, select
from sqlalchemy.orm import Session

from backend.http import clock
from backend.http.ids import new_id
from backend.http.reading import rows
from backend.http.work import add
from backend.outbox.tables import OutboxMessage

_words = case((OutboxMessage.not_after.is_(None), OutboxMessage.body), else_="").label("body")
_to_address = (
    select(OutboxMessage.channel, _words, OutboxMessage.created_at, OutboxMessage.sent_at)
    .where(OutboxMessage.address == bindparam("address"))
    .order_by(OutboxMessage.created_at, OutboxMessage.id)
)
REPORTER = "reporter"
"""The address `reporter:<case>` stands for whoever reported a case: who that is, is asked when the message is sent."""
Channel = Literal["sms"]
Language = Literal["zh", "en"]


@cache
def templates() -> Mapping[str, Mapping[Language, str]]:
    """The texts by name and language. A lock screen shows them, so they name no matter, place or person."""
    loaded: Mapping[str, Mapping[Language, str]] = orjson.loads(Path(__file__).with_name("templates.json").read_bytes())
    return loaded


def post(
    session: Session,
    channel: Channel,
    address: str,
    template: str,
    language: Language = "zh",
    id: uuid.UUID | None = None,
    not_after: datetime | None = None,
    **params: str,
) -> uuid.UUID:
    """Leave a message to be sent once the caller has committed; answers its id, under which it is sent however often.

    `address` is a phone number for "sms", or `reporter:<case>`. `params` fill the template's placeholders. Give an `id`
    derived from what the message tells of where the same might be told twice: the second insert fails on the key.
    `not_after` is for what is of no use later, such as a code: it is not sent then, and its words are not kept once
    they are sent.
    KeyError for a template, language or placeholder that does not exist.
    """
    body = templates()[template][language].format_map(params)
    message, now = id or new_id(), clock.now()
    told = {"channel": channel, "address": address, "template": template, "body": body}
    row = told | {"id": message, "created_at": now, "not_before": now, "not_after": not_after, "attempts": 0}
    add(session, OutboxMessage, row)
    return message


def messages_to(address: str) -> list[dict[str, Any]]:
    """The messages kept for an address, oldest first: their words and when they were posted and sent.

    A code's words are left out even while it waits: it proves who holds the phone, not who is signed in.
    """
    return [dict(message._mapping) for message in rows(_to_address, address=address)]


def forget_address(session: Session, address: str) -> Sequence[uuid.UUID]:
    """Delete the messages to an address, those that wait among them; answers their ids."""
    to = delete(OutboxMessage).where(OutboxMessage.address == address).returning(OutboxMessage.id)
    return session.execute(to, execution_options={"synchronize_session": False}).scalars().all()
