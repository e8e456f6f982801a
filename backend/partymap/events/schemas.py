"""Bodies, queries and answers of events."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from backend.http.fields import Instant, Location, Strict, Text
from backend.http.pages import PageQuery
from backend.partymap.bookings.tables import AUDIENCES
from backend.partymap.events.tables import EVENT_STATUSES, KINDS, SIGN_UP_STATUSES
from backend.partymap.schemas import CrsQuery, Names, PlaceSchema, Whole
from backend.territory.codes import AreaCode

MOST_PLACES = 2_000
_LONGEST_MINUTES = 10 * 24 * 60


def _kind(**kwargs: Any) -> fields.String:
    return fields.String(validate=validate.OneOf(KINDS), **kwargs)


def _open_to(**kwargs: Any) -> Names:
    return Names(fields.String(validate=validate.OneOf(AUDIENCES)), **kwargs)


class EventChanges(Strict):
    """What may be changed of an event: all of a draft; of a published one `description`, more `places`, `status`."""

    kind = _kind()
    title = Text(100, shortest=1)
    description = Text(2000)
    begins_at = Instant()
    ends_at = Instant()
    places = Whole(1, MOST_PLACES)
    open_to = _open_to()
    check_in_metres = Whole(20, 5_000)
    credit_minutes = Whole(0, _LONGEST_MINUTES)
    status = fields.String(validate=validate.OneOf(("published", "cancelled")))


class NewEvent(EventChanges):
    """An event to announce, as a draft: at a service point, or at a place of its own."""

    class Meta(Strict.Meta):
        exclude = ("status",)

    kind = _kind(required=True)
    title = Text(100, required=True)
    description = Text(2000, load_default="")
    begins_at = Instant(required=True)
    ends_at = Instant(required=True)
    places = Whole(1, MOST_PLACES, required=True)
    open_to = _open_to(load_default=list(AUDIENCES))
    check_in_metres = Whole(20, 5_000, load_default=200)
    credit_minutes = Whole(0, _LONGEST_MINUTES, metadata={"description": "left out: as long as it takes"})
    point_id = fields.UUID(metadata={"description": "the service point where it is; or else `location`"})
    location = fields.Nested(Location)


class EventsQuery(PageQuery, CrsQuery):
    """Which events."""

    area = AreaCode(metadata={"description": "code of a town, village or grid"})
    kind = _kind()
    point = fields.UUID()
    since = Instant(metadata={"description": "those that end after it; left out: now"})


class CheckInBody(Strict):
    """The code shown at the door, and where the phone is. The place is looked at and not kept."""

    code = Text(40, required=True)
    location = fields.Nested(Location, required=True)


class EventSchema(Strict):
    """An event."""

    id = fields.UUID(required=True)
    kind = _kind(required=True)
    title = fields.String(required=True)
    description = fields.String(required=True)
    area_code = fields.String(required=True)
    point_id = fields.UUID(required=True, allow_none=True)
    location = fields.Nested(PlaceSchema, required=True)
    begins_at = fields.AwareDateTime(required=True)
    ends_at = fields.AwareDateTime(required=True)
    places = fields.Integer(required=True)
    full = fields.Boolean(required=True, metadata={"description": "who signs up now stands in line"})
    open_to = fields.List(fields.String(validate=validate.OneOf(AUDIENCES)), required=True)
    check_in_metres = fields.Integer(required=True)
    credit_minutes = fields.Integer(required=True)
    status = fields.String(required=True, validate=validate.OneOf(EVENT_STATUSES))
    version = fields.Integer(required=True)


class EventsSchema(Strict):
    """A page of events."""

    items = fields.List(fields.Nested(EventSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class SignUpSchema(Strict):
    """The caller's place at an event, or in the line for one."""

    event_id = fields.UUID(required=True)
    status = fields.String(required=True, validate=validate.OneOf(SIGN_UP_STATUSES))
    signed_up_at = fields.AwareDateTime(required=True)
    checked_in_at = fields.AwareDateTime(required=True, allow_none=True)


class MySignUpSchema(SignUpSchema):
    """The same with what event it is, and what it was credited with."""

    kind = _kind(required=True)
    title = fields.String(required=True)
    begins_at = fields.AwareDateTime(required=True)
    ends_at = fields.AwareDateTime(required=True)
    called_off = fields.Boolean(required=True)
    credited_minutes = fields.Integer(required=True)


class MySignUpsSchema(Strict):
    """All the caller signed up for, newest first, and the minutes credited for it."""

    items = fields.List(fields.Nested(MySignUpSchema), required=True)
    credited_minutes = fields.Integer(required=True)


class CodeSchema(Strict):
    """What the screen at the door shows, as a QR code."""

    code = fields.String(required=True)
    shown_until = fields.AwareDateTime(required=True, metadata={"description": "then ask for the next one"})


class BranchSchema(Strict):
    """The turnout of a Party branch; null: who is no member."""

    branch = fields.String(required=True, allow_none=True, metadata={"description": "its area"})
    name = fields.String(required=True, allow_none=True)
    signed_up = fields.Integer(required=True, allow_none=True, metadata={"description": "null: not told"})
    came = fields.Integer(required=True, allow_none=True)


class TurnoutSchema(Strict):
    """The turnout of an event; small numbers, and what would bring them back, are not told."""

    branches = fields.List(fields.Nested(BranchSchema), required=True)
    signed_up = fields.Integer(required=True, allow_none=True)
    came = fields.Integer(required=True, allow_none=True)
