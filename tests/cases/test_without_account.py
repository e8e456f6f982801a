"""Reporting without an account, and asking after it by receipt."""

from __future__ import annotations

import threading
import uuid
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from backend.cases.reporter.reporters import identity_of, who_reported
from backend.http import clock
from backend.http.reading import rows
from backend.outbox.reaching import Number
from backend.outbox.sending import send_due
from backend.outbox.sharing import share_out
from backend.people.throttle import BUCKETS
from tests.access.world import BEIJING
from tests.cases.by_receipt import PHONE, Holder, another_dispatcher, filed, named, send, upload
from tests.cases.test_reporters import account_of
from tests.people.joiners import Member, register
from tests.town import ELSEWHERE, HOME, VILLAGE, People, carry, phone, report


def test_who_reports_anonymously_gets_a_receipt_and_a_resend_gets_it_again(client: FlaskClient, people: People) -> None:
    key = str(uuid.uuid4())
    first, again = send(client, key), send(client, key)
    assert first.status_code == again.status_code == 201 and first.data == again.data
    assert len(first.json["receipt"]) == 16 and first.json["receipt"].isdecimal()
    assert (first.json["reporting"], first.json["status"], first.json["reporter"]["me"]) == (
        "anonymous",
        "reported",
        True,
    )
    assert [one["id"] for one in people["dispatcher"].get("/cases").json["items"]] == [first.json["id"]]
    other = send(client, key, description="井盖丢失")
    assert (other.status_code, other.json["code"]) == (422, "key_reused")


@pytest.mark.parametrize(
    "key",
    [None, "1", "k-1", "7b0e6c1e-5f0a-1c5e-9d55-2f1d7e1a0001", "0" * 128, "7b0e6c1e-5f0a-4c5e-9d55-2f1d7e1a0001x"],
)
def test_a_key_that_can_be_guessed_is_refused(client: FlaskClient, people: People, key: str | None) -> None:
    from tests.cases.by_receipt import filing

    headers = {"Idempotency-Key": key} if key else {}
    answer = client.post("/api/v1/filings", json=filing(), headers=headers)
    assert (answer.status_code, answer.json["code"]) == (422, "random_key_needed")
    assert people["dispatcher"].get("/cases").json["items"] == []


def test_nothing_kept_tells_a_receipt(app: Flask, client: FlaskClient) -> None:
    from tests.cases.test_reporters import APART, tables_that_tell

    receipt = send(client, reporter=named(client)).json["receipt"]
    with app.app_context():
        assert tables_that_tell(receipt) == set()
        for table in APART:
            assert receipt not in str([tuple(one) for one in rows(text(f'SELECT * FROM "{table}"'))]), table


def test_of_who_is_anonymous_nothing_is_kept_and_nobody_is_sent_a_message(app: Flask, client: FlaskClient) -> None:
    case, _ = filed(client)
    with app.app_context():
        kept = identity_of(uuid.UUID(case))
        assert kept is not None and (kept.known_as, kept.name, kept.phone, kept.without_account) == (
            "anonymous",
            None,
            None,
            True,
        )
        assert who_reported([uuid.UUID(case)]) == {}


def test_a_phone_code_proves_who_reports_and_they_hear_of_it(app: Flask, client: FlaskClient, people: People) -> None:
    case, holder = filed(client, reporter=named(client))
    assert holder.get().json["reporting"] == "named"
    with app.app_context():
        kept = identity_of(uuid.UUID(case))
        assert kept is not None and (kept.name, kept.phone, kept.consent) == ("岑大文", f"+86{PHONE}", "2026-11")
        assert list(who_reported([uuid.UUID(case)]).values()) == [Number(f"+86{PHONE}")]
        told = {
            one.template
            for one in rows(text(f"SELECT template FROM outbox_messages WHERE address = 'reporter:{case}'"))
        }
    assert told == {"case_reported"}
    for who in ("dispatcher", "inspector", "village_officer"):
        carry(people, case, "accept") if who == "dispatcher" else None
        seen = people[who].get(f"/cases/{case}").data.decode()
        assert PHONE not in seen and "岑大文" not in seen


def test_the_report_of_a_phone_that_has_an_account_is_that_account_s(client: FlaskClient, people: People) -> None:
    resident = Member(client, register(client))
    case, holder = filed(client, reporter=named(client))
    assert [one["id"] for one in resident.call("GET", "/cases?mine=true").json["items"]] == [case]
    assert holder.act("note", note="又来了一车").status_code == 200
    told = resident.call("GET", f"/cases/{case}/timeline").json["items"]
    assert told[-1]["actor"] == {"role": "reporter", "me": True}
    assert people["party_member"].get(f"/cases/{case}").status_code == 404


def test_a_number_that_may_have_gone_to_somebody_else_brings_nothing_to_the_account_it_had(
    app: Flask, client: FlaskClient, people: People
) -> None:
    case, _ = filed(client, reporter=named(client, phone("resident")))  # proved when the town began, long ago
    assert people["resident"].get("/cases?mine=true").json["items"] == []
    with app.app_context():
        kept = identity_of(uuid.UUID(case))
        assert kept is not None and kept.without_account and kept.account != account_of(f"+86{phone('resident')}")


