"""Outlines as geometry: GeoJSON in and out, other coordinate systems, metres and square metres."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
import shapely

from backend.territory.coordinates import Point, from_wgs84

_AXIS, _E2 = 6378137.0, 0.00669437999014
_DIGITS = 9  # decimals of a degree kept: 0.1 mm, so that shared vertices stay shared


def read_outline(text: str) -> shapely.Geometry:
    """The geometry of an area's stored outline."""
    return shapely.from_geojson(text)


def write_outline(outline: shapely.Geometry) -> str:
    """A geometry as the GeoJSON text to store: outer rings counter-clockwise (RFC 7946), 9 decimals."""
    oriented = shapely.transform(shapely.orient_polygons(outline), lambda at: at.round(_DIGITS))
    return shapely.to_geojson(oriented)


def moved(outline: shapely.Geometry, move: Callable[[float, float], Point]) -> shapely.Geometry:
    """The geometry with every vertex moved by a function of longitude and latitude."""
    return shapely.transform(outline, lambda at: np.array([move(x, y) for x, y in at.tolist()]).reshape(-1, 2))


def outline_in(text: str, crs: str) -> dict[str, Any]:
    """A stored outline as a GeoJSON geometry in `crs`. Raises `UnknownCrs`."""
    if crs == "wgs84":
        geometry: dict[str, Any] = orjson.loads(text)
        return geometry
    answer: dict[str, Any] = orjson.loads(write_outline(moved(read_outline(text), lambda x, y: from_wgs84(x, y, crs))))
    return answer


def metres_a_degree(lat: float) -> tuple[float, float]:
    """Metres of one degree of longitude and of latitude on the WGS84 ellipsoid at a latitude."""
    phi = math.radians(lat)
    root = 1.0 - _E2 * math.sin(phi) ** 2
    return (
        math.radians(1.0) * _AXIS / math.sqrt(root) * math.cos(phi),
        math.radians(1.0) * _AXIS * (1.0 - _E2) / root**1.5,
    )


def in_metres(outline: shapely.Geometry, lat: float) -> shapely.Geometry:
    """The geometry in metres from (0, 0), true to scale around latitude `lat` (some kilometres, to a thousandth)."""
    return shapely.transform(outline, lambda at: at * metres_a_degree(lat))


def square_metres(outline: shapely.Geometry) -> float:
    """Area of a geometry in degrees, in m² of the ellipsoid; of the size of a town, to a thousandth."""
    if shapely.is_empty(outline):
        return 0.0
    return float(shapely.area(in_metres(outline, middle_latitude(outline))))


def bounds(outline: shapely.Geometry) -> tuple[float, float, float, float]:
    """West, south, east, north of a geometry."""
    west, south, east, north = shapely.bounds(outline).tolist()
    return west, south, east, north


def middle_latitude(outline: shapely.Geometry) -> float:
    """The latitude half way between a geometry's south and north."""
    _, south, _, north = bounds(outline)
    return (south + north) / 2


def earth_metres(one: Point, other: Point) -> float:
    """Distance of two points in metres over the sphere, to half a percent at any distance."""
    lat1, lat2 = math.radians(one[1]), math.radians(other[1])
    half = math.sin((lat2 - lat1) / 2) ** 2
    half += math.cos(lat1) * math.cos(lat2) * math.sin(math.radians(other[0] - one[0]) / 2) ** 2
    return 2 * 6371008.8 * math.asin(math.sqrt(min(1.0, half)))
