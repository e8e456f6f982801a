"""Deadlines that went wrong for people who run such software, as small cases with the right answer."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
import time_machine
from flask import Flask

from backend.cases.timing.deadlines import Limit, due
from backend.cases.timing.recomputing import recompute_open
from backend.cases.timing.turning import turn_colours
from backend.http import clock
from backend.territory.calendar import WorkCalendar
from tests.cases.test_colours import told
from tests.cases.test_deadlines import at, declare
from tests.town import People, carry

STEPS = ("accept", "dispatch", "handle", "check", "close", "case")


def category(people: People, code: str, days: int, **changes: Any) -> None:
    """A category of the town's own with so many workdays for everything."""
    body = {"code": code, "name": code, "name_en": code, "parent": "own", "parent_name": "本镇类别"}
    body |= {"department": "sanitation", "public": True, "needs_photo": False, "reason": "本镇需要"}
    body |= {"limits": {step: {"unit": "workdays", "amount": days} for step in STEPS}}
    answer = people["admin"].post("/categories", body | changes)
    assert answer.status_code == 201, answer.json


def test_a_weekend_filing_is_not_judged_in_utc() -> None:
    filed = datetime(2026, 3, 13, 18, 10, tzinfo=UTC)
    assert filed.astimezone(at("2026-03-14T00:00").tzinfo) == at("2026-03-14T02:10")
    assert due(filed, Limit("workdays", 2), WorkCalendar()) == at("2026-03-17T17:30")


def test_three_workdays_over_the_spring_festival_with_a_make_up_saturday() -> None:
    assert due(at("2026-02-13T16:00"), Limit("workdays", 3), WorkCalendar()) == at("2026-02-25T17:30")


@pytest.mark.parametrize(
    ("start", "hours", "expected"),
    [
        ("2026-11-23T11:30", 1, "2026-11-23T14:30"),
        ("2026-09-30T16:30", 4, "2026-10-08T11:30"),
        ("2026-10-09T17:00", 2, "2026-10-10T10:00"),
        ("2026-02-14T17:00", 1, "2026-02-24T09:00"),
        ("2026-04-30T17:00", 14, "2026-05-07T17:00"),
    ],
)
def test_work_hours_pass_over_the_break_and_the_holiday(start: str, hours: int, expected: str) -> None:
    assert due(at(start), Limit("work_hours", hours), WorkCalendar()) == at(expected)


def test_a_calendar_corrected_later_moves_open_cases_and_leaves_closed_ones(app: Flask, people: People) -> None:
    with time_machine.travel(at("2026-09-01T09:00"), tick=False):
        category(people, "five_days", 5)
    with time_machine.travel(at("2026-09-30T09:00"), tick=False):
        people = People(people.client)
        open_case, closed = (people["resident"].file(category="five_days") for _ in range(2))
        assert open_case["due_at"] == open_case["case_due_at"] == "2026-10-13T17:30:00+08:00"
        carry(people, closed["id"], "close")
        kept = people["dispatcher"].get(f"/cases/{closed['id']}").json
        with app.app_context():
            declare(app, {date(2026, 10, 9): False})
            recompute_open(clock.now())
        moved = people["dispatcher"].get(f"/cases/{open_case['id']}").json
        assert moved["due_at"] == moved["case_due_at"] == "2026-10-14T17:30:00+08:00"
        assert moved["amber_at"] == "2026-10-13T17:30:00+08:00"  # four of five days
        told = people["dispatcher"].get(f"/cases/{open_case['id']}/timeline").json["items"][-1]
        assert (told["action"], told["old_due_at"], told["due_at"]) == (
            "recompute",
            "2026-10-13T17:30:00+08:00",
            "2026-10-14T17:30:00+08:00",
        )
        assert people["dispatcher"].get(f"/cases/{closed['id']}").json == kept
        steps = people["dispatcher"].get(f"/cases/{closed['id']}/timeline").json["items"]
        assert [event["ended_step"]["late"] for event in steps if event["ended_step"]] == [False] * 5


def test_a_corrected_category_counts_from_filing_and_the_old_one_s_timers_never_fire(
    app: Flask, people: People
) -> None:
    with time_machine.travel(at("2026-11-20T09:00"), tick=False):
        category(people, "two_days", 2)
        category(people, "five_days", 5)
    with time_machine.travel(at("2026-11-23T09:00"), tick=False) as frozen:
        people = People(people.client)
        case = people["resident"].file(category="two_days")
        assert case["due_at"] == "2026-11-25T17:30:00+08:00"
        frozen.move_to(at("2026-11-24T10:00"))
        people.clear()
        after = people["dispatcher"].act(case["id"], "correct_category", category="five_days", reason="登记时选错")
        assert after.status_code == 200, after.json
        assert (after.json["category"], after.json["due_at"]) == ("five_days", "2026-11-30T17:30:00+08:00")
        assert after.json["case_due_at"] == "2026-11-30T17:30:00+08:00"
        event = people["dispatcher"].get(f"/cases/{case['id']}/timeline").json["items"][-1]
        assert (event["old_category"], event["category"]) == ("two_days", "five_days")
        assert (event["old_due_at"], event["due_at"]) == ("2026-11-25T17:30:00+08:00", "2026-11-30T17:30:00+08:00")
        with app.app_context():
            for moment in ("2026-11-25T12:00", "2026-11-25T17:31", "2026-11-26T18:00"):
                assert turn_colours(at(moment)) == 0
            assert told(app) == []
            assert recompute_open(at("2026-11-26T18:00")) == 0  # the two rules agree
            assert turn_colours(at("2026-11-27T17:31")) == 1


def test_a_reopened_case_has_a_running_deadline_again(people: People) -> None:
    with time_machine.travel(at("2026-11-23T09:00"), tick=False) as frozen:
        case = people["resident"].file()["id"]
        carry(people, case, "close")
        assert people["dispatcher"].get(f"/cases/{case}").json["colour"] is None
        frozen.move_to(at("2026-12-01T09:00"))
        people.clear()
        again = people["resident"].act(case, "reopen", reason="又堆了").json
        assert (again["due_at"], again["case_due_at"]) == ("2026-12-01T15:00:00+08:00", "2026-12-08T17:30:00+08:00")
        assert (again["colour"], again["amber_at"]) == ("green", "2026-12-01T14:12:00+08:00")
