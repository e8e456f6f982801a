"""What a search looks through: the folded text of each case beside it, and the index of its tokens."""

import uuid

from sqlalchemy import ForeignKey, Index, Text, Uuid, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Base
from backend.ledger.tables import Serial


class CaseText(Base):
    """The folded text of one case, and as a masked reader may search it where that differs.

    The index of its tokens is `tokens` on PostgreSQL. On SQLite that column stays empty and the index is the FTS5 table
    `case_tokens`, whose row number is `id`; it holds no text, and forgets a row only when told its very tokens.
    """

    __tablename__ = "case_texts"
    __table_args__ = (
        # On SQLite an index of nothing. On PostgreSQL new texts wait on a list that a job works off (`tidy`): whoever
        # fills a short list waits for all of it to be sorted in.
        Index(
            "ix_case_texts_tokens",
            "tokens",
            postgresql_using="gin",
            postgresql_with={"gin_pending_list_limit": 32_768},  # kB
            sqlite_where=text("tokens IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    case_id: Mapped[uuid.UUID] = mapped_column(Uuid, ForeignKey("cases.id"), unique=True)
    folded: Mapped[str] = mapped_column(Text)
    folded_redacted: Mapped[str | None] = mapped_column(Text)
    tokens: Mapped[str | None] = mapped_column(TSVECTOR().with_variant(Text(), "sqlite"))
