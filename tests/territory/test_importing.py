"""Importing boundaries over HTTP, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient

from backend.extensions import db
from backend.http import clock
from backend.http.work import unit_of_work
from backend.ledger.tables import LedgerEntry
from backend.territory import schemas
from backend.territory.boundaries import BoundariesRefused, import_boundaries
from backend.territory.tables import Area, AreaRevision
from tests.territory.towns import collection, feature, square, town_features
from tests.town import HOME, TOWN, VILLAGE, People


@pytest.fixture
def people(client: FlaskClient) -> People:
    return People(client)


NEW_GRID = f"{VILLAGE}901"
INSIDE = square(112.9995, 22.869, 0.001, 0.001)


def importing(people: People, document: Any, role: str = "admin", **query: Any) -> Any:
    asked = {"crs": "wgs84", "source": "测试图", **query}
    path = "/areas/import?" + "&".join(f"{name}={value}" for name, value in asked.items())
    return people[role].post(path, document)


def test_the_admin_imports_boundaries_and_points_go_to_them_at_once(app: Flask, people: People) -> None:
    village = people["admin"].get(f"/areas/{VILLAGE}/outline").json
    redrawn = feature(f"{TOWN}099", square(113.2, 22.8), name="新村")
    answer = importing(people, collection(redrawn), good_only="true")
    assert answer.status_code == 200
    assert (answer.json["accepted"], answer.json["faults"][0]["error"]) == (0, "outside_parent")

    grids = [each["code"] for each in people["admin"].get(f"/areas?parent={VILLAGE}").json["items"]]
    keep, *gone = grids
    # The village gets one grid of its whole outline; the others move away without an outline of their own.
    with app.app_context():
        for code in gone:
            db.session.get_one(Area, code).outline = None
        db.session.commit()
    whole = feature(keep, village["geometry"], name="敦根一网格")
    answer = importing(people, collection(whole))
    assert answer.json == {"written": True, "accepted": 1, "faults": []}
    place = people["resident"].get(f"/locate?lon={HOME['lon']}&lat={HOME['lat']}&crs={HOME['crs']}").json
    assert place["grid"] == {"code": keep, "name": "敦根一网格"}
    told = people["resident"].get(f"/areas/{keep}").json
    assert (told["outline_source"], told["demonstration"]) == ("测试图", False)


def test_an_import_is_on_record_with_who_and_what(app: Flask, people: People) -> None:
    assert importing(people, collection(feature(VILLAGE, None, name="敦根"))).status_code == 200
    with app.app_context():
        entries = (
            db.session.query(LedgerEntry).filter_by(action="import_areas").order_by(LedgerEntry.thing_version).all()
        )
    assert len(entries) == 2  # the demonstration's own and this one
    assert entries[-1].actor_id is not None
    assert orjson.loads(entries[-1].payload)["details"]["source"] == "测试图"
    assert entries[-1].thing_version > entries[0].thing_version


@pytest.mark.parametrize(
    ("geometry", "error"),
    [
        ({"type": "Point", "coordinates": [113.0, 22.87]}, "not_a_polygon"),
        (square(113.2, 22.8, 0.001, 0.001), "outside_parent"),
        (INSIDE, "overlaps_sibling"),
    ],
)
def test_one_fault_keeps_the_whole_file_out(app: Flask, people: People, geometry: Any, error: str) -> None:
    document = collection(feature(VILLAGE, None, name="别的名字"), feature(NEW_GRID, geometry, name="新网格"))
    answer = importing(people, document)
    assert answer.status_code == 422
    problem = answer.json
    assert (problem["code"], problem["count"]) == ("boundaries_refused", 1)
    assert (problem["faults"][0]["feature"], problem["faults"][0]["code"]) == (2, NEW_GRID)
    assert problem["faults"][0]["error"] == error
    assert people["admin"].get(f"/areas/{VILLAGE}").json["name"] == "敦根社区"
    assert people["admin"].get(f"/areas/{NEW_GRID}").status_code == 404


def test_good_features_only_are_written_on_demand(people: People) -> None:
    document = collection(feature(VILLAGE, None, name="别的名字"), feature(NEW_GRID, INSIDE, name="新网格"))
    answer = importing(people, document, good_only="true")
    assert answer.status_code == 200
    assert (answer.json["accepted"], len(answer.json["faults"])) == (1, 1)
    assert people["admin"].get(f"/areas/{VILLAGE}").json["name"] == "别的名字"


def test_a_dry_run_tells_and_writes_nothing(people: People) -> None:
    document = collection(feature(VILLAGE, None, name="别的名字"), feature(NEW_GRID, INSIDE, name="新网格"))
    answer = importing(people, document, dry_run="true")
    assert answer.status_code == 200
    assert schemas.ImportedSchema().validate(answer.json) == {}
    assert (answer.json["written"], answer.json["accepted"], len(answer.json["faults"])) == (False, 1, 1)
    assert people["admin"].get(f"/areas/{VILLAGE}").json["name"] == "敦根社区"


def test_an_admin_imports_nothing_into_another_town(people: People) -> None:
    answer = importing(people, collection(feature("110101001", square(116.4, 39.9), name="别的镇")))
    assert answer.json["faults"][0]["error"] == "outside_your_area"


def test_only_the_admin_may_import(people: People) -> None:
    document = collection(feature(VILLAGE, None, name="别的名字"))
    for role in ("resident", "dispatcher", "committee", "auditor", "village_officer"):
        assert importing(people, document, role=role).status_code == 404


def test_an_import_of_something_else_is_refused(people: People) -> None:
    good = collection(feature(VILLAGE, None))
    assert importing(people, good, crs="utm").json["code"] == "bad_crs"
    for document in ({}, [], {"type": "FeatureCollection"}, {"type": "FeatureCollection", "features": []}, "x", None):
        assert importing(people, document).status_code == 422, document
    assert people["admin"].post("/areas/import?source=x", good).json["errors"]["crs"]
    assert people["admin"].post("/areas/import?crs=wgs84", good).json["errors"]["source"]
    broken = people["admin"].client.post(
        "/api/v1/areas/import?crs=wgs84&source=x",
        data=b'{"type": "FeatureCollection", ',
        headers=people["admin"].headers | {"Content-Type": "application/json"},
    )
    assert broken.status_code == 400


def test_households_and_people_are_imported_with_their_day(people: People) -> None:
    counted = feature(VILLAGE, None, name="敦根社区", households=1500, population=4700, as_of="2026-06-30")
    assert importing(people, collection(counted)).status_code == 200
    assert importing(people, collection(counted)).status_code == 200
    told = people["resident"].get(f"/areas/{VILLAGE}").json
    assert (told["households"], told["population"]) == (1500, 4700)
    assert (told["population_as_of"], told["population_source"]) == ("2026-06-30", "测试图")


def test_imports_at_the_same_time_wait_for_each_other_and_each_is_counted(app: Flask) -> None:
    towns = [town_features(f"99900000{number}", 114.0 + number) for number in range(1, 6)]

    def run(features: list[dict[str, Any]]) -> None:
        with app.app_context(), unit_of_work() as session:
            import_boundaries(session, collection(*features), "wgs84", source="test", actor=None, now=clock.now())

    with app.app_context():
        before = db.session.get_one(AreaRevision, 1).revision
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(run, towns))
    with app.app_context():
        assert db.session.get_one(AreaRevision, 1).revision == before + 5
        assert db.session.query(Area).filter(Area.code.startswith("999")).count() == 35


def test_two_imports_of_overlapping_towns_at_the_same_time_do_not_both_pass(app: Flask) -> None:
    towns = [town_features(f"99900000{number}", 114.0 + number / 1000) for number in range(1, 5)]

    def run(features: list[dict[str, Any]]) -> bool:
        try:
            with app.app_context(), unit_of_work() as session:
                import_boundaries(session, collection(*features), "wgs84", source="test", actor=None, now=clock.now())
        except BoundariesRefused:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(run, towns)) == 1
