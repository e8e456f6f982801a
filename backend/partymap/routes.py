"""The party map over HTTP: service points to find, and for the town and the villages to keep."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from flask import Response, current_app
from sqlalchemy import Row
from sqlalchemy.orm import Session

from backend.config import Config
from backend.http import clock
from backend.http.blueprint import Room
from backend.http.pages import listing, page, read_cursor
from backend.http.permission import permission
from backend.http.problems import NotFound, Problem
from backend.http.reading import answer, public_answer, row, rows
from backend.http.versions import require_match
from backend.ledger.answers import once
from backend.partymap import layers
from backend.partymap.keeping import change_point, enter_point
from backend.partymap.nearest import NEAREST, nearest
from backend.partymap.opening_hours import Calendar
from backend.partymap.points import POINT, as_answer, in_detail, is_open, points_by_element, walk, whole, with_element
from backend.partymap.schemas import (
    CrsQuery,
    ElementsQuery,
    FeatureCollectionSchema,
    GeoJsonQuery,
    NearestQuery,
    NearestSchema,
    NewPoint,
    PointChanges,
    PointDetailSchema,
    PointsOfElementsSchema,
    PointsQuery,
    PointsSchema,
)
from backend.partymap.tables import ServicePoint
from backend.people.access import Caller, covers, town_scope
from backend.people.caller import current_caller
from backend.territory.codes import code_in_cursor, prefix_bounds
from backend.territory.coordinates import to_wgs84
from backend.territory.governance_model import governance_model, require_offered
from backend.territory.location import locate, place_of_area
from backend.territory.work_calendar import work_calendar

room = Room("partymap", "Service points on the map")
KEPT_SECONDS = 30
"""How long a map may be shown from a cache: "open now" is part of it."""

EXAMPLE = {
    "name": "敦根社区榕树头党群服务点",
    "kind": "point",
    "location": {"lon": 113.0055, "lat": 22.8667, "crs": "gcj02"},
    "address": "榕树头旁",
    "services": ["library", "mediation"],
    "opening_hours": {
        "weekly": {
            "workdays": [{"opens": "08:30", "closes": "12:00"}, {"opens": "14:00", "closes": "17:30"}],
            "fri": [{"opens": "16:00", "closes": "01:00"}],
        },
        "exceptions": [{"date": "2027-02-05", "until": "2027-02-08", "hours": [], "note": "春节休息"}],
    },
}


class OutsideYourArea(Problem):
    """A service point that would stand where the caller keeps none."""

    status, code = 422, "outside_your_area"
    zh = "这个位置属于 {area}，不在您负责的范围内；请核对位置，或由镇网格中心登记。"
    en = "This place belongs to {area}, which is not yours to keep; check it, or let the town's desk enter it."


@room.get("/partymap/points")
@room.arguments(PointsQuery, location="query")
@room.response(200, PointsSchema)
@permission("public")
def list_points(query: dict[str, Any]) -> Response:
    """Service points by area, page by page; `open_now` asks at the moment of the call."""
    at = clock.now()
    found = _found(query, query["limit"] + 1, at)
    kept, next_cursor = page(found, query["limit"], lambda point: (point.area_code, point.id))
    return answer(listing([as_answer(point, query["crs"], at, _calendar(point)) for point in kept], next_cursor))


@room.get("/partymap/points/<uuid:point_id>")
@room.arguments(CrsQuery, location="query")
@room.response(200, PointDetailSchema)
@permission("public")
def one_point(query: dict[str, Any], point_id: uuid.UUID) -> Response:
    """A service point, with when it opens and closes next; the ETag is its version."""
    point = row(POINT, id=point_id)
    if point is None:
        raise NotFound
    return _detail(point, query["crs"])


@room.get("/partymap/points/nearest")
@room.arguments(NearestQuery, location="query")
@room.response(200, NearestSchema)
@permission("public")
def nearest_points(query: dict[str, Any]) -> Response:
    """The k service points nearest to a place, with the distance in metres as the crow flies; none beyond 200 km."""
    at = clock.now()
    lon, lat = to_wgs84(query["lon"], query["lat"], query["crs"])
    found = nearest(lambda asked: rows(NEAREST, **asked), lon, lat, query["k"])
    items = [
        {**as_answer(point, query["crs"], at, _calendar(point)), "distance_m": round(metres, 1)}
        for point, metres in found
    ]
    return answer(listing(items))


@room.get("/partymap/points.geojson")
@room.arguments(GeoJsonQuery, location="query")
@room.response(200, FeatureCollectionSchema, content_type="application/geo+json")
@room.cached
@permission("public")
def points_geojson(query: dict[str, Any]) -> Response:
    """Service points of a box (of everywhere without one) as GeoJSON, at most 1000: `truncated` says of more."""
    most = layers.MOST_FEATURES + 1
    features = layers.service_points(query.get("bbox"), query["crs"], most, query.get("element"))
    collection = {
        "type": "FeatureCollection",
        "features": features[: layers.MOST_FEATURES],
        "truncated": len(features) > layers.MOST_FEATURES,
        "coordinates_in": query["crs"],
    }
    return public_answer(collection, KEPT_SECONDS, "application/geo+json")


@room.get("/governance-model/points")
@room.arguments(ElementsQuery, location="query")
@room.response(200, PointsOfElementsSchema)
@permission("public")
def counts_by_element(query: dict[str, Any]) -> Response:
    """How many service points in service bear on each element of the governance model; one may bear on several."""
    config: Config = current_app.config["TOWN_CONFIG"]
    area = query.get("area", config.TOWN)
    model, counted = governance_model(area[:9]), points_by_element(rows, area)
    return answer(listing([model.named(code) | {"points": counted[code]} for code in model.elements]))


@room.post("/partymap/points")
@room.arguments(NewPoint, example=EXAMPLE)
@room.response(201, PointDetailSchema)
@room.resendable
@permission("keep_service_points")
def new_point(body: dict[str, Any]) -> Response:
    """Enter a service point: the town's dispatcher anywhere, a village officer in the own village."""
    caller = current_caller()
    values = body | {"area_code": _area_for(caller, body)}
    require_offered(values["area_code"][:9], body["elements"], "elements")

    def enter(session: Session) -> Response:
        point = enter_point(session, values, caller.account_id, clock.now())
        return _detail(_as_row(session, point.id), body["location"]["crs"], 201)

    return once(caller.account_id, enter)


