"""Booking a room: one time, a series, in line for a time that is taken; and giving back what was booked.

Whoever books holds the room's row meanwhile, so that two at once are one after the other, and what the rules count
stays counted. That no two overlap does not hang on it: the database refuses them.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend.http.ids import new_id
from backend.http.problems import NotFound, Problem
from backend.ledger.record import record
from backend.outbox.messages import ACCOUNT, post
from backend.partymap.bookings import refusals
from backend.partymap.bookings.room_rules import belongs_to, keeps, why_not
from backend.partymap.bookings.tables import Booking, SharedRoom
from backend.partymap.opening_hours import Calendar, OpeningHours
from backend.partymap.points import hours_of
from backend.partymap.tables import ServicePoint
from backend.people.access import Caller
from backend.territory.work_calendar import work_calendar

MARKED_UNTIL = timedelta(days=7)
"""How long after its end somebody can be marked as not having come to a booking."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A time that somebody wants a room for."""

    begins_at: datetime
    ends_at: datetime
    people: int
    purpose: str


@dataclass(frozen=True, slots=True)
class OpenRoom:
    """A room that is held, with all that its rules ask for."""

    room: SharedRoom
    area_code: str
    hours: OpeningHours
    calendar: Calendar
    shared: bool
    """Whether it, and its service point, are still there to be booked."""

    def why_not(self, begins: datetime, ends: datetime, now: datetime) -> Problem | None:
        """Why nobody can have it for a time; None where it can be had."""
        if not self.shared:
            return refusals.RoomGivenUp()
        return why_not(self.room, self.hours, self.calendar, begins, ends, now)


def held_room(session: Session, which: Any) -> OpenRoom:
    """The room that fits a condition, held until the unit of work ends. Raises NotFound."""
    room = session.execute(select(SharedRoom).where(which).with_for_update(key_share=True)).scalar_one_or_none()
    if room is None:
        raise NotFound
    point = session.execute(select(*ServicePoint.__table__.c).where(ServicePoint.id == room.point_id)).one()
    calendar = work_calendar(point.area_code[:9])
    return OpenRoom(room, point.area_code, hours_of(point), calendar, room.active and point.active)


def book(
    session: Session, caller: Caller, open_room: OpenRoom, wanted: Wanted, now: datetime, wait: bool = False
) -> Booking:
    """Book a room for a time; where somebody has it and the caller would `wait`, stand in line for it.

    Raises what `refusals` has. Commits nothing.
    """
    require_welcome(session, caller, open_room, now)
    return _book(session, caller, open_room, wanted, now, wait, None)


def book_series(
    session: Session, caller: Caller, open_room: OpenRoom, dates: Sequence[Wanted], now: datetime
) -> tuple[uuid.UUID, list[tuple[Wanted, Booking | Problem]]]:
    """Book each of the dates that can be had; answers the series, and of each date the booking or why there is none.

    Raises what keeps the caller from booking the room at all.
    """
    require_welcome(session, caller, open_room, now)
    series, told = new_id(), list[tuple[Wanted, Booking | Problem]]()
    for wanted in dates:
        try:
            told.append((wanted, _book(session, caller, open_room, wanted, now, False, series)))
        except Problem as refused:
            told.append((wanted, refused))
    return series, told


def require_welcome(session: Session, caller: Caller, open_room: OpenRoom, now: datetime) -> None:
    """Refuse who may not book a room, whenever it be. Raises NotForYou, Barred."""
    room = open_room.room
    if keeps(caller, open_room.area_code):
        return
    if not belongs_to(caller, room.open_to, open_room.area_code):
        raise refusals.NotForYou
    since = now - timedelta(days=room.bar_days)
    missed = _count(session, _of(room, caller.account_id), Booking.status == "no_show", Booking.begins_at > since)
    if room.bar_after is not None and missed >= room.bar_after:
        raise refusals.Barred(bar_after=room.bar_after, bar_days=room.bar_days)


def cancel(session: Session, caller: Caller, booking: Booking, open_room: OpenRoom, now: datetime) -> None:
    """Give a booking or a place in line back before it begins; the next in line gets what is free then.

    The booking is the caller's, or the caller keeps the room: then its holder is told. Raises BookingOver.
    """
    if booking.status not in ("booked", "waiting") or booking.begins_at <= now:
        raise refusals.BookingOver
    was_booked = booking.status == "booked"
    _turn(session, booking, "cancelled", "cancel_booking", open_room.area_code, caller.account_id, now)
    if booking.account_id not in (caller.account_id, None):
        post(session, "notice", f"{ACCOUNT}:{booking.account_id}", "room_cancelled")
    if was_booked:
        move_up(session, open_room, booking.begins_at, booking.ends_at, now)


