"""What cases tell the score."""

from __future__ import annotations

from datetime import datetime

import pytest
import time_machine
from flask import Flask
from sqlalchemy import update

from backend.cases.facts import HANDLED_IN_TIME, REWORK
from backend.cases.tables import Case
from backend.config import TOWN_ZONE
from backend.http.reading import rows
from backend.http.registry import Fact
from backend.http.work import unit_of_work
from tests.town import TOWN, VILLAGE, People, carry


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=TOWN_ZONE)


def figures(app: Flask, fact: Fact, month: int = 11) -> dict[str, tuple[int, int]]:
    start, end = at(f"2026-{month}-01T00:00"), at("2026-12-01T00:00" if month == 11 else "2027-01-01T00:00")
    binds = {"town_start": TOWN, "town_end": TOWN + ":", "period_start": start, "period_end": end}
    with app.app_context():
        found = rows(fact.select, **binds)
        behind = rows(fact.behind, **binds)
    assert sorted({row.village for row in behind}) == sorted(row.village for row in found)
    return {row.village: (int(row.numerator), row.exposure) for row in found}


def handle(people: People, case: str) -> None:
    assert people["village_officer"].act(case, "start").status_code == 200
    assert people["village_officer"].act(case, "hand_in", note="好").status_code == 200


def test_a_step_counts_once_in_the_period_it_was_due_whether_in_time_late_or_never(app: Flask, people: People) -> None:
    with time_machine.travel(at("2026-11-02T09:00"), tick=False) as frozen:
        in_time, late, never, not_due = (people["resident"].file()["id"] for _ in range(4))
        for case in (in_time, late, never):
            carry(people, case, "dispatch")
        handle(people, in_time)
        frozen.move_to(at("2026-11-20T09:00"))
        people.clear()
        handle(people, late)
        frozen.move_to(at("2026-11-30T16:00"))
        people.clear()
        carry(people, not_due, "dispatch")
    assert figures(app, HANDLED_IN_TIME) == {VILLAGE: (1, 3)}
    assert figures(app, HANDLED_IN_TIME, month=12) == {VILLAGE: (0, 1)}


def test_what_a_town_department_held_is_not_the_village_s(app: Flask, people: People) -> None:
    with time_machine.travel(at("2026-11-02T09:00"), tick=False):
        carry(people, people["resident"].file()["id"], "hand_in", holder="sanitation")
    assert figures(app, HANDLED_IN_TIME) == {} and figures(app, REWORK) == {}


def test_a_case_sent_back_is_no_handling(app: Flask, people: People) -> None:
    with time_machine.travel(at("2026-11-02T09:00"), tick=False):
        case = people["resident"].file()["id"]
        carry(people, case, "start")
        people["village_officer"].act(case, "send_back", reason="不属本村")
    assert figures(app, HANDLED_IN_TIME) == {}


@pytest.mark.parametrize(
    ("person", "action", "fields"),
    [
        ("village_officer", "send_back", {"reason": "不属本村"}),
        ("dispatcher", "dispatch", {"department": "sanitation", "note": "转环卫所"}),
        ("resident", "withdraw", {}),
    ],
)
def test_a_late_step_stays_late_when_the_case_is_given_away(
    app: Flask, people: People, person: str, action: str, fields: dict[str, str]
) -> None:
    with time_machine.travel(at("2026-11-02T09:00"), tick=False) as frozen:
        case = people["resident"].file()["id"]
        carry(people, case, "start")
        frozen.move_to(at("2026-11-20T09:00"))
        people.clear()
        assert figures(app, HANDLED_IN_TIME) == {VILLAGE: (0, 1)}
        assert people[person].act(case, action, **fields).status_code == 200
    assert figures(app, HANDLED_IN_TIME) == {VILLAGE: (0, 1)}


def test_protected_reports_feed_nothing(app: Flask, people: People) -> None:
    with time_machine.travel(at("2026-11-02T09:00"), tick=False):
        carry(people, people["resident"].file()["id"], "close")
    with app.app_context(), unit_of_work() as session:
        session.execute(update(Case).values(reporting="protected"))
    assert figures(app, HANDLED_IN_TIME) == {} and figures(app, REWORK) == {}


def test_rework_is_counted_against_the_checks(app: Flask, people: People) -> None:
    with time_machine.travel(at("2026-11-02T09:00"), tick=False):
        one, other = (people["resident"].file()["id"] for _ in range(2))
        for case in (one, other):
            carry(people, case, "hand_in")
        people["inspector"].act(one, "rework", reason="未清")
        assert people["village_officer"].act(one, "hand_in", note="再清").status_code == 200
        for case in (one, other):
            assert people["inspector"].act(case, "pass_check").status_code == 200
    assert figures(app, REWORK) == {VILLAGE: (1, 3)}
    assert figures(app, HANDLED_IN_TIME) == {VILLAGE: (3, 3)}
