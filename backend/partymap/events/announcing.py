"""Announcing an event: a draft, then published for people to sign up, or cancelled. These commit nothing."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.http.ids import new_id
from backend.http.problems import Invalid
from backend.ledger.record import record
from backend.outbox.messages import ACCOUNT, post
from backend.partymap.events.refusals import EventSettled
from backend.partymap.events.signing_up import move_up
from backend.partymap.events.tables import Event, SignUp

_ORDER = ("结束时间应晚于开始时间。", "It ends after it begins.")
_PAST = ("开始时间已过。", "It would have begun already.")
OPEN_ALWAYS = {"description", "places", "status"}
"""What may change of an event that is published."""


def announce(session: Session, values: dict[str, Any], actor: uuid.UUID, now: datetime) -> Event:
    """A draft of an event from checked values: the columns, place included. Raises Invalid."""
    event = Event(id=new_id(), status="draft", version=0, **values)
    _require_order(event)
    _tell(session, event, "announce_event", values, actor, now)
    return event


def change_event(session: Session, event: Event, changes: dict[str, Any], actor: uuid.UUID, now: datetime) -> None:
    """Change an event, held by the caller, in the columns named: a draft in all, a published one in what nobody who
    signed up is hurt by. `status` publishes or cancels it. Raises Invalid, EventSettled."""
    before, fewer = event.status, changes.get("places", event.places) < event.places
    settled = before == "published" and (set(changes) - OPEN_ALWAYS or fewer or event.ends_at <= now)
    if before == "cancelled" or settled:
        raise EventSettled
    for name, value in changes.items():
        setattr(event, name, value)
    _require_order(event)
    if event.status == "published" and before == "draft" and event.begins_at <= now:
        raise Invalid({"begins_at": [_PAST]})
    session.flush()  # the sign-ups' places follow
    if event.status == "cancelled":
        _call_off(session, event)
    elif before == "published":
        move_up(session, event, now)
    _tell(session, event, "change_event", changes, actor, now)


def _call_off(session: Session, event: Event) -> None:
    coming = select(SignUp.account_id).where(SignUp.event_id == event.id, SignUp.status != "cancelled")
    for account in session.execute(coming).scalars().all():
        if account is not None:
            post(session, "notice", f"{ACCOUNT}:{account}", "event_cancelled")


def _require_order(event: Event) -> None:
    if event.ends_at <= event.begins_at:
        raise Invalid({"ends_at": [_ORDER]})


def _tell(session: Session, event: Event, action: str, values: dict[str, Any], actor: uuid.UUID, now: datetime) -> None:
    event.version += 1
    session.add(event)
    record(
        session,
        town=event.area_code[:9],
        actor=actor,
        action=action,
        thing=("event", str(event.id)),
        version=event.version,
        occurred_at=now,
        details={"area_code": event.area_code, "fields": sorted(values), "status": event.status},
    )
