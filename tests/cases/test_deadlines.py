"""When steps are due, and what happens when the calendar becomes known later."""

from __future__ import annotations

from datetime import date, datetime

import pytest
import time_machine
from flask import Flask

from backend.cases.rules.categories import shipped
from backend.cases.timing.deadlines import Limit, due
from backend.cases.timing.recomputing import recompute_open
from backend.cases.workflow import STEP
from backend.config import TOWN_ZONE
from backend.http import clock
from backend.http.work import unit_of_work
from backend.territory.calendar import WorkCalendar
from backend.territory.work_calendar import declare_day
from tests.town import TOWN, People, carry

CALENDAR = WorkCalendar()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=TOWN_ZONE)


def declare(app: Flask, days: dict[date, bool | None]) -> None:
    with unit_of_work() as session:
        for day, workday in days.items():
            declare_day(session, TOWN, day, workday, "通知", actor=None, now=clock.now())
    app.extensions.pop("work_calendar", None)  # it looks again after a second


@pytest.mark.parametrize(
    ("start", "limit", "expected"),
    [
        ("2026-03-14T02:10", Limit("workdays", 2), "2026-03-17T17:30"),
        ("2026-02-13T16:00", Limit("workdays", 3), "2026-02-25T17:30"),
        ("2026-11-23T11:30", Limit("work_hours", 1), "2026-11-23T14:30"),
        ("2026-09-30T16:30", Limit("work_hours", 4), "2026-10-08T11:30"),
        ("2026-10-09T17:00", Limit("work_hours", 2), "2026-10-10T10:00"),
        ("2026-02-14T17:00", Limit("work_hours", 1), "2026-02-24T09:00"),
        ("2026-04-30T17:00", Limit("work_hours", 14), "2026-05-07T17:00"),
        ("2026-10-01T23:30", Limit("urgent_hours", 2), "2026-10-02T01:30"),
    ],
)
def test_limits_run_out_when_the_town_works(start: str, limit: Limit, expected: str) -> None:
    assert due(at(start), limit, CALENDAR) == at(expected)


def test_every_category_has_a_limit_for_each_step_and_the_whole_case() -> None:
    for kind in shipped().values():
        assert set(kind.limits) == {*STEP.values(), "case"}, kind.code


def test_the_first_category_needs_no_photo() -> None:
    assert not next(iter(shipped().values())).needs_photo


def test_a_step_has_its_own_deadline_and_starting_work_does_not_prolong_it(people: People) -> None:
    with time_machine.travel(at("2026-11-23T09:00"), tick=False) as frozen:
        case = people["resident"].file()
        assert (case["due_at"], case["case_due_at"]) == ("2026-11-23T15:00:00+08:00", "2026-11-30T17:30:00+08:00")
        carry(people, case["id"], "dispatch")
        held = people["village_officer"].get(f"/cases/{case['id']}").json["due_at"]
        frozen.move_to(at("2026-11-23T09:20"))
        started = people["village_officer"].act(case["id"], "start").json["due_at"]
        assert held == started == "2026-11-25T17:30:00+08:00"


def test_overdue_lists_what_is_past_its_time(people: People) -> None:
    with time_machine.travel(at("2026-11-23T09:00"), tick=False) as frozen:
        case = people["resident"].file()["id"]
        assert people["resident"].get("/cases?overdue=true").json["items"] == []
        frozen.move_to(at("2026-11-23T15:01"))
        people.clear()
        assert [item["id"] for item in people["resident"].get("/cases?overdue=true").json["items"]] == [case]


def test_an_open_case_moves_with_the_calendar_and_a_closed_one_keeps_its_verdict(app: Flask, people: People) -> None:
    with time_machine.travel(at("2026-09-30T10:00"), tick=False):
        open_case, closed = people["resident"].file()["id"], people["resident"].file()["id"]
        carry(people, closed, "close")
        carry(people, open_case, "dispatch")
        before = people["dispatcher"].get(f"/cases/{open_case}").json
        assert before["due_at"] == "2026-10-09T17:30:00+08:00"
        kept = people["dispatcher"].get(f"/cases/{closed}").json
        with app.app_context():
            declare(app, {date(2026, 10, 9): False})
            assert recompute_open(clock.now()) == 1
            assert recompute_open(clock.now()) == 0
        after = people["dispatcher"].get(f"/cases/{open_case}").json
        assert (after["due_at"], after["version"]) == ("2026-10-10T17:30:00+08:00", before["version"] + 1)
        last = people["dispatcher"].get(f"/cases/{open_case}/timeline").json["items"][-1]
        assert (last["action"], last["actor"]["role"]) == ("recompute", "system")
        assert people["dispatcher"].get(f"/cases/{closed}").json == kept


def test_a_case_already_overdue_moves_with_the_others(app: Flask, people: People) -> None:
    with time_machine.travel(at("2026-11-23T09:00"), tick=False) as frozen:
        case = people["resident"].file()["id"]
        carry(people, case, "dispatch")
        frozen.move_to(at("2026-11-26T09:00"))
        people.clear()
        with app.app_context():
            declare(app, {date(2026, 11, 25): False})
            assert recompute_open(clock.now()) == 1
        after = people["dispatcher"].get(f"/cases/{case}").json
        assert after["due_at"] == "2026-11-26T17:30:00+08:00"


def test_a_deadline_in_a_year_not_yet_announced_moves_when_it_is(app: Flask, people: People) -> None:
    with time_machine.travel(at("2026-12-30T16:00"), tick=False):
        case = people["resident"].file(category="river")["id"]
        carry(people, case, "dispatch")
        before = people["dispatcher"].get(f"/cases/{case}").json["due_at"]
        assert before == "2027-01-14T17:30:00+08:00"  # ten weekdays from the 31st, New Year's Day not counted
        with app.app_context():
            declare(app, {date(2027, 1, 2): True, date(2027, 1, 4): False})
            recompute_open(clock.now())
            assert people["dispatcher"].get(f"/cases/{case}").json["due_at"] == before
            declare(app, {date(2027, 1, 2): None})
            recompute_open(clock.now())
        assert people["dispatcher"].get(f"/cases/{case}").json["due_at"] == "2027-01-15T17:30:00+08:00"


def test_a_deadline_in_a_year_not_yet_announced_is_marked(people: People) -> None:
    with time_machine.travel(at("2026-12-30T16:00"), tick=False):
        case = people["resident"].file(category="river")
        assert case["due_at"].startswith("2026") and case["due_provisional"] is False
        carry(people, case["id"], "dispatch")
        for seen in (
            people["dispatcher"].get(f"/cases/{case['id']}").json,
            *people["dispatcher"].get("/cases").json["items"],
        ):
            assert seen["due_at"].startswith("2027") and seen["due_provisional"] is True


def test_an_unknown_category_is_refused_with_its_name(people: People) -> None:
    answer = people["resident"].post(
        "/cases", {"category": "ufo", "description": "x", "location": {"lon": 113, "lat": 22.86, "crs": "wgs84"}}
    )
    assert (answer.status_code, answer.json["code"]) == (422, "unknown_category")
    assert "ufo" in answer.json["detail"]
