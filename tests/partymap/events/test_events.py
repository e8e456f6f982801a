"""Events: announced, signed up for to the last place, checked in to at the door, credited once, counted by branch."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from werkzeug.test import TestResponse

from backend.extensions import db
from backend.http import clock
from backend.http.ids import new_id
from backend.http.reading import rows
from backend.http.work import unit_of_work
from backend.outbox.tables import OutboxMessage
from backend.partymap.events.checking_in import code_at
from backend.partymap.events.facts import FACTS
from backend.partymap.events.own_events import forget_sign_ups
from backend.partymap.events.tables import SignUp
from backend.territory.coordinates import from_wgs84
from tests.partymap.conftest import FIRST, MONDAY, SECOND, TOWN, MapTown, point_row

Travel = Callable[[datetime], None]
THERE = (113.005, 22.865)
BEGINS = MONDAY + timedelta(minutes=5)
"""The door is open already, and there is still time to sign up."""


@dataclass
class Happening:
    """A published event at a service point, its keeper, and how to ask for it."""

    town: MapTown
    keeper: dict[str, str]
    event: str = ""

    def ask(self, method: str, path: str, who: dict[str, str] | None = None, body: Any = None) -> TestResponse:
        """A request under /api/v1/partymap."""
        return self.town.client.open(f"/api/v1/partymap{path}", method=method, json=body, headers=who or {})

    def announce(self, who: dict[str, str], **changes: Any) -> TestResponse:
        """Announce an event: a good one but for what is changed."""
        times = {"begins_at": BEGINS.isoformat(), "ends_at": (BEGINS + timedelta(hours=2)).isoformat()}
        place = (
            {}
            if "point_id" in changes
            else {"location": dict(zip(("lon", "lat"), THERE, strict=True)) | {"crs": "wgs84"}}
        )
        body = {"kind": "cleaning_day", "title": "村庄清洁日", "places": 3} | times | place | changes
        return self.ask("POST", "/events", who, body)

    def change(self, version: int, **changes: Any) -> TestResponse:
        """Change the event, decided on a version."""
        return self.ask("PATCH", f"/events/{self.event}", self.keeper | {"If-Match": f'"{version}"'}, changes)

    def sign_up(self, who: dict[str, str]) -> TestResponse:
        """Sign somebody up."""
        return self.ask("POST", f"/events/{self.event}/sign-up", who)

    def code(self) -> str:
        """The code at the door now."""
        with self.town.app.app_context():
            return code_at(uuid.UUID(self.event), clock.now())[0]

    def check_in(
        self, who: dict[str, str] | None, code: str, at: tuple[float, float] = THERE, crs: str = "wgs84"
    ) -> TestResponse:
        """Check somebody in."""
        body = {"code": code, "location": {"lon": at[0], "lat": at[1], "crs": crs}}
        return self.ask("POST", f"/events/{self.event}/check-in", who, body)

    def told(self) -> Counter[str]:
        """What was posted, by template."""
        with self.town.app.app_context():
            return Counter(one.template for one in rows(select(OutboxMessage.template)))


@pytest.fixture
def happen(one_town: MapTown, travel: Travel) -> Callable[..., Happening]:
    town = one_town
    town.forget_messages()

    def happening(village: str = FIRST, **changes: Any) -> Happening:
        (point,) = town.keep(point_row(lon=THERE[0], lat=THERE[1], area_code=f"{village}001"))
        made = Happening(town, town.sign_in("village_officer", village))
        draft = made.announce(made.keeper, point_id=point, **changes)
        assert draft.status_code == 201, draft.json
        made.event = draft.json["id"]
        assert made.change(1, status="published").status_code == 200
        return made

    return happening


@pytest.mark.sql
def test_of_thirty_who_sign_up_for_five_places_five_have_one_and_the_others_stand_in_line(
    happen: Callable[..., Happening],
) -> None:
    event, answers, start = happen(places=5), list[Any](), threading.Barrier(30)
    people = [event.town.sign_in("resident") for _ in range(30)]

    def race(who: dict[str, str]) -> None:
        racer = event.town.app.test_client()
        start.wait()
        answers.append(racer.post(f"/api/v1/partymap/events/{event.event}/sign-up", headers=who))

    threads = [threading.Thread(target=race, args=(who,)) for who in people]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert Counter(one.json["status"] for one in answers) == {"signed_up": 5, "waiting": 25}
    assert event.ask("GET", f"/events/{event.event}").json["full"] is True
    again = event.sign_up(people[0])
    assert again.status_code == 200 and again.json in [one.json for one in answers]


@pytest.mark.sql
def test_the_database_refuses_a_seat_too_many_whoever_writes_it(happen: Callable[..., Happening]) -> None:
    event = happen(places=2)
    held = {"event_id": uuid.UUID(event.event), "places": 2, "status": "signed_up", "signed_up_at": MONDAY}
    with event.town.app.app_context():
        _write(insert(SignUp).values(held | {"id": new_id(), "seat": 1}))
        for bad in (
            {"seat": 1},
            {"seat": 3},
            {"seat": None},
            {"seat": 3, "places": 3},
            {"seat": 2, "status": "waiting"},
        ):
            with pytest.raises(IntegrityError):
                _write(insert(SignUp).values(held | {"id": new_id()} | bad))
        with pytest.raises(IntegrityError):
            _write(update(SignUp).where(SignUp.event_id == held["event_id"]).values(seat=3))


def _write(statement: Any) -> None:
    with db.engine.begin() as connection:
        connection.execute(statement)


def test_a_place_given_back_or_added_goes_to_the_next_in_line_who_is_told(
    happen: Callable[..., Happening], travel: Travel
) -> None:
    event = happen(places=1)
    people = [event.town.sign_in("resident") for _ in range(4)]
    for second, who in zip(count(1), people, strict=False):
        travel(MONDAY + timedelta(seconds=second))
        event.sign_up(who)
    assert event.ask("DELETE", f"/events/{event.event}/sign-up", people[0]).json["status"] == "cancelled"
    assert [_status(event, who) for who in people] == ["cancelled", "signed_up", "waiting", "waiting"]
    assert event.change(2, places=2).status_code == 200
    assert [_status(event, who) for who in people] == ["cancelled", "signed_up", "signed_up", "waiting"]
    assert event.sign_up(people[0]).json["status"] == "waiting"
    assert event.change(3, places=1).json["code"] == "event_settled"
    assert event.change(3, status="cancelled").status_code == 200
    assert event.told() == {"event_yours": 2, "event_cancelled": 4}
    assert event.sign_up(event.town.sign_in("resident")).json["code"] == "not_sign_up_time"
    assert event.change(4, status="published").json["code"] == "event_settled"


def _status(event: Happening, who: dict[str, str]) -> str:
    (mine,) = event.ask("GET", "/sign-ups", who).json["items"]
    return str(mine["status"])


@pytest.mark.sql
def test_checking_in_takes_the_code_of_the_moment_and_being_there(
    happen: Callable[..., Happening], travel: Travel
) -> None:
    event = happen()
    first, second = (event.town.sign_in("resident") for _ in range(2))
    event.sign_up(first)
    shown = event.ask("GET", f"/events/{event.event}/code", event.keeper).json
    assert shown["code"] == event.code() and shown["shown_until"] == (MONDAY + timedelta(seconds=30)).isoformat()
    far = (THERE[0] + 0.0025, THERE[1])  # 256 metres
    assert event.check_in(first, shown["code"], far).json["code"] == "too_far_away"
    shifted = from_wgs84(*THERE, "gcj02")
    assert event.check_in(first, shown["code"], shifted).json["code"] == "too_far_away"
    assert event.check_in(first, "AAAABBBBCCCCDDDD").json["code"] == "code_not_valid"
    assert event.check_in(None, shown["code"]).status_code == 401
    came = event.check_in(first, shown["code"].lower(), shifted, "gcj02")
    assert came.status_code == 200 and came.json["checked_in_at"] == MONDAY.isoformat()
    travel(MONDAY + timedelta(seconds=59))
    assert event.check_in(first, shown["code"]).json == came.json, "again answers the same"
    walks_in = event.check_in(second, shown["code"])  # theirs, and only theirs
    assert (walks_in.status_code, walks_in.json["status"]) == (200, "signed_up")
    travel(MONDAY + timedelta(seconds=60))
    third = event.town.sign_in("resident")
    assert event.check_in(third, shown["code"]).json["code"] == "code_not_valid", "a picture of it sent on"
    assert event.check_in(first, shown["code"]).json == came.json
    other = happen()
    assert other.check_in(third, event.code()).json["code"] == "code_not_valid"


def test_the_door_is_open_from_half_an_hour_before_and_nobody_without_a_place_gets_in(
    happen: Callable[..., Happening], travel: Travel
) -> None:
    later = happen(
        places=1,
        open_to=["party_members"],
        begins_at=(MONDAY + timedelta(minutes=31)).isoformat(),
        ends_at=(MONDAY + timedelta(hours=1)).isoformat(),
    )
    member, resident = later.town.sign_in("party_member"), later.town.sign_in("resident")
    assert later.sign_up(resident).json["code"] == "event_not_for_you"
    assert later.check_in(member, later.code()).json["code"] == "not_check_in_time"
    assert later.ask("GET", f"/events/{later.event}/code", later.keeper).json["code"] == "not_check_in_time"
    travel(MONDAY + timedelta(minutes=1))
    assert later.ask("GET", f"/events/{later.event}/code", member).status_code == 404
    assert later.check_in(resident, later.code()).json["code"] == "event_not_for_you"
    assert later.check_in(member, later.code()).status_code == 200
    full = later.check_in(later.town.sign_in("party_member"), later.code())
    assert (full.status_code, full.json["code"]) == (409, "event_full")
    assert later.ask("DELETE", f"/events/{later.event}/sign-up", member).json["code"] == "not_sign_up_time"


@pytest.mark.sql
def test_hours_are_credited_to_the_person_and_the_village_once(happen: Callable[..., Happening]) -> None:
    event = happen(SECOND, credit_minutes=90)
    first, second = (event.town.sign_in("resident") for _ in range(2))
    for who in (first, second):
        event.sign_up(who)
    for _ in range(3):
        assert event.check_in(first, event.code()).status_code == 200
    assert event.ask("GET", "/sign-ups", first).json["credited_minutes"] == 90
    assert event.ask("GET", "/sign-ups", second).json["credited_minutes"] == 0
    period = {
        "town_start": TOWN,
        "town_end": f"{TOWN}:",
        "period_start": MONDAY,
        "period_end": MONDAY + timedelta(days=1),
    }
    with event.town.app.app_context():
        turnout, minutes = (_of_second(rows(fact.select, **period)) for fact in FACTS)
        assert [tuple(one) for one in turnout] == [(SECOND, 1, 2)]
        assert [tuple(one) for one in minutes] == [(SECOND, 90, 1)]
        assert [(one.village, str(one.id)) for one in _of_second(rows(FACTS[0].behind, **period))] == [
            (SECOND, event.event)
        ]
    assert event.change(2, status="cancelled").status_code == 200
    assert event.ask("GET", "/sign-ups", first).json["credited_minutes"] == 0
    with event.town.app.app_context():
        assert _of_second(rows(FACTS[0].select, **period)) == []


def _of_second(found: Any) -> list[Any]:
    return [one for one in found if one.village == SECOND]


def test_the_turnout_tells_no_one_to_four_nor_what_brings_them_back(
    happen: Callable[..., Happening], travel: Travel
) -> None:
    event = happen(places=200)
    path = f"/events/{event.event}/turnout"
    assert event.ask("GET", path, event.keeper).json["code"] == "event_not_over"
    for branch, (signed_up, came) in {FIRST: (12, 9), SECOND: (9, 9), f"{TOWN}003": (20, 12), None: (7, 0)}.items():
        _fill(event, branch, signed_up, came)
    travel(BEGINS + timedelta(hours=3))
    told = event.ask("GET", path, event.town.sign_in("committee")).json
    lines = {one["branch"]: (one["signed_up"], one["came"]) for one in told["branches"]}
    # Of the first three stayed away. Who is no member goes with it, so that the rest is not three; and as none of them
    # came, another, so that the rest is not the first one's.
    assert lines == {FIRST: (None, None), SECOND: (None, None), f"{TOWN}003": (20, 12), None: (None, None)}
    assert (told["signed_up"], told["came"]) == (48, 30)


def _fill(event: Happening, branch: str | None, signed_up: int, came: int) -> None:
    with event.town.app.app_context():
        first = len(rows(select(SignUp.id).where(SignUp.event_id == uuid.UUID(event.event))))
        held = {"event_id": uuid.UUID(event.event), "places": 200, "branch_code": branch, "status": "signed_up"}
        for number in range(signed_up):
            there = MONDAY if number < came else None
            row = {"id": new_id(), "seat": first + number + 1, "signed_up_at": MONDAY, "checked_in_at": there}
            _write(insert(SignUp).values(held | row))


def test_who_may_announce_what_where(happen: Callable[..., Happening]) -> None:
    event = happen()
    elsewhere = event.town.sign_in("village_officer", SECOND)
    assert event.announce(elsewhere).json["errors"].keys() == {"location"}
    assert event.announce(event.town.sign_in("resident")).status_code == 404
    for bad, field in (
        ({"ends_at": BEGINS.isoformat()}, "ends_at"),
        ({"ends_at": (BEGINS - timedelta(hours=1)).isoformat()}, "ends_at"),
        ({"places": 0}, "places"),
        ({"point_id": str(uuid.uuid4())}, "point_id"),
        ({"location": None}, "location"),
        ({"kind": "party"}, "kind"),
    ):
        answered = event.announce(event.keeper, **bad)
        assert (answered.status_code, list(answered.json["errors"])) == (422, [field]), bad
    draft = event.announce(event.keeper).json["id"]
    for who, status in ((None, 404), (elsewhere, 404), (event.keeper, 200)):
        assert event.ask("GET", f"/events/{draft}", who).status_code == status
    assert event.ask("POST", f"/events/{draft}/sign-up", elsewhere).status_code == 404
    listed = [one["id"] for one in event.ask("GET", f"/events?area={FIRST}&kind=cleaning_day").json["items"]]
    assert event.event in listed and draft not in listed
    assert event.event not in [one["id"] for one in event.ask("GET", f"/events?area={SECOND}").json["items"]]
    assert event.change(2, title="另一活动").json["code"] == "event_settled"
    assert event.change(2, description="请带手套").status_code == 200
    past = event.announce(event.keeper, begins_at=(MONDAY - timedelta(hours=1)).isoformat()).json["id"]
    late = event.ask("PATCH", f"/events/{past}", event.keeper | {"If-Match": '"1"'}, {"status": "published"})
    assert (late.status_code, list(late.json["errors"])) == (422, ["begins_at"])


def test_who_did_not_come_is_forgotten_after_half_a_year_and_who_came_keeps_the_hours(
    happen: Callable[..., Happening], travel: Travel
) -> None:
    event = happen()
    first, second = (event.town.sign_in("resident") for _ in range(2))
    for who in (first, second):
        event.sign_up(who)
    event.check_in(first, event.code())
    for days, left in ((180, [True, True]), (190, [False, True])):
        travel(MONDAY + timedelta(days=days))
        with event.town.app.app_context():
            with unit_of_work() as session:
                forget_sign_ups(session, clock.now())
            mine = select(SignUp.account_id, SignUp.checked_in_at).where(SignUp.event_id == uuid.UUID(event.event))
            known = rows(mine)
        assert sorted(one.account_id is not None for one in known) == left
        assert [one.checked_in_at for one in known if one.account_id is None] == [None] * left.count(False)
