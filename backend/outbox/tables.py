"""Messages that wait to be sent, and for a while those that were; people's notices; webhooks."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Base, JsonColumn, UtcDateTime
from backend.territory.codes import AREA_CODE

_UNSENT = text("sent_at IS NULL AND dead_at IS NULL")
_SENT = text("sent_at IS NOT NULL")
_DEAD = text("dead_at IS NOT NULL")


class OutboxMessage(Base):
    """One message on one channel, or a notice (channel "notice"), whose channels are decided when it is shared out.

    `address` is a phone number or e-mail address, `account:<id>`, `reporter:<case>` (whom only sending it finds out) or
    `webhook:<id>`. `also` names who besides a reporter is told: holder or desk. `about` is the case a notice is about.

    `not_before` is the earliest instant of the next attempt. While `claimed_until` is ahead, one sender has the
    message in hand; `attempts` counts the claims and so names the newest one. `sent_at` ends it, `dead_at` gives it up.
    After `not_after` it is of no use and not sent any more; its words are not kept once they are sent.
    """

    __tablename__ = "outbox_messages"
    __table_args__ = (
        Index(
            "ix_outbox_messages_unsent",
            "channel",
            "not_before",
            "id",
            postgresql_where=_UNSENT,
            sqlite_where=_UNSENT,
        ),
        Index("ix_outbox_messages_sent", "sent_at", postgresql_where=_SENT, sqlite_where=_SENT),
        Index("ix_outbox_messages_dead", "dead_at", postgresql_where=_DEAD, sqlite_where=_DEAD),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(String(16))
    address: Mapped[str] = mapped_column(String(320))
    template: Mapped[str] = mapped_column(String(40))
    language: Mapped[str] = mapped_column(String(2), default="zh", server_default="zh")
    params: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)
    """What fills the template's placeholders; null where it has none, and once a code is sent."""
    body: Mapped[str] = mapped_column(Text)
    also: Mapped[str | None] = mapped_column(String(16))
    about: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    not_before: Mapped[datetime] = mapped_column(UtcDateTime)
    not_after: Mapped[datetime | None] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(default=0)
    claimed_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    dead_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_error: Mapped[str | None] = mapped_column(String(80))


class Notice(Base):
    """A notice in somebody's inbox, under a tag of their account: another one for what they get as a reporter.

    So neither says whose it is, nor can what a worker gets be laid beside what the same person gets as a reporter.
    `sealed` is the case it is about.
    """

    __tablename__ = "notices"
    __table_args__ = (Index("ix_notices_tag", "tag", "created_at", "id"), Index("ix_notices_created", "created_at"))

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    tag: Mapped[uuid.UUID]
    template: Mapped[str] = mapped_column(String(40))
    params: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Webhook(Base):
    """An address outside that is told of accepted cases of a town, once a second admin has confirmed it.

    `sealed` is the secret its messages are signed with. `place` is how far in the town's ledger it was told.
    """

    __tablename__ = "webhooks"
    __table_args__ = (Index("ix_webhooks_town", "town_code", "id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    town_code: Mapped[str] = mapped_column(AREA_CODE)
    url: Mapped[str] = mapped_column(String(500))
    purpose: Mapped[str] = mapped_column(String(200))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    version: Mapped[int]
    proposed_by: Mapped[uuid.UUID]
    proposed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    confirmed_by: Mapped[uuid.UUID | None]
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_by: Mapped[uuid.UUID | None]
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    place: Mapped[int] = mapped_column(BigInteger, default=0)
