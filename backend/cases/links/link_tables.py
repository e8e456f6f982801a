"""Cases that go with another one, and departments that are called to a case they do not hold."""

import uuid
from datetime import datetime

from sqlalchemy import Boolean, ForeignKey, Index, String, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Base, UtcDateTime
from backend.people.tables import DEPARTMENT_CODE
from backend.territory.codes import AREA_CODE


class CaseLink(Base):
    """That a case goes with another, its head: merged into it (`merge`), or one of its parts (`part`).

    Where a case is merged, its steps from `since` on are the head's. `course` is the head's status as far as the merged
    case was told of it, `followed` the head's version then; once its head is closed there is no course any more. `live`
    as long as something that happens to the one can matter to the other.
    """

    __tablename__ = "case_links"
    __table_args__ = (
        Index("ix_case_links_head", "head_id"),
        Index("ix_case_links_live", "kind", "head_id", postgresql_where=text("live"), sqlite_where=text("live = 1")),
    )

    case_id: Mapped[uuid.UUID] = mapped_column(Uuid, ForeignKey("cases.id"), primary_key=True)
    head_id: Mapped[uuid.UUID] = mapped_column(Uuid, ForeignKey("cases.id"))
    kind: Mapped[str] = mapped_column(String(5))
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    course: Mapped[str | None] = mapped_column(String(20))
    followed: Mapped[int]
    live: Mapped[bool] = mapped_column(Boolean)


class CaseCall(Base):
    """A department or village called to a case (吹哨), and its one answer: arrived, answered or refused."""

    __tablename__ = "case_calls"
    __table_args__ = (
        Index(
            "ix_case_calls_waiting",
            "case_id",
            "department",
            unique=True,
            postgresql_where=text("answer IS NULL"),
            sqlite_where=text("answer IS NULL"),
        ),
        Index("ix_case_calls_case", "case_id"),
        Index("ix_case_calls_department", "department", "called_at", "id"),
        Index("ix_case_calls_town", "town_code", "called_at", "id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    case_id: Mapped[uuid.UUID] = mapped_column(Uuid, ForeignKey("cases.id"))
    town_code: Mapped[str] = mapped_column(AREA_CODE)
    department: Mapped[str] = mapped_column(DEPARTMENT_CODE)
    called_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    answer: Mapped[str | None] = mapped_column(String(10))
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
