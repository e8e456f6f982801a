"""Everybody can read who looked at their data, when and why, and nobody else can."""

from __future__ import annotations

import base64
import json
import uuid
from datetime import datetime, timedelta

from flask import Flask

from backend.config import TOWN_ZONE
from backend.http.work import unit_of_work
from backend.ledger.record import record
from tests.town import TOWN, People

NOW = datetime(2026, 1, 5, 12, tzinfo=TOWN_ZONE)


def account(people: People, role: str) -> uuid.UUID:
    return uuid.UUID(people[role].get("/me").json["id"])


def look(app: Flask, people: People, at: datetime, reason: str, subject: str = "resident") -> None:
    by, whose = account(people, "dispatcher"), account(people, subject)
    with app.app_context(), unit_of_work() as session:
        record(
            session,
            town=TOWN,
            actor=by,
            action="read_identity",
            thing=("case", "a secret case"),
            version=0,
            occurred_at=at,
            details={"reason": reason},
            subject=whose,
        )


def test_a_person_reads_who_looked_at_their_data_when_and_why(app: Flask, people: People) -> None:
    look(app, people, NOW, "回访核实")
    answer = people["resident"].get("/me/accesses")
    name = people["dispatcher"].get("/me").json["name"]
    told = {"at": NOW.isoformat(), "action": "read_identity", "by": name, "reason": "回访核实"}
    assert answer.json == {"items": [told], "next_cursor": None}


def test_nobody_reads_who_looked_at_another_person_s_data(app: Flask, people: People) -> None:
    look(app, people, NOW, "回访核实")
    for role in ("dispatcher", "admin", "auditor", "party_member"):
        assert people[role].get("/me/accesses").json["items"] == []


def test_looks_do_not_tell_for_which_matter(app: Flask, people: People) -> None:
    look(app, people, NOW, "回访核实")
    assert b"secret" not in people["resident"].get("/me/accesses").data


def test_the_pages_hold_every_look_once_also_those_of_one_instant(app: Flask, people: People) -> None:
    for number in range(9):
        look(app, people, NOW + timedelta(seconds=number // 4), str(number))
    seen, path = [], "/me/accesses?limit=2"
    while path:
        page = people["resident"].get(path).json
        seen += [int(item["reason"]) for item in page["items"]]
        path = page["next_cursor"] and f"/me/accesses?limit=2&cursor={page['next_cursor']}"
    assert seen == sorted(range(9), reverse=True)


def test_a_cursor_of_looks_holds_no_position_of_the_ledger(app: Flask, people: People) -> None:
    for _ in range(40):
        look(app, people, NOW, "等待", subject="party_member")
    for number in range(3):
        look(app, people, NOW + timedelta(seconds=number), str(number))
    cursor = people["resident"].get("/me/accesses?limit=1").json["next_cursor"]
    at, seen = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    assert (datetime.fromisoformat(at), seen) == (NOW + timedelta(seconds=2), 1)
