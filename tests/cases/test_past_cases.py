"""What the admin lays down holds from then on: no case that was there before is other than it was.

The one exception is stated: deadlines of open cases follow the working hours and the calendar, with an event that tells
what they were.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import time_machine
from flask import Flask
from sqlalchemy import select

from backend.cases.rules.routing import dispatch_accepted
from backend.cases.tables import Case, CaseEvent
from backend.cases.timing.recomputing import recompute_open
from backend.config import TOWN_ZONE
from backend.extensions import Base
from backend.http.reading import rows
from tests.outbox.telling import phones_told
from tests.town import TOWN, VILLAGE, People, carry

NOW = datetime(2026, 11, 25, 10, 0, tzinfo=TOWN_ZONE)
STEPS = ("", "accept", "dispatch", "start", "hand_in", "pass_check", "close")
KEPT = ("cases", "case_events", "case_tags", "notices", "outbox_messages")


def version_of(people: People, path: str, **named: str) -> int:
    items = people["admin"].get(path).json["items"]
    return next((one["version"] for one in items if named.items() <= one.items()), 0)


def put(path: str, listed: str, body: dict[str, Any], **named: str) -> Callable[[People], int]:
    def change(people: People) -> int:
        version = version_of(people, listed, **named)
        matching = {"If_Match": f'"{version}"'} if version else {}
        return people["admin"].put(path, body, **matching).status_code

    return change


def patch(path: str, listed: str, body: dict[str, Any], **named: str) -> Callable[[People], int]:
    def change(people: People) -> int:
        version = version_of(people, listed, **named)
        return people["admin"].patch(path, body, If_Match=f'"{version}"').status_code

    return change


def renamed(people: People) -> int:
    etag = people["admin"].get("/departments/sanitation").headers["ETag"]
    return people["admin"].patch("/departments/sanitation", {"name": "镇环境卫生管理所"}, If_Match=etag).status_code


def elements_renamed(people: People) -> int:
    model = people["admin"].get("/governance-model").json
    tagged = model["groups"][3]["elements"][0]
    tagged |= {"retired": not tagged["retired"], "zh": tagged["zh"] if tagged["retired"] else f"人居{model['version']}"}
    body = {name: model[name] for name in ("zh", "en", "groups")}
    return people["admin"].put("/governance-model", body, If_Match=f'"{model["version"]}"').status_code


ANSWER = {"title": "已办", "text": "已办结。", "actions": ["hand_in"]}
CHANGES: tuple[Callable[[People], int], ...] = (
    put(f"/routing-rules/litter/{TOWN}", "/routing-rules", {"department": "water"}, category="litter"),
    put("/standard-answers/done", "/standard-answers", ANSWER, code="done"),
    put("/standard-answers/done", "/standard-answers", ANSWER | {"text": "另一种说法。"}, code="done"),
    patch(
        "/notice-texts/case_update/zh", "/notice-texts", {"text": "有新消息。"}, template="case_update", language="zh"
    ),
    elements_renamed,
    patch("/settings/route_by_itself", "/settings", {"value": "yes"}, name="route_by_itself"),
    patch("/settings/reopen_within_days", "/settings", {"value": "1"}, name="reopen_within_days"),
    patch("/settings/low_rating_goes", "/settings", {"value": "reopen"}, name="low_rating_goes"),
    renamed,
)


def kept(app: Flask) -> dict[str, list[Any]]:
    """All that stands of cases and of what people were told of them."""
    tables = [Base.metadata.tables[name] for name in KEPT]
    with app.app_context():
        return {table.name: rows(select(table).order_by(*table.primary_key.columns)) for table in tables}  # type: ignore[misc]


def told(people: People, cases: list[str]) -> list[Any]:
    """What its reporter reads of each case and of the notices they got."""
    resident = people["resident"]
    shown = [resident.get(f"/cases/{case}{part}").json for case in cases for part in ("", "/timeline")]
    return [*shown, resident.get("/me/notices").json["items"]]


def test_whatever_is_laid_down_in_whatever_order_changes_nothing_that_was_said_decided_or_told_before(
    app: Flask, people: People
) -> None:
    dice = random.Random(1258)
    with time_machine.travel(NOW, tick=False) as clock:
        cases = [str(people["resident"].file()["id"]) for _ in STEPS]
        for case, step in zip(cases, STEPS, strict=True):
            clock.shift(1)
            if step:
                carry(people, case, step)
        assert people["dispatcher"].act(cases[1], "tag", tags=["8.1"]).status_code == 200
        phones_told(app, "case_update")
        before, seen = kept(app), told(people, cases)
        for _ in range(3):
            for change in dice.sample(CHANGES, len(CHANGES)):
                clock.shift(1)
                assert change(people) == 200
            with app.app_context():
                assert dispatch_accepted(datetime.now(TOWN_ZONE)) == 0
            phones_told(app, "case_update")
            assert kept(app) == before and told(people, cases) == seen


def test_only_open_deadlines_follow_the_hours_and_the_calendar_and_each_says_so_in_an_event(
    app: Flask, people: People
) -> None:
    with time_machine.travel(NOW, tick=False):
        cases = [str(people["resident"].file()["id"]) for _ in STEPS]
        for case, step in zip(cases, STEPS, strict=True):
            if step:
                carry(people, case, step)
        before = kept(app)
        admin = people["admin"]
        assert admin.patch("/settings/working_hours", {"value": "10:00-12:00"}, If_Match='"0"').status_code == 200
        for day in ("2026-11-26", "2026-11-27"):
            off = {"day": day, "workday": False, "reason": "台风"}
            assert admin.post("/calendar/days", off).status_code == 200
        assert kept(app) == before, "not before the deadlines are computed anew"
        app.extensions.pop("work_calendar")
        with app.app_context():
            moved = recompute_open(NOW + timedelta(hours=16))
            assert moved == len(STEPS) - 1
            after = rows(select(Case.__table__).order_by(Case.id))
            events = rows(select(CaseEvent.__table__).order_by(CaseEvent.case_id, CaseEvent.version))
        old = {event[:2]: event for event in before["case_events"]}
        new = [event for event in events if event[:2] not in old]
        assert all(event == old[event[:2]] for event in events if event[:2] in old), "what had ended keeps its verdict"
        assert [event.action for event in new] == ["recompute"] * moved
        dues = {one.id: one for one in before["cases"]}
        for event in new:
            case = next(one for one in after if one.id == event.case_id)
            assert datetime.fromisoformat(event.details["old_due_at"]) == dues[case.id].due_at
            assert datetime.fromisoformat(event.details["due_at"]) == case.due_at
        closed = next(one for one in after if one.status == "closed")
        assert closed == dues[closed.id]
        assert closed.village_code == VILLAGE
