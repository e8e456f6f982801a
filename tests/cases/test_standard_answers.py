"""Standard answers: offered to who may say them, filled in, and kept with the case as they were said."""

from __future__ import annotations

from typing import Any

import pytest
import time_machine
from flask import Flask

from backend.cases.rules.standard_answers import ANSWERABLE
from tests.cases.test_protected import clear
from tests.cases.test_routing import START
from tests.town import People, carry

DECLINE = {
    "title": "不属本镇",
    "text": "案件 {number}（{category}，{filed_on}上报）不属{village}管辖。",
    "actions": ["decline"],
}
DONE = {
    "title": "已办",
    "text": "{holder}已办结，期限 {due}。",
    "actions": ["hand_in", "close"],
    "categories": ["litter"],
}


def keep(people: People, code: str, answer: dict[str, Any], **headers: str) -> Any:
    kept = people["admin"].put(f"/standard-answers/{code}", answer, **headers)
    assert kept.status_code == 200, kept.json
    return kept.json


def offered(people: People, role: str, case: str) -> list[tuple[str, str, list[str]]]:
    items = people[role].get(f"/cases/{case}/standard-answers").json["items"]
    return [(one["code"], one["text"], one["actions"]) for one in items]


def test_an_answer_is_offered_filled_in_to_who_may_say_it_now_and_its_words_stay_with_the_case(people: People) -> None:
    with time_machine.travel(START, tick=False):
        keep(people, "not_ours", DECLINE)
        keep(people, "done", DONE)
        case = people["resident"].file()
        said = f"案件 {case['number']}（垃圾乱堆，2026年11月25日上报）不属敦根社区管辖。"
        assert offered(people, "dispatcher", case["id"]) == [("not_ours", said, ["decline"])]
        assert offered(people, "resident", case["id"]) == []
        other = people["resident"].file()["id"]
        assert people["dispatcher"].act(case["id"], "decline", standard="not_ours").status_code == 200
        carry(people, other, "start")
        due = people["dispatcher"].get(f"/cases/{other}").json["due_at"]
        assert due.startswith("2026-11-2")
        filled = f"敦根社区已办结，期限 2026年11月{int(due[8:10])}日 {due[11:16]}。"
        assert offered(people, "village_officer", other) == [("done", filled, ["hand_in"])]
        assert people["village_officer"].act(other, "hand_in", standard="done").status_code == 200
        keep(people, "not_ours", DECLINE | {"text": "换了说法。"}, If_Match='"1"')
        assert people["admin"].delete("/standard-answers/done", If_Match='"1"').status_code == 204
        notes = [people["resident"].get(f"/cases/{one}/timeline").json["items"][-1] for one in (case["id"], other)]
        assert [one["note"] for one in notes] == [said, filled]
        assert people["admin"].get("/standard-answers").json["items"][0]["text"] == "换了说法。"
        history = people["auditor"].get("/standard-answers/not_ours/history").json["items"]
        assert [one["value"]["text"] for one in history] == ["换了说法。", DECLINE["text"]]


def test_an_answer_is_no_answer_to_another_action_category_or_case_without_its_values(
    app: Flask, people: People
) -> None:
    keep(people, "not_ours", DECLINE)
    keep(people, "done", DONE)
    keep(people, "early", {"title": "转办", "text": "已转{holder}。", "actions": ["accept"]})
    desk, case = people["dispatcher"], people["resident"].file(category="sewage")["id"]
    for action, fields, field in (
        ("accept", {"standard": "not_ours"}, "standard"),
        ("decline", {"standard": "no_such"}, "standard"),
        ("decline", {"standard": "not_ours", "reason": "重复"}, "reason"),
        ("accept", {"standard": "early"}, "standard"),
    ):
        refused = desk.act(case, action, **fields)
        assert (refused.status_code, [*refused.json["errors"]]) == (422, [field]), (action, fields)
    assert [one[0] for one in offered(people, "dispatcher", case)] == ["not_ours"]
    carry(people, case, "start")
    assert offered(people, "village_officer", case) == [], "it is for litter only"
    clear(people)
    protected = people["resident"].file(reporting="protected")["id"]
    assert offered(people, "dispatcher", protected) == []
    assert "rate" not in ANSWERABLE and "withdraw" not in ANSWERABLE and "decline" in ANSWERABLE


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"text": "案件 {phone}"}, "text"),
        ({"text": "案件 {number!r}"}, "text"),
        ({"text": "案件 {"}, "text"),
        ({"text": "{village}" * 100}, "text"),
        ({"text": " "}, "text"),
        ({"actions": ["rate"]}, "actions"),
        ({"actions": []}, "actions"),
        ({"categories": ["no_such"]}, "categories"),
    ],
)
def test_what_could_not_be_filled_or_said_is_not_kept(people: People, changes: dict[str, Any], field: str) -> None:
    refused = people["admin"].put("/standard-answers/x", DECLINE | changes)
    assert (refused.status_code, [*refused.json["errors"]]) == (422, [field])
    assert people["admin"].get("/standard-answers").json["items"] == []
