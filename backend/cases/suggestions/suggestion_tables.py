"""What was learnt from a town's cases: versions, and their tables of weights."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Base, JsonColumn, UtcDateTime
from backend.territory.codes import AREA_CODE


class SuggestionVersion(Base):
    """What was learnt from a town's accepted cases on one day, and how good it was on cases it had not seen.

    `categories` has code, bias, number of cases and F1 of each, in the order of the weights. A category is suggested
    from the share `threshold` on: then `right` of what is said was right, and of `suggested` of the cases something is
    said; None: never. `urgent_…` the same of urgency. `lexicon_…` is how good the lexicon alone would have been.
    """

    __tablename__ = "suggestion_versions"
    __table_args__ = (UniqueConstraint("town_code", "version"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    town_code: Mapped[str] = mapped_column(AREA_CODE)
    version: Mapped[int]
    learnt_at: Mapped[datetime] = mapped_column(UtcDateTime)
    learnt_from: Mapped[int]
    lengths: Mapped[list[int]] = mapped_column(JsonColumn)
    categories: Mapped[list[dict[str, Any]]] = mapped_column(JsonColumn)
    words: Mapped[int]
    accuracy: Mapped[float]
    macro_f1: Mapped[float]
    lexicon_accuracy: Mapped[float]
    lexicon_macro_f1: Mapped[float]
    threshold: Mapped[float | None]
    right: Mapped[float | None]
    suggested: Mapped[float | None]
    urgent_threshold: Mapped[float | None]
    urgent_right: Mapped[float | None]
    urgent_suggested: Mapped[float | None]
    withdrawn_by: Mapped[uuid.UUID | None]
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SuggestionWeight(Base):
    """What a run of characters counts in one version, and its weight for each category: little-endian 32-bit floats.

    Written before the version's own row: what belongs to no version was left by a job that was cut off.
    """

    __tablename__ = "suggestion_weights"

    version_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    gram: Mapped[str] = mapped_column(String(4), primary_key=True)
    weights: Mapped[bytes] = mapped_column(LargeBinary)
