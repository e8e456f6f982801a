"""A protected report: sealed, and there for its reporter and the cleared only."""

from __future__ import annotations

import io
from itertools import pairwise
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import inspect, text

from backend.extensions import db
from backend.http.reading import rows
from tests.evidence import photos
from tests.people.test_clearing import account, sign
from tests.town import ELSEWHERE, HOME, VILLAGE, People, clear, report, unknown_id

SAID = "村主任陈某挪用集体资金，账本在祠堂"
ADDRESS = "甲秀巷77号"
FAR_OFF = {1: "N", 2: (22.7171717, 0.0, 0.0), 3: "E", 4: (113.3131313, 0.0, 0.0)}


def protected(**changes: Any) -> dict[str, Any]:
    return report(reporting="protected", description=SAID, address=ADDRESS, **changes)


@pytest.fixture
def case(people: People) -> str:
    """A protected report about the village, filed when a dispatcher was cleared."""
    clear(people)
    answer = people["resident"].post("/cases", protected(), **{"Idempotency-Key": "p-1"})
    assert answer.status_code == 201 and answer.json["description"] == SAID, answer.json
    return str(answer.json["id"])


def test_while_nobody_is_cleared_not_a_word_is_kept(app: Flask, people: People) -> None:
    sign(people, "admin")  # proposed is not cleared
    clear(people, "inspector")  # an inspector reads, but takes nothing up
    answer = people["resident"].post("/cases", protected(), **{"Idempotency-Key": "p-1"})
    assert (answer.status_code, answer.json["code"]) == (422, "no_cleared_dispatcher")
    with app.app_context():
        assert rows(text("SELECT id FROM cases")) == [] and where(SAID[:6], ADDRESS) == set()


def test_the_only_cleared_dispatcher_being_of_that_village_is_nobody_cleared(people: People) -> None:
    clear(people)
    entry = {"account_id": account(people["dispatcher"]), "area_code": VILLAGE, "reason": "兼任村委委员"}
    assert people["admin"].post("/conflicts", entry).status_code == 201
    assert people["resident"].post("/cases", protected()).json["code"] == "no_cleared_dispatcher"
    assert people["resident"].post("/cases", protected(location=ELSEWHERE)).status_code == 201


def test_a_dispatcher_cannot_file_what_only_they_could_read(people: People) -> None:
    clear(people)
    assert people["dispatcher"].post("/cases", protected()).json["code"] == "no_cleared_dispatcher"


@pytest.mark.parametrize("told", [{"caller": {"channel": "hotline"}}, {"location": None, "area_code": VILLAGE}])
def test_the_only_cleared_dispatcher_takes_down_what_a_caller_reports(people: People, told: dict[str, Any]) -> None:
    clear(people)
    made = people["dispatcher"].post("/cases", {k: v for k, v in (protected() | told).items() if v is not None})
    assert made.status_code == 201, made.json
    seen = people["dispatcher"].get(f"/cases/{made.json['id']}").json
    assert (seen["description"], seen["reporter"]["me"]) == (SAID, False)


def test_its_reporter_and_the_cleared_see_all_of_it(people: People, case: str) -> None:
    clear(people, "inspector")
    for role in ("resident", "dispatcher", "inspector"):
        seen = people[role].get(f"/cases/{case}?crs=gcj02").json
        assert (seen["description"], seen["address"]) == (SAID, ADDRESS), role
        assert (seen["location"]["lon"], seen["location"]["lat"]) == (HOME["lon"], HOME["lat"])
        assert seen["area_code"].startswith(VILLAGE) and seen["reporter"]["me"] is (role == "resident")
        assert [item["id"] for item in people[role].get("/cases").json["items"]] == [case]
        assert people[role].get(f"/cases/{case}/timeline").status_code == 200


def test_to_all_others_it_is_not_there(people: People, case: str) -> None:
    nothing = unknown_id()
    for role in ("party_member", "grid_worker", "village_officer", "handler", "inspector", "committee", "admin"):
        for path in ("", "/timeline", "/identity"):
            there, not_there = (people[role].get(f"/cases/{which}{path}") for which in (case, nothing))
            assert (there.status_code, there.data) == (404, not_there.data), (role, path)
        answers = [
            people[role].post(f"/cases/{which}/actions", {"action": "accept"}, If_Match='"1"')
            for which in (case, nothing)
        ]
        assert answers[0].data == answers[1].data
        assert people[role].get("/cases").json.get("items", []) == [], role
    assert people.client.get("/api/v1/public/cases").json["items"] == []


