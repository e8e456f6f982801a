"""Coordinate systems of degrees: wgs84, cgcs2000, gcj02 and bd09, and which of them shifts where.

GCJ-02 and BD-09 have no published specification: the formulas are the ones in common public use, which agree with
each other to a centimetre. They shift points inside China (Hong Kong, Macau and Taiwan included) and no others;
China is judged by a simplified outline, see `china_outline.geojson`.
"""

import math
from collections.abc import Callable
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal, get_args

import shapely

from backend.http.problems import Problem

Crs = Literal["wgs84", "cgcs2000", "gcj02", "bd09"]
CRS: tuple[Crs, ...] = get_args(Crs)
"""Systems a place may be written in. cgcs2000 degrees equal wgs84 to a few centimetres and are taken as equal."""

Point = tuple[float, float]
"""Longitude, latitude in degrees."""

_KRASSOVSKY_AXIS = 6378245.0
_KRASSOVSKY_E2 = 0.00669342162296594323
_BAIDU_TURN = math.pi * 3000.0 / 180.0
# Degrees over which the shift fades beyond the outline: as wide as the outline is coarse.
_FRINGE = 0.03
# Each round divides the remaining error by more than a hundred inside (4 leave a micrometre), by two in the fringe.
_MOST_ROUNDS = 40
_CLOSE_ENOUGH = 1e-10


class UnknownCrs(Problem):
    """A place whose coordinate system is missing or not one of ours."""

    status, code = 422, "unknown_crs"
    zh = "请注明坐标系 crs：{known}。"
    en = "Name the coordinate system in crs: {known}."

    def __init__(self) -> None:
        super().__init__(
            errors={"crs": [(f"应为其中之一：{'、'.join(CRS)}。", f"Must be one of: {', '.join(CRS)}.")]},
            known=", ".join(CRS),
        )


class OutOfRange(Problem):
    """A longitude or latitude that is no place on earth."""

    status, code = 422, "out_of_range"
    zh = "经度应在 -180 到 180 之间，纬度应在 -90 到 90 之间；请检查是否把经纬度写反了。"
    en = "Longitude lies between -180 and 180, latitude between -90 and 90; were the two swapped?"


def to_wgs84(lon: float, lat: float, crs: str) -> Point:
    """WGS84 degrees of a point given in `crs`; `from_wgs84` leads back to the same point within 0.1 m.

    Raises `UnknownCrs`, and `OutOfRange` for NaN, infinities and what lies outside -180..180, -90..90.
    """
    check_range(lon, lat)
    if crs in ("wgs84", "cgcs2000"):
        return lon, lat
    if crs == "gcj02":
        return _inverted(_gcj02, lon, lat)
    if crs == "bd09":
        return _inverted(_bd09, lon, lat)
    raise UnknownCrs


def from_wgs84(lon: float, lat: float, crs: str) -> Point:
    """The point in `crs` of WGS84 degrees. Raises as `to_wgs84`."""
    check_range(lon, lat)
    if crs in ("wgs84", "cgcs2000"):
        return lon, lat
    if crs == "gcj02":
        return _shifted(_gcj02, lon, lat)
    if crs == "bd09":
        return _shifted(_bd09, lon, lat)
    raise UnknownCrs


def check_range(lon: float, lat: float) -> None:
    """Raise `OutOfRange` unless this is a place on earth; NaN is none."""
    if not (-180.0 <= lon <= 180.0 and -90.0 <= lat <= 90.0):
        raise OutOfRange


def in_china(lon: float, lat: float) -> bool:
    """Whether this WGS84 point lies in China, sea belt of 25 km included; exact to about 3 km along the border."""
    return _weight(lon, lat) == 1.0


def _weight(lon: float, lat: float) -> float:
    """How much of the shift applies: 1 in China, 0 abroad, falling from one to the other over the fringe.

    Cut off at the border, the systems would give one pair of numbers to two places, up to 700 m apart. The outline is
    not exact to more than the fringe's width, so that fading there costs nothing and makes every point come back.
    """
    if not (72.0 < lon < 137.0 and 3.0 < lat < 55.0):
        return 0.0
    whole = _square(math.floor(lon), math.floor(lat))
    if whole is not None:
        return whole
    return max(0.0, 1.0 - float(shapely.distance(_outline(), shapely.Point(lon, lat))) / _FRINGE)


@cache
def _outline() -> shapely.Geometry:
    text = (Path(__file__).parent / "china_outline.geojson").read_text(encoding="utf-8")
    outline = shapely.from_geojson(text)
    shapely.prepare(outline)
    return outline


@lru_cache(maxsize=4096)
def _square(west: int, south: int) -> float | None:
    """The weight of a whole square degree; None where the outline or its fringe crosses it."""
    square = shapely.box(west, south, west + 1, south + 1)
    if shapely.contains_properly(_outline(), square):
        return 1.0
    return None if shapely.dwithin(_outline(), square, _FRINGE) else 0.0


def _shifted(shift: Callable[[float, float], Point], lon: float, lat: float) -> Point:
    weight = _weight(lon, lat)
    if weight == 0.0:
        return lon, lat
    x, y = shift(lon, lat)
    return (x, y) if weight == 1.0 else (lon + weight * (x - lon), lat + weight * (y - lat))


def _inverted(shift: Callable[[float, float], Point], lon: float, lat: float) -> Point:
    x, y = lon, lat
    for _ in range(_MOST_ROUNDS):
        shifted_x, shifted_y = _shifted(shift, x, y)
        off_x, off_y = lon - shifted_x, lat - shifted_y
        x, y = x + off_x, y + off_y
        if abs(off_x) + abs(off_y) < _CLOSE_ENOUGH:
            break
    return x, y


def _gcj02(lon: float, lat: float) -> Point:
    x, y = lon - 105.0, lat - 35.0
    root, pi = math.sqrt(abs(x)), math.pi
    # Both offsets share their first wave.
    wave = (20.0 * math.sin(6.0 * x * pi) + 20.0 * math.sin(2.0 * x * pi)) * 2.0 / 3.0
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + wave
    north += (20.0 * math.sin(y * pi) + 40.0 * math.sin(y / 3.0 * pi)) * 2.0 / 3.0
    north += (160.0 * math.sin(y / 12.0 * pi) + 320.0 * math.sin(y * pi / 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + wave
    east += (20.0 * math.sin(x * pi) + 40.0 * math.sin(x / 3.0 * pi)) * 2.0 / 3.0
    east += (150.0 * math.sin(x / 12.0 * pi) + 300.0 * math.sin(x / 30.0 * pi)) * 2.0 / 3.0
    phi = math.radians(lat)
    magic = 1.0 - _KRASSOVSKY_E2 * math.sin(phi) ** 2
    meridian = _KRASSOVSKY_AXIS * (1.0 - _KRASSOVSKY_E2) / (magic * math.sqrt(magic))
    parallel = _KRASSOVSKY_AXIS / math.sqrt(magic) * math.cos(phi)
    return lon + math.degrees(east / parallel), lat + math.degrees(north / meridian)


def _bd09(lon: float, lat: float) -> Point:
    x, y = _gcj02(lon, lat)
    radius = math.hypot(x, y) + 0.00002 * math.sin(y * _BAIDU_TURN)
    angle = math.atan2(y, x) + 0.000003 * math.cos(x * _BAIDU_TURN)
    return radius * math.cos(angle) + 0.0065, radius * math.sin(angle) + 0.006
