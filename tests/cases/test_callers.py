"""The desk writes down what callers and walk-ins report: with their consent, and a receipt to ask after it."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from backend.cases.reporter.reporters import identity_of, who_reported
from backend.http.reading import rows
from backend.outbox.reaching import Number
from tests.cases.by_receipt import PHONE, Holder, another_dispatcher
from tests.cases.test_protected import clear
from tests.town import ELSEWHERE, TOWN, VILLAGE, People, report, unknown_id

CALLER = {"channel": "hotline", "name": "岑大文", "phone": PHONE, "consent": True}


def test_a_caller_gets_a_receipt_and_hears_of_the_case(app: Flask, client: FlaskClient, people: People) -> None:
    made = people["dispatcher"].post("/cases", report(caller=CALLER))
    assert made.status_code == 201, made.json
    case, holder = made.json["id"], Holder(client, made.json["receipt"])
    assert made.json["reporter"]["me"] is False and holder.get().json["reporter"]["me"] is True
    with app.app_context():
        kept = identity_of(uuid.UUID(case))
        assert kept is not None and (kept.name, kept.phone, kept.consent) == (
            "岑大文",
            f"+86{PHONE}",
            "asked at the desk",
        )
        assert list(who_reported([uuid.UUID(case)]).values()) == [Number(f"+86{PHONE}")]
    assert people["dispatcher"].act(case, "accept").status_code == 200
    with app.app_context():
        told = [
            one.template
            for one in rows(text(f"SELECT template FROM outbox_messages WHERE address = 'reporter:{case}'"))
        ]
    assert told == ["case_update"]
    assert holder.act("withdraw", reason="已自行解决").json["status"] == "withdrawn"
    first = people["dispatcher"].get(f"/cases/{case}/timeline").json["items"][0]
    assert (first["channel"], first["actor"]) == ("hotline", {"role": "dispatcher", "me": False})
    assert people["dispatcher"].get("/cases?mine=true").json["items"] == []


def test_who_leaves_no_name_gets_a_receipt_and_nothing_is_kept_of_them(
    app: Flask, client: FlaskClient, people: People
) -> None:
    body = report(location=None, area_code=VILLAGE, address="祠堂旁")
    for made in (
        people["dispatcher"].post("/cases", body | extra).json for extra in ({}, {"caller": {"channel": "walk_in"}})
    ):
        assert Holder(client, made["receipt"]).get().json["id"] == made["id"]
        with app.app_context():
            kept = identity_of(uuid.UUID(made["id"]))
            assert kept is not None and (kept.name, kept.phone, kept.known_as) == (None, None, "anonymous")
            assert who_reported([uuid.UUID(made["id"])]) == {}


@pytest.mark.parametrize("without", [{"consent": False}, {"consent": None}])
def test_without_consent_no_name_and_no_phone_is_kept(people: People, without: dict[str, Any]) -> None:
    told = {name: value for name, value in (CALLER | without).items() if value is not None}
    answer = people["dispatcher"].post("/cases", report(caller=told))
    assert (answer.status_code, answer.json["code"]) == (422, "invalid")
    assert "consent" in answer.json["errors"]["caller"]
    assert people["dispatcher"].get("/cases").json["items"] == []


@pytest.mark.parametrize("role", ["resident", "party_member", "village_officer", "inspector"])
def test_only_the_desk_and_grid_workers_write_down_what_others_report(people: People, role: str) -> None:
    answer = people[role].post("/cases", report(caller=CALLER))
    assert (answer.status_code, answer.json["code"]) == (403, "not_for_others")


def test_what_a_grid_worker_writes_down_in_their_grid_is_theirs_and_whoever_told_them_has_a_receipt(
    app: Flask, client: FlaskClient, people: People
) -> None:
    worker, told = people["grid_worker"], CALLER | {"channel": "visit"}
    assert worker.post("/cases", report(caller=told | {"consent": False})).status_code == 422
    me = worker.get("/me").json["id"]
    etag = people["admin"].get(f"/accounts/{me}").headers["ETag"]
    role = {"role": "resident", "area_code": TOWN}
    assert people["admin"].post(f"/accounts/{me}/roles", role, If_Match=etag).status_code == 201
    assert worker.post("/cases", report(location=ELSEWHERE)).status_code == 201, "as a resident, anywhere in the town"
    assert worker.post("/cases", report(caller=told, location=ELSEWHERE)).json["code"] == "outside_your_area"
    made = worker.post("/cases", report(caller=told, description="岑大文说垃圾没人清"))
    assert made.status_code == 201, made.json
    case, holder = uuid.UUID(made.json["id"]), Holder(client, made.json["receipt"])
    assert made.json["reporter"]["me"] is True and holder.get().json["id"] == str(case)
    with app.app_context():
        kept = identity_of(case)
        assert kept is not None and (kept.name, kept.phone, kept.consent) == (
            "岑大文",
            f"+86{PHONE}",
            "asked in the grid",
        )
        assert who_reported([case]) == {case: uuid.UUID(me)}
    assert people["dispatcher"].act(str(case), "accept").status_code == 200
    seen = people["village_officer"].get(f"/cases/{case}/timeline").json["items"][0]
    assert seen["actor"] == {"role": "reporter", "me": False} and seen["channel"] is None, (
        "nobody reads who wrote it down"
    )
    assert "岑大文" not in people["village_officer"].get(f"/cases/{case}").data.decode()


def test_what_a_caller_says_of_themselves_is_read_by_nobody_who_is_masked(people: People) -> None:
    body = report(caller=CALLER, description="岑大文家门口，请回电13912345678")
    case = people["dispatcher"].post("/cases", body).json["id"]
    assert people["dispatcher"].act(case, "accept").status_code == 200
    for who in ("village_officer", "inspector", "committee"):
        words = people[who].get(f"/cases/{case}").data.decode()
        assert "岑大文" not in words and PHONE not in words


def test_an_account_of_the_caller_s_number_does_not_get_the_report(people: People) -> None:
    from tests.town import phone

    made = people["dispatcher"].post("/cases", report(caller=CALLER | {"phone": phone("resident")})).json
    assert people["resident"].get("/cases?mine=true").json["items"] == []
    assert people["resident"].get(f"/cases/{made['id']}").status_code == 404


def test_a_resend_of_the_desk_s_filing_gives_the_same_receipt(people: People) -> None:
    first, again = (people["dispatcher"].post("/cases", report(caller=CALLER), Idempotency_Key="k-9") for _ in range(2))
    assert first.status_code == 201 and first.data == again.data


def test_what_a_caller_reports_under_protection_is_seen_by_the_cleared_and_the_receipt_only(
    client: FlaskClient, people: People
) -> None:
    clear(people)
    desk, said = another_dispatcher(client), "村主任陈某挪用集体资金，账本在祠堂"
    made = desk.post("/cases", report(reporting="protected", description=said, caller=CALLER))
    assert made.status_code == 201 and made.json["description"] == said, made.json
    case, holder = made.json["id"], Holder(client, made.json["receipt"])
    assert holder.get().json["description"] == people["dispatcher"].get(f"/cases/{case}").json["description"] == said
    for who in (desk, *(people[role] for role in ("resident", "village_officer", "inspector", "admin"))):
        for path in ("", "/timeline"):
            hidden, nothing = (who.get(f"/cases/{which}{path}") for which in (case, unknown_id()))
            assert (hidden.status_code, hidden.data) == (nothing.status_code, nothing.data) == (404, nothing.data)
    assert holder.act("withdraw").json["status"] == "withdrawn"
