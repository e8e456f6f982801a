"""People in charge of a point: put there by who keeps it, confirming, and what waits for them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from flask_jwt_extended import decode_token
from sqlalchemy import select

from backend.http.reading import rows
from backend.http.registry import ask_each
from backend.http.work import unit_of_work
from backend.ledger.tables import LedgerEntry
from backend.partymap.commands import partymap
from backend.partymap.tables import PersonInCharge
from tests.partymap.conftest import FIRST, SECOND, SHANGHAI, MapTown, point_row

LATER = datetime(2026, 7, 8, 10, tzinfo=SHANGHAI)
SHUT = {"weekly": {"mon": [{"opens": "09:00", "closes": "12:00"}]}}


def account(town: MapTown, who: dict[str, str]) -> str:
    with town.app.app_context():
        return str(decode_token(who["Authorization"].removeprefix("Bearer "))["sub"])


def confirm(town: MapTown, who: dict[str, str], point: str, version: int = 1) -> Any:
    match = {"If-Match": f'"{version}"'}
    return town.client.post(f"/api/v1/partymap/points/{point}/confirm", json={}, headers=who | match)


def to_do(town: MapTown, who: dict[str, str], **query: Any) -> Any:
    return town.client.get("/api/v1/partymap/to-do", query_string=query, headers=who).json


def waiting(town: MapTown, who: dict[str, str]) -> dict[str, list[str]]:
    return {item["name"]: [thing["code"] for thing in item["things"]] for item in to_do(town, who)["items"]}


def test_who_is_in_charge_confirms_a_point_and_nobody_else_of_their_role_does(town: MapTown) -> None:
    (point,) = town.keep(point_row())
    desk, member, other = town.sign_in("dispatcher"), town.sign_in("party_member"), town.sign_in("party_member")
    me, resident = account(town, member), account(town, town.sign_in("resident"))
    for people in ([resident], ["00000000-0000-4000-8000-000000000000"], [me, resident]):
        assert town.change(desk, point, 1, people=people).json["code"] == "not_of_the_town"
    assert confirm(town, member, point).status_code == 404
    changed = town.change(desk, point, 1, people=[me])
    assert (changed.status_code, "people" in changed.json) == (200, False)
    people = town.client.get(f"/api/v1/partymap/points/{point}/people", headers=desk).json["items"]
    assert people == [{"id": me, "name": "party_member"}]
    assert me not in town.get().text + town.get(f"/{point}").text + town.get(".geojson").text
    assert confirm(town, other, point, 2).status_code == 404
    assert confirm(town, member, point, 1).status_code == 412
    done = confirm(town, member, point, 2)
    assert (done.status_code, done.json["confirmed_at"], done.json["version"]) == (200, "2026-11-23T10:00:00+08:00", 3)
    with town.app.app_context():
        assert [tuple(row) for row in rows(select(LedgerEntry.action, LedgerEntry.thing_version))][-1] == (
            "confirm_service_point",
            3,
        )


def test_a_grid_worker_confirms_in_the_own_grid_and_an_officer_in_the_own_village(town: MapTown) -> None:
    (point,) = town.keep(point_row())
    for who, status in (
        (town.sign_in("grid_worker", f"{SECOND}001"), 404),
        (town.sign_in("village_officer", SECOND), 404),
        (town.sign_in("grid_worker", f"{FIRST}001"), 200),
    ):
        assert confirm(town, who, point).status_code == status
    assert confirm(town, town.sign_in("village_officer", FIRST), point, 2).status_code == 200


def test_what_is_wrong_with_points_waits_for_who_is_in_charge_until_it_is_put_right(
    town: MapTown, travel: Callable[[datetime], None]
) -> None:
    travel(LATER)
    fresh = {"confirmed_at": LATER}
    closed = [
        {"date": "2026-07-01", "until": "2027-06-30", "hours": []},
        {"date": "2027-07-01", "until": "2028-06-30", "hours": []},
    ]
    good, stale, strayed, shut, _ = town.keep(
        point_row(name="好", **fresh),
        point_row(name="久"),
        point_row(name="别村", lon=113.015, **fresh),
        point_row(name="镇外", lon=113.2, **fresh, opening_hours=SHUT | {"exceptions": closed}),
        point_row(name="邻镇", area_code="440605122001001"),
    )
    officer, worker = town.sign_in("village_officer", FIRST), town.sign_in("grid_worker", f"{FIRST}001")
    expected = {"久": ["stale"], "别村": ["outside_village"], "镇外": ["outside_town", "never_opens"]}
    assert waiting(town, officer) == waiting(town, worker) == waiting(town, town.sign_in("dispatcher")) == expected
    assert waiting(town, town.sign_in("village_officer", SECOND)) == {}
    member = town.sign_in("party_member")
    assert waiting(town, member) == {}
    assert town.change(officer, strayed, 1, people=[account(town, member)]).status_code == 200
    assert waiting(town, member) == {"别村": ["outside_village"]}
    first = to_do(town, officer, limit=2)
    second = to_do(town, officer, limit=2, cursor=first["next_cursor"])
    assert len(first["items"]) == 2 and second["next_cursor"] is None
    assert {item["name"] for item in first["items"] + second["items"]} == expected.keys()
    told = town.app.test_cli_runner().invoke(partymap, ["doctor"])
    assert told.exit_code == 1
    said = [line.split(": ")[0:2] for line in told.output.splitlines()[:-1]]
    assert sorted((who.split()[-1], code) for who, code in said if who.startswith(FIRST)) == sorted(
        (name, code) for name, codes in expected.items() for code in codes
    )
    assert confirm(town, worker, stale).status_code == 200
    place = {"lon": 113.005, "lat": 22.865, "crs": "wgs84"}
    assert town.change(officer, strayed, 2, location=place).status_code == 200
    assert town.change(officer, shut, 1, active=False).status_code == 200
    assert waiting(town, officer) == {}
    assert town.get(f"/{good}").json["version"] == 1


def test_a_person_forgotten_is_in_charge_of_nothing(town: MapTown) -> None:
    (point,) = town.keep(point_row())
    member = town.sign_in("party_member")
    town.change(town.sign_in("dispatcher"), point, 1, people=[account(town, member)])
    told = town.client.get("/api/v1/me/data", headers=member).json
    assert told["service_points"] == [{"id": point, "name": "敦根社区党群服务中心"}]
    with town.app.app_context():
        with unit_of_work() as session:
            ask_each("forget_person", session, uuid.UUID(account(town, member)), ["party_member"], LATER)
        assert rows(select(PersonInCharge.account_id)) == []


@pytest.mark.parametrize("role", ["resident", "admin", "auditor"])
def test_what_waits_is_nothing_to_who_confirms_no_point(quiet: MapTown, role: str) -> None:
    who = quiet.sign_in(role)
    assert quiet.client.get("/api/v1/partymap/to-do", headers=who).status_code == 404
