"""Areas, outlines and locating over HTTP, on both databases."""

from __future__ import annotations

import time
from typing import Any

import orjson
import pytest
import shapely
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from backend.extensions import db
from backend.territory import schemas
from backend.territory.codes import prefix_bounds
from backend.territory.coordinates import from_wgs84
from backend.territory.location import FRESH, forget, locate, territory
from backend.territory.tables import Area, AreaRevision
from tests.town import HOME, TOWN, VILLAGE, People


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
    later = time.monotonic() + FRESH
    with app.app_context():
        monkeypatch.setattr("backend.territory.location.time.monotonic", lambda: later)
        after = locate(**HOME)
    assert after.grid == (before.area_code, "改名后的网格")


def test_areas_are_not_read_again_while_nothing_changes(app: Flask) -> None:
    with app.app_context():
        held = territory()
        forget()
        assert territory() is held


@pytest.mark.sql
def test_a_prefix_is_found_by_the_key_in_both_databases(app: Flask) -> None:
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
