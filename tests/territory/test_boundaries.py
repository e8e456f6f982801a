from __future__ import annotations

import json
import math
from contextlib import nullcontext
from typing import Any

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from backend.territory.boundaries import Examined, Known, examine
from backend.territory.coordinates import from_wgs84
from backend.territory.features import BadCrs
from backend.territory.outlines import moved, square_metres, write_outline
from tests.territory.towns import collection, feature, polygon, square, town_features

TOWN, VILLAGE, EAST = "999000001", "999000001001", "999000001002"
METRE = 1 / 110_740.0


def judged(*features: Any, known: list[Known] | None = None, crs: str = "wgs84", **members: Any) -> Examined:
    return examine(collection(*features, **members), crs, known or [])


def faults(examined: Examined) -> list[tuple[int, str]]:
    return [(fault.number, fault.fault.error) for fault in examined.faults]


def known(*features: dict[str, Any]) -> list[Known]:
    """What the database would hold after these features."""
    drafts = judged(*features).accepted
    assert len(drafts) == len(features)
    rows = [draft.row("test", demonstration=False) for draft in drafts]
    return [Known(row["code"], row["name"], row["kind"], row.get("outline")) for row in rows]


def test_a_town_with_villages_and_grids_has_no_fault_in_any_order() -> None:
    features = town_features()
    assert faults(judged(*features)) == []
    assert len(judged(*reversed(features)).accepted) == 7


@pytest.mark.parametrize(
    ("geometry", "error"),
    [
        ({"type": "Point", "coordinates": [113.0, 22.8]}, "not_a_polygon"),
        ({"type": "LineString", "coordinates": [[113.0, 22.8], [113.1, 22.8]]}, "not_a_polygon"),
        ({"type": "GeometryCollection", "geometries": []}, "not_a_polygon"),
        ({"type": "Polygon"}, "not_a_polygon"),
        ({"type": "Polygon", "coordinates": []}, "not_a_polygon"),
        ({"type": "Polygon", "coordinates": [[]]}, "not_a_polygon"),
        ({"type": "Polygon", "coordinates": [[[113, 22], [113, 23], [113, 22]]]}, "not_a_polygon"),
        ({"type": "Polygon", "coordinates": [[[113, 22], [113, 23], [114, 23], [114, 22]]]}, "not_a_polygon"),
        ({"type": "Polygon", "coordinates": {"a": 1}}, "not_a_polygon"),
        ({"type": "MultiPolygon", "coordinates": [[113, 22]]}, "not_a_polygon"),
        ("POLYGON((0 0))", "not_a_polygon"),
        ({"type": "Polygon", "coordinates": [[["113", "22"]] * 4]}, "bad_coordinates"),
        ({"type": "Polygon", "coordinates": [[[True, False]] * 4]}, "bad_coordinates"),
        ({"type": "Polygon", "coordinates": [[None] * 4]}, "bad_coordinates"),
        ({"type": "Polygon", "coordinates": [[[math.nan, 22.8]] * 4]}, "bad_coordinates"),
        (square(22.8, 113.0), "bad_coordinates"),
        (square(113.0, 22.8, 40, 40), "too_large"),
        (polygon([(120.0, 30.0), (120.01, 30.01), (120.01, 30.0), (120.0, 30.01)]), "self_crossing"),
        (polygon([(113.0, 22.8), (113.01, 22.8), (113.0, 22.8)]), "self_crossing"),
    ],
)
def test_what_is_no_proper_outline_is_named(geometry: Any, error: str) -> None:
    examined = judged(feature(TOWN, geometry), *town_features()[1:])
    assert faults(examined)[0] == (1, error)
    assert not examined.accepted
    assert all(number == 1 or error == "parent_refused" for number, error in faults(examined)[1:])


@pytest.mark.parametrize(
    "code", ["", "12345678", "44060512101", "abc", "４４０６０５１２１", None, 1.5, True, ["440605121"]]
)
def test_a_code_that_is_none_is_named(code: Any) -> None:
    assert faults(judged(feature(code, square(113.0, 22.8)))) == [(1, "bad_code")]


