"""Clearings, conflicts and requests to read an identity, made anew for each request that settles one."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import bindparam, func, insert, select

from backend.cases.reporter.identity_tables import IdentityRequest
from backend.cases.suggestions.suggestion_tables import SuggestionVersion
from backend.extensions import Base
from backend.http import clock
from backend.http.reading import rows
from backend.http.work import unit_of_work
from backend.outbox.inbox import tags_of
from backend.outbox.tables import Notice, Webhook
from backend.partymap.bookings.tables import Booking, SharedRoom
from backend.partymap.events.tables import Event
from backend.people.tables import Account, RoleAssignment
from backend.people.trust_tables import Clearing, Conflict


def keep(app: Flask, kind: type[Base], /, **columns: Any) -> str:
    """A new row under a new id."""
    new = uuid.uuid4()
    with app.app_context(), unit_of_work() as session:
        session.execute(insert(kind), {"id": new} | columns)
    return str(new)


def somebody(app: Flask) -> uuid.UUID:
    """An account that nobody signs in to."""
    phone = f"+8614{uuid.uuid4().int % 10**9:09d}"
    named = {"phone": phone, "password_hash": "", "name": "某人", "active": True, "demonstration": False}
    return uuid.UUID(keep(app, Account, **named, created_at=clock.now()))


def dispatcher(app: Flask, area: str) -> tuple[uuid.UUID, uuid.UUID]:
    """A new dispatcher's account and role."""
    account = somebody(app)
    held = {"account_id": account, "role": "dispatcher", "area_code": area, "valid_from": date(2026, 1, 1)}
    return account, uuid.UUID(keep(app, RoleAssignment, **held))


def clearing(app: Flask, area: str) -> str:
    """The proposal of a clearing, signed by some admin."""
    signed = {"version": 1, "admin_id": uuid.uuid4(), "admin_at": clock.now()}
    return keep(app, Clearing, assignment_id=dispatcher(app, area)[1], **signed)


def conflict(app: Flask, village: str) -> str:
    """An entry of the conflict list."""
    entered = {"reason": "亲属", "entered_by": uuid.uuid4(), "entered_at": clock.now()}
    return keep(app, Conflict, account_id=somebody(app), area_code=village, **entered)


def begun_booking(app: Flask, room: str) -> str:
    """A booking of a room that has begun, and to which nobody came."""
    with app.app_context():
        (found,) = rows(select(SharedRoom.number).where(SharedRoom.id == uuid.UUID(room)))
    begins = clock.now() - timedelta(hours=1)
    held = {"begins_at": begins, "ends_at": begins + timedelta(minutes=15), "created_at": begins, "status": "no_show"}
    return keep(app, Booking, room_number=found.number, people=2, purpose="议事", version=1, **held)


def past_event(app: Flask, like: str) -> str:
    """An event that is over, else like another."""
    with app.app_context():
        (found,) = rows(select(Base.metadata.tables[Event.__tablename__]).where(Event.id == uuid.UUID(like)))
        begins = clock.now() - timedelta(hours=3)
        times = {"begins_at": begins, "ends_at": begins + timedelta(hours=1)}
    return keep(app, Event, **{name: value for name, value in found._mapping.items() if name != "id"} | times)


def request(app: Flask, case: str) -> str:
    """Somebody's request to read who reported a case."""
    asked = {"version": 1, "reason": "需当面核实", "asked_by": uuid.uuid4(), "asked_at": clock.now()}
    return keep(app, IdentityRequest, case_id=uuid.UUID(case), **asked)


def webhook(app: Flask, town: str) -> str:
    """The proposal of a webhook by some admin."""
    proposed = {"proposed_by": uuid.uuid4(), "proposed_at": clock.now(), "version": 1, "place": 0}
    return keep(app, Webhook, town_code=town, url="https://example.org/in", purpose="试", sealed=b"", **proposed)


def notice(app: Flask, account: uuid.UUID) -> str:
    """A notice in somebody's inbox."""
    with app.app_context():
        mine = tags_of(account)[0]
    return keep(app, Notice, tag=mine, template="handed_over", created_at=clock.now())


def suggestions(app: Flask, town: str) -> str:
    """The number of a new version of what was learnt."""
    newest = select(func.max(SuggestionVersion.version)).where(SuggestionVersion.town_code == bindparam("town"))
    with app.app_context():
        number = 1 + (rows(newest, town=town)[0][0] or 0)
    figures = dict.fromkeys(("accuracy", "macro_f1", "lexicon_accuracy", "lexicon_macro_f1"), 0.5)
    told = {"learnt_at": clock.now(), "learnt_from": 50, "lengths": [2], "categories": [], "words": 0}
    keep(app, SuggestionVersion, town_code=town, version=number, **figures, **told)
    return str(number)
