"""Receipts of what was filed anonymously."""

import uuid
from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Base, UtcDateTime


class Receipt(Base):
    """To what a receipt belongs; `tag` is all that is kept of its digits."""

    __tablename__ = "receipts"

    tag: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    thing_id: Mapped[uuid.UUID] = mapped_column(index=True)
    given_at: Mapped[datetime] = mapped_column(UtcDateTime)
