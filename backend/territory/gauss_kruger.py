"""Surveyors' metres: CGCS2000 in Gauss-Krüger zones of 3 and 6 degrees (EPSG 4491 to 4554), read in imports only.

Krüger's series to the fourth order (Karney, "Transverse Mercator with an accuracy of a few nanometers", 2011):
below a millimetre anywhere in a zone.
"""

import math

from backend.http.problems import Problem
from backend.territory.coordinates import Point

_AXIS = 6378137.0
_N = 1 / (2 * 298.257222101 - 1)
_RADIUS = _AXIS / (1 + _N) * (1 + _N**2 / 4 + _N**4 / 64)
_BETA = (
    _N / 2 - 2 / 3 * _N**2 + 37 / 96 * _N**3 - _N**4 / 360,
    _N**2 / 48 + _N**3 / 15 - 437 / 1440 * _N**4,
    17 / 480 * _N**3 - 37 / 840 * _N**4,
    4397 / 161280 * _N**4,
)
_DELTA = (
    2 * _N - 2 / 3 * _N**2 - 2 * _N**3 + 116 / 45 * _N**4,
    7 / 3 * _N**2 - 8 / 5 * _N**3 - 227 / 45 * _N**4,
    56 / 15 * _N**3 - 136 / 35 * _N**4,
    4279 / 630 * _N**4,
)
_NORTHING = (300_000.0, 6_100_000.0)
_REACH = 400_000.0


class OutsideZone(Problem):
    """Metres that lie in no reasonable distance of the zone named."""

    status, code = 422, "outside_zone"
    zh = "坐标不在 EPSG:{epsg} 的投影带内（应先写东坐标、后写北坐标）；请检查带号和坐标顺序。"
    en = "The coordinates are not in the zone of EPSG:{epsg} (easting first, then northing); check zone and order."


def zone_of(epsg: int) -> tuple[float, float] | None:
    """Central meridian in degrees and false easting in metres of an EPSG code; None when it is none of these zones."""
    if 4491 <= epsg <= 4501:
        number = epsg - 4491 + 13
        return 6.0 * number - 3.0, number * 1e6 + 5e5
    if 4502 <= epsg <= 4512:
        return 75.0 + 6.0 * (epsg - 4502), 5e5
    if 4513 <= epsg <= 4533:
        number = epsg - 4513 + 25
        return 3.0 * number, number * 1e6 + 5e5
    if 4534 <= epsg <= 4554:
        return 75.0 + 3.0 * (epsg - 4534), 5e5
    return None


def degrees(easting: float, northing: float, epsg: int) -> Point:
    """CGCS2000 longitude and latitude of a point in metres of the zone `epsg`.

    Raises `OutsideZone` for what cannot lie there, swapped coordinates among them, and ValueError for another code.
    """
    zone = zone_of(epsg)
    if zone is None:
        raise ValueError(f"EPSG:{epsg} is no Gauss-Krüger zone of CGCS2000")
    meridian, false_easting = zone
    east = easting - false_easting
    if not (abs(east) <= _REACH and _NORTHING[0] <= northing <= _NORTHING[1]):
        raise OutsideZone(epsg=epsg)
    xi, eta = northing / _RADIUS, east / _RADIUS
    terms = list(enumerate(_BETA, 1))
    north = xi - sum(b * math.sin(2 * j * xi) * math.cosh(2 * j * eta) for j, b in terms)
    away = eta - sum(b * math.cos(2 * j * xi) * math.sinh(2 * j * eta) for j, b in terms)
    conformal = math.asin(math.sin(north) / math.cosh(away))
    latitude = conformal + sum(d * math.sin(2 * j * conformal) for j, d in enumerate(_DELTA, 1))
    return meridian + math.degrees(math.atan2(math.sinh(away), math.cos(north))), math.degrees(latitude)
