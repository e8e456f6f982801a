"""Places: which grid a point is in, how far from its boundary, and what lies nearest when it is in none."""

import math
import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import shapely

from backend.http.problems import Problem
from backend.territory.coordinates import check_range
from backend.territory.outlines import earth_metres, in_metres, metres_a_degree, middle_latitude, read_outline

REACH = 3000.0
"""Metres outside every grid up to which a point still goes to the nearest one."""

_SQUARES = 20_000  # squares into which all areas together are laid out, to know in each whom to ask
_REMEMBERED = 50_000
_DRAWINGS = 64


class OutsideTown(Problem):
    """A point farther than `REACH` from every grid."""

    status, code = 422, "outside_town"
    zh = "这个位置距{town}约 {kilometres} 公里，不在服务范围内；请核对位置和坐标系。"
    en = "This place is about {kilometres} km from {town} and not served here; check the place and its crs."


class NoBoundaries(Problem):
    """A town whose areas have no outlines yet, so that nothing can be located."""

    status, code = 422, "no_boundaries"
    zh, en = "还没有导入网格边界，无法定位；请联系管理员。", "No boundaries have been imported yet; tell the admin."


class UnknownArea(Problem):
    """A code that is no village, community or grid here."""

    status, code = 422, "unknown_area"
    zh = "没有代码为 {area} 的村（社区）或网格，请核对代码。"
    en = "There is no village, community or grid with the code {area}; check it."


class AreaRow(NamedTuple):
    """What a process remembers of an area. Lon and lat are its centre, `outline` GeoJSON text, in WGS84 degrees."""

    code: str
    name: str
    kind: str
    parent_code: str | None
    lon: float | None
    lat: float | None
    outline: str | None
    demonstration: bool = False


