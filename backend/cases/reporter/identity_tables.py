"""Who asked to read a reporter's identity, why, and who allowed it."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Base, UtcDateTime


class IdentityRequest(Base):
    """A dispatcher's request to read who reported a case. `open_until` ends the time in which the asker may read;
    `told_at` is when the reporter was told of it, `held_*` that the auditor has held this back."""

    __tablename__ = "identity_requests"
    __table_args__ = (
        Index("ix_identity_requests_case", "case_id", "asked_at"),
        Index(
            "ix_identity_requests_untold",
            "open_until",
            postgresql_where=text("told_at IS NULL"),
            sqlite_where=text("told_at IS NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    case_id: Mapped[uuid.UUID] = mapped_column(Uuid, ForeignKey("cases.id"))
    version: Mapped[int]
    reason: Mapped[str] = mapped_column(String(500))
    asked_by: Mapped[uuid.UUID]
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    approved_by: Mapped[uuid.UUID | None]
    approved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    open_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    held_by: Mapped[uuid.UUID | None]
    held_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    held_because: Mapped[str | None] = mapped_column(String(500))
