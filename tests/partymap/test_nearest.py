"""The nearest service points."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import pytest

from backend.partymap.distances import metres_at
from tests.partymap.conftest import MapTown, point_row


def haversine(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Metres on a sphere, as an independent measure good to half a per cent."""
    (lon1, lat1), (lon2, lat2) = (tuple(map(math.radians, place)) for place in (a, b))
    h = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * 6_371_009 * math.asin(math.sqrt(h))


def ask(town: MapTown, lon: float, lat: float, **query: Any) -> list[dict[str, Any]]:
    answered = town.get("/nearest", lon=lon, lat=lat, **{"crs": "wgs84", **query})
    assert answered.status_code == 200, answered.json
    found: list[dict[str, Any]] = answered.json["items"]
    return found


def test_the_k_nearest_are_those_a_look_at_every_point_finds(town: MapTown) -> None:
    random = Random(7)
    # Clusters and loners, so that some searches end in the first box and others grow to the last.
    places = [(113 + random.gauss(0, 0.01), 22.86 + random.gauss(0, 0.01)) for _ in range(150)]
    places += [(113 + random.uniform(-1.5, 1.5), 22.86 + random.uniform(-1.5, 1.5)) for _ in range(50)]
    rows = [point_row(lon=lon, lat=lat) for lon, lat in places]
    town.keep(*rows)
    for _ in range(40):
        spread = random.choice((0.01, 0.5, 1.2))
        lon, lat = 113 + random.uniform(-spread, spread), 22.86 + random.uniform(-spread, spread)
        k = random.choice((1, 3, 10, 50))
        worth = metres_at(lat)
        by_distance = sorted((worth.between(r["lon"] - lon, r["lat"] - lat), str(r["id"])) for r in rows)
        within = [name for metres, name in by_distance if metres <= 200_000]
        assert [item["id"] for item in ask(town, lon, lat, k=k)] == within[:k]


def test_the_distance_is_in_metres(town: MapTown) -> None:
    town.keep(point_row(lon=113.0539, lat=22.8213))
    (item,) = ask(town, 113.0001, 22.8696)
    assert item["distance_m"] == pytest.approx(7687.8, abs=0.2)
    assert item["distance_m"] == pytest.approx(haversine((113.0001, 22.8696), (113.0539, 22.8213)), rel=0.005)


def test_a_phone_that_speaks_gcj02_gets_the_same_distance(town: MapTown) -> None:
    town.keep(point_row(lon=116.397452, lat=39.909187))
    (item,) = ask(town, 116.4036956, 39.9105905, crs="gcj02")
    assert item["distance_m"] < 0.2
    assert item["location"]["lon"] == pytest.approx(116.4036956, abs=1e-6)


def test_nobody_is_sent_farther_than_200_kilometres(town: MapTown) -> None:
    town.keep(point_row())
    assert ask(town, 113.005, 24.6) != []
    assert ask(town, 113.005, 24.8) == []
    assert ask(town, -73.9, 40.7) == []


def test_a_difference_whose_square_no_database_holds_is_none(town: MapTown) -> None:
    town.keep(point_row(lon=0.0, lat=0.0))
    (item,) = ask(town, 3.9e-241, 1e-200)
    assert item["distance_m"] == 0


def test_without_any_point_nothing_is_near(town: MapTown) -> None:
    for lon, lat in ((113.005, 22.865), (180, 0), (-180, -90), (0, 90)):
        assert ask(town, lon, lat) == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"lon": 113, "lat": 22.8}, "crs"),
        ({"lon": 113, "crs": "wgs84"}, "lat"),
        ({"lon": 22.8, "lat": 113, "crs": "wgs84"}, "lat"),
        ({"lon": "nan", "lat": 22.8, "crs": "wgs84"}, "lon"),
        ({"lon": "1e400", "lat": 22.8, "crs": "wgs84"}, "lon"),
        ({"lon": 180.0000001, "lat": 22.8, "crs": "wgs84"}, "lon"),
        ({"lon": 113, "lat": 22.8, "crs": "wgs84", "k": 51}, "k"),
        ({"lon": 113, "lat": 22.8, "crs": "wgs84", "k": 0}, "k"),
        ({"lon": 113, "lat": 22.8, "crs": "wgs84", "k": 2**70}, "k"),
    ],
)
def test_a_search_asked_wrongly_is_refused_by_the_field(quiet: MapTown, query: dict[str, Any], field: str) -> None:
    answered = quiet.get("/nearest", **query)
    assert answered.status_code == 422
    assert field in answered.json["errors"]
