"""The duty list over HTTP."""

import uuid
from datetime import date, time
from typing import Any

from flask import Response
from marshmallow import Schema, fields
from sqlalchemy.orm import Session

from backend.http import clock
from backend.http.blueprint import Room
from backend.http.fields import Day, Instant, Shape, Strict, Text
from backend.http.pages import PageQuery, identifier, listing, page, page_of, read_cursor
from backend.http.permission import permission
from backend.http.reading import answer
from backend.ledger.answers import once
from backend.people.access import town_scope
from backend.people.account_schemas import EmptyBody
from backend.people.caller import current_caller
from backend.people.duty import Shift, end_shift, enter_shift, shifts, who_is_on_duty
from backend.people.tables import Account
from backend.territory.codes import AreaCode

room = Room("duty", "Who is on duty when")

_SHOWN = ("id", "account_id", "area_code", "department", "first_day", "last_day", "note", "ended_at", "version")


class Clock(fields.String):
    """A time of day, as 17:30."""

    def __init__(self, **kwargs: Any) -> None:
        what = ("时间应写作如 17:30。", "Write the time as 17:30.")
        super().__init__(validate=Shape(r"^([01][0-9]|2[0-3]):[0-5][0-9]\Z", what), **kwargs)


class ShiftBody(Strict):
    """Who is on duty, on which days (both included), and from when to when on each."""

    account_id = fields.UUID(required=True)
    first_day = Day(required=True, metadata={"example": "2026-10-01"})
    last_day = Day(required=True, metadata={"example": "2026-10-07"})
    begins = Clock(required=True, metadata={"description": "on the town's clock", "example": "17:30"})
    ends = Clock(required=True, metadata={"description": "past midnight if not later", "example": "08:30"})
    area_code = AreaCode("village", metadata={"description": "for one village; the whole town if not given"})
    department = Text(40, metadata={"description": "for one department"})
    note = Text(200)


class ShiftSchema(Schema):
    """A shift of the duty list."""

    id = fields.UUID(required=True)
    account_id = fields.UUID(required=True)
    name = fields.String(required=True)
    area_code = fields.String(required=True)
    department = fields.String(required=True, allow_none=True)
    first_day = fields.Date(required=True)
    last_day = fields.Date(required=True)
    begins = fields.String(required=True)
    ends = fields.String(required=True)
    note = fields.String(required=True, allow_none=True)
    ended_at = fields.AwareDateTime(required=True, allow_none=True)
    version = fields.Integer(required=True)


ShiftsSchema = page_of("ShiftsSchema", ShiftSchema)


class ShiftsQuery(PageQuery):
    """Which shifts to list."""

    since = Day(load_default=None, metadata={"description": "shifts that end on this day or later; today if not given"})
    ended = fields.Boolean(
        load_default=False, metadata={"description": "true: also those that were taken off the list"}
    )


class OnDutyQuery(Schema):
    """For what, and when."""

    at = Instant(load_default=None, metadata={"description": "now if not given"})
    area_code = AreaCode("village", load_default=None)
    department = fields.String(load_default=None)


class PersonOnDutySchema(Schema):
    """Somebody on duty."""

    account_id = fields.UUID(required=True)
    name = fields.String(required=True)
    phone = fields.String(required=True)
    area_code = fields.String(required=True)
    department = fields.String(required=True, allow_none=True)


OnDutySchema = page_of("OnDutySchema", PersonOnDutySchema)


@room.get("/duty")
@room.arguments(OnDutyQuery, location="query")
@room.response(200, OnDutySchema)
@permission("read_duty")
def on_duty(query: dict[str, Any]) -> Response:
    """Who is on duty for the town, or for a village or department of it, now or at an instant."""
    town = min(town_scope(current_caller(), "read_duty"))[:9]
    there = who_is_on_duty(town, query["area_code"], query["department"], query["at"] or clock.now())
    names = tuple(PersonOnDutySchema().fields)
    return answer(listing([{name: getattr(one, name) for name in names} for one in there]))


@room.get("/duty/shifts")
@room.arguments(ShiftsQuery, location="query")
@room.response(200, ShiftsSchema)
@permission("read_duty")
def list_shifts(query: dict[str, Any]) -> Response:
    """The duty list from a day on, with what was taken off it where that is asked for."""
    towns = sorted({area[:9] for area in town_scope(current_caller(), "read_duty")})
    after, since = read_cursor(query["cursor"], identifier), query["since"] or _today()
    found = shifts(towns, since, query["ended"], after[0] if after else None, query["limit"] + 1)
    kept, cursor = page(found, query["limit"], lambda shift: (shift.id,))
    return answer(listing([_shown(shift, shift.name) for shift in kept], cursor))


@room.post("/duty/shifts")
@room.arguments(ShiftBody)
@room.response(201, ShiftSchema)
@room.resendable
@permission("keep_duty")
def new_shift(body: dict[str, Any]) -> Response:
    """Put somebody on duty."""
    caller, now = current_caller(), clock.now()

    def work(session: Session) -> Response:
        entered = enter_shift(session, caller, _shift(body), now)
        session.flush()
        name = session.get_one(Account, entered.account_id).name
        return answer(_shown(entered, name), 201, etag=str(entered.version))

    return once(caller.account_id, work)


@room.post("/duty/shifts/<uuid:shift_id>/end")
@room.arguments(EmptyBody)
@room.response(200, ShiftSchema)
@room.conditional
@permission("keep_duty")
def ended_shift(_body: dict[str, Any], shift_id: uuid.UUID) -> Response:
    """Take a shift off the list; who was on duty before stays on record."""
    caller = current_caller()

    def work(session: Session) -> Response:
        shift = end_shift(session, caller, shift_id, clock.now())
        return answer(_shown(shift, session.get_one(Account, shift.account_id).name), etag=str(shift.version))

    return once(caller.account_id, work)


def _shift(body: dict[str, Any]) -> Shift:
    return Shift(**body | {edge: time.fromisoformat(body[edge]) for edge in ("begins", "ends")})


def _today() -> date:
    return clock.now().date()


def _shown(shift: Any, name: str) -> dict[str, Any]:
    hours = {"begins": shift.begins.strftime("%H:%M"), "ends": shift.ends.strftime("%H:%M")}
    return {key: getattr(shift, key) for key in _SHOWN} | hours | {"name": name}
