"""Events of the demonstration town: some to come, some that were. All made up from a seed."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from random import Random
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.config import TOWN_ZONE
from backend.partymap.bookings.tables import AUDIENCES
from backend.partymap.events.announcing import announce
from backend.partymap.events.signing_up import place_at
from backend.partymap.events.tables import Event
from backend.partymap.tables import ServicePoint
from backend.people.access import Caller

SEED = 1258
_WHERE = {
    "party_class": ("town_centre", "village_centre"),
    "volunteering": ("point", "village_centre"),
    "cleaning_day": ("village_centre", "point"),
    "course": ("training_ground",),
}
_TITLES = {
    "party_class": ("主题党课", "微党课"),
    "volunteering": ("便民志愿服务", "敬老志愿活动"),
    "cleaning_day": ("村庄清洁日",),
    "course": ("基层党员培训", "村干部业务培训"),
}
_DAYS = (-21, -12, -5, 3, 6, 10, 17)
_PLACE = ("lon", "lat", "cell", "original_lon", "original_lat", "original_crs", "area_code")


def load_events(session: Session, keeper: Caller, people: Sequence[Caller], now: datetime, seed: int = SEED) -> None:
    """Announce an event of each kind about each week, with people signed up, who came to those that are over."""
    random = Random(seed)
    points = session.execute(select(ServicePoint).order_by(ServicePoint.id)).scalars().all()
    for kind, where in _WHERE.items():
        for days in _DAYS:
            event = _event(kind, random.choice([point for point in points if point.kind in where]), days, random, now)
            held = announce(session, event, keeper.account_id, now)
            held.status = "published"
            session.flush()
            _attend(session, held, people, random, now)


def _event(kind: str, point: ServicePoint, days: int, random: Random, now: datetime) -> dict[str, Any]:
    day = now.astimezone(TOWN_ZONE).date() + timedelta(days=days)
    begins = datetime.combine(day, random.choice((time(9), time(14, 30), time(19))), TOWN_ZONE)
    hours = random.choice((1, 2, 3))
    return {name: getattr(point, name) for name in _PLACE} | {
        "kind": kind,
        "title": random.choice(_TITLES[kind]),
        "description": "",
        "point_id": point.id,
        "begins_at": begins,
        "ends_at": begins + timedelta(hours=hours),
        "places": random.choice((2, 20, 40)),
        "open_to": ["party_members", "officers"] if kind == "party_class" else list(AUDIENCES),
        "check_in_metres": 200,
        "credit_minutes": hours * 60,
    }


def _attend(session: Session, event: Event, people: Sequence[Caller], random: Random, now: datetime) -> None:
    for person in random.sample(people, random.randrange(1, len(people) + 1)):
        if event.kind == "party_class" and all(grant.role == "resident" for grant in person.grants):
            continue
        mine = place_at(session, person, event, None, now)
        if event.ends_at < now and mine.seat is not None and random.random() < 0.8:
            mine.checked_in_at = event.begins_at
