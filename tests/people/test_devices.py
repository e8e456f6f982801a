"""The list of one's devices, signing them out, and refresh tokens that are lost or stolen."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from backend.config import TOWN_ZONE
from backend.http.reading import rows
from backend.http.work import unit_of_work
from backend.ledger.tables import LedgerEntry
from backend.people.sign_in import KEPT, forget_sign_ins
from backend.people.tables import Account, RoleAssignment, SignIn
from tests.people.joiners import PHONE, Member, register, texts, use
from tests.town import People, Person, unknown_id

NOON = datetime(2026, 11, 25, 12, tzinfo=TOWN_ZONE)


def items(member: Member) -> list[dict[str, Any]]:
    answer = member.call("GET", "/me/sign-ins")
    assert answer.status_code == 200
    listed: list[dict[str, Any]] = answer.json["items"]
    return listed


def refreshed(client: FlaskClient, token: str, device: str | None = None) -> tuple[int, dict[str, str]]:
    body = {"refresh_token": token} | ({"device_id": device} if device else {})
    answer = client.post("/api/v1/auth/refresh", json=body)
    return answer.status_code, answer.json or {}


def test_my_sign_ins_are_listed_with_the_names_their_devices_gave(client: FlaskClient) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        first = Member(client, register(client, device_id="secret", device_name="旧手机"))
        clock.shift(timedelta(hours=1))
        refreshed(client, first.tokens["refresh_token"], "secret")
        clock.shift(timedelta(hours=1))
        mine = Member(client, use(client, "code-login", "sign_in", device_name="新手机"))
        listed = items(mine)
    assert [(one["device"], one["this_one"], one["ended_at"]) for one in listed] == [
        ("新手机", True, None),
        ("旧手机", False, None),
    ]
    assert (listed[1]["since"], listed[1]["last_used_at"]) == ("2026-11-25T12:00:00+08:00", "2026-11-25T13:00:00+08:00")
    assert "secret" not in str(listed)


def test_one_sign_in_is_ended_and_shown_as_ended(client: FlaskClient) -> None:
    other, mine = Member(client, register(client)), Member(client, use(client, "code-login", "sign_in"))
    (which,) = [one["id"] for one in items(mine) if not one["this_one"]]
    assert mine.call("DELETE", f"/me/sign-ins/{which}").status_code == 204
    assert other.call("GET", "/me").json["code"] == "signed_out"
    assert refreshed(client, other.tokens["refresh_token"])[0] == 401
    assert [one["ended_why"] for one in items(mine)] == [None, "signed_out"]
    assert mine.call("DELETE", f"/me/sign-ins/{which}").status_code == 404


def test_somebody_elses_sign_in_is_not_there(client: FlaskClient) -> None:
    mine, theirs = Member(client, register(client)), Member(client, register(client, "13912345679"))
    which = items(theirs)[0]["id"]
    answers = [mine.call("DELETE", f"/me/sign-ins/{sign_in}") for sign_in in (which, unknown_id())]
    assert {answer.status_code for answer in answers} == {404} and answers[0].data == answers[1].data
    assert theirs.call("GET", "/me").status_code == 200


def test_all_others_are_ended_at_once(client: FlaskClient) -> None:
    others = [Member(client, register(client)), Member(client, use(client, "code-login", "sign_in"))]
    mine = Member(client, use(client, "code-login", "sign_in"))
    assert mine.call("DELETE", "/me/sign-ins").status_code == 204
    assert [member.call("GET", "/me").status_code for member in (*others, mine)] == [401, 401, 200]


def test_a_sign_in_whose_tokens_ran_out_is_not_listed_and_after_half_a_year_forgotten(
    app: Flask, client: FlaskClient
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        register(client)
        clock.shift(timedelta(days=31))
        mine = Member(client, use(client, "code-login", "sign_in"))
        assert [one["this_one"] for one in items(mine)] == [True]
        with app.app_context():
            with unit_of_work() as session:
                forget_sign_ins(session, NOON + KEPT + timedelta(days=1))
            assert len(rows(select(SignIn.id))) == 1


def test_a_stolen_refresh_token_ends_the_sign_in_and_its_owner_is_told(app: Flask, client: FlaskClient) -> None:
    mine = Member(client, register(client, device_id="my phone"))
    assert refreshed(client, mine.tokens["refresh_token"], "another phone")[0] == 401
    assert texts(app)[-1][0] == "sign_in_stolen"
    again = Member(client, use(client, "code-login", "sign_in"))
    assert [one["ended_why"] for one in items(again)] == [None, "token_reused"]
    with app.app_context():
        told = rows(select(LedgerEntry.payload).where(LedgerEntry.action == "end_sign_in"))
    assert len(told) == 1 and b"token_reused" in told[0].payload


def test_its_owner_is_told_once_however_often_the_dead_token_is_tried(app: Flask, client: FlaskClient) -> None:
    mine = Member(client, register(client, device_id="my phone"))
    for _ in range(5):
        refreshed(client, mine.tokens["refresh_token"], "another phone")
    assert [name for name, _ in texts(app)].count("sign_in_stolen") == 1


def lose_answers(app: Flask, times: int) -> None:
    """Refresh so often, each time losing the answer and asking again, sometimes two at once."""
    client = app.test_client()
    with time_machine.travel(NOON, tick=False) as clock:
        token = Person(client, "13800000001").tokens["refresh_token"]
        for number in range(times):
            _, lost = refreshed(client, token)
            clock.shift(timedelta(seconds=number % 60))
            status, again = refreshed(client, token)
            assert (status, again["refresh_token"]) == (200, lost["refresh_token"]), number
            token = again["refresh_token"]
            clock.shift(timedelta(minutes=1))
        assert refreshed(client, token)[0] == 200


def race(app: Flask, times: int) -> None:
    """Two at once get the same successor, each time."""
    token = Person(app.test_client(), "13800000001").tokens["refresh_token"]
    for _ in range(times):
        start, found = threading.Barrier(2), list[tuple[int, dict[str, str]]]()

        def one(token: str = token, start: threading.Barrier = start, found: list[Any] = found) -> None:
            racer = app.test_client()
            start.wait()
            found.append(refreshed(racer, token))

        threads = [threading.Thread(target=one) for _ in range(2)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        assert [status for status, _ in found] == [200, 200]
        (token,) = {tokens["refresh_token"] for _, tokens in found}


def steal(app: Flask, times: int) -> None:
    """Reuse after the grace, or from another device, ends the sign-in each time."""
    client = app.test_client()
    with time_machine.travel(NOON, tick=False) as clock:
        register(client, device_id="mine", password="a long password")
        body = {"phone": PHONE, "password": "a long password", "device_id": "mine"}
        for number in range(times):
            first = client.post("/api/v1/auth/login", json=body).json["refresh_token"]
            _, second = refreshed(client, first, "mine")
            if number % 2:
                clock.shift(timedelta(seconds=61))
                assert refreshed(client, first, "mine")[0] == 401
            else:
                assert refreshed(client, second["refresh_token"], "a thief's")[0] == 401
            assert refreshed(client, second["refresh_token"], "mine")[0] == 401
    assert [name for name, _ in texts(app)].count("sign_in_stolen") == times


def change_roles(app: Flask, times: int) -> None:
    """A role given or taken is there, or gone, at the very next request, with the token of before."""
    people = People(app.test_client())
    dispatcher = people["dispatcher"]
    for number in range(times):
        gone = number % 2 == 0
        day = datetime(2026, 1, 2, tzinfo=TOWN_ZONE).date() if gone else None
        with app.app_context(), unit_of_work() as session:
            mine = select(Account.id).where(Account.phone == "+8613800000006").scalar_subquery()
            session.execute(update(RoleAssignment).where(RoleAssignment.account_id == mine).values(valid_to=day))
        assert dispatcher.get("/cases").status_code == (404 if gone else 200), number


PROOFS: dict[Callable[[Flask, int], None], tuple[int, int]] = {
    lose_answers: (40, 1_000),
    race: (10, 200),
    steal: (6, 100),
    change_roles: (10, 500),
}
"""Each with how often it is done in every test run, and how often by `make prove`."""


@pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: proof.__name__)
def test_refresh_tokens_survive_lost_answers_and_die_when_stolen(
    app: Flask, proof: Callable[[Flask, int], None]
) -> None:
    proof(app, PROOFS[proof][0])


@pytest.mark.prove
@pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: proof.__name__)
def test_refresh_tokens_do_so_for_long(
    app: Flask, proof: Callable[[Flask, int], None], record_property: Callable[[str, object], None]
) -> None:
    proof(app, PROOFS[proof][1])
    record_property("sessions", f"{proof.__name__}: {PROOFS[proof][1]} times, no fault")
