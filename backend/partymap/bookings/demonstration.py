"""Rooms of the demonstration town's service points, and who has them in the next days. All made up from a seed."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, time, timedelta
from random import Random

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.config import TOWN_ZONE
from backend.http.problems import Problem
from backend.partymap.bookings.booking import Wanted, book, held_room
from backend.partymap.bookings.keeping import share_room
from backend.partymap.bookings.tables import AUDIENCES, SharedRoom
from backend.partymap.tables import ServicePoint
from backend.people.access import Caller

SEED = 1258
DAYS = 10
_SHARING = ("town_centre", "village_centre", "shared_room")
_NAMES = ("议事厅", "多功能室", "党员活动室", "图书角", "亲子活动室")
_PURPOSES = ("支部主题党日", "村民小组议事", "亲子阅读", "书法学习", "邻里调解")
_TIMES = (time(9), time(10, 30), time(14, 30), time(16), time(19, 30))
_RULES = {"shortest_minutes": 30, "longest_minutes": 180, "step_minutes": 30, "ahead_days": 30, "most_to_come": 3}


def load_rooms(session: Session, keeper: Caller, people: Sequence[Caller], now: datetime, seed: int = SEED) -> None:
    """Share a room of about half of the centres and shared rooms, and have people book them. Commits nothing."""
    random = Random(seed)
    sharing = select(ServicePoint.id, ServicePoint.area_code, ServicePoint.capacity)
    points = session.execute(sharing.where(ServicePoint.kind.in_(_SHARING)).order_by(ServicePoint.id)).all()
    for point in random.sample(points, len(points) // 2):
        rules = _RULES | {"open_to": list(AUDIENCES), "capacity": max(5, (point.capacity or 20) // 2)}
        rules |= {"name": random.choice(_NAMES), "bar_after": 3, "bar_days": 90}
        room = share_room(session, point.id, point.area_code, rules, keeper.account_id, now)
        session.flush()
        for person in people:
            _book(session, person, room, random, now)


def _book(session: Session, person: Caller, room: SharedRoom, random: Random, now: datetime) -> None:
    day = now.astimezone(TOWN_ZONE).date() + timedelta(days=random.randrange(1, DAYS))
    begins = datetime.combine(day, random.choice(_TIMES), TOWN_ZONE)
    wanted = Wanted(begins, begins + timedelta(minutes=90), random.randrange(2, 6), random.choice(_PURPOSES))
    with suppress(Problem):  # the point is shut then, or somebody was first
        book(session, person, held_room(session, SharedRoom.id == room.id), wanted, now)
