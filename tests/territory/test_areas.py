"""Areas, outlines and locating over HTTP, on both databases."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
import shapely
from flask import Flask
from flask.testing import FlaskClient

from backend.extensions import db
from backend.ledger.tables import LedgerEntry
from backend.territory import schemas
from backend.territory.coordinates import from_wgs84
from backend.territory.location import FRESH, forget, locate
from backend.territory.tables import Area, AreaRevision
from tests.territory.towns import collection, feature, square
from tests.town import HOME, TOWN, VILLAGE, People


@pytest.fixture
def people(client: FlaskClient) -> People:
    return People(client)


@pytest.fixture(scope="module")
def shared_people(shared_client: FlaskClient) -> People:
    return People(shared_client)


def test_the_town_is_walked_page_by_page_down_to_its_grids(shared_people: People) -> None:
    resident = shared_people["resident"]
    towns = resident.get("/areas").json
    assert [(area["code"], area["kind"], area["demonstration"]) for area in towns["items"]] == [(TOWN, "town", True)]
    found, cursor = [], ""
    while cursor is not None:
        page = resident.get(f"/areas?parent={TOWN}&limit=10{cursor and '&cursor=' + cursor}").json
        assert schemas.AreasSchema().validate(page) == {}
        found += page["items"]
        cursor = page["next_cursor"]
    assert len(found) == 27
    assert [area["code"] for area in found] == sorted(area["code"] for area in found)
    grids = resident.get(f"/areas?parent={VILLAGE}").json["items"]
    assert {area["kind"] for area in grids} == {"grid"}
    assert all(area["code"].startswith(VILLAGE) for area in grids)
    assert resident.get(f"/areas?parent={grids[0]['code']}").json == {"items": [], "next_cursor": None}


def test_a_village_tells_its_people_with_source_and_day(shared_people: People) -> None:
    village = shared_people["resident"].get(f"/areas/{VILLAGE}").json
    assert schemas.AreaSchema().validate(village) == {}
    assert (village["name"], village["kind"], village["urban_rural_class"]) == ("敦根社区", "community", "112")
    assert (village["lon"], village["lat"]) == (113.0001, 22.8696)
    assert village["population"] > village["households"] > 0
    assert (village["population_as_of"], village["population_source"]) == ("2026-01-01", "demonstration")
    assert village["demonstration"] is True


def test_centres_come_in_the_system_asked_for(shared_people: People) -> None:
    village = shared_people["resident"].get(f"/areas/{VILLAGE}?crs=gcj02").json
    assert (village["lon"], village["lat"]) == pytest.approx(from_wgs84(113.0001, 22.8696, "gcj02"))
    assert village["crs"] == "gcj02"


@pytest.mark.parametrize("code", ["440605121999", "4406", "abc", "440605121012%00", "x" * 500, "４４０６０５１２１"])
def test_an_area_that_is_not_there_is_not_found(shared_people: People, code: str) -> None:
    for path in (f"/areas/{code}", f"/areas/{code}/outline"):
        assert shared_people["resident"].get(path).status_code == 404


def test_areas_are_for_who_is_signed_in_and_outlines_for_everybody(shared_client: FlaskClient) -> None:
    for path in ("/areas", f"/areas/{TOWN}", "/locate?lon=113&lat=22.87&crs=wgs84"):
        assert shared_client.get(f"/api/v1{path}").status_code == 401
    for path in (f"/areas/{TOWN}/outline", "/areas.geojson"):
        assert shared_client.get(f"/api/v1{path}").status_code == 200


def test_an_outline_is_a_geojson_feature_in_the_system_asked_for(shared_client: FlaskClient) -> None:
    plain = shared_client.get(f"/api/v1/areas/{VILLAGE}/outline")
    assert plain.content_type == "application/geo+json"
    assert schemas.OutlineSchema().validate(plain.json or {}) == {}
    assert (plain.json or {})["properties"]["demonstration"] is True
    shifted = shared_client.get(f"/api/v1/areas/{VILLAGE}/outline?crs=gcj02").json or {}
    for here, there in zip(
        (plain.json or {})["geometry"]["coordinates"][0], shifted["geometry"]["coordinates"][0], strict=True
    ):
        assert there == pytest.approx(from_wgs84(*here, "gcj02"), abs=1e-7)


def test_the_outlines_of_a_level_tile_the_town(shared_client: FlaskClient) -> None:
    counts = {}
    for level in ("village", "grid"):
        drawn = shared_client.get(f"/api/v1/areas.geojson?parent={TOWN}&level={level}").json or {}
        assert schemas.OutlinesSchema().validate(drawn) == {}
        shapes = [shapely.from_geojson(orjson.dumps(each["geometry"]).decode()) for each in drawn["features"]]
        assert shapely.coverage_is_valid(shapes)
        counts[level] = len(shapes)
    assert counts["village"] == 27
    assert 27 * 4 <= counts["grid"] <= 27 * 8
    children = shared_client.get(f"/api/v1/areas.geojson?parent={TOWN}").json or {}
    assert len(children["features"]) == 27
    towns = shared_client.get("/api/v1/areas.geojson").json or {}
    assert [each["id"] for each in towns["features"]] == [TOWN]


def test_a_map_that_has_the_outlines_is_told_so_until_one_is_redrawn(app: Flask, client: FlaskClient) -> None:
    first = client.get(f"/api/v1/areas.geojson?parent={TOWN}")
    assert first.headers["Cache-Control"].startswith("public, max-age=")
    again = {"If-None-Match": first.headers["ETag"]}
    assert client.get(f"/api/v1/areas.geojson?parent={TOWN}", headers=again).status_code == 304
    redraw(app, f"{TOWN}001", name="江滨社区（新）")
    with app.app_context():
        forget()
    assert client.get(f"/api/v1/areas.geojson?parent={TOWN}", headers=again).status_code == 200


def test_a_point_is_located_in_grid_village_and_town(shared_people: People) -> None:
    answer = shared_people["resident"].get(f"/locate?lon={HOME['lon']}&lat={HOME['lat']}&crs={HOME['crs']}")
    place = answer.json
    assert answer.status_code == 200
    assert schemas.LocatedSchema().validate(place) == {}
    assert (place["village"], place["town"]["code"]) == ({"code": VILLAGE, "name": "敦根社区"}, TOWN)
    assert place["grid"]["code"].startswith(VILLAGE)
    assert place["inside"] is True
    assert place["distance_to_boundary"] > 0


def test_a_point_across_the_river_goes_to_the_nearest_grid(shared_people: People) -> None:
    place = shared_people["resident"].get("/locate?lon=113.07&lat=22.82&crs=wgs84").json
    assert place["inside"] is False
    assert 1000 < place["distance_to_boundary"] < 1500


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ("lon=113&lat=22.87", "invalid", "crs"),
        ("lon=113&lat=22.87&crs=", "invalid", "crs"),
        ("lon=113&lat=22.87&crs=GCJ02", "invalid", "crs"),
        ("lat=22.87&crs=wgs84", "invalid", "lon"),
        ("lon=22.87&lat=113&crs=wgs84", "invalid", "lat"),
        ("lon=nan&lat=22.87&crs=wgs84", "invalid", "lon"),
        ("lon=113&lat=1e400&crs=wgs84", "invalid", "lat"),
        ("lon=113&lat=57983&crs=wgs84", "invalid", "lat"),
        ("lon=113&lat=22.87,&crs=wgs84", "invalid", "lat"),
        ("lon=180.0000001&lat=22.87&crs=wgs84", "invalid", "lon"),
        ("lon=116.4&lat=39.9&crs=wgs84", "outside_town", None),
        ("lon=0&lat=90&crs=bd09", "outside_town", None),
    ],
)
@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_a_point_that_cannot_be_located_is_refused_with_the_reason(
    shared_people: People, query: str, code: str, field: str | None, language: str
) -> None:
    headers = {"Accept-Language": language}
    answer = shared_people["resident"].get(f"/locate?{query}", **headers)
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    problem = answer.json
    assert problem["code"] == code
    if field:
        assert problem["errors"][field]
    else:
        assert "九江镇" in problem["detail"] and str(problem["kilometres"]) in problem["detail"]


def test_bad_queries_of_lists_are_refused(shared_people: People) -> None:
    for query in ("parent=4406", "limit=0", "limit=101", "cursor=%00", "cursor=abc", "crs=utm", "parent=%00"):
        assert shared_people["resident"].get(f"/areas?{query}").status_code == 422, query


def redraw(app: Flask, code: str, **changes: Any) -> None:
    """Change an area behind the back of the process, as another worker would."""
    with app.app_context():
        area = db.session.get_one(Area, code)
        for name, value in changes.items():
            setattr(area, name, value)
        db.session.get_one(AreaRevision, 1).revision += 1
        db.session.commit()


def test_a_redraw_by_another_process_is_seen_within_a_second(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.app_context():
        before = locate(**HOME)
    redraw(app, before.area_code, name="改名后的网格")
    clock = __import__("time").monotonic()
    with app.app_context():
        monkeypatch.setattr("backend.territory.location.time.monotonic", lambda: clock + FRESH)
        after = locate(**HOME)
    assert after.grid == (before.area_code, "改名后的网格")


def test_areas_are_not_read_again_while_nothing_changes(app: Flask) -> None:
    from backend.territory.location import territory

    with app.app_context():
        held = territory()
        forget()
        assert territory() is held


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


@pytest.mark.sql
def test_a_prefix_is_found_by_the_key_in_both_databases(app: Flask) -> None:
    from sqlalchemy import select, text

    from backend.territory.codes import prefix_bounds

    low, high = prefix_bounds(VILLAGE)
    statement = select(Area.code).where(Area.code >= low, Area.code < high).order_by(Area.code)
    with app.app_context():
        found = db.session.scalars(statement).all()
        assert found and all(code.startswith(VILLAGE) for code in found)
        sqlite = db.engine.dialect.name == "sqlite"
        if not sqlite:
            db.session.execute(text("SET LOCAL enable_seqscan = off"))
        explain = "EXPLAIN QUERY PLAN " if sqlite else "EXPLAIN "
        bound = statement.compile(db.engine, compile_kwargs={"literal_binds": True})
        plan = " ".join(str(row) for row in db.session.execute(text(explain + str(bound))))
    assert ("sqlite_autoindex_areas_1 (code>? AND code<?)" if sqlite else "pk_areas") in plan, plan
    if not sqlite:
        assert "Index Cond: ((code >= " in plan.replace("(code)::text", "code"), plan
