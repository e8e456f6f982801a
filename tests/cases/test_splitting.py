"""A case that is several pieces of work becomes parts, and its reporter sees the whole."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask

from backend.cases.facts import HANDLED_IN_TIME
from backend.cases.links.following import keep_in_step
from backend.cases.timing.recomputing import recompute_open
from backend.http import clock
from backend.http.work import unit_of_work
from backend.people.accounts import NewAccount, create_account
from backend.people.passwords import hash_password
from tests.cases.test_facts import at, figures
from tests.outbox.telling import phones_told
from tests.town import PASSWORD, TOWN, VILLAGE, People, Person, carry

PARTS = [
    {"description": "清运垃圾", "category": "litter", "department": "sanitation"},
    {"description": "修复路灯，电话13800001111", "category": "street_light", "department": VILLAGE},
]


def follow(app: Flask) -> int:
    with app.app_context():
        return keep_in_step(clock.now())


def seen(people: People, case: str, who: str = "dispatcher") -> Any:
    return people[who].get(f"/cases/{case}").json


@pytest.fixture
def whole(people: People) -> str:
    """A resident's case that was split into two, while the village handled it."""
    case = str(people["resident"].file()["id"])
    carry(people, case, "start")
    answer = people["dispatcher"].act(case, "split", parts=PARTS, note="两项工作")
    assert answer.status_code == 200, answer.json
    assert (answer.json["status"], answer.json["holder"]) == ("split", None)
    return case


def parts_of(people: People, case: str) -> list[str]:
    found = people["dispatcher"].get(f"/cases/{case}/related").json["cases"]
    assert all(part["relation"] == "part" for part in found)
    by_holder = {part["holder"]: part["id"] for part in found}
    return [by_holder["sanitation"], by_holder[VILLAGE]]


def finish(people: People, case: str, who: str, check: bool = True) -> None:
    assert people[who].act(case, "start").status_code == 200
    assert people[who].act(case, "hand_in", note="已完成").status_code == 200
    if check:
        assert people["inspector"].act(case, "pass_check").status_code == 200


def finish_both(app: Flask, people: People, whole: str) -> tuple[str, str]:
    first, second = parts_of(people, whole)
    finish(people, first, "handler")
    finish(people, second, "village_officer")
    assert follow(app) == 1 and seen(people, whole)["status"] == "handled"
    return first, second


def test_the_whole_is_handed_in_when_all_parts_are_checked_and_shows_them_ever_after(
    app: Flask, people: People, whole: str
) -> None:
    first, second = parts_of(people, whole)
    assert seen(people, second, "village_officer")["description"] == "修复路灯，电话〔略〕"
    assert seen(people, first, "handler")["location"]["approximate"] is False
    finish(people, first, "handler")
    finish(people, second, "village_officer", check=False)
    assert follow(app) == 0 and seen(people, whole)["status"] == "split"  # handed in is not done
    assert people["inspector"].act(second, "pass_check").status_code == 200
    assert follow(app) == 1 and follow(app) == 0
    after = seen(people, whole)
    assert after["status"] == "handled" and after["due_at"]
    assert people["inspector"].act(whole, "pass_check").status_code == 200
    assert people["dispatcher"].act(whole, "close").status_code == 200
    assert follow(app) == 1 and parts_of(people, whole) == [first, second]
    assert people["resident"].act(whole, "rate", score=4).json["rating"] == 4
    told = [event["action"] for event in people["resident"].get(f"/cases/{whole}/timeline").json["items"]]
    assert told[-5:] == ["split", "parts_done", "pass_check", "close", "rate"]


def test_a_part_to_be_reworked_keeps_the_whole_waiting(app: Flask, people: People, whole: str) -> None:
    first, second = parts_of(people, whole)
    finish(people, first, "handler")
    finish(people, second, "village_officer", check=False)
    assert people["inspector"].act(second, "rework", reason="未修").status_code == 200
    assert follow(app) == 0
    assert people["village_officer"].act(second, "hand_in", note="修好").status_code == 200
    assert people["inspector"].act(second, "pass_check").status_code == 200
    assert follow(app) == 1 and seen(people, whole)["status"] == "handled"
    assert people["inspector"].act(whole, "rework", reason="未清").json["code"] == "not_in_state"


