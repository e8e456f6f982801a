"""What happened (entries), what was answered (kept answers), what jobs have done (job runs)."""

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, Index, Integer, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Base, UtcDateTime

Serial = BigInteger().with_variant(Integer, "sqlite")


class LedgerEntry(Base):
    """One thing that happened, written with its effect; `seq` and `hash` come later, by `seal()`.

    `id` is a hidden identity drawn at the insert: the order inside a batch that is sealed together. The columns beside
    the payload are for finding rows; verifying checks them against the payload.

    `subject_id` is the account whose personal data was looked at, where the entry tells of that. An erased entry has
    nothing left but its place in the chain and `digest`, the hash of what it told.
    """

    __tablename__ = "ledger_entries"
    __table_args__ = (
        UniqueConstraint("chain", "seq"),
        Index(
            "ix_ledger_entries_unsealed",
            "chain",
            "id",
            postgresql_where=text("seq IS NULL"),
            sqlite_where=text("seq IS NULL"),
        ),
        Index("ix_ledger_entries_thing", "thing_id"),
        Index(
            "ix_ledger_entries_subject",
            "subject_id",
            "occurred_at",
            postgresql_where=text("subject_id IS NOT NULL"),
            sqlite_where=text("subject_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    chain: Mapped[str] = mapped_column(String(9))
    seq: Mapped[int | None] = mapped_column(BigInteger)
    hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    salt: Mapped[bytes] = mapped_column(LargeBinary(16))
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    actor_id: Mapped[uuid.UUID | None]
    action: Mapped[str] = mapped_column(String(40))
    thing_kind: Mapped[str] = mapped_column(String(40))
    thing_id: Mapped[str] = mapped_column(String(64))
    thing_version: Mapped[int]
    occurred_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    subject_id: Mapped[uuid.UUID | None]
    digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))


class KeptAnswer(Base):
    """The first answer to a write that may be resent, sealed, under a tag of its sender and Idempotency-Key.

    `thing` is the tag of what it answers about. When that is erased, so is the answer: `sealed` is null then, and the
    row stays to tell a resend so.
    """

    __tablename__ = "kept_answers"
    __table_args__ = (
        Index(
            "ix_kept_answers_thing",
            "thing",
            postgresql_where=text("thing IS NOT NULL"),
            sqlite_where=text("thing IS NOT NULL"),
        ),
        # Rows lie in the order in which they came: a coarse index costs a filing next to nothing.
        Index("ix_kept_answers_kept_at", "kept_at", postgresql_using="brin"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    thing: Mapped[uuid.UUID | None]
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    kept_at: Mapped[datetime] = mapped_column(UtcDateTime)


class JobRun(Base):
    """A job's work for one period, done once; the scheduler's own sign of life is the job `heartbeat`."""

    __tablename__ = "job_runs"

    job: Mapped[str] = mapped_column(String(60), primary_key=True)
    period: Mapped[str] = mapped_column(String(40), primary_key=True)
    done_at: Mapped[datetime] = mapped_column(UtcDateTime)
