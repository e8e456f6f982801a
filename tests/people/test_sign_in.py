"""Signing in, staying signed in, and losing a token."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from backend.config import TOWN_ZONE
from backend.http.reading import rows
from backend.http.work import unit_of_work
from backend.people.phones import normal_phone
from backend.people.tables import Account, RoleAssignment, SignIn, Throttle
from backend.people.throttle import take_tries
from tests.town import PASSWORD, People, Person

NOON = datetime(2026, 11, 25, 12, tzinfo=TOWN_ZONE)


def refreshed(client: FlaskClient, token: str, **more: str) -> tuple[int, dict[str, str]]:
    answer = client.post("/api/v1/auth/refresh", json={"refresh_token": token, **more})
    return answer.status_code, answer.json or {}


def test_me_tells_who_i_am_and_what_i_may_do_where(people: People) -> None:
    me = people["handler"].get("/me").json
    assert me["roles"] == [{"role": "handler", "area_code": "440605121", "department": "sanitation"}]
    assert me["permissions"]["handle"] == ["440605121"] and "close" not in me["permissions"]


@pytest.mark.parametrize(
    "written", ["13800000001", "138 0000 0001", "+86 138-0000-0001", "008613800000001", "１３８０００００００１"]
)
def test_one_number_in_any_spelling_is_one_account(written: str) -> None:
    assert normal_phone(written) == "+8613800000001"


def test_unknown_number_and_wrong_password_are_answered_alike(client: FlaskClient) -> None:
    answers = [
        client.post("/api/v1/auth/login", json={"phone": phone, "password": "wrong"})
        for phone in ("13800000001", "13900000009")
    ]
    assert {answer.status_code for answer in answers} == {401} and answers[0].data == answers[1].data


def test_a_lost_refresh_answer_can_be_asked_for_again(client: FlaskClient) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        first = Person(client, "13800000001").tokens["refresh_token"]
        _, lost = refreshed(client, first)
        clock.shift(timedelta(seconds=30))
        status, again = refreshed(client, first)
        assert status == 200 and again["refresh_token"] == lost["refresh_token"]
        assert refreshed(client, again["refresh_token"])[0] == 200


def test_a_refresh_token_used_again_later_ends_the_sign_in(client: FlaskClient) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        person = Person(client, "13800000001")
        first = person.tokens["refresh_token"]
        _, second = refreshed(client, first)
        clock.shift(timedelta(minutes=5))
        status, problem = refreshed(client, first)
        assert (status, problem["code"]) == (401, "sign_in_ended")
        assert refreshed(client, second["refresh_token"])[0] == 401
        assert person.get("/me").json["code"] == "signed_out"


def test_another_device_ends_the_sign_in(client: FlaskClient) -> None:
    body = {"phone": "13800000001", "password": PASSWORD, "device_id": "phone A"}
    token = client.post("/api/v1/auth/login", json=body).json["refresh_token"]
    assert refreshed(client, token, device_id="phone B")[0] == 401
    assert refreshed(client, token, device_id="phone A")[0] == 401


def test_two_refreshes_at_once_get_the_same_successor(app: Flask) -> None:
    token = Person(app.test_client(), "13800000001").tokens["refresh_token"]
    start, found = threading.Barrier(4), []

    def race() -> None:
        racer = app.test_client()
        start.wait()
        found.append(refreshed(racer, token))

    threads = [threading.Thread(target=race) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert {status for status, _ in found} == {200}
    assert len({tokens["refresh_token"] for _, tokens in found}) == 1


def test_an_access_token_does_not_refresh_and_a_refresh_token_does_not_sign(client: FlaskClient) -> None:
    tokens = Person(client, "13800000001").tokens
    assert refreshed(client, tokens["access_token"])[0] == 401
    answer = client.get("/api/v1/me", headers={"Authorization": f"Bearer {tokens['refresh_token']}"})
    assert (answer.status_code, answer.json["code"]) == (401, "token_invalid")


def test_a_token_expires_and_says_so(client: FlaskClient) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        person = Person(client, "13800000001")
        assert person.get("/me").status_code == 200
        clock.shift(timedelta(minutes=31))
        assert person.get("/me").json["code"] == "token_expired"


def test_signing_out_kills_the_token_at_once(client: FlaskClient) -> None:
    person = Person(client, "13800000001")
    assert person.post("/auth/logout", {}).status_code == 204
    assert person.get("/me").json["code"] == "signed_out"
    assert refreshed(client, person.tokens["refresh_token"])[0] == 401


def test_a_role_taken_away_is_gone_at_the_next_request(app: Flask, people: People) -> None:
    assert people["dispatcher"].get("/cases").status_code == 200
    with app.app_context(), unit_of_work() as session:
        session.execute(
            update(RoleAssignment)
            .where(RoleAssignment.role == "dispatcher")
            .values(valid_to=datetime(2026, 1, 2, tzinfo=TOWN_ZONE).date())
        )
    assert people["dispatcher"].get("/cases").status_code == 404
    assert people["dispatcher"].get("/me").json["roles"] == []


def test_an_account_put_out_of_use_is_signed_out(app: Flask, people: People) -> None:
    assert people["resident"].get("/me").status_code == 200
    with app.app_context(), unit_of_work() as session:
        session.execute(update(Account).where(Account.phone == "+8613800000001").values(active=False))
    assert people["resident"].get("/me").json["code"] == "signed_out"
    assert refreshed(people["resident"].client, people["resident"].tokens["refresh_token"])[0] == 401


def test_guessing_is_slowed_down_before_the_password_is_looked_at_and_never_locks_out(client: FlaskClient) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        codes = []
        for _ in range(20):
            answer = client.post("/api/v1/auth/login", json={"phone": "13800000001", "password": "wrong"})
            codes.append(answer.status_code)
        assert codes[:5] == [401] * 5 and set(codes[5:]) == {429}
        assert int(answer.headers["Retry-After"]) >= 1
        clock.shift(timedelta(minutes=1, seconds=1))
        right = client.post("/api/v1/auth/login", json={"phone": "13800000001", "password": PASSWORD})
        assert right.status_code == 200


def test_who_tried_is_kept_as_a_keyed_hash_only(app: Flask, client: FlaskClient) -> None:
    client.post("/api/v1/auth/login", json={"phone": "13812345678", "password": "wrong"})
    with app.app_context():
        kept = " ".join(f"{row.bucket} {row.subject}" for row in rows(select(Throttle.bucket, Throttle.subject)))
    assert "sign_in_account" in kept and "13812345678" not in kept and "127.0.0.1" not in kept


def test_the_end_of_a_stolen_sign_in_is_kept_although_the_answer_is_an_error(app: Flask, client: FlaskClient) -> None:
    body = {"phone": "13800000001", "password": PASSWORD, "device_id": "phone A"}
    token = client.post("/api/v1/auth/login", json=body).json["refresh_token"]
    refreshed(client, token, device_id="phone B")
    with app.app_context():
        assert [row.revoked_why for row in rows(select(SignIn.revoked_why))] == ["token_reused"]


def test_a_success_forgives_no_tries_at_the_accounts_of_others(app: Flask, client: FlaskClient) -> None:
    own = {"phone": "13800000001", "password": PASSWORD}
    for phone in ("13900000001", "13900000002", "13900000003"):
        client.post("/api/v1/auth/login", json={"phone": phone, "password": "wrong"})
        assert client.post("/api/v1/auth/login", json=own).status_code == 200
    with app.app_context():
        counted = rows(select(Throttle.tries).where(Throttle.bucket == "sign_in_address"))
    assert [row.tries for row in counted] == [3]


def test_a_demo_account_is_signed_in_from_this_machine_only(client: FlaskClient) -> None:
    body = {"phone": "13800000001", "password": PASSWORD}
    wrong = client.post("/api/v1/auth/login", json=body | {"password": "wrong"})
    away = client.post("/api/v1/auth/login", json=body, environ_overrides={"REMOTE_ADDR": "192.168.1.7"})
    assert (away.status_code, away.data) == (401, wrong.data)
    assert client.post("/api/v1/auth/login", json=body, environ_overrides={"REMOTE_ADDR": "::1"}).status_code == 200


def test_of_several_at_once_none_is_held_up_because_another_was_counted_first(app: Flask) -> None:
    with app.app_context():
        for seconds in (1, 0):  # the later one got the row's lock first
            take_tries(NOON + timedelta(seconds=seconds), sign_in_address="127.0.0.1")
        assert [found.tries for found in rows(select(Throttle.tries))] == [2]
