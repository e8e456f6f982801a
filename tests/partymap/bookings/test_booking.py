"""Booking a room: its rules, series, the line of those who wait, who did not come, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar
from sqlalchemy import select

from backend.http import clock
from backend.http.reading import rows
from backend.http.work import unit_of_work
from backend.outbox.tables import OutboxMessage
from backend.partymap.bookings.own_bookings import forget_bookings
from backend.partymap.bookings.series import dates_of
from backend.partymap.bookings.tables import Booking
from tests.partymap.bookings.conftest import Sharing, at
from tests.partymap.conftest import FIRST, MONDAY, SECOND, SHANGHAI

Share = Callable[..., Sharing]


def told(room: Sharing) -> list[tuple[str, str]]:
    with room.town.app.app_context():
        found = rows(select(OutboxMessage.template, OutboxMessage.address).order_by(OutboxMessage.id))
        return sorted((one.template, one.address) for one in found)


def test_what_the_rules_do_not_allow_is_refused_with_its_own_code(share: Share) -> None:
    room = share(longest_minutes=480)
    for begins, ends, more, status, code in (
        ("11-23 09:30", "11-23 10:30", {}, 422, "in_the_past"),
        ("12-01 11:00", "12-01 10:00", {}, 422, "ends_before_it_begins"),
        ("12-01 10:00", "12-01 10:00", {}, 422, "ends_before_it_begins"),
        ("12-01 10:10", "12-01 11:00", {}, 422, "off_step"),
        ("12-01 10:00", "12-01 18:30", {}, 422, "wrong_length"),
        ("12-24 10:00", "12-24 11:00", {}, 422, "too_far_ahead"),
        ("12-01 08:30", "12-01 10:00", {}, 422, "not_open_then"),
        ("12-01 19:30", "12-01 20:30", {}, 422, "not_open_then"),
        ("11-28 10:00", "11-28 11:00", {}, 422, "not_open_then"),  # a Saturday
        ("12-15 10:00", "12-15 11:00", {}, 422, "not_open_then"),  # an exception of the point
        ("12-05 14:00", "12-05 15:00", {}, 422, "not_open_then"),  # other hours that day
        ("11-28 00:30", "11-28 01:30", {}, 422, "not_open_then"),  # Friday's hours end at one
        ("12-01 10:00", "12-01 11:00", {"people": 21}, 422, "too_many_people"),
        ("12-01 10:00", "12-01 11:00", {"people": 0}, 422, "invalid"),
        ("12-01 10:00", "12-01 11:00", {"begins_at": "2026-12-01T10:00:00"}, 422, "invalid"),
    ):
        answered = room.book(begins, ends, **more)
        assert (answered.status_code, answered.json["code"]) == (status, code), (begins, ends, answered.json)
    room.booked("12-05 07:00", "12-05 12:00")
    room.booked("11-27 23:30", "11-28 00:30")  # past midnight, in Friday's hours
    unknown = room.ask("POST", "/rooms/00000000-0000-4000-8000-000000000000/bookings", room.resident, body())
    assert (unknown.status_code, unknown.json["code"]) == (404, "not_found")


def body(**changes: Any) -> dict[str, Any]:
    return {"begins_at": at("12-01 10:00"), "ends_at": at("12-01 11:00"), "people": 1, "purpose": "议事"} | changes


def test_who_may_book_and_how_often_is_the_rooms_to_say(share: Share) -> None:
    room = share(open_to=["party_members"], most_to_come=1)
    assert room.book("12-01 10:00", "12-01 11:00").json["code"] == "room_not_for_you"
    member = room.town.sign_in("party_member", FIRST)
    room.booked("12-01 10:00", "12-01 11:00", member)
    assert room.book("12-02 10:00", "12-02 11:00", member).json["code"] == "too_many_to_come"
    for hour in (12, 13):  # who keeps the room always may
        room.booked(f"12-01 {hour}:00", f"12-01 {hour + 1}:00", room.keeper)
    elsewhere = room.town.sign_in("village_officer", SECOND)
    changes = {"open_to": ["officers"], "longest_minutes": 60}
    assert room.ask("PATCH", f"/rooms/{room.room}", elsewhere | {"If-Match": '"1"'}, changes).status_code == 404
    changed = room.ask("PATCH", f"/rooms/{room.room}", room.keeper | {"If-Match": '"1"'}, changes)
    assert (changed.status_code, changed.json["version"]) == (200, 2)
    assert room.book("12-01 16:00", "12-01 17:00", member).json["code"] == "room_not_for_you"
    gone = room.ask("PATCH", f"/rooms/{room.room}", room.keeper | {"If-Match": '"2"'}, {"active": False})
    assert gone.status_code == 200
    assert room.book("12-01 18:00", "12-01 19:00", room.keeper).json["code"] == "room_given_up"


def test_what_is_offered_can_be_booked_and_what_is_not_cannot(share: Share) -> None:
    room = share()
    room.booked("12-01 11:00", "12-01 12:00")
    offer = room.ask("GET", f"/rooms/{room.room}/free?day=2026-12-01&minutes=90").json
    starts = [start[11:16] for start in offer["starts"]]
    assert starts == ["09:00", "09:30", *(f"{half // 2:02d}:{half % 2 * 30:02d}" for half in range(24, 38))]
    assert [one["begins_at"] for one in offer["busy"]] == ["2026-12-01T11:00:00+08:00"]
    room.booked("12-01 18:30", "12-01 20:00")
    assert room.book("12-01 19:00", "12-01 20:30").status_code == 422
    day = room.ask("GET", f"/rooms/{room.room}/free?day=2026-12-05&minutes=60").json["starts"]
    assert [day[number][11:16] for number in (0, 1, -1)] == ["00:00", "07:00", "11:00"]  # Friday goes on until one


def test_who_waits_gets_what_is_given_back_in_their_turn(share: Share, travel: Callable[[datetime], None]) -> None:
    room = share()
    first = room.booked("12-01 10:00", "12-01 12:00")
    others = [room.town.sign_in("resident") for _ in range(3)]
    long, late, early = (
        _later(travel, second) or room.book(*time, who, wait=True).json
        for second, who, time in zip(
            count(1),
            others,
            (("12-01 11:00", "12-01 12:30"), ("12-01 11:30", "12-01 12:00"), ("12-01 10:00", "12-01 11:00")),
            strict=False,
        )
    )
    assert {one["status"] for one in (long, late, early)} == {"waiting"}
    cancelled = room.ask("POST", f"/bookings/{first}/cancel", room.resident, {})
    assert cancelled.json["status"] == "cancelled"
    stands = [
        room.ask("GET", f"/bookings/{one['id']}", who).json["status"]
        for one, who in zip((long, late, early), others, strict=True)
    ]
    assert stands == ["booked", "waiting", "booked"]
    assert [template for template, _ in told(room)] == ["room_yours", "room_yours"]
    again = room.ask("POST", f"/bookings/{first}/cancel", room.resident, {})
    assert (again.status_code, again.json["code"]) == (409, "booking_over")
    assert room.ask("POST", f"/bookings/{long['id']}/cancel", room.resident, {}).status_code == 404
    assert room.ask("POST", f"/bookings/{long['id']}/cancel", room.keeper, {}).status_code == 200
    assert [template for template, _ in told(room)] == ["room_cancelled", *["room_yours"] * 3]


def _later(travel: Callable[[datetime], None], second: int) -> None:
    travel(MONDAY + timedelta(seconds=second))


def test_a_series_tells_of_each_date_and_one_of_them_can_be_given_back(share: Share) -> None:
    room = share(ahead_days=60)
    room.booked("12-08 10:00", "12-08 11:00", room.keeper)
    series = {**body(), "every": "week", "until": "2026-12-29"}
    made = room.ask("POST", f"/rooms/{room.room}/series", room.resident, series)
    assert made.status_code == 201, made.json
    items = made.json["items"]
    assert [(one["begins_at"][5:16], one["code"]) for one in items] == [
        ("12-01T10:00", None),
        ("12-08T10:00", "room_taken"),
        ("12-15T10:00", "not_open_then"),
        ("12-22T10:00", None),
        ("12-29T10:00", None),
    ]
    assert all(one["detail"] for one in items if one["code"]) and all(
        (one["booking"] is None) == bool(one["code"]) for one in items
    )
    assert room.ask("POST", f"/bookings/{items[3]['booking']}/cancel", room.resident, {}).status_code == 200
    mine = room.ask("GET", "/bookings", room.resident).json["items"]
    assert [one["status"] for one in mine] == ["booked", "cancelled", "booked"]
    assert {one["series_id"] for one in mine} == {made.json["series_id"]}
    assert (
        room.ask("POST", f"/bookings/{items[0]['booking']}/cancel", room.resident, {"following": True}).status_code
        == 200
    )
    assert {one["status"] for one in room.ask("GET", "/bookings", room.resident).json["items"]} == {"cancelled"}
    bad = room.ask("POST", f"/rooms/{room.room}/series", room.resident, series | {"until": "2026-11-30"})
    assert (bad.status_code, list(bad.json["errors"])) == (422, ["until"])


@pytest.mark.parametrize(
    ("zone", "first", "hours"),
    [
        ("Europe/Amsterdam", (2026, 10, 19), [7, 8]),
        ("Europe/Amsterdam", (2026, 3, 23), [8, 7]),
        ("Asia/Shanghai", (2026, 10, 19), [1, 1]),
    ],
)
def test_a_series_keeps_its_time_on_the_wall_when_clocks_change(
    zone: str, first: tuple[int, int, int], hours: list[int]
) -> None:
    begins = datetime(*first, 9, tzinfo=ZoneInfo(zone))
    until = date(*first) + timedelta(days=7)
    dates = dates_of(begins, begins.replace(hour=10), "week", until, ZoneInfo(zone))
    assert [one.astimezone(UTC).hour for one, _ in dates] == hours


def test_who_does_not_come_too_often_may_not_book_for_a_while(share: Share) -> None:
    room = share(bar_after=2, bar_days=30, shortest_minutes=15, step_minutes=15)
    ahead = room.booked("12-01 10:00", "12-01 11:00")
    early = room.ask("POST", f"/bookings/{ahead}/no-show", room.keeper, {"missed": True})
    assert (early.status_code, early.json["code"]) == (409, "booking_not_begun")
    missed = list[str]()
    for _ in range(2):  # who is marked as missing does not hold the room any more
        missed.append(room.booked("11-23 10:00", "11-23 10:15"))
        assert room.ask("POST", f"/bookings/{missed[-1]}/no-show", room.resident, {"missed": True}).status_code == 404
        marked = room.ask("POST", f"/bookings/{missed[-1]}/no-show", room.keeper, {"missed": True})
        assert marked.json["status"] == "no_show"
    barred = room.book("12-01 12:00", "12-01 13:00")
    assert (barred.status_code, barred.json["code"]) == (403, "barred_for_no_shows")
    assert [template for template, _ in told(room)] == ["room_missed"] * 2
    assert room.ask("POST", f"/bookings/{missed[0]}/no-show", room.keeper, {"missed": False}).status_code == 200
    again = room.ask("POST", f"/bookings/{missed[1]}/no-show", room.keeper, {"missed": False})
    assert (again.status_code, again.json["code"]) == (409, "room_taken")
    room.booked("12-01 12:00", "12-01 13:00")


def test_the_calendar_says_busy_in_the_towns_zone_and_nothing_of_whom(share: Share) -> None:
    name = "议事厅，一楼; 东侧\\" + "长" * 40
    room = share(name=name)
    booking = room.booked("12-01 10:00", "12-01 11:00", purpose="秘密议题")
    room.book("12-01 10:00", "12-01 11:00", room.keeper, wait=True)
    feed = room.ask("GET", f"/rooms/{room.room}/calendar.ics")
    assert feed.mimetype == "text/calendar" and all(len(line) <= 75 for line in feed.data.split(b"\r\n"))
    calendar = Calendar.from_ical(feed.data)
    (entry,) = calendar.walk("VEVENT")
    assert entry.decoded("dtstart") == datetime(2026, 12, 1, 10, tzinfo=SHANGHAI)
    assert (entry.decoded("dtend") - entry.decoded("dtstart")).seconds == 3600
    assert entry["dtstart"].params["TZID"] == "Asia/Shanghai"
    assert entry["location"] == f"敦根社区党群服务中心 {name}"
    assert not any(word in feed.text for word in ("秘密", booking, "resident", "议题"))
    again = room.town.client.get(
        f"/api/v1/partymap/rooms/{room.room}/calendar.ics", headers={"If-None-Match": feed.headers["ETag"]}
    )
    assert again.status_code == 304


def test_who_keeps_the_room_reads_who_booked_and_that_is_told_to_them(share: Share) -> None:
    room = share()
    booking = room.booked("12-01 10:00", "12-01 11:00")
    (listed,) = room.ask("GET", f"/rooms/{room.room}/bookings", room.keeper).json["items"]
    assert "holder" not in listed and listed["mine"] is False
    assert room.ask("GET", f"/bookings/{booking}", room.keeper).json["holder"]["name"] == "resident"
    assert room.ask("GET", f"/bookings/{booking}", room.resident).json["holder"] is None
    for other in (room.town.sign_in("resident"), room.town.sign_in("village_officer", SECOND)):
        assert room.ask("GET", f"/bookings/{booking}", other).status_code == 404
    looks = room.town.client.get("/api/v1/me/accesses", headers=room.resident).json["items"]
    assert [look["action"] for look in looks] == ["read_booking"]


def test_long_after_its_end_nobody_knows_who_had_a_room(share: Share, travel: Callable[[datetime], None]) -> None:
    room = share()
    room.booked("12-01 10:00", "12-01 11:00", purpose="秘密议题")
    for year, left in ((2026, 1), (2027, 0)):
        travel(datetime(year, 12, 31, tzinfo=SHANGHAI))
        with room.town.app.app_context():
            with unit_of_work() as session:
                forget_bookings(session, clock.now())
            mine = select(Booking.account_id, Booking.purpose, Booking.status).where(
                Booking.room_number == room.number()
            )
            (kept,) = rows(mine)
        assert (kept.account_id is not None, kept.purpose == "秘密议题") == (bool(left), bool(left))
        assert kept.status == "booked"
