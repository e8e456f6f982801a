"""The service points of the demonstration town."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest
import shapely

from backend.partymap.demonstration import _grids, demonstration_points
from backend.partymap.facts import ENOUGH_MINUTES
from backend.partymap.offers import KINDS
from backend.territory.demonstration_drawing import villages
from tests.partymap.conftest import MapTown

ROWS = demonstration_points()


def test_every_village_has_one_to_four_points_and_a_centre() -> None:
    in_village = Counter(row["area_code"][:12] for row in ROWS)
    assert in_village.keys() == {village["code"] for village in villages()}
    assert set(in_village.values()) <= {1, 2, 3, 4}
    assert 50 <= len(ROWS) <= 70
    centres = Counter(row["area_code"][:12] for row in ROWS if row["kind"] == "village_centre")
    assert set(centres.values()) == {1}
    assert len(centres) == 27
    assert {row["kind"] for row in ROWS} == set(KINDS)


@pytest.mark.parametrize("seed", [1258, 1, 2])
def test_every_point_stands_in_the_grid_it_names(seed: int) -> None:
    outlines = {code: outline for grids in _grids().values() for code, outline in grids}
    for row in demonstration_points(seed):
        assert outlines[row["area_code"]].contains(shapely.Point(row["lon"], row["lat"]))


def test_the_same_seed_gives_the_same_points() -> None:
    assert demonstration_points() == ROWS
    assert demonstration_points(7) != ROWS


def test_the_villages_differ_in_how_many_of_their_doors_are_open_long() -> None:
    shares = defaultdict(list)
    for row in ROWS:
        shares[row["area_code"][:12]].append(row["weekly_open_minutes"] >= ENOUGH_MINUTES)
    assert len({sum(opened) / len(opened) for opened in shares.values()}) >= 4


def test_no_telephone_of_the_demonstration_can_be_dialled_and_no_name_is_a_persons() -> None:
    assert all(row["phone"].startswith("0757-0000") for row in ROWS)
    assert {row["in_charge"] for row in ROWS} == {"值班党员"}
    assert len({row["name"] for row in ROWS}) == len(ROWS)


def test_the_demonstration_points_can_be_kept_and_shown(town: MapTown) -> None:
    town.keep(*ROWS)
    assert len(town.get(".geojson").json["features"]) == len(ROWS)
    assert town.items(service="council_room", kind="town_centre")[0]["name"] == "九江镇党群服务中心"
