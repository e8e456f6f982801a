"""Service points of a tile of the map: each by itself, or clusters of them."""

import uuid
from typing import Any, NamedTuple

from sqlalchemy import Integer, bindparam, func, literal_column, select

from backend.http.reading import Prepared, row
from backend.partymap.tables import ServicePoint
from backend.territory.tiles import MOST, Marks, Tile


class _Pin(NamedTuple):
    id: uuid.UUID
    name: str
    kind: str
    area_code: str
    address: str
    star: int | None
    accessible: bool
    lon: float
    lat: float


class _Cluster(NamedTuple):
    points: int
    lon: float
    lat: float


_shown = (ServicePoint.active, ServicePoint.cell.between(bindparam("first"), bindparam("last")))
_pins_of = (
    select(*(getattr(ServicePoint, name) for name in _Pin._fields))
    .where(*_shown)
    .order_by(ServicePoint.cell)
    .limit(literal_column(str(MOST + 1)))
)
_clusters_of = (
    select(func.count(), func.avg(ServicePoint.lon), func.avg(ServicePoint.lat))
    .where(*_shown)
    .group_by(ServicePoint.cell.bitwise_rshift(bindparam("bits", type_=Integer)))
)
_of_kind = ServicePoint.kind == bindparam("kind")
_pins = {False: Prepared(_pins_of, _Pin), True: Prepared(_pins_of.where(_of_kind), _Pin)}
_clusters = {False: Prepared(_clusters_of, _Cluster), True: Prepared(_clusters_of.where(_of_kind), _Cluster)}
_state = select(func.count(), func.max(ServicePoint.updated_at))


def points_state() -> str:
    """Another text whenever a service point was entered or changed."""
    found = row(_state)
    return f"{found[0]}.{found[1]}" if found else ""


def point_marks(tile: Tile, points_from: int, kind: str | None = None) -> Marks:
    """The active service points of a tile, of one kind if one is given; below a zoom, and where they are too many, in
    clusters."""
    first, last = tile.cells
    span = {"first": first, "last": last} | ({"kind": kind} if kind else {})
    if tile.z >= points_from and len(pins := _pins[kind is not None].all(**span)) <= MOST:
        told: dict[str, list[Any]] = {
            "id": [str(pin.id) for pin in pins],
            "name": [pin.name for pin in pins],
            "kind": [pin.kind for pin in pins],
            "area_code": [pin.area_code for pin in pins],
            "address": [pin.address for pin in pins],
            "star": [pin.star for pin in pins],
            "accessible": [pin.accessible for pin in pins],
        }
        return Marks([pin.lon for pin in pins], [pin.lat for pin in pins], told)
    found = _clusters[kind is not None].all(**span, bits=tile.cluster_bits)
    lons, lats = [cluster.lon for cluster in found], [cluster.lat for cluster in found]
    return Marks(lons, lats, {"count": [cluster.points for cluster in found]})
