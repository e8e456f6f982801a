"""The map's layers over HTTP: who gets which, tiles and their caching, and how the town shows them."""

from __future__ import annotations

from typing import Any

import mapbox_vector_tile
import pytest
from flask import Flask
from sqlalchemy import insert, text

from backend.config import Config
from backend.extensions import db
from backend.http import clock
from backend.http.work import unit_of_work
from backend.partymap import pins
from backend.partymap.map_style import map_style
from backend.partymap.tables import ServicePoint
from backend.partymap.tiles import layers_for_caller
from backend.territory.drawings import draw_areas
from tests.cases.test_list_plans import plan_and_work
from tests.cases.test_pins import around
from tests.partymap.conftest import point_row
from tests.town import VILLAGE, People

TOWN_TILE = "9/416/222"
PUBLIC = ["villages", "grids", "case_heat", "training_grounds", "service_points", "public_cases"]


@pytest.fixture
def town(app: Flask) -> Flask:
    """The small town with its outlines drawn."""
    with app.app_context():
        draw_areas(clock.now())
    return app


def features(answer: Any, layer: str) -> list[dict[str, Any]]:
    """What a tile tells of its features."""
    assert answer.status_code == 200, answer.json
    layers = mapbox_vector_tile.decode(answer.data) if answer.data else {}
    return [one["properties"] for one in layers.get(layer, {"features": []})["features"]]


def tile(layer: str, at: str = TOWN_TILE) -> str:
    return f"/partymap/tiles/{layer}/{at}.mvt"


def test_everybody_gets_the_public_layers_and_who_is_signed_in_those_of_their_roles(people: People) -> None:
    def names(answer: Any) -> list[str]:
        return [one["name"] for one in answer.json["items"]]

    nobody = people.client.get("/api/v1/partymap/layers")
    assert names(nobody) == PUBLIC
    assert (nobody.headers["Cache-Control"], nobody.headers["Vary"]) == ("public, max-age=30", "Authorization")
    worker = people["grid_worker"].get("/partymap/layers")
    assert names(worker) == [*PUBLIC[:3], "responsible_areas", *PUBLIC[3:]]
    assert worker.headers["Cache-Control"] == "private, no-cache"
    assert names(people["resident"].get("/partymap/layers")) == PUBLIC
    for one in worker.json["items"]:
        answer = people["grid_worker"].get(one["tilejson"].removeprefix("/api/v1"))
        assert answer.json["tiles"] == [f"http://localhost{one['tiles']}"]
        assert answer.json["bounds"][0] < 113.0 < answer.json["bounds"][2]


