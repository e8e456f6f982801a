"""Several reports of one problem become one case, and each reporter hears of it through their own."""

from __future__ import annotations

import threading
import uuid
from datetime import datetime
from typing import Any

import pytest
import time_machine
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from backend.cases.facts import HANDLED_IN_TIME, REWORK
from backend.cases.links.following import keep_in_step
from backend.cases.links.link_tables import CaseLink
from backend.http import clock
from backend.http.reading import rows
from backend.outbox.tables import OutboxMessage
from tests.cases.test_facts import at, figures, handle
from tests.cases.test_protected import clear, protected
from tests.outbox.telling import phones_told
from tests.town import ELSEWHERE, VILLAGE, People, Person, carry, report, unknown_id


def follow(app: Flask) -> int:
    with app.app_context():
        return keep_in_step(clock.now())


def merge(people: People, case: str, into: str) -> Any:
    return people["dispatcher"].act(case, "merge", into=into)


def seen(person: Person, case: str) -> Any:
    return person.get(f"/cases/{case}").json


@pytest.fixture
def two(people: People) -> tuple[str, str]:
    """A resident's case that the village handles, and a Party member's of the same, just accepted."""
    head = people["resident"].file(description="村口垃圾堆，甲说")["id"]
    other = people["party_member"].file(description="村口有垃圾，乙说")["id"]
    carry(people, head, "start")
    carry(people, other, "accept")
    return head, other


def test_a_merged_case_is_handled_with_its_head_and_each_reporter_rates_their_own(
    app: Flask, people: People, two: tuple[str, str]
) -> None:
    head, other = two
    answer = merge(people, other, head)
    assert (answer.status_code, answer.json["status"], answer.json["due_at"]) == (200, "merged", None)
    assert seen(people["party_member"], other)["status"] == "handling"
    assert people["village_officer"].act(head, "hand_in", note="已清运，甲家门口").status_code == 200
    assert follow(app) == 1 and follow(app) == 0
    assert seen(people["party_member"], other)["status"] == "handled"
    assert people["inspector"].act(head, "pass_check").status_code == 200
    assert people["dispatcher"].act(head, "close").status_code == 200
    assert follow(app) == 1
    assert [seen(people[who], other)["status"] for who in ("party_member", "dispatcher")] == ["closed", "closed"]
    assert people["party_member"].act(other, "rate", score=2).json["rating"] == 2
    assert people["resident"].act(head, "rate", score=5).json["rating"] == 5
    told = people["party_member"].get(f"/cases/{other}/timeline").json["items"]
    assert [(event["action"], event["to_status"]) for event in told] == [
        ("report", "reported"),
        ("accept", "accepted"),
        ("hand_in", "handled"),
        ("pass_check", "checked"),
        ("close", "closed"),
        ("rate", "closed"),
    ]
    with app.app_context():
        found = rows(select(OutboxMessage.template).where(OutboxMessage.address == f"reporter:{other}"))
    assert [message.template for message in found] == [
        "case_reported",
        *["case_update"] * 3,
    ]  # the checking and the closing at one look


def test_neither_reporter_learns_of_the_other(app: Flask, people: People, two: tuple[str, str]) -> None:
    head, other = two
    merge(people, other, head)
    people["resident"].act(head, "urge", note="甲再催")
    people["village_officer"].act(head, "hand_in", note="已与甲联系")
    follow(app)
    member = people["party_member"]
    member.act(other, "note", note="谢谢")
    pages = ["", "/timeline", "/related"]
    told = b"".join(member.get(f"/cases/{other}{page}").data for page in pages)
    told += member.get("/cases").data + member.get("/me/data").data
    told += member.act(other, "rate", score=3).data  # out of turn: the refusal tells the status
    number = people["dispatcher"].get(f"/cases/{head}").json["number"]
    for word in ("merged", "并案", "甲", head, number):
        assert word.encode() not in told, word
    assert [item["status"] for item in member.get("/cases?status=handled").json["items"]] == ["handled"]
    assert member.get("/cases?status=merged").json["items"] == []
    assert member.get("/cases?status=accepted").json["items"] == []
    told = b"".join(people["resident"].get(f"/cases/{head}{page}").data for page in pages)
    for word in ("merged", "并案", "乙", other):
        assert word.encode() not in told, word


