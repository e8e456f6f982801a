"""A rating belongs to a closing, once; what is not solved goes on at once, what is rated low is looked into."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from backend.cases.closing import close_checked
from backend.cases.reporter.rating import REASONS
from backend.config import TOWN_ZONE
from backend.http import clock
from backend.http.reading import rows
from tests.people.test_clearing import account
from tests.town import VILLAGE, People, carry

AGAIN = (
    ("dispatcher", "dispatch", {"department": VILLAGE}),
    ("village_officer", "start", {}),
    ("village_officer", "hand_in", {"note": "再次清运"}),
    ("inspector", "pass_check", {}),
    ("dispatcher", "close", {}),
)


def closed(people: People) -> str:
    case = str(people["resident"].file()["id"])
    carry(people, case, "close")
    return case


def close_again(people: People, case: str) -> None:
    for person, action, fields in AGAIN:
        assert people[person].act(case, action, **fields).status_code == 200, action


def events(people: People, case: str, action: str) -> list[Any]:
    items = people["resident"].get(f"/cases/{case}/timeline").json["items"]
    return [event for event in items if event["action"] == action]


def counts(people: People) -> dict[str, int]:
    desk = people["dispatcher"]
    return {
        status: len(desk.get(f"/cases?status={status}").json["items"])
        for status in ("closed", "reopened", "dispatched")
    }


def set_to(people: People, **values: str) -> None:
    for name, value in values.items():
        etag = people["admin"].get(f"/settings/{name}").headers["ETag"]
        assert (
            people["admin"]
            .client.patch(
                f"/api/v1/settings/{name}", json={"value": value}, headers=people["admin"].headers | {"If-Match": etag}
            )
            .status_code
            == 200
        )


def test_what_is_rated_not_solved_is_open_again_everywhere_by_one_entry_of_its_reporter(
    app: Flask, client: FlaskClient
) -> None:
    closing, rating = (datetime(2026, 3, day, hour, tzinfo=TOWN_ZONE) for day, hour in ((9, 10), (10, 9)))
    with time_machine.travel(closing, tick=False):
        people = People(client)
        case = closed(people)
        before = counts(people)
    with time_machine.travel(rating, tick=False):
        people = People(client)
        answer = people["resident"].act(case, "rate", score=1, solved=False, reasons=["not_done"], note="未解决")
        assert (answer.status_code, answer.json["status"], answer.json["rating"]) == (200, "reopened", 1)
        assert answer.json["due_at"] and answer.json["case_due_at"] and answer.json["closed_at"] is None
        for who in ("resident", "dispatcher", "inspector", "grid_worker"):
            assert people[who].get(f"/cases/{case}").json["status"] == "reopened"
            assert [one["status"] for one in people[who].get("/cases").json["items"]] == ["reopened"]
        after = counts(people)
        (rated,), closings = events(people, case, "rate"), events(people, case, "close")
    assert (rated["from_status"], rated["to_status"]) == ("closed", "reopened")
    assert rated["occurred_at"] == "2026-03-10T09:00:00+08:00" and rated["actor"]["role"] == "reporter"
    assert (rated["score"], rated["solved"], rated["reasons"]) == (1, False, ["not_done"])
    assert (rated["closing"], rated["goes_to"]) == ("2026-03-09T10:00:00+08:00", "reopen")
    assert [one["occurred_at"] for one in closings] == ["2026-03-09T10:00:00+08:00"]
    assert {name: after[name] - before[name] for name in after} == {"closed": -1, "reopened": 1, "dispatched": 0}
    with app.app_context():
        assert len(rows(text("SELECT 1 FROM cases"))) == 1


def test_each_closing_has_its_own_rating_and_the_newest_one_counts(app: Flask, people: People) -> None:
    case = closed(people)
    first = people["resident"].get(f"/cases/{case}").headers["ETag"]
    assert people["resident"].act(case, "rate", score=2, solved=True).json["status"] == "closed"
    again = {"action": "rate", "score": 5}
    assert people["resident"].post(f"/cases/{case}/actions", again, If_Match=first).status_code == 412
    assert people["resident"].act(case, "rate", score=5).status_code == 409
    reopened = people["resident"].act(case, "reopen", reason="又堆了").json
    assert (reopened["status"], reopened["rating"]) == ("reopened", 2), "it counts until the next closing"
    assert people["resident"].act(case, "rate", score=5).status_code == 409
    close_again(people, case)
    assert people["resident"].get(f"/cases/{case}").json["rating"] is None, "no rating is no rating"
    assert "rate" in people["resident"].get(f"/cases/{case}").json["allowed_actions"]
    assert people["resident"].post(f"/cases/{case}/actions", again, If_Match=first).status_code == 412
    assert people["resident"].act(case, "rate", score=5).json["rating"] == 5
    rated = events(people, case, "rate")
    assert [one["score"] for one in rated] == [2, 5]
    closings = [one["occurred_at"] for one in events(people, case, "close")]
    assert [datetime.fromisoformat(one["closing"]) for one in rated] == [datetime.fromisoformat(at) for at in closings]
    with app.app_context():
        assert [one.rating for one in rows(text("SELECT rating FROM cases WHERE rating IS NOT NULL"))] == [5]


@pytest.mark.parametrize(
    ("settings", "score", "solved", "status", "goes"),
    [
        ({}, 2, True, "closed", "inspector"),
        ({}, 2, None, "closed", "inspector"),
        ({}, 3, None, "closed", None),
        ({}, 5, False, "reopened", "reopen"),
        ({"low_rating": "3"}, 3, None, "closed", "inspector"),
        ({"low_rating": "0"}, 1, None, "closed", None),
        ({"low_rating_goes": "reopen"}, 2, None, "reopened", "reopen"),
        ({"low_rating_goes": "reopen"}, 3, None, "closed", None),
    ],
)
def test_where_a_rating_leads(
    app: Flask,
    people: People,
    settings: dict[str, str],
    score: int,
    solved: bool | None,
    status: str,
    goes: str | None,
) -> None:
    set_to(people, **settings)
    case = closed(people)
    said = {} if solved is None else {"solved": solved}
    assert people["resident"].act(case, "rate", score=score, **said).json["status"] == status
    (rated,) = events(people, case, "rate")
    assert (rated["goes_to"], rated["to_status"], rated["solved"]) == (goes, status, solved)
    with app.app_context():
        told = rows(text("SELECT address FROM outbox_messages WHERE template = 'case_low_rated'"))
    assert [one.address for one in told] == ([f"account:{account(people['inspector'])}"] if goes == "inspector" else [])


def test_the_inspectors_find_what_was_rated_low_newest_first_but_not_where_they_yield(people: People) -> None:
    cases = [closed(people) for _ in range(3)]
    for case, score in zip(cases, (2, 5, 1), strict=True):
        assert people["resident"].act(case, "rate", score=score).status_code == 200
    for who in ("inspector", "dispatcher"):
        items = people[who].get("/low-ratings").json["items"]
        assert [(one["case_id"], one["score"], one["status"]) for one in items] == [
            (cases[2], 1, "closed"),
            (cases[0], 2, "closed"),
        ]
    first = people["inspector"].get("/low-ratings?limit=1").json
    rest = people["inspector"].get(f"/low-ratings?limit=1&cursor={first['next_cursor']}").json
    assert [one["case_id"] for one in (*first["items"], *rest["items"])] == [cases[2], cases[0]]
    assert rest["next_cursor"] is None
    entry = {"account_id": account(people["inspector"]), "area_code": VILLAGE, "reason": "亲属"}
    assert people["admin"].post("/conflicts", entry).status_code == 201
    assert people["inspector"].get("/low-ratings").json["items"] == []
    assert len(people["dispatcher"].get("/low-ratings").json["items"]) == 2


def test_settings_that_mean_nothing_are_refused(people: People) -> None:
    for name, value in (("low_rating", "5"), ("low_rating", "-1"), ("low_rating_goes", "nowhere")):
        etag = people["admin"].get(f"/settings/{name}").headers["ETag"]
        answer = people["admin"].client.patch(
            f"/api/v1/settings/{name}", json={"value": value}, headers=people["admin"].headers | {"If-Match": etag}
        )
        assert (answer.status_code, answer.json["code"]) == (422, "invalid"), name


@pytest.mark.parametrize(
    "fields",
    [{"score": 6}, {"score": 0}, {"score": 3, "reasons": ["x"]}, {"score": 3, "solved": "no"}, {"solved": True}],
)
def test_a_rating_that_means_nothing_is_refused_and_changes_nothing(people: People, fields: dict[str, Any]) -> None:
    case = closed(people)
    answer = people["resident"].act(case, "rate", **fields)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid")
    assert people["resident"].get(f"/cases/{case}").json["rating"] is None


def test_the_reasons_are_listed_in_both_languages(client: FlaskClient) -> None:
    listed = client.get("/api/v1/workflow").json["rating_reasons"]
    assert [one["code"] for one in listed] == list(REASONS) and all(one["name"] and one["name_en"] for one in listed)


def test_a_declined_report_is_neither_called_solved_nor_rated(app: Flask, people: People) -> None:
    case = people["resident"].file()["id"]
    declined = people["dispatcher"].act(case, "decline", reason="不属本镇，请向邻镇反映")
    seen = people["resident"].get(f"/cases/{case}")
    for words in (declined.data.decode(), seen.data.decode()):
        assert "解决" not in words and "resolved" not in words
    assert seen.json["status_name"] == "不予受理" and "rate" not in seen.json["allowed_actions"]
    with app.app_context():
        bodies = [one.body for one in rows(text("SELECT body FROM outbox_messages"))]
    assert bodies and not any("解决" in body or "resolved" in body for body in bodies)
    assert people["dispatcher"].get("/cases?status=closed").json["items"] == []


def test_a_case_that_closes_by_itself_again_has_no_rating_either(people: People) -> None:
    case = closed(people)
    assert people["resident"].act(case, "rate", score=1, solved=False).json["rating"] == 1
    for person, action, fields in AGAIN[:-1]:
        assert people[person].act(case, action, **fields).status_code == 200, action
    with time_machine.travel(datetime.now(TOWN_ZONE) + timedelta(days=30)), people.client.application.app_context():
        assert close_checked(clock.now()) == 1
    seen = people["resident"].get(f"/cases/{case}").json
    assert (seen["status"], seen["rating"]) == ("closed", None)
