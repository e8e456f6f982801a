"""Figures for everybody: none small, none that a subtraction brings back, none that changes later."""

from __future__ import annotations

import base64
import uuid
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import time_machine
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, text

from backend.cases.public.public_figures import Number, figures, make_public_figures, without_small
from backend.cases.rules.tag_tables import CaseTag
from backend.cases.tables import Case
from backend.config import TOWN_ZONE
from backend.http.work import unit_of_work
from backend.territory.hiding import LEAST
from tests.town import TOWN, VILLAGE, People

NUMBERS = st.tuples(st.integers(0, 30), st.integers(0, 8)).map(lambda told: Number(told[0] + told[1], told[1]))
TABLES = st.dictionaries(st.text("abcdefghij", min_size=1, max_size=2), NUMBERS, max_size=27)
OCTOBER = datetime(2026, 10, 15, 9, tzinfo=TOWN_ZONE)
OTHER = "440605121201"


@given(TABLES)
def test_no_number_is_small_nor_comes_back_by_subtraction(numbers: dict[str, Number]) -> None:
    shown, total_shown = without_small(numbers)
    assert shown.keys() == numbers.keys()
    for name, cases in shown.items():
        assert cases is None or (cases == numbers[name].cases and numbers[name].shown)
    hidden = [numbers[name] for name, cases in shown.items() if cases is None]
    if hidden and total_shown:
        # What is left of the total without those shown, and of that without those that everybody can count.
        assert len(hidden) >= 2
        assert sum(one.cases for one in hidden) >= LEAST
        assert not 0 < sum(one.unpublished for one in hidden) < LEAST


@given(TABLES)
def test_nothing_is_hidden_that_need_not_be(numbers: dict[str, Number]) -> None:
    shown, total_shown = without_small(numbers)
    if all(one.shown for one in numbers.values()):
        assert None not in shown.values() and total_shown


def test_a_single_small_number_takes_the_smallest_other_with_it() -> None:
    numbers = {"a": Number(30, 0), "b": Number(3, 0), "c": Number(12, 0), "d": Number(9, 0)}
    assert without_small(numbers) == ({"a": 30, "b": None, "c": 12, "d": None}, True)
    # One report of 20 is not published: whoever counts the published ones would find it.
    numbers = {"a": Number(30, 0), "b": Number(20, 1), "c": Number(12, 6)}
    assert without_small(numbers) == ({"a": 30, "b": None, "c": None}, True)
    # Together with the next the hidden ones would still tell of two reports.
    numbers = {"a": Number(30, 9), "b": Number(20, 2), "c": Number(12, 0)}
    assert without_small(numbers) == ({"a": None, "b": None, "c": None}, True)
    assert without_small({"a": Number(9, 2), "b": Number(8, 0)}) == ({"a": None, "b": None}, False)


def keep_cases(app: Flask, village: str, category: str, count: int, tagged: str = "", **more: Any) -> None:
    """Accepted and published cases of October; `more` sets other columns."""
    row = dict.fromkeys(column.key for column in Case.__table__.c) | {"town_code": TOWN, "version": 1}
    row |= {"status": "accepted", "description": "路灯不亮", "reporting": "named", "occurred_at": OCTOBER}
    row |= {"recorded_at": OCTOBER, "accepted_at": OCTOBER, "public_at": OCTOBER + timedelta(days=2)}
    row |= {"village_code": village, "area_code": f"{village}001", "category": category} | more
    kept = [row | {"id": uuid.uuid4(), "number": uuid.uuid4().hex[:18]} for _ in range(count)]
    with app.app_context(), unit_of_work() as session:
        session.execute(insert(Case), kept)
        if tagged:
            session.execute(insert(CaseTag), [{"case_id": one["id"], "element": tagged} for one in kept])


def made(app: Flask, people: People, now: datetime) -> list[Any]:
    with app.app_context():
        make_public_figures(now)
    months: list[Any] = people.client.get("/api/v1/public/figures").json["items"]
    return months


def test_a_month_is_counted_once_a_week_after_its_end_and_never_again(app: Flask, people: People) -> None:
    with time_machine.travel(datetime(2026, 11, 20, tzinfo=TOWN_ZONE), tick=False):
        keep_cases(app, VILLAGE, "litter", 12, tagged="8.1")
        keep_cases(app, VILLAGE, "street_light", 9, tagged="8.2")
        keep_cases(app, OTHER, "litter", 7)
        keep_cases(app, f"{TOWN}214", "litter", 2, tagged="5.3")
        # All bear on it but two that are published nowhere: whoever counts the published ones would find them.
        keep_cases(app, VILLAGE, "street_light", 5, tagged="5.4", occurred_at=OCTOBER - timedelta(days=20))
        keep_cases(app, VILLAGE, "street_light", 2, "5.4", occurred_at=OCTOBER - timedelta(days=20), public_at=None)
        keep_cases(app, OTHER, "litter", 6, reporting="protected", tagged="8.3")
        keep_cases(app, OTHER, "litter", 6, accepted_at=None)
        keep_cases(app, OTHER, "litter", 6, occurred_at=OCTOBER - timedelta(days=15))
        assert made(app, people, datetime(2026, 11, 7, 23, 59, tzinfo=TOWN_ZONE))[0]["month"] == "2026-09"
        october, september = made(app, people, datetime(2026, 11, 8, tzinfo=TOWN_ZONE))
        assert (october["month"], october["total"]) == ("2026-10", 30)
        assert Counter({one["code"]: one["cases"] for one in october["villages"] if one["cases"]}) == {VILLAGE: 21}
        assert len(october["villages"]) == 27
        assert {one["code"]: one["cases"] for one in october["kinds"] if one["cases"]} == {"environment": 21}
        assert {one["code"]: one["cases"] for one in october["elements"] if one["cases"]} == {"8.1": 12, "8.2": 9}
        assert september["total"] is None and not [one for one in september["elements"] if one["cases"]]
        with app.app_context(), unit_of_work() as session:
            session.execute(text("UPDATE cases SET reporting = 'protected'"))
        assert made(app, people, datetime(2026, 11, 20, tzinfo=TOWN_ZONE)) == [october, september]
        first = people.client.get("/api/v1/public/figures?limit=1").json
        second = people.client.get(f"/api/v1/public/figures?limit=1&cursor={first['next_cursor']}").json
        forged = base64.urlsafe_b64encode(b'["\\u0000"]').decode().rstrip("=")
        assert people.client.get(f"/api/v1/public/figures?cursor={forged}").json["code"] == "bad_cursor"
        assert [*first["items"], *second["items"]] == [october, september] and second["next_cursor"] is None


def test_an_element_that_nearly_all_bear_on_does_not_tell_of_the_few_without_it(app: Flask) -> None:
    def told(tagged: int, without: int, unpublished: int = 0) -> Any:
        with app.app_context(), unit_of_work() as session:
            session.execute(text("DELETE FROM case_tags"))
            session.execute(text("DELETE FROM cases"))
        keep_cases(app, VILLAGE, "litter", tagged, tagged="8.1")
        for number, more in ((without, {}), (unpublished, {"public_at": None})):
            if number:
                keep_cases(app, VILLAGE, "litter", number, **more)
        with app.app_context():
            found = figures(TOWN, OCTOBER, OCTOBER + timedelta(days=1))
        assert found["total"] == (None if 0 < unpublished < LEAST else tagged + without + unpublished)
        return found["elements"]["8.1"]

    assert [told(10, without) for without in (0, 1, 4, 5)] == [10, None, None, 10]
    assert [told(10, 5, unpublished) for unpublished in (1, 5)] == [None, 10]
