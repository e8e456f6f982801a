"""Keeping service points: who may enter and change them, and what is refused."""

from __future__ import annotations

import copy
import uuid
from typing import Any

import pytest
from sqlalchemy import select

from backend.http import clock
from backend.http.reading import rows
from backend.http.work import unit_of_work
from backend.ledger.tables import LedgerEntry
from backend.partymap.tables import ServicePoint
from backend.people.access import ROLES
from backend.territory.governance_model import KEY, KIND, shipped
from backend.territory.town_rules import lay_down
from tests.partymap.conftest import FIRST, OFFICE, SECOND, TOWN, MapTown, point_row

GCJ = (116.4036956, 39.9105905)
WGS = (116.397452, 39.909187)


def told(town: MapTown) -> list[tuple[str, int]]:
    with town.app.app_context():
        return [tuple(entry) for entry in rows(select(LedgerEntry.action, LedgerEntry.thing_version))]


def stored(town: MapTown) -> int:
    with town.app.app_context():
        return len(rows(select(ServicePoint.id)))


def test_a_village_officer_enters_a_point_in_the_own_village_and_the_ledger_tells_of_it(town: MapTown) -> None:
    answered = town.enter(town.sign_in("village_officer", FIRST), star=3, services=["children"])
    assert answered.status_code == 201, answered.json
    point = answered.json
    assert point["area_code"] == f"{FIRST}001"
    assert (point["version"], point["star"], point["active"]) == (1, 3, True)
    assert point["weekly_open_minutes"] == 5 * 8 * 60
    assert answered.headers["ETag"] == '"1"'
    assert town.items()[0]["id"] == point["id"]
    assert told(town) == [("enter_service_point", 1)]


def test_a_village_officer_enters_no_point_in_another_village(town: MapTown) -> None:
    officer = town.sign_in("village_officer", SECOND)
    for body in ({}, {"area_code": FIRST}, {"area_code": f"{FIRST}001"}):
        answered = town.enter(officer, **body)
        assert answered.status_code == 422
        assert answered.json["code"] == "outside_your_area"
    assert stored(town) == 0


def test_another_villages_point_is_to_an_officer_as_if_it_did_not_exist(town: MapTown) -> None:
    (point,) = town.keep(point_row())
    officer = town.sign_in("village_officer", SECOND)
    theirs = town.change(officer, point, 1, name="改名")
    nobodys = town.change(officer, str(uuid.uuid4()), 1, name="改名")
    assert theirs.status_code == nobodys.status_code == 404
    assert theirs.data == nobodys.data
    assert town.get(f"/{point}").json["version"] == 1


def test_a_village_officer_does_not_move_a_point_into_another_village(town: MapTown) -> None:
    (point,) = town.keep(point_row())
    officer = town.sign_in("village_officer", FIRST)
    for body in ({"area_code": SECOND}, {"location": {"lon": 113.015, "lat": 22.865, "crs": "wgs84"}}):
        assert town.change(officer, point, 1, **body).json["code"] == "outside_your_area"
    moved = town.change(town.sign_in("dispatcher"), point, 1, location={"lon": 113.015, "lat": 22.865, "crs": "wgs84"})
    assert moved.json["area_code"] == f"{SECOND}001"


@pytest.mark.parametrize("role", [*ROLES, "nobody"])
def test_only_the_desk_and_the_villages_keep_service_points(town: MapTown, role: str) -> None:
    (point,) = town.keep(point_row())
    who = {} if role == "nobody" else town.sign_in(role, FIRST if role == "village_officer" else FIRST[:9])
    expected = {"dispatcher": (201, 200), "village_officer": (201, 200), "nobody": (401, 401)}.get(role, (404, 404))
    assert (town.enter(who).status_code, town.change(who, point, 1).status_code) == expected


def test_a_change_names_the_version_it_was_decided_on(town: MapTown) -> None:
    (point,) = town.keep(point_row())
    desk = town.sign_in("dispatcher")
    assert town.change(desk, point, None, name="甲").status_code == 428
    changed = town.change(desk, point, 1, name="甲", phone="0757-00000002")
    assert (changed.status_code, changed.json["name"], changed.headers["ETag"]) == (200, "甲", '"2"')
    stale = town.change(desk, point, 1, name="乙")
    assert (stale.status_code, stale.json["code"]) == (412, "stale_version")
    assert town.get(f"/{point}").json["name"] == "甲"
    assert told(town) == [("change_service_point", 2)]


