"""What events show to the score, by the village in which they took place and the period in which they ended."""

from typing import Any

from sqlalchemy import Select, bindparam, func, literal_column, select

from backend.extensions import UtcDateTime
from backend.http.registry import Fact
from backend.partymap.events.tables import Event, SignUp

_village = func.substr(Event.area_code, literal_column("1"), literal_column("12")).label("village")
_held = (
    Event.status == "published",
    Event.area_code >= bindparam("town_start"),
    Event.area_code < bindparam("town_end"),
    func.length(Event.area_code) >= 12,
    Event.ends_at >= bindparam("period_start", type_=UtcDateTime()),
    Event.ends_at < bindparam("period_end", type_=UtcDateTime()),
)
_seats = (
    select(_village, Event.id, Event.credit_minutes, SignUp.checked_in_at)
    .join(SignUp, SignUp.event_id == Event.id)
    .where(*_held, SignUp.status == "signed_up")
    .subquery()
)
_behind = select(_village, Event.id.label("id")).where(*_held).order_by(_village, Event.id)
_came = func.count(_seats.c.checked_in_at)


def _fact(name: str, numerator: Any, exposure: Any) -> Fact:
    counted: Select[Any] = select(_seats.c.village, numerator.label("numerator"), exposure.label("exposure"))
    # The village announces its own events and shows the code at its own door: a claim.
    return Fact(name, "partymap", "village", counted.group_by(_seats.c.village), _behind)


EVENT_TURNOUT = _fact("event_turnout", _came, func.count())
"""Of those who had a seat, those who came."""
EVENT_MINUTES = _fact(
    "event_minutes",
    func.coalesce(func.sum(_seats.c.credit_minutes).filter(_seats.c.checked_in_at.is_not(None)), 0),
    func.count(_seats.c.id.distinct()),
)
"""Minutes credited, over the events that anybody signed up for."""

FACTS = (EVENT_TURNOUT, EVENT_MINUTES)