@pytest.mark.parametrize("upto", ["pass_check", "close"])
def test_a_part_that_is_reopened_has_the_whole_wait_again_however_far_it_is(
    app: Flask, people: People, whole: str, upto: str
) -> None:
    waited = seen(people, whole)["due_at"]
    first, second = finish_both(app, people, whole)
    assert people["dispatcher"].act(first, "close").status_code == 200
    assert people["inspector"].act(whole, "pass_check").status_code == 200
    if upto == "close":
        assert people["dispatcher"].act(whole, "close").status_code == 200
        assert follow(app) == 1
    with time_machine.travel(clock.now() + timedelta(days=3), tick=False):
        people.clear()
        assert people["dispatcher"].act(first, "reopen", reason="又堆了").status_code == 200
        assert follow(app) == 1 and follow(app) == 0
        again = seen(people, whole)
        assert (again["status"], again["holder"], again["closed_at"]) == ("split", None, None)
        assert again["due_at"] == again["case_due_at"] and (again["due_at"] == waited) == (upto != "close")
        assert seen(people, second)["status"] == "checked"  # the others are not done anew
        assert people["dispatcher"].act(first, "dispatch", department="sanitation").status_code == 200
        finish(people, first, "handler")
        assert follow(app) == 1 and seen(people, whole)["status"] == "handled"


def test_a_whole_that_is_reopened_leaves_its_parts_alone(app: Flask, people: People, whole: str) -> None:
    first, second = finish_both(app, people, whole)
    assert people["inspector"].act(whole, "pass_check").status_code == 200
    assert people["dispatcher"].act(whole, "close").status_code == 200
    assert people["resident"].act(whole, "reopen", reason="又堆了").json["status"] == "reopened"
    follow(app)
    assert {seen(people, part)["status"] for part in (first, second)} == {"checked"}
    carry_on = people["dispatcher"].act(whole, "dispatch", department="sanitation")
    assert carry_on.status_code == 200 and carry_on.json["holder"] == "sanitation"
    finish(people, whole, "handler", check=False)
    assert follow(app) == 0 and seen(people, whole)["status"] == "handled"


def test_the_reporter_sees_the_whole_only(people: People, whole: str) -> None:
    parts = parts_of(people, whole)
    assert [item["id"] for item in people["resident"].get("/cases").json["items"]] == [whole]
    assert people["resident"].get(f"/cases/{whole}/related").json == {"cases": [], "calls": []}
    for part in parts:
        assert people["resident"].get(f"/cases/{part}").status_code == 404
    assert parts[0] not in people["resident"].get(f"/cases/{whole}/timeline").text


def test_the_public_sees_the_whole_only(people: People, whole: str) -> None:
    with time_machine.travel(clock.now() + timedelta(days=30), tick=False):
        assert len(people.client.get("/api/v1/public/cases").json["items"]) == 1


def test_who_handled_a_part_neither_checks_nor_closes_the_whole(app: Flask, people: People, whole: str) -> None:
    first, second = parts_of(people, whole)
    finish(people, first, "handler")
    finish(people, second, "grid_worker")
    follow(app)
    assert "pass_check" not in seen(people, whole, "grid_worker")["allowed_actions"]
    assert people["grid_worker"].act(whole, "pass_check").json["code"] == "action_not_permitted"
    assert people["inspector"].act(whole, "pass_check").status_code == 200


def test_the_parts_go_with_a_whole_that_is_withdrawn(app: Flask, people: People, whole: str) -> None:
    first, second = parts_of(people, whole)
    finish(people, first, "handler", check=False)
    assert people["resident"].act(whole, "withdraw").json["status"] == "withdrawn"
    assert follow(app) == 1 and follow(app) == 0
    assert [seen(people, part)["status"] for part in (first, second)] == ["handled", "withdrawn"]
    assert seen(people, second)["due_at"] is None and parts_of(people, whole) == [first, second]
    for person, action in (("inspector", "pass_check"), ("dispatcher", "close")):
        assert people[person].act(first, action).status_code == 200
    assert people["dispatcher"].act(first, "reopen", reason="又堆了").status_code == 200
    assert follow(app) == 0 and seen(people, first)["status"] == "reopened"  # nobody takes it back a second time


