"""A copy of the database without its keys does not tell who reported what."""

from __future__ import annotations

import uuid

import pytest
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect, select, text

from backend.cases.reporter.reporters import identity_of
from backend.extensions import db
from backend.http.reading import row, rows
from backend.people.tables import Account
from tests.conftest import MakeApp
from tests.town import People, carry, report

APART = {
    "accounts",
    "sign_ins",
    "role_assignments",
    "throttles",
    "kept_answers",
    "outbox_messages",
    "identity_requests",
}
"""Tables of people as such, and what is sent or kept for them."""


def account_of(phone: str) -> uuid.UUID:
    found = row(select(Account.id).where(Account.phone == phone))
    assert found is not None
    return found.id


def tables_that_tell(*needles: str) -> set[str]:
    """The tables with a value that holds one of the needles, however it is written."""
    found = set()
    for table in set(inspect(db.engine).get_table_names()) - APART:
        if table.startswith("case_tokens"):
            continue  # SQLite's index of words, which cannot be read
        for kept in rows(text(f'SELECT * FROM "{table}"')):
            values = [
                bytes(v).decode("utf-8", "replace") if isinstance(v, bytes | memoryview) else str(v) for v in kept
            ]
            written = " ".join(values).replace("-", "").lower()
            if any(needle.replace("-", "").lower() in written for needle in needles):
                found.add(table)
    return found


@pytest.mark.parametrize("role", ["resident", "grid_worker", "party_member"])
def test_no_table_of_what_happened_tells_who_reported_a_case(app: Flask, people: People, role: str) -> None:
    phones = {"resident": "+8613800000001", "party_member": "+8613800000002", "grid_worker": "+8613800000003"}
    case = people[role].file()["id"]
    assert people[role].act(case, "withdraw").status_code == 200
    with app.app_context():
        account = account_of(phones[role])
        name = row(select(Account.name).where(Account.id == account))
        assert name is not None
        # That the account was made is in the ledger; what it reported is not.
        assert tables_that_tell(str(account), phones[role], name.name) <= {"ledger_entries"}
        told = rows(text("SELECT actor_id, payload FROM ledger_entries WHERE thing_kind = 'case'"))
        assert len(told) == 2
        for entry in told:
            assert uuid.UUID(str(entry.actor_id)) != account and str(account).encode() not in bytes(entry.payload)


def test_a_reporter_still_finds_their_cases_and_sees_that_it_was_them(people: People) -> None:
    resident = people["resident"]
    case = resident.file()["id"]
    carry(people, case, "close")
    assert resident.act(case, "rate", score=5).status_code == 200
    assert [item["id"] for item in resident.get("/cases?mine=true").json["items"]] == [case]
    told = {event["action"]: event["actor"] for event in resident.get(f"/cases/{case}/timeline").json["items"]}
    assert told["report"]["me"] and told["rate"] == {"role": "reporter", "me": True} and not told["accept"]["me"]
    seen_by_desk = people["dispatcher"].get(f"/cases/{case}/timeline").json["items"]
    assert [event["action"] for event in seen_by_desk if event["actor"]["me"]] == ["accept", "dispatch", "close"]


def test_a_worker_who_handles_what_they_reported_does_so_as_its_worker(app: Flask, people: People) -> None:
    worker = people["grid_worker"]
    case = worker.file()["id"]
    carry(people, case, "dispatch")
    assert worker.act(case, "start").status_code == worker.act(case, "hand_in", note="已清运").status_code == 200
    assert worker.act(case, "pass_check").status_code == 403, "own work"
    for reader, me in ((people["village_officer"], False), (worker, True)):
        told = {event["action"]: event["actor"] for event in reader.get(f"/cases/{case}/timeline").json["items"]}
        assert told["report"] == {"role": "reporter", "me": me}
        assert told["start"] == told["hand_in"] == {"role": "grid_worker", "me": me}
    with app.app_context():
        actors = {event.action: event.actor_id for event in rows(text("SELECT action, actor_id FROM case_events"))}
        assert actors["report"] != actors["start"] == actors["hand_in"]


