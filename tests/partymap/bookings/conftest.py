"""A room of a service point that is shared in the small town of two villages."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from backend.http.reading import rows
from backend.partymap.bookings.tables import SharedRoom
from tests.partymap.conftest import MapTown, point_row

HOURS = {
    "weekly": {
        "workdays": [{"opens": "09:00", "closes": "20:00"}],
        "fri": [{"opens": "16:00", "closes": "01:00"}],
    },
    "exceptions": [
        {"date": "2026-12-05", "hours": [{"opens": "07:00", "closes": "12:00"}], "note": "活动日"},
        {"date": "2026-12-15", "hours": [], "note": "检修"},
    ],
}


@dataclass
class Sharing:
    """A room, its keeper, and a resident."""

    town: MapTown
    room: str
    keeper: dict[str, str]
    resident: dict[str, str]

    def ask(self, method: str, path: str, who: dict[str, str] | None = None, body: Any = None) -> TestResponse:
        """A request under /api/v1/partymap."""
        return self.town.client.open(f"/api/v1/partymap{path}", method=method, json=body, headers=who or {})

    def book(self, begins: str, ends: str, who: dict[str, str] | None = None, **more: Any) -> TestResponse:
        """Book the room: from and to as "12-01 09:00", in the town's time, or with an offset as they are."""
        body = {"begins_at": at(begins), "ends_at": at(ends), "people": 5, "purpose": "村民议事"} | more
        return self.ask("POST", f"/rooms/{self.room}/bookings", who or self.resident, body)

    def booked(self, begins: str, ends: str, who: dict[str, str] | None = None, **more: Any) -> str:
        """The same, done; the booking's id."""
        answered = self.book(begins, ends, who, **more)
        assert answered.status_code == 201, answered.json
        return str(answered.json["id"])

    def number(self) -> int:
        """The room's number in its bookings."""
        with self.town.app.app_context():
            (found,) = rows(select(SharedRoom.number).where(SharedRoom.id == uuid.UUID(self.room)))
            return int(found.number)


def at(text: str) -> str:
    return text if text.endswith("Z") else f"2026-{text.replace(' ', 'T')}:00+08:00"


@pytest.fixture
def share(one_town: MapTown, travel: Callable[[datetime], None]) -> Callable[..., Sharing]:
    town = one_town
    town.forget_messages()

    def shared(**rules: Any) -> Sharing:
        (point,) = town.keep(point_row(opening_hours=HOURS))
        sharing = Sharing(town, "", town.sign_in("dispatcher"), town.sign_in("resident"))
        body = {"name": "议事厅", "capacity": 20, "most_to_come": 60} | rules
        made = sharing.ask("POST", f"/points/{point}/rooms", sharing.keeper, body)
        assert made.status_code == 201, made.json
        sharing.room = made.json["id"]
        return sharing

    return shared
