"""Service points as GeoJSON, and as a layer of the map."""

from __future__ import annotations

from typing import Any

import pytest

from backend.http import registry
from backend.partymap.schemas import FeatureCollectionSchema
from backend.territory.coordinates import from_wgs84
from tests.partymap.conftest import MapTown, point_row


def shown(town: MapTown, **query: Any) -> list[str]:
    answered = town.get(".geojson", **query)
    assert answered.status_code == 200, answered.json
    return sorted(feature["properties"]["name"] for feature in answered.json["features"])


def test_a_collection_holds_each_point_where_it_is(town: MapTown) -> None:
    (point,) = town.keep(point_row(star=5))
    answered = town.get(".geojson")
    assert answered.content_type == "application/geo+json"
    collection = answered.json
    FeatureCollectionSchema().load(collection)
    assert (collection["type"], collection["truncated"], collection["coordinates_in"]) == (
        "FeatureCollection",
        False,
        "wgs84",
    )
    (feature,) = collection["features"]
    assert (feature["type"], feature["id"]) == ("Feature", point)
    assert feature["geometry"] == {"type": "Point", "coordinates": [113.005, 22.865]}
    assert feature["properties"]["open_now"] is True


def test_a_box_shows_what_lies_in_it_its_edges_included(town: MapTown) -> None:
    town.keep(
        point_row(name="中", lon=113.005, lat=22.865),
        point_row(name="角", lon=113.01, lat=22.87),
        point_row(name="外", lon=113.0100001, lat=22.865),
    )
    assert shown(town, bbox="113,22.86,113.01,22.87") == ["中", "角"]
    assert shown(town, bbox="113.006,22.86,113.01,22.87") == ["角"]
    assert shown(town, bbox="-180,-90,180,90") == ["中", "外", "角"]
    assert shown(town, bbox="0,0,1,1") == []


@pytest.mark.parametrize("crs", ["gcj02", "bd09"])
def test_a_box_of_another_system_shows_what_that_systems_map_has_in_it(town: MapTown, crs: str) -> None:
    lon, lat = from_wgs84(113.005, 22.865, crs)
    town.keep(point_row(name="内"), point_row(name="外", lon=113.0062, lat=22.865))
    box = f"{lon - 0.001},{lat - 0.001},{lon + 0.001},{lat + 0.001}"
    assert shown(town, bbox=box, crs=crs) == ["内"]
    assert shown(town, bbox=box) == []
    answered = town.get(".geojson", bbox=box, crs=crs).json
    assert answered["coordinates_in"] == crs
    assert answered["features"][0]["geometry"]["coordinates"] == pytest.approx([lon, lat], abs=1e-7)


@pytest.mark.parametrize(
    "bbox",
    ["179.5,-1,-179.5,1", "113.01,22.86,113,22.87", "113,22.87,113.01,22.86", "nan,22.86,113.01,22.87", "1,2,3", ""],
)
def test_a_box_across_the_antimeridian_reversed_or_not_a_number_is_refused(quiet: MapTown, bbox: str) -> None:
    for language in ("zh-CN", "en"):
        answered = quiet.client.get(
            "/api/v1/partymap/points.geojson", query_string={"bbox": bbox}, headers={"Accept-Language": language}
        )
        assert answered.status_code == 422
        (message,) = answered.json["errors"]["bbox"]
        assert message.isascii() is (language == "en")


def test_more_than_a_thousand_points_are_cut_and_say_so(town: MapTown) -> None:
    rows = [point_row(lon=113.001 + n * 1e-6) for n in range(1001)]
    town.keep(*rows)
    whole = town.get(".geojson").json
    assert (len(whole["features"]), whole["truncated"]) == (1000, True)
    lon, lat = from_wgs84(113.001, 22.865, "gcj02")
    east = lon + 0.9e-3
    within = sum(from_wgs84(row["lon"], row["lat"], "gcj02")[0] <= east for row in rows)
    part = town.get(".geojson", crs="gcj02", bbox=f"{lon - 1e-3},{lat - 1e-3},{east},{lat + 1e-3}").json
    assert 850 < within < 950
    assert (len(part["features"]), part["truncated"]) == (within, False)


def test_a_map_seen_again_is_not_sent_again(town: MapTown) -> None:
    town.keep(point_row())
    first = town.get(".geojson")
    again = town.client.get("/api/v1/partymap/points.geojson", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert first.headers["Cache-Control"] == "public, max-age=30"


def test_the_layer_of_service_points_is_published_and_gives_the_same_features(town: MapTown) -> None:
    town.keep(point_row())
    with town.app.app_context():
        layer = registry.layers()["service_points"]
        assert layer.title_zh == "党群服务点"
        (feature,) = layer.features()
    assert feature["properties"] == town.get(".geojson").json["features"][0]["properties"]