def test_each_part_counts_for_who_held_it_and_the_whole_for_nobody(app: Flask, people: People) -> None:
    with time_machine.travel(at("2026-11-02T09:00"), tick=False) as frozen:
        case = people["resident"].file()["id"]
        carry(people, case, "start")
        people["dispatcher"].act(case, "split", parts=[PARTS[1], PARTS[1]])
        parts = [part["id"] for part in people["dispatcher"].get(f"/cases/{case}/related").json["cases"]]
        finish(people, parts[0], "village_officer")
        frozen.move_to(at("2026-11-25T09:00"))
        people.clear()
        assert figures(app, HANDLED_IN_TIME) == {VILLAGE: (1, 2)}
        finish(people, parts[1], "village_officer")
        follow(app)
    assert figures(app, HANDLED_IN_TIME) == {VILLAGE: (1, 2)}


def test_the_whole_is_due_when_the_case_is_and_follows_the_calendar(app: Flask, people: People, whole: str) -> None:
    case = seen(people, whole)
    assert case["due_at"] == case["case_due_at"]
    with app.app_context():
        assert recompute_open(clock.now()) == 0


def test_an_urge_of_the_whole_reaches_who_holds_its_parts(app: Flask, people: People, whole: str) -> None:
    assert people["resident"].act(whole, "urge").status_code == 200
    assert phones_told(app, "case_pressing") == ["+8613800000004", "+8613800000005"]


def test_a_part_is_neither_split_nor_merged(people: People, whole: str) -> None:
    part, _ = parts_of(people, whole)
    assert not {"split", "merge", "rate"} & set(seen(people, part)["allowed_actions"])
    assert people["dispatcher"].act(part, "split", parts=PARTS).json["code"] == "not_in_state"
    other = people["resident"].file()["id"]
    assert people["dispatcher"].act(other, "merge", into=part).json["code"] == "cannot_merge"


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        (PARTS[:1], "invalid"),
        (PARTS * 6, "invalid"),
        ([PARTS[0], PARTS[1] | {"department": "nobody"}], "unknown_department"),
        ([PARTS[0], PARTS[1] | {"category": "nothing"}], "unknown_category"),
        ([PARTS[0], {"description": "x"}], "invalid"),
    ],
)
def test_a_split_that_makes_no_sense_leaves_nothing(people: People, parts: list[Any], code: str) -> None:
    case = people["resident"].file()["id"]
    carry(people, case, "accept")
    before = people["dispatcher"].get("/cases").data
    answer = people["dispatcher"].act(case, "split", parts=parts)
    assert answer.status_code == 422 and (code == "invalid" or answer.json["code"] == code)
    assert people["dispatcher"].get("/cases").data == before


def test_what_the_desk_wrote_of_a_part_loses_the_person_who_is_forgotten(app: Flask, people: People) -> None:
    with app.app_context(), unit_of_work() as session:
        newcomer = NewAccount("+8613966660000", "关小满", "resident", TOWN)
        create_account(session, newcomer, hash_password(PASSWORD), clock.now())
    person = Person(people.client, "13966660000")
    case = person.file()["id"]
    carry(people, case, "accept")
    parts = [part | {"description": f"{part['description']}，联系关小满"} for part in PARTS]
    assert people["dispatcher"].act(case, "split", parts=parts).status_code == 200
    assert "关小满" in seen(people, parts_of(people, case)[0])["description"]
    headers = person.headers
    answer = people.client.delete("/api/v1/me", json={"password": PASSWORD}, headers=headers)
    assert answer.status_code == 204
    for part in parts_of(people, case):
        assert "关小满" not in seen(people, part)["description"]
        assert people["dispatcher"].get("/cases?text=关小满").json["items"] == []
