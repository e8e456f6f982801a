"""Accounts, their roles, sign-ins and consents, codes sent to phones, and how often something was tried."""

import uuid
from datetime import date, datetime

from sqlalchemy import Boolean, Date, Double, ForeignKey, Index, LargeBinary, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Base, UtcDateTime
from backend.territory.codes import AREA_CODE

DEPARTMENT_CODE = String(40).with_variant(String(40, collation="C"), "postgresql")
"""Column type of what can hold a case, a village under its area code among them: compared byte by byte as that is."""
DEPARTMENT_CODE_SHAPE = (
    r"^(?=.*[A-Za-z_-])[A-Za-z0-9_-]{1,40}\Z",
    (
        "部门代码应为 1 到 40 个字母、数字、“-”或“_”，且不能全是数字（那是区划代码）。",
        "A department's code is 1 to 40 letters, digits, - or _, and not digits only (those are areas).",
    ),
)
"""How a department's code is written, and how that is told in Chinese and English."""


class Department(Base):
    """A department of a town that handles cases. A village is a department too, under its own code, without a row."""

    __tablename__ = "departments"

    code: Mapped[str] = mapped_column(DEPARTMENT_CODE, primary_key=True)
    town_code: Mapped[str] = mapped_column(AREA_CODE, index=True)
    name: Mapped[str] = mapped_column(String(100))
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1, server_default="1")


class Account(Base):
    """A person who can sign in: by password where they have one, by a code to their phone, by WeChat once linked.

    `phone` is in E.164, None once somebody else has proved to hold the number; `phone_proved_at` is when a code last
    told that this person holds it, None where it is only the town's word, from when it made the account.
    """

    __tablename__ = "accounts"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    phone: Mapped[str | None] = mapped_column(String(20), unique=True)
    phone_proved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    password_hash: Mapped[str | None] = mapped_column(String(200))
    wechat_openid: Mapped[str | None] = mapped_column(String(64), unique=True)
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
    account_id: Mapped[uuid.UUID] = mapped_column(Uuid, ForeignKey("accounts.id"))
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
    account_id: Mapped[uuid.UUID] = mapped_column(Uuid, ForeignKey("accounts.id"), index=True)
    device_id: Mapped[str | None] = mapped_column(String(100))
    device_name: Mapped[str | None] = mapped_column(String(100))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    refresh_id: Mapped[uuid.UUID]
    previous_refresh_id: Mapped[uuid.UUID | None]
    refreshed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_why: Mapped[str | None] = mapped_column(String(40))


class OneTimeCode(Base):
    """A code sent to a phone, kept as a keyed hash of code, phone and purpose; gone once used."""

    __tablename__ = "one_time_codes"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    tries: Mapped[int]
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Consent(Base):
    """That a person agreed to a version of the text on personal data, and until when; the hash says which words."""

    __tablename__ = "consents"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    account_id: Mapped[uuid.UUID] = mapped_column(Uuid, ForeignKey("accounts.id"), index=True)
    version: Mapped[str] = mapped_column(String(20))
    text_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    given_at: Mapped[datetime] = mapped_column(UtcDateTime)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Throttle(Base):
    """How often something was tried of late, under a keyed hash of who tried.

    `last` is when (seconds since 1970), `wait` how many seconds after it the next try must come. On PostgreSQL
    unlogged: a count lost when the machine fails is no loss, and waiting for the disk would take a tenth of a sign-in.
    """

    __tablename__ = "throttles"

    bucket: Mapped[str] = mapped_column(String(40), primary_key=True)
    subject: Mapped[str] = mapped_column(String(64), primary_key=True)
    tries: Mapped[int]
    wait: Mapped[float] = mapped_column(Double)
    last: Mapped[float] = mapped_column(Double)
