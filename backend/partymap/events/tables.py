"""Events, and who signed up for them.

That no more people have a seat than there are places is kept by the database: seats are numbered, each is taken once,
and none has a number above the event's places, which each row repeats by a foreign key that follows them.
"""

import uuid
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Base, JsonColumn, UtcDateTime
from backend.territory.codes import AREA_CODE

KINDS = ("party_class", "volunteering", "cleaning_day", "course")
EVENT_STATUSES = ("draft", "published", "cancelled")
SIGN_UP_STATUSES = ("signed_up", "waiting", "cancelled")


class Event(Base):
    """Something that people come to: 党课, 志愿活动, 村庄清洁日, or a course 培训 of a training ground."""

    __tablename__ = "events"
    __table_args__ = (
        CheckConstraint(f"kind IN {KINDS}", name="kind"),
        CheckConstraint(f"status IN {EVENT_STATUSES}", name="status"),
        CheckConstraint("ends_at > begins_at", name="order"),
        CheckConstraint("places >= 1 AND check_in_metres >= 1 AND credit_minutes >= 0", name="sizes"),
        UniqueConstraint("id", "places"),
        Index("ix_events_begins", "begins_at", "id"),
        Index("ix_events_area", "area_code", "ends_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(String(100))
    description: Mapped[str] = mapped_column(String(2000))
    area_code: Mapped[str] = mapped_column(AREA_CODE)
    """Where it takes place; its village is the one that hours are credited to."""
    point_id: Mapped[uuid.UUID | None] = mapped_column(Uuid, ForeignKey("service_points.id"))
    lon: Mapped[float]
    lat: Mapped[float]
    cell: Mapped[int] = mapped_column(BigInteger)
    original_lon: Mapped[float]
    original_lat: Mapped[float]
    original_crs: Mapped[str] = mapped_column(String(10))
    begins_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    places: Mapped[int]
    open_to: Mapped[list[str]] = mapped_column(JsonColumn)
    """Of the AUDIENCES of shared rooms."""
    check_in_metres: Mapped[int]
    """How near its place one has to be to check in."""
    credit_minutes: Mapped[int]
    """What is credited to whoever comes, and to the village."""
    status: Mapped[str] = mapped_column(String(10))
    version: Mapped[int]


class SignUp(Base):
    """Somebody's place at an event, or in the line for one."""

    __tablename__ = "event_sign_ups"
    __table_args__ = (
        CheckConstraint(f"status IN {SIGN_UP_STATUSES}", name="status"),
        CheckConstraint("seat IS NULL OR seat BETWEEN 1 AND places", name="seat"),
        CheckConstraint("(seat IS NOT NULL) = (status = 'signed_up')", name="seated"),
        CheckConstraint("checked_in_at IS NULL OR seat IS NOT NULL", name="came"),
        ForeignKeyConstraint(["event_id", "places"], ["events.id", "events.places"], onupdate="CASCADE"),
        UniqueConstraint("event_id", "account_id"),
        UniqueConstraint("event_id", "seat"),
        Index("ix_event_sign_ups_account", "account_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    event_id: Mapped[uuid.UUID]
    places: Mapped[int]
    account_id: Mapped[uuid.UUID | None] = mapped_column(Uuid, ForeignKey("accounts.id"))
    """Who; None once that is forgotten."""
    branch_code: Mapped[str | None] = mapped_column(AREA_CODE)
    """The area of the Party branch for whose count they sign up; None: no member."""
    status: Mapped[str] = mapped_column(String(10))
    seat: Mapped[int | None]
    signed_up_at: Mapped[datetime] = mapped_column(UtcDateTime)
    checked_in_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
