"""Metres between places near each other, as arithmetic that a database can do too (no function, only + and ×)."""

from __future__ import annotations

import math
from dataclasses import dataclass

_AXIS = 6378137.0
_E2 = 0.0066943799901413165
_RADIAN = math.pi / 180.0


DECIMALS = 9
"""Of a degree: a tenth of a millimetre. Squares of much smaller differences are below a database's numbers."""


def as_kept(lon: float, lat: float) -> tuple[float, float]:
    """A place as fine as it is kept and looked for."""
    return round(lon, DECIMALS), round(lat, DECIMALS)


@dataclass(frozen=True, slots=True)
class Metres:
    """What a degree is worth around one latitude (WGS84 ellipsoid).

    metres east = Δlon · (`east` + `east_slope` · Δlat), metres north = Δlat · `north`, with Δ in degrees from the
    place asked about: the mid-latitude formula of navigation. Against the geodesic it is right to 0.002 % within
    20 km and to 0.02 % within 200 km, up to 60° of latitude.
    """

    east: float
    east_slope: float
    north: float

    def between(self, d_lon: float, d_lat: float) -> float:
        """Metres to the place so many degrees away."""
        return math.hypot(d_lon * (self.east + self.east_slope * d_lat), d_lat * self.north)


def metres_at(lat: float) -> Metres:
    """The worth of a degree at this latitude."""
    sine, cosine = math.sin(lat * _RADIAN), math.cos(lat * _RADIAN)
    flattened = 1.0 - _E2 * sine * sine
    meridian = _AXIS * (1.0 - _E2) / flattened**1.5
    parallel = _AXIS / math.sqrt(flattened) * cosine
    # d(parallel)/d(latitude) is exactly -meridian · sin(latitude); half of it, for the latitude half way.
    return Metres(parallel * _RADIAN, -meridian * sine * _RADIAN * _RADIAN / 2.0, meridian * _RADIAN)


def box_around(lon: float, lat: float, radius: float) -> tuple[float, float, float, float]:
    """West, south, east, north (degrees) of a box that holds every place within `radius` metres; cut at the edges of
    the degree range."""
    high = radius / metres_at(lat).north * 1.01
    widest = min(metres_at(max(-89.0, lat - high)).east, metres_at(min(89.0, lat + high)).east)
    wide = radius / widest * 1.01
    return max(-180.0, lon - wide), max(-90.0, lat - high), min(180.0, lon + wide), min(90.0, lat + high)
