"""The grid whistles, departments report: who is called sees the case, gives one answer, and is seen to be late."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask

from backend.http import clock
from tests.cases.test_facts import at
from tests.outbox.telling import phones_told
from tests.town import ELSEWHERE, VILLAGE, People, carry, unknown_id

CALLED = ["sanitation", "440605121201"]


@pytest.fixture
def held(people: People) -> str:
    """A resident's case that the village handles."""
    case = str(people["resident"].file(description="偷排污水，电话13800001111", address="祠堂旁")["id"])
    carry(people, case, "start")
    return case


def whistle(people: People, case: str, who: str = "grid_worker", **fields: Any) -> Any:
    return people[who].act(case, "whistle", **({"departments": CALLED, "reason": "请到场"} | fields))


def test_who_is_called_sees_the_case_as_its_holder_does_and_answers_once(app: Flask, people: People, held: str) -> None:
    handler = people["handler"]
    assert handler.get(f"/cases/{held}").data == handler.get(f"/cases/{unknown_id()}").data
    answer = whistle(people, held)
    assert answer.status_code == 200 and answer.json["holder"] == VILLAGE
    seen = handler.get(f"/cases/{held}").json
    assert (seen["description"], seen["location"]["approximate"]) == ("偷排污水，电话〔略〕", False)
    assert seen["allowed_actions"] == ["answer"]
    assert handler.act(held, "answer").json["errors"]["answer"]
    done = handler.act(held, "answer", answer="arrived", note="已到现场")
    assert done.status_code == 200 and done.json["allowed_actions"] == []
    again = handler.act(held, "answer", answer="arrived").json
    assert again["code"] == "not_in_state" and "已经答复过的不必再答" in again["detail"]
    event = people["dispatcher"].get(f"/cases/{held}/timeline").json["items"][-1]
    assert (event["action"], event["department"], event["answer"], event["note"]) == (
        ("answer", "sanitation", "arrived", "已到现场")
    )
    calls = {call["department"]: call for call in people["dispatcher"].get(f"/cases/{held}/related").json["calls"]}
    assert [calls[code]["answer"] for code in CALLED] == ["arrived", None]
    assert phones_told(app, "case_called") == ["+8613800000005"]
    assert handler.get(f"/cases/{held}").status_code == 200  # and goes on seeing it


def test_who_refuses_says_why_and_sees_it_no_more(people: People, held: str) -> None:
    whistle(people, held)
    handler = people["handler"]
    assert handler.act(held, "answer", answer="refused").json["errors"]["note"]
    refused = handler.act(held, "answer", answer="refused", note="非本部门职责")
    assert refused.status_code == 200 and refused.json["location"]["approximate"]
    assert handler.get(f"/cases/{held}").data == handler.get(f"/cases/{unknown_id()}").data
    assert handler.get("/whistles").json["items"] == []
    assert whistle(people, held, departments=["sanitation"]).status_code == 200  # and may be called again
    assert handler.get(f"/cases/{held}").json["allowed_actions"] == ["answer"]


def test_a_call_ends_with_the_case(people: People, held: str) -> None:
    whistle(people, held)
    assert people["resident"].act(held, "withdraw").status_code == 200
    assert people["handler"].get(f"/cases/{held}").status_code == 404
    assert people["handler"].get("/whistles").json["items"] == []


def test_who_does_not_answer_in_time_is_seen_to_be_late(people: People) -> None:
    with time_machine.travel(at("2026-11-02T09:00"), tick=False) as frozen:
        case = people["resident"].file()["id"]
        carry(people, case, "dispatch")
        whistle(people, case)
        listed = people["dispatcher"].get("/whistles").json["items"]
        # Four work hours from nine; lunch is none of them.
        assert {call["due_at"] for call in listed} == {"2026-11-02T15:00:00+08:00"}
        assert people["dispatcher"].get("/whistles?late=true").json["items"] == []
        frozen.move_to(at("2026-11-02T16:00"))
        people.clear()
        assert people["handler"].act(case, "answer", answer="answered").status_code == 200
        late = people["dispatcher"].get("/whistles?late=true").json["items"]
        assert [(call["department"], call["case"]["id"]) for call in late] == [("440605121201", case)]
        calls = {call["department"]: call for call in people["dispatcher"].get(f"/cases/{case}/related").json["calls"]}
        assert [calls[code]["late"] for code in CALLED] == [True, True]


