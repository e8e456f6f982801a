"""Events over HTTP: for everybody to find, for the town's people to come to, for their keepers to run."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from flask import Response
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from backend.http import clock
from backend.http.blueprint import Room
from backend.http.pages import identifier, instant, listing, page, read_cursor
from backend.http.permission import permission
from backend.http.problems import Invalid, NotFound
from backend.http.reading import answer, row, rows
from backend.http.versions import require_match
from backend.ledger.answers import once
from backend.partymap.events import own_events
from backend.partymap.events.announcing import announce, change_event
from backend.partymap.events.checking_in import check_in, code_at, require_open_door
from backend.partymap.events.reading import EVENT, event_answer, events_statement
from backend.partymap.events.refusals import NotOverYet
from backend.partymap.events.schemas import (
    CheckInBody,
    CodeSchema,
    EventChanges,
    EventSchema,
    EventsQuery,
    EventsSchema,
    MySignUpsSchema,
    NewEvent,
    SignUpSchema,
    TurnoutSchema,
)
from backend.partymap.events.signing_up import give_back, held_event, sign_up
from backend.partymap.events.tables import Event, SignUp
from backend.partymap.events.turnout import turnout_of
from backend.partymap.keeping import place_columns
from backend.partymap.schemas import CrsQuery
from backend.partymap.tables import ServicePoint
from backend.people.access import Caller, covers, town_scope
from backend.people.caller import current_caller, optional_caller
from backend.territory.codes import prefix_bounds
from backend.territory.location import locate

room = Room("events", "Events and training")
EXAMPLE = {
    "kind": "cleaning_day",
    "title": "村庄清洁日",
    "begins_at": "2027-03-06T09:00:00+08:00",
    "ends_at": "2027-03-06T11:00:00+08:00",
    "places": 40,
    "location": {"lon": 113.0055, "lat": 22.8667, "crs": "gcj02"},
}
_ORIGINAL = ("cell", "original_lon", "original_lat", "original_crs")
_WHERE = (
    "请填写党群服务点（point_id）或地点（location）其中之一。",
    "Give a service point (point_id) or a place (location).",
)
_point = select(ServicePoint.__table__).where(ServicePoint.id == bindparam("id"), ServicePoint.active)
_NOT_YOURS = ("这里不在您负责的范围内。", "This place is not yours to keep.")


@room.get("/partymap/events")
@room.arguments(EventsQuery, location="query")
@room.response(200, EventsSchema)
@permission("public")
def list_events(query: dict[str, Any]) -> Response:
    """Events that are published and not over, or that end after `since`; the first to begin first."""
    values: dict[str, Any] = {"since": query.get("since", clock.now()), "most": query["limit"] + 1}
    values |= {name: query[name] for name in ("kind", "point") if name in query}
    if "area" in query:
        values |= dict(zip(("area", "area_end"), prefix_bounds(query["area"]), strict=True))
    after = read_cursor(query["cursor"], instant, identifier)
    values |= dict(zip(("after_at", "after_id"), after, strict=True)) if after else {}
    named = [name for name in ("area", "kind", "point") if name in values] + (["after"] if after else [])
    kept, cursor = page(rows(events_statement(*named), **values), query["limit"], lambda one: (one.begins_at, one.id))
    return answer(listing([event_answer(one, query["crs"]) for one in kept], cursor))


@room.get("/partymap/events/<uuid:event_id>")
@room.arguments(CrsQuery, location="query")
@room.response(200, EventSchema)
@permission("public")
def one_event(query: dict[str, Any], event_id: uuid.UUID) -> Response:
    """An event; a draft only for who keeps it. The ETag is its version."""
    event = row(EVENT, id=event_id)
    if event is None or (event.status == "draft" and not _keeps(optional_caller(), event.area_code)):
        raise NotFound
    return answer(event_answer(event, query["crs"]), etag=str(event.version))


@room.post("/partymap/events")
@room.arguments(NewEvent, example=EXAMPLE)
@room.response(201, EventSchema)
@room.resendable
@permission("keep_events")
def new_event(body: dict[str, Any]) -> Response:
    """Announce an event as a draft, at a service point or at a place; PATCH `status` publishes it."""
    caller = current_caller()
    told = {name: value for name, value in body.items() if name not in ("point_id", "location")}
    told |= _place_for(caller, body)
    told.setdefault("credit_minutes", max(0, int((body["ends_at"] - body["begins_at"]) / timedelta(minutes=1))))

    def enter(session: Session) -> Response:
        event = announce(session, told, caller.account_id, clock.now())
        session.flush()
        return _answered(session, event.id, 201)

    return once(caller.account_id, enter)


@room.patch("/partymap/events/<uuid:event_id>")
@room.arguments(EventChanges)
@room.response(200, EventSchema)
@room.conditional
@permission("keep_events")
def changed_event(body: dict[str, Any], event_id: uuid.UUID) -> Response:
    """Change an event, publish it, or cancel it: then everybody who signed up is told."""
    caller = current_caller()
    _kept(caller, event_id)

    def change(session: Session) -> Response:
        event = session.get_one(Event, event_id, with_for_update=True)
        require_match(event.version)
        change_event(session, event, body, caller.account_id, clock.now())
        session.flush()
        return _answered(session, event_id)

    return once(caller.account_id, change)


@room.post("/partymap/events/<uuid:event_id>/sign-up")
@room.response(200, SignUpSchema)
@room.resendable
@permission("join_events")
def signed_up(event_id: uuid.UUID) -> Response:
    """Sign up for an event: with a place while there is one, else in line; again answers the same."""
    caller = current_caller()
    return once(
        caller.account_id,
        lambda session: _mine(sign_up(session, caller, held_event(session, event_id), clock.now())),
    )


@room.delete("/partymap/events/<uuid:event_id>/sign-up")
@room.response(200, SignUpSchema)
@room.resendable
@permission("join_events")
def given_back(event_id: uuid.UUID) -> Response:
    """Give a place, or one in line, back before the event begins; the next in line gets it."""
    caller = current_caller()
    return once(
        caller.account_id,
        lambda session: _mine(give_back(session, caller, held_event(session, event_id), clock.now())),
    )


@room.get("/partymap/events/<uuid:event_id>/code")
@room.response(200, CodeSchema)
@permission("keep_events")
def door_code(event_id: uuid.UUID) -> Response:
    """The code for the screen at the door, another every half minute; from half an hour before the event to its end."""
    event, now = _kept(current_caller(), event_id), clock.now()
    require_open_door(event, now)
    code, until = code_at(event_id, now)
    return answer({"code": code, "shown_until": until})


@room.post("/partymap/events/<uuid:event_id>/check-in")
@room.arguments(CheckInBody)
@room.response(200, SignUpSchema)
@room.resendable
@permission("join_events")
def checked_in(body: dict[str, Any], event_id: uuid.UUID) -> Response:
    """Check the caller in, near the event and with the code shown at its door; again answers the same."""
    caller = current_caller()
    return once(
        caller.account_id,
        lambda session: _mine(check_in(session, caller, held_event(session, event_id), **body, now=clock.now())),
    )


@room.get("/partymap/sign-ups")
@room.response(200, MySignUpsSchema)
@permission("join_events")
def my_sign_ups() -> Response:
    """What the caller signed up for, the newest thousand, and the minutes credited for it."""
    me = current_caller().account_id
    items = [dict(one._mapping) for one in rows(own_events.MINE.limit(1000), account=me)]
    credited = row(own_events.CREDITED, account=me)
    return answer({"items": items, "credited_minutes": int(credited.minutes) if credited else 0})


@room.get("/partymap/events/<uuid:event_id>/turnout")
@room.response(200, TurnoutSchema)
@permission("read_turnout")
def turnout(event_id: uuid.UUID) -> Response:
    """How many of each Party branch signed up and came, once the event is over; one to four are not told."""
    event = _kept(current_caller(), event_id, "read_turnout")
    if event.status != "published" or event.ends_at > clock.now():
        raise NotOverYet
    return answer(turnout_of(event_id))


def _place_for(caller: Caller, body: dict[str, Any]) -> dict[str, Any]:
    """Where an event is: the columns of its place, and the area, which the caller keeps."""
    if ("point_id" in body) == ("location" in body):
        raise Invalid({"location": [_WHERE]})
    if "location" in body:
        name, area = "location", locate(**body["location"]).area_code
        columns = place_columns(**body["location"]) | {"point_id": None}
    else:
        point = row(_point, id=body["point_id"])
        name, area = "point_id", point.area_code if point else ""
        columns = {column: getattr(point, column, None) for column in ("lon", "lat", *_ORIGINAL)}
        columns["point_id"] = body["point_id"]
    if not _keeps(caller, area):
        raise Invalid({name: [_NOT_YOURS]})
    return columns | {"area_code": area}


def _keeps(caller: Caller | None, area: str, row_of_table: str = "keep_events") -> bool:
    return caller is not None and any(covers(scope, area) for scope in town_scope(caller, row_of_table))


def _kept(caller: Caller, event_id: uuid.UUID, row_of_table: str = "keep_events") -> Any:
    event = row(EVENT, id=event_id)
    if event is None or not _keeps(caller, event.area_code, row_of_table):
        raise NotFound
    return event


def _answered(session: Session, event_id: uuid.UUID, status: int = 200) -> Response:
    event = session.execute(EVENT, {"id": event_id}).one()
    return answer(event_answer(event, "wgs84"), status, etag=str(event.version))


def _mine(mine: SignUp) -> Response:
    names = ("event_id", "status", "signed_up_at", "checked_in_at")
    return answer({name: getattr(mine, name) for name in names})
