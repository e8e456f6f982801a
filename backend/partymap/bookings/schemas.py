"""Bodies, queries and answers of shared rooms and their bookings."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from backend.http.fields import Day, Instant, Strict, Text
from backend.http.pages import PageQuery
from backend.partymap.bookings.series import EVERY
from backend.partymap.bookings.tables import AUDIENCES, STATUSES
from backend.partymap.schemas import Names, Whole, Yes

DAY_MINUTES = 24 * 60


def _minutes(**kwargs: Any) -> Whole:
    return Whole(15, DAY_MINUTES, **kwargs)


def _step(**kwargs: Any) -> Whole:
    return Whole(15, 120, **kwargs)


def _open_to(**kwargs: Any) -> Names:
    return Names(fields.String(validate=validate.OneOf(AUDIENCES)), **kwargs)


class RoomChanges(Strict):
    """What may be changed of a room; bookings made before stand."""

    name = Text(60, shortest=1)
    capacity = Whole(1, 10_000)
    open_to = _open_to()
    shortest_minutes = _minutes()
    longest_minutes = _minutes()
    step_minutes = _step()
    ahead_days = Whole(1, 366)
    most_to_come = Whole(1, 100)
    bar_after = Whole(1, 100, allow_none=True)
    bar_days = Whole(1, 366)
    active = Yes()


class NewRoom(RoomChanges):
    """A room to share, with the rules by which it is booked."""

    class Meta(Strict.Meta):
        exclude = ("active",)

    name = Text(60, required=True)
    capacity = Whole(1, 10_000, required=True)
    open_to = _open_to(load_default=list(AUDIENCES))
    shortest_minutes = _minutes(load_default=30)
    longest_minutes = _minutes(load_default=180)
    step_minutes = _step(load_default=30)
    ahead_days = Whole(1, 366, load_default=30)
    most_to_come = Whole(1, 100, load_default=3)
    bar_after = Whole(1, 100, allow_none=True, load_default=3)
    bar_days = Whole(1, 366, load_default=90)


class RoomsQuery(PageQuery):
    """Which rooms."""

    point = fields.UUID(metadata={"description": "of one service point"})


class FreeQuery(Strict):
    """For which day, and how long a booking."""

    day = Day(required=True)
    minutes = fields.Integer(required=True, validate=validate.Range(15, DAY_MINUTES))


class NewBooking(Strict):
    """A time to have a room."""

    begins_at = Instant(required=True)
    ends_at = Instant(required=True)
    people = Whole(1, 10_000, required=True)
    purpose = Text(200, required=True, metadata={"description": "read by whoever keeps the room"})
    wait = Yes(load_default=False, metadata={"description": "stand in line where the time is taken"})


class NewSeries(Strict):
    """The same time again and again; dates that cannot be had are told and left out."""

    begins_at = Instant(required=True)
    ends_at = Instant(required=True)
    people = Whole(1, 10_000, required=True)
    purpose = Text(200, required=True)
    every = fields.String(required=True, validate=validate.OneOf(tuple(EVERY)))
    until = Day(required=True, metadata={"description": "no date begins after it; at most 60 dates"})


class CancelBody(Strict):
    """What to cancel."""

    following = Yes(load_default=False, metadata={"description": "and all later ones of its series"})


class MarkBody(Strict):
    """Whether somebody came."""

    missed = Yes(required=True)


class RoomSchema(Strict):
    """A shared room and its rules."""

    id = fields.UUID(required=True)
    point_id = fields.UUID(required=True)
    name = fields.String(required=True)
    capacity = fields.Integer(required=True)
    open_to = fields.List(fields.String(validate=validate.OneOf(AUDIENCES)), required=True)
    shortest_minutes = fields.Integer(required=True)
    longest_minutes = fields.Integer(required=True)
    step_minutes = fields.Integer(required=True)
    ahead_days = fields.Integer(required=True)
    most_to_come = fields.Integer(required=True)
    bar_after = fields.Integer(required=True, allow_none=True)
    bar_days = fields.Integer(required=True)
    active = fields.Boolean(required=True)
    version = fields.Integer(required=True)


class RoomsSchema(Strict):
    """A page of rooms."""

    items = fields.List(fields.Nested(RoomSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class StretchSchema(Strict):
    """A time for which a room is taken."""

    begins_at = fields.AwareDateTime(required=True)
    ends_at = fields.AwareDateTime(required=True)


class FreeSchema(Strict):
    """When a booking may begin on a day, and what is taken."""

    day = fields.Date(required=True)
    minutes = fields.Integer(required=True)
    starts = fields.List(fields.AwareDateTime(), required=True)
    busy = fields.List(fields.Nested(StretchSchema), required=True)


class BookingSchema(StretchSchema):
    """A booking."""

    id = fields.UUID(required=True)
    room_id = fields.UUID(required=True)
    series_id = fields.UUID(required=True, allow_none=True)
    people = fields.Integer(required=True)
    purpose = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    mine = fields.Boolean(required=True)


class BookingsSchema(Strict):
    """A page of bookings."""

    items = fields.List(fields.Nested(BookingSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class HolderSchema(Strict):
    """Who booked, for whoever keeps the room."""

    name = fields.String(required=True)
    phone = fields.String(required=True, allow_none=True)


class BookingDetailSchema(BookingSchema):
    """A booking; with who booked it for whoever keeps the room, which is put down."""

    holder = fields.Nested(HolderSchema, required=True, allow_none=True)


class DateSchema(StretchSchema):
    """What became of a date of a series."""

    booking = fields.UUID(required=True, allow_none=True, metadata={"description": "null: not booked"})
    code = fields.String(required=True, allow_none=True, metadata={"description": "why not"})
    detail = fields.String(required=True, allow_none=True)


class SeriesSchema(Strict):
    """A series: each of its dates, and why one is not booked."""

    series_id = fields.UUID(required=True)
    items = fields.List(fields.Nested(DateSchema), required=True)
