"""Evidence: who sent it and what it belongs to; what its original told, sealed; and what photos are compared by."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Base, UtcDateTime


class Evidence(Base):
    """A photo, film or sound. `media` is the type of the copy that is served; all that is told of the original, and
    the key of the files, is `sealed`. `case_id` and `event_version` say to which case and which of its actions it was
    attached, `slot` what it shows: before, during or after the work. Without a case it goes after a day.
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
    media: Mapped[str] = mapped_column(String(20))
    slot: Mapped[str | None] = mapped_column(String(10))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class EvidencePrint(Base):
    """What a photo of a case is compared by: a keyed hash of the file, and the four quarters of its difference hash.

    There is none for what belongs to a protected report.
    """

    __tablename__ = "evidence_prints"
    __table_args__ = (
        Index("ix_evidence_prints_exact", "exact"),
        *(Index(f"ix_evidence_prints_{name}", name) for name in ("look_0", "look_1", "look_2", "look_3")),
    )

    evidence_id: Mapped[uuid.UUID] = mapped_column(
        Uuid, ForeignKey("evidence.id", ondelete="CASCADE"), primary_key=True
    )
    exact: Mapped[uuid.UUID]
    look_0: Mapped[int | None]
    look_1: Mapped[int | None]
    look_2: Mapped[int | None]
    look_3: Mapped[int | None]
