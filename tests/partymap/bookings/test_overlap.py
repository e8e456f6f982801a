"""Two bookings of a room never overlap: not by the rules, not in a race, not by whatever else writes to the table."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from backend.extensions import db
from backend.http.ids import new_id
from backend.http.reading import rows
from backend.partymap.bookings.tables import Booking
from tests.partymap.bookings.conftest import Sharing
from tests.partymap.conftest import SHANGHAI

pytestmark = pytest.mark.sql
NINE = datetime(2026, 12, 1, 9, tzinfo=SHANGHAI)
RACERS = 50


def test_back_to_back_is_taken_and_whatever_overlaps_refused(share: Callable[..., Sharing]) -> None:
    room = share(shortest_minutes=15, step_minutes=15)
    room.booked("12-01 10:00", "12-01 11:00")
    room.booked("12-01 11:00", "12-01 12:00")
    room.booked("12-01 09:00", "12-01 10:00")
    for begins, ends in (
        ("12-01 10:45", "12-01 11:30"),
        ("12-01 09:00", "12-01 12:00"),
        ("12-01 10:15", "12-01 10:45"),
        ("12-01 10:00", "12-01 11:00"),
        ("2026-12-01T02:00:00Z", "2026-12-01T03:00:00Z"),
    ):
        answered = room.book(begins, ends)
        assert (answered.status_code, answered.json["code"]) == (409, "room_taken"), (begins, ends)


def test_of_fifty_who_book_the_same_hour_one_gets_it(share: Callable[..., Sharing]) -> None:
    room, start, answers = share(), threading.Barrier(RACERS), list[Any]()
    body = {"begins_at": NINE.isoformat(), "ends_at": (NINE + timedelta(hours=1)).isoformat()}
    body |= {"people": 1, "purpose": "议事"}

    def race() -> None:
        racer = room.town.app.test_client()
        start.wait()
        answers.append(racer.post(f"/api/v1/partymap/rooms/{room.room}/bookings", json=body, headers=room.resident))

    threads = [threading.Thread(target=race) for _ in range(RACERS)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert Counter((one.status_code, one.json.get("code")) for one in answers) == {
        (201, None): 1,
        (409, "room_taken"): RACERS - 1,
    }
    with room.town.app.app_context():
        assert len(rows(select(Booking.id).where(Booking.room_number == room.number()))) == 1


def test_the_database_refuses_what_overlaps_whoever_writes_it(share: Callable[..., Sharing]) -> None:
    number = (room := share()).number()
    another = share().number()

    def row(minutes: int, length: int, status: str = "booked", **columns: Any) -> dict[str, Any]:
        begins = NINE + timedelta(minutes=minutes)
        told = {"id": new_id(), "room_number": number, "people": 1, "purpose": "", "created_at": NINE, "version": 1}
        return told | {"begins_at": begins, "ends_at": begins + timedelta(minutes=length), "status": status} | columns

    held = row(0, 60)
    with room.town.app.app_context():
        _write(insert(Booking).values(held))
        for good in (row(60, 60), row(-60, 60), row(0, 60, "waiting"), row(0, 60, room_number=another)):
            _write(insert(Booking).values(good))
        for minutes, length in ((0, 60), (59, 2), (-1, 2), (10, 10), (-60, 180)):
            with pytest.raises(IntegrityError):
                _write(insert(Booking).values(row(minutes, length)))
        late = row(300, 60)
        _write(insert(Booking).values(late))
        this = update(Booking).where(Booking.id == late["id"])
        for change in (
            {"begins_at": NINE + timedelta(minutes=30)},
            {"begins_at": NINE, "ends_at": NINE + timedelta(minutes=1)},
        ):
            with pytest.raises(IntegrityError):
                _write(this.values(change))
        waiting = update(Booking).where(Booking.status == "waiting", Booking.room_number == number)
        with pytest.raises(IntegrityError):
            _write(waiting.values(status="booked"))
        _write(update(Booking).where(Booking.id == held["id"]).values(status="cancelled"))
        _write(waiting.values(status="booked"))


def _write(statement: Any) -> None:
    with db.engine.begin() as connection:
        connection.execute(statement)
