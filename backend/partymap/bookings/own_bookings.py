"""A person's own bookings: as a copy for them, without them when they ask to be forgotten, and gone after a while."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from backend.http.reading import rows
from backend.ledger.answers import forget_answers
from backend.partymap.bookings.booking import held_room, move_up
from backend.partymap.bookings.tables import Booking, SharedRoom
from backend.people.access import Caller

KEPT = timedelta(days=366)
"""How long after its end it is known who had a room: as long as not having come may count."""
_NOBODY = {"account_id": None, "purpose": ""}
_WHOLE = {"synchronize_session": False}

_mine = (
    select(SharedRoom.name.label("room"), Booking.begins_at, Booking.ends_at, Booking.people, Booking.purpose)
    .add_columns(Booking.status, Booking.created_at)
    .join(SharedRoom, SharedRoom.number == Booking.room_number)
    .where(Booking.account_id == bindparam("account"))
    .order_by(Booking.begins_at, Booking.id)
)


def data_of(caller: Caller) -> dict[str, Any]:
    """The bookings kept of a caller."""
    return {"bookings": [dict(one._mapping) for one in rows(_mine, account=caller.account_id)]}


def forget_person(session: Session, account: uuid.UUID, _words: Sequence[str], now: datetime) -> None:
    """Take a person out of their bookings: those that were stay without them, those to come go to the next in line."""
    to_come = (Booking.account_id == account, Booking.begins_at > now, Booking.status.in_(("booked", "waiting")))
    numbers = select(Booking.room_number).where(*to_come).distinct().order_by(Booking.room_number)
    held = session.execute(numbers).scalars().all()
    rooms = {number: held_room(session, SharedRoom.number == number) for number in held}
    given_back = session.execute(select(Booking).where(*to_come)).scalars().all()
    freed = [one for one in given_back if one.status == "booked"]
    for one in given_back:
        one.status = "cancelled"
        one.version += 1
    session.flush()
    for one in freed:
        move_up(session, rooms[one.room_number], one.begins_at, one.ends_at, now)
    for booking in session.execute(select(Booking.id).where(Booking.account_id == account)).scalars().all():
        forget_answers(session, ("booking", str(booking)))
    session.execute(update(Booking).where(Booking.account_id == account).values(_NOBODY), execution_options=_WHOLE)


def forget_bookings(session: Session, now: datetime) -> None:
    """Take the people out of bookings that ended long ago; how often a room was used stays."""
    over = (Booking.ends_at < now - KEPT, Booking.account_id.is_not(None))
    session.execute(update(Booking).where(*over).values(_NOBODY), execution_options=_WHOLE)