def test_codes_may_be_numbers_and_a_town_may_have_three_zeros() -> None:
    examined = judged(feature(440605121000, square(113.0, 22.8)))
    assert [draft.code for draft in examined.accepted] == ["440605121"]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"name": ""}, "bad_name"),
        ({"name": None}, "bad_name"),
        ({"name": "长" * 101}, "bad_name"),
        ({"name": "a\x00b"}, "bad_name"),
        ({"name": 5}, "bad_name"),
        ({"kind": "grid"}, "bad_kind"),
        ({"kind": ["town"]}, "bad_kind"),
        ({"urban_rural_class": "9"}, "bad_class"),
        ({"households": 5}, "bad_population"),
        ({"households": -1, "population": 5, "as_of": "2026-01-01"}, "bad_population"),
        ({"households": 5, "population": 5.5, "as_of": "2026-01-01"}, "bad_population"),
        ({"households": 5, "population": 5, "as_of": "yesterday"}, "bad_population"),
        ({"lon": "113", "lat": 22.8}, "bad_coordinates"),
        ({"lon": 22.8, "lat": 113.0}, "bad_coordinates"),
    ],
)
def test_facts_that_do_not_fit_are_named(changes: dict[str, Any], error: str) -> None:
    assert faults(judged(feature(TOWN, square(113.0, 22.8), **changes))) == [(1, error)]


@pytest.mark.parametrize("thing", [None, 5, "Feature", [], {}, {"type": "Feature"}, {"type": "Polygon"}])
def test_what_is_no_feature_is_named_and_the_others_are_read(thing: Any) -> None:
    examined = judged(thing, town_features()[0])
    assert faults(examined)[0][0] == 1
    assert len(examined.accepted) == 1


def test_a_feature_without_a_parent_anywhere_is_named() -> None:
    assert faults(judged(feature(VILLAGE, square(113.0, 22.8)))) == [(1, "unknown_parent")]


def test_the_second_feature_of_a_code_is_a_duplicate() -> None:
    town = town_features()[0]
    assert faults(judged(town, town)) == [(2, "duplicate")]


@pytest.mark.parametrize(("metres", "fault"), [(0.0009, False), (0.002, True), (50, True)])
def test_sticking_out_of_the_parent_by_more_than_a_square_metre_is_a_fault(metres: float, fault: bool) -> None:
    # The southern edge of a village is 1026 m long.
    town, village = town_features()[:2]
    village["geometry"] = square(113.0, 22.8 - metres * METRE)
    assert faults(judged(town, village)) == ([(2, "outside_parent")] if fault else [])


@pytest.mark.parametrize(("metres", "fault"), [(0.0008, False), (0.002, True), (50, True)])
def test_overlapping_a_sibling_by_more_than_a_square_metre_is_a_fault(metres: float, fault: bool) -> None:
    town, west, east = town_features()[:3]
    east["geometry"] = square(113.01 - metres / 102_000, 22.8)
    examined = judged(town, west, east)
    assert faults(examined) == ([(3, "overlaps_sibling")] if fault else [])
    if fault:
        assert VILLAGE in examined.faults[0].fault.en and VILLAGE in examined.faults[0].fault.zh


def test_a_grid_may_not_reach_into_another_villages_grids_even_where_villages_are_not_drawn() -> None:
    town, west, east, *grids = town_features()
    west["geometry"] = east["geometry"] = None
    grids[2]["geometry"] = square(113.009, 22.8, 0.005)
    assert faults(judged(town, west, east, *grids)) == [(6, "overlaps_sibling")]


def test_a_redrawn_parent_must_still_hold_its_children() -> None:
    before = known(*town_features())
    examined = judged(feature(VILLAGE, square(113.0, 22.8, 0.008)), known=before)
    assert faults(examined) == [(1, "leaves_out_child")]


