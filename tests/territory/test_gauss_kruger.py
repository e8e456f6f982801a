import math

import pytest

from backend.territory.gauss_kruger import OutsideZone, degrees, zone_of

# EPSG code, longitude, latitude, easting, northing: computed with PROJ 9 (pyproj 3.7.2).
REFERENCE = [
    (4491, 74.213893881, 35.415335209, 13428601.5648, 3920955.8587),
    (4497, 110.6098655, 37.325441235, 19465421.966, 4132700.0504),
    (4501, 135.377160912, 20.096923496, 23539444.796, 2223140.7695),
    (4502, 73.539503975, 44.799010627, 384442.5166, 4963646.3519),
    (4508, 110.278062043, 25.498590753, 427415.9368, 2821483.2293),
    (4512, 136.486934507, 33.048432241, 638889.2072, 3659102.3858),
    (4513, 76.009384354, 33.243302678, 25594072.4154, 3680186.2073),
    (4526, 114.417204422, 22.819725569, 38542829.7119, 2524633.9691),
    (4533, 135.404581975, 45.777449829, 45531465.6589, 5071429.2799),
    (4534, 75.069543631, 41.720059398, 505786.9272, 4620546.0554),
    (4547, 114.514234426, 20.049006023, 553797.0176, 2217874.2108),
    (4554, 135.774690739, 36.915186654, 569033.6228, 4087378.9809),
]


@pytest.mark.parametrize(("epsg", "lon", "lat", "easting", "northing"), REFERENCE)
def test_surveyors_metres_become_degrees_to_the_millimetre(
    epsg: int, lon: float, lat: float, easting: float, northing: float
) -> None:
    found_lon, found_lat = degrees(easting, northing, epsg)
    east = (found_lon - lon) * 111_320 * math.cos(math.radians(lat))
    assert math.hypot(east, (found_lat - lat) * 111_320) < 0.001


def test_every_zone_of_3_and_6_degrees_is_known_and_no_other_code() -> None:
    assert all(zone_of(epsg) for epsg in range(4491, 4555))
    assert zone_of(4490) is zone_of(4555) is None
    with pytest.raises(ValueError, match="4555"):
        degrees(500_000, 2_500_000, 4555)


@pytest.mark.parametrize(
    ("easting", "northing", "epsg"),
    [
        (2_524_633.9691, 542_829.7119, 4547),
        (2_524_633.9691, 38_542_829.7119, 4526),
        (38_542_829.7, 2_524_633.9, 4547),
        (542_829.7, 2_524_633.9, 4526),
        (113.0, 22.87, 4547),
        (math.nan, 2_524_633.9, 4547),
        (500_000.0, math.inf, 4547),
    ],
    ids=["swapped", "swapped with zone", "zone not asked for", "zone missing", "degrees", "NaN", "infinite"],
)
def test_metres_outside_the_zone_named_are_refused(easting: float, northing: float, epsg: int) -> None:
    with pytest.raises(OutsideZone):
        degrees(easting, northing, epsg)
