"""Boxes as a map asks for them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from backend.partymap.boxes import holds, wgs84_box
from backend.territory.boxes import read_box
from backend.territory.coordinates import from_wgs84


@pytest.mark.parametrize(
    "text",
    [
        "",
        "113,22,114",
        "113,22,114,23,24",
        "113,22,114,north",
        "nan,22,114,23",
        "113,22,114,nan",
        "-inf,22,inf,23",
        "113,22,1e400,23",
        "-181,22,114,23",
        "113,22,114,90.1",
        "114,22,113,23",
        "113,23,114,22",
        "179.5,-1,-179.5,1",
        "113,22,113,23",
        "22,113,23,114",
        "1_13,22,114,23",
        "１１３,22,114,23",
    ],
)
def test_a_box_that_is_none_is_refused_with_a_word_in_both_languages(text: str) -> None:
    with pytest.raises(ValidationError) as refused:
        read_box(text)
    zh, en = next(iter(refused.value.messages))
    assert zh
    assert en


def test_a_box_is_read_in_the_order_of_geojson() -> None:
    assert read_box("112.91, 22.80,113.06,22.93") == (112.91, 22.80, 113.06, 22.93)


@given(lon=st.floats(112.91, 113.06), lat=st.floats(22.80, 22.93), crs=st.sampled_from(["wgs84", "gcj02", "bd09"]))
def test_the_stored_place_of_all_that_a_box_shows_lies_in_the_box_that_is_searched(
    lon: float, lat: float, crs: str
) -> None:
    shown_lon, shown_lat = from_wgs84(lon, lat, crs)
    box = (shown_lon, shown_lat, shown_lon + 0.001, shown_lat + 0.001)
    assert holds(wgs84_box(box, crs), lon, lat)
    box = (shown_lon - 0.001, shown_lat - 0.001, shown_lon, shown_lat)
    assert holds(wgs84_box(box, crs), lon, lat)