def test_a_wrong_code_files_nothing_and_is_counted_until_the_right_one_is_dead(
    client: FlaskClient, people: People
) -> None:
    who = named(client)
    wrong = who | {"code": f"{(int(who['code']) + 1) % 10**6:06d}"}
    for _ in range(5):
        answer = send(client, reporter=wrong)
        assert (answer.status_code, answer.json["code"]) == (401, "wrong_code")
    assert send(client, reporter=who).status_code == 401
    assert people["dispatcher"].get("/cases").json["items"] == []


def test_a_code_files_one_report_and_a_resend_of_it_is_still_answered(client: FlaskClient) -> None:
    who, key = named(client), str(uuid.uuid4())
    first, again, another = send(client, key, reporter=who), send(client, key, reporter=who), send(client, reporter=who)
    assert (first.status_code, again.status_code, again.data) == (201, 201, first.data)
    assert (another.status_code, another.json["code"]) == (401, "wrong_code")


def test_eight_at_once_with_one_code_and_one_key_are_one_report(
    app: Flask, client: FlaskClient, people: People
) -> None:
    who, key, answers, start = named(client), str(uuid.uuid4()), list[Any](), threading.Barrier(8)

    def race() -> None:
        racer = app.test_client()
        start.wait()
        answers.append(send(racer, key, reporter=who))

    threads = [threading.Thread(target=race) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.data for answer in answers if answer.status_code == 201}) == 1
    assert len(people["dispatcher"].get("/cases").json["items"]) == 1


def test_consent_to_another_text_than_the_present_one_is_refused(client: FlaskClient) -> None:
    answer = send(client, reporter=named(client) | {"consent": "2020-01"})
    assert (answer.status_code, answer.json["code"]) == (409, "consent_needed")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"reporting": "protected"}, 422, "invalid"),
        ({"area_code": VILLAGE}, 422, "invalid"),
        ({"location": None}, 422, "invalid"),
        ({"location": BEIJING}, 422, "outside_town"),
        ({"category": "unlawful_building"}, 422, "photo_needed"),
        ({"evidence": [str(uuid.uuid4())]}, 422, "unknown_evidence"),
        ({"reporter": {"name": "岑大文"}}, 422, "invalid"),
    ],
)
def test_what_cannot_be_filed_without_an_account_says_why(
    client: FlaskClient, changes: dict[str, Any], status: int, code: str
) -> None:
    answer = send(client, **changes)
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.json


def test_reports_without_an_account_are_slowed_down_by_address(client: FlaskClient) -> None:
    free = BUCKETS["filing"].free
    assert {send(client).status_code for _ in range(free)} == {201}
    refused = send(client)
    assert (refused.status_code, refused.json["code"], refused.headers["Retry-After"]) == (429, "too_many_tries", "10")


def test_by_receipt_the_reporter_follows_the_whole_loop(client: FlaskClient, people: People) -> None:
    case, holder = filed(client)
    assert holder.get().json["allowed_actions"] == ["withdraw", "urge", "note", "reply", "raise_secrecy"]
    carry(people, case, "start")
    assert holder.act("urge").status_code == holder.act("note", note="路边也有").status_code == 200
    for person, action, fields in (
        ("village_officer", "hand_in", {"note": "已清运"}),
        ("inspector", "pass_check", {}),
        ("dispatcher", "close", {}),
    ):
        assert people[person].act(case, action, **fields).status_code == 200
    assert holder.act("rate", score=3).json["rating"] == 3
    assert holder.act("reopen", reason="又堆了").json["status"] == "reopened"
    assert holder.act("withdraw").json["status"] == "withdrawn"
    told = [(event["action"], event["actor"]) for event in holder.get("/timeline").json["items"]]
    assert [action for action, actor in told if actor == {"role": "reporter", "me": True}] == [
        "report",
        "urge",
        "note",
        "rate",
        "reopen",
        "withdraw",
    ]
    assert holder.act("accept").status_code == 403


def test_internal_notes_are_not_for_who_holds_the_receipt(client: FlaskClient, people: People) -> None:
    case, holder = filed(client)
    assert people["dispatcher"].act(case, "note", note="请先核实", internal=True).status_code == 200
    assert people["dispatcher"].act(case, "note", note="已安排").status_code == 200
    assert [event["note"] for event in holder.get("/timeline").json["items"]] == [None, "已安排"]


def test_what_is_no_receipt_answers_like_one_that_belongs_to_nothing(client: FlaskClient) -> None:
    filed(client)
    answers = [Holder(client, written).get() for written in ("0000 0000 0000 0001", "1", "", "x" * 16, "9" * 40)]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.data for answer in answers}) == 1
    assert client.get("/api/v1/receipt").data == answers[0].data
    actions = [Holder(client, written).act("withdraw") for written in ("0000 0000 0000 0001", "1")]
    assert {(answer.status_code, answer.data) for answer in actions} == {(404, answers[0].data)}


