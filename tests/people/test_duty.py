"""The duty list: who is on duty at an instant, and keeping the list."""

from __future__ import annotations

import uuid
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from backend.cases.timing.turning import turn_colours
from backend.people.duty import OnDuty, nearest, who_is_on_duty
from tests.cases.test_colours import told
from tests.cases.test_deadlines import at
from tests.town import ROLES, TOWN, VILLAGE, People, carry, clear, phone

NIGHT = at("2026-11-23T23:00")


def shift(first: str, last: str, begins: str, ends: str, **more: Any) -> OnDuty:
    where = {"area_code": TOWN, "department": None} | more
    edges = (date.fromisoformat(first), date.fromisoformat(last), time.fromisoformat(begins), time.fromisoformat(ends))
    return OnDuty(uuid.uuid4(), "+8613800000006", "岑", where["area_code"], where["department"], *edges)


@pytest.mark.parametrize(
    ("begins", "ends", "moment", "there"),
    [
        ("17:30", "08:30", "2026-11-23T17:29", False),
        ("17:30", "08:30", "2026-11-23T17:30", True),
        ("17:30", "08:30", "2026-11-24T03:00", True),
        ("17:30", "08:30", "2026-11-25T08:29", True),  # the last night ends the day after
        ("17:30", "08:30", "2026-11-25T08:30", False),
        ("17:30", "08:30", "2026-11-23T08:00", False),  # the night before the first
        ("12:00", "14:00", "2026-11-24T13:59", True),
        ("12:00", "14:00", "2026-11-24T14:00", False),
        ("12:00", "14:00", "2026-11-25T13:00", False),
        ("08:00", "08:00", "2026-11-25T07:59", True),  # round the clock
        ("08:00", "08:00", "2026-11-25T08:00", False),
    ],
)
def test_a_shift_runs_each_day_from_an_hour_to_another(begins: str, ends: str, moment: str, there: bool) -> None:
    assert shift("2026-11-23", "2026-11-24", begins, ends).at(at(moment)) is there


@given(st.times(), st.times(), st.integers(1, 5), st.integers(0, 8 * 24 * 60))
def test_a_shift_is_the_union_of_its_days(begins: time, ends: time, days: int, minutes: int) -> None:
    first, moment = date(2026, 11, 23), at("2026-11-22T00:00") + timedelta(minutes=minutes)
    one = OnDuty(uuid.uuid4(), "", "", TOWN, None, first, first + timedelta(days=days - 1), begins, ends)
    spans = []
    for number in range(days):
        start = datetime.combine(first + timedelta(days=number), begins, moment.tzinfo)
        end = datetime.combine(start.date() + timedelta(days=0 if begins < ends else 1), ends, moment.tzinfo)
        spans.append(start <= moment < end)
    assert one.at(moment) is any(spans)


def test_the_nearest_are_called() -> None:
    town = shift("2026-11-23", "2026-11-23", "17:30", "08:30")
    village = shift("2026-11-23", "2026-11-23", "17:30", "08:30", area_code=VILLAGE)
    works = shift("2026-11-23", "2026-11-23", "17:30", "08:30", department="sanitation")
    there = [town, village, works]
    assert nearest(there, VILLAGE, "sanitation") == [works]
    assert nearest(there, VILLAGE, "water") == [village]
    assert nearest(there, None, VILLAGE) == [village]
    assert nearest(there, None, None) == [town]
    assert nearest([works], VILLAGE, None) == []


def account(people: People, role: str) -> str:
    return str(people[role].get("/me").json["id"])


def body(people: People, role: str = "handler", **changes: Any) -> dict[str, Any]:
    given = {"account_id": account(people, role), "first_day": "2026-11-23", "last_day": "2026-11-29"}
    return given | {"begins": "17:30", "ends": "08:30"} | changes


