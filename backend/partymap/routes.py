"""Service points over HTTP: to read for everybody, and for the town and the villages to keep."""

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
from backend.http.pages import listing, read_cursor, write_cursor
from backend.http.permission import permission
from backend.http.problems import NotFound
from backend.http.reading import answer, public_answer, row, rows
from backend.http.versions import require_match
from backend.ledger.answers import once
from backend.partymap import layers
from backend.partymap.by_name import find_by_name, key_of, word_in_cursor
from backend.partymap.in_charge import people_in_charge
from backend.partymap.keeping import OutsideYourArea, area_of, change_point, confirm_point, confirms, enter_point, keeps
from backend.partymap.offers import KINDS, SERVICES
from backend.partymap.opening_hours import Calendar
from backend.partymap.photos import PHOTO, look_at
from backend.partymap.points import (
    LOOKS,
    POINT,
    Keep,
    as_answer,
    in_detail,
    is_open,
    look_through,
    points_by_element,
    whole,
    with_element,
)
from backend.partymap.schemas import (
    CrsQuery,
    ElementsQuery,
    EmptyBody,
    FeatureCollectionSchema,
    GeoJsonQuery,
    NewPoint,
    OffersSchema,
    PeopleSchema,
    PointChanges,
    PointDetailSchema,
    PointsOfElementsSchema,
    PointsQuery,
    PointsSchema,
)
from backend.partymap.tables import ServicePoint
from backend.partymap.words import kind_word, service_word
from backend.people.access import Caller
from backend.people.caller import current_caller
from backend.territory.codes import code_in_cursor, prefix_bounds
from backend.territory.governance_model import governance_model, require_offered
from backend.territory.location import names_of
from backend.territory.named_days import DAY_NAMES
from backend.territory.work_calendar import work_calendar

room = Room("partymap", "Service points on the map")
KEPT_SECONDS = 30
"""How long a map may be shown from a cache: "open now" is part of it."""
OFFERS_KEPT = 3600
_JPEG: Any = {"type": "string", "format": "binary", "description": "upright, in sRGB, without metadata"}

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
        "exceptions": [
            {"date": "2027-03-01", "until": "2027-03-05", "hours": [], "note": "装修"},
            {"holiday": "spring_festival", "hours": []},
        ],
    },
}


@room.get("/partymap/points")
@room.arguments(PointsQuery, location="query")
@room.response(200, PointsSchema)
@room.described(
    "Service points by area, page by page; with `text` those whose name has it (characters, pinyin, or the initials of "
    f"that), what fits most nearly first. `open_now` asks at the moment of the call, of {LOOKS:,} points a page: "
    "a page may then be short, or empty, though there is a next one."
)
@permission("public")
def list_points(query: dict[str, Any]) -> Response:
    """Service points by area, or by what is typed of their name; `open_now` asks at the moment of the call."""
    at, limit = clock.now(), query["limit"]
    found, cursor = (_by_name if "text" in query else _by_area)(query, limit, at)
    return answer(listing([as_answer(point, query["crs"], at, calendar_of(point)) for point in found], cursor))


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


@room.get("/partymap/points/<uuid:point_id>/photos/<uuid:photo>")
@room.response(200, _JPEG, content_type=PHOTO)
@room.cached
@room.in_parts
@permission("public")
def look_at_photo(point_id: uuid.UUID, photo: uuid.UUID) -> Response:
    """A photo of a service point, at most 2560 pixels along an edge."""
    return look_at("served", point_id, photo)


@room.get("/partymap/points/<uuid:point_id>/photos/<uuid:photo>/thumbnail")
@room.response(200, _JPEG, content_type=PHOTO)
@room.cached
@room.in_parts
@permission("public")
def look_at_small_photo(point_id: uuid.UUID, photo: uuid.UUID) -> Response:
    """The same, at most 400 pixels along an edge."""
    return look_at("thumbnail", point_id, photo)


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


@room.get("/partymap/offers")
@room.response(200, OffersSchema)
@room.cached
@permission("public")
def offers() -> Response:
    """The coded lists: kinds of points, services, and the holidays that opening hours can name, in both languages."""
    lists = {"kinds": KINDS, "services": SERVICES, "holidays": DAY_NAMES}
    told = {name: [_offer(*one) for one in listed.items()] for name, listed in lists.items()}
    return public_answer(told, OFFERS_KEPT)


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
    """Change a service point, or confirm it as it is with an empty change; one that is given up is `active: false`."""
    caller = current_caller()
    known = row(POINT, id=point_id)
    if known is None or not keeps(caller, known.area_code):
        raise NotFound
    changes = dict(body)
    if "area_code" in body or "location" in body:
        changes["area_code"] = _area_for(caller, body)
    require_offered(known.area_code[:9], body.get("elements", ()), "elements", kept=known.elements)

    def change(session: Session) -> Response:
        point = session.get_one(ServicePoint, point_id, with_for_update=True)
        require_match(point.version)
        change_point(session, point, changes, caller.account_id, clock.now())
        return _detail(_as_row(session, point_id), body.get("location", {}).get("crs", "wgs84"))

    return once(caller.account_id, change)


