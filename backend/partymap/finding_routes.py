"""Finding an open door: the nearest service points, and what is at a place of the map."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Response
from marshmallow import Schema, ValidationError, fields, validate

from backend.http import clock
from backend.http.blueprint import Room
from backend.http.fields import Crs, Instant, Latitude, Longitude, Strict
from backend.http.pages import listing, page_of
from backend.http.permission import permission
from backend.http.reading import answer, rows
from backend.partymap.nearest import DETOUR, LOOKS, METRES_A_MINUTE, MOST, near, nearest, nearest_of, on_foot
from backend.partymap.offers import SERVICES
from backend.partymap.opening_hours import Calendar
from backend.partymap.points import as_answer, is_open, whole
from backend.partymap.schemas import PointSchema
from backend.partymap.words import service_word
from backend.people.office_contacts import office_contact
from backend.people.roster import holder_of
from backend.territory.coordinates import to_wgs84
from backend.territory.location import territory
from backend.territory.places import Named
from backend.territory.work_calendar import work_calendar

room = Room("partymap_finding", "Finding an open door, and what is at a place")

_WALK = (
    f"an estimate: the straight line times {DETOUR}, to the next ten metres; in minutes at {METRES_A_MINUTE:.0f} "
    "metres a minute, rounded up"
)


class OpenAt(Instant):
    """`now`, or an instant."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        if value == "now":
            return clock.now()
        try:
            return super()._deserialize(value, attr, data, **kwargs)
        except ValidationError as error:
            told = (
                "应为 now（此刻），或如 2026-10-01T08:30:00+08:00 的时间。",
                "Write now, or a time like 2026-10-01T08:30:00+08:00.",
            )
            raise ValidationError([told]) from error


class PlaceQuery(Strict):
    """A place."""

    lon = Longitude(as_text=True, required=True)
    lat = Latitude(as_text=True, required=True)
    crs = Crs(required=True)


class NearestQuery(PlaceQuery):
    """Near which place, how many, and which of them."""

    k = fields.Integer(load_default=10, validate=validate.Range(1, MOST))
    open = OpenAt(metadata={"description": f"open `now`, or at an instant; asked of the nearest {LOOKS}"})
    service = fields.String(validate=validate.OneOf(tuple(SERVICES)))


class NearPointSchema(PointSchema):
    """A service point and how far it is."""

    distance_m = fields.Float(required=True, metadata={"description": "metres as the crow flies"})
    walking_m = fields.Integer(required=True, metadata={"description": f"metres on foot, {_WALK}"})
    walking_minutes = fields.Integer(required=True, metadata={"description": f"minutes on foot, {_WALK}"})


NearestSchema = page_of("NearestSchema", NearPointSchema)


class NamedAreaSchema(Schema):
    """An area by code and name."""

    code = fields.String(required=True)
    name = fields.String(required=True)


class GridWorkerSchema(Schema):
    """Whom to turn to in a grid: only what the town has entered as the public contact of their office."""

    contact = fields.String(required=True)
    acting_as = fields.String(
        required=True, metadata={"description": "grid_worker, grid_substitute, village_substitute or dispatcher"}
    )


class AtSchema(Strict):
    """What is at a place."""

    grid = fields.Nested(NamedAreaSchema, required=True, allow_none=True)
    village = fields.Nested(NamedAreaSchema, required=True, allow_none=True)
    town = fields.Nested(NamedAreaSchema, required=True)
    inside = fields.Boolean(
        required=True, metadata={"description": "false: it lies up to 3 km outside, and this grid is the nearest"}
    )
    grid_worker = fields.Nested(
        GridWorkerSchema, required=True, allow_none=True, metadata={"description": "null: no public contact entered"}
    )
    nearest_point = fields.Nested(NearPointSchema, required=True, allow_none=True)


@room.get("/partymap/points/nearest")
@room.arguments(NearestQuery, location="query")
@room.response(200, NearestSchema)
@permission("public")
def nearest_points(query: dict[str, Any]) -> Response:
    """The k service points nearest to a place, open now or at an instant if asked; none beyond 200 km."""
    at = clock.now()
    lon, lat = to_wgs84(query["lon"], query["lat"], query["crs"])
    service = service_word(query["service"]) if "service" in query else None
    calendars = _Calendars()
    found = _nearest(lon, lat, query["k"], service, query.get("open"), calendars)
    return answer(listing([_shown(point, metres, query["crs"], at, calendars) for point, metres in found]))


@room.get("/partymap/at")
@room.arguments(PlaceQuery, location="query")
@room.response(200, AtSchema)
@permission("public")
def at_place(query: dict[str, Any]) -> Response:
    """What is at a place: its grid, village and town, the public contact of who looks after it, the nearest point."""
    now = clock.now()
    lon, lat = to_wgs84(query["lon"], query["lat"], query["crs"])
    place = territory().locate(lon, lat)
    holder = holder_of(place.grid.code, now) if place.grid else None
    contact = office_contact(holder.account_id) if holder else None
    calendars = _Calendars()
    found = _nearest(lon, lat, 1, None, None, calendars)
    told = {
        "grid": _named(place.grid),
        "village": _named(place.village),
        "town": _named(place.town),
        "inside": place.inside,
        "grid_worker": {"contact": contact, "acting_as": holder.acting_as} if holder and contact else None,
        "nearest_point": _shown(*found[0], query["crs"], now, calendars) if found else None,
    }
    return answer(told)


class _Calendars(dict[str, Calendar]):
    """The work calendars of a request's towns, each asked for once."""

    def __missing__(self, town: str) -> Calendar:
        self[town] = calendar = work_calendar(town)
        return calendar


def _nearest(
    lon: float, lat: float, k: int, service: str | None, at: datetime | None, calendars: _Calendars
) -> list[tuple[Any, float]]:
    if at is None:
        statement = near("whole", service is not None)
        return nearest(lambda asked: statement.all(**asked), lon, lat, k, service)
    hours, moment = near("hours", service is not None), at

    def keep(point: Any) -> bool:
        return is_open(point, moment, calendars[point.area_code[:9]])

    found = nearest_of(lambda asked: hours.all(**asked), keep, lon, lat, k, service)
    metres = {point.id: away for point, away in found}
    return [(point, metres[point.id]) for point in whole(rows, [point for point, _ in found])]


def _shown(point: Any, metres: float, crs: str, at: datetime, calendars: _Calendars) -> dict[str, Any]:
    walk = on_foot(metres)
    return {
        **as_answer(point, crs, at, calendars[point.area_code[:9]]),
        "distance_m": round(metres, 1),
        "walking_m": walk.metres,
        "walking_minutes": walk.minutes,
    }


def _named(area: Named | None) -> dict[str, str] | None:
    return {"code": area.code, "name": area.name} if area else None
