"""The nearest service points: a box that is sure to hold them, in one statement nearly always.

How far one has to look is remembered for each place of about a kilometre: the first box then fits. Where it does not,
it grows until `k` points lie within the circle that it holds.
"""

from __future__ import annotations

import math
from collections import namedtuple
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Float, Select, bindparam, select

from backend.http.reading import Prepared
from backend.partymap.distances import as_kept, box_around, metres_at
from backend.partymap.points import AS_TEXT, has_word
from backend.partymap.tables import ServicePoint

FIRST_RADIUS = 1_000.0
FARTHEST = 200_000.0
"""Metres beyond which a point is near nobody: it is not looked for."""
MOST = 50
DETOUR = 1.3
"""Metres walked for each metre as the crow flies: what is usual along streets and lanes; no route is looked for."""
METRES_A_MINUTE = 75.0
"""Of a walk, 4.5 km/h."""
LOOKS = 400
"""Of the nearest, how many are asked whether they are open."""
_REMEMBERED = 10_000
_tuple: Any = namedtuple  # its names come from the table

Find = Callable[[dict[str, Any]], Sequence[Any]]
_radii: dict[tuple[float, float, int, str | None], float] = {}


class Walk(NamedTuple):
    """How far a place is on foot, as an estimate."""

    metres: int
    minutes: int


def on_foot(metres: float) -> Walk:
    """The walk to a place so many metres away as the crow flies: to the next ten metres and the full minute."""
    walked = metres * DETOUR
    return Walk(round(walked / 10) * 10, math.ceil(walked / METRES_A_MINUTE))


def _parameter(name: str) -> Any:
    return bindparam(name, type_=Float())


def _statement(columns: str, service: bool) -> Select[Any]:
    """Active points of a box, nearest first. Index: ix_service_points_place (lat, lon)."""
    d_lon, d_lat = ServicePoint.lon - _parameter("lon"), ServicePoint.lat - _parameter("lat")
    east = d_lon * (_parameter("east_metres") + _parameter("east_slope") * d_lat)
    north = d_lat * _parameter("north_metres")
    square = (east * east + north * north).label("square")
    return (
        select(*AS_TEXT[columns], square)
        .where(
            ServicePoint.lat.between(_parameter("south"), _parameter("north")),
            ServicePoint.lon.between(_parameter("west"), _parameter("east")),
            ServicePoint.active.is_(True),
            *([has_word("service")] if service else []),
        )
        .order_by(square, ServicePoint.id)
        .limit(bindparam("k"))
    )


@cache
def near(columns: str, service: bool) -> Prepared[Any]:
    """The statement for these columns of a point (as `AS_TEXT` names them) and the square of its distance in metres."""
    return Prepared(_statement(columns, service), _tuple("Near", [*(each.key for each in AS_TEXT[columns]), "square"]))


def nearest(find: Find, lon: float, lat: float, k: int, service: str | None = None) -> list[tuple[Any, float]]:
    """The `k` active points nearest to a WGS84 place, each with its distance in metres, nearest first.

    Fewer where fewer lie within 200 km. `find` runs the statement `near` with the values it is given; `service` is the
    word of a service that all of them are to have.
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
        **({"service": service} if service else {}),
    }
    here = (round(lon, 2), round(lat, 2), k, service)
    radius = _radii.get(here, FIRST_RADIUS)
    while True:
        west, south, east, north = box_around(lon, lat, radius)
        rows = find({**asked, "west": west, "south": south, "east": east, "north": north})
        # A box's corners reach farther than its sides: what lies beyond `radius` may have nearer neighbours outside.
        sure = [(row, metres) for row in rows if (metres := math.sqrt(row.square)) <= radius]
        if len(sure) == k or radius >= FARTHEST:
            _remember(here, radius, sure[-1][1] if len(sure) == k else FARTHEST)
            return sure
        radius = min(FARTHEST, _next_radius(radius, k, rows))


def _remember(here: tuple[float, float, int, str | None], radius: float, needed: float) -> None:
    """Look a little farther than was needed next time, or as far as this time where that was not much more."""
    if len(_radii) >= _REMEMBERED:
        _radii.clear()
    _radii[here] = min(FARTHEST, max(100.0, needed * 1.4, radius if radius <= needed * 3 else 0.0))


def _next_radius(radius: float, k: int, rows: Sequence[Any]) -> float:
    """As far as the k-th found so far, which settles it; else as far as the density met so far suggests."""
    if len(rows) == k:
        # A little more, so that rounding does not leave the k-th just outside.
        return math.sqrt(rows[-1].square) * 1.000001
    return radius * min(8.0, max(2.0, math.sqrt(2.0 * k / max(1, len(rows)))))


def nearest_of(
    find: Find, keep: Callable[[Any], bool], lon: float, lat: float, k: int, service: str | None = None
) -> list[tuple[Any, float]]:
    """The `k` nearest of those that `keep` keeps, which no index can tell; it is asked of the nearest 400 at most."""
    looks = min(LOOKS, max(40, 4 * k))
    while True:
        found = nearest(find, lon, lat, looks, service)
        kept = [(row, metres) for row, metres in found if keep(row)]
        if len(kept) >= k or len(found) < looks or looks == LOOKS:
            return kept[:k]
        looks = min(LOOKS, looks * 4)
