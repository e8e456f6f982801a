"""Who reported a case is read by nobody alone: a reason, a second person, one hour, and the reporter hears of it."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, text
from werkzeug.test import TestResponse

from backend.cases.reporter.identity_reads import tell_of_reads
from backend.config import TOWN_ZONE
from backend.http import clock
from backend.http.reading import rows
from backend.outbox.tables import OutboxMessage
from backend.people.accounts import NewAccount, create_account
from backend.people.passwords import hash_password
from tests.town import PASSWORD, TOWN, VILLAGE, People, Person, report, unknown_id

REASON = "需当面核实现场情况"


@pytest.fixture
def second(app: Flask, people: People) -> Person:
    """Another dispatcher of the town."""
    from backend.http.work import unit_of_work

    with app.app_context(), unit_of_work() as session:
        person = NewAccount("+8613911111111", "第二位调度员", "dispatcher", TOWN)
        create_account(session, person, hash_password(PASSWORD), datetime(2026, 1, 1, tzinfo=TOWN_ZONE))
    return Person(people.client, "13911111111")


def ask(person: Person, case: str, reason: str = REASON) -> TestResponse:
    return person.post(f"/cases/{case}/identity-requests", {"reason": reason})


def granted(people: People, second: Person, case: str) -> str:
    request = str(ask(people["dispatcher"], case).json["id"])
    assert second.post(f"/identity-requests/{request}/approve", {}).status_code == 200
    return request


def test_an_identity_is_read_with_a_reason_and_a_second_person(people: People, second: Person) -> None:
    case = people["resident"].file()["id"]
    dispatcher = people["dispatcher"]
    assert dispatcher.get(f"/cases/{case}/identity").json["code"] == "identity_not_open"
    asked = ask(dispatcher, case)
    assert asked.status_code == 201
    assert dispatcher.get(f"/cases/{case}/identity").status_code == 403
    path = f"/identity-requests/{asked.json['id']}/approve"
    assert dispatcher.post(path, {}).json["code"] == "second_person_needed"
    assert [one["id"] for one in second.get(f"/cases/{case}/identity-requests").json["items"]] == [asked.json["id"]]
    assert second.post(path, {}).status_code == 200
    assert second.post(path, {}).json["code"] == "not_waiting"
    seen = dispatcher.get(f"/cases/{case}/identity").json
    assert seen["phone"] == "+8613800000001" and seen["name"] and seen["known_as"] == "named"
    assert second.get(f"/cases/{case}/identity").status_code == 403  # who allowed it has not asked


def waiting(person: Person) -> list[tuple[str, str]]:
    return [(one["id"], one["case_id"]) for one in person.get("/identity-requests/waiting").json["items"]]


def test_the_second_person_finds_what_waits_for_them(people: People, second: Person) -> None:
    case = people["resident"].file()["id"]
    with time_machine.travel(datetime.now(TOWN_ZONE), tick=False) as travel:
        request = str(ask(people["dispatcher"], case).json["id"])
        assert waiting(second) == [(request, case)]
        assert waiting(people["dispatcher"]) == waiting(people["resident"]) == []
        account = second.get("/me").json["id"]
        entry = {"account_id": account, "area_code": VILLAGE, "reason": "亲属"}
        listed = people["admin"].post("/conflicts", entry).json["id"]
        assert waiting(second) == [], "for who yields there the case is not there"
        assert people["admin"].post(f"/conflicts/{listed}/end", {}).status_code == 204
        assert second.post(f"/identity-requests/{request}/approve", {}).status_code == 200
        assert waiting(second) == []
        ask(people["dispatcher"], case)
        travel.shift(timedelta(days=1, seconds=1))
        assert waiting(Person(people.client, "13911111111")) == [], "too old to be allowed"


def test_after_an_hour_it_is_closed_again(people: People, second: Person) -> None:
    case = people["resident"].file()["id"]
    with time_machine.travel(datetime.now(TOWN_ZONE), tick=False) as travel:
        granted(people, second, case)
        travel.shift(timedelta(minutes=29))
        assert people["dispatcher"].get(f"/cases/{case}/identity").status_code == 200
        travel.shift(timedelta(minutes=32))
        people.clear()
        assert people["dispatcher"].get(f"/cases/{case}/identity").json["code"] == "identity_not_open"


def test_a_request_a_day_old_is_not_allowed_any_more(people: People, second: Person) -> None:
    case = people["resident"].file()["id"]
    request = ask(people["dispatcher"], case).json["id"]
    with time_machine.travel(datetime.now(TOWN_ZONE) + timedelta(hours=25)):
        again = Person(people.client, "13911111111")
        assert again.post(f"/identity-requests/{request}/approve", {}).json["code"] == "not_waiting"


def test_the_reporter_reads_who_looked_and_why_each_time(people: People, second: Person) -> None:
    case = people["resident"].file()["id"]
    granted(people, second, case)
    for _ in range(2):
        assert people["dispatcher"].get(f"/cases/{case}/identity").status_code == 200
    looks = people["resident"].get("/me/accesses").json["items"]
    assert [(one["action"], one["reason"]) for one in looks] == [("read_identity", REASON)] * 2
    assert {one["by"] for one in looks} == {people["dispatcher"].get("/me").json["name"]}
    for role in ("dispatcher", "party_member", "auditor"):
        assert people[role].get("/me/accesses").json["items"] == []


def test_no_entry_of_a_read_tells_whose_identity_it_was(app: Flask, people: People, second: Person) -> None:
    case = people["resident"].file()["id"]
    granted(people, second, case)
    people["dispatcher"].get(f"/cases/{case}/identity")
    whose = people["resident"].get("/me").json["id"]
    with app.app_context():
        entries = rows(text("SELECT subject_id, payload FROM ledger_entries WHERE action = 'read_identity'"))
        assert len(entries) == 1 and whose.encode() not in bytes(entries[0].payload)
        assert uuid.UUID(str(entries[0].subject_id)) != uuid.UUID(whose)


def test_a_reporter_reads_their_own_identity_without_asking_and_nobody_else_s(people: People) -> None:
    case = people["resident"].file()["id"]
    assert people["resident"].get(f"/cases/{case}/identity").json["phone"] == "+8613800000001"
    assert people["resident"].get("/me/accesses").json["items"] == []
    for role in ("party_member", "village_officer", "inspector", "committee", "admin", "auditor"):
        refused = people[role].get(f"/cases/{case}/identity")
        assert (refused.status_code, refused.data) == (404, people[role].get(f"/cases/{unknown_id()}/identity").data)


def test_who_reported_anonymously_is_never_told(people: People) -> None:
    case = people["resident"].post("/cases", report(reporting="anonymous")).json["id"]
    assert ask(people["dispatcher"], case).json["code"] == "no_identity"
    assert people["dispatcher"].get(f"/cases/{case}/identity").status_code == 403


def test_on_the_conflict_list_nobody_asks_or_allows(people: People, second: Person) -> None:
    case = people["resident"].file()["id"]
    request = ask(people["dispatcher"], case).json["id"]
    entry = {"account_id": second.get("/me").json["id"], "area_code": VILLAGE, "reason": "亲属"}
    assert people["admin"].post("/conflicts", entry).status_code == 201
    refused = second.post(f"/identity-requests/{request}/approve", {})
    assert (refused.status_code, refused.data) == (
        404,
        second.post(f"/identity-requests/{unknown_id()}/approve", {}).data,
    )
    assert ask(second, case).status_code == 404


def test_the_reporter_is_told_when_the_hour_is_over_once(app: Flask, people: People, second: Person) -> None:
    case = people["resident"].file()["id"]
    granted(people, second, case)
    people["dispatcher"].get(f"/cases/{case}/identity")
    assert told(app, timedelta(minutes=59)) == 0
    assert told(app, timedelta(minutes=61)) == 1
    assert told(app, timedelta(minutes=62)) == 1
    people["dispatcher"].file(location=None, area_code=VILLAGE, address="幸福路")  # nobody is told of that


def test_nobody_is_told_of_what_was_not_read_or_what_the_auditor_held(
    app: Flask, people: People, second: Person
) -> None:
    unread, held = people["resident"].file()["id"], people["resident"].file()["id"]
    granted(people, second, unread)
    request = granted(people, second, held)
    people["dispatcher"].get(f"/cases/{held}/identity")
    shown = people["auditor"].get("/identity-requests").json["items"]
    assert len(shown) == 2 and held not in str(shown)
    answer = people["auditor"].post(f"/identity-requests/{request}/hold", {"reason": "核查期间暂缓告知"})
    assert answer.status_code == 200 and answer.json["held_at"]
    assert people["dispatcher"].post(f"/identity-requests/{request}/hold", {"reason": REASON}).status_code == 404
    assert told(app, timedelta(minutes=61)) == 0


def told(app: Flask, later: timedelta) -> int:
    """How many messages of a change there are after the job has run."""
    with app.app_context():
        tell_of_reads(clock.now() + later)
        return len(rows(select(OutboxMessage.id).where(OutboxMessage.template == "case_update")))
