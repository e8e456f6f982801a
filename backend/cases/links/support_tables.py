"""Who joined in somebody else's report: kept like who reported, apart from the case and under a tag."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Base, UtcDateTime

_FOLLOWED = text("told_status NOT IN ('closed', 'declined', 'withdrawn')")


class CaseSupporter(Base):
    """That somebody joined in a case, under a tag of their account; `id` is their pseudonym for this case.

    `told_status` is the status they were told of last.
    """

    __tablename__ = "case_supporters"
    __table_args__ = (
        UniqueConstraint("case_id", "tag"),
        Index("ix_case_supporters_tag", "tag", "supported_at", "id"),
        Index("ix_case_supporters_followed", "id", postgresql_where=_FOLLOWED, sqlite_where=_FOLLOWED),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    case_id: Mapped[uuid.UUID] = mapped_column(Uuid, ForeignKey("cases.id"))
    tag: Mapped[uuid.UUID]
    told_status: Mapped[str] = mapped_column(String(20))
    supported_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SupporterIdentity(Base):
    """The account of somebody who joined in a case, sealed. Opened in one place only: supporting.py."""

    __tablename__ = "supporter_identities"
    __table_args__ = {"info": {"apart": True}}  # noqa: RUF012  # SQLAlchemy's way; read under a role of its own

    supporter_id: Mapped[uuid.UUID] = mapped_column(Uuid, ForeignKey("case_supporters.id"), primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
