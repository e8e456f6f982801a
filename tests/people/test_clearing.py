"""Two people clear a dispatcher for protected reports, one is enough to end it; the conflict list counts at once."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.town import ELSEWHERE, TOWN, VILLAGE, People, Person, unknown_id


def account(person: Person) -> str:
    return str(person.get("/me").json["id"])


def sign(people: People, who: str, of: str = "dispatcher") -> TestResponse:
    body = {"account_id": account(people[of]), "role": of, "area_code": TOWN}
    return people[who].post("/clearings", body)


def cleared(person: Person) -> bool:
    return any(role.get("cleared") for role in person.get("/me").json["roles"])


@pytest.mark.parametrize("order", [("admin", "committee"), ("committee", "admin")])
def test_an_admin_and_a_committee_member_clear_in_either_order(people: People, order: tuple[str, str]) -> None:
    assert sign(people, order[0]).json["cleared"] is False
    assert not cleared(people["dispatcher"])
    assert sign(people, order[1]).json["cleared"] is True
    assert cleared(people["dispatcher"]) and not cleared(people["inspector"])
    assert [item["cleared"] for item in people["auditor"].get("/clearings").json["items"]] == [True]


def test_one_side_cannot_sign_twice(people: People) -> None:
    assert sign(people, "committee").status_code == 200
    answer = sign(people, "committee")
    assert (answer.status_code, answer.json["code"]) == (409, "other_signature_needed")
    answer = Person(people.client, "13800000011").post(
        "/clearings", {"account_id": account(people["dispatcher"]), "role": "dispatcher", "area_code": TOWN}
    )
    assert (answer.status_code, answer.json["code"]) == (409, "other_signature_needed")


def test_a_person_with_both_roles_signs_once(app: Flask, people: People) -> None:
    give(app, people["admin"], "committee")
    assert sign(people, "admin").status_code == 200
    assert sign(people, "admin").json["code"] == "other_signature_needed"
    assert not cleared(people["dispatcher"])
    assert sign(people, "committee").json["cleared"] is True


def test_nobody_signs_their_own_clearing(app: Flask, people: People) -> None:
    give(app, people["committee"], "dispatcher")
    body = {"account_id": account(people["committee"]), "role": "dispatcher", "area_code": TOWN}
    assert people["committee"].post("/clearings", body).json["code"] == "own_clearing"


def test_one_person_ends_it_at_the_next_request_and_it_can_be_given_anew(people: People) -> None:
    sign(people, "admin")
    clearing = sign(people, "committee").json["id"]
    ended = people["admin"].post(f"/clearings/{clearing}/revoke", {"reason": "岗位调整"})
    assert ended.status_code == 200 and not ended.json["cleared"] and not cleared(people["dispatcher"])
    assert people["admin"].post(f"/clearings/{clearing}/revoke", {"reason": "再次"}).status_code == 404
    sign(people, "admin")
    assert not cleared(people["dispatcher"])
    assert sign(people, "committee").json["cleared"] is True


def test_only_a_role_that_is_held_is_cleared(people: People) -> None:
    body = {"account_id": account(people["resident"]), "role": "dispatcher", "area_code": TOWN}
    for changes in ({}, {"account_id": unknown_id()}, {"area_code": "440605122"}):
        assert people["admin"].post("/clearings", body | changes).json["code"] == "no_such_role"


def test_on_the_conflict_list_a_dispatcher_sees_nothing_of_that_village(people: People) -> None:
    home, far = people["resident"].file()["id"], people["resident"].file(location=ELSEWHERE)["id"]
    dispatcher = people["dispatcher"]
    entry = {"account_id": account(dispatcher), "area_code": VILLAGE, "reason": "兼任村委委员"}
    entered = people["admin"].post("/conflicts", entry)
    assert entered.status_code == 201
    assert people["admin"].post("/conflicts", entry).json["code"] == "already_listed"
    assert dispatcher.get(f"/cases/{home}").data == dispatcher.get(f"/cases/{unknown_id()}").data
    assert [item["id"] for item in dispatcher.get("/cases").json["items"]] == [far]
    assert people["admin"].post(f"/conflicts/{entered.json['id']}/end", {}).status_code == 204
    assert dispatcher.get(f"/cases/{home}").status_code == 200
    assert people["admin"].post(f"/conflicts/{entered.json['id']}/end", {}).status_code == 404


def test_a_conflict_is_about_somebody_and_a_village_of_the_town(people: People) -> None:
    entry: dict[str, Any] = {"account_id": account(people["dispatcher"]), "area_code": VILLAGE, "reason": "亲属"}
    for changes in ({"account_id": unknown_id()}, {"area_code": "440605122001"}, {"area_code": "440605121999"}):
        assert people["admin"].post("/conflicts", entry | changes).json["code"] == "unfit_conflict"
    assert people["admin"].get("/conflicts").json["items"] == []


def test_nobody_takes_themselves_off_the_conflict_list(people: People) -> None:
    entry = {"account_id": account(people["admin"]), "area_code": VILLAGE, "reason": "亲属"}
    entered = people["admin"].post("/conflicts", entry).json["id"]
    refused = people["admin"].post(f"/conflicts/{entered}/end", {})
    assert (refused.status_code, refused.json["code"]) == (403, "own_account")
    assert [item["id"] for item in people["admin"].get("/conflicts").json["items"]] == [entered]


def give(app: Flask, person: Person, role: str) -> None:
    from datetime import date

    from sqlalchemy import insert

    from backend.http.work import unit_of_work
    from backend.people.tables import RoleAssignment

    held = {"id": uuid.uuid4(), "account_id": uuid.UUID(account(person)), "role": role, "area_code": TOWN}
    with app.app_context(), unit_of_work() as session:
        session.execute(insert(RoleAssignment), held | {"valid_from": date(2026, 1, 1)})