def test_two_cases_of_one_reporter_share_no_name(app: Flask, people: People) -> None:
    for _ in range(2):
        people["resident"].file()
    with app.app_context():
        found = rows(text("SELECT actor_id FROM case_events"))
        assert len({str(event.actor_id) for event in found}) == 2
        assert len(rows(text("SELECT DISTINCT pseudonym FROM case_reporters"))) == 2


def test_of_who_stays_anonymous_only_the_account_is_kept_sealed(app: Flask, people: People) -> None:
    named = people["resident"].file()["id"]
    anonymous = people["resident"].post("/cases", report(reporting="anonymous")).json["id"]
    with app.app_context():
        account = account_of("+8613800000001")
        one, other = identity_of(uuid.UUID(named)), identity_of(uuid.UUID(anonymous))
        assert one is not None and other is not None
        assert (one.account, one.known_as, one.phone) == (account, "named", "+8613800000001")
        assert (other.account, other.known_as) == (account, "anonymous")
        assert other.name is other.phone is None


def test_an_identity_sealed_for_one_case_does_not_open_in_another(app: Flask, people: People) -> None:
    from backend.http.envelope import CannotOpen

    one, other = (uuid.UUID(people["resident"].file()["id"]) for _ in range(2))
    with app.app_context():
        with db.engine.begin() as connection:
            sealed = "(SELECT sealed FROM reporter_identities WHERE case_id = :one)"
            ids = {"one": one.hex, "other": other.hex}
            ids = ids if connection.dialect.name == "sqlite" else {"one": one, "other": other}
            connection.execute(text(f"UPDATE reporter_identities SET sealed = {sealed} WHERE case_id = :other"), ids)
        assert identity_of(one) is not None
        with pytest.raises(CannotOpen):
            identity_of(other)


def test_a_grid_worker_who_handles_what_they_reported_does_not_check_it(people: People) -> None:
    worker = people["grid_worker"]
    case = worker.file()["id"]
    for action, fields in (("accept", {}), ("dispatch", {"department": "440605121012"})):
        assert people["dispatcher"].act(case, action, **fields).status_code == 200
    for action, fields in (("start", {}), ("hand_in", {"note": "已清运"})):
        assert worker.act(case, action, **fields).status_code == 200
    assert worker.act(case, "pass_check").json["code"] == "action_not_permitted"


@pytest.mark.sql
def test_who_reported_before_the_release_that_seals_it_finds_their_cases_after_it(make_app: MakeApp) -> None:
    app = make_app("town")
    resident = People(app.test_client())["resident"]
    case = resident.file()["id"]
    with app.app_context():
        downgrade(revision="0004")
        before = rows(text("SELECT account_id FROM case_reporters"))
        assert {str(one.account_id).replace("-", "") for one in before} == {account_of("+8613800000001").hex}
        assert {str(one.actor_id) for one in rows(text("SELECT actor_id FROM case_events"))} == {
            str(one.account_id) for one in before
        }
        upgrade()
        found = identity_of(uuid.UUID(case))
        assert found is not None and found.phone == "+8613800000001"
    assert [item["id"] for item in resident.get("/cases?mine=true").json["items"]] == [case]
    assert resident.get(f"/cases/{case}/timeline").json["items"][0]["actor"]["me"]


def test_a_case_goes_on_although_the_identity_of_its_reporter_is_damaged(app: Flask, people: People) -> None:
    case = people["resident"].file()["id"]
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text("UPDATE reporter_identities SET sealed = :nothing"), {"nothing": b"damaged"})
    carry(people, case, upto="close")
    assert people["resident"].get(f"/cases/{case}").json["status"] == "closed"


def test_a_reporter_s_own_name_in_their_text_is_neither_read_nor_found_by_the_village(people: People) -> None:
    name = people["resident"].get("/me").json["name"]
    case = people["resident"].post("/cases", report(description=f"{name}家门口垃圾成堆")).json["id"]
    carry(people, case, upto="accept")
    for who in ("village_officer", "inspector", "committee"):
        assert name.encode() not in people[who].get(f"/cases/{case}").data
        assert people[who].get(f"/cases?text={name}").json["items"] == []
    assert name in people["dispatcher"].get(f"/cases/{case}").json["description"]
    assert [one["id"] for one in people["resident"].get(f"/cases?text={name}").json["items"]] == [case]
