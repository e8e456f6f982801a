"""A person's own part in events: as a copy for them, without them when they ask to be forgotten, or after a while."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, case, func, select, update
from sqlalchemy.orm import Session

from backend.http.reading import rows
from backend.ledger.answers import forget_answers
from backend.partymap.events.signing_up import held_event, move_up
from backend.partymap.events.tables import Event, SignUp
from backend.people.access import Caller

KEPT = timedelta(days=183)
"""How long after an event it is known who signed up and did not come. Who came keeps the credit until forgotten."""
_WHOLE = {"synchronize_session": False}

credited = case((and_(SignUp.checked_in_at.is_not(None), Event.status == "published"), Event.credit_minutes), else_=0)
"""Minutes credited for a sign-up."""
MINE = (
    select(Event.id.label("event_id"), Event.kind, Event.title, Event.begins_at, Event.ends_at)
    .add_columns(SignUp.status, SignUp.signed_up_at, SignUp.checked_in_at, credited.label("credited_minutes"))
    .add_columns(case((Event.status == "cancelled", True), else_=False).label("called_off"))
    .join(Event, Event.id == SignUp.event_id)
    .where(SignUp.account_id == bindparam("account"))
    .order_by(Event.begins_at.desc(), Event.id.desc())
)
CREDITED = (
    select(func.coalesce(func.sum(credited), 0).label("minutes"))
    .select_from(SignUp)
    .join(Event, Event.id == SignUp.event_id)
    .where(SignUp.account_id == bindparam("account"))
)


def data_of(caller: Caller) -> dict[str, Any]:
    """What is kept of a caller's sign-ups, check-ins and hours."""
    return {"event_sign_ups": [dict(one._mapping) for one in rows(MINE, account=caller.account_id)]}


def forget_person(session: Session, account: uuid.UUID, _words: Sequence[str], now: datetime) -> None:
    """Take a person out of the events they signed up for: what was counted stays, seats to come go to the next."""
    mine = select(SignUp.id, SignUp.event_id, Event.begins_at).join(Event, Event.id == SignUp.event_id)
    for one in session.execute(mine.where(SignUp.account_id == account).order_by(SignUp.event_id)).all():
        forget_answers(session, ("event_sign_up", str(one.id)))
        values: dict[str, Any] = {"account_id": None}
        event = held_event(session, one.event_id) if one.begins_at > now else None
        values |= {"status": "cancelled", "seat": None} if event else {}
        session.execute(update(SignUp).where(SignUp.id == one.id).values(values), execution_options=_WHOLE)
        if event is not None:
            move_up(session, event, now)


def forget_sign_ups(session: Session, now: datetime) -> None:
    """Take out who signed up for an event of long ago and did not come."""
    over = select(Event.id).where(Event.ends_at < now - KEPT)
    absent = (SignUp.event_id.in_(over), SignUp.checked_in_at.is_(None), SignUp.account_id.is_not(None))
    session.execute(update(SignUp).where(*absent).values(account_id=None), execution_options=_WHOLE)