def test_a_tile_is_kept_by_its_etag_as_it_is_by_all_or_by_one(town: Flask, people: People) -> None:
    first = people.client.get(f"/api/v1{tile('villages')}")
    assert len(features(first, "villages")) == 27
    assert {one["code"] for one in features(first, "villages_names")} == {
        one["code"] for one in features(first, "villages")
    }
    assert first.mimetype == "application/vnd.mapbox-vector-tile"
    assert first.headers["Cache-Control"] == "public, max-age=30" and "Vary" not in first.headers
    again = people.client.get(f"/api/v1{tile('villages')}", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    own = people["grid_worker"].get(tile("responsible_areas"))
    assert (own.headers["Cache-Control"], own.headers["Vary"]) == ("private, no-cache", "Authorization")
    again = people["grid_worker"].get(tile("responsible_areas"), **{"If-None-Match": own.headers["ETag"]})
    assert again.status_code == 304
    other = people["dispatcher"].get(tile("responsible_areas"), **{"If-None-Match": own.headers["ETag"]})
    assert other.status_code == 200
    nowhere = people.client.get(f"/api/v1{tile('villages', '11/0/0')}")
    assert (nowhere.status_code, nowhere.data) == (200, b"")


def test_responsible_areas_are_those_of_who_asks(town: Flask, people: People) -> None:
    def codes(role: str) -> set[str]:
        return {one["code"] for one in features(people[role].get(tile("responsible_areas")), "responsible_areas")}

    all_grids = {one["code"] for one in features(people.client.get(f"/api/v1{tile('grids')}"), "grids")}
    (mine,) = codes("grid_worker")
    assert codes("dispatcher") == all_grids
    assert codes("village_officer") == {code for code in all_grids if code.startswith(VILLAGE)}
    held = {
        one["code"]: one["held_by"]
        for one in features(people["dispatcher"].get(tile("responsible_areas")), "responsible_areas")
    }
    assert held[mine] == "grid_worker" and set(held.values()) == {"grid_worker", "dispatcher"}
    refused, unknown = (people["resident"].get(tile(layer)) for layer in ("responsible_areas", "no_such_layer"))
    assert (refused.status_code, refused.data) == (404, unknown.data)
    assert people.client.get(f"/api/v1{tile('responsible_areas')}").status_code == 401


@pytest.mark.parametrize(
    "at",
    [
        "40/1/1",
        "19/1/1",
        "2/4/0",
        "2/0/4",
        "1/-1/0",
        "-1/0/0",
        "1.5/0/0",
        "3/0.5/1",
        f"1/{'9' * 5000}/0",
        "３/x/1",
        "nan/0/0",
    ],
)
def test_a_tile_that_there_is_not_is_refused_as_a_problem(shared_app: Flask, at: str) -> None:
    answer = shared_app.test_client().get(f"/api/v1{tile('grids', at)}")
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


def test_points_stand_alone_until_they_are_too_many_and_clusters_lose_none(app: Flask, people: People) -> None:
    def shown(at: str) -> list[dict[str, Any]]:
        app.extensions.pop("tiles", None)
        return features(people.client.get(f"/api/v1{tile('service_points', at)}"), "service_points")

    def add(count: int, **columns: Any) -> None:
        # A square of 300 m near a corner of the town, all within one tile of zoom 14.
        spots = [(112.702 + n % 40 * 0.00005, 22.7025 + n // 40 * 0.00005) for n in range(count)]
        with app.app_context(), unit_of_work() as session:
            session.execute(insert(ServicePoint), [point_row(lon=lon, lat=lat, **columns) for lon, lat in spots])

    square = around(112.703, 22.7032, 14)
    near = f"14/{square.x}/{square.y}"
    add(1000)
    each = shown(near)
    assert len(each) == 1000 and {one["name"] for one in each} == {"敦根社区党群服务中心"}
    add(1, kind="training_ground")
    add(5, active=False)
    clusters = shown(near)
    assert len(clusters) < 300 and sum(one["count"] for one in clusters) == 1001
    assert sum(one["count"] for one in shown(TOWN_TILE)) > 1001
    (ground,) = features(people.client.get(f"/api/v1{tile('training_grounds', near)}"), "training_grounds")
    assert ground["kind"] == "training_ground"


def test_the_admin_switches_names_and_colours_a_layer_and_every_version_is_kept(town: Flask, people: People) -> None:
    admin, public = people["admin"], people.client
    path, body = "/partymap/layers/grids", {"title_zh": "网格图", "colour": "#123456", "order": 99}
    made = admin.put(path, body)
    assert (made.status_code, made.headers["ETag"]) == (200, '"1"'), made.json
    listed = public.get("/api/v1/partymap/layers").json["items"]
    assert [(one["name"], one["title_zh"], one["title_en"], one["colour"]) for one in listed][-1] == (
        *("grids", "网格图", "Grids", "#123456"),
    )
    assert admin.put(path, {"shown": False}).status_code == 428
    assert admin.put(path, {"shown": False}, If_Match='"1"').status_code == 200
    off, unknown = (public.get(f"/api/v1{tile(layer)}") for layer in ("grids", "no_such_layer"))
    assert (off.status_code, off.data) == (404, unknown.data)
    assert "grids" not in [one["name"] for one in public.get("/api/v1/partymap/layers").json["items"]]
    assert admin.delete(path, If_Match='"2"').status_code == 204
    assert public.get(f"/api/v1{tile('grids')}").status_code == 200
    kept = admin.get(f"{path}/history").json["items"]
    assert [one["value"] for one in kept] == [None, {"shown": False}, body]
    for bad in ({"colour": "red"}, {"order": -1}, {"points_from": 19}, {"title_zh": " "}, {"sql": "x"}):
        assert admin.put(path, bad).status_code == 422, bad
    assert people["dispatcher"].put(path, body).status_code == 404
    assert admin.put("/partymap/layers/no_such_layer", body).status_code == 404


def test_the_style_draws_layers_that_there_are_and_asks_nothing_outside_unless_configured(app: Flask) -> None:
    def made(**settings: str) -> dict[str, Any]:
        with app.test_request_context():
            return map_style(
                layers_for_caller(), "https://town.example", [112.9, 22.8, 113.1, 22.9], Config(**settings)
            )

    style = app.test_client().get("/api/v1/partymap/style.json").json
    assert style["version"] == 8 and "glyphs" not in style
    assert {
        one["url"].removeprefix("http://localhost/api/v1/partymap/layers/") for one in style["sources"].values()
    } == {f"{name}/tiles.json" for name in PUBLIC}
    drawn = [one for one in style["layers"] if one["type"] != "background"]
    assert len({one["id"] for one in style["layers"]}) == len(style["layers"])
    assert (
        {one["source-layer"].removesuffix("_names") for one in drawn} == set(PUBLIC) == {one["source"] for one in drawn}
    )
    tianditu = made(TIANDITU_KEY="a-key")
    assert all("tk=a-key" in url for url in tianditu["sources"]["base_vec"]["tiles"])
    assert [one["id"] for one in tianditu["layers"][:3]] == ["ground", "base_vec", "base_cva"]
    assert made(BASE_MAP="pmtiles://a/b.pmtiles")["sources"]["base"]["url"] == "pmtiles://a/b.pmtiles"
    assert made(BASE_MAP="https://a/{z}/{x}/{y}.png")["sources"]["base"]["tiles"] == ["https://a/{z}/{x}/{y}.png"]


@pytest.mark.sql
def test_points_of_a_tile_are_one_range_of_the_index_of_cells(app: Flask) -> None:
    with app.app_context():
        rows = [point_row(lon=112.9 + n % 50 * 0.003, lat=22.8 + n // 50 * 0.003) for n in range(2500)]
        with unit_of_work() as session:
            session.execute(insert(ServicePoint), rows)
        with db.engine.connect() as held:
            held.execute(text("ANALYZE"))
            held.commit()
        span = {"first": 7_000_000, "last": 7_000_009}
        each, _ = plan_and_work(pins._pins[False].statement, span)
        clusters, _ = plan_and_work(pins._clusters[False].statement, {**span, "bits": 9})
    assert "ix_service_points_cell" in each and "ix_service_points_cell" in clusters, (each, clusters)