@room.patch("/partymap/points/<uuid:point_id>")
@room.arguments(PointChanges)
@room.response(200, PointDetailSchema)
@room.conditional
@permission("keep_service_points")
def changed_point(body: dict[str, Any], point_id: uuid.UUID) -> Response:
    """Change a service point, give it up or take it up again (`active`); an empty change confirms it."""
    caller = current_caller()
    held = row(POINT, id=point_id)
    if held is None or not _keeps(caller, held.area_code):
        raise NotFound
    changes = dict(body)
    if "area_code" in body or "location" in body:
        changes["area_code"] = _area_for(caller, body)
    require_offered(held.area_code[:9], body.get("elements", ()), "elements", kept=held.elements)

    def change(session: Session) -> Response:
        point = session.get_one(ServicePoint, point_id, with_for_update=True)
        require_match(point.version)
        change_point(session, point, changes, caller.account_id, clock.now())
        return _detail(_as_row(session, point_id), body.get("location", {}).get("crs", "wgs84"))

    return once(caller.account_id, change)


def _conditions(query: dict[str, Any]) -> dict[str, dict[str, Any]]:
    conditions: dict[str, dict[str, Any]] = {}
    if "area" in query:
        low, high = prefix_bounds(query["area"])
        conditions["area"] = {"area": low, "area_end": high}
    if "kind" in query:
        conditions["kind"] = {"kind": query["kind"]}
    if "service" in query:
        conditions["service"] = {"service": f'"{query["service"]}"'}
    if "element" in query:
        conditions["element"] = with_element(query["element"])
    after = read_cursor(query["cursor"], code_in_cursor, uuid.UUID)
    if after:
        conditions["after"] = dict(zip(("after_area", "after_id"), after, strict=True))
    return conditions


def _found(query: dict[str, Any], most: int, at: datetime) -> list[Row[Any]]:
    conditions, active = _conditions(query), query["active"]
    if "open_now" not in query:
        return walk(rows, conditions, most, active=active)

    def as_asked(point: Row[Any]) -> bool:
        return is_open(point, at, _calendar(point)) is query["open_now"]

    return whole(rows, walk(rows, conditions, most, keep=as_asked, columns="hours", active=active))


def _calendar(point: Row[Any]) -> Calendar:
    return work_calendar(point.area_code[:9])


def _detail(point: Row[Any], crs: str, status: int = 200) -> Response:
    return answer(in_detail(point, crs, clock.now(), _calendar(point)), status, etag=str(point.version))


def _as_row(session: Session, point_id: uuid.UUID) -> Row[Any]:
    return session.execute(POINT, {"id": point_id}).one()


def _area_for(caller: Caller, body: dict[str, Any]) -> str:
    """The area of the point as told, or else where its place lies. Raises OutsideYourArea, or as territory does."""
    told = body.get("area_code")
    area = (place_of_area(told) if told else locate(**body["location"])).area_code
    if not _keeps(caller, area):
        raise OutsideYourArea(area=area)
    return area


def _keeps(caller: Caller, area: str) -> bool:
    return any(covers(scope, area) for scope in town_scope(caller, "keep_service_points"))
