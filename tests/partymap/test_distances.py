"""Metres between near places, and boxes that hold a circle."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.partymap.distances import box_around, metres_at


@pytest.mark.parametrize(
    ("start", "end", "metres"),
    # The geodesics on the WGS84 ellipsoid, by PROJ 9.
    [
        ((113.0001, 22.8696), (113.0539, 22.8213), 7687.7936),
        ((113.0, 22.87), (113.001, 22.871), 150.9792),
        ((113.0, 22.87), (113.0, 22.87), 0.0),
    ],
)
def test_a_distance_in_the_town_is_right_to_a_hundred_thousandth(
    start: tuple[float, float], end: tuple[float, float], metres: float
) -> None:
    found = metres_at(start[1]).between(end[0] - start[0], end[1] - start[1])
    assert found == pytest.approx(metres, rel=1e-5)


@given(
    lon=st.floats(-170, 170),
    lat=st.floats(-60, 60),
    radius=st.floats(1, 200_000),
    bearing=st.floats(0, 2 * math.pi),
    share=st.floats(0, 1),
)
def test_a_box_holds_every_place_within_its_radius(
    lon: float, lat: float, radius: float, bearing: float, share: float
) -> None:
    worth = metres_at(lat)
    north = radius * share * math.cos(bearing) / worth.north
    east = radius * share * math.sin(bearing) / (worth.east + worth.east_slope * north)
    west_side, south_side, east_side, north_side = box_around(lon, lat, radius)
    assert west_side <= lon + east <= east_side
    assert south_side <= lat + north <= north_side
