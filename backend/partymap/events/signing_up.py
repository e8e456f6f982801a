"""Signing up for an event: a seat while there is one, then a place in line; and giving it back.

Whoever signs up holds the event's row meanwhile, so that two at once are one after the other. That there are never
more seats than places does not hang on it: the database refuses them.
"""

import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.http.ids import new_id
from backend.http.problems import NotFound
from backend.ledger.record import record
from backend.outbox.messages import ACCOUNT, post
from backend.partymap.bookings.room_rules import belongs_to
from backend.partymap.events.refusals import EventNotForYou, NotSignUpTime
from backend.partymap.events.tables import Event, SignUp
from backend.people.access import Caller


def held_event(session: Session, event_id: uuid.UUID) -> Event:
    """An event that is no draft, held until the unit of work ends. Raises NotFound."""
    found = select(Event).where(Event.id == event_id, Event.status != "draft")
    event = session.execute(found.with_for_update(key_share=True)).scalar_one_or_none()
    if event is None:
        raise NotFound
    return event


def sign_up(session: Session, caller: Caller, event: Event, now: datetime) -> SignUp:
    """Sign up for an event before it begins: with a seat, or in line. Again answers the same.

    Raises NotSignUpTime, EventNotForYou.
    """
    if event.status != "published" or event.begins_at <= now:
        raise NotSignUpTime
    mine = sign_up_of(session, caller, event)
    if mine is not None and mine.status != "cancelled":
        return mine
    return place_at(session, caller, event, mine, now)


def place_at(session: Session, caller: Caller, event: Event, mine: SignUp | None, now: datetime) -> SignUp:
    """Give somebody a seat, or a place in line: as a new row, or in the one they had. Raises EventNotForYou."""
    if not belongs_to(caller, event.open_to, event.area_code):
        raise EventNotForYou
    seat = next(free_seats(session, event), None)
    if mine is None:
        mine = SignUp(id=new_id(), event_id=event.id, places=event.places, account_id=caller.account_id)
    mine.status, mine.seat = ("signed_up", seat) if seat else ("waiting", None)
    mine.signed_up_at, mine.branch_code = now, branch_of(caller, event)
    session.add(mine)
    session.flush()
    tell(session, event, mine, "sign_up", caller.account_id, now)
    return mine


def give_back(session: Session, caller: Caller, event: Event, now: datetime) -> SignUp:
    """Give a seat or a place in line back before the event begins; the next in line gets the seat.

    Raises NotFound, NotSignUpTime.
    """
    mine = sign_up_of(session, caller, event)
    if mine is None:
        raise NotFound
    if mine.status == "cancelled":
        return mine
    if event.begins_at <= now or mine.checked_in_at is not None:
        raise NotSignUpTime
    mine.status, mine.seat = "cancelled", None
    session.flush()
    tell(session, event, mine, "give_back_seat", caller.account_id, now)
    move_up(session, event, now)
    return mine


def move_up(session: Session, event: Event, now: datetime) -> None:
    """Give the seats that are free to those in line, first come first served, and tell them."""
    if event.status != "published":
        return
    waiting = select(SignUp).where(SignUp.event_id == event.id, SignUp.status == "waiting")
    in_line = session.execute(waiting.order_by(SignUp.signed_up_at, SignUp.id)).scalars().all()
    for one, seat in zip(in_line, free_seats(session, event), strict=False):
        one.status, one.seat = "signed_up", seat
        tell(session, event, one, "move_up", None, now)
        if one.account_id is not None:
            post(session, "notice", f"{ACCOUNT}:{one.account_id}", "event_yours")
    session.flush()


def sign_up_of(session: Session, caller: Caller, event: Event) -> SignUp | None:
    """The caller's row at an event."""
    mine = select(SignUp).where(SignUp.event_id == event.id, SignUp.account_id == caller.account_id)
    return session.execute(mine).scalar_one_or_none()


def free_seats(session: Session, event: Event) -> Iterator[int]:
    """The seats that nobody has, lowest first."""
    taken = select(SignUp.seat).where(SignUp.event_id == event.id, SignUp.seat.is_not(None))
    held = set(session.execute(taken).scalars())
    return (seat for seat in range(1, event.places + 1) if seat not in held)


def branch_of(caller: Caller, event: Event) -> str | None:
    """The area of the Party branch a member belongs to, in the event's town."""
    town = event.area_code[:9]
    held = (grant.area_code for grant in caller.grants if grant.role == "party_member")
    return next((area for area in held if area.startswith(town)), None)


def tell(session: Session, event: Event, mine: SignUp, action: str, actor: uuid.UUID | None, now: datetime) -> None:
    """Put down what somebody did about an event."""
    details: dict[str, Any] = {"area_code": event.area_code, "status": mine.status}
    record(
        session,
        town=event.area_code[:9],
        actor=actor,
        action=action,
        thing=("event_sign_up", str(mine.id)),
        version=event.version,
        occurred_at=now,
        details=details,
    )
