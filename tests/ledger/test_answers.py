"""Kept answers: sealed, kept for ninety days, and gone with what they are about."""

from __future__ import annotations

import hashlib
import json
import uuid
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import select, text

from backend.config import TOWN_ZONE
from backend.extensions import db
from backend.http import clock
from backend.http.reading import connection, rows
from backend.http.work import unit_of_work
from backend.ledger.answers import forget, forget_answers
from backend.ledger.tables import KeptAnswer
from tests.town import People, report

pytestmark = pytest.mark.sql
KEY = "0193c1c0-5b1e-7a60-9b3e-000000000001"
SAID = "村口垃圾堆放多日，请处理"


@pytest.fixture
def filed(people: People) -> str:
    """The id of a case filed under KEY."""
    return str(people["resident"].post("/cases", report(description=SAID), Idempotency_Key=KEY).json["id"])


def resend(people: People, said: str = SAID) -> tuple[int, str]:
    answer = people["resident"].post("/cases", report(description=said), Idempotency_Key=KEY)
    return answer.status_code, (answer.json or {}).get("code") or answer.json["id"]


def test_a_resend_gets_the_first_answer_and_another_body_is_refused(filed: str, people: People) -> None:
    assert resend(people) == (201, filed)
    assert resend(people, "别的内容") == (422, "key_reused")


def test_an_answer_is_erased_with_what_it_is_about_and_a_resend_is_told_so(
    filed: str, people: People, app: Flask
) -> None:
    with app.app_context(), unit_of_work() as session:
        forget_answers(session, ("case", filed))
    assert resend(people) == (410, "answer_erased")
    assert resend(people, "别的内容") == (410, "answer_erased")
    with app.app_context():
        assert [row.sealed for row in rows(select(KeptAnswer.sealed))] == [None]
    assert people["resident"].get("/cases").json["items"][0]["id"] == filed  # no second case


def test_the_answers_to_actions_are_about_the_case_as_well(filed: str, people: People, app: Flask) -> None:
    etag = people["dispatcher"].get(f"/cases/{filed}").headers["ETag"]
    body, path = {"action": "accept"}, f"/cases/{filed}/actions"
    assert people["dispatcher"].post(path, body, Idempotency_Key=KEY, If_Match=etag).status_code == 200
    with app.app_context(), unit_of_work() as session:
        forget_answers(session, ("case", filed))
    assert people["dispatcher"].post(path, body, Idempotency_Key=KEY, If_Match=etag).status_code == 410


def test_erasing_one_thing_leaves_the_answers_about_others(filed: str, people: People, app: Flask) -> None:
    with app.app_context(), unit_of_work() as session:
        forget_answers(session, ("case", "another"))
    assert resend(people) == (201, filed)


def test_neither_sender_nor_key_nor_case_nor_answer_can_be_read_in_the_database(
    filed: str, people: People, app: Flask
) -> None:
    person = people["resident"].get("/me").json["id"]
    with app.app_context():
        kept = rows(select(*KeptAnswer.__table__.c))
        told = " ".join(repr(value) for row in kept for value in row) + repr([bytes(row.sealed) for row in kept])
    for secret in (KEY, filed, person, "村口", repr("村口".encode())[2:-1], "reported", "ETag"):
        assert secret not in told and secret.replace("-", "") not in told


def test_answers_are_dropped_after_ninety_days(filed: str, people: People, app: Flask) -> None:
    with app.app_context():
        for days, left in ((89, 1), (91, 0)):
            with unit_of_work() as session:
                forget(session, clock.now() + timedelta(days=days))
            assert len(rows(select(KeptAnswer.id))) == left


def test_an_answer_of_another_sender_is_not_had_by_their_key(filed: str, people: People) -> None:
    other = people["party_member"].post("/cases", report(description=SAID), Idempotency_Key=KEY)
    assert other.status_code == 201 and other.json["id"] != filed


def test_answers_kept_before_they_were_sealed_are_sealed_and_still_answer(app: Flask, people: People) -> None:
    person, at = people["resident"].get("/me").json["id"], datetime(2026, 11, 25, 8, tzinfo=TOWN_ZONE)
    with app.app_context():
        downgrade(revision="0007")
        content = json.dumps(report(description=SAID)).encode()
        before = sa.table(
            "kept_answers",
            sa.column("actor_id", sa.Uuid),
            sa.column("key"),
            sa.column("request_hash", sa.LargeBinary),
            sa.column("status"),
            sa.column("headers", sa.JSON),
            sa.column("body", sa.LargeBinary),
            sa.column("kept_at", sa.DateTime(timezone=True)),
        )
        digest = hashlib.sha256(b"POST /api/v1/cases\n" + content).digest()
        with db.engine.begin() as raw:
            row = {"actor_id": uuid.UUID(person), "key": KEY, "request_hash": digest, "status": 201, "kept_at": at}
            raw.execute(sa.insert(before), row | {"headers": {"ETag": '"1"'}, "body": b'{"id": "the first"}'})
        upgrade()
        connection().execute(text("SELECT 1"))
    headers = people["resident"].headers | {"Idempotency-Key": KEY, "Content-Type": "application/json"}
    answer = people.client.post("/api/v1/cases", data=content, headers=headers)
    assert (answer.status_code, answer.data, answer.headers["ETag"]) == (201, b'{"id": "the first"}', '"1"')


def test_a_key_may_be_used_anew_when_its_time_is_over(filed: str, people: People, app: Flask) -> None:
    with time_machine.travel(clock.now() + timedelta(days=91)), app.app_context(), unit_of_work() as session:
        forget(session, clock.now())
    assert resend(people)[0] == 201 and resend(people)[1] != filed