def test_when_the_clearing_ends_it_is_gone_for_the_dispatcher_at_the_next_request(people: People) -> None:
    clearing = clear(people)
    case = people["resident"].post("/cases", protected()).json["id"]
    assert people["dispatcher"].get(f"/cases/{case}").status_code == 200
    assert people["committee"].post(f"/clearings/{clearing}/revoke", {"reason": "岗位调整"}).status_code == 200
    assert people["dispatcher"].get(f"/cases/{case}").status_code == 404
    assert people["dispatcher"].get("/cases").json["items"] == []
    assert people["resident"].get(f"/cases/{case}").json["description"] == SAID


def test_no_search_finds_it_not_even_for_the_cleared(people: People, case: str) -> None:
    for role in ("resident", "dispatcher"):
        for query in ("text=账本", "text=资", "bbox=112.9,22.8,113.1,22.95"):
            assert people[role].get(f"/cases?{query}").json["items"] == [], (role, query)


def test_nothing_of_it_stands_in_the_database_unsealed(app: Flask, people: People, case: str) -> None:
    with app.app_context():
        assert where(SAID[:6], ADDRESS, "账本") == set()
        kept = rows(text("SELECT * FROM cases"))[0]
        assert (kept.description, kept.lon, kept.coarse_lon, kept.cell, kept.area_code) == (
            "",
            None,
            None,
            None,
            VILLAGE,
        )


def test_photos_go_with_it_sealed(app: Flask, people: People) -> None:
    clear(people)
    form = {"file": (io.BytesIO(photos.telling_jpeg(gps=FAR_OFF)), "IMG 陈某.jpg")}
    headers = people["resident"].headers
    photo = people.client.post("/api/v1/evidence", data=form, headers=headers).json["id"]
    case = people["resident"].post("/cases", protected(evidence=[photo])).json["id"]
    for role in ("resident", "dispatcher"):
        assert people[role].get(f"/cases/{case}").json["evidence"] == [photo]
        assert people[role].get(f"/evidence/{photo}").status_code == 200
        listed = people[role].get(f"/cases/{case}/evidence").json["items"]
        assert [(one["id"], one["same_as"]) for one in listed] == [(photo, None)]
    for role in ("party_member", "grid_worker", "village_officer", "handler", "inspector", "committee"):
        for path in (f"/evidence/{photo}", f"/evidence/{photo}/thumbnail"):
            there, not_there = (people[role].get(one) for one in (path, path.replace(photo, unknown_id())))
            assert (there.status_code, there.data) == (404, not_there.data), (role, path)
    with app.app_context():
        assert rows(text("SELECT evidence_id FROM evidence_prints")) == []
        assert where("113.31313", "22.71717", "ACME", "secret-42") == set()
    for path in app.config["TOWN_CONFIG"].INSTANCE.rglob("*"):
        if path.is_file() and "evidence" in path.parts:
            content = path.read_bytes()
            assert not [word for word in (*photos.SECRETS, b"\xff\xd8\xff", b"JFIF") if word in content], path


def test_its_reporter_can_withdraw_it_with_a_word_that_stands_sealed(app: Flask, people: People, case: str) -> None:
    assert people["resident"].act(case, "withdraw", reason=SAID).status_code == 200
    assert people["dispatcher"].get(f"/cases/{case}").json["status"] == "withdrawn"
    told = people["dispatcher"].get(f"/cases/{case}/timeline").json["items"]
    assert [event["note"] for event in told] == [None, SAID]
    with app.app_context():
        assert where(SAID[:6]) == set()


def test_a_village_officer_does_not_file_protected(people: People) -> None:
    clear(people)
    assert people["village_officer"].post("/cases", protected()).json["code"] == "no_cleared_dispatcher"
    assert people["grid_worker"].post("/cases", protected(location=ELSEWHERE)).status_code == 201


def where(*words: str) -> set[str]:
    """The tables that hold one of these words, as text, bytes or tokens."""
    tokens = [f"{ord(one):x}x{ord(two):x}" for word in words for one, two in pairwise(word)]
    found = set()
    for table in inspect(db.engine).get_table_names():
        if table.startswith("case_tokens"):
            continue  # SQLite's index of words; case_texts tells whether there is something to index
        for kept in rows(text(f'SELECT * FROM "{table}"')):
            values = [
                bytes(v).decode("utf-8", "replace") if isinstance(v, bytes | memoryview) else str(v) for v in kept
            ]
            if any(word in " ".join(values) for word in (*words, *tokens)):
                found.add(table)
    return found


def test_the_words_looked_for_would_be_found(app: Flask, people: People) -> None:
    assert people["resident"].post("/cases", report(description=SAID, address=ADDRESS)).status_code == 201
    with app.app_context():
        assert {"cases", "case_texts"} <= where(SAID[:6], ADDRESS, "账本")
