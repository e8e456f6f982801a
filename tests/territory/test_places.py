from __future__ import annotations

import math

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from backend.territory.coordinates import OutOfRange
from backend.territory.places import NoBoundaries, OutsideTown, Territory, UnknownArea
from tests.territory.towns import feature, polygon, rows, square, territory, town_features

METRES_A_DEGREE = 110_740.0


def test_a_point_lies_in_its_grid_village_and_town() -> None:
    place = territory().locate(113.0025, 22.805)
    assert place.area_code == "999000001001001"
    assert place.grid and place.grid.code == "999000001001001"
    assert place.village and place.village == ("999000001001", "区域999000001001")
    assert place.town.code == "999000001"
    assert place.inside


def test_the_distance_to_the_boundary_is_in_metres() -> None:
    town = territory()
    # 0.001° south of the northern edge, and 0.001° west of the eastern edge of the grid.
    assert town.locate(113.0025, 22.809).distance_to_boundary == pytest.approx(110.7, abs=0.2)
    assert town.locate(113.004, 22.805).distance_to_boundary == pytest.approx(102.7, abs=0.2)


@pytest.mark.parametrize(("lon", "lat"), [(113.005, 22.803), (113.01, 22.803), (113.01, 22.8), (113.005, 22.81)])
def test_a_point_on_a_shared_border_goes_to_the_lowest_code_whoever_asks_first(lon: float, lat: float) -> None:
    expected = min(
        area.code
        for area in rows(town_features())
        if area.kind == "grid" and shapely.from_geojson(area.outline).intersects(shapely.Point(lon, lat))  # type: ignore[union-attr]
    )
    assert Territory(rows(town_features())).area_at(lon, lat) == expected
    assert Territory(reversed(rows(town_features()))).area_at(lon, lat) == expected


@given(st.floats(112.99, 113.03), st.floats(22.79, 22.82))
def test_every_point_agrees_with_asking_all_outlines_one_by_one(lon: float, lat: float) -> None:
    grids = [area for area in rows(town_features()) if area.kind == "grid"]
    point = shapely.Point(lon, lat)
    hits = [area.code for area in grids if shapely.from_geojson(area.outline or "").intersects(point)]
    assert TOWN.area_at(lon, lat) == (min(hits) if hits else None)


@given(st.floats(113.0, 113.02), st.sampled_from([113.0, 113.005, 113.01, 113.015, 113.02]), st.floats(22.8, 22.81))
def test_no_point_of_the_town_is_in_no_grid_borders_included(lon: float, border: float, lat: float) -> None:
    assert TOWN.area_at(lon, lat)
    assert TOWN.area_at(border, lat)


TOWN = territory()


def test_up_to_3_km_outside_the_nearest_grid_answers() -> None:
    south = 22.8 - 2990 / METRES_A_DEGREE
    place = TOWN.locate(113.0125, south)
    assert (place.area_code, place.inside) == ("999000001002001", False)
    assert place.distance_to_boundary == pytest.approx(2990, abs=2)


@pytest.mark.parametrize(("lon", "lat"), [(113.0125, 22.8 - 3010 / METRES_A_DEGREE), (113.0, 27.3), (-71.0, 42.3)])
def test_farther_away_the_error_names_the_town_and_the_distance(lon: float, lat: float) -> None:
    with pytest.raises(OutsideTown) as caught:
        TOWN.locate(lon, lat)
    assert caught.value.params["town"] == "区域999000001"
    across = math.hypot((lon - 113.01) * 102_000, (lat - 22.805) * METRES_A_DEGREE) / 1000
    if across < 600:
        assert caught.value.params["kilometres"] == pytest.approx(across, rel=0.3)
    else:
        assert caught.value.params["kilometres"] == pytest.approx(12_900, rel=0.02)


@pytest.mark.parametrize(("lon", "lat"), [(0.0, 90.0), (0.0, -90.0), (180.0, 0.0), (-180.0, 22.8)])
def test_the_ends_of_the_earth_are_outside_and_no_fault(lon: float, lat: float) -> None:
    with pytest.raises(OutsideTown):
        TOWN.locate(lon, lat)


def test_a_swapped_or_missing_number_is_out_of_range() -> None:
    for lon, lat in ((22.8, 113.0), (math.nan, 22.8), (113.0, math.inf)):
        with pytest.raises(OutOfRange):
            TOWN.locate(lon, lat)


def test_several_towns_in_one_database_keep_their_points_apart() -> None:
    both = territory(*town_features(), *town_features("998000001", 116.4, 39.9))
    assert both.locate(113.0025, 22.805).town.code == "999000001"
    assert both.locate(116.4025, 39.905).town.code == "998000001"
    with pytest.raises(OutsideTown) as caught:
        both.locate(116.5, 40.2)
    assert caught.value.params["town"] == "区域998000001"


def test_a_village_without_drawn_grids_answers_for_itself() -> None:
    place = territory(*town_features()[:2]).locate(113.0025, 22.805)
    assert place.area_code == "999000001001"
    assert place.grid is None
    assert place.village and place.village.code == "999000001001"


def test_a_point_inside_the_village_but_in_none_of_its_grids_goes_to_the_nearest_grid() -> None:
    town, west, _, grid, *_ = town_features()
    place = territory(town, west, grid).locate(113.0075, 22.805)
    assert (place.area_code, place.inside) == ("999000001001001", False)
    assert place.distance_to_boundary == pytest.approx(256, abs=1)


def test_an_enclave_belongs_to_the_grid_that_has_it() -> None:
    ring = square(113.0, 22.8)["coordinates"] + square(113.004, 22.804, 0.002, 0.002)["coordinates"]
    around = {"type": "Polygon", "coordinates": ring}
    town = territory(
        feature("999000001", square(113.0, 22.8)),
        feature("999000001001", square(113.0, 22.8)),
        feature("999000001001001", around),
        feature("999000001001002", square(113.004, 22.804, 0.002, 0.002)),
    )
    assert town.area_at(113.005, 22.805) == "999000001001002"
    assert town.area_at(113.001, 22.801) == "999000001001001"


def test_nothing_can_be_located_without_boundaries() -> None:
    with pytest.raises(NoBoundaries):
        Territory(rows([feature("999000001", None)])).locate(113.0, 22.8)


def test_what_is_known_by_its_area_only_has_a_coarse_place() -> None:
    place = TOWN.place_of_area("999000001001")
    assert (place.area_code, place.lon, place.coarse_lon) == ("999000001001", None, 113.0)
    for code in ("999000001", "999000001009", "", "x" * 1000):
        with pytest.raises(UnknownArea):
            TOWN.place_of_area(code)


L_SHAPE = [(113.0, 30.0), (113.1, 30.0), (113.1, 30.01), (113.01, 30.01), (113.01, 30.1), (113.0, 30.1)]


@pytest.mark.parametrize(("box", "met"), [((113.05, 30.05, 113.09, 30.09), 0), ((113.05, 30.005, 113.09, 30.02), 1)])
def test_a_box_meets_the_shape_and_not_its_envelope(box: tuple[float, float, float, float], met: int) -> None:
    town = territory(feature("999000001", polygon(L_SHAPE)))
    assert len(town.crossing(shapely.box(*box), {"town"})) == met
