"""Photos: who sent them, what they belong to, and what their originals told."""

import uuid
from datetime import datetime

from sqlalchemy import Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Base, UtcDateTime


class Evidence(Base):
    """A photo. All that is told of the original (`sha256` to `lat`) is private; the copies served hold none of it.

    `width` and `height` are upright pixels; `lon` and `lat` degrees as the camera wrote them (EXIF: WGS84). `case_id`
    and `event_version` say to which case and which of its actions it was attached; without a case it goes after a day.
    """

    __tablename__ = "evidence"
    __table_args__ = (
        Index("ix_evidence_case", "case_id"),
        Index(
            "ix_evidence_unattached",
            "created_at",
            postgresql_where=text("case_id IS NULL"),
            sqlite_where=text("case_id IS NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    uploaded_by: Mapped[uuid.UUID]
    case_id: Mapped[uuid.UUID | None]
    event_version: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    content_type: Mapped[str] = mapped_column(String(20))
    bytes: Mapped[int]
    width: Mapped[int]
    height: Mapped[int]
    taken_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lon: Mapped[float | None]
    lat: Mapped[float | None]
