"""Accounts, the roles they hold for an area or a department, sign-ins, and how often something was tried."""

import uuid
from datetime import date, datetime

from sqlalchemy import Boolean, Date, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Base, UtcDateTime
from backend.territory.codes import AREA_CODE

DEPARTMENT_CODE = String(40).with_variant(String(40, collation="C"), "postgresql")
"""Column type of what can hold a case, a village under its area code among them: compared byte by byte as that is."""


class Department(Base):
    """A department of a town that handles cases. A village is a department too, under its own code, without a row."""

    __tablename__ = "departments"

    code: Mapped[str] = mapped_column(DEPARTMENT_CODE, primary_key=True)
    town_code: Mapped[str] = mapped_column(AREA_CODE, index=True)
    name: Mapped[str] = mapped_column(String(100))
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1, server_default="1")


class Account(Base):
    """A person who can sign in."""

    __tablename__ = "accounts"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    phone: Mapped[str] = mapped_column(String(20), unique=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(String(100))
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    demonstration: Mapped[bool] = mapped_column(Boolean, default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    """Of name, phone, roles and use: counts the changes that the admin makes."""


class RoleAssignment(Base):
    """A role held by a person for an area code (a prefix: town, village or grid) or for a department."""

    __tablename__ = "role_assignments"
    __table_args__ = (
        Index("ix_role_assignments_account", "account_id"),
        Index("ix_role_assignments_area", "area_code", "role"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("accounts.id"))
    role: Mapped[str] = mapped_column(String(20))
    area_code: Mapped[str] = mapped_column(AREA_CODE)
    department: Mapped[str | None] = mapped_column(DEPARTMENT_CODE)
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    """The last day."""
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When it was ended before its day: from then on it is not held."""


class SignIn(Base):
    """One sign-in on one device: the family of its refresh tokens (the present one and the one before it)."""

    __tablename__ = "sign_ins"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("accounts.id"), index=True)
    device_id: Mapped[str | None] = mapped_column(String(100))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    refresh_id: Mapped[uuid.UUID]
    previous_refresh_id: Mapped[uuid.UUID | None]
    refreshed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_why: Mapped[str | None] = mapped_column(String(40))


class Throttle(Base):
    """How often something was tried of late, under a salted hash of who tried."""

    __tablename__ = "throttles"

    bucket: Mapped[str] = mapped_column(String(40), primary_key=True)
    subject: Mapped[str] = mapped_column(String(64), primary_key=True)
    tries: Mapped[int]
    open_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_at: Mapped[datetime] = mapped_column(UtcDateTime)