def test_the_admin_keeps_the_list_and_its_history(app: Flask, people: People) -> None:
    with time_machine.travel(NIGHT, tick=False):
        admin, desk = people["admin"], people["dispatcher"]
        made = admin.post("/duty/shifts", body(people, note="国庆值班"))
        assert made.status_code == 201, made.json
        assert (made.json["begins"], made.json["ends"], made.json["name"]) == ("17:30", "08:30", made.json["name"])
        (there,) = desk.get("/duty").json["items"]
        assert (there["account_id"], there["phone"]) == (account(people, "handler"), f"+86{phone('handler')}")
        assert desk.get("/duty?at=2026-11-23T12:00:00%2B08:00").json["items"] == []
        with app.app_context():
            assert [one.account_id for one in who_is_on_duty(TOWN, None, None, NIGHT)] == [
                uuid.UUID(there["account_id"])
            ]
        path = f"/duty/shifts/{made.json['id']}/end"
        assert desk.post(path, {}, If_Match='"1"').status_code == 404
        assert admin.post(path, {}).status_code == 428
        ended = admin.post(path, {}, If_Match='"1"')
        assert ended.status_code == 200 and ended.json["ended_at"] == NIGHT.isoformat()
        assert admin.post(path, {}, If_Match='"2"').status_code == 409
        assert desk.get("/duty").json["items"] == desk.get("/duty/shifts").json["items"] == []
        assert [one["id"] for one in desk.get("/duty/shifts?ended=true").json["items"]] == [made.json["id"]]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"last_day": "2026-11-22"}, "last_day"),
        ({"last_day": "2027-11-26"}, "last_day"),
        ({"first_day": "2026-11-01", "last_day": "2026-11-02"}, "last_day"),
        ({"begins": "24:00"}, "begins"),
        ({"begins": "17:30+08:00"}, "begins"),
        ({"department": "no_such"}, "department"),
        ({"department": "sanitation", "area_code": VILLAGE}, "department"),
        ({"area_code": "440605122001"}, "area_code"),
        ({"account_id": str(uuid.UUID(int=1))}, "account_id"),
        ({"account_id": "resident"}, "account_id"),
        ({"account_id": "village_officer"}, "account_id"),  # of a village, not of the town
        ({"account_id": "village_officer", "area_code": "440605121201"}, "account_id"),
        ({"account_id": "handler", "department": "water"}, "account_id"),
    ],
)
def test_what_makes_no_sense_is_refused(people: People, changes: dict[str, Any], field: str) -> None:
    with time_machine.travel(NIGHT, tick=False):
        if changes.get("account_id") in ROLES:
            changes = changes | {"account_id": account(people, changes["account_id"])}
        answer = people["admin"].post("/duty/shifts", body(people, **changes))
        assert answer.status_code == 422 and field in answer.json["errors"], answer.json
        assert people["admin"].get("/duty/shifts?ended=true").json["items"] == []


def test_whoever_is_on_leave_or_out_of_use_is_not_on_duty(app: Flask, people: People) -> None:
    with time_machine.travel(NIGHT, tick=False):
        assert people["admin"].post("/duty/shifts", body(people)).status_code == 201
        leave = {"begins_at": NIGHT.isoformat(), "ends_at": (NIGHT + timedelta(hours=1)).isoformat()}
        assert people["handler"].post("/me/absences", leave).status_code == 201
        assert people["dispatcher"].get("/duty").json["items"] == []
    with time_machine.travel(NIGHT + timedelta(hours=1), tick=False):
        assert len(People(people.client)["dispatcher"].get("/duty").json["items"]) == 1


def test_an_urgent_step_at_night_calls_whoever_is_on_duty_and_by_day_nobody(app: Flask, people: People) -> None:
    with time_machine.travel(NIGHT, tick=False):
        assert people["admin"].post("/duty/shifts", body(people)).status_code == 201
        carry(people, people["resident"].file(category="manhole")["id"], "dispatch", holder="sanitation")
        people["resident"].file()  # not urgent
    with app.app_context():
        assert turn_colours(NIGHT + timedelta(seconds=30)) == 1
        assert told(app) == [("handler", "duty_call")]
        assert turn_colours(NIGHT + timedelta(seconds=31)) == 0
    with time_machine.travel(at("2026-11-24T10:00"), tick=False):
        People(people.client)["resident"].file(category="manhole")
    with app.app_context():
        turn_colours(at("2026-11-24T10:01"))
    assert [one for one in told(app) if one[1] == "duty_call"] == [("handler", "duty_call")]


SECRET = {"reporting": "protected"}


@pytest.mark.parametrize(
    ("on_duty", "shift", "report", "upto"),
    [
        ("", {}, {}, ""),  # nobody is
        ("handler", {}, {}, ""),  # nobody has accepted it
        ("village_officer", {"area_code": VILLAGE}, {}, ""),
        ("handler", {}, {}, "dispatch"),  # the village holds it
        ("inspector", {}, SECRET, ""),  # who is not cleared
    ],
)
def test_who_is_on_duty_and_may_not_see_a_case_is_not_called_but_the_desk(
    app: Flask, people: People, on_duty: str, shift: dict[str, str], report: dict[str, str], upto: str
) -> None:
    with time_machine.travel(NIGHT, tick=False):
        clear(people)
        if on_duty:
            assert people["admin"].post("/duty/shifts", body(people, on_duty, **shift)).status_code == 201
        case = people["resident"].file(category="manhole", **report)["id"]
        if upto:
            carry(people, case, upto)
    with app.app_context():
        assert turn_colours(NIGHT + timedelta(seconds=30)) == 1
    assert told(app) == [("dispatcher", "duty_call")]


def test_of_a_protected_report_who_is_on_duty_is_called_when_they_are_cleared(app: Flask, people: People) -> None:
    with time_machine.travel(NIGHT, tick=False):
        clear(people)
        clear(people, "inspector")
        assert people["admin"].post("/duty/shifts", body(people, "inspector")).status_code == 201
        people["resident"].file(category="manhole", **SECRET)
    with app.app_context():
        assert turn_colours(NIGHT + timedelta(seconds=30)) == 1
    assert told(app) == [("inspector", "duty_call")]
