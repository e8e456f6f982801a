"""The nearest service points: boxes that grow until they are sure to hold them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Float, Row, Select, bindparam, select

from backend.partymap.distances import as_kept, box_around, metres_at
from backend.partymap.tables import ServicePoint

FIRST_RADIUS = 1_000.0
FARTHEST = 200_000.0
"""Metres beyond which a point is near nobody: it is not looked for."""
MOST = 50

Find = Callable[[dict[str, Any]], Sequence[Row[Any]]]


def _parameter(name: str) -> Any:
    return bindparam(name, type_=Float())


def _statement() -> Select[Any]:
    """Active points of a box, nearest first. Index: ix_service_points_place (lat, lon)."""
    d_lon, d_lat = ServicePoint.lon - _parameter("lon"), ServicePoint.lat - _parameter("lat")
    east = d_lon * (_parameter("east_metres") + _parameter("east_slope") * d_lat)
    north = d_lat * _parameter("north_metres")
    square = (east * east + north * north).label("square")
    return (
        select(*ServicePoint.__table__.c, square)
        .where(
            ServicePoint.lat.between(_parameter("south"), _parameter("north")),
            ServicePoint.lon.between(_parameter("west"), _parameter("east")),
            ServicePoint.active.is_(True),
        )
        .order_by(square, ServicePoint.id)
        .limit(bindparam("k"))
    )


NEAREST = _statement()


def nearest(find: Find, lon: float, lat: float, k: int) -> list[tuple[Row[Any], float]]:
    """The `k` active points nearest to a WGS84 place, each with its distance in metres, nearest first.

    Fewer where fewer lie within 200 km. `find` runs NEAREST with the parameters it is given.
    """
    lon, lat = as_kept(lon, lat)
    worth = metres_at(lat)
    asked = {
        "lon": lon,
        "lat": lat,
        "k": k,
        "east_metres": worth.east,
        "east_slope": worth.east_slope,
        "north_metres": worth.north,
    }
    radius = FIRST_RADIUS
    while True:
        west, south, east, north = box_around(lon, lat, radius)
        rows = find({**asked, "west": west, "south": south, "east": east, "north": north})
        # A box's corners reach farther than its sides: what lies beyond `radius` may have nearer neighbours outside.
        sure = [(row, metres) for row in rows if (metres := math.sqrt(row.square)) <= radius]
        if len(sure) == k or radius >= FARTHEST:
            return sure
        radius = min(FARTHEST, _next_radius(radius, k, rows))


def _next_radius(radius: float, k: int, rows: Sequence[Row[Any]]) -> float:
    """As far as the k-th found so far, which settles it; else as far as the density met so far suggests."""
    if len(rows) == k:
        # A little more, so that rounding does not leave the k-th just outside.
        return math.sqrt(rows[-1].square) * 1.000001
    return radius * min(8.0, max(2.0, math.sqrt(2.0 * k / max(1, len(rows)))))
