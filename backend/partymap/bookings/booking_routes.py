"""Bookings over HTTP: for the town's people to make and give back, for whoever keeps the room to see and to mark."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from flask import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.config import TOWN_ZONE
from backend.http import clock
from backend.http.blueprint import Room
from backend.http.pages import PageQuery, identifier, instant, listing, page, read_cursor
from backend.http.permission import permission
from backend.http.problems import Invalid, NotFound, Problem, language
from backend.http.reading import answer, row, rows
from backend.http.work import unit_of_work
from backend.ledger.answers import once
from backend.ledger.record import record
from backend.partymap.bookings import reading
from backend.partymap.bookings.booking import OpenRoom, Wanted, book, book_series, cancel, held_room, mark
from backend.partymap.bookings.reading import kept_room
from backend.partymap.bookings.room_rules import keeps
from backend.partymap.bookings.schemas import (
    BookingDetailSchema,
    BookingSchema,
    BookingsSchema,
    CancelBody,
    MarkBody,
    NewBooking,
    NewSeries,
    SeriesSchema,
)
from backend.partymap.bookings.series import dates_of
from backend.partymap.bookings.tables import Booking, SharedRoom
from backend.people.access import Caller
from backend.people.caller import current_caller
from backend.people.tables import Account

room = Room("bookings", "Bookings of shared rooms")
_BEGINNING = (datetime(1970, 1, 2, tzinfo=TOWN_ZONE), uuid.UUID(int=0))
_NO_DATE = ("截止日期早于第一次。", "The last day is before the first date.")


@room.post("/partymap/rooms/<uuid:room_id>/bookings")
@room.arguments(NewBooking)
@room.response(201, BookingSchema)
@room.resendable
@permission("book_room")
def new_booking(body: dict[str, Any], room_id: uuid.UUID) -> Response:
    """Book a room for a time, or with `wait` stand in line where it is taken."""
    caller, wait = current_caller(), body.pop("wait")

    def take(session: Session) -> Response:
        held = held_room(session, SharedRoom.id == room_id)
        made = book(session, caller, held, Wanted(**body), clock.now(), wait)
        return answer(_booking(session, made.id, caller), 201)

    return once(caller.account_id, take)


@room.post("/partymap/rooms/<uuid:room_id>/series")
@room.arguments(NewSeries)
@room.response(201, SeriesSchema)
@room.resendable
@permission("book_room")
def new_series(body: dict[str, Any], room_id: uuid.UUID) -> Response:
    """Book a room for the same time every day, week or two weeks: what can be had; of the rest, why it cannot."""
    caller = current_caller()

    def take(session: Session) -> Response:
        held = held_room(session, SharedRoom.id == room_id)
        dates = dates_of(body["begins_at"], body["ends_at"], body["every"], body["until"], held.hours.zone)
        wanted = [Wanted(begins, ends, body["people"], body["purpose"]) for begins, ends in dates]
        if not wanted:
            raise Invalid({"until": [_NO_DATE]})
        series, told = book_series(session, caller, held, wanted, clock.now())
        return answer({"series_id": series, "items": [_date(one, outcome) for one, outcome in told]}, 201)

    return once(caller.account_id, take)


@room.get("/partymap/rooms/<uuid:room_id>/bookings")
@room.arguments(PageQuery, location="query")
@room.response(200, BookingsSchema)
@permission("keep_service_points")
def bookings_of_room(query: dict[str, Any], room_id: uuid.UUID) -> Response:
    """A room's bookings and who waits, oldest first, without names, for whoever keeps it."""
    found = kept_room(current_caller(), room_id)
    return _page(query, reading.OF_ROOM, number=found.number)


@room.get("/partymap/bookings")
@room.arguments(PageQuery, location="query")
@room.response(200, BookingsSchema)
@permission("book_room")
def my_bookings(query: dict[str, Any]) -> Response:
    """The caller's bookings, and what they wait for, oldest first."""
    return _page(query, reading.MINE, me=current_caller().account_id)


