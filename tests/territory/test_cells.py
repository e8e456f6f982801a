import math

import mercantile
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from backend.territory.cells import ZOOM, cell, covering_ranges, tile_range
from backend.territory.coordinates import OutOfRange

LON, LAT = st.floats(-180, 180), st.floats(-90, 90)


@given(LON, st.floats(-85.05, 85.05), st.integers(0, ZOOM))
def test_a_point_lies_in_the_range_of_its_map_tile_and_in_no_neighbours(lon: float, lat: float, z: int) -> None:
    tile = mercantile.tile(lon, lat, z)
    west, south, east, north = mercantile.bounds(tile)
    # On an edge itself rounding may fall either way.
    assume(min(lon - west, east - lon) > 1e-10 and min(lat - south, north - lat) > 1e-10)
    first, last = tile_range(z, tile.x, tile.y)
    assert first <= cell(lon, lat) <= last
    for other in mercantile.neighbors(tile):
        first, last = tile_range(z, other.x, other.y)
        assert not first <= cell(lon, lat) <= last


def test_the_quadkey_read_as_a_number_is_the_cell() -> None:
    assert cell(120.155070, 30.274084) == int(mercantile.quadkey(mercantile.tile(120.155070, 30.274084, ZOOM)), 4)
    assert tile_range(14, 13660, 6745)[0] <= cell(120.155070, 30.274084) <= tile_range(14, 13660, 6745)[1]
    assert tile_range(17, 109283, 53961)[0] <= cell(120.155070, 30.274084) <= tile_range(17, 109283, 53961)[1]


@given(LON, LAT)
def test_every_place_on_earth_has_a_cell_of_52_bits(lon: float, lat: float) -> None:
    assert 0 <= cell(lon, lat) < 1 << 52


@pytest.mark.parametrize(
    ("lon", "lat", "tile"),
    [(180, 0, (2, 3, 2)), (0, 85.06, (2, 2, 0)), (0, 90, (2, 2, 0)), (0, -90, (2, 2, 3)), (-180, -85.06, (2, 0, 3))],
)
def test_the_ends_of_the_earth_fall_into_the_outermost_tiles(
    lon: float, lat: float, tile: tuple[int, int, int]
) -> None:
    first, last = tile_range(*tile)
    assert first <= cell(lon, lat) <= last


@pytest.mark.parametrize(("lon", "lat"), [(math.nan, 0), (0, math.nan), (180.0000001, 0), (0, 91), (math.inf, 0)])
def test_what_is_no_place_has_no_cell(lon: float, lat: float) -> None:
    with pytest.raises(OutOfRange):
        cell(lon, lat)


@pytest.mark.parametrize("tile", [(27, 0, 0), (-1, 0, 0), (2, 4, 0), (2, 0, 4), (2, -1, 0), (30, 5, 5)])
def test_what_is_no_tile_has_no_range(tile: tuple[int, int, int]) -> None:
    with pytest.raises(OutOfRange):
        tile_range(*tile)


@given(LON, LAT, st.floats(0, 5), st.floats(0, 5), st.floats(0, 1), st.floats(0, 1), st.integers(1, 16))
def test_a_box_is_covered_by_few_ranges(
    west: float, south: float, width: float, height: float, right: float, up: float, at_most: int
) -> None:
    east, north = west + width, min(south + height, 90.0)
    box = (west, south, east if east <= 180 else east - 360, north)
    ranges = covering_ranges(box, at_most)
    # A box across the 180th meridian has at least a range on each side.
    assert len(ranges) <= max(at_most, 2)
    assert ranges == sorted(ranges)
    lon, lat = west + width * right, min(south + (north - south) * up, north)
    inside = cell(lon if lon <= 180 else lon - 360, lat)
    assert any(first <= inside <= last for first, last in ranges)


def test_the_ranges_of_a_town_hold_little_more_than_the_town() -> None:
    box = (112.91, 22.80, 113.06, 22.93)
    held = sum(last - first + 1 for first, last in covering_ranges(box))
    tile = 360 / (1 << ZOOM)
    wanted = (box[2] - box[0]) / tile * (box[3] - box[1]) / (tile * math.cos(math.radians(22.865)))
    assert 1 <= held / wanted < 2.5


def test_a_box_upside_down_is_refused() -> None:
    with pytest.raises(OutOfRange):
        covering_ranges((112.0, 23.0, 113.0, 22.0))
