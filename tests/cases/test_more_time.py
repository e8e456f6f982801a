"""More time for a step, pressure on who holds it, and notes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from backend.cases.timing.deadlines import Limit, Unit, due, moved
from backend.cases.timing.pausing import resume_due
from backend.cases.timing.recomputing import recompute_open
from backend.config import TOWN_ZONE
from backend.http import clock
from backend.http.reading import rows
from backend.outbox.tables import OutboxMessage
from backend.territory.calendar import WorkCalendar
from tests.cases.test_protected import clear, protected
from tests.town import VILLAGE, People, carry

CALENDAR = WorkCalendar()
MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=TOWN_ZONE)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=TOWN_ZONE)


@pytest.mark.parametrize(
    ("unit", "due_at", "start", "end", "expected"),
    [
        ("urgent_hours", "2026-11-23T20:00", "2026-11-23T18:00", "2026-11-25T03:00", "2026-11-25T05:00"),
        # Two open hours were left on Monday; Friday at five leaves half an hour, the rest is Monday's.
        ("work_hours", "2026-11-23T16:00", "2026-11-23T14:00", "2026-11-27T17:00", "2026-11-30T10:00"),
        # Tuesday, Wednesday and Thursday were left; from Friday on these are Monday to Wednesday.
        ("workdays", "2026-11-26T17:30", "2026-11-23T10:00", "2026-11-27T10:00", "2026-12-02T17:30"),
        # The last day itself had begun: one day is left.
        ("workdays", "2026-11-23T17:30", "2026-11-23T10:00", "2026-11-27T10:00", "2026-11-30T17:30"),
        # Late before it was suspended: late it stays.
        ("workdays", "2026-11-20T17:30", "2026-11-23T10:00", "2026-11-27T10:00", "2026-11-20T17:30"),
    ],
)
def test_what_was_left_is_left_again(unit: Unit, due_at: str, start: str, end: str, expected: str) -> None:
    assert moved(at(due_at), unit, at(start), at(end), CALENDAR) == at(expected)


MINUTES = st.integers(0, 60 * 24 * 40)


@given(MINUTES, MINUTES, MINUTES, st.integers(1, 20))
def test_open_minutes_are_neither_won_nor_lost(begin: int, until_stop: int, stopped: int, hours: int) -> None:
    start = MONDAY + timedelta(minutes=begin)
    limit = Limit("work_hours", hours)
    stop = start + timedelta(minutes=until_stop)
    again = stop + timedelta(minutes=stopped)
    first = due(start, limit, CALENDAR)
    then = moved(first, "work_hours", stop, again, CALENDAR)
    if first <= stop:
        assert then == first
    else:
        used = CALENDAR.work_minutes_between(start, stop) + CALENDAR.work_minutes_between(again, then)
        assert used == hours * 60


@pytest.fixture
def held(people: People) -> Iterator[str]:
    """A case that the village handles since Monday at nine, which it still is."""
    with time_machine.travel(MONDAY, tick=False):
        case = str(people["resident"].file()["id"])
        carry(people, case, upto="start")
        yield case


def shown(people: People, case: str) -> Any:
    return people["dispatcher"].get(f"/cases/{case}").json


def test_an_extension_is_asked_for_and_granted(app: Flask, people: People, held: str) -> None:
    officer, desk = people["village_officer"], people["dispatcher"]
    until = "2026-12-10T17:30:00+08:00"
    before = shown(people, held)
    assert officer.act(held, "ask_extension", reason="等待材料", until=before["due_at"]).status_code == 422
    assert officer.act(held, "ask_extension", reason="等待材料", until="2028-01-01T00:00:00+08:00").status_code == 422
    assert officer.act(held, "ask_extension", until=until).json["errors"]["reason"]
    assert desk.act(held, "extend").json["code"] == "not_in_state"
    asked = officer.act(held, "ask_extension", reason="等待材料", until=until).json
    assert (asked["asked"], asked["due_at"]) == ("extension", before["due_at"])
    again = officer.act(held, "ask_suspension", reason="再等", until=until).json
    assert again["code"] == "not_in_state" and "已有一项申请尚未答复" in again["detail"]
    assert {"extend", "refuse"} <= set(shown(people, held)["allowed_actions"])
    assert "suspend" not in shown(people, held)["allowed_actions"]
    assert officer.act(held, "extend").json["code"] == "action_not_permitted"
    granted = desk.act(held, "extend", note="同意").json
    assert (granted["asked"], granted["asked_until"]) == (None, None)
    assert datetime.fromisoformat(granted["due_at"]) == datetime.fromisoformat(until)
    assert datetime.fromisoformat(granted["case_due_at"]) >= datetime.fromisoformat(until)
    with app.app_context():
        assert recompute_open(MONDAY) == 0  # it does not follow the calendar


def test_a_refusal_leaves_the_deadline_and_lets_it_be_asked_again(people: People, held: str) -> None:
    officer, desk = people["village_officer"], people["dispatcher"]
    until = "2026-12-10T17:30:00+08:00"
    before = shown(people, held)
    officer.act(held, "ask_suspension", reason="等待材料", until=until)
    assert desk.act(held, "refuse").json["errors"]["reason"]
    after = desk.act(held, "refuse", reason="请抓紧办理").json
    assert (after["asked"], after["due_at"], after["status"]) == (None, before["due_at"], "handling")
    assert officer.act(held, "ask_extension", reason="等待材料", until=until).status_code == 200


def suspended(people: People, case: str, until: datetime) -> Any:
    people["village_officer"].act(case, "ask_suspension", reason="等待拆迁", until=until.isoformat())
    answer = people["dispatcher"].act(case, "suspend")
    assert answer.status_code == 200, answer.json
    return answer.json


def test_a_suspended_case_stands_still_and_goes_on_by_itself(app: Flask, people: People, held: str) -> None:
    until = MONDAY + timedelta(days=30)
    before = shown(people, held)
    case = suspended(people, held, until)
    assert case["status"] == "suspended" and datetime.fromisoformat(case["suspended_until"]) == until
    assert datetime.fromisoformat(case["due_at"]) > until
    with app.app_context():
        assert resume_due(until - timedelta(minutes=1)) == 0
        assert resume_due(until + timedelta(days=3)) == 1  # a scheduler that slept loses nothing
        assert resume_due(until + timedelta(days=3)) == 0
    after = shown(people, held)
    assert (after["status"], after["suspended_until"], after["due_at"]) == ("handling", None, case["due_at"])
    assert after["version"] == case["version"] + 1 and before["due_at"] < case["due_at"]
    assert people["village_officer"].act(held, "hand_in", note="已完成").status_code == 200


def test_resumed_at_once_nothing_is_won(people: People, held: str) -> None:
    before = shown(people, held)
    suspended(people, held, MONDAY + timedelta(days=30))
    assert people["village_officer"].act(held, "resume").json["code"] == "action_not_permitted"
    after = people["dispatcher"].act(held, "resume").json
    assert after["status"] == "handling" and after["suspended_until"] is None
    assert (after["due_at"], after["case_due_at"]) == (before["due_at"], before["case_due_at"])


def test_a_reporter_may_withdraw_what_is_suspended(people: People, held: str) -> None:
    suspended(people, held, MONDAY + timedelta(days=30))
    after = people["resident"].act(held, "withdraw").json
    assert (after["status"], after["due_at"], after["suspended_until"]) == ("withdrawn", None, None)


def test_what_was_asked_for_goes_with_the_step(people: People, held: str) -> None:
    officer = people["village_officer"]
    officer.act(held, "ask_extension", reason="等待材料", until="2026-12-10T17:30:00+08:00")
    assert officer.act(held, "hand_in", note="已完成").json["asked"] is None


def pressing(app: Flask) -> list[str]:
    with app.app_context():
        found = select(OutboxMessage.address).where(OutboxMessage.template == "case_pressing")
        return [message.address for message in rows(found)]


def test_who_holds_a_case_is_told_that_it_is_urged(app: Flask, people: People, held: str) -> None:
    assert people["resident"].act(held, "urge", note="两周了").status_code == 200
    assert pressing(app) == [f"holder:{held}"]
    assert people["party_member"].act(held, "urge").status_code == 404


def test_however_often_it_is_urged_they_are_told_once_a_day(app: Flask, people: People, held: str) -> None:
    assert [people["resident"].act(held, "urge").status_code for _ in range(3)] == [200] * 3
    assert len(pressing(app)) == 1
    with time_machine.travel(MONDAY + timedelta(hours=25), tick=False):
        fresh = People(people.client)
        assert fresh["dispatcher"].act(held, "urge").status_code == 200
    assert len(pressing(app)) == 2


@pytest.mark.parametrize(("asked", "grant"), [("ask_extension", "extend"), ("ask_suspension", "suspend")])
def test_what_is_granted_too_late_moves_nothing_backwards(people: People, held: str, asked: str, grant: str) -> None:
    until = datetime.fromisoformat(shown(people, held)["due_at"]) + timedelta(days=1)
    assert people["village_officer"].act(held, asked, reason="等待材料", until=until.isoformat()).status_code == 200
    before = shown(people, held)
    with time_machine.travel(until, tick=False):
        desk = People(people.client)["dispatcher"]
        assert desk.act(held, grant).json["code"] == "asked_time_over"
        assert desk.act(held, "refuse", reason="已过期").json["due_at"] == before["due_at"]


def test_an_extension_that_the_deadline_has_overtaken_brings_nothing_forward(people: People, held: str) -> None:
    officer, desk = people["village_officer"], people["dispatcher"]
    until = datetime.fromisoformat(shown(people, held)["due_at"]) + timedelta(hours=1)
    assert officer.act(held, "ask_extension", reason="等待材料", until=until.isoformat()).status_code == 200
    later = desk.act(held, "correct_category", category="other_matter", reason="登记时选错").json["due_at"]
    assert datetime.fromisoformat(later) > until
    assert desk.act(held, "extend").json["code"] == "nothing_to_extend"
    assert desk.act(held, "refuse", reason="期限已顺延").json["due_at"] == later


def test_the_committee_supervises_by_name_and_date(app: Flask, people: People, held: str) -> None:
    committee, until = people["committee"], clock.now() + timedelta(days=5)
    assert committee.act(held, "supervise", leader="李委员").json["errors"]["until"]
    for never in (MONDAY, until + timedelta(days=366)):
        refused = committee.act(held, "supervise", leader="李委员", until=never.isoformat())
        assert (refused.status_code, refused.json["code"], list(refused.json["errors"])) == (422, "invalid", ["until"])
    elsewhere = until.astimezone(UTC).isoformat()  # however written, it is told in the town's time
    case = committee.act(held, "supervise", leader="李委员", until=elsewhere).json
    assert case["supervision"]["leader"] == "李委员"
    assert case["supervision"]["until"] == until.isoformat()
    event = people["village_officer"].get(f"/cases/{held}/timeline").json["items"][-1]
    assert (event["action"], event["leader"], event["until"]) == ("supervise", "李委员", until.isoformat())
    assert pressing(app) == [f"holder:{held}"]


def test_an_internal_note_is_not_for_the_reporter(app: Flask, people: People, held: str) -> None:
    assert people["village_officer"].act(held, "note", note="需协调国土所", internal=True).status_code == 200
    assert people["village_officer"].act(held, "note", note="预计下周完成").status_code == 200
    assert people["resident"].act(held, "note", note="谢谢").status_code == 200
    hidden = people["resident"].act(held, "note", note="只给镇里看", internal=True)
    assert hidden.status_code == 422 and "internal" in hidden.json["errors"]

    def notes(who: str) -> list[str]:
        items = people[who].get(f"/cases/{held}/timeline").json["items"]
        return [event["note"] for event in items if event["action"] == "note"]

    assert notes("dispatcher") == ["需协调国土所", "预计下周完成", "谢谢"]
    assert notes("resident") == ["预计下周完成", "谢谢"]
    assert "需协调国土所".encode() not in people["resident"].get("/me/data").data
    with app.app_context():
        found = select(OutboxMessage.id).where(OutboxMessage.template == "case_update")
        assert len(rows(found)) == 4  # accepted, dispatched, started, and the note that is for them


def test_a_protected_report_is_not_urged_in_public(people: People) -> None:
    clear(people)
    case = people["resident"].post("/cases", protected()).json["id"]
    assert people["resident"].get(f"/cases/{case}").json["allowed_actions"] == ["withdraw", "note", "reply"]
    for who in ("resident", "dispatcher"):
        assert people[who].act(case, "urge").json["code"] == "action_not_permitted"


def test_an_officer_of_another_village_neither_notes_nor_asks(people: People, held: str) -> None:
    assert VILLAGE in str(shown(people, held)["holder"])
    assert people["handler"].act(held, "note", note="看看").status_code == 404
