"""Areas and their people."""

from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Base
from backend.territory.codes import AREA_CODE


class Area(Base):
    """A town, a village or community, or a grid. Redrawn in place: what happened keeps the code it had."""

    __tablename__ = "areas"
    __table_args__ = (
        CheckConstraint("kind IN ('town', 'village', 'community', 'grid')", name="kind"),
        CheckConstraint("(kind = 'town') = (parent_code IS NULL)", name="parent"),
    )

    code: Mapped[str] = mapped_column(AREA_CODE, primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    kind: Mapped[str] = mapped_column(String(10))
    parent_code: Mapped[str | None] = mapped_column(AREA_CODE, ForeignKey("areas.code"), index=True)
    urban_rural_class: Mapped[str | None] = mapped_column(String(3))
    """The National Bureau of Statistics' class of a village: 111 town centre … 220 village."""
    lon: Mapped[float | None]
    lat: Mapped[float | None]
    """Centre in WGS84 degrees."""
    outline: Mapped[str | None] = mapped_column(Text)
    """GeoJSON geometry (Polygon or MultiPolygon) in WGS84 degrees."""
    outline_source: Mapped[str | None] = mapped_column(String(200))
    demonstration: Mapped[bool] = mapped_column(default=False)
    """Whether the outline is made up for demonstration."""
    west: Mapped[float | None]
    south: Mapped[float | None]
    east: Mapped[float | None]
    north: Mapped[float | None]


class AreaRevision(Base):
    """One row that counts the changes of all areas: who keeps them in memory compares it."""

    __tablename__ = "area_revisions"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    revision: Mapped[int]
    drawn: Mapped[int | None]
    """The state of the areas of which the drawings are; None before the first ones."""


class AreaDrawing(Base):
    """The outline of an area as it is drawn at a zoom (see rings.py), in 1/4096 of a tile, and the box around it."""

    __tablename__ = "area_drawings"

    zoom: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    level: Mapped[str] = mapped_column(String(7), primary_key=True)
    """Town, village (a community alike) or grid."""
    code: Mapped[str] = mapped_column(AREA_CODE, primary_key=True)
    left: Mapped[int]
    top: Mapped[int]
    right: Mapped[int]
    bottom: Mapped[int]
    outline: Mapped[bytes] = mapped_column(LargeBinary)


class AreaPopulation(Base):
    """Households and people of an area on a day, as a source says."""

    __tablename__ = "area_populations"

    area_code: Mapped[str] = mapped_column(AREA_CODE, ForeignKey("areas.code"), primary_key=True)
    as_of: Mapped[date] = mapped_column(primary_key=True)
    households: Mapped[int]
    population: Mapped[int]
    source: Mapped[str] = mapped_column(String(200))
