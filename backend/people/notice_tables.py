"""How people want to be told: an e-mail address, a language, and the channels they have switched off."""

import uuid

from sqlalchemy import ForeignKey, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Base


class NoticePreference(Base):
    """Of an account that has said something about it; `off` are channel names, with commas between."""

    __tablename__ = "notice_preferences"

    account_id: Mapped[uuid.UUID] = mapped_column(Uuid, ForeignKey("accounts.id"), primary_key=True)
    email: Mapped[str | None] = mapped_column(String(254))
    language: Mapped[str] = mapped_column(String(2), default="zh", server_default="zh")
    off: Mapped[str] = mapped_column(String(60), default="", server_default="")
    version: Mapped[int] = mapped_column(default=1, server_default="1")
