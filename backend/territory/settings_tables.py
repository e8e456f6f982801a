"""What a town lays down for itself, every version of it; and boundaries that are to hold from a day on."""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Date, ForeignKey, Index, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import TypeEngine

from backend.extensions import Base, JsonColumn, UtcDateTime
from backend.territory.codes import AREA_CODE

_KEY = String(100).with_variant(String(100, collation="C"), "postgresql")
_VALUE: TypeEngine[Any] = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


class TownRule(Base):
    """One version of a rule of a kind under a key; the newest one holds, and a value of None takes the rule back."""

    __tablename__ = "town_rules"

    town_code: Mapped[str] = mapped_column(AREA_CODE, primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    key: Mapped[str] = mapped_column(_KEY, primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    value: Mapped[Any] = mapped_column(_VALUE, nullable=True)
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
