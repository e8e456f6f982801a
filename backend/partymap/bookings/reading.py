"""Reading rooms and bookings: the statements, and their rows as the answers people get."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import Row, bindparam, select, tuple_

from backend.extensions import UtcDateTime
from backend.http.problems import NotFound
from backend.http.reading import row
from backend.partymap.bookings.room_rules import keeps
from backend.partymap.bookings.tables import Booking, SharedRoom
from backend.partymap.tables import ServicePoint
from backend.people.access import Caller

_rooms = select(*SharedRoom.__table__.c, ServicePoint.area_code, ServicePoint.name.label("point_name")).join(
    ServicePoint, ServicePoint.id == SharedRoom.point_id
)
ROOM = _rooms.where(SharedRoom.id == bindparam("id"))
ROOMS = (
    _rooms.where(SharedRoom.active, ServicePoint.active)
    .order_by(SharedRoom.point_id, SharedRoom.id)
    .limit(bindparam("most"))
)
OF_POINT = ROOMS.where(SharedRoom.point_id == bindparam("point"))
_key = tuple_(SharedRoom.point_id, SharedRoom.id)
_after_room = _key > tuple_(
    bindparam("after_point", type_=SharedRoom.point_id.type), bindparam("after_id", type_=SharedRoom.id.type)
)
ROOMS_AFTER, OF_POINT_AFTER = ROOMS.where(_after_room), OF_POINT.where(_after_room)

POINT_OF = select(*ServicePoint.__table__.c).where(ServicePoint.id == bindparam("id"))

BUSY = (
    select(Booking.id, Booking.begins_at, Booking.ends_at)
    .where(
        Booking.room_number == bindparam("number"),
        Booking.status == "booked",
        Booking.begins_at < bindparam("until", type_=UtcDateTime()),
        Booking.ends_at > bindparam("since", type_=UtcDateTime()),
    )
    .order_by(Booking.begins_at)
)

_bookings = select(
    *(getattr(Booking, name) for name in ("id", "series_id", "begins_at", "ends_at", "people", "purpose", "status")),
    Booking.account_id,
    SharedRoom.id.label("room_id"),
).join(SharedRoom, SharedRoom.number == Booking.room_number)
_after = tuple_(Booking.begins_at, Booking.id) > tuple_(
    bindparam("after_at", type_=UtcDateTime()), bindparam("after_id", type_=Booking.id.type)
)
_in_turn = (Booking.begins_at, Booking.id)
BOOKING = _bookings.add_columns(ServicePoint.area_code).join(ServicePoint).where(Booking.id == bindparam("id"))
MINE = _bookings.where(Booking.account_id == bindparam("me"), _after).order_by(*_in_turn).limit(bindparam("most"))
OF_ROOM = (
    _bookings.where(Booking.room_number == bindparam("number"), Booking.status != "cancelled", _after)
    .order_by(*_in_turn)
    .limit(bindparam("most"))
)

ROOM_FIELDS = (
    *("id", "point_id", "name", "capacity", "open_to", "shortest_minutes", "longest_minutes", "step_minutes"),
    *("ahead_days", "most_to_come", "bar_after", "bar_days", "active", "version"),
)


def room_answer(room: Any) -> dict[str, Any]:
    """A room as everybody gets it."""
    return {name: getattr(room, name) for name in ROOM_FIELDS}


def booking_answer(booking: Row[Any], me: uuid.UUID) -> dict[str, Any]:
    """A booking as its holder and whoever keeps the room get it: without a name."""
    told = {name: value for name, value in booking._mapping.items() if name not in ("account_id", "area_code")}
    return told | {"mine": booking.account_id == me}


def shown_room(room_id: uuid.UUID) -> Any:
    """A room with the area and name of its service point. Raises NotFound."""
    found = row(ROOM, id=room_id)
    if found is None:
        raise NotFound
    return found


def kept_room(caller: Caller, room_id: uuid.UUID) -> Any:
    """The same of a room that the caller keeps. Raises NotFound."""
    found = shown_room(room_id)
    if not keeps(caller, found.area_code):
        raise NotFound
    return found
