"""Which elements of the governance model a case bears on."""

import uuid

from sqlalchemy import ForeignKey, Index, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Base


class CaseTag(Base):
    """That a case is tagged with an element. Most cases have none."""

    __tablename__ = "case_tags"
    __table_args__ = (Index("ix_case_tags_element", "element", "case_id"),)

    case_id: Mapped[uuid.UUID] = mapped_column(Uuid, ForeignKey("cases.id"), primary_key=True)
    element: Mapped[str] = mapped_column(String(10), primary_key=True)