def test_a_point_sent_twice_is_entered_once(town: MapTown) -> None:
    desk = town.sign_in("dispatcher") | {"Idempotency-Key": str(uuid.uuid4())}
    first, second = town.enter(desk), town.enter(desk)
    assert first.status_code == second.status_code == 201
    assert first.data == second.data
    assert town.enter(desk, name="另一个").json["code"] == "key_reused"
    assert stored(town) == 1


def test_giving_a_point_up_and_taking_it_up_again(town: MapTown) -> None:
    (point,) = town.keep(point_row())
    desk = town.sign_in("dispatcher")
    given_up = town.change(desk, point, 1, active=False).json
    assert (given_up["active"], given_up["closed_at"]) == (False, "2026-11-23T10:00:00+08:00")
    assert town.items() == []
    again = town.change(desk, point, 2, active=True).json
    assert (again["active"], again["closed_at"]) == (True, None)


def test_an_empty_change_confirms_a_point_as_it_is(town: MapTown) -> None:
    (point,) = town.keep(point_row())
    confirmed = town.change(town.sign_in("village_officer", FIRST), point, 1).json
    assert confirmed["confirmed_at"] == "2026-11-23T10:00:00+08:00"
    assert confirmed["name"] == "敦根社区党群服务中心"


def test_changed_hours_are_counted_anew(town: MapTown) -> None:
    (point,) = town.keep(point_row())
    week = {"weekly": {"sat": [{"opens": "09:00", "closes": "20:00"}]}}
    override = [{"date": "2026-12-05", "hours": [{"opens": "07:00", "closes": "12:00"}]}]
    changed = town.change(town.sign_in("dispatcher"), point, 1, opening_hours=week | {"exceptions": override}).json
    assert changed["weekly_open_minutes"] == 660
    assert changed["opening_hours"] == week | {"exceptions": override}


def test_a_place_given_in_gcj02_survives_edits_of_the_title(town: MapTown) -> None:
    desk = town.sign_in("dispatcher")
    place = {"lon": GCJ[0], "lat": GCJ[1], "crs": "gcj02"}
    point = town.enter(desk, location=place, area_code=FIRST).json["id"]
    for version in (1, 2):
        assert town.change(desk, point, version, name=f"第{version}次改名").status_code == 200
    for crs, expected in (("wgs84", WGS), ("gcj02", GCJ)):
        (feature,) = town.get(".geojson", crs=crs).json["features"]
        assert feature["geometry"]["coordinates"] == pytest.approx(expected, abs=1e-6)
    with town.app.app_context():
        original = rows(select(ServicePoint.original_lon, ServicePoint.original_lat, ServicePoint.original_crs))
    assert [tuple(row) for row in original] == [(*GCJ, "gcj02")]


