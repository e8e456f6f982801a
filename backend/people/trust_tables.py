"""Whom the town trusts with what: clearings of roles, and the villages in which somebody is not impartial."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Base, UtcDateTime
from backend.territory.codes import AREA_CODE


class Clearing(Base):
    """A mark on a dispatcher's or inspector's role, given by an admin and a committee member: both have signed, and
    nobody has revoked it."""

    __tablename__ = "clearings"
    __table_args__ = (
        Index(
            "ix_clearings_assignment",
            "assignment_id",
            unique=True,
            postgresql_where=text("revoked_at IS NULL"),
            sqlite_where=text("revoked_at IS NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    assignment_id: Mapped[uuid.UUID] = mapped_column(Uuid, ForeignKey("role_assignments.id"))
    version: Mapped[int]
    admin_id: Mapped[uuid.UUID | None]
    admin_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    committee_id: Mapped[uuid.UUID | None]
    committee_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_by: Mapped[uuid.UUID | None]
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Conflict(Base):
    """A village in which a person is not impartial, such as a dispatcher who is a cadre of it: their roles yield there,
    as long as the entry stands."""

    __tablename__ = "conflicts"
    __table_args__ = (
        Index(
            "ix_conflicts_account",
            "account_id",
            "area_code",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
            sqlite_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    account_id: Mapped[uuid.UUID] = mapped_column(Uuid, ForeignKey("accounts.id"))
    area_code: Mapped[str] = mapped_column(AREA_CODE)
    reason: Mapped[str] = mapped_column(String(200))
    entered_by: Mapped[uuid.UUID]
    entered_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_by: Mapped[uuid.UUID | None]
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
