"""A room that anybody of the test town can book, day and night, what they booked of it, and an event to come to."""

from __future__ import annotations

import uuid
from datetime import timedelta
from functools import cached_property
from itertools import count
from typing import Any

from backend.http import clock
from backend.partymap.events.routes import EXAMPLE as EVENT
from backend.partymap.routes import EXAMPLE
from backend.people.access import TABLE
from tests.town import HOME, People, Person

_ALWAYS = {
    "weekly": {
        day: [{"opens": "00:00", "closes": "24:00"}] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    }
}
_RULES = {"shortest_minutes": 15, "step_minutes": 15, "ahead_days": 366, "most_to_come": 100, "bar_after": None}


class Gatherings:
    """The room's id, and bookings of it, each at a time of its own."""

    def __init__(self, people: People) -> None:
        self.people = people
        self._quarters, self._bookings = count(8), dict[str, str]()
        keeper = people["dispatcher"]
        point = keeper.post("/partymap/points", EXAMPLE | {"location": HOME, "opening_hours": _ALWAYS})
        room = {"name": "议事厅", "capacity": 20} | _RULES
        made = keeper.post(f"/partymap/points/{point.json['id']}/rooms", room)
        assert made.status_code == 201, made.json
        self.point, self.room = str(point.json["id"]), str(made.json["id"])

    @cached_property
    def event(self) -> str:
        """A published event."""
        event = self.announced()
        self.publish(event)
        return event

    def wanted(self) -> dict[str, Any]:
        """A time at which nobody has the room."""
        hour = clock.now().replace(minute=0, second=0, microsecond=0)
        begins = hour + timedelta(minutes=15 * next(self._quarters))
        ends = begins + timedelta(minutes=15)
        return {"begins_at": begins.isoformat(), "ends_at": ends.isoformat(), "people": 2, "purpose": "议事"}

    def series(self) -> dict[str, Any]:
        """The same once, as a series of one day."""
        wanted = self.wanted()
        return wanted | {"every": "day", "until": wanted["begins_at"][:10]}

    def booking(self, role: str, anew: bool = False) -> str:
        """A booking of the town's person of a role, the desk's for whoever books nothing."""
        role = role if role in TABLE["book_room"] else "dispatcher"
        if anew or role not in self._bookings:
            self._bookings[role] = self.booked_by(self.people[role])
        return self._bookings[role]

    def booked_by(self, person: Person, **changes: Any) -> str:
        """A booking of somebody's."""
        made = person.post(
            f"/partymap/rooms/{self.room}/bookings", self.wanted() | changes, Idempotency_Key=str(uuid.uuid4())
        )
        assert made.status_code == 201, made.json
        return str(made.json["id"])

    def waits_for(self, person: Person, booking: str) -> str:
        """Somebody's place in line for the time of a booking."""
        held = self.people["dispatcher"].get(f"/partymap/bookings/{booking}").json
        time = {name: held[name] for name in ("begins_at", "ends_at")}
        return self.booked_by(person, wait=True, **time)

    def announced(self, **changes: Any) -> str:
        """A new event that is a draft, to begin in some minutes."""
        begins = clock.now() + timedelta(minutes=29)
        times = {"begins_at": begins.isoformat(), "ends_at": (begins + timedelta(hours=2)).isoformat()}
        made = self.people["dispatcher"].post("/partymap/events", EVENT | times | changes)
        assert made.status_code == 201, made.json
        return str(made.json["id"])

    def publish(self, event: str) -> None:
        """Publish a draft."""
        changed = self.people["dispatcher"].patch(f"/partymap/events/{event}", {"status": "published"}, If_Match='"1"')
        assert changed.status_code == 200, changed.json

    def check_in(self) -> dict[str, Any]:
        """What checks somebody in."""
        code = self.people["dispatcher"].get(f"/partymap/events/{self.event}/code").json["code"]
        return {"code": code, "location": HOME}
