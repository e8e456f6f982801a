"""Outlines as rings of whole numbers: as they are kept for the map, and cut to a box.

Thousands are read for a tile, so they are arrays from the database to the tile. Only those across the box's edge become
shapes on the way, because only these must be cut.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import shapely

Ints = np.ndarray[Any, np.dtype[np.int64]]
Bools = np.ndarray[Any, np.dtype[np.bool_]]


class Rings(NamedTuple):
    """Rings, the last point of each its first one again: points (x, y), the number of the ring of each point; for each
    ring whether it is an outer one (its holes follow it), and the number of its outline."""

    points: Any
    ring: Ints
    outer: Bools
    owner: Ints


def written(outlines: Sequence[shapely.Geometry]) -> list[bytes]:
    """Polygons and MultiPolygons in whole numbers below 2^31 as they are kept. Each: how many polygons and rings it
    has, rings of each polygon, points of each ring, and the points, all in four bytes."""
    if not len(outlines):
        return []
    kind, points, offsets = shapely.to_ragged_array(outlines)
    words, rings = points.astype("<i4"), offsets[0].astype("<i4")
    of_polygons = offsets[1].astype("<i4")
    alone = kind == shapely.GeometryType.POLYGON  # each outline is one polygon
    of_outlines = np.arange(len(outlines) + 1) if alone else offsets[2]
    kept = []
    for first, last in pairwise(of_outlines.tolist()):
        polygons = of_polygons[first : last + 1]
        inside = rings[polygons[0] : polygons[-1] + 1]
        counts = np.array((last - first, len(inside) - 1), dtype="<i4")
        numbers = (counts, np.diff(polygons), np.diff(inside), words[inside[0] : inside[-1]])
        kept.append(b"".join(part.tobytes() for part in numbers))
    return kept


def read(outlines: Sequence[bytes]) -> Rings:
    """The rings of all these outlines."""
    words = np.frombuffer(b"".join(outlines), dtype="<i4").astype(np.int64)
    lengths = np.array([len(outline) // 4 for outline in outlines], dtype=np.int64)
    begins = np.cumsum(lengths) - lengths
    polygons, rings = words[begins], words[begins + 1]
    of_polygons = words[runs(begins + 2, polygons)]
    of_rings = words[runs(begins + 2 + polygons, rings)]
    points = words[runs(begins + 2 + polygons + rings, lengths - 2 - polygons - rings)].reshape(-1, 2)
    outer = np.zeros(len(of_rings), dtype=np.bool_)
    outer[np.cumsum(of_polygons) - of_polygons] = True
    numbers = np.arange(len(of_rings))
    return Rings(points, np.repeat(numbers, of_rings), outer, np.repeat(np.arange(len(outlines)), rings))


def within(rings: Rings, box: Sequence[float]) -> Rings:
    """What of the outlines lies in a box (left, top, right, bottom): first whole ones, then those to be cut."""
    if not len(rings.ring):
        return rings
    first = starts(rings.owner[rings.ring])
    over = (np.minimum.reduceat(rings.points, first) < box[:2]) | (np.maximum.reduceat(rings.points, first) > box[2:])
    cut = np.isin(rings.owner, rings.owner[rings.ring[first]][over.any(axis=1)])
    whole, rest = _of(rings, ~cut), _cut(_of(rings, cut), box) if cut.any() else None
    if rest is None:
        return whole
    return Rings(
        np.concatenate((whole.points, rest.points)),
        np.concatenate((whole.ring, rest.ring + len(whole.outer))),
        np.concatenate((whole.outer, rest.outer)),
        np.concatenate((whole.owner, rest.owner)),
    )


def _of(rings: Rings, chosen: Bools) -> Rings:
    """Some of the rings, numbered anew."""
    kept = chosen[rings.ring]
    numbers = np.cumsum(chosen) - 1
    return Rings(rings.points[kept], numbers[rings.ring[kept]], rings.outer[chosen], rings.owner[chosen])


def _cut(rings: Rings, box: Sequence[float]) -> Rings:
    outers = np.flatnonzero(rings.outer)
    first = starts(rings.owner[outers])
    offsets = (
        np.append(starts(rings.ring), len(rings.ring)),
        np.append(outers, len(rings.outer)),
        np.append(first, len(outers)),
    )
    shapes = shapely.from_ragged_array(shapely.GeometryType.MULTIPOLYGON, rings.points.astype(float), offsets)
    parts, number = shapely.get_parts(shapely.clip_by_rect(shapes, *box), return_index=True)
    areal = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    parts, owner = shapely.orient_polygons(parts[areal]), rings.owner[outers[first]][number[areal]]
    lines, polygon = shapely.get_rings(parts, return_index=True)
    points, ring = shapely.get_coordinates(lines, return_index=True)
    outer = np.ones(len(lines), dtype=np.bool_)
    outer[1:] = polygon[1:] != polygon[:-1]
    return Rings(points, ring, outer, owner[polygon])


def runs(begins: Ints, counts: Ints) -> Ints:
    """The places of runs of numbers one after the other, each from where it begins."""
    places: Ints = np.repeat(begins - (np.cumsum(counts) - counts), counts) + np.arange(int(counts.sum()))
    return places


def starts(numbers: Ints) -> Ints:
    """Where runs of the same number begin."""
    return np.flatnonzero(np.append(True, numbers[1:] != numbers[:-1])) if len(numbers) else np.empty(0, dtype=np.int64)