def test_an_urge_of_a_merged_case_reaches_who_holds_its_head(app: Flask, people: People, two: tuple[str, str]) -> None:
    head, other = two
    merge(people, other, head)
    assert people["party_member"].act(other, "urge").status_code == 200
    assert phones_told(app, "case_pressing") == ["+8613800000004"]
    officer = people["village_officer"]
    newest = officer.get("/me/notices").json["items"][0]
    assert newest["case_id"] == head and officer.get(f"/cases/{head}").status_code == 200


def test_the_town_sees_what_was_merged_where(app: Flask, people: People, two: tuple[str, str]) -> None:
    head, other = two
    merge(people, other, head)
    for who in ("dispatcher", "inspector"):
        below = people[who].get(f"/cases/{head}/related").json["cases"]
        above = people[who].get(f"/cases/{other}/related").json["cases"]
        assert [(case["id"], case["relation"]) for case in below] == [(other, "merged_here")]
        assert [(case["id"], case["relation"]) for case in above] == [(head, "merged_into")]
    assert seen(people["dispatcher"], other)["status"] == "merged"


def test_what_cannot_be_merged_answers_alike_and_tells_nothing(people: People, two: tuple[str, str]) -> None:
    head, other = two
    clear(people)
    hidden = people["resident"].post("/cases", protected()).json["id"]
    ended = people["resident"].file()["id"]
    people["resident"].act(ended, "withdraw")
    refused = [merge(people, other, into) for into in (unknown_id(), hidden, ended, other)]
    assert {answer.status_code for answer in refused} == {422} and len({answer.data for answer in refused}) == 1
    assert refused[0].json["code"] == "cannot_merge"
    assert merge(people, hidden, head).status_code in (403, 404)


def test_there_are_neither_chains_nor_circles(app: Flask, people: People, two: tuple[str, str]) -> None:
    head, other = two
    third = people["resident"].file()["id"]
    carry(people, third, "accept")
    assert merge(people, other, head).status_code == 200
    assert merge(people, head, other).json["code"] == "cannot_merge"
    assert merge(people, third, other).json["code"] == "cannot_merge"
    assert merge(people, head, third).status_code == 200  # what had been merged goes along
    with app.app_context():
        links = {str(link.case_id): str(link.head_id) for link in rows(select(CaseLink.case_id, CaseLink.head_id))}
    assert links == {other: third, head: third}
    assert seen(people["party_member"], other)["status"] == "accepted"


def test_taken_out_a_case_is_where_it_was_with_the_time_left_that_it_had(app: Flask, people: People) -> None:
    with time_machine.travel(at("2026-11-02T09:00"), tick=False) as frozen:
        head, other = (people["resident"].file()["id"] for _ in range(2))
        carry(people, head, "accept")
        carry(people, other, "start")
        before = seen(people["dispatcher"], other)
        merge(people, other, head)
        frozen.move_to(at("2026-11-09T09:00"))
        people.clear()
        assert people["dispatcher"].act(other, "unmerge").json["errors"]["reason"]
        after = people["dispatcher"].act(other, "unmerge", reason="是另一处").json
        # Two workdays were left of handling, Tuesday and Wednesday; now these are the tenth and the eleventh.
        assert datetime.fromisoformat(before["due_at"]) == at("2026-11-04T17:30")
        assert datetime.fromisoformat(after["due_at"]) == at("2026-11-11T17:30")
        assert datetime.fromisoformat(after["case_due_at"]) == at("2026-11-16T17:30")
        assert (after["status"], after["holder"]) == ("handling", VILLAGE)
        assert people["village_officer"].act(other, "hand_in", note="好").status_code == 200
        assert people["dispatcher"].get(f"/cases/{head}/related").json["cases"] == []


