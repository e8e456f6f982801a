"""Deadlines are counted by one rule, whatever happened to the case before, and only a day that was granted stays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask

from backend.cases.timing.recomputing import recompute_open
from tests.cases.test_deadlines import at, declare
from tests.cases.test_merging import merge
from tests.town import TOWN, People, carry

MONDAY = at("2026-11-02T09:00")
DEADLINES = ("due_at", "amber_at", "case_due_at")


@pytest.fixture
def frozen() -> Iterator[Any]:
    with time_machine.travel(MONDAY, tick=False) as travelling:
        yield travelling


@pytest.fixture
def case(people: People, frozen: Any) -> str:
    """A case that the village handles from Monday on, due on Wednesday; the whole of it on the Monday after."""
    filed = str(people["resident"].file()["id"])
    carry(people, filed, "start")
    return filed


def shown(people: People, case: str) -> dict[str, Any]:
    told: dict[str, Any] = people["dispatcher"].get(f"/cases/{case}").json
    return {name: told[name] for name in (*DEADLINES, "status", "version")}


def stand_still(people: People, frozen: Any, case: str, how: str) -> None:
    """Have the case stand still from Monday to the next one, and go on."""
    if how == "merge":
        head = people["resident"].file()["id"]
        carry(people, head, "accept")
        assert merge(people, case, head).status_code == 200
    else:
        until = at("2026-11-23T09:00").isoformat()
        assert people["village_officer"].act(case, "ask_suspension", reason="等待拆迁", until=until).status_code == 200
        assert people["dispatcher"].act(case, "suspend").status_code == 200
    frozen.move_to(MONDAY + timedelta(days=7))
    people.clear()
    again = {"merge": ("unmerge", {"reason": "是另一处"}), "suspend": ("resume", {})}[how]
    assert people["dispatcher"].act(case, again[0], **again[1]).status_code == 200


@pytest.mark.parametrize("how", ["suspend", "merge"])
def test_what_stood_still_follows_the_calendar_and_a_corrected_category(
    app: Flask, people: People, frozen: Any, case: str, how: str
) -> None:
    stand_still(people, frozen, case, how)
    again = shown(people, case)
    assert [again["due_at"], again["case_due_at"]] == ["2026-11-11T17:30:00+08:00", "2026-11-16T17:30:00+08:00"]
    with app.app_context():
        assert recompute_open(MONDAY) == 0
        declare(app, {date(2026, 11, 10): False})
        assert recompute_open(MONDAY + timedelta(days=7)) >= 1
    moved = shown(people, case)
    assert [moved["due_at"], moved["case_due_at"]] == ["2026-11-12T17:30:00+08:00", "2026-11-17T17:30:00+08:00"]
    told = people["dispatcher"].get(f"/cases/{case}/timeline").json["items"][-1]
    assert (told["action"], told["old_due_at"], told["due_at"]) == ("recompute", again["due_at"], moved["due_at"])
    # The river's ten workdays to handle it, and none of those that it stood still.
    corrected = people["dispatcher"].act(case, "correct_category", category="river", reason="登记时选错").json
    assert corrected["due_at"] == "2026-11-24T17:30:00+08:00" and corrected["case_due_at"] > moved["case_due_at"]


def test_a_category_corrected_while_a_case_is_suspended_holds_when_it_goes_on(
    app: Flask, people: People, frozen: Any, case: str
) -> None:
    until = at("2026-11-23T09:00").isoformat()
    people["village_officer"].act(case, "ask_suspension", reason="等待拆迁", until=until)
    people["dispatcher"].act(case, "suspend")
    meanwhile = people["dispatcher"].act(case, "correct_category", category="river", reason="登记时选错").json
    assert (meanwhile["status"], meanwhile["due_at"]) == ("suspended", "2026-12-07T17:30:00+08:00")
    frozen.move_to(MONDAY + timedelta(days=7))
    people.clear()
    people["dispatcher"].act(case, "resume")
    assert shown(people, case)["due_at"] == "2026-11-23T17:30:00+08:00"
    with app.app_context():
        assert recompute_open(MONDAY + timedelta(days=7)) == 0


def test_a_day_that_was_granted_stays_and_the_case_is_never_due_before_it(
    app: Flask, people: People, frozen: Any, case: str
) -> None:
    until = "2026-11-17T12:00:00+08:00"
    people["village_officer"].act(case, "ask_extension", reason="等待材料", until=until)
    granted = people["dispatcher"].act(case, "extend").json
    assert (granted["due_at"], granted["case_due_at"]) == (until, until)
    with app.app_context():
        declare(app, {date(2026, 11, 4): False})
        assert recompute_open(MONDAY) == 0  # the case's own limit ends on the 10th by now
        declare(app, {date(2026, 11, day): False for day in range(5, 14)})
        assert recompute_open(MONDAY) == 1
    assert (shown(people, case)["due_at"], shown(people, case)["case_due_at"]) == (until, "2026-11-19T17:30:00+08:00")
    # A category with more time than was granted: nobody is asked to be done sooner for having asked for more.
    corrected = people["dispatcher"].act(case, "correct_category", category="river", reason="登记时选错").json
    assert corrected["due_at"] == "2026-11-26T17:30:00+08:00"


def test_a_correction_that_began_a_clock_anew_holds_for_what_is_counted_later(
    app: Flask, people: People, frozen: Any
) -> None:
    case = str(people["resident"].file(category="river")["id"])
    carry(people, case, "start")
    frozen.move_to(at("2026-11-06T09:00"))
    people.clear()
    # Litter's two workdays would have been over on Wednesday: they are counted from Friday.
    corrected = people["dispatcher"].act(case, "correct_category", category="litter", reason="登记时选错").json
    assert (corrected["due_at"], corrected["case_due_at"]) == ("2026-11-10T17:30:00+08:00", "2026-11-09T17:30:00+08:00")
    with app.app_context():
        assert recompute_open(at("2026-11-06T10:00")) == 0
        declare(app, {date(2026, 11, 9): False})
        assert recompute_open(at("2026-11-06T10:00")) == 1
    assert shown(people, case)["due_at"] == "2026-11-11T17:30:00+08:00"


def test_a_case_handed_over_while_it_is_suspended_stands_still_no_longer(
    app: Flask, people: People, frozen: Any, case: str
) -> None:
    from backend.cases.handing_over import hand_over
    from backend.http.work import unit_of_work
    from backend.people.leaving import closing

    assert people["dispatcher"].act(case, "dispatch", department="sanitation", note="由环卫处理").status_code == 200
    assert people["handler"].act(case, "start").status_code == 200
    until = at("2026-11-23T09:00").isoformat()
    people["handler"].act(case, "ask_suspension", reason="等待拆迁", until=until)
    people["dispatcher"].act(case, "suspend")
    now = MONDAY + timedelta(days=7)
    with app.app_context(), unit_of_work() as session:
        assert hand_over(session, None, [closing("sanitation", TOWN)], None, now) == 1
    frozen.move_to(now)
    people.clear()
    after = shown(people, case)
    assert (after["status"], after["case_due_at"]) == ("accepted", "2026-11-16T17:30:00+08:00")
    with app.app_context():
        assert recompute_open(now) == 0