def test_a_place_without_its_system_is_refused_on_entering_and_on_changing(town: MapTown) -> None:
    (point,) = town.keep(point_row())
    desk = town.sign_in("dispatcher")
    place = {"lon": 113.005, "lat": 22.865}
    for answered in (town.enter(desk, location=place), town.change(desk, point, 1, location=place)):
        assert answered.status_code == 422
        assert "crs" in answered.json["errors"]["location"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"location": {"lon": 120.1, "lat": 57983, "crs": "wgs84"}},
        {"location": {"lon": 120.1, "lat": float("nan"), "crs": "wgs84"}},
        {"location": {"lon": 120.1, "lat": "30.27,", "crs": "wgs84"}},
        {"location": {"lon": 180.0000001, "lat": 22.865, "crs": "wgs84"}},
        {"location": {"lon": True, "lat": 22.865, "crs": "wgs84"}},
        {"location": {"lon": 22.865, "lat": 113.005, "crs": "wgs84"}},
        {"location": {"lon": 117.0, "lat": 22.865, "crs": "wgs84"}},
        {"location": None},
        {"area_code": "440605121999"},
        {"area_code": "440605121"},
        {"area_code": "4406051210120010"},
        {"name": "  "},
        {"name": "点\u0000"},
        {"name": "\ud842"},
        {"name": "长" * 101},
        {"name": None},
        {"kind": "pub"},
        {"services": ["library", "library"]},
        {"services": ["beer"]},
        {"services": "library"},
        {"facilities": [""]},
        {"facilities": ["\u0000"]},
        {"capacity": -1},
        {"capacity": True},
        {"capacity": 2**70},
        {"capacity": 1.5},
        {"star": 6},
        {"accessible": "yes"},
        {"opening_hours": None},
        {"opening_hours": {}},
        {"opening_hours": {"weekly": {"mon": []}, "exceptions": [{"holiday": "lantern", "hours": []}]}},
        {"opening_hours": {"weekly": {"mon": [{"opens": "25:00", "closes": "26:00"}]}}},
        {"opening_hours": {"exceptions": [{"date": "2026-12-05", "hours": [], "note": "\u0000"}]}},
        {"version": 7},
        {"active": False},
    ],
)
def test_a_point_that_is_wrong_is_refused_as_a_problem_and_nothing_is_written(
    quiet: MapTown, wrong: dict[str, Any]
) -> None:
    before = stored(quiet), told(quiet)
    answered = quiet.enter(quiet.sign_in("dispatcher"), **wrong)
    assert answered.status_code in (400, 422), answered.json
    assert answered.content_type == "application/problem+json"
    assert answered.json["detail"]
    assert (stored(quiet), told(quiet)) == before
    assert quiet.get().status_code == 200


def test_every_fault_of_the_hours_is_told_where_it_is_and_in_the_readers_language(quiet: MapTown) -> None:
    desk = quiet.sign_in("dispatcher")
    hours = {"weekly": {"fri": [{"opens": "16:00", "closes": "25:00"}], "sat": OFFICE["weekly"]["workdays"] * 2}}
    chinese = quiet.enter(desk, opening_hours=hours).json["errors"]["opening_hours"]
    english = quiet.enter(desk | {"Accept-Language": "en"}, opening_hours=hours).json["errors"]["opening_hours"]
    assert chinese.keys() == english.keys() == {"weekly.fri[0].closes", "weekly.sat[1]"}
    assert english["weekly.sat[1]"] == ["overlaps weekly.sat[0]"]
    assert chinese["weekly.sat[1]"] == ["与 weekly.sat[0] 的时间重叠"]


def test_points_bear_on_elements_of_the_governance_model_which_filter_and_count_them(town: MapTown) -> None:
    officer = town.sign_in("village_officer", FIRST)
    first = town.enter(officer, elements=["8.1", "8.8"]).json
    other = town.enter(officer, elements=["8.1"]).json
    town.enter(officer)
    town.keep(point_row(area_code=f"{SECOND}001", elements=["8.1"]), point_row(elements=["8.8"], active=False))
    assert first["elements"] == ["8.1", "8.8"]
    for elements in (["8.77"], ["9.1"], ["8.1", "8.1"], "8.1", [None]):
        assert town.enter(officer, elements=elements).json["code"] == "invalid", elements
    assert {item["id"] for item in town.items(element="8.1", area=FIRST)} == {first["id"], other["id"]}
    assert [one["id"] for one in town.get(".geojson", element="8.8").json["features"]] == [first["id"]]

    def counted(**query: str) -> dict[str, int]:
        items = town.client.get("/api/v1/governance-model/points", query_string=query).json["items"]
        assert len(items) == 16
        return {one["element"]: one["points"] for one in items if one["points"]}

    assert (counted(), counted(area=FIRST)) == ({"8.1": 3, "8.8": 1}, {"8.1": 2, "8.8": 1})
    model = copy.deepcopy(dict(shipped().written))
    model["groups"][3]["elements"][7]["retired"] = True
    with town.app.app_context(), unit_of_work() as session:
        lay_down(session, TOWN, KIND, KEY, model, 1, None, clock.now())
    assert town.change(officer, other["id"], 1, elements=["8.8"]).json["code"] == "invalid"
    kept = town.change(officer, first["id"], 1, elements=["8.8"])  # it stands there already
    assert (kept.status_code, kept.json["elements"]) == (200, ["8.8"])
