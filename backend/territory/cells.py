"""Cells: the place of a point as one 64-bit number, so that a map tile at any zoom is one range of it.

A cell is the web-mercator tile of zoom 26 (about 0.6 m at the equator) with the bits of its column and row
interleaved, the quadkey read as a number: 52 bits, never negative.
"""

import math

from backend.territory.coordinates import OutOfRange, check_range

ZOOM = 26
_SIDE = 1 << ZOOM
_SPREAD = (
    (16, 0x0000FFFF0000FFFF),
    (8, 0x00FF00FF00FF00FF),
    (4, 0x0F0F0F0F0F0F0F0F),
    (2, 0x3333333333333333),
    (1, 0x5555555555555555),
)

Range = tuple[int, int]
"""First and last cell, both within."""
Box = tuple[float, float, float, float]
"""West, south, east, north in WGS84 degrees; a box across the 180th meridian has west > east."""


def cell(lon: float, lat: float) -> int:
    """The cell of a WGS84 point; points beyond the mercator square fall into its outermost row, lon 180 into the last
    column. Raises `OutOfRange`."""
    check_range(lon, lat)
    return _interleave(*_tile(lon, lat))


def tile_range(z: int, x: int, y: int) -> Range:
    """First and last cell of an XYZ tile. Raises `OutOfRange` for a zoom outside 0..26 or a tile outside the zoom."""
    if not (0 <= z <= ZOOM and 0 <= x < 1 << z and 0 <= y < 1 << z):
        raise OutOfRange
    bits = 2 * (ZOOM - z)
    first = _interleave(x, y) << bits
    return first, first + (1 << bits) - 1


def covering_ranges(box: Box, at_most: int = 8) -> list[Range]:
    """Few ranges of cells that together hold every point of the box, in ascending order.

    They hold points outside it too: filter by longitude and latitude. Raises `OutOfRange`.
    """
    west, south, east, north = box
    check_range(west, south)
    check_range(east, north)
    if west > east:
        halves = ((west, south, 180.0, north), (-180.0, south, east, north))
        return _merged([part for half in halves for part in covering_ranges(half, max(1, at_most // 2))])
    left, top = _tile(west, north)
    right, bottom = _tile(east, south)
    if top > bottom:
        raise OutOfRange
    return _cover(left, top, right, bottom, at_most)


def _cover(left: int, top: int, right: int, bottom: int, at_most: int) -> list[Range]:
    shift = max((left ^ right).bit_length(), (top ^ bottom).bit_length())
    tiles = [(shift, left >> shift, top >> shift)]
    ranges = [_tile_of(*tile) for tile in tiles]
    while True:
        partly = [tile for tile in tiles if not _inside(*tile, left, top, right, bottom)]
        if not partly:
            return ranges
        largest = max(partly)
        tiles.remove(largest)
        size, x, y = largest
        children = [(size - 1, 2 * x + dx, 2 * y + dy) for dx in (0, 1) for dy in (0, 1)]
        tiles += [child for child in children if _touches(*child, left, top, right, bottom)]
        finer = _merged([_tile_of(*tile) for tile in tiles])
        if len(finer) > at_most:
            return ranges
        ranges = finer


def _tile_of(size: int, x: int, y: int) -> Range:
    return tile_range(ZOOM - size, x, y)


def _inside(size: int, x: int, y: int, left: int, top: int, right: int, bottom: int) -> bool:
    last = (1 << size) - 1
    return left <= x << size and (x << size) + last <= right and top <= y << size and (y << size) + last <= bottom


def _touches(size: int, x: int, y: int, left: int, top: int, right: int, bottom: int) -> bool:
    return left >> size <= x <= right >> size and top >> size <= y <= bottom >> size


def _merged(ranges: list[Range]) -> list[Range]:
    merged: list[Range] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = merged[-1][0], max(last, merged[-1][1])
        else:
            merged.append((first, last))
    return merged


def _tile(lon: float, lat: float) -> tuple[int, int]:
    column = math.floor((lon / 360.0 + 0.5) * _SIDE)
    row = math.floor((0.5 - math.asinh(math.tan(math.radians(lat))) / (2.0 * math.pi)) * _SIDE)
    return min(column, _SIDE - 1), min(max(row, 0), _SIDE - 1)


def _interleave(x: int, y: int) -> int:
    return _spread(x) | _spread(y) << 1


def _spread(value: int) -> int:
    for shift, mask in _SPREAD:
        value = (value | value << shift) & mask
    return value
