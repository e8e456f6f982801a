"""Filters that people keep: checked like the list's own query, each for its owner, and gone with them."""

from __future__ import annotations

from typing import Any

import pytest

from backend.cases.work_lists import saved_filters
from tests.town import ELSEWHERE, PASSWORD, People, unknown_id


def save(people: People, role: str, query: dict[str, Any], name: str = "漏水") -> str:
    answer = people[role].post("/saved-filters", {"name": name, "query": query})
    assert answer.status_code == 200, answer.json
    return str(answer.json["id"])


def test_a_saved_filter_is_the_list_with_it(people: People) -> None:
    people["resident"].file(description="井盖漏水")
    people["resident"].file(description="路灯不亮")
    people["party_member"].file(description="水管漏水", location=ELSEWHERE)
    for query, words in (
        ({"text": "漏水"}, ["水管漏水", "井盖漏水"]),
        ({"text": "漏水", "bbox": "112.95,22.87,112.96,22.88", "crs": "wgs84"}, ["水管漏水"]),
        ({"status": "closed"}, []),
        ({"overdue": False, "mine": False}, ["水管漏水", "路灯不亮", "井盖漏水"]),
    ):
        saved = save(people, "dispatcher", query)
        found = people["dispatcher"].get(f"/cases?saved={saved}").json["items"]
        assert [item["description"] for item in found] == words, query
    [kept] = people["dispatcher"].get("/saved-filters").json["items"]
    assert (kept["name"], kept["query"]) == ("漏水", {"overdue": False, "mine": False})


@pytest.mark.parametrize("query", [None, []])
def test_a_query_that_is_none_is_refused_under_its_name(people: People, query: Any) -> None:
    answer = people["dispatcher"].post("/saved-filters", {"name": "漏水", "query": query})
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["query"])


def test_what_is_given_beside_a_saved_filter_wins(people: People) -> None:
    people["resident"].file(description="井盖漏水")
    people["resident"].file(description="路灯不亮")
    saved = save(people, "dispatcher", {"text": "漏水", "status": "reported"})
    found = people["dispatcher"].get(f"/cases?saved={saved}&text=路灯").json["items"]
    assert [item["description"] for item in found] == ["路灯不亮"]


@pytest.mark.parametrize(
    "query",
    [
        {"status": "none"},
        {"bbox": "1,2,3"},
        {"area": "x"},
        {"cursor": "x"},
        {"limit": 5},
        {"saved": unknown_id()},
        {"text": 5},
        {"filed_from": "yesterday"},
        "漏水",
        None,
    ],
)
def test_a_filter_that_the_list_would_not_take_is_not_kept(people: People, query: Any) -> None:
    answer = people["dispatcher"].post("/saved-filters", {"name": "a", "query": query})
    assert (answer.status_code, answer.json["code"]) == (422, "invalid")
    assert people["dispatcher"].get("/saved-filters").json["items"] == []


def test_another_s_filter_is_not_there(people: People) -> None:
    saved, nothing = save(people, "dispatcher", {"text": "漏水"}), unknown_id()
    inspector = people["inspector"]
    assert inspector.get("/saved-filters").json["items"] == []
    for one, other in (
        (inspector.get(f"/cases?saved={saved}"), inspector.get(f"/cases?saved={nothing}")),
        (inspector.delete(f"/saved-filters/{saved}"), inspector.delete(f"/saved-filters/{nothing}")),
    ):
        assert one.status_code == 404 and one.data == other.data
    assert people["dispatcher"].delete(f"/saved-filters/{saved}").status_code == 204
    assert people["dispatcher"].delete(f"/saved-filters/{saved}").status_code == 404


def test_one_filter_too_many_is_refused_and_a_name_can_be_used_anew(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved_filters, "MOST", 2)
    first = save(people, "dispatcher", {"text": "一"}, "一")
    save(people, "dispatcher", {"text": "二"}, "二")
    refused = people["dispatcher"].post("/saved-filters", {"name": "三", "query": {}})
    assert (refused.status_code, refused.json["code"]) == (409, "too_many_filters")
    assert save(people, "dispatcher", {"text": "另一"}, "一") == first


def test_filters_are_in_the_copy_of_one_s_data_and_go_with_the_account(app: Any, people: People) -> None:
    from sqlalchemy import text

    from backend.extensions import db

    save(people, "resident", {"text": "王金丝雀"})
    told = people["resident"].get("/me/data").json
    assert [one["query"] for one in told["saved_filters"]] == [{"text": "王金丝雀"}]
    headers = people["resident"].headers
    assert people.client.delete("/api/v1/me", json={"password": PASSWORD}, headers=headers).status_code == 204
    with app.app_context(), db.engine.connect() as opened:
        assert opened.execute(text("SELECT count(*) FROM saved_filters")).scalar_one() == 0
