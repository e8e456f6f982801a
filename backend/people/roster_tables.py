"""The roster beside the roles: who is away, who stands in for a grid just now, and what villages propose."""

import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Base, UtcDateTime
from backend.territory.codes import AREA_CODE


class Absence(Base):
    """Time in which a person is away: from an instant to another (exclusive), or until further notice."""

    __tablename__ = "absences"
    __table_args__ = (
        CheckConstraint("ends_at IS NULL OR ends_at > begins_at", name="order"),
        Index("ix_absences_account", "account_id", "begins_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    account_id: Mapped[uuid.UUID] = mapped_column(Uuid, ForeignKey("accounts.id"))
    begins_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(String(20))
    """leave, or out_of_use while the account is."""
    version: Mapped[int]


class StandIn(Base):
    """A grid that somebody else than a grid worker of its own holds just now, and who was told so."""

    __tablename__ = "stand_ins"

    grid_code: Mapped[str] = mapped_column(AREA_CODE, primary_key=True)
    account_id: Mapped[uuid.UUID | None] = mapped_column(Uuid, ForeignKey("accounts.id"))
    acting_as: Mapped[str] = mapped_column(String(20))
    since: Mapped[datetime] = mapped_column(UtcDateTime)


class OfficeContact(Base):
    """How everybody reaches who holds an office: a number, a window, hours; entered by the town for the public."""

    __tablename__ = "office_contacts"

    account_id: Mapped[uuid.UUID] = mapped_column(Uuid, ForeignKey("accounts.id"), primary_key=True)
    contact: Mapped[str] = mapped_column(String(100))


class RosterProposal(Base):
    """A row of the roster that a village proposes; the admin confirms or declines it."""

    __tablename__ = "roster_proposals"
    __table_args__ = (Index("ix_roster_proposals_village", "village_code", "id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    village_code: Mapped[str] = mapped_column(AREA_CODE)
    proposed_by: Mapped[uuid.UUID] = mapped_column(Uuid, ForeignKey("accounts.id"))
    proposed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    phone: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(100))
    role: Mapped[str] = mapped_column(String(20))
    area_code: Mapped[str] = mapped_column(AREA_CODE)
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    status: Mapped[str] = mapped_column(String(10))
    decided_by: Mapped[uuid.UUID | None] = mapped_column(Uuid, ForeignKey("accounts.id"))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reason: Mapped[str | None] = mapped_column(String(200))
    version: Mapped[int]