def test_what_is_no_receipt_is_looked_for_like_one(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    from backend.people import receipts

    looked, look = list[Any](), receipts.row

    def looking(statement: Any, **values: Any) -> Any:
        looked.append(values["tag"])
        return look(statement, **values)

    monkeypatch.setattr(receipts, "row", looking)
    for written in ("1234567890123456", "1", "x" * 40, ""):
        Holder(client, written).get()
    assert len(looked) == 4


def test_wrong_receipts_are_slowed_down_and_right_ones_are_not(client: FlaskClient) -> None:
    _, holder = filed(client)
    free = BUCKETS["receipt"].free
    assert {holder.get().status_code for _ in range(free + 10)} == {200}
    wrong = Holder(client, "1234567890123456")
    assert {wrong.get().status_code for _ in range(free)} == {404}
    assert wrong.get().status_code == holder.get().status_code == 429


def test_an_account_that_reported_anonymously_may_use_the_receipt_too(client: FlaskClient, people: People) -> None:
    made = people["resident"].post("/cases", report(reporting="anonymous"), Idempotency_Key="k-1").json
    holder = Holder(client, made["receipt"])
    assert holder.get().json["id"] == made["id"]
    assert holder.act("note", note="补充一点").status_code == 200
    assert people["resident"].get(f"/cases/{made['id']}/timeline").json["items"][-1]["actor"]["me"]


def test_a_photo_is_sent_before_filing_by_its_key_and_afterwards_by_the_receipt(
    client: FlaskClient, people: People
) -> None:
    key = str(uuid.uuid4())
    photo = upload(client, Filing_Key=key).json["id"]
    stranger = send(client, evidence=[photo])
    assert (stranger.status_code, stranger.json["code"]) == (422, "unknown_evidence")
    made = send(client, key, category="unlawful_building", evidence=[photo])
    assert made.status_code == 201 and made.json["evidence"] == [photo]
    holder = Holder(client, made.json["receipt"])
    more = upload(client, Receipt=made.json["receipt"]).json["id"]
    assert holder.act("reply", note="这是近照", evidence=[more]).status_code == 200
    assert set(people["dispatcher"].get(f"/cases/{made.json['id']}").json["evidence"]) == {photo, more}
    for shown in (photo, more):
        assert holder.get(f"/evidence/{shown}").mimetype == "image/jpeg"
    _, other = filed(client)
    assert other.get(f"/evidence/{photo}").status_code == 404
    assert upload(client).json["code"] == upload(client, Filing_Key="1").json["code"] == "random_key_needed"
    assert upload(client, Receipt="1").status_code == 404


def test_the_receipt_of_somebody_who_was_forgotten_belongs_to_nothing(client: FlaskClient, people: People) -> None:
    from tests.town import PASSWORD

    made = people["resident"].post("/cases", report(reporting="anonymous")).json
    holder = Holder(client, made["receipt"])
    assert holder.get().status_code == 200
    answer = client.delete("/api/v1/me", json={"password": PASSWORD}, headers=people["resident"].headers)
    assert answer.status_code == 204, answer.json
    assert holder.get().status_code == 404


def test_elsewhere_in_the_town_is_as_good(client: FlaskClient) -> None:
    assert {send(client, location=place).status_code for place in (HOME, ELSEWHERE)} == {201}


def test_who_has_no_account_reads_by_receipt_who_looked_at_their_identity(
    app: Flask, client: FlaskClient, people: People
) -> None:
    case, holder = filed(client, reporter=named(client))
    assert holder.get("/accesses").json["items"] == []
    desk, other = people["dispatcher"], another_dispatcher(client)
    asked = desk.post(f"/cases/{case}/identity-requests", {"reason": "需当面核实现场情况"}).json["id"]
    assert other.post(f"/identity-requests/{asked}/approve", {}).status_code == 200
    read = desk.get(f"/cases/{case}/identity").json
    assert (read["name"], read["phone"], read["known_as"]) == ("岑大文", f"+86{PHONE}", "named")
    (told,) = holder.get("/accesses").json["items"]
    assert (told["action"], told["reason"]) == ("read_identity", "需当面核实现场情况") and told["by"]
    made = people["resident"].post("/cases", report(reporting="anonymous")).json
    assert Holder(client, made["receipt"]).get("/accesses").json["items"] == []


def test_news_goes_to_the_number_itself_and_to_no_account_that_has_it(
    app: Flask, client: FlaskClient, people: People
) -> None:
    case, _ = filed(client, reporter=named(client, phone("resident")))  # whose account is not believed to be theirs
    carry(people, case, "accept")
    sent = list[tuple[str, str]]()
    with app.app_context():
        while share_out(("inbox", "sms"), clock.now()):
            pass
        while send_due(lambda message: sent.append((message.address, message.template)), clock.now()):
            pass
        assert {one.template for one in rows(text("SELECT template FROM notices"))} & {"case_update"} == set()
    number = f"+86{phone('resident')}"
    assert [told for told in sent if told[0] == number] == [(number, "case_reported"), (number, "case_update")]
