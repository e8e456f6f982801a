"""Ratings that somebody is to look into."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Base, UtcDateTime
from backend.territory.codes import AREA_CODE


class LowRating(Base):
    """A rating that went to the inspectors; `version` is the case's at that moment."""

    __tablename__ = "low_ratings"
    __table_args__ = (Index("ix_low_ratings_town", "town_code", "rated_at", "case_id"),)

    case_id: Mapped[uuid.UUID] = mapped_column(Uuid, ForeignKey("cases.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    town_code: Mapped[str] = mapped_column(AREA_CODE)
    village_code: Mapped[str] = mapped_column(AREA_CODE)
    score: Mapped[int]
    rated_at: Mapped[datetime] = mapped_column(UtcDateTime)
