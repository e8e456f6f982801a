from __future__ import annotations

import csv
from itertools import groupby
from pathlib import Path
from typing import Any

import orjson
import pytest
import shapely

from backend.territory import demonstration_drawing
from backend.territory.boundaries import examine
from backend.territory.outlines import square_metres

FOLDER = Path(demonstration_drawing.__file__).parent


@pytest.fixture(scope="module")
def drawing() -> dict[str, Any]:
    read: dict[str, Any] = orjson.loads((FOLDER / "demonstration.geojson").read_bytes())
    return read


@pytest.fixture(scope="module")
def outlines(drawing: dict[str, Any]) -> dict[str, shapely.Geometry]:
    return {
        each["properties"]["code"]: shapely.from_geojson(orjson.dumps(each["geometry"]).decode())
        for each in drawing["features"]
    }


def test_the_town_has_about_94_square_kilometres_inside_its_frame(outlines: dict[str, shapely.Geometry]) -> None:
    assert 93e6 < square_metres(outlines["440605121"]) < 95e6
    assert shapely.box(112.91, 22.80, 113.06, 22.93).contains(outlines["440605121"])


def test_every_village_holds_its_real_centre(outlines: dict[str, shapely.Geometry]) -> None:
    with (FOLDER / "villages.csv").open(encoding="utf-8") as file:
        villages = list(csv.DictReader(file))
    assert len(villages) == 27
    for village in villages:
        centre = shapely.Point(float(village["lon"]), float(village["lat"]))
        assert shapely.contains(outlines[village["code"]], centre), village


def test_villages_tile_the_town_and_4_to_8_grids_each_village_without_gap_or_overlap(
    outlines: dict[str, shapely.Geometry],
) -> None:
    grids = {code: outline for code, outline in outlines.items() if len(code) == 15}
    villages = {code: outline for code, outline in outlines.items() if len(code) == 12}
    assert shapely.coverage_is_valid(list(grids.values()))
    assert shapely.coverage_is_valid(list(villages.values()))
    for code, found in groupby(sorted(grids), key=lambda grid: grid[:12]):
        own = list(found)
        assert own == [f"{code}{number:03}" for number in range(1, len(own) + 1)]
        assert 4 <= len(own) <= 8
        union = shapely.union_all([grids[grid] for grid in own])
        assert square_metres(shapely.symmetric_difference(union, villages[code])) < 1
    town = outlines["440605121"]
    assert square_metres(shapely.symmetric_difference(shapely.union_all(list(villages.values())), town)) < 1
    # Areas add up: nothing is counted twice.
    assert sum(map(shapely.area, grids.values())) == pytest.approx(shapely.area(town), rel=1e-9)


def test_the_import_finds_no_fault_in_it(drawing: dict[str, Any]) -> None:
    assert examine(drawing, "wgs84", []).faults == []


def test_the_same_seed_draws_the_committed_town(drawing: dict[str, Any], outlines: dict[str, shapely.Geometry]) -> None:
    again = demonstration_drawing.draw()
    assert [each["properties"] for each in again["features"]] == [each["properties"] for each in drawing["features"]]
    for each in again["features"]:
        drawn = shapely.from_geojson(orjson.dumps(each["geometry"]).decode())
        assert square_metres(shapely.symmetric_difference(drawn, outlines[each["properties"]["code"]])) < 1


def test_households_and_people_are_given_for_every_village_with_a_day(drawing: dict[str, Any]) -> None:
    for each in drawing["features"]:
        facts = each["properties"]
        if len(facts["code"]) == 12:
            assert facts["as_of"] == "2026-01-01"
            assert 2 < facts["population"] / facts["households"] < 4
