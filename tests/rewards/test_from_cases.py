"""The ranking of a month out of cases carried over HTTP and the town's service points: no fact of the test's own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from flask import Flask

from tests.rewards.conftest import SHANGHAI
from tests.town import VILLAGE, People, carry

pytestmark = pytest.mark.sql

Travel = Callable[[datetime], None]
MONDAY = datetime(2026, 10, 12, 9, 0, tzinfo=SHANGHAI)
NOVEMBER = datetime(2026, 11, 3, 9, 0, tzinfo=SHANGHAI)


def line_of_the_village(people: People, run: str) -> dict[str, Any]:
    found = people["committee"].get(f"/rewards/runs/{run}/ranking").json
    assert found and len(found["items"]) == 27
    (line,) = [one for one in found["items"] if one["code"] == VILLAGE]
    return dict(line) | {one["indicator"]: (one["numerator"], one["exposure"]) for one in line["indicators"]}


def start(people: People, period: str = "2026-10") -> str:
    answered = people["committee"].post("/rewards/runs", {"period": period})
    assert answered.status_code in (200, 201), answered.json
    run: str = (answered.json or {})["id"]
    return run


def test_a_village_is_scored_on_the_steps_it_held_and_on_no_other(app: Flask, travel: Travel) -> None:
    travel(MONDAY)
    people = People(app.test_client())
    carry(people, people["resident"].file()["id"], "close", holder=VILLAGE)
    carry(people, people["resident"].file()["id"], "dispatch", holder=VILLAGE)
    carry(people, people["resident"].file()["id"], "close", holder="sanitation")
    people["resident"].file()
    travel(NOVEMBER)
    people = People(app.test_client())
    line = line_of_the_village(people, start(people))
    # One handed in in time, one never; what the department and the desk held is not the village's.
    assert line["handled_in_time"] == (1, 2)
    assert line["rework"] == (0, 1)
    assert line["open_service_points"][1] >= 1
    assert line["rank"] is not None and line["score"] is not None


def test_a_return_for_rework_lowers_the_score_of_whoever_handed_it_in(app: Flask, travel: Travel) -> None:
    travel(MONDAY)
    people = People(app.test_client())
    for _ in range(2):
        carry(people, people["resident"].file()["id"], "close", holder=VILLAGE)
    travel(NOVEMBER)
    people = People(app.test_client())
    before = line_of_the_village(people, start(people))
    travel(MONDAY.replace(hour=15))
    people = People(app.test_client())
    case = people["resident"].file()["id"]
    carry(people, case, "hand_in", holder=VILLAGE)
    assert people["inspector"].act(case, "rework", reason="现场仍有垃圾").status_code == 200
    handler = people["village_officer"]
    assert [handler.act(case, one, **more).status_code for one, more in (("hand_in", {"note": "已补清"}),)] == [200]
    assert people["inspector"].act(case, "pass_check").status_code == 200
    travel(NOVEMBER)
    people = People(app.test_client())
    after = line_of_the_village(people, start(people))
    assert before["rework"] == (0, 2) and after["rework"] == (1, 4)
    assert after["score"] < before["score"]


def test_filing_more_does_not_change_a_villages_score(app: Flask, travel: Travel) -> None:
    travel(MONDAY)
    people = People(app.test_client())
    carry(people, people["resident"].file()["id"], "close", holder=VILLAGE)
    travel(NOVEMBER)
    people = People(app.test_client())
    before = line_of_the_village(people, start(people))
    travel(MONDAY.replace(hour=16))
    people = People(app.test_client())
    people["village_officer"].file()
    people["resident"].file(reporting="anonymous")
    travel(NOVEMBER)
    people = People(app.test_client())
    assert line_of_the_village(people, start(people)) == before
