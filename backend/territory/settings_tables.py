"""What the admin changed of a town's settings, every version of it; and boundaries that are to hold from a day on."""

import uuid
from datetime import date, datetime

from sqlalchemy import Date, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Base, JsonColumn, UtcDateTime
from backend.territory.codes import AREA_CODE


class TownSetting(Base):
    """One version of a setting; the newest one holds. A value of None gives back what the deployment is set to."""

    __tablename__ = "town_settings"

    town_code: Mapped[str] = mapped_column(AREA_CODE, primary_key=True)
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    value: Mapped[str | None] = mapped_column(Text)
    set_by: Mapped[uuid.UUID | None]
    set_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Redrawing(Base):
    """Boundaries that hold from a day on; `status` is planned, applied, cancelled or refused (they no longer fit)."""

    __tablename__ = "redrawings"
    __table_args__ = (Index("ix_redrawings_status", "status", "effective_on"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    town_code: Mapped[str] = mapped_column(AREA_CODE, ForeignKey("areas.code"), index=True)
    effective_on: Mapped[date] = mapped_column(Date)
    crs: Mapped[str] = mapped_column(String(40))
    source: Mapped[str] = mapped_column(String(200))
    document: Mapped[dict[str, object]] = mapped_column(JsonColumn)
    features: Mapped[int]
    status: Mapped[str] = mapped_column(String(10))
    planned_by: Mapped[uuid.UUID | None]
    planned_at: Mapped[datetime] = mapped_column(UtcDateTime)
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int]
