"""The auditor reads who did what to which thing, and whether anybody changed it; never what was said."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from backend.config import TOWN_ZONE
from backend.http import clock
from backend.ledger.anchoring import anchor
from backend.ledger.chain import seal
from backend.ledger.checking import check_ledger
from backend.ledger.tables import LedgerEntry
from backend.scheduler import JOBS, last_due
from tests.ledger.writing import change
from tests.test_doctor import told
from tests.town import TOWN, VILLAGE, People, unknown_id

SECRET = "祠堂修缮款去向不明"


def listed(people: People, path: str) -> list[dict[str, Any]]:
    """All that a path lists, over all its pages."""
    found, at = list[dict[str, Any]](), path
    while at:
        answer = people["auditor"].get(at)
        assert answer.status_code == 200, answer.json
        found += answer.json["items"]
        cursor = answer.json["next_cursor"]
        at = f"{path}{'&' if '?' in path else '?'}cursor={cursor}" if cursor else ""
    return found


def test_the_auditor_reads_who_did_what_and_not_what_was_said(app: Flask, people: People) -> None:
    case = people["resident"].file(description=SECRET)["id"]
    people["dispatcher"].act(case, "accept", note=f"{SECRET}，请速办")
    with app.app_context():
        seal()
    steps = listed(people, f"/audit-trail?thing={case}&limit=1")
    assert [(one["action"], one["kind"], one["thing"], one["version"]) for one in steps] == [
        ("accept", "case", case, 2),
        ("report", "case", case, 1),
    ]
    desk = people["dispatcher"].get("/me").json
    assert (steps[0]["by"], steps[0]["name"]) == (desk["id"], desk["name"])
    resident = people["resident"].get("/me").json
    whole = json.dumps(listed(people, "/audit-trail?limit=100"), ensure_ascii=False)
    assert case in whole
    assert not any(word in whole for word in (SECRET, resident["id"], resident["name"], resident["phone"]))


def test_pages_tell_no_place_in_the_ledger_and_take_none_that_was_made_up(app: Flask, people: People) -> None:
    for _ in range(2):
        people["resident"].file()
    with app.app_context():
        seal()
    first = people["auditor"].get("/audit-trail?limit=1").json
    assert len(first["items"]) == 1 and first["next_cursor"]
    made_up = people["auditor"].get("/audit-trail?cursor=WyIwMTkzMDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDEiXQ")
    assert (made_up.status_code, made_up.json["code"]) == (422, "bad_cursor")


def test_the_auditor_reads_what_others_did_to_an_account(app: Flask, people: People) -> None:
    people["resident"].post("/me/consent", {"version": people["resident"].get("/consent").json["version"]})
    account = people["resident"].get("/me").json["id"]
    etag = people["admin"].get(f"/accounts/{account}").headers["ETag"]
    role = {"role": "inspector", "area_code": TOWN}
    assert people["admin"].post(f"/accounts/{account}/roles", role, If_Match=etag).status_code == 201
    with app.app_context():
        seal()
    admin = people["admin"].get("/me").json["id"]
    assert [(one["action"], one["by"]) for one in listed(people, f"/accounts/{account}/trail")] == [
        ("give_role", admin),
        ("create_account", None),
    ]
    assert people["auditor"].get(f"/accounts/{unknown_id()}/trail").status_code == 404


def test_who_yields_in_a_village_reads_no_trail(people: People) -> None:
    auditor = people["auditor"].get("/me").json["id"]
    entry = {"account_id": auditor, "area_code": VILLAGE, "reason": "亲属"}
    assert people["auditor"].get("/audit-trail").status_code == 200
    assert people["admin"].post("/conflicts", entry).status_code == 201
    assert people["auditor"].get("/audit-trail").status_code == 404


@pytest.mark.sql
def test_each_night_the_ledger_is_checked_and_the_auditor_and_the_doctor_told(app: Flask, people: People) -> None:
    people["resident"].file()
    assert people["auditor"].get("/audit-trail/check").json == {"checked_at": None, "holds": None, "faults": []}
    with app.app_context():
        seal()
        anchor(clock.now())
        check_ledger(clock.now())
        assert people["auditor"].get("/audit-trail/check").json["holds"] is True
        assert "ledger" not in told(app)[1]
        change(update(LedgerEntry).where(LedgerEntry.chain == TOWN, LedgerEntry.seq == 1).values(action="decline"))
        check_ledger(clock.now())
    found = people["auditor"].get("/audit-trail/check").json
    assert found["holds"] is False
    assert found["faults"] == [f"{TOWN}: entry 1: the columns beside the payload were changed"]
    code, names, words = told(app)
    assert code == 1 and "ledger" in names and "ledger verify" in words
    (job,) = [job for job in JOBS if job.work is check_ledger]
    assert last_due(job, datetime(2026, 11, 25, 12, tzinfo=TOWN_ZONE)) == datetime(
        2026, 11, 25, 4, 50, tzinfo=TOWN_ZONE
    )