@room.post("/partymap/points/<uuid:point_id>/confirm")
@room.arguments(EmptyBody)
@room.response(200, PointDetailSchema)
@room.conditional
@permission("confirm_service_points")
def confirmed_point(_body: dict[str, Any], point_id: uuid.UUID) -> Response:
    """Say that all is so as it stands there: whoever keeps the point, its grid worker, or who is in charge of it."""
    caller = current_caller()
    known = row(POINT, id=point_id)
    if known is None or not confirms(caller, known.area_code, point_id):
        raise NotFound

    def confirm(session: Session) -> Response:
        point = session.get_one(ServicePoint, point_id, with_for_update=True)
        require_match(point.version)
        confirm_point(session, point, caller.account_id, clock.now())
        return _detail(_as_row(session, point_id), "wgs84")

    return once(caller.account_id, confirm)


@room.get("/partymap/points/<uuid:point_id>/people")
@room.response(200, PeopleSchema)
@permission("keep_service_points")
def people(point_id: uuid.UUID) -> Response:
    """The people in charge of a service point, for who keeps it; a change of the point's `people` replaces them."""
    point = row(POINT, id=point_id)
    if point is None or not keeps(current_caller(), point.area_code):
        raise NotFound
    found = [dict(person._mapping) for person in people_in_charge(point_id)]
    return answer(listing(found), etag=str(point.version))


def calendar_of(point: Any) -> Calendar:
    """The work calendar of the town that a point belongs to."""
    return work_calendar(point.area_code[:9])


def _offer(code: str, names: tuple[str, str]) -> dict[str, str]:
    return {"code": code, "zh": names[0], "en": names[1]}


def _conditions(query: dict[str, Any]) -> dict[str, dict[str, Any]]:
    conditions: dict[str, dict[str, Any]] = {}
    if "area" in query:
        low, high = prefix_bounds(query["area"])
        conditions["area"] = {"area": low, "area_end": high}
    if "kind" in query:
        conditions["kind"] = {"kind": kind_word(query["kind"])}
    if "service" in query:
        conditions["service"] = {"service": service_word(query["service"])}
    if "element" in query:
        conditions["element"] = with_element(query["element"])
    return conditions


def _by_name(query: dict[str, Any], limit: int, at: datetime) -> tuple[list[Row[Any]], str | None]:
    after = read_cursor(query["cursor"], word_in_cursor, code_in_cursor, uuid.UUID)
    conditions, keep = _conditions(query), _as_asked(query, at)
    found, on = find_by_name(rows, query["text"], conditions, after, limit + 1, keep=keep, active=query["active"])
    if len(found) > limit:
        on = key_of(found[limit - 1])
    return found[:limit], write_cursor(*on) if on else None


def _by_area(query: dict[str, Any], limit: int, at: datetime) -> tuple[list[Row[Any]], str | None]:
    conditions, keep = _conditions(query), _as_asked(query, at)
    after = read_cursor(query["cursor"], code_in_cursor, uuid.UUID)
    if after:
        conditions["after"] = dict(zip(("after_area", "after_id"), after, strict=True))
    columns = "hours" if keep else "whole"
    found, on = look_through(rows, conditions, limit + 1, keep=keep, columns=columns, active=query["active"])
    if len(found) > limit:
        on = (found[limit - 1].area_code, found[limit - 1].id)
    kept = found[:limit]
    return whole(rows, kept) if keep else kept, write_cursor(*on) if on else None


def _as_asked(query: dict[str, Any], at: datetime) -> Keep | None:
    if "open_now" not in query:
        return None
    return lambda point: is_open(point, at, calendar_of(point)) is query["open_now"]


def _detail(point: Row[Any], crs: str, status: int = 200) -> Response:
    return answer(in_detail(point, crs, clock.now(), calendar_of(point)), status, etag=str(point.version))


def _as_row(session: Session, point_id: uuid.UUID) -> Row[Any]:
    return session.execute(POINT, {"id": point_id}).one()


def _area_for(caller: Caller, body: dict[str, Any]) -> str:
    """The area of a point as told, or else where its place lies. Raises OutsideYourArea, or as territory does."""
    area = area_of(body)
    if not keeps(caller, area):
        raise OutsideYourArea(area=area, area_name=names_of([area]))
    return area
