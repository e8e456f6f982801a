"""The box of a map, as asked for: west,south,east,north in the asker's coordinate system."""

from __future__ import annotations

import math
from typing import Any

from marshmallow import ValidationError, fields

from backend.partymap.distances import box_around

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees."""

UNSHIFTED = ("wgs84", "cgcs2000")
WHOLE: Box = (-180.0, -90.0, 180.0, 90.0)

_FOUR = ("应为四个数：西,南,东,北。", "Must be four numbers: west,south,east,north.")
_RANGE = (
    "经度应在 -180 到 180 之间，纬度应在 -90 到 90 之间；次序为西,南,东,北。",
    "Longitudes lie between -180 and 180, latitudes between -90 and 90; the order is west,south,east,north.",
)
_REVERSED = (
    "西应小于东，南应小于北；跨越 180 度经线的范围请分成两次查询。",
    "West must be less than east and south less than north; ask for a box across the 180th meridian in two halves.",
)
# GCJ-02 shifts by less than 700 m, BD-09 by another 980 m.
_FARTHEST_SHIFT = 2_000.0


class BoxField(fields.String):
    """Four finite numbers `west,south,east,north` (degrees), each pair ascending."""

    def __init__(self, **kwargs: Any) -> None:
        said = {"description": "west,south,east,north in degrees of `crs`", "example": "112.91,22.80,113.06,22.93"}
        super().__init__(metadata=said, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return read_box(super()._deserialize(value, attr, data, **kwargs))


def read_box(text: str) -> Box:
    """A box from its text. Raises ValidationError: not four numbers, NaN, out of range, reversed, across 180°."""
    parts = text.split(",")
    if len(parts) != 4:
        raise ValidationError([_FOUR])
    try:
        west, south, east, north = (float(part) for part in parts)
    except ValueError as error:
        raise ValidationError([_FOUR]) from error
    if not all(map(math.isfinite, (west, south, east, north))):
        raise ValidationError([_FOUR])
    if max(abs(west), abs(east)) > 180 or max(abs(south), abs(north)) > 90:
        raise ValidationError([_RANGE])
    if west >= east or south >= north:
        raise ValidationError([_REVERSED])
    return west, south, east, north


def holds(box: Box, lon: float, lat: float) -> bool:
    """Whether a place in the box's own system lies in it, its edges included."""
    west, south, east, north = box
    return west <= lon <= east and south <= lat <= north


def wgs84_box(box: Box, crs: str) -> Box:
    """A WGS84 box that holds everything of a box in `crs`; what it holds besides is to be sorted out by `holds`."""
    if crs in UNSHIFTED:
        return box
    west, south, east, north = box
    low, high = box_around(west, south, _FARTHEST_SHIFT), box_around(east, north, _FARTHEST_SHIFT)
    return min(low[0], high[0]), low[1], max(low[2], high[2]), high[3]
