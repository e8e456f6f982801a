"""Rooms that service points share, and who has them when.

That two bookings of a room never overlap is kept by the database itself: on PostgreSQL by an exclusion constraint over
ranges (none of it needs an extension: a room's number is a range of one), on SQLite by triggers. Both stand in the
migration, and hold for whatever writes to the table.
"""

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Base, JsonColumn, UtcDateTime

AUDIENCES = ("residents", "party_members", "officers")
"""Who may book: residents, the Party's members (for their branches, too), people with an office."""
STATUSES = ("booked", "waiting", "cancelled", "no_show")


class SharedRoom(Base):
    """A room 共享空间 of a service point, and the rules by which it is booked."""

    __tablename__ = "shared_rooms"
    __table_args__ = (
        CheckConstraint("shortest_minutes >= 1 AND longest_minutes >= shortest_minutes", name="length"),
        CheckConstraint("capacity >= 1 AND ahead_days >= 1 AND step_minutes >= 1", name="sizes"),
        Index("ix_shared_rooms_point", "point_id", "id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, unique=True)
    """The room in its bookings; drawn at random and shown nowhere."""
    point_id: Mapped[uuid.UUID] = mapped_column(Uuid, ForeignKey("service_points.id"))
    name: Mapped[str] = mapped_column(String(60))
    capacity: Mapped[int]
    """People it holds."""
    open_to: Mapped[list[str]] = mapped_column(JsonColumn)
    """Of AUDIENCES. Who keeps the service point may always book."""
    shortest_minutes: Mapped[int]
    longest_minutes: Mapped[int]
    step_minutes: Mapped[int]
    """Bookings begin and end at multiples of it after midnight."""
    ahead_days: Mapped[int]
    most_to_come: Mapped[int]
    """Bookings to come that one person may have of the room."""
    bar_after: Mapped[int | None]
    """Who was marked as not having come so often within `bar_days` may not book; None: never barred."""
    bar_days: Mapped[int]
    active: Mapped[bool]
    version: Mapped[int]


class Booking(Base):
    """A stretch of time for which somebody has a room, or waits for it."""

    __tablename__ = "bookings"
    __table_args__ = (
        CheckConstraint("ends_at > begins_at", name="order"),
        CheckConstraint(f"status IN {STATUSES}", name="status"),
        Index("ix_bookings_room", "room_number", "begins_at"),
        Index("ix_bookings_account", "account_id", "begins_at"),
        Index("ix_bookings_ends", "ends_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    room_number: Mapped[int] = mapped_column(BigInteger, ForeignKey("shared_rooms.number"))
    account_id: Mapped[uuid.UUID | None] = mapped_column(Uuid, ForeignKey("accounts.id"))
    """Who booked; None once that is forgotten."""
    series_id: Mapped[uuid.UUID | None]
    begins_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    people: Mapped[int]
    purpose: Mapped[str] = mapped_column(String(200))
    status: Mapped[str] = mapped_column(String(10))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    version: Mapped[int]