def test_two_villages_may_exchange_land_in_one_import_and_not_in_two() -> None:
    before = known(*town_features()[:3])
    west, east = feature(VILLAGE, square(113.0, 22.8, 0.012)), feature(EAST, square(113.012, 22.8, 0.008))
    assert faults(judged(west, east, known=before)) == []
    assert faults(judged(west, known=before)) == [(1, "overlaps_sibling")]


def test_what_is_refused_stays_as_it_was_for_the_others() -> None:
    before = known(*town_features()[:3])
    # The east gives land up but is faulty, so the west may not take it.
    bow_tie = polygon([(113.012, 22.8), (113.02, 22.81), (113.02, 22.8), (113.012, 22.81)])
    examined = judged(feature(VILLAGE, square(113.0, 22.8, 0.012)), feature(EAST, bow_tie), known=before)
    assert faults(examined) == [(1, "overlaps_sibling"), (2, "self_crossing")]
    sticks_out = feature(EAST, square(113.012, 22.8, 0.018))
    examined = judged(feature(VILLAGE, square(113.0, 22.8, 0.012)), sticks_out, known=before)
    assert faults(examined) == [(1, "overlaps_sibling"), (2, "outside_parent")]
    assert examined.accepted == []


def test_areas_outside_ones_scope_are_refused() -> None:
    examined = examine(collection(*town_features()), "wgs84", [], scopes=("440605121",))
    assert {error for _, error in faults(examined)} == {"outside_your_area"}


def test_a_multipolygon_with_a_hole_is_a_village_too() -> None:
    hole = square(113.002, 22.802, 0.002, 0.002)["coordinates"][0]
    parts = [[square(113.0, 22.8, 0.005)["coordinates"][0], hole], square(113.006, 22.8, 0.004)["coordinates"]]
    geometry = {"type": "MultiPolygon", "coordinates": parts}
    examined = judged(town_features()[0], feature(VILLAGE, geometry))
    assert faults(examined) == []
    outline = examined.accepted[1].outline
    assert outline is not None
    assert square_metres(outline) == pytest.approx(square_metres(shapely.from_geojson(json.dumps(geometry))))


@pytest.mark.parametrize("crs", ["gcj02", "bd09", "cgcs2000", "EPSG:4490", "epsg:4326"])
def test_a_whole_town_in_another_system_of_degrees_comes_out_where_it_lies_without_slivers(crs: str) -> None:
    name = crs.lower() if crs in ("gcj02", "bd09") else "wgs84"
    shifted = town_features()
    for each in shifted:
        rings = each["geometry"]["coordinates"]
        # Every 0.0025° a vertex, so that who shares a border shares all of its vertices.
        dense = shapely.get_coordinates(shapely.segmentize(shapely.Polygon(rings[0]), 0.0026)).tolist()
        rings[0] = [list(from_wgs84(round(x, 9), round(y, 9), name)) for x, y in dense]
    examined = judged(*shifted, crs=crs)
    assert faults(examined) == []
    assert_town_where_it_lies(examined)


def test_a_town_in_surveyors_metres_comes_out_where_it_lies() -> None:
    # Corners of the town in EPSG:4547 (3° zone, central meridian 114 E), computed with PROJ 9.
    ring = [
        (397323.3701, 2522736.3025),
        (399377.0452, 2522722.5501),
        (399384.3883, 2523830.0771),
        (397330.8631, 2523843.8342),
    ]
    examined = judged(feature(TOWN, polygon(ring)), crs="epsg:4547")
    assert faults(examined) == []
    outline = examined.accepted[0].outline
    assert outline is not None
    expected = [(113.0, 22.8), (113.02, 22.8), (113.02, 22.81), (113.0, 22.81)]
    corners = shapely.get_coordinates(outline).tolist()
    for lon, lat in expected:
        assert min(math.hypot((x - lon) * 102_000, (y - lat) * 110_740) for x, y in corners) < 0.01


def test_neighbours_that_do_not_share_every_vertex_still_fit_in_a_shifted_system() -> None:
    """A straight border with a vertex on one side only: shifted it is a curve, to be followed by both."""
    town, west, east = town_features()[:3]
    east["geometry"] = polygon([(113.01, 22.8), (113.02, 22.8), (113.02, 22.81), (113.01, 22.81), (113.01, 22.8037)])
    for each in (town, west, east):
        rings = each["geometry"]["coordinates"]
        rings[0] = [[x + 0.0055, y - 0.0028] for x, y in rings[0]]
    assert faults(judged(town, west, east, crs="gcj02")) == []


