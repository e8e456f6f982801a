"""Cases that have come to an end, until what is personal in them goes."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Base, UtcDateTime
from backend.territory.codes import AREA_CODE


class CaseEnd(Base):
    """That a case was at an end with its `version`, since when it waits for what is personal in it to go.

    What is said of a case that has ended leaves another row, so that it goes in its turn. A row is deleted with what it
    waited for, or when the case was reopened meanwhile: so the table holds what is still to be done, and nothing else.
    """

    __tablename__ = "case_ends"
    __table_args__ = (Index("ix_case_ends_due", "town_code", "ended_at", "case_id", "version"),)

    case_id: Mapped[uuid.UUID] = mapped_column(Uuid, ForeignKey("cases.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    town_code: Mapped[str] = mapped_column(AREA_CODE)
    ended_at: Mapped[datetime] = mapped_column(UtcDateTime)
