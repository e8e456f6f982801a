"""Where cases go: the most specific rule of the town wins, the desk is offered it, or it happens by itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from backend.cases.rules.categories import shipped
from backend.cases.rules.routing import LATEST, dispatch_accepted, keys_for
from backend.config import TOWN_ZONE
from tests.cases.test_protected import clear
from tests.outbox.telling import phones_told
from tests.town import ELSEWHERE, TOWN, VILLAGE, People

START = datetime(2026, 11, 25, 10, 0, tzinfo=TOWN_ZONE)
AREAS = (TOWN, VILLAGE, "440605121013", f"{VILLAGE}001", f"{VILLAGE}002")
KINDS = ("litter", "sewage", "street_light", "environment", "facilities", "any")
RULES = st.sets(st.tuples(st.sampled_from(KINDS), st.sampled_from(AREAS)))


@given(RULES, st.sampled_from(("litter", "street_light")), st.sampled_from(AREAS[1:]))
def test_the_own_category_wins_over_its_branch_and_that_over_any_and_then_the_smaller_area(
    rules: set[tuple[str, str]], leaf: str, area: str
) -> None:
    kind = shipped()[leaf]
    fit = [(one, where) for one, where in rules if one in (leaf, kind.parent, "any") and area.startswith(where)]
    slowly = sorted(fit, key=lambda rule: ([leaf, kind.parent, "any"].index(rule[0]), -len(rule[1])))
    keys = [key for key in keys_for(leaf, kind.parent, area) if tuple(key.split(" ")) in rules]
    assert keys == [f"{one} {where}" for one, where in slowly]


def offered(people: People, case: str) -> list[tuple[str, str | None, str | None]]:
    items = people["dispatcher"].get(f"/cases/{case}/routing").json["items"]
    return [(one["department"], one["category"], one["area"]) for one in items]


def rule(people: People, category: str, area: str, department: str) -> None:
    answer = people["admin"].put(f"/routing-rules/{category}/{area}", {"department": department})
    assert answer.status_code == 200, answer.json


def accepted(people: People, **changes: Any) -> str:
    case = str(people["resident"].file(**changes)["id"])
    assert people["dispatcher"].act(case, "accept").status_code == 200
    return case


def test_the_desk_is_offered_where_the_rules_send_a_case_best_first_and_why(people: People) -> None:
    case = accepted(people)
    assert offered(people, case) == [("sanitation", None, None)]
    rule(people, "any", VILLAGE, VILLAGE)
    rule(people, "environment", TOWN, "rural_revitalization")
    rule(people, "litter", f"{VILLAGE}999"[:12], "water")
    rule(people, "street_light", VILLAGE, "public_works")
    best = [("water", "litter", VILLAGE), ("rural_revitalization", "environment", TOWN), (VILLAGE, "any", VILLAGE)]
    assert offered(people, case) == [*best, ("sanitation", None, None)]
    assert offered(people, accepted(people, location=ELSEWHERE)) == [best[1], ("sanitation", None, None)]
    names = [one["name"] for one in people["dispatcher"].get(f"/cases/{case}/routing").json["items"]]
    assert names[2] == "敦根社区"
    # Nothing goes to a department that is closed, nor to who has the case, nor when it cannot be dispatched.
    assert people["admin"].post("/departments/water/close", {}, If_Match='"1"').status_code == 200
    assert offered(people, case) == [*best[1:], ("sanitation", None, None)]
    assert people["dispatcher"].act(case, "dispatch", department=VILLAGE).status_code == 200
    assert offered(people, case) == [best[1], ("sanitation", None, None)]
    people["village_officer"].act(case, "start")
    people["village_officer"].act(case, "hand_in", note="已清运")
    assert offered(people, case) == []


def test_a_rule_is_changed_on_the_version_that_was_read_taken_back_and_told_with_its_history(people: People) -> None:
    admin, path = people["admin"], f"/routing-rules/litter/{VILLAGE}"
    made = admin.put(path, {"department": "water"})
    assert (made.status_code, made.headers["ETag"], made.json["version"]) == (200, '"1"', 1)
    assert admin.put(path, {"department": VILLAGE}).status_code == 428
    assert admin.put(path, {"department": VILLAGE}, If_Match='"1"').json["version"] == 2
    assert admin.put(path, {"department": "water"}, If_Match='"1"').status_code == 412
    assert [one["department"] for one in people["auditor"].get("/routing-rules").json["items"]] == [VILLAGE]
    assert admin.delete(path, If_Match='"2"').status_code == 204
    assert admin.delete(path, If_Match='"2"').status_code == 404
    assert admin.put(path, {"department": "water"}, If_Match='"2"').status_code == 412, "it was taken back meanwhile"
    assert admin.get("/routing-rules").json["items"] == []
    assert admin.put(path, {"department": "water"}).json["version"] == 4
    history = people["auditor"].get(f"{path}/history").json["items"]
    values = [{"department": "water"}, None, {"department": VILLAGE}, {"department": "water"}]
    assert [(one["version"], one["value"]) for one in history] == list(zip((4, 3, 2, 1), values, strict=True))
    for category, area, department, status in (
        ("no_such", VILLAGE, "water", 404),
        ("litter", "440605999", "water", 404),
        ("litter", f"{VILLAGE}999", "water", 404),
        ("litter", "%00", "water", 404),
        ("litter", TOWN, "no_such", 422),
        ("litter", TOWN, f"{VILLAGE}001", 422),
    ):
        answer = admin.put(f"/routing-rules/{category}/{area}", {"department": department})
        assert answer.status_code == status, (category, area, department)
    assert people["dispatcher"].put(path, {"department": "water"}, If_Match='"4"').status_code == 404


@pytest.fixture
def by_itself(people: People) -> Any:
    """A town that has cases dispatched by itself, on a Wednesday at ten."""
    with time_machine.travel(START, tick=False) as clock:
        rule(people, "litter", TOWN, "sanitation")
        yes = people["admin"].patch("/settings/route_by_itself", {"value": "yes"}, If_Match='"0"')
        assert yes.status_code == 200, yes.json
        clock.shift(60)
        yield clock


def test_where_the_town_says_so_an_accepted_case_is_dispatched_once_by_the_rule_that_held(
    app: Flask, people: People, by_itself: Any
) -> None:
    case, other = accepted(people), accepted(people, category="street_light")
    by_itself.shift(60)
    version = people["admin"].get("/routing-rules").json["items"][0]["version"]
    path = f"/routing-rules/litter/{TOWN}"
    people["admin"].put(path, {"department": "water"}, If_Match=f'"{version}"')
    phones_told(app, "case_at_hand")
    with app.app_context():
        assert dispatch_accepted(START + timedelta(minutes=5)) == 1
        assert dispatch_accepted(START + timedelta(minutes=6)) == 0
    shown = people["dispatcher"].get(f"/cases/{case}").json
    assert (shown["status"], shown["holder"], shown["version"]) == ("dispatched", "sanitation", 3)
    by_hand = accepted(people)
    people["dispatcher"].act(by_hand, "dispatch", department="sanitation")
    limit = datetime.fromisoformat(people["dispatcher"].get(f"/cases/{by_hand}").json["due_at"])
    assert datetime.fromisoformat(shown["due_at"]).date() == limit.date()
    event = people["resident"].get(f"/cases/{case}/timeline").json["items"][-1]
    assert (event["action"], event["actor"]["role"], event["department"]) == ("dispatch", "system", "sanitation")
    assert phones_told(app, "case_at_hand") == ["+8613800000005"] * 2
    # No rule was made for it: the category alone moves nothing.
    assert people["dispatcher"].get(f"/cases/{other}").json["status"] == "accepted"


def test_nothing_moves_by_itself_that_was_there_before_or_that_somebody_touched(
    app: Flask, people: People, by_itself: Any
) -> None:
    sent_back, protected = accepted(people), None
    with app.app_context():
        assert dispatch_accepted(START + timedelta(minutes=2)) == 1
    assert people["handler"].act(sent_back, "send_back", reason="不属本部门").status_code == 200
    with app.app_context():
        assert dispatch_accepted(START + timedelta(minutes=2)) == 0, "who sent it back is not given it again"
    before_rule = accepted(people, category="sewage")
    by_itself.shift(60)
    rule(people, "sewage", TOWN, "sanitation")
    clear(people)
    protected = people["resident"].file(reporting="protected")["id"]
    late = accepted(people)
    with app.app_context():
        assert dispatch_accepted(START + timedelta(minutes=3) + LATEST + timedelta(hours=1)) == 0
        setting = people["admin"].get("/settings/route_by_itself")
        people["admin"].patch("/settings/route_by_itself", {"value": "no"}, If_Match=setting.headers["ETag"])
        assert dispatch_accepted(START + timedelta(minutes=4)) == 0
        by_itself.shift(60)
        people["admin"].patch("/settings/route_by_itself", {"value": "yes"}, If_Match='"2"')
        assert dispatch_accepted(START + timedelta(minutes=5)) == 0, "switched on, it begins with what comes then"
    for case in (sent_back, before_rule, late):
        assert people["dispatcher"].get(f"/cases/{case}").json["status"] == "accepted"
    assert people["resident"].get(f"/cases/{protected}").json["status"] == "reported"
