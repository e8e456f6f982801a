"""What a town changed of its categories, every version of it."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, String
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Base, JsonColumn, UtcDateTime
from backend.people.tables import DEPARTMENT_CODE
from backend.territory.codes import AREA_CODE


class CategoryVersion(Base):
    """One version of a category of a town; the newest one holds. Before the first one, what the product ships does.

    `limits` has unit and amount for each step and for the whole case.
    """

    __tablename__ = "category_versions"

    town_code: Mapped[str] = mapped_column(AREA_CODE, primary_key=True)
    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    zh: Mapped[str] = mapped_column(String(40))
    en: Mapped[str] = mapped_column(String(80))
    parent: Mapped[str] = mapped_column(String(40))
    parent_zh: Mapped[str] = mapped_column(String(40))
    department: Mapped[str] = mapped_column(DEPARTMENT_CODE)
    public: Mapped[bool] = mapped_column(Boolean)
    needs_photo: Mapped[bool] = mapped_column(Boolean)
    hand_in_photos: Mapped[list[str]] = mapped_column(JsonColumn)
    limits: Mapped[dict[str, Any]] = mapped_column(JsonColumn)
    retired: Mapped[bool] = mapped_column(Boolean)
    reason: Mapped[str] = mapped_column(String(200))
    set_by: Mapped[uuid.UUID | None]
    set_at: Mapped[datetime] = mapped_column(UtcDateTime)
