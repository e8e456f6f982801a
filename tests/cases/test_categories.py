"""A town keeps its categories: with validation and history, and no case that there is changes by it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import time_machine
from flask import Flask

from backend.cases.timing.recomputing import recompute_open
from backend.http import clock
from tests.cases.test_deadlines import at, declare
from tests.cases.test_field_deadlines import category
from tests.town import People, carry

MONDAY = at("2026-11-23T09:00")


def change(people: People, code: str, /, **changes: Any) -> Any:
    admin = people["admin"]
    etag = admin.get(f"/categories/{code}").headers["ETag"]
    return admin.patch(f"/categories/{code}", {"reason": "镇里要求", **changes}, If_Match=etag)


def listed(people: People) -> dict[str, Any]:
    return {kind["code"]: kind for kind in people["resident"].get("/categories").json["items"]}


def test_a_new_category_can_be_filed_under_and_a_retired_one_cannot(people: People) -> None:
    with time_machine.travel(MONDAY, tick=False):
        category(people, "stray_dogs", 3)
        assert listed(people)["stray_dogs"]["limits"]["handle"] == {"unit": "workdays", "amount": 3}
        case = people["resident"].file(category="stray_dogs")
        assert case["due_at"] == "2026-11-26T17:30:00+08:00"
        assert change(people, "stray_dogs", retired=True).json["retired"] is True
        assert "stray_dogs" not in listed(people)
        refused = people["resident"].post(
            "/cases",
            {"category": "stray_dogs", "description": "狗", "location": {"lon": 113, "lat": 22.86, "crs": "wgs84"}},
        )
        assert refused.json["code"] == "unknown_category"
        # The case that there is goes its way, and is still called what it was.
        assert people["dispatcher"].get(f"/cases/{case['id']}").json["category_name"] == "stray_dogs"
        carry(people, case["id"], "close")
        assert change(people, "stray_dogs", retired=False).status_code == 200
        assert "stray_dogs" in listed(people)


def test_a_step_keeps_the_limits_it_began_with_and_the_next_takes_the_new_ones(app: Flask, people: People) -> None:
    with time_machine.travel(MONDAY, tick=False) as frozen:
        case = people["resident"].file()["id"]
        before = people["dispatcher"].get(f"/cases/{case}").json
        frozen.move_to(at("2026-11-23T09:10"))
        limits = {step: {"unit": "workdays", "amount": 9} for step in ("accept", "dispatch", "case")}
        assert change(people, "litter", limits=limits).status_code == 200
        with app.app_context():
            assert recompute_open(clock.now()) == 0
        assert people["dispatcher"].get(f"/cases/{case}").json == before
        accepted = people["dispatcher"].act(case, "accept").json
        assert accepted["due_at"] == "2026-12-04T17:30:00+08:00"  # nine workdays
        assert accepted["case_due_at"] == before["case_due_at"]
        with app.app_context():  # a changed calendar moves the case by the limits it has
            declare(app, {date(2026, 11, 24): False})
            assert recompute_open(clock.now()) == 1
        moved = people["dispatcher"].get(f"/cases/{case}").json
        assert (moved["due_at"], moved["case_due_at"]) == ("2026-12-07T17:30:00+08:00", "2026-12-01T17:30:00+08:00")
        other = people["resident"].file()
        assert other["due_at"] == "2026-12-07T17:30:00+08:00"


def test_a_suspension_counts_by_the_unit_the_step_began_with(people: People) -> None:
    with time_machine.travel(MONDAY, tick=False) as frozen:
        case = people["resident"].file()["id"]
        carry(people, case, "start")
        frozen.move_to(at("2026-11-23T09:10"))
        assert change(people, "litter", limits={"handle": {"unit": "urgent_hours", "amount": 1}}).status_code == 200
        wanted = {"reason": "等待拆迁", "until": "2026-12-07T09:10:00+08:00"}
        assert people["village_officer"].act(case, "ask_suspension", **wanted).status_code == 200
        assert people["dispatcher"].act(case, "suspend").json["due_at"] == "2026-12-09T17:30:00+08:00"


def test_every_version_is_kept_with_who_and_why(people: People) -> None:
    admin = people["admin"]
    assert people["auditor"].get("/categories/litter").json["version"] == 0
    assert admin.get("/categories/litter/history").json["items"] == []
    assert change(people, "litter", name="垃圾", reason="改短").json["version"] == 1
    assert change(people, "litter", needs_photo=True, reason="要有照片").json["version"] == 2
    versions = people["auditor"].get("/categories/litter/history").json["items"]
    assert [(one["version"], one["reason"], one["name"], one["needs_photo"]) for one in versions] == [
        (2, "要有照片", "垃圾", True),
        (1, "改短", "垃圾", False),
    ]
    assert {one["set_by"] for one in versions} == {admin.get("/me").json["id"]}
    refused = people["resident"].post(
        "/cases", {"category": "litter", "description": "脏", "location": {"lon": 113, "lat": 22.86, "crs": "wgs84"}}
    )
    assert refused.json["code"] == "photo_needed"


def test_a_list_shows_the_name_a_category_has_now(people: People) -> None:
    people["resident"].file()
    assert people["dispatcher"].get("/cases").json["items"][0]["category_name"] == "垃圾乱堆"
    assert change(people, "litter", name="垃圾").status_code == 200
    assert people["dispatcher"].get("/cases").json["items"][0]["category_name"] == "垃圾"


def test_of_two_changes_on_one_version_the_second_is_refused(people: People) -> None:
    admin = people["admin"]
    body = {"name": "垃圾", "reason": "改短"}
    assert admin.patch("/categories/litter", body, If_Match='"0"').status_code == 200
    assert admin.patch("/categories/litter", body, If_Match='"0"').json["code"] == "stale_version"
    assert admin.patch("/categories/litter", body).status_code == 428


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"limits": {"handle": {"unit": "workdays", "amount": 0}}}, "limits"),
        ({"limits": {"handle": {"unit": "workdays", "amount": 251}}}, "limits"),
        ({"limits": {"handle": {"unit": "workdays", "amount": True}}}, "limits"),
        ({"limits": {"handle": {"unit": "days", "amount": 1}}}, "limits"),
        ({"limits": {"paint": {"unit": "workdays", "amount": 1}}}, "limits"),
        ({"department": "no_such"}, "department"),
        ({"parent": "facilities", "parent_name": "别的名字"}, "parent_name"),
        ({"name": ""}, "name"),
        ({"code": "other"}, "code"),
        ({"reason": " "}, "reason"),
    ],
)
def test_what_makes_no_sense_is_refused(people: People, changes: dict[str, Any], field: str) -> None:
    answer = change(people, "litter", **changes)
    assert answer.status_code == 422 and field in answer.json["errors"], answer.json
    assert people["admin"].get("/categories/litter").json["version"] == 0


def test_a_code_is_taken_once_even_of_what_is_retired_and_some_are_reserved(people: People) -> None:
    category(people, "stray_dogs", 3)
    assert change(people, "stray_dogs", retired=True).status_code == 200
    body = {"code": "stray_dogs", "name": "狗", "name_en": "dogs", "parent": "own", "parent_name": "本镇类别"}
    body |= {"department": "sanitation", "public": False, "needs_photo": False, "reason": "再来", "limits": {}}
    assert people["admin"].post("/categories", body).status_code == 422
    steps = ("accept", "dispatch", "handle", "check", "close", "case")
    body |= {"limits": {step: {"unit": "workdays", "amount": 1} for step in steps}}
    refused = people["admin"].post("/categories", body)
    assert refused.status_code == 409 and "stray_dogs" in refused.json["detail"]
    for changes in (
        {"code": "any"},
        {"code": "parent"},
        {"code": "cats", "parent": "any"},
    ):  # they mean all categories, or a branch
        refused = people["admin"].post("/categories", body | changes)
        assert (refused.status_code, refused.json["code"]) == (422, "reserved_code"), changes
    assert change(people, "litter", parent="any").json["code"] == "reserved_code"


def test_slots_of_a_category_are_needed_when_its_work_is_handed_in(people: People) -> None:
    assert change(people, "litter", hand_in_photos=["after", "after"]).json["hand_in_photos"] == ["after"]
    case = people["resident"].file()["id"]
    carry(people, case, "start")
    assert people["village_officer"].act(case, "hand_in", note="已清").json["code"] == "photos_missing"
    assert change(people, "litter", hand_in_photos=[]).json["hand_in_photos"] == []
    assert people["village_officer"].act(case, "hand_in", note="已清").status_code == 200
    assert "hand_in_photos" in change(people, "litter", hand_in_photos=["behind"]).json["errors"]


# --- a case under the wrong one --------------------------------------------------------------------------------------


def test_correcting_a_category_needs_a_reason_and_another_category(people: People) -> None:
    case, desk = people["resident"].file()["id"], people["dispatcher"]
    assert "reason" in desk.act(case, "correct_category", category="river").json["errors"]
    assert "category" in desk.act(case, "correct_category", category="litter", reason="选错").json["errors"]
    assert desk.act(case, "correct_category", category="ufo", reason="选错").json["code"] == "unknown_category"
    assert people["resident"].act(case, "correct_category", category="river", reason="选错").status_code == 403
    assert desk.act(case, "correct_category", category="river", reason="选错").json["category_name"] == "黑臭河涌"


def test_nobody_is_late_by_another_s_mistake(app: Flask, people: People) -> None:
    with time_machine.travel(at("2026-11-20T09:00"), tick=False):
        category(people, "long", 20)
        category(people, "short", 1)
    with time_machine.travel(MONDAY, tick=False) as frozen:
        people = People(people.client)
        case = people["resident"].file(category="long")["id"]
        frozen.move_to(at("2026-11-26T09:00"))
        people.clear()
        after = people["dispatcher"].act(case, "correct_category", category="short", reason="登记时选错").json
        # By the 24th it would have been over; it is counted from the correction.
        assert (after["due_at"], after["colour"]) == ("2026-11-27T17:30:00+08:00", "green")
        with app.app_context():
            assert recompute_open(clock.now()) == 0
        assert people["dispatcher"].get(f"/cases/{case}").json["due_at"] == "2026-11-27T17:30:00+08:00"


def test_a_deadline_moved_by_hand_stays_and_publication_follows(people: People) -> None:
    with time_machine.travel(MONDAY, tick=False) as frozen:
        category(people, "private", 20, public=False)
        case = people["resident"].file()["id"]
        carry(people, case, "start")
        wanted = {"reason": "等待材料", "until": "2026-12-28T17:30:00+08:00"}
        assert people["village_officer"].act(case, "ask_extension", **wanted).status_code == 200
        assert people["dispatcher"].act(case, "extend").status_code == 200
        after = people["dispatcher"].act(case, "correct_category", category="private", reason="涉及隐私").json
        assert after["due_at"] == "2026-12-28T17:30:00+08:00"
        frozen.move_to(at("2026-11-27T09:00"))
        people.clear()
        assert people["resident"].get("/public/cases").json["items"] == []
        back = people["dispatcher"].act(case, "correct_category", category="litter", reason="可以公开")
        assert back.status_code == 200
        frozen.move_to(at("2026-12-01T09:00"))
        people.clear()
        assert len(people["resident"].get("/public/cases").json["items"]) == 1


def test_a_part_of_a_split_case_stays_unpublished_and_what_a_person_holds_does_not_become_private(
    people: People,
) -> None:
    with time_machine.travel(MONDAY, tick=False):
        desk = people["dispatcher"]
        whole, taken_up = (people["resident"].file()["id"] for _ in range(2))
        carry(people, whole, "accept")
        parts = [{"description": text, "category": "land", "department": "sanitation"} for text in ("一", "二")]
        assert desk.act(whole, "split", parts=parts).status_code == 200
        part = desk.get(f"/cases/{whole}/related").json["cases"][0]["id"]
        assert desk.act(part, "correct_category", category="litter", reason="选错").status_code == 200
        carry(people, taken_up, "accept")
        member = people["party_member"].get("/me").json["id"]
        assert desk.act(taken_up, "entrust", person=member).status_code == 200
        refused = desk.act(taken_up, "correct_category", category="land", reason="涉及隐私")
        assert "category" in refused.json["errors"]
        assert desk.act(taken_up, "dispatch", department="sanitation", note="涉及隐私").status_code == 200
        assert desk.act(taken_up, "correct_category", category="land", reason="涉及隐私").status_code == 200
    with time_machine.travel(at("2026-11-27T09:00"), tick=False):
        shown = people.client.get("/api/v1/public/cases").json["items"]
        assert [case["category"]["code"] for case in shown] == ["litter"]  # the whole
