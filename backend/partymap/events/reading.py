"""Reading events: the statements, and a row as the answer people get."""

from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, func, select, tuple_

from backend.extensions import UtcDateTime
from backend.partymap.events.schemas import EventSchema
from backend.partymap.events.tables import Event, SignUp
from backend.partymap.tables import ServicePoint
from backend.territory.coordinates import from_wgs84

_SHOWN = tuple(name for name in EventSchema().fields if name != "location")
_seats_taken = select(func.count(SignUp.seat)).where(SignUp.event_id == Event.id).correlate(Event).scalar_subquery()
_events = select(*Event.__table__.c, (_seats_taken >= Event.places).label("full"))
EVENT = _events.where(Event.id == bindparam("id"))
_CONDITIONS = {
    "area": (Event.area_code >= bindparam("area")) & (Event.area_code < bindparam("area_end")),
    "kind": Event.kind == bindparam("kind"),
    "point": Event.point_id == bindparam("point", type_=ServicePoint.id.type),
    "after": tuple_(Event.begins_at, Event.id)
    > tuple_(bindparam("after_at", type_=UtcDateTime()), bindparam("after_id", type_=Event.id.type)),
}


@cache
def events_statement(*conditions: str) -> Select[Any]:
    """Events that are published and end after `since`, under conditions by name."""
    return (
        _events.where(Event.status == "published", Event.ends_at > bindparam("since", type_=UtcDateTime()))
        .where(*(_CONDITIONS[name] for name in conditions))
        .order_by(Event.begins_at, Event.id)
        .limit(bindparam("most"))
    )


def event_answer(event: Any, crs: str) -> dict[str, Any]:
    """An event with its place in `crs`."""
    lon, lat = from_wgs84(event.lon, event.lat, crs)
    told = {name: getattr(event, name) for name in _SHOWN}
    return told | {"full": bool(event.full), "location": {"lon": round(lon, 7), "lat": round(lat, 7), "crs": crs}}
