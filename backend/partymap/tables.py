"""Service points: the places of the Party-building map, what they are found by, and who is in charge of them."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Base, JsonColumn, UtcDateTime
from backend.http.ids import new_id
from backend.partymap.offers import KINDS, SERVICES
from backend.territory.codes import AREA_CODE

__all__ = ["KINDS", "SERVICES", "PersonInCharge", "ServicePoint", "Word"]

LONGEST_WORD = 48
"""Characters of a word that points are found by: what is longer is cut."""
WORD = String(LONGEST_WORD).with_variant(String(LONGEST_WORD, collation="C"), "postgresql")
"""Column type of such a word: compared byte by byte, so that those that begin alike are one range of an index."""


class ServicePoint(Base):
    """A Party-masses service point 党群服务点: a place with a door, hours and things it offers.

    Its place is WGS84 in `lon`, `lat` and `cell`; the numbers it was given with are kept in `original_*`.
    """

    __tablename__ = "service_points"
    __table_args__ = (
        CheckConstraint(f"kind IN {tuple(KINDS)}", name="kind"),
        CheckConstraint("star IS NULL OR star BETWEEN 1 AND 5", name="star"),
        Index("ix_service_points_place", "lat", "lon"),
        Index("ix_service_points_area", "area_code", "id"),
        Index("ix_service_points_cell", "cell"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(100))
    kind: Mapped[str] = mapped_column(String(20))
    area_code: Mapped[str] = mapped_column(AREA_CODE)
    """The grid it stands in, or its village where the grid is not known."""
    lon: Mapped[float]
    lat: Mapped[float]
    cell: Mapped[int] = mapped_column(BigInteger)
    original_lon: Mapped[float]
    original_lat: Mapped[float]
    original_crs: Mapped[str] = mapped_column(String(10))
    address: Mapped[str] = mapped_column(String(200))
    phone: Mapped[str | None] = mapped_column(String(30))
    """With `in_charge` the public contact: everybody reads it."""
    in_charge: Mapped[str | None] = mapped_column(String(60))
    services: Mapped[list[str]] = mapped_column(JsonColumn)
    facilities: Mapped[list[str]] = mapped_column(JsonColumn)
    elements: Mapped[list[str]] = mapped_column(JsonColumn, server_default="[]")
    """Elements of the governance model that it bears on."""
    photos: Mapped[list[str]] = mapped_column(JsonColumn, default=list, server_default=text("'[]'"))
    """Ids of evidence, the first one on the cover."""
    capacity: Mapped[int | None]
    """People it holds."""
    star: Mapped[int | None]
    """Standard reached 星级, 1 to 5; None: not assessed."""
    opening_hours: Mapped[dict[str, Any]] = mapped_column(JsonColumn)
    """As written; read by `hours_as_written.read_hours`."""
    weekly_open_minutes: Mapped[int]
    """Open minutes of a regular week, computed from `opening_hours` at each write."""
    accessible: Mapped[bool]
    """Whether a wheelchair gets in."""
    active: Mapped[bool]
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Since when it is given up; None exactly while it is active."""
    version: Mapped[int]
    confirmed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """When somebody who keeps it, or is in charge of it, last said that all this is so."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Word(Base):
    """A word under which a point is found (`words.py`): its kind, a service, an element, the end of its name from some
    character on, in characters, in pinyin or in pinyin initials."""

    __tablename__ = "service_point_words"
    __table_args__ = (Index("ix_service_point_words_word", "active", "word", "area_code", "point_id"),)

    point_id: Mapped[uuid.UUID] = mapped_column(
        Uuid, ForeignKey("service_points.id", ondelete="CASCADE"), primary_key=True
    )
    word: Mapped[str] = mapped_column(WORD, primary_key=True)
    active: Mapped[bool]
    area_code: Mapped[str] = mapped_column(AREA_CODE)


class PersonInCharge(Base):
    """An account in charge of a point: known to who keeps points, never shown to the public."""

    __tablename__ = "service_point_people"
    __table_args__ = (Index("ix_service_point_people_account", "account_id"),)

    point_id: Mapped[uuid.UUID] = mapped_column(
        Uuid, ForeignKey("service_points.id", ondelete="CASCADE"), primary_key=True
    )
    account_id: Mapped[uuid.UUID] = mapped_column(Uuid, ForeignKey("accounts.id"), primary_key=True)
