"""Which service points a box of the map holds, in the asker's coordinate system."""

from __future__ import annotations

from backend.partymap.distances import box_around
from backend.territory.boxes import Box

UNSHIFTED = ("wgs84", "cgcs2000")
WHOLE: Box = (-180.0, -90.0, 180.0, 90.0)

# GCJ-02 shifts by less than 700 m, BD-09 by another 980 m.
_FARTHEST_SHIFT = 2_000.0


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
