"""Who is on duty when: nights, weekends, typhoon days."""

import uuid
from datetime import date, datetime, time

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, String, Time, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Base, UtcDateTime
from backend.people.tables import DEPARTMENT_CODE
from backend.territory.codes import AREA_CODE


class DutyShift(Base):
    """A person on duty from `first_day` to `last_day`, each day from `begins` to `ends` on the town's clock.

    One that does not end after it begins goes on past midnight, so that its last night ends the day after. For the
    whole town, one of its villages, or a department of it. A shift is never changed: it is ended, and another entered.
    """

    __tablename__ = "duty_shifts"
    __table_args__ = (
        CheckConstraint("last_day >= first_day", name="order"),
        Index("ix_duty_shifts_town", "town_code", "last_day"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    town_code: Mapped[str] = mapped_column(AREA_CODE)
    area_code: Mapped[str] = mapped_column(AREA_CODE)
    department: Mapped[str | None] = mapped_column(DEPARTMENT_CODE)
    account_id: Mapped[uuid.UUID] = mapped_column(Uuid, ForeignKey("accounts.id"))
    first_day: Mapped[date] = mapped_column(Date)
    last_day: Mapped[date] = mapped_column(Date)
    begins: Mapped[time] = mapped_column(Time)
    ends: Mapped[time] = mapped_column(Time)
    note: Mapped[str | None] = mapped_column(String(200))
    entered_by: Mapped[uuid.UUID | None]
    entered_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_by: Mapped[uuid.UUID | None]
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int]