def assert_town_where_it_lies(examined: Examined) -> None:
    for draft, original in zip(examined.accepted, judged(*town_features()).accepted, strict=True):
        assert draft.code == original.code
        assert draft.outline is not None and original.outline is not None
        # The lines between the corners were straight in the other system, and bend by centimetres.
        assert square_metres(shapely.symmetric_difference(draft.outline, original.outline)) < 1000


@pytest.mark.parametrize("crs", ["", "gcj-02", "epsg:3857", "epsg:99999999999", "4547", "epsg:4555", "utm"])
def test_an_unknown_system_refuses_the_file(crs: str) -> None:
    with pytest.raises(BadCrs):
        judged(*town_features(), crs=crs)


@pytest.mark.parametrize(
    ("stated", "asked", "refused"),
    [
        ("urn:ogc:def:crs:OGC:1.3:CRS84", "wgs84", False),
        ("urn:ogc:def:crs:OGC:1.3:CRS84", "gcj02", False),
        ("urn:ogc:def:crs:EPSG::4490", "cgcs2000", False),
        ("urn:ogc:def:crs:EPSG::4547", "wgs84", True),
        ("urn:ogc:def:crs:EPSG::4547", "epsg:4526", True),
        ("EPSG:4547", "gcj02", True),
        (5, "wgs84", True),
    ],
)
def test_a_system_that_contradicts_the_file_is_refused(stated: Any, asked: str, refused: bool) -> None:
    document = collection(*town_features(), crs={"type": "name", "properties": {"name": stated}})
    with pytest.raises(BadCrs) if refused else nullcontext():
        examine(document, asked, [])


def test_metres_in_the_wrong_zone_are_bad_coordinates() -> None:
    assert faults(judged(feature(TOWN, square(2_520_000, 400_000, 2000, 1000)), crs="epsg:4547")) == [
        (1, "bad_coordinates")
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)


@given(
    st.sampled_from(["type", "properties", "geometry", "code", "name", "kind", "coordinates", "households", "lon"]),
    JSON,
    st.sampled_from(["wgs84", "gcj02", "epsg:4547"]),
)
def test_no_feature_whatever_breaks_the_examination(where: str, value: Any, crs: str) -> None:
    broken = town_features()[1]
    target = broken if where in broken else broken["geometry"] if where == "coordinates" else broken["properties"]
    target[where] = value
    judged(town_features()[0], broken, crs=crs)


def test_a_kind_left_out_follows_from_code_and_name() -> None:
    town = town_features()[0]
    village, community = feature(VILLAGE, None, name="新龙村"), feature(EAST, None, name="南方社区")
    assert [draft.facts["kind"] for draft in judged(town, village, community).accepted] == [
        "town",
        "village",
        "community",
    ]


def test_moved_keeps_every_vertex() -> None:
    outline = shapely.box(113.0, 22.8, 113.01, 22.81)
    assert moved(outline, lambda x, y: (x, y)).equals(outline)


@pytest.mark.parametrize("turn", [1, -1])
def test_rings_are_kept_in_the_order_of_the_standard_whichever_way_they_were_drawn(turn: int) -> None:
    outer, hole = (
        list(shapely.box(*at).exterior.coords)
        for at in ((120.15, 30.265, 120.16, 30.275), (120.153, 30.268, 120.157, 30.272))
    )
    kept = json.loads(write_outline(shapely.Polygon(outer[::turn], [hole[::turn]])))
    around, inside = (shapely.LinearRing(ring) for ring in kept["coordinates"])
    assert (around.is_ccw, inside.is_ccw) == (True, False)
    assert around.bounds == (120.15, 30.265, 120.16, 30.275) and inside.bounds == (120.153, 30.268, 120.157, 30.272)
