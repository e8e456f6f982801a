"""Our own tiles hold, feature by feature, what the library puts into its own."""

from __future__ import annotations

import math
from typing import Any

import mapbox_vector_tile
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.partymap.encoding import encode
from backend.territory.drawings import draw
from backend.territory.rings import written
from backend.territory.tiles import Marks, Shapes, Tile

NOWHERE = Marks((), (), {})
VALUES = st.one_of(st.text(max_size=8), st.booleans(), st.integers(-(2**31), 2**53), st.floats(allow_nan=False))
TOLD = st.dictionaries(st.sampled_from(["name", "kind", "star", "open", "多"]), VALUES, max_size=5)


def decoded(body: bytes) -> dict[str, Any]:
    return dict(mapbox_vector_tile.decode(body, default_options={"y_coord_down": True})) if body else {}


def from_library(name: str, features: list[dict[str, Any]]) -> Any:
    body = mapbox_vector_tile.encode([{"name": name, "features": features}], default_options={"y_coord_down": True})
    return decoded(body)[name]["features"]


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 4095), st.integers(0, 4095), TOLD), min_size=1, max_size=30))
def test_points_are_those_of_the_library(points: list[tuple[int, int, dict[str, Any]]]) -> None:
    tile, side = Tile(14, 13338, 7116), 4096 << 14
    lons = [((tile.x * 4096 + x + 0.5) / side - 0.5) * 360 for x, _, _ in points]
    lats = [latitude((tile.y * 4096 + y + 0.5) / side) for _, y, _ in points]
    columns = {key: [told.get(key) for _, _, told in points] for key in ("name", "kind", "star", "open", "多")}
    body = encode("places", Marks(lons, lats, columns), tile)
    wanted = from_library("places", [{"geometry": f"POINT({x} {y})", "properties": told} for x, y, told in points])
    layer = decoded(body)["places"]
    assert layer["features"] == wanted
    assert (layer["extent"], layer["version"]) == (4096, 2)


def latitude(y: float) -> float:
    return math.degrees(math.atan(math.sinh((0.5 - y) * 2 * math.pi)))


OUTER = ((120.150, 30.265), (120.160, 30.265), (120.160, 30.275), (120.150, 30.275))
HOLE = ((120.153, 30.268), (120.153, 30.272), (120.157, 30.272), (120.157, 30.268))


def shape_tile(*outlines: shapely.Geometry, tile: Tile, drawn_for: int = 16) -> list[Any]:
    """The geometries of a tile of these outlines, in WGS84 degrees, as the library reads them."""
    drawn = written(draw(outlines, drawn_for))
    shapes = Shapes(drawn_for, drawn, {"number": range(len(drawn))}, NOWHERE)
    layers = decoded(encode("areas", shapes, tile))
    return [(one["properties"]["number"], one["geometry"]) for one in layers["areas"]["features"]] if layers else []


def twice_the_area(ring: list[list[int]]) -> int:
    return sum(x * v - u * y for (x, y), (u, v) in zip(ring, ring[1:] + ring[:1], strict=True))


@pytest.mark.parametrize("turned", [False, True])
def test_rings_are_wound_as_the_specification_says_whichever_way_they_came(turned: bool) -> None:
    rings = [ring[::-1] if turned else ring for ring in (OUTER, HOLE)]
    ((_, geometry),) = shape_tile(shapely.Polygon(rings[0], [rings[1]]), tile=Tile(14, 13660, 6745))
    outer, hole = geometry["coordinates"]
    assert twice_the_area(outer) / 2 == pytest.approx(4.02e6, rel=0.01)
    assert twice_the_area(hole) / 2 == pytest.approx(-6.44e5, rel=0.01)
    corners = {(655, 2816), (2520, 2816), (2520, 657), (655, 657)}
    assert all(min(abs(x - a) + abs(y - b) for a, b in corners) <= 2 for x, y in outer)


def test_an_outline_in_parts_is_one_feature_and_what_is_too_small_to_see_is_none() -> None:
    near = shapely.MultiPolygon(
        [shapely.box(120.15, 30.26, 120.151, 30.261), shapely.box(120.153, 30.26, 120.154, 30.261)]
    )
    metre = shapely.box(120.16, 30.27, 120.16001, 30.27001)
    bow_tie = shapely.Polygon([(120, 30), (120.01, 30.01), (120.01, 30), (120, 30.01)])
    found = shape_tile(metre, near, bow_tie, tile=Tile(5, 26, 13), drawn_for=8)
    assert 0 not in [number for number, _ in found]
    found = shape_tile(metre, near, tile=Tile(14, 13660, 6745))
    assert [(number, geometry["type"]) for number, geometry in found] == [(0, "Polygon"), (1, "MultiPolygon")]


def test_an_outline_is_cut_at_a_buffer_beyond_the_tile_and_shown_where_it_is_only() -> None:
    angle = shapely.Polygon([(120, 30), (120.1, 30), (120.1, 30.01), (120.01, 30.01), (120.01, 30.1), (120, 30.1)])
    beside, within = Tile(14, 13656, 6755), Tile(14, 13655, 6757)
    assert shape_tile(angle, tile=beside) == []
    ((_, geometry),) = shape_tile(shapely.box(119, 29, 121, 31), tile=within)
    assert {abs(n - 2048) for point in geometry["coordinates"][0] for n in point} == {2048 + 64}


@pytest.mark.parametrize(
    ("z", "x", "y", "at"),
    [(14, 13660, 6745, (1600, 855)), (17, 109283, 53961, (516, 2743))],
)
def test_a_point_is_in_its_tile_at_its_place(z: int, x: int, y: int, at: tuple[int, int]) -> None:
    body = encode("a", Marks([120.155070], [30.274084], {}), Tile(z, x, y))
    (point,) = [one["geometry"]["coordinates"] for one in decoded(body)["a"]["features"]]
    assert max(abs(point[0] - at[0]), abs(point[1] - at[1])) <= 1
