"""Public cases on the map: where each stands, how many stand where, and how far both were kept up."""

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Base, UtcDateTime
from backend.territory.codes import AREA_CODE


class PublicPin(Base):
    """A public case on the map, at the centre of the grid (or village) it was filed in."""

    __tablename__ = "public_pins"
    __table_args__ = (Index("ix_public_pins_cell", "town_code", "cell"),)

    case_id: Mapped[uuid.UUID] = mapped_column(Uuid, ForeignKey("cases.id"), primary_key=True)
    town_code: Mapped[str] = mapped_column(AREA_CODE)
    cell: Mapped[int] = mapped_column(BigInteger)
    area_code: Mapped[str] = mapped_column(AREA_CODE)


class PublicPlace(Base):
    """How many public cases of an area stand in a cell. A grid drawn anew has another centre from then on."""

    __tablename__ = "public_places"

    town_code: Mapped[str] = mapped_column(AREA_CODE, primary_key=True)
    cell: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    area_code: Mapped[str] = mapped_column(AREA_CODE, primary_key=True)
    lon: Mapped[float]
    lat: Mapped[float]
    cases: Mapped[int]


class PinsKept(Base):
    """How far a town's pins were kept up."""

    __tablename__ = "pins_kept"

    town_code: Mapped[str] = mapped_column(AREA_CODE, primary_key=True)
    until: Mapped[datetime] = mapped_column(UtcDateTime)
    """The latest publication that has its pin."""
    place: Mapped[int] = mapped_column(BigInteger)
    """The last change of the change log that was looked at."""
    revision: Mapped[int] = mapped_column(BigInteger)
    """Another one whenever a public case was changed."""