@room.get("/partymap/bookings/<uuid:booking_id>")
@room.response(200, BookingDetailSchema)
@permission("book_room")
def one_booking(booking_id: uuid.UUID) -> Response:
    """A booking of the caller's own, or of a room they keep: then with who booked it, and that is put down."""
    caller = current_caller()
    found = _seen(caller, booking_id)
    told = reading.booking_answer(found, caller.account_id) | {"holder": None}
    if not told["mine"] and found.account_id is not None:
        with unit_of_work() as session:
            told["holder"] = _holder(session, caller, found)
    return answer(told)


@room.post("/partymap/bookings/<uuid:booking_id>/cancel")
@room.arguments(CancelBody)
@room.response(200, BookingSchema)
@room.resendable
@permission("book_room")
def cancelled_booking(body: dict[str, Any], booking_id: uuid.UUID) -> Response:
    """Give a booking back before it begins, with `following` all later ones of its series; the next in line get it."""
    caller = current_caller()
    found = _seen(caller, booking_id)

    def give_back(session: Session) -> Response:
        held, now = _held(session, found.room_id), clock.now()
        first = session.get_one(Booking, booking_id, with_for_update=True)
        cancel(session, caller, first, held, now)
        if body["following"] and first.series_id is not None:
            later = (Booking.series_id == first.series_id, Booking.begins_at > first.begins_at)
            for one in session.execute(select(Booking).where(*later, Booking.status == "booked")).scalars().all():
                cancel(session, caller, one, held, now)
        return answer(_booking(session, booking_id, caller))

    return once(caller.account_id, give_back)


@room.post("/partymap/bookings/<uuid:booking_id>/no-show")
@room.arguments(MarkBody)
@room.response(200, BookingSchema)
@room.resendable
@permission("keep_service_points")
def marked_booking(body: dict[str, Any], booking_id: uuid.UUID) -> Response:
    """Mark that nobody came to a booking that has begun, or take the mark back; up to a week after its end."""
    caller, found = current_caller(), row(reading.BOOKING, id=booking_id)
    if found is None or not keeps(caller, found.area_code):
        raise NotFound

    def put_down(session: Session) -> Response:
        held = _held(session, found.room_id)
        booking = session.get_one(Booking, booking_id, with_for_update=True)
        mark(session, caller, booking, held, body["missed"], clock.now())
        return answer(_booking(session, booking_id, caller))

    return once(caller.account_id, put_down)


def _seen(caller: Caller, booking_id: uuid.UUID) -> Any:
    found = row(reading.BOOKING, id=booking_id)
    if found is None or not (found.account_id == caller.account_id or keeps(caller, found.area_code)):
        raise NotFound
    return found


def _held(session: Session, room_id: uuid.UUID) -> OpenRoom:
    return held_room(session, SharedRoom.id == room_id)


def _booking(session: Session, booking_id: uuid.UUID, caller: Caller) -> dict[str, Any]:
    return reading.booking_answer(session.execute(reading.BOOKING, {"id": booking_id}).one(), caller.account_id)


def _holder(session: Session, caller: Caller, booking: Any) -> dict[str, Any]:
    """Who booked, which that person can read was looked at."""
    held = session.execute(select(Account.name, Account.phone).where(Account.id == booking.account_id)).one()
    record(
        session,
        town=booking.area_code[:9],
        actor=caller.account_id,
        action="read_booking",
        thing=("booking", str(booking.id)),
        version=0,
        occurred_at=clock.now(),
        subject=booking.account_id,
    )
    return {"name": held.name, "phone": held.phone}


def _date(wanted: Wanted, outcome: Booking | Problem) -> dict[str, Any]:
    told: dict[str, Any] = {"begins_at": wanted.begins_at, "ends_at": wanted.ends_at}
    if isinstance(outcome, Problem):
        words = outcome.zh if language() == "zh" else outcome.en
        return told | {"booking": None, "code": outcome.code, "detail": words.format(**outcome.params)}
    return told | {"booking": outcome.id, "code": None, "detail": None}


def _page(query: dict[str, Any], statement: Any, **values: Any) -> Response:
    me = current_caller().account_id
    after = read_cursor(query["cursor"], instant, identifier) or _BEGINNING
    found = rows(statement, **values, after_at=after[0], after_id=after[1], most=query["limit"] + 1)
    kept, cursor = page(found, query["limit"], lambda one: (one.begins_at, one.id))
    return answer(listing([reading.booking_answer(one, me) for one in kept], cursor))
