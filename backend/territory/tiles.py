"""What a tile of the map is, and what a layer puts into one.

A tile is one range of cells, so that one B-tree of points serves every zoom on both databases. It holds at most `MOST`
features: where there are more of them, clusters take over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from backend.http.problems import Problem
from backend.territory.cells import ZOOM, Range, tile_range

MOST = 1000
"""Features of a tile."""
LAST_ZOOM = 18
"""The nearest zoom that tiles are made for; maps draw these larger when one goes nearer."""
EXTENT = 4096
"""Units along the side of a tile."""
CLUSTERS = 4
"""A tile is divided into 2^4 by 2^4 squares, in each of which its points become one cluster."""


class NoSuchTile(Problem):
    """A zoom or a tile that the map does not have."""

    status, code = 404, "no_such_tile"
    zh = "没有这个瓦片：缩放级别应为 0 到 {last}，列号和行号应小于 2 的该级别次方。"
    en = "There is no such tile: zooms are 0 to {last}, columns and rows less than 2 to the power of the zoom."


class Marks(NamedTuple):
    """Points of a tile in WGS84 degrees, and what is told of them: by name, a value for each."""

    lons: Sequence[float]
    lats: Sequence[float]
    told: Mapping[str, Sequence[Any]]


class Shapes(NamedTuple):
    """Outlines of a tile as they are kept (rings.py), in 1/4096 of a tile of `zoom` from the map's upper left corner;
    what is told of them; and their middles, at which their names are written in the tile that holds them."""

    zoom: int
    outlines: Sequence[bytes]
    told: Mapping[str, Sequence[Any]]
    names: Marks


@dataclass(frozen=True)
class Tile:
    """An XYZ tile of the web-mercator square. Raises NoSuchTile."""

    z: int
    x: int
    y: int

    def __post_init__(self) -> None:
        if not (0 <= self.z <= LAST_ZOOM and 0 <= self.x < 1 << self.z and 0 <= self.y < 1 << self.z):
            raise NoSuchTile(last=LAST_ZOOM)

    @cached_property
    def cells(self) -> Range:
        """First and last cell."""
        return tile_range(self.z, self.x, self.y)

    @property
    def cluster_bits(self) -> int:
        """By how many bits the cells of one cluster differ."""
        return 2 * (ZOOM - self.z - CLUSTERS)
