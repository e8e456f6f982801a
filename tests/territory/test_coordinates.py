import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.territory.coordinates import CRS, OutOfRange, UnknownCrs, from_wgs84, in_china, to_wgs84

Place = tuple[float, float]
FOREIGN = {
    "Seoul": (126.978, 37.567),
    "Ulaanbaatar": (106.917, 47.918),
    "Hanoi": (105.854, 21.028),
    "Vladivostok": (131.885, 43.115),
    "Delhi": (77.209, 28.614),
    "Kathmandu": (85.324, 27.717),
    "Thimphu": (89.639, 27.472),
    "Almaty": (76.945, 43.238),
    "Sainshand": (110.140, 44.892),
    "Naha": (127.679, 26.212),
    "Manila": (120.984, 14.599),
    "Boston": (-71.058, 42.360),
    "the pole": (0.0, 90.0),
}
CHINESE = {
    "Jiujiang": (113.0001, 22.8696),
    "Hong Kong": (114.169, 22.304),
    "Macau": (113.549, 22.190),
    "Taipei": (121.565, 25.033),
    "Kinmen": (118.318, 24.436),
    "Sanya": (109.512, 18.253),
    "Kashgar": (75.990, 39.470),
    "Lhasa": (91.117, 29.650),
    "Mohe": (122.538, 52.972),
    "Jiamusi": (130.360, 46.810),
    "Dandong": (124.394, 40.129),
}


def metres(one: Place, other: Place) -> float:
    east = (one[0] - other[0]) * 111_320 * math.cos(math.radians(one[1]))
    return math.hypot(east, (one[1] - other[1]) * 111_320)


@pytest.mark.parametrize(
    ("wgs84", "gcj02"),
    [
        ((116.397452, 39.909187), (116.4036956, 39.9105905)),
        ((114.351929, 30.521780), (114.3574399, 30.5194312)),
        ((122.993956, 44.998041), (123.0, 45.0)),
        ((114.3464259, 30.5241377), (114.351929, 30.521780)),
    ],
)
def test_gcj02_agrees_with_the_formulas_in_common_use_both_ways(wgs84: Place, gcj02: Place) -> None:
    assert from_wgs84(*wgs84, "gcj02") == pytest.approx(gcj02, abs=1e-6)
    assert to_wgs84(*gcj02, "gcj02") == pytest.approx(wgs84, abs=1e-6)


def test_bd09_agrees_with_the_formulas_in_common_use() -> None:
    # 116.404, 39.915 in BD-09 is the example of Baidu's own documentation; the value is gcoord's.
    assert from_wgs84(*to_wgs84(116.404, 39.915, "bd09"), "gcj02") == pytest.approx(
        (116.39762729, 39.90865674), abs=1e-6
    )


@given(st.floats(72, 137), st.floats(3, 55), st.sampled_from(CRS))
def test_every_point_comes_back_within_a_decimetre_at_home_abroad_and_across_the_border(
    lon: float, lat: float, crs: str
) -> None:
    assert metres(to_wgs84(*from_wgs84(lon, lat, crs), crs), (lon, lat)) < 0.1
    assert metres(from_wgs84(*to_wgs84(lon, lat, crs), crs), (lon, lat)) < 0.1


@given(st.floats(109.6, 117.4), st.floats(20.2, 25.6), st.sampled_from(["gcj02", "bd09"]))
def test_over_guangdong_phones_are_some_hundred_metres_off_and_come_back(lon: float, lat: float, crs: str) -> None:
    if in_china(lon, lat):
        assert 300 < metres(from_wgs84(lon, lat, crs), (lon, lat)) < 1500
    assert metres(to_wgs84(*from_wgs84(lon, lat, crs), crs), (lon, lat)) < 0.001


@pytest.mark.parametrize("crs", CRS)
@pytest.mark.parametrize("place", FOREIGN.values(), ids=FOREIGN)
def test_points_abroad_pass_through_unshifted(place: Place, crs: str) -> None:
    assert from_wgs84(*place, crs) == place == to_wgs84(*place, crs)


@pytest.mark.parametrize("crs", ["gcj02", "bd09"])
@pytest.mark.parametrize("place", CHINESE.values(), ids=CHINESE)
def test_points_in_china_are_shifted_hong_kong_macau_and_taiwan_included(place: Place, crs: str) -> None:
    assert in_china(*place)
    assert metres(from_wgs84(*place, crs), place) > 50


def test_degrees_of_cgcs2000_are_taken_as_wgs84() -> None:
    assert to_wgs84(113.0, 22.87, "cgcs2000") == (113.0, 22.87) == from_wgs84(113.0, 22.87, "cgcs2000")


@pytest.mark.parametrize("crs", ["", "GCJ-02", "wgs-84", "epsg:4490", "None"])
def test_an_unknown_system_is_refused_with_the_list_of_those_known(crs: str) -> None:
    for convert in (to_wgs84, from_wgs84):
        with pytest.raises(UnknownCrs) as caught:
            convert(113.0, 22.87, crs)
        assert "gcj02" in str(caught.value.errors)


@pytest.mark.parametrize("crs", CRS)
@pytest.mark.parametrize(
    ("lon", "lat"),
    [
        (120.1, 57983),
        (120.1, math.nan),
        (math.nan, 30.0),
        (120.1, math.inf),
        (180.0000001, 30.0),
        (22.87, 113.0),
        (-math.inf, 0.0),
    ],
)
def test_a_latitude_that_is_no_latitude_is_refused(lon: float, lat: float, crs: str) -> None:
    for convert in (to_wgs84, from_wgs84):
        with pytest.raises(OutOfRange):
            convert(lon, lat, crs)