def test_a_holder_that_is_no_more_leaves_the_case_to_the_desk(people: People) -> None:
    head, other = (people["resident"].file()["id"] for _ in range(2))
    people["admin"].post("/departments", {"code": "works", "name": "公用办"})
    for case in (head, other):
        carry(people, case, "accept")
    assert people["dispatcher"].act(other, "dispatch", department="works").status_code == 200
    merge(people, other, head)
    etag = people["admin"].get("/departments/works").headers["ETag"]
    assert people["admin"].post("/departments/works/close", {}, If_Match=etag).status_code == 200
    after = people["dispatcher"].act(other, "unmerge", reason="是另一处").json
    assert (after["status"], after["holder"]) == ("accepted", None) and after["due_at"]


@pytest.mark.parametrize(("who", "action", "fields"), [("resident", "withdraw", {})])
def test_a_head_that_is_withdrawn_takes_nobody_with_it(
    app: Flask, people: People, two: tuple[str, str], who: str, action: str, fields: dict[str, str]
) -> None:
    head, other = two
    merge(people, other, head)
    assert people[who].act(head, action, **fields).status_code == 200
    assert follow(app) == 1
    assert seen(people["dispatcher"], other)["status"] == seen(people["party_member"], other)["status"] == "accepted"
    assert people["dispatcher"].act(other, "dispatch", department=VILLAGE).status_code == 200


def test_a_reporter_may_withdraw_what_was_merged(app: Flask, people: People, two: tuple[str, str]) -> None:
    head, other = two
    merge(people, other, head)
    assert people["party_member"].act(other, "withdraw").json["status"] == "withdrawn"
    assert seen(people["dispatcher"], head)["status"] == "handling"
    assert people["village_officer"].act(head, "hand_in", note="好").status_code == 200 and follow(app) == 0


def test_a_head_that_was_closed_and_reopened_between_two_looks_has_closed_what_was_merged(
    app: Flask, people: People, two: tuple[str, str]
) -> None:
    head, other = two
    merge(people, other, head)
    for who, action, fields in (
        ("village_officer", "hand_in", {"note": "好"}),
        ("inspector", "pass_check", {}),
        ("dispatcher", "close", {}),
        ("resident", "reopen", {"reason": "又有了"}),
    ):
        assert people[who].act(head, action, **fields).status_code == 200
    assert follow(app) == 1
    assert seen(people["party_member"], other)["status"] == "closed"
    assert people["party_member"].act(other, "reopen", reason="又有了").json["status"] == "reopened"
    assert people["dispatcher"].get(f"/cases/{other}/related").json["cases"] == []


def test_one_problem_counts_once_until_it_proves_to_be_two(app: Flask, people: People) -> None:
    with time_machine.travel(at("2026-11-02T09:00"), tick=False) as frozen:
        head, other = (people["resident"].file()["id"] for _ in range(2))
        for case in (head, other):
            carry(people, case, "hand_in")
        people["inspector"].act(other, "rework", reason="未清")
        assert figures(app, HANDLED_IN_TIME) == {VILLAGE: (2, 3)} and figures(app, REWORK) == {VILLAGE: (1, 1)}
        frozen.move_to(at("2026-11-20T09:00"))
        people.clear()
        assert figures(app, HANDLED_IN_TIME) == {VILLAGE: (2, 3)}  # one of them is late by now, and still held
        merge(people, other, head)
        assert figures(app, HANDLED_IN_TIME) == {VILLAGE: (1, 1)} and figures(app, REWORK) == {}
        people["inspector"].act(head, "pass_check")
        people["dispatcher"].act(head, "close")
        follow(app)
        assert figures(app, HANDLED_IN_TIME) == {VILLAGE: (1, 1)} and figures(app, REWORK) == {VILLAGE: (0, 1)}
        assert people["resident"].act(other, "reopen", reason="是两处").status_code == 200
        # Its own again, with the step that had been late when it was merged.
        assert figures(app, HANDLED_IN_TIME) == {VILLAGE: (2, 3)} and figures(app, REWORK) == {VILLAGE: (1, 2)}


def test_a_problem_closed_before_was_one_of_its_own(app: Flask, people: People) -> None:
    with time_machine.travel(at("2026-11-02T09:00"), tick=False) as frozen:
        head, other = (people["resident"].file()["id"] for _ in range(2))
        carry(people, other, "close")
        frozen.move_to(at("2026-11-10T09:00"))
        people.clear()
        people["resident"].act(other, "reopen", reason="又堆了")
        carry(people, head, "dispatch")
        merge(people, other, head)
        handle(people, head)
    assert figures(app, HANDLED_IN_TIME) == {VILLAGE: (2, 2)}


