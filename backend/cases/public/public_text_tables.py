"""What is made public of cases beside what every published case shows: texts, and figures of past months."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Base, JsonColumn, UtcDateTime
from backend.territory.codes import AREA_CODE

_WAITING, _STANDING = text("state = 'waiting'"), text("state IN ('waiting', 'released')")


class PublicText(Base):
    """What the public may read of a case, as one person worded it at a version of the case, with photos by their ids.

    `state`: waiting for the second look, released by it, dropped by it, replaced by a newer one, or withdrawn. Of a
    case at most one waits and one is released.
    """

    __tablename__ = "public_texts"
    __table_args__ = (
        Index(
            "ix_public_texts_standing",
            "case_id",
            "state",
            unique=True,
            postgresql_where=_STANDING,
            sqlite_where=_STANDING,
        ),
        Index("ix_public_texts_waiting", "drafted_at", "case_id", postgresql_where=_WAITING, sqlite_where=_WAITING),
    )

    case_id: Mapped[uuid.UUID] = mapped_column(Uuid, ForeignKey("cases.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    text: Mapped[str] = mapped_column(Text)
    photos: Mapped[list[str]] = mapped_column(JsonColumn)
    drafted_by: Mapped[uuid.UUID]
    drafted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(String(10))
    decided_by: Mapped[uuid.UUID | None]
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PublicFigures(Base):
    """How many cases of a month a town took up, by village, kind and element, as everybody may know it: made once."""

    __tablename__ = "public_figures"

    town_code: Mapped[str] = mapped_column(AREA_CODE, primary_key=True)
    month: Mapped[str] = mapped_column(String(7), primary_key=True)
    figures: Mapped[dict[str, Any]] = mapped_column(JsonColumn)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