def test_the_list_of_calls_is_what_can_be_opened_and_pages(people: People) -> None:
    cases = [people["resident"].file()["id"] for _ in range(3)]
    far = people["party_member"].file(location=ELSEWHERE)["id"]
    for case in cases:
        carry(people, case, "dispatch")
    carry(people, far, "dispatch", holder="water")
    for case in cases:
        assert whistle(people, case, departments=["sanitation"]).status_code == 200
    assert whistle(people, far, who="dispatcher", departments=[VILLAGE, "440605121201"]).status_code == 200
    found, cursor = [], ""
    while cursor is not None:
        page = people["handler"].get(f"/whistles?limit=1{cursor and '&cursor=' + cursor}").json
        found += [call["case"]["id"] for call in page["items"]]
        cursor = page["next_cursor"]
    assert sorted(found) == sorted(cases)
    assert [call["case"]["id"] for call in people["village_officer"].get("/whistles").json["items"]] == [far]
    assert {people["handler"].get(f"/cases/{case}").status_code for case in found} == {200}
    assert people["handler"].get(f"/cases/{far}").status_code == 404
    assert people["village_officer"].get(f"/cases/{far}").json["location"]["approximate"] is False
    assert len(people["dispatcher"].get("/whistles").json["items"]) == 5
    for who in ("resident", "grid_worker", "inspector", "committee"):
        assert people[who].get("/whistles").status_code == 404


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"departments": []}, 422),
        ({"departments": ["nobody"]}, 422),
        ({"departments": [VILLAGE]}, 422),  # holds it
        ({"until": "2026-01-01T00:00:00+08:00"}, 422),
        ({"until": "2999-01-01T00:00:00+08:00"}, 422),
        ({"departments": ["sanitation"]}, 409),  # was called before
    ],
)
def test_a_call_that_makes_no_sense_calls_nobody(
    people: People, held: str, fields: dict[str, Any], status: int
) -> None:
    if status == 409:
        assert whistle(people, held).status_code == 200
    before = people["dispatcher"].get("/whistles").data
    answer = whistle(people, held, **fields)
    assert answer.status_code == status, answer.json
    if status == 409:
        assert answer.json["department"] == "sanitation" and "已呼叫“镇环卫所”" in answer.json["detail"]
    assert people["dispatcher"].get("/whistles").data == before


def test_nobody_but_the_grid_and_the_desk_whistles(people: People, held: str) -> None:
    for who in ("resident", "village_officer", "inspector"):
        assert whistle(people, held, who=who).json["code"] == "action_not_permitted"
    far = people["party_member"].file(location=ELSEWHERE)["id"]
    carry(people, far, "accept")
    assert whistle(people, far).status_code == 404


def test_a_worker_who_reported_whistles_as_the_worker(people: People) -> None:
    case = people["grid_worker"].file()["id"]
    carry(people, case, "accept")
    assert whistle(people, case, departments=["sanitation"]).status_code == 200
    event = people["handler"].get(f"/cases/{case}/timeline").json["items"][-1]
    assert (event["action"], event["actor"]["role"]) == ("whistle", "grid_worker")


def test_a_time_given_is_the_limit(people: People, held: str) -> None:
    until = clock.now() + timedelta(days=3)
    assert whistle(people, held, until=until.isoformat()).status_code == 200
    event = people["resident"].get(f"/cases/{held}/timeline").json["items"][-1]
    assert event["departments"] == CALLED and event["until"] is not None