class Named(NamedTuple):
    """Code and name of an area."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Place:
    """A place as the house keeps it: the area it belongs to, WGS84 degrees, and what the public may see of it.

    `lon` and `lat` are None for a place known by its area only. `coarse_lon` and `coarse_lat` are the centre of its
    grid (of its village, where that has no grids). `distance_to_boundary` is in metres: to the area's own boundary,
    from inside or from outside.
    """

    area_code: str
    lon: float | None
    lat: float | None
    coarse_lon: float | None
    coarse_lat: float | None
    grid: Named | None
    village: Named | None
    town: Named
    distance_to_boundary: float | None
    inside: bool


class Territory:
    """All areas at one moment, ready to be asked; unchanging.

    Points go to the areas at the bottom: grids, and villages or towns with an outline of which no part has one.
    """

    def __init__(self, areas: Iterable[AreaRow], revision: int = 0) -> None:
        self.revision = revision
        # Shapes are left unprepared, and asked by one thread at a time: what GEOS remembers of a prepared one is worked
        # out when it is first asked, and has ended the process under load.
        self._one_at_a_time = threading.Lock()
        self.drawings: dict[str, bytes] = {}
        self.areas: Mapping[str, AreaRow] = {area.code: area for area in areas}
        divided = {area.parent_code for area in self.areas.values() if area.outline}
        # In the order of their codes, so that of several hits the lowest number is the lowest code.
        self._bottom = sorted(area for area in self.areas.values() if area.outline and area.code not in divided)
        self._outlines = [read_outline(area.outline or "") for area in self._bottom]
        self._tree = shapely.STRtree(self._outlines)
        drawn = float(shapely.area(self._outlines).sum())
        self._squares = math.sqrt(_SQUARES / max(drawn, 0.001))  # a degree; in one town about 60 m wide
        self._candidates: dict[tuple[int, int], list[tuple[int, bool]]] = {}
        self._lats = [middle_latitude(outline) for outline in self._outlines]
        self._scales = [metres_a_degree(lat) for lat in self._lats]
        self._boundaries = [
            in_metres(shapely.boundary(outline), lat) for outline, lat in zip(self._outlines, self._lats, strict=True)
        ]

    def area_at(self, lon: float, lat: float) -> str | None:
        """Code of the area that holds a WGS84 point; on a shared boundary the lowest code; None outside all."""
        with self._one_at_a_time:
            number = self._number_at(lon, lat)
        return None if number is None else self._bottom[number].code

    def locate(self, lon: float, lat: float) -> Place:
        """The place of a WGS84 point. Raises `OutOfRange`, `OutsideTown` and `NoBoundaries`."""
        check_range(lon, lat)
        with self._one_at_a_time:
            number = self._number_at(lon, lat)
            if number is not None:
                return self._place(number, lon, lat, self._distance(number, lon, lat), inside=True)
            away, number = self._nearest(lon, lat)
            return self._place(number, lon, lat, away, inside=False)

    def place_of_area(self, code: str) -> Place:
        """The place of something known only to lie in a village, community or grid. Raises `UnknownArea`."""
        area = self.areas.get(code)
        if area is None or area.kind == "town":
            raise UnknownArea(area=code[:15])
        grid, village, town = self._ancestors(area)
        return Place(code, None, None, area.lon, area.lat, grid, village, town, None, inside=True)

    def crossing(self, box: shapely.Geometry, kinds: Collection[str]) -> list[AreaRow]:
        """The areas of these kinds whose outline itself, not its envelope, meets a geometry in WGS84 degrees."""
        with self._one_at_a_time:
            found = sorted(self._shapes.query(box, predicate="intersects").tolist())
        return [self.outlined[number] for number in found if self.outlined[number].kind in kinds]

    @cached_property
    def outlined(self) -> list[AreaRow]:
        """The areas that have an outline, by code."""
        return sorted(area for area in self.areas.values() if area.outline)

    @cached_property
    def _shapes(self) -> shapely.STRtree:
        return shapely.STRtree([read_outline(area.outline or "") for area in self.outlined])

    def remember_drawing(self, name: str, body: bytes) -> bytes:
        """Keep a rendered drawing for as long as nothing is redrawn; a few dozen at most."""
        if len(self.drawings) >= _DRAWINGS:
            self.drawings.clear()
        self.drawings[name] = body
        return body

    def _number_at(self, lon: float, lat: float) -> int | None:
        square = (math.floor(lon * self._squares), math.floor(lat * self._squares))
        candidates = self._candidates.get(square)
        if candidates is None:
            candidates = self._look_around(square)
        for number, everywhere in candidates:
            if everywhere or shapely.intersects_xy(self._outlines[number], lon, lat):
                return number
        return None

    def _look_around(self, square: tuple[int, int]) -> list[tuple[int, bool]]:
        """The areas that reach into a square, by code, and whether they hold all of it; remembered."""
        side = 1 / self._squares
        west, south = square[0] * side, square[1] * side
        # A little larger than the square: a point may be rounded into the next one.
        shape = shapely.box(west - 1e-9, south - 1e-9, west + side + 1e-9, south + side + 1e-9)
        numbers = sorted(self._tree.query(shape, predicate="intersects").tolist())
        found = [(number, bool(shapely.contains(self._outlines[number], shape))) for number in numbers]
        if len(self._candidates) >= _REMEMBERED:
            self._candidates.clear()
        self._candidates[square] = found
        return found

    def _distance(self, number: int, lon: float, lat: float) -> float:
        east, north = self._scales[number]
        return float(shapely.distance(self._boundaries[number], shapely.Point(lon * east, lat * north)))

    def _nearest(self, lon: float, lat: float) -> tuple[float, int]:
        east, north = metres_a_degree(min(abs(lat), 85.0))
        wide, high = REACH * 1.1 / east, REACH * 1.1 / north
        near = self._tree.query(shapely.box(lon - wide, lat - high, lon + wide, lat + high))
        found = min(((self._distance(int(number), lon, lat), int(number)) for number in near), default=None)
        if found is None or found[0] > REACH:
            raise self._outside(lon, lat)
        return found

    def _outside(self, lon: float, lat: float) -> Problem:
        point = shapely.Point(lon, lat)
        number = self._tree.nearest(point)
        if number is None:
            return NoBoundaries()
        closest = shapely.get_coordinates(shapely.shortest_line(self._outlines[number], point))[0]
        away = earth_metres((lon, lat), (float(closest[0]), float(closest[1])))
        town = self._ancestors(self._bottom[number])[2]
        return OutsideTown(town=town.name, kilometres=round(away / 1000, 1))

    def _place(self, number: int, lon: float, lat: float, away: float, *, inside: bool) -> Place:
        area = self._bottom[number]
        return Place(area.code, lon, lat, area.lon, area.lat, *self._ancestors(area), away, inside)

    def _ancestors(self, area: AreaRow) -> tuple[Named | None, Named | None, Named]:
        chain = [area]
        while chain[-1].parent_code is not None:
            chain.append(self.areas[chain[-1].parent_code])
        town = Named(chain[-1].code, chain[-1].name)
        village = Named(chain[-2].code, chain[-2].name) if len(chain) > 1 else None
        grid = Named(chain[0].code, chain[0].name) if len(chain) > 2 else None
        return grid, village, town
