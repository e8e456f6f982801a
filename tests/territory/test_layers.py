"""The map's layers of the territory."""

from __future__ import annotations

import pytest
from flask import Flask

from backend.territory.coordinates import from_wgs84
from backend.territory.layers import GRIDS, LAYERS, VILLAGES
from tests.town import VILLAGE


def test_grids_and_villages_are_layers_with_titles_in_both_languages() -> None:
    assert [layer.name for layer in LAYERS] == ["grids", "villages"]
    assert all(layer.title_zh and layer.title_en for layer in LAYERS)


def test_without_a_box_a_layer_shows_all_its_areas(shared_app: Flask) -> None:
    with shared_app.app_context():
        assert len(VILLAGES.features()) == 27
        assert {each["properties"]["kind"] for each in VILLAGES.features()} == {"village", "community"}
        assert {each["properties"]["kind"] for each in GRIDS.features()} == {"grid"}
        assert len(GRIDS.features(most=3)) == 3


@pytest.mark.parametrize("crs", ["wgs84", "gcj02", "bd09"])
def test_a_box_is_read_and_answered_in_the_system_asked_for(shared_app: Flask, crs: str) -> None:
    lon, lat = from_wgs84(113.0001, 22.8696, crs)
    box = (lon - 1e-5, lat - 1e-5, lon + 1e-5, lat + 1e-5)
    with shared_app.app_context():
        (village,) = VILLAGES.features(box, crs)
        assert village["id"] == VILLAGE
        xs = [x for x, _ in village["geometry"]["coordinates"][0]]
        assert min(xs) < lon < max(xs)


def test_a_box_elsewhere_is_empty_and_the_whole_world_is_everything(shared_app: Flask) -> None:
    with shared_app.app_context():
        assert VILLAGES.features((116.0, 39.0, 117.0, 40.0), "wgs84") == []
        assert len(VILLAGES.features((-180.0, -90.0, 180.0, 90.0), "gcj02")) == 27
