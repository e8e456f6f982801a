"""Cases tagged with elements of the governance model: who may, what it filters and counts."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import text

from backend.cases.listing import _shape, _statement
from backend.cases.rules.categories import shipped
from backend.cases.sight import branches
from backend.http import clock
from backend.http.reading import connection
from backend.http.work import unit_of_work
from backend.people.access import Caller, Grant
from backend.territory.governance_model import shipped as shipped_model
from tests.cases.test_protected import clear, protected
from tests.town import ELSEWHERE, TOWN, VILLAGE, People, carry, report


def counts(people: People, who: str, query: str = "") -> dict[str, int]:
    answer = people[who].get(f"/governance-model/cases{query}")
    assert answer.status_code == 200, answer.json
    return {one["element"]: one["cases"] for one in answer.json["items"] if one["cases"]}


def found(people: People, who: str, element: str) -> set[str]:
    return {one["id"] for one in people[who].get(f"/cases?element={element}").json["items"]}


def test_the_model_has_one_two_five_and_eight_elements_that_say_they_are_placeholders(people: People) -> None:
    answer = people.client.get("/api/v1/governance-model")
    assert (answer.json["code"], answer.json["version"]) == ("1258", 0)
    assert [(group["number"], len(group["elements"])) for group in answer.json["groups"]] == [
        (1, 1), (2, 2), (5, 5), (8, 8),
    ]  # fmt: skip
    elements = shipped_model().elements.values()
    assert all(one.placeholder and one.zh and one.en and not one.retired for one in elements)
    suggested = {branch for one in elements for branch in one.branches}
    assert suggested <= {kind.parent for kind in shipped().values()}
    again = people.client.get("/api/v1/governance-model", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_tags_are_set_as_a_whole_and_every_change_stays_in_the_history(people: People) -> None:
    case = people["grid_worker"].file(tags=["8.1", "1.1", "8.1"])["id"]
    carry(people, case, "accept")
    assert [one["element"] for one in people["grid_worker"].get(f"/cases/{case}/tags").json["items"]] == ["1.1", "8.1"]
    assert people["village_officer"].act(case, "tag", tags=["8.3"]).status_code == 200
    assert people["dispatcher"].act(case, "tag", tags=[]).status_code == 200
    assert people["grid_worker"].get(f"/cases/{case}/tags").json["items"] == []
    told = people["grid_worker"].get(f"/cases/{case}/timeline").json["items"]
    assert [one["tags"] for one in told] == [["1.1", "8.1"], None, ["8.3"], []]
    assert [one["actor"]["role"] for one in told[2:]] == ["village_officer", "dispatcher"]


def test_what_is_no_element_is_refused(people: People) -> None:
    case = people["resident"].file()["id"]
    for fields in ({}, {"tags": ["9.9"]}, {"tags": ["8.77"]}, {"tags": "8.1"}, {"tags": None}):
        answer = people["dispatcher"].act(case, "tag", **fields)
        assert answer.status_code == 422 and "tags" in answer.json["errors"], fields


def test_who_may_not_tag_files_without_tags_and_so_does_a_protected_report(people: People) -> None:
    clear(people)
    for who, body in (("resident", report(tags=["8.1"])), ("grid_worker", protected(tags=["8.1"]))):
        refused = people[who].post("/cases", body)
        assert refused.status_code == 422 and "tags" in refused.json["errors"], refused.json
        assert people[who].get("/cases").json["items"] == []
    case = people["resident"].file()["id"]
    assert people["resident"].act(case, "tag", tags=["8.1"]).status_code == 403


def test_a_list_filtered_by_an_element_and_its_count_know_only_what_the_caller_sees(people: People) -> None:
    here, away = people["grid_worker"].file(tags=["8.1"])["id"], people["party_member"].file(location=ELSEWHERE)["id"]
    other = people["resident"].file()["id"]
    for case in (here, away, other):
        carry(people, case, "accept")
    assert people["dispatcher"].act(away, "tag", tags=["8.1", "2.2"]).status_code == 200
    assert people["dispatcher"].act(other, "tag", tags=["2.2"]).status_code == 200
    assert found(people, "dispatcher", "8.1") == {here, away} and found(people, "dispatcher", "2.2") == {away, other}
    assert counts(people, "dispatcher") == {"8.1": 2, "2.2": 2} == counts(people, "committee")
    for who in ("village_officer", "grid_worker"):
        assert found(people, who, "8.1") == {here}, who
        assert counts(people, who) == {"8.1": 1, "2.2": 1}, who
    assert found(people, "resident", "2.2") == {other}
    assert counts(people, "resident") == {"2.2": 1}  # their own
    assert counts(people, "party_member") == {"8.1": 1, "2.2": 1}
    assert counts(people, "handler") == {}
    yesterday = (clock.now() - timedelta(days=1)).isoformat().replace("+", "%2B")
    assert counts(people, "dispatcher", f"?filed_to={yesterday}") == {}
    assert people["dispatcher"].get("/cases?element=9.9").status_code == 422
    assert people["dispatcher"].get("/governance-model/cases?filed_from=2001-01-01T00:00:00Z").status_code == 422
    saved = people["dispatcher"].post("/saved-filters", {"name": "要素", "query": {"element": "8.1"}}).json["id"]
    assert len(people["dispatcher"].get(f"/cases?saved={saved}").json["items"]) == 2


def test_tags_left_on_a_case_that_became_protected_count_nowhere(app: Flask, people: People) -> None:
    case = people["grid_worker"].file(tags=["8.1"])["id"]
    carry(people, case, "accept")
    with app.app_context(), unit_of_work() as session:
        session.execute(text("UPDATE cases SET reporting = 'protected'"))
    assert counts(people, "grid_worker") == counts(people, "dispatcher") == {}


@pytest.mark.sql
def test_the_filter_looks_each_case_up_by_an_index(app: Flask) -> None:
    caller = Caller(uuid.uuid4(), uuid.uuid4(), "", "", (Grant("dispatcher", TOWN), Grant("grid_worker", VILLAGE)))
    asked = _statement(tuple(_shape(way) for way in branches(caller)), frozenset({"element"}), 0, 51)
    with app.app_context():
        held = connection()
        compiled = asked.compile(held.engine)
        known = {"my_tag": str(caller.account_id), "me": str(caller.account_id), "element": "8.1"}
        values = tuple(known.get(name, TOWN) for name in compiled.positiontup or ())
        if held.dialect.name == "sqlite":
            plan = "\n".join(str(row[3]) for row in held.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", values))
        else:
            held.exec_driver_sql("SET enable_seqscan = off")
            plan = "\n".join(str(row[0]) for row in held.exec_driver_sql(f"EXPLAIN {compiled}", values))
            held.exec_driver_sql("RESET enable_seqscan")
    assert "case_tags" in plan and "SCAN case_tags" not in plan and "Seq Scan on case_tags" not in plan, plan
