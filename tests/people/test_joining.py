"""Joining by phone, codes, a forgotten password, another number, and a number that has gone to somebody else."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text, update

from backend.config import TOWN_ZONE
from backend.http.reading import rows
from backend.http.work import unit_of_work
from backend.ledger.tables import LedgerEntry
from backend.outbox.messages import post
from backend.outbox.sending import send_due
from backend.people.codes import LASTS, TRIES, forget_codes
from backend.people.tables import Account, OneTimeCode
from tests.people.joiners import PHONE, Member, ask, codes_sent, register, texts, use
from tests.town import TOWN, Person, unknown_id

NOON = datetime(2026, 11, 25, 12, tzinfo=TOWN_ZONE)
LATER = timedelta(days=91)
PASSWORD = "a long password"


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def count(app: Flask, table: Any, *where: Any) -> int:
    with app.app_context():
        return int(rows(select(func.count()).select_from(table).where(*where))[0][0])


def recorded(app: Flask) -> list[str]:
    with app.app_context():
        return [row.action for row in rows(select(LedgerEntry.action).order_by(LedgerEntry.id))]


def test_whoever_registers_is_a_resident_of_the_town_and_signed_in(client: FlaskClient) -> None:
    answer = register(client, name="梁小明")
    assert answer.status_code == 201
    me = Member(client, answer).me
    assert (me["name"], me["phone"], me["has_password"]) == ("梁小明", f"+86{PHONE}", False)
    assert me["roles"] == [{"role": "resident", "area_code": TOWN}]


def test_with_a_password_they_sign_in_by_it_and_without_one_by_codes(client: FlaskClient) -> None:
    assert register(client, password=PASSWORD).status_code == 201
    body = {"phone": PHONE, "password": PASSWORD}
    assert client.post("/api/v1/auth/login", json=body).status_code == 200
    other = "13912345679"
    assert register(client, other).status_code == 201
    wrong = client.post("/api/v1/auth/login", json={"phone": other, "password": ""})
    assert wrong.status_code == 422
    assert client.post("/api/v1/auth/login", json={"phone": other, "password": "None"}).status_code == 401
    assert use(client, "code-login", "sign_in", other).status_code == 200


@pytest.mark.parametrize("written", ["+86 139-1234-5678", "008613912345678", "１３９１２３４５６７８"])
def test_a_second_account_for_a_number_in_any_spelling_is_the_first_one(
    app: Flask, client: FlaskClient, written: str
) -> None:
    first = Member(client, register(client, name="梁小明"))
    body = ask(client, "register") | {"phone": written, "name": "别人", "consent": "2026-11"}
    answer = client.post("/api/v1/auth/register", json=body)
    assert answer.status_code == 200
    assert Member(client, answer).me["id"] == first.me["id"]
    assert count(app, Account, Account.phone == f"+86{PHONE}") == 1


def test_two_who_register_with_one_number_at_once_make_one_account(app: Flask) -> None:
    bodies = [ask(app.test_client(), "register") | {"name": "甲", "consent": "2026-11"} for _ in range(3)]
    start, statuses = threading.Barrier(3), list[int]()

    def race(body: dict[str, Any]) -> None:
        racer = app.test_client()
        start.wait()
        statuses.append(racer.post("/api/v1/auth/register", json=body).status_code)

    threads = [threading.Thread(target=race, args=(body,)) for body in bodies]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(statuses)[-1] in (201, 409) and statuses.count(201) == 1 and set(statuses) <= {200, 201, 409}
    assert count(app, Account, Account.phone == f"+86{PHONE}") == 1


def test_nobody_registers_without_agreeing_to_the_present_text(client: FlaskClient, app: Flask) -> None:
    body = ask(client, "register") | {"name": "甲"}
    assert client.post("/api/v1/auth/register", json=body).status_code == 422
    old = client.post("/api/v1/auth/register", json=body | {"consent": "2019-01"})
    assert (old.status_code, old.json["code"], old.json["version"]) == (409, "consent_needed", "2026-11")
    assert client.post("/api/v1/auth/register", json=body | {"consent": "2026-11"}).status_code == 201


# --- codes ------------------------------------------------------------------------------------------------------


def test_a_code_is_used_once(client: FlaskClient) -> None:
    register(client)
    body = ask(client, "sign_in")
    assert client.post("/api/v1/auth/code-login", json=body).status_code == 200
    again = client.post("/api/v1/auth/code-login", json=body)
    assert (again.status_code, again.json["code"]) == (401, "wrong_code")


def test_of_several_at_once_one_uses_a_code(app: Flask) -> None:
    register(app.test_client())
    body, start, statuses = ask(app.test_client(), "sign_in"), threading.Barrier(4), list[int]()

    def race() -> None:
        racer = app.test_client()
        start.wait()
        statuses.append(racer.post("/api/v1/auth/code-login", json=body).status_code)

    threads = [threading.Thread(target=race) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(statuses) == [200, 401, 401, 401]


def test_a_code_is_good_for_five_minutes(client: FlaskClient, clock: time_machine.Traveller) -> None:
    register(client)
    kept, late = ask(client, "sign_in"), ask(client, "sign_in")
    clock.shift(LASTS - timedelta(seconds=1))
    assert client.post("/api/v1/auth/code-login", json=kept).status_code == 200
    clock.shift(timedelta(seconds=1))
    assert client.post("/api/v1/auth/code-login", json=late).json["code"] == "wrong_code"


def test_after_five_wrong_tries_the_right_code_is_no_use(client: FlaskClient) -> None:
    register(client)
    body = ask(client, "sign_in")
    wrong = body | {"code": f"{(int(body['code']) + 1) % 10**6:06d}"}
    for number in range(TRIES):  # wherever they come from
        elsewhere = {"REMOTE_ADDR": f"203.0.{number}.7"}
        tried = client.post("/api/v1/auth/code-login", json=wrong, environ_base=elsewhere)
        assert tried.json["code"] == "wrong_code"
    assert client.post("/api/v1/auth/code-login", json=body).json["code"] == "wrong_code"


def test_four_wrong_tries_leave_the_fifth(client: FlaskClient) -> None:
    register(client)
    body = ask(client, "sign_in")
    for _ in range(TRIES - 1):
        client.post("/api/v1/auth/code-login", json=body | {"code": f"{(int(body['code']) + 1) % 10**6:06d}"})
    assert client.post("/api/v1/auth/code-login", json=body).status_code == 200


def test_a_stranger_cannot_use_up_the_tries_at_my_code(client: FlaskClient) -> None:
    register(client)
    mine, theirs = ask(client, "sign_in"), ask(client, "sign_in")
    for _ in range(TRIES + 1):
        client.post("/api/v1/auth/code-login", json=theirs | {"code": "000000"})
        client.post("/api/v1/auth/code-login", json=mine | {"code_id": unknown_id()})
    assert client.post("/api/v1/auth/code-login", json=mine).status_code == 200


@pytest.mark.parametrize("changed", [{"phone": "13912345679"}, {"code_id": "9f0f2b4e-7f1f-4c57-8f39-1f7ef6c1e000"}])
def test_a_code_is_good_for_its_phone_under_its_id_only(client: FlaskClient, changed: dict[str, str]) -> None:
    register(client)
    register(client, "13912345679")
    body = ask(client, "sign_in") | changed
    assert client.post("/api/v1/auth/code-login", json=body).json["code"] == "wrong_code"


@pytest.mark.parametrize("purpose", ["register", "password", "phone"])
def test_a_code_is_good_for_its_purpose_only(client: FlaskClient, purpose: str) -> None:
    register(client)
    assert use(client, "code-login", purpose).json["code"] == "wrong_code"


def test_a_code_is_not_kept_where_it_could_be_read(app: Flask, client: FlaskClient) -> None:
    body = ask(client, "sign_in")
    with app.app_context():
        (kept,) = rows(select(OneTimeCode.__table__))
        assert len(kept.code_hash) == 32 and body["code"] not in str(kept) and PHONE not in str(kept)
        send_due(lambda _message: None, datetime.now(TOWN_ZONE))
    assert texts(app) == [("code_sign_in", "")]


def test_a_code_is_not_sent_when_it_is_no_good_any_more(
    app: Flask, client: FlaskClient, clock: time_machine.Traveller
) -> None:
    ask(client, "sign_in")
    clock.shift(LASTS + timedelta(seconds=1))
    with app.app_context():
        assert send_due(lambda _message: None, datetime.now(TOWN_ZONE)) == 0
        with unit_of_work() as session:
            forget_codes(session, datetime.now(TOWN_ZONE))
    assert count(app, OneTimeCode) == 0


def test_known_and_unknown_numbers_are_answered_alike(client: FlaskClient, app: Flask) -> None:
    register(client)
    for purpose in ("sign_in", "password"):
        answers = {}
        for phone in (PHONE, "13912345679"):
            answer = client.post("/api/v1/auth/codes", json={"phone": phone, "purpose": purpose})
            sent = texts(app, phone)[-1]
            told = [(name, value) for name, value in answer.headers if name not in ("Date", "X-Request-Id")]
            answers[phone] = (answer.status_code, set(answer.json), told, sent[0], len(sent[1]))
        assert answers[PHONE] == answers["13912345679"]
        wrong = [
            client.post(
                "/api/v1/auth/code-login",
                json={"code_id": unknown_id(), "phone": phone, "code": "123456"},
            ).data
            for phone in answers
        ]
        assert wrong[0] == wrong[1]


def test_asking_for_a_code_reads_no_account(client: FlaskClient, app: Flask) -> None:
    """So that it cannot take longer, or less long, for a number that has one."""
    from backend.extensions import db

    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text("ALTER TABLE accounts RENAME TO accounts_away"))
    ask_only = client.post("/api/v1/auth/codes", json={"phone": PHONE, "purpose": "sign_in"})
    assert ask_only.status_code == 202


@pytest.mark.prove
def test_asking_takes_as_long_for_known_and_unknown_numbers(
    app: Flask, client: FlaskClient, record_property: Any
) -> None:
    register(client)
    times: dict[str, list[float]] = {PHONE: [], "13912345679": []}
    with time_machine.travel(NOON, tick=True) as clock:
        for _ in range(60):
            clock.shift(timedelta(hours=2))
            for phone in times:
                started = time.perf_counter()
                client.post("/api/v1/auth/codes", json={"phone": phone, "purpose": "sign_in"})
                times[phone].append((time.perf_counter() - started) * 1000)
    gap = abs(statistics.median(times[PHONE]) - statistics.median(times["13912345679"]))
    record_property("gap", f"codes for a known and an unknown number: {gap:.2f} ms apart")
    assert gap < 5


def test_whoever_holds_a_number_without_an_account_is_told_to_register(client: FlaskClient) -> None:
    answer = use(client, "code-login", "sign_in")
    assert (answer.status_code, answer.json["code"]) == (409, "not_registered")


# --- passwords --------------------------------------------------------------------------------------------------


def test_a_forgotten_password_is_replaced_by_a_code_and_ends_the_other_sign_ins(
    app: Flask, client: FlaskClient
) -> None:
    before = Member(client, register(client, password=PASSWORD))
    now = Member(client, use(client, "password", "password", password="another password"))
    assert before.call("GET", "/me").json["code"] == "signed_out" and now.me["has_password"]
    old, new = ({"phone": PHONE, "password": password} for password in (PASSWORD, "another password"))
    assert client.post("/api/v1/auth/login", json=old).status_code == 401
    assert client.post("/api/v1/auth/login", json=new).status_code == 200
    assert texts(app)[-1][0] == "password_changed"


def test_a_changed_password_ends_the_other_sign_ins_and_tells_the_holder(app: Flask, client: FlaskClient) -> None:
    other = Member(client, register(client, password=PASSWORD))
    mine = Member(client, use(client, "code-login", "sign_in"))
    wrong = mine.call("POST", "/me/password", {"password": "another password", "current": "wrong"})
    missing = mine.call("POST", "/me/password", {"password": "another password"})
    assert {wrong.status_code, missing.status_code} == {403} and other.me["id"] == mine.me["id"]
    right = mine.call("POST", "/me/password", {"password": "another password", "current": PASSWORD})
    assert right.status_code == 204
    assert other.call("GET", "/me").json["code"] == "signed_out" and mine.me["has_password"]
    assert texts(app)[-1][0] == "password_changed"


def test_who_has_no_password_sets_a_first_one(client: FlaskClient) -> None:
    mine = Member(client, register(client))
    assert mine.call("POST", "/me/password", {"password": PASSWORD}).status_code == 204
    assert client.post("/api/v1/auth/login", json={"phone": PHONE, "password": PASSWORD}).status_code == 200


@pytest.mark.parametrize("path", ["/auth/register", "/auth/password", "/me/password"])
def test_a_password_has_ten_characters(client: FlaskClient, path: str) -> None:
    body = {"password": "nine char", "current": "x"}
    if path != "/me/password":
        body = {"code_id": unknown_id(), "phone": PHONE, "code": "123456", "password": "nine char"}
    if path == "/auth/register":
        body |= {"name": "甲", "consent": "2026-11"}
    answer = client.post(f"/api/v1{path}", json=body, headers=Person(client, "13800000001").headers)
    assert answer.status_code == 422 and "password" in answer.json["errors"]


# --- another number ---------------------------------------------------------------------------------------------


def test_another_number_is_proved_by_a_code_and_the_old_one_is_told(app: Flask, client: FlaskClient) -> None:
    mine = Member(client, register(client))
    assert mine.call("POST", "/me/phone", ask(client, "phone", "13912345679")).status_code == 204
    assert mine.me["phone"] == "+8613912345679"
    assert texts(app)[-1][0] == "phone_changed"
    assert use(client, "code-login", "sign_in").json["code"] == "not_registered"
    assert Member(client, use(client, "code-login", "sign_in", "13912345679")).me["id"] == mine.me["id"]


def test_a_number_that_another_account_proved_of_late_is_not_taken(client: FlaskClient) -> None:
    register(client, "13912345679")
    mine = Member(client, register(client))
    answer = mine.call("POST", "/me/phone", ask(client, "phone", "13912345679"))
    assert (answer.status_code, answer.json["code"]) == (409, "number_in_use")
    assert mine.me["phone"] == f"+86{PHONE}"


def test_a_number_of_an_account_left_for_long_is_taken_from_it(
    app: Flask, client: FlaskClient, clock: time_machine.Traveller
) -> None:
    register(client, "13912345679")
    clock.shift(LATER)
    mine = Member(client, register(client))
    assert mine.call("POST", "/me/phone", ask(client, "phone", "13912345679")).status_code == 204
    assert mine.me["phone"] == "+8613912345679" and "free_number" in recorded(app)


# --- a number that has gone to somebody else --------------------------------------------------------------------


def test_the_new_holder_of_a_number_sees_nothing_of_the_old_one(
    app: Flask, client: FlaskClient, clock: time_machine.Traveller
) -> None:
    register(client, name="旧主", password=PASSWORD, device_id="old phone")
    clock.shift(LATER)
    for path, purpose, more in (("code-login", "sign_in", {}), ("password", "password", {"password": PASSWORD})):
        refused = use(client, path, purpose, **more)
        assert (refused.status_code, refused.json["code"]) == (403, "number_not_enough")
        clock.shift(timedelta(hours=2))
    answer = register(client, name="新主")
    assert answer.status_code == 201
    new = Member(client, answer)
    assert new.me["name"] == "新主" and new.me["phone"] == f"+86{PHONE}"
    assert new.call("GET", "/cases").json["items"] == []
    with app.app_context():
        names = rows(select(Account.name, Account.phone).where(Account.name.in_(["旧主", "新主"])))
    assert sorted((row.name, row.phone) for row in names) == [("新主", f"+86{PHONE}"), ("旧主", None)]
    assert "free_number" in recorded(app)
    assert client.post("/api/v1/auth/login", json={"phone": PHONE, "password": PASSWORD}).status_code == 401


@pytest.mark.parametrize("moved", [True, False])
def test_the_new_holder_of_a_number_has_no_copy_of_what_was_sent_to_the_old_one(
    app: Flask, client: FlaskClient, clock: time_machine.Traveller, moved: bool
) -> None:
    old = Member(client, register(client, password=PASSWORD))
    if moved:
        new_one = {"current": PASSWORD, "password": "another password"}
        assert old.call("POST", "/me/password", new_one).status_code == 204
        assert old.call("POST", "/me/phone", ask(client, "phone", "13912345679")).status_code == 204
    else:
        clock.shift(LATER)
        with app.app_context(), unit_of_work() as session:
            post(session, "sms", f"+86{PHONE}", "stand_in")
    answer = register(client, name="新主")
    assert answer.status_code == 201
    told = Member(client, answer).call("GET", "/me/data").json["messages"]
    words = [message["body"] for message in told if message["body"]]
    assert words == ([texts(app)[0][1]] if moved else []) and len(words) == moved, (
        "at most that the number was given up"
    )


def test_the_old_holder_still_signed_in_keeps_the_account_and_proves_another_number(
    client: FlaskClient, clock: time_machine.Traveller
) -> None:
    old = Member(client, register(client, name="旧主"))
    token = old.tokens["refresh_token"]
    for _ in range(4):
        clock.shift(timedelta(days=25))
        token = client.post("/api/v1/auth/refresh", json={"refresh_token": token}).json["refresh_token"]
    register(client, name="新主")
    answer = client.post("/api/v1/auth/refresh", json={"refresh_token": token})
    old = Member(client, answer)
    assert (old.me["name"], old.me["phone"], old.me["prove_phone"]) == ("旧主", None, True)
    assert old.call("POST", "/me/phone", ask(client, "phone", "13912345679")).status_code == 204
    assert old.me["phone"] == "+8613912345679" and not old.me["prove_phone"]


@pytest.mark.parametrize("proof", [{"password": PASSWORD}, {"device_id": "my phone"}])
@pytest.mark.parametrize(("path", "purpose"), [("code-login", "sign_in"), ("register", "register")])
def test_the_holder_who_comes_back_after_long_is_known_by_password_or_device(
    client: FlaskClient, clock: time_machine.Traveller, proof: dict[str, str], path: str, purpose: str
) -> None:
    mine = Member(client, register(client, name="主人", password=PASSWORD, device_id="my phone"))
    account = mine.me["id"]
    clock.shift(LATER)
    more = {"name": "主人", "consent": "2026-11"} if path == "register" else {}
    answer = use(client, path, purpose, **more, **proof)
    assert answer.status_code == 200
    assert Member(client, answer).me["id"] == account
    assert Member(client, use(client, "code-login", "sign_in")).me["id"] == account  # the number is proved anew


def test_a_wrong_password_does_not_make_up_for_the_years(client: FlaskClient, clock: time_machine.Traveller) -> None:
    register(client, password=PASSWORD)
    clock.shift(LATER)
    assert use(client, "code-login", "sign_in", password="wrong").json["code"] == "number_not_enough"


def test_a_number_is_asked_to_be_proved_anew_in_time(client: FlaskClient, clock: time_machine.Traveller) -> None:
    register(client)
    clock.shift(timedelta(days=61))
    mine = Member(client, use(client, "code-login", "sign_in"))
    assert not mine.me["prove_phone"]
    clock.shift(timedelta(minutes=20))
    token = mine.tokens["refresh_token"]
    for _ in range(3):
        clock.shift(timedelta(days=21))
        answer = client.post("/api/v1/auth/refresh", json={"refresh_token": token})
        token = answer.json["refresh_token"]
    mine = Member(client, answer)
    assert mine.me["prove_phone"]
    assert mine.call("POST", "/me/phone", ask(client, "phone")).status_code == 204
    assert not mine.me["prove_phone"]


def test_an_account_out_of_use_gives_its_number_free(app: Flask, client: FlaskClient) -> None:
    old = Member(client, register(client, name="离任")).me["id"]
    with app.app_context(), unit_of_work() as session:
        session.execute(update(Account).where(Account.phone == f"+86{PHONE}").values(active=False))
    assert use(client, "code-login", "sign_in").json["code"] == "not_registered"
    answer = register(client, name="居民")
    assert answer.status_code == 201 and Member(client, answer).me["id"] != old


def test_what_was_done_is_on_record_without_a_number(app: Flask, client: FlaskClient) -> None:
    mine = Member(client, register(client))
    mine.call("POST", "/me/phone", ask(client, "phone", "13912345679"))
    assert recorded(app)[-4:] == ["create_account", "give_consent", "sign_in", "change_phone"]
    with app.app_context():
        told = b"".join(row.payload for row in rows(select(LedgerEntry.payload)))
    assert PHONE.encode() not in told and b"13912345679" not in told


def test_a_code_arrives_in_the_language_asked_for(app: Flask, client: FlaskClient) -> None:
    body = {"phone": PHONE, "purpose": "register"}
    client.post("/api/v1/auth/codes", json=body, headers={"Accept-Language": "en"})
    (code,) = codes_sent(app)
    assert texts(app)[-1][1] == f"{code} is your code to register, for 5 minutes. Tell it to nobody."


def test_a_code_that_is_none_is_told_what_one_looks_like(app: Flask) -> None:
    body = {"code_id": str(unknown_id()), "phone": PHONE, "code": "12345"}
    for lang, told in (("zh", "验证码是六位数字。"), ("en", "A code is six digits.")):
        headers = {"Accept-Language": lang}
        refused = app.test_client().post("/api/v1/auth/code-login", json=body, headers=headers)
        assert (refused.status_code, refused.json["errors"]) == (422, {"code": [told]})
