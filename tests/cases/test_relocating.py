"""Correcting where a case is: sight, score, public face and history afterwards."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from backend.cases.facts import HANDLED_IN_TIME
from backend.cases.tables import Case
from backend.http.reading import row
from backend.ledger.tables import LedgerEntry
from backend.territory.cells import cell
from tests.cases.test_facts import at, figures
from tests.town import ELSEWHERE, HOME, VILLAGE, People, carry

OTHER_VILLAGE = "440605121214"


def correct(people: People, case: str, **fields: Any) -> Any:
    return people["dispatcher"].act(case, "correct_place", **({"reason": "来电人说明"} | fields))


@pytest.fixture
def case(people: People) -> str:
    filed = str(people["resident"].file()["id"])
    carry(people, filed, "start")
    return filed


def test_the_area_the_point_and_the_cell_follow(app: Flask, people: People, case: str) -> None:
    answer = correct(people, case, location=ELSEWHERE)
    assert answer.status_code == 200 and answer.json["area_code"].startswith(OTHER_VILLAGE)
    assert (answer.json["location"]["lon"], answer.json["location"]["approximate"]) == (ELSEWHERE["lon"], False)
    with app.app_context():
        kept = row(select(Case.village_code, Case.area_code, Case.cell, Case.lon, Case.lat, Case.coarse_lon))
    assert kept is not None and kept.village_code == OTHER_VILLAGE and kept.area_code.startswith(OTHER_VILLAGE)
    assert kept.cell == cell(kept.lon, kept.lat) and abs(kept.coarse_lon - kept.lon) < 0.02
    box = "112.95,22.87,112.96,22.88"
    assert [item["id"] for item in people["dispatcher"].get(f"/cases?bbox={box}").json["items"]] == [case]
    assert people["dispatcher"].get("/cases?bbox=112.99,22.86,113.01,22.88").json["items"] == []


def test_who_holds_it_holds_on_with_clock_and_score(app: Flask, people: People) -> None:
    with time_machine.travel(at("2026-11-02T09:00"), tick=False):
        case = people["resident"].file()["id"]
        carry(people, case, "start")
        before = people["dispatcher"].get(f"/cases/{case}").json
        after = correct(people, case, location=ELSEWHERE).json
        assert [after[name] for name in ("holder", "status", "due_at")] == [VILLAGE, "handling", before["due_at"]]
        assert people["village_officer"].get(f"/cases/{case}").json["location"]["lon"] == ELSEWHERE["lon"]
        assert people["grid_worker"].get(f"/cases/{case}").status_code == 404  # it is not in their grid
        assert people["village_officer"].act(case, "hand_in", note="好").status_code == 200
        assert people["village_officer"].get(f"/cases/{case}").status_code == 200
    assert figures(app, HANDLED_IN_TIME) == {VILLAGE: (1, 1)}


def test_a_grid_alone_leaves_no_point(app: Flask, people: People, case: str) -> None:
    grid = people["dispatcher"].get(f"/cases/{case}").json["area_code"]
    answer = correct(people, case, area_code=grid, address="祠堂旁").json
    assert (answer["area_code"], answer["address"], answer["location"]["approximate"]) == (grid, "祠堂旁", True)
    assert correct(people, case, area_code=VILLAGE).json["area_code"] == VILLAGE
    with app.app_context():
        kept = row(select(Case.lon, Case.cell, Case.original_crs))
    assert kept is not None and tuple(kept) == (None, None, None)
    assert correct(people, case, location=HOME, area_code=VILLAGE).json["area_code"] == grid


def test_the_history_tells_old_and_new_to_who_may_see_places(app: Flask, people: People, case: str) -> None:
    grid = people["dispatcher"].get(f"/cases/{case}").json["area_code"]
    correct(people, case, location=ELSEWHERE)
    for who, sees in (("dispatcher", True), ("resident", True), ("village_officer", False), ("inspector", False)):
        event = people[who].get(f"/cases/{case}/timeline").json["items"][-1]
        assert (event["action"], event["areas"][0], event["areas"][1][:12]) == ("correct_place", grid, OTHER_VILLAGE)
        assert (event["places"] is not None) is sees, who
    assert [
        point["lon"] for point in people["resident"].get(f"/cases/{case}/timeline").json["items"][-1]["places"]
    ] == (pytest.approx([113.00024, ELSEWHERE["lon"]], abs=2e-4))
    with app.app_context():
        entry = row(select(LedgerEntry.payload).where(LedgerEntry.action == "correct_place"))
    assert entry is not None and "112.9555" not in str(entry.payload) and OTHER_VILLAGE in str(entry.payload)


def test_what_was_published_is_withdrawn_and_shows_at_its_new_place_later(people: People) -> None:
    with time_machine.travel(at("2026-11-02T09:00"), tick=False) as frozen:
        case = people["resident"].file()["id"]
        carry(people, case, "accept")
        frozen.move_to(at("2026-11-06T09:00"))
        people.clear()
        shown = people.client.get("/api/v1/public/cases").json["items"]
        assert [one["village"]["code"] for one in shown] == [VILLAGE]
        correct(people, case, location=ELSEWHERE)
        frozen.shift(timedelta(minutes=10))
        assert people.client.get("/api/v1/public/cases").json["items"] == []
        frozen.shift(timedelta(days=4))
        shown = people.client.get("/api/v1/public/cases").json["items"]
        assert [one["village"]["code"] for one in shown] == [OTHER_VILLAGE]
        assert abs(shown[0]["lon"] - ELSEWHERE["lon"]) < 0.02 and shown[0]["lon"] != ELSEWHERE["lon"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "validation_failed"),
        ({"area_code": "440605121999"}, "unknown_area"),
        ({"location": {"lon": 116.39, "lat": 39.91, "crs": "wgs84"}}, "outside_town"),
        ({"location": ELSEWHERE, "area_code": VILLAGE}, "places_differ"),
        ({"location": HOME, "reason": " "}, "validation_failed"),
    ],
)
def test_a_place_that_makes_no_sense_changes_nothing(
    people: People, case: str, fields: dict[str, Any], code: str
) -> None:
    before = people["dispatcher"].get(f"/cases/{case}").data
    answer = correct(people, case, **fields)
    assert answer.status_code == 422 and (code == "validation_failed" or answer.json["code"] == code), answer.json
    assert people["dispatcher"].get(f"/cases/{case}").data == before


def test_only_the_desk_corrects_a_place(people: People, case: str) -> None:
    for who in ("resident", "grid_worker", "village_officer", "inspector"):
        answer = people[who].act(case, "correct_place", reason="x", location=ELSEWHERE)
        assert answer.json["code"] == "action_not_permitted"