def test_the_public_sees_one_problem_once(app: Flask, people: People, two: tuple[str, str]) -> None:
    head, other = two
    merge(people, other, head)
    with time_machine.travel(at("2027-01-15T09:00"), tick=False):
        assert len(people.client.get("/api/v1/public/cases").json["items"]) == 1


MOVES = st.lists(st.tuples(st.sampled_from(("merge", "unmerge")), st.integers(0, 3), st.integers(0, 3)), max_size=14)


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(moves=MOVES)
def test_merging_and_taking_out_in_any_order_leaves_each_case_as_it_was(
    app: Flask, people: People, moves: list[tuple[str, int, int]]
) -> None:
    desk = people["dispatcher"]
    with time_machine.travel(at("2026-11-02T09:00"), tick=False):
        people.clear()
        cases = [str(people["resident"].file()["id"]) for _ in range(4)]
        for case, upto in zip(cases, ("accept", "dispatch", "start", "start"), strict=True):
            carry(people, case, upto)
        desk = people["dispatcher"]
        kept = ("status", "holder", "due_at", "case_due_at")
        before = [[seen(desk, case)[name] for name in kept] for case in cases]
        heads: dict[int, int] = {}
        for action, one, other in moves:
            if action == "merge":
                answer = merge(people, cases[one], cases[other])
                fits = one != other and one not in heads and other not in heads
                assert (answer.status_code == 200) == fits, answer.json
                if fits:
                    heads = {case: other if head == one else head for case, head in heads.items()} | {one: other}
            else:
                answer = desk.act(cases[one], "unmerge", reason="是另一处")
                assert (answer.status_code == 200) == (one in heads), answer.json
                heads.pop(one, None)
            with app.app_context():
                of_these = CaseLink.case_id.in_([uuid.UUID(case) for case in cases])
                links = rows(select(CaseLink.case_id, CaseLink.head_id).where(of_these))
            found = {cases.index(str(link.case_id)): cases.index(str(link.head_id)) for link in links}
            assert found == heads and not set(heads) & set(heads.values())
        for one in list(heads):
            assert desk.act(cases[one], "unmerge", reason="是另一处").status_code == 200
        assert [[seen(desk, case)[name] for name in kept] for case in cases] == before


def test_a_case_far_away_can_be_merged_by_the_town_only(people: People) -> None:
    home, far = people["resident"].file()["id"], people["party_member"].file(location=ELSEWHERE)["id"]
    for case in (home, far):
        carry(people, case, "accept")
    for who in ("grid_worker", "inspector", "village_officer", "resident"):
        assert people[who].act(home, "merge", into=far).json["code"] == "action_not_permitted"
    assert merge(people, far, home).status_code == 200
    assert people["grid_worker"].get(f"/cases/{home}/related").json["cases"] == []  # the far one is not theirs to see


def test_without_naming_a_case_nothing_is_merged(people: People) -> None:
    case = people["resident"].post("/cases", report()).json["id"]
    assert people["dispatcher"].act(case, "merge").json["errors"]["into"]


def test_of_two_mergings_across_one_wins(app: Flask, people: People, two: tuple[str, str]) -> None:
    etags = {case: people["dispatcher"].get(f"/cases/{case}").headers["ETag"] for case in two}
    start, outcomes = threading.Barrier(2), dict[str, int]()

    def race(case: str, into: str) -> None:
        racer = app.test_client()
        start.wait()
        answer = racer.post(
            f"/api/v1/cases/{case}/actions",
            json={"action": "merge", "into": into},
            headers=people["dispatcher"].headers | {"If-Match": etags[case]},
        )
        outcomes[case] = answer.status_code

    threads = [threading.Thread(target=race, args=pair) for pair in (two, two[::-1])]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(outcomes.values()) == [200, 422]
    merged = next(case for case, status in outcomes.items() if status == 200)
    assert [seen(people["dispatcher"], case)["status"] == "merged" for case in two] == [case == merged for case in two]