def mark(session: Session, caller: Caller, booking: Booking, open_room: OpenRoom, missed: bool, now: datetime) -> None:
    """Mark whether somebody came to a booking that has begun, up to a week after its end; a mark can be taken back.

    Who is marked as missing no longer holds the room for the rest of the time. Raises NotYetBegun, BookingOver,
    RoomTaken where somebody else has the room meanwhile.
    """
    if booking.status not in ("booked", "no_show") or now > booking.ends_at + MARKED_UNTIL:
        raise refusals.BookingOver
    if booking.begins_at > now:
        raise refusals.NotYetBegun
    status = "no_show" if missed else "booked"
    if booking.status == status:
        return
    _turn(session, booking, status, "mark_booking", open_room.area_code, caller.account_id, now)
    if missed and booking.account_id is not None:
        post(session, "notice", f"{ACCOUNT}:{booking.account_id}", "room_missed")


def move_up(session: Session, open_room: OpenRoom, begins: datetime, ends: datetime, now: datetime) -> None:
    """Give a time that became free to those who wait for a part of it, first come first served, and tell them."""
    waiting = _overlapping(open_room.room, "waiting", begins, ends)
    for one in session.execute(select(Booking).where(waiting).order_by(Booking.created_at, Booking.id)).scalars().all():
        if open_room.why_not(one.begins_at, one.ends_at, now) or _taken(session, open_room.room, one):
            continue
        _turn(session, one, "booked", "move_up_booking", open_room.area_code, None, now)
        if one.account_id is not None:
            post(session, "notice", f"{ACCOUNT}:{one.account_id}", "room_yours")


def _book(
    session: Session,
    caller: Caller,
    open_room: OpenRoom,
    wanted: Wanted,
    now: datetime,
    wait: bool,
    series: uuid.UUID | None,
) -> Booking:
    room = open_room.room
    refused = open_room.why_not(wanted.begins_at, wanted.ends_at, now)
    if refused is not None:
        raise refused
    if wanted.people > room.capacity:
        raise refusals.TooManyPeople(capacity=room.capacity)
    to_come = (_of(room, caller.account_id), Booking.status.in_(("booked", "waiting")), Booking.begins_at > now)
    if not keeps(caller, open_room.area_code) and _count(session, *to_come) >= room.most_to_come:
        raise refusals.TooManyToCome(most_to_come=room.most_to_come)
    booking = Booking(
        id=new_id(),
        room_number=room.number,
        account_id=caller.account_id,
        series_id=series,
        begins_at=wanted.begins_at,
        ends_at=wanted.ends_at,
        people=wanted.people,
        purpose=wanted.purpose,
        created_at=now,
        version=0,
    )
    taken = _taken(session, room, booking)
    if taken and not wait:
        raise refusals.RoomTaken
    status = "waiting" if taken else "booked"
    _turn(session, booking, status, "book_room", open_room.area_code, caller.account_id, now)
    return booking


def _turn(
    session: Session, booking: Booking, status: str, action: str, area: str, actor: uuid.UUID | None, now: datetime
) -> None:
    """Write a booking's new status and put it down. Raises RoomTaken, also where only the database knows of it."""
    try:
        with session.begin_nested():
            booking.status = status
            booking.version += 1
            session.add(booking)
    except IntegrityError as error:
        raise refusals.RoomTaken from error
    thing = ("booking", str(booking.id))
    details = {"area_code": area, "status": status}
    record(
        session,
        town=area[:9],
        actor=actor,
        action=action,
        thing=thing,
        version=booking.version,
        occurred_at=now,
        details=details,
    )


def _taken(session: Session, room: SharedRoom, wanted: Booking) -> bool:
    return _count(session, _overlapping(room, "booked", wanted.begins_at, wanted.ends_at), Booking.id != wanted.id) > 0


def _overlapping(room: SharedRoom, status: str, begins: datetime, ends: datetime) -> Any:
    return and_(
        Booking.room_number == room.number,
        Booking.status == status,
        Booking.begins_at < ends,
        Booking.ends_at > begins,
    )


def _of(room: SharedRoom, account: uuid.UUID) -> Any:
    return and_(Booking.room_number == room.number, Booking.account_id == account)


def _count(session: Session, *which: Any) -> int:
    with session.no_autoflush:
        return session.execute(select(func.count()).select_from(Booking).where(*which)).scalar_one()
