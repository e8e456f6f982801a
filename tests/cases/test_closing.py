"""A checked case closes by itself when its reporter says nothing; a closing can be answered for a while."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from backend.cases.closing import checked_before, close_checked
from backend.cases.links.following import keep_in_step
from backend.cases.tables import CaseEvent
from backend.config import TOWN_ZONE
from backend.http.reading import rows
from backend.outbox.tables import OutboxMessage
from backend.territory.calendar import WorkCalendar
from tests.town import People, carry

CALENDAR = WorkCalendar()
MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=TOWN_ZONE)
"""Checked then, a case closes on the next Monday at closing time: Tuesday to Friday and that day are five workdays."""
CLOSES = datetime(2026, 11, 30, 17, 30, tzinfo=TOWN_ZONE)


@pytest.fixture
def checked(people: People) -> Iterator[str]:
    """A case that was checked on Monday at nine, which it still is."""
    with time_machine.travel(MONDAY, tick=False):
        case = str(people["resident"].file()["id"])
        carry(people, case, upto="pass_check")
        yield case


def shown(people: People, case: str) -> Any:
    return people["dispatcher"].get(f"/cases/{case}").json


def test_it_closes_by_itself_after_five_workdays_once_and_without_a_rating(
    app: Flask, people: People, checked: str
) -> None:
    before = shown(people, checked)
    with app.app_context():
        assert close_checked(CLOSES - timedelta(seconds=1)) == 0
        assert close_checked(CLOSES + timedelta(days=2)) == 1  # a scheduler that slept loses nothing
        assert close_checked(CLOSES + timedelta(days=2)) == 0
        messages = len(rows(select(OutboxMessage.id).where(OutboxMessage.template == "case_update")))
    case = shown(people, checked)
    assert (case["status"], case["rating"], case["due_at"], case["version"]) == (
        "closed",
        None,
        None,
        before["version"] + 1,
    )
    event = people["resident"].get(f"/cases/{checked}/timeline").json["items"][-1]
    assert (event["action"], event["actor"], event["score"]) == ("close", {"role": "system", "me": False}, None)
    assert messages == 6  # accepted, dispatched, started, handed in, checked, closed
    with app.app_context():
        ended = rows(select(CaseEvent.step, CaseEvent.step_due_at).where(CaseEvent.action == "close"))
    assert [(row.step, row.step_due_at.isoformat()) for row in ended] == [("close", before["due_at"])]
    assert {"rate", "reopen"} <= set(people["resident"].get(f"/cases/{checked}").json["allowed_actions"])


@pytest.mark.parametrize(
    ("action", "fields"), [("urge", {}), ("note", {"note": "还有一堆没清"}), ("reply", {"note": "没有，还是很臭"})]
)
def test_what_its_reporter_speaks_about_waits_for_the_desk(
    app: Flask, people: People, checked: str, action: str, fields: dict[str, str]
) -> None:
    assert people["resident"].act(checked, action, **fields).status_code == 200
    with app.app_context():
        assert close_checked(CLOSES + timedelta(days=60)) == 0
    assert people["dispatcher"].act(checked, "close").json["status"] == "closed"


def test_what_the_reporter_of_a_merged_case_speaks_about_waits_as_well(app: Flask, people: People) -> None:
    with time_machine.travel(MONDAY, tick=False):
        head, merged = (str(people[who].file()["id"]) for who in ("resident", "party_member"))
        assert people["dispatcher"].act(merged, "merge", into=head).status_code == 200
        carry(people, head, upto="pass_check")
        with app.app_context():
            keep_in_step(MONDAY)
        assert people["party_member"].act(merged, "urge", note="还没清干净").status_code == 200
        with app.app_context():
            assert close_checked(CLOSES) == 0
        assert people["dispatcher"].act(head, "close").json["status"] == "closed"


def test_what_others_say_or_what_was_said_before_the_check_does_not_keep_it_open(app: Flask, people: People) -> None:
    with time_machine.travel(MONDAY, tick=False) as frozen:
        case = str(people["resident"].file()["id"])
        carry(people, case, upto="hand_in")
        assert people["resident"].act(case, "urge").status_code == 200
        frozen.shift(timedelta(minutes=1))
        assert people["inspector"].act(case, "pass_check").status_code == 200
        assert people["dispatcher"].act(case, "note", note="待结案").status_code == 200
    with app.app_context():
        assert close_checked(CLOSES) == 1


def test_the_town_sets_how_long(app: Flask, people: People, checked: str) -> None:
    path, admin = "/api/v1/settings/close_after_workdays", people["admin"]
    headers = admin.headers | {"If-Match": '"0"'}
    for value in ("0", "251", "x", "5.0", "五", ""):
        assert admin.client.patch(path, json={"value": value}, headers=headers).status_code == 422, value
    assert admin.client.patch(path, json={"value": "1"}, headers=headers).status_code == 200
    with app.app_context():
        assert close_checked(MONDAY + timedelta(hours=9)) == 0
        assert close_checked(MONDAY + timedelta(days=1, hours=8.5)) == 1


MINUTES = st.integers(0, 60 * 24 * 400)


@given(MINUTES, MINUTES, st.integers(1, 30))
def test_the_moment_divides_what_is_over_from_what_is_not(checked_at: int, later: int, workdays: int) -> None:
    at = MONDAY + timedelta(minutes=checked_at)
    now = at + timedelta(minutes=later)
    over = CALENDAR.add_workdays(at, workdays) <= now
    assert (at < checked_before(now, workdays, CALENDAR)) == over


def test_a_closing_is_answered_within_thirty_days_and_by_nobody_later(people: People, checked: str) -> None:
    assert people["dispatcher"].act(checked, "close").status_code == 200
    for days, possible in ((29.9, {"rate", "reopen"}), (30.1, set())):
        with time_machine.travel(MONDAY + timedelta(days=days), tick=False):
            now = People(people.client)
            allowed = set(now["resident"].get(f"/cases/{checked}").json["allowed_actions"])
            assert allowed & {"rate", "reopen"} == possible, days
    with time_machine.travel(MONDAY + timedelta(days=31), tick=False):
        now = People(people.client)
        for who, action, fields in (
            ("resident", "rate", {"score": 1}),
            ("resident", "reopen", {"reason": "又堆了"}),
            ("dispatcher", "reopen", {"reason": "又堆了"}),
        ):
            answer = now[who].act(checked, action, **fields)
            assert (answer.status_code, answer.json["code"]) == (409, "not_in_state"), (who, action)


def test_a_change_of_the_time_does_not_alter_closings_of_before(people: People, checked: str) -> None:
    assert people["dispatcher"].act(checked, "close").status_code == 200
    headers = people["admin"].headers | {"If-Match": '"0"'}
    changed = people.client.patch("/api/v1/settings/reopen_within_days", json={"value": "1"}, headers=headers)
    assert changed.status_code == 200
    with time_machine.travel(MONDAY + timedelta(days=20), tick=False):
        assert People(people.client)["resident"].act(checked, "reopen", reason="又堆了").status_code == 200
