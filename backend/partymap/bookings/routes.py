"""Shared rooms over HTTP: for everybody to find, for whoever keeps a service point to share."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from backend.config import TOWN_ZONE
from backend.http import clock
from backend.http.blueprint import Room
from backend.http.pages import identifier, listing, page, read_cursor
from backend.http.permission import permission
from backend.http.problems import NotFound
from backend.http.reading import answer, public_bytes, row, rows
from backend.http.versions import require_match
from backend.ledger.answers import once
from backend.partymap.bookings import reading
from backend.partymap.bookings.calendar_feed import CONTENT_TYPE, calendar_of
from backend.partymap.bookings.keeping import change_room, share_room
from backend.partymap.bookings.reading import kept_room, shown_room
from backend.partymap.bookings.room_rules import keeps, starts_on
from backend.partymap.bookings.schemas import (
    FreeQuery,
    FreeSchema,
    NewRoom,
    RoomChanges,
    RoomSchema,
    RoomsQuery,
    RoomsSchema,
)
from backend.partymap.bookings.tables import SharedRoom
from backend.partymap.points import hours_of
from backend.people.caller import current_caller
from backend.territory.work_calendar import work_calendar

room = Room("shared_rooms", "Rooms that service points share")
KEPT_SECONDS = 60
FEED_BACK, FEED_AHEAD = timedelta(days=30), timedelta(days=366)
EXAMPLE = {"name": "议事厅", "capacity": 20, "open_to": ["residents", "party_members"]}


@room.get("/partymap/rooms")
@room.arguments(RoomsQuery, location="query")
@room.response(200, RoomsSchema)
@permission("public")
def list_rooms(query: dict[str, Any]) -> Response:
    """Rooms that are shared, with the rules by which they are booked."""
    after = read_cursor(query["cursor"], identifier, identifier)
    values: dict[str, Any] = {"most": query["limit"] + 1}
    values |= {"point": query["point"]} if "point" in query else {}
    values |= dict(zip(("after_point", "after_id"), after, strict=True)) if after else {}
    if "point" in query:
        statement = reading.OF_POINT_AFTER if after else reading.OF_POINT
    else:
        statement = reading.ROOMS_AFTER if after else reading.ROOMS
    kept, cursor = page(rows(statement, **values), query["limit"], lambda one: (one.point_id, one.id))
    return answer(listing([reading.room_answer(one) for one in kept], cursor))


@room.get("/partymap/rooms/<uuid:room_id>")
@room.response(200, RoomSchema)
@permission("public")
def one_room(room_id: uuid.UUID) -> Response:
    """A room and its rules; the ETag is their version."""
    return _answered(shown_room(room_id))


@room.get("/partymap/rooms/<uuid:room_id>/free")
@room.arguments(FreeQuery, location="query")
@room.response(200, FreeSchema)
@permission("public")
def free_times(query: dict[str, Any], room_id: uuid.UUID) -> Response:
    """When a booking of so many minutes may begin on a day, and when the room is taken."""
    found, now = shown_room(room_id), clock.now()
    point = row(reading.POINT_OF, id=found.point_id)
    assert point is not None
    midnight = datetime(query["day"].year, query["day"].month, query["day"].day, tzinfo=TOWN_ZONE)
    busy = rows(reading.BUSY, number=found.number, since=midnight, until=midnight + timedelta(days=2))
    length = timedelta(minutes=query["minutes"])
    starts: list[datetime] = []
    if found.active and point.active:
        calendar = work_calendar(found.area_code[:9])
        starts = [
            begins
            for begins in starts_on(found, hours_of(point), calendar, query["day"], query["minutes"], now)
            if not any(one.begins_at < begins + length and one.ends_at > begins for one in busy)
        ]
    taken = [
        {"begins_at": one.begins_at, "ends_at": one.ends_at} for one in busy if one.begins_at.date() == query["day"]
    ]
    return answer({"day": query["day"], "minutes": query["minutes"], "starts": starts, "busy": taken})


@room.get("/partymap/rooms/<uuid:room_id>/calendar.ics")
@room.response(200, content_type=CONTENT_TYPE)
@room.cached
@permission("public")
def calendar_feed(room_id: uuid.UUID) -> Response:
    """The room's calendar as iCalendar, for calendar programs: when it is taken, and nothing of by whom."""
    found, now = shown_room(room_id), clock.now()
    busy = rows(reading.BUSY, number=found.number, since=now - FEED_BACK, until=now + FEED_AHEAD)
    return public_bytes(calendar_of(found.name, found.point_name, busy), KEPT_SECONDS, f"{CONTENT_TYPE}; charset=utf-8")


@room.post("/partymap/points/<uuid:point_id>/rooms")
@room.arguments(NewRoom, example=EXAMPLE)
@room.response(201, RoomSchema)
@room.resendable
@permission("keep_service_points")
def new_room(body: dict[str, Any], point_id: uuid.UUID) -> Response:
    """Share a room of a service point that the caller keeps."""
    caller, point = current_caller(), row(reading.POINT_OF, id=point_id)
    if point is None or not keeps(caller, point.area_code):
        raise NotFound

    def share(session: Session) -> Response:
        return _answered(share_room(session, point_id, point.area_code, body, caller.account_id, clock.now()), 201)

    return once(caller.account_id, share)


@room.patch("/partymap/rooms/<uuid:room_id>")
@room.arguments(RoomChanges)
@room.response(200, RoomSchema)
@room.conditional
@permission("keep_service_points")
def changed_room(body: dict[str, Any], room_id: uuid.UUID) -> Response:
    """Change a room's rules, or share it no more (`active`); bookings made before stand."""
    caller, found = current_caller(), kept_room(current_caller(), room_id)

    def change(session: Session) -> Response:
        held = session.get_one(SharedRoom, room_id, with_for_update=True)
        require_match(held.version)
        change_room(session, held, found.area_code, body, caller.account_id, clock.now())
        return _answered(held)

    return once(caller.account_id, change)


def _answered(found: Any, status: int = 200) -> Response:
    return answer(reading.room_answer(found), status, etag=str(found.version))
