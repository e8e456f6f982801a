"""Every bucket slows down as it declares, alone, and none ever keeps the owner of an account waiting for long."""

from __future__ import annotations

import re
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from backend.config import TOWN_ZONE
from backend.http.reading import rows
from backend.http.work import unit_of_work
from backend.people import hashing, joining, passwords, sign_in
from backend.people.tables import Account, Throttle
from backend.people.throttle import BUCKETS, Bucket
from tests.town import HOME, PASSWORD, Person, proof, unknown_id

NOON = datetime(2026, 11, 25, 12, tzinfo=TOWN_ZONE)
Sent = tuple[str, dict[str, Any], str]
"""Path, body and the address it comes from."""


def away(number: int) -> str:
    return f"10.1.{number // 250}.{number % 250 + 1}"


def login(phone: str, **more: str) -> dict[str, Any]:
    return {"phone": phone, "password": "wrong", **more}


def spent(number: int) -> dict[str, Any]:
    return {"code_id": unknown_id(), "phone": f"1390000{number:04d}", "code": "123456"}


TRIES: dict[str, Callable[[int], Sent]] = {
    "sign_in_address": lambda n: ("/auth/login", login(f"1390000{n:04d}"), "10.0.0.1"),
    "sign_in_account": lambda n: ("/auth/login", login("13900000001"), away(n)),
    "sign_in_device": lambda n: ("/auth/login", login("13800000001", device_id="mine"), away(n)),
    "code_address": lambda n: ("/auth/codes", {"phone": f"1390000{n:04d}", "purpose": "register"}, "10.0.0.1"),
    "code_phone": lambda n: ("/auth/codes", {"phone": "13900000001", "purpose": "sign_in"}, away(n)),
    "code_use": lambda n: ("/auth/code-login", spent(n), "10.0.0.1"),
    "code_password": lambda n: ("/auth/code-login", {"code_for": "sign_in"} | login("13800000001"), away(n)),
    "email": lambda n: ("/me/notices/email", {"email": f"a{n}@example.org"}, away(n)),
    "password": lambda n: ("/me/password", {"current": "wrong", "password": "another password"}, away(n)),
    "wechat": lambda _: ("/auth/wechat", {"wechat_code": "x"}, "10.0.0.1"),
    "filing": lambda _: ("/filings", {"category": "litter", "description": "x", "location": HOME}, "10.0.0.1"),
    "suggestion": lambda _: ("/suggestions", {"description": "路灯不亮"}, "10.0.0.1"),
    "receipt": lambda _: ("/receipt/actions", {"action": "withdraw"}, "10.0.0.1"),
}
"""For each bucket its nth try, by somebody who is new to every other bucket."""


class Trying:
    """Somebody who tries a bucket again and again."""

    def __init__(self, client: FlaskClient, bucket: str) -> None:
        self.client, self.bucket, self.number = client, bucket, 0
        body = {"phone": "13800000001", "password": PASSWORD, "device_id": "mine"}
        signed_in = client.post("/api/v1/auth/login", json=body)
        self.headers = (
            {"Authorization": f"Bearer {signed_in.json['access_token']}"} if bucket in ("email", "password") else {}
        )

    def once(self) -> TestResponse:
        """The next try."""
        self.number += 1
        path, body, address = TRIES[self.bucket](self.number)
        if purpose := body.pop("code_for", None):
            body |= proof(self.client.application, body["phone"], purpose)
        environ = {"REMOTE_ADDR": address}
        return self.client.post(f"/api/v1{path}", json=body, headers=self.headers, environ_overrides=environ)


def waits(rule: Bucket) -> Iterator[int]:
    """The seconds to wait after the free tries, as long as they grow, and once more."""
    wait = rule.first
    while wait < rule.longest:
        yield int(wait.total_seconds())
        wait *= 2
    yield from [int(rule.longest.total_seconds())] * 2


@pytest.fixture
def hashing_as_shipped(shipped_hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "_hasher", shipped_hasher)


@pytest.fixture
def no_hashing(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Passwords are looked at in no time, and found wrong unless they are right; gives those looked at."""
    looked_at = list[str]()

    def fits(password: str, hashed: str | None) -> bool:
        looked_at.append(password)
        return password == PASSWORD and hashed is not None

    for room in (sign_in, joining):
        monkeypatch.setattr(room, "password_fits", fits)
    return looked_at


@pytest.mark.sql
@pytest.mark.usefixtures("no_hashing")
@pytest.mark.parametrize("bucket", BUCKETS)
def test_each_bucket_alone_delays_as_it_declares_and_forgives_after_its_quiet(
    app: Flask, client: FlaskClient, bucket: str
) -> None:
    rule = BUCKETS[bucket]
    with time_machine.travel(NOON, tick=False) as clock:
        trying = Trying(client, bucket)
        assert 429 not in {trying.once().status_code for _ in range(rule.free)}
        for wait in waits(rule):
            refused = trying.once()
            assert (refused.status_code, refused.json["code"]) == (429, "too_many_tries")
            assert refused.headers["Retry-After"] == str(wait) and refused.json["seconds"] == wait
            clock.shift(timedelta(seconds=wait - 1))
            assert trying.once().status_code == 429
            clock.shift(timedelta(seconds=1))
            assert trying.once().status_code != 429
        with app.app_context():
            assert {row.bucket for row in rows(select(Throttle.bucket).where(Throttle.wait > 0))} == {bucket}
        clock.shift(rule.quiet + timedelta(seconds=1))
        assert [trying.once().status_code == 429 for _ in range(2)] == [False, False]


def test_no_bucket_delays_longer_than_a_quarter_of_an_hour_nor_forgives_before_its_wait_is_over() -> None:
    for rule in BUCKETS.values():
        assert rule.first <= rule.longest <= timedelta(minutes=15)
        assert rule.longest < rule.quiet


def test_the_page_shows_the_buckets() -> None:
    def plain(span: timedelta) -> str:
        seconds = int(span.total_seconds())
        return f"{seconds} s" if seconds < 60 else f"{seconds // 60} min"

    table = ["| bucket | per | routes | free | first wait | longest | forgets after |", "|---|---|---|---|---|---|---|"]
    table += [
        f"| {name} | {rule.per} | {', '.join(rule.routes)} | {rule.free} | {plain(rule.first)} | "
        f"{plain(rule.longest)} | {plain(rule.quiet)} |"
        for name, rule in BUCKETS.items()
    ]
    assert "\n".join(table) in (Path(__file__).parent.parent.parent / "docs" / "people.md").read_text()


def test_every_route_that_a_bucket_names_exists_and_has_been_tried(app: Flask) -> None:
    rules = {rule.rule for rule in app.url_map.iter_rules()}
    for name, bucket in BUCKETS.items():
        assert {f"/api/v1{path}" for path in bucket.routes} <= rules, name
        assert TRIES[name](1)[0] in bucket.routes


@pytest.mark.parametrize("path", BUCKETS["code_use"].routes)
def test_every_route_that_takes_a_code_counts_its_use(client: FlaskClient, app: Flask, path: str) -> None:
    more = {"/auth/register": {"name": "甲", "consent": "2026-11"}, "/auth/password": {"password": "another password"}}
    headers = Person(client, "13800000001").headers
    answer = client.post(f"/api/v1{path}", json=spent(1) | more.get(path, {}), headers=headers)
    assert (answer.status_code, answer.json["code"]) == (401, "wrong_code")
    with app.app_context():
        assert [row.tries for row in rows(select(Throttle.tries).where(Throttle.bucket == "code_use"))] == [1]


@pytest.mark.counted
@pytest.mark.parametrize(("from_everywhere", "signed_in"), [(False, False), (True, True)])
def test_of_a_thousand_sign_ins_a_minute_ten_at_most_reach_the_password(
    client: FlaskClient, no_hashing: list[str], from_everywhere: bool, signed_in: bool, record_property: Any
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        headers = Person(client, "13800000002").headers if signed_in else {}
        no_hashing.clear()
        for number in range(1_000):
            environ = {"REMOTE_ADDR": away(number) if from_everywhere else "10.0.0.1"}
            client.post("/api/v1/auth/login", json=login("13800000001"), headers=headers, environ_overrides=environ)
            clock.shift(timedelta(seconds=0.06))
    record_property("throttle", f"of 1,000 sign-ins in a minute {len(no_hashing)} reached the password")
    assert 5 <= len(no_hashing) <= 10


@pytest.mark.parametrize("path", BUCKETS["code_use"].routes[:3])
def test_without_a_right_code_no_password_is_looked_at_and_none_is_hashed(
    client: FlaskClient, no_hashing: list[str], monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(joining, "hash_password", no_hashing.append)
    told = {"password": "another password"} | (
        {"name": "甲", "consent": "2026-11"} if path.endswith("register") else {}
    )
    for number in range(20):
        answer = client.post(f"/api/v1{path}", json=spent(0) | told, environ_overrides={"REMOTE_ADDR": away(number)})
        assert (answer.status_code, answer.json["code"]) == (401, "wrong_code")
    assert no_hashing == []


@pytest.mark.prove
def test_others_hardly_notice_a_thousand_sign_ins_a_minute_on_one_account(
    app: Flask, hashing_as_shipped: None, record_property: Callable[[str, object], None]
) -> None:
    with app.app_context(), unit_of_work() as session:
        session.execute(update(Account).values(password_hash=passwords.hash_password(PASSWORD)))
    mine = Person(app.test_client(), "13800000001")
    stop, attacking = threading.Event(), threading.Event()

    def attack() -> None:
        client = app.test_client()
        while not stop.wait(0.06):
            if attacking.is_set():
                client.post(
                    "/api/v1/auth/login", json=login("13800000002"), environ_overrides={"REMOTE_ADDR": "10.0.0.1"}
                )

    def slow_ones() -> float:
        times = []
        for _ in range(200):
            started = time.perf_counter()
            assert mine.get("/me").status_code == 200
            times.append((time.perf_counter() - started) * 1000)
            stop.wait(0.01)
        return statistics.quantiles(times, n=20)[-1]

    attacker = threading.Thread(target=attack)
    attacker.start()
    p95: dict[bool, list[float]] = {False: [], True: []}
    try:
        for attacked in [False, True] * 6:
            (attacking.set if attacked else attacking.clear)()
            p95[attacked].append(slow_ones())
    finally:
        stop.set()
        attacker.join()
    idle, under = (statistics.median(p95[attacked]) for attacked in (False, True))
    record_property("throttle", f"others' p95 {idle:.1f} ms idle, {under:.1f} ms under attack")
    assert under < 2 * idle


@pytest.mark.usefixtures("no_hashing")
def test_a_stranger_who_tries_without_end_keeps_the_owner_out_for_a_quarter_of_an_hour_at_most(
    client: FlaskClient,
) -> None:
    """At a device that is new; somebody patient, and unlucky: always just after the stranger."""
    right = {"phone": "13800000001", "password": PASSWORD}
    with time_machine.travel(NOON, tick=False) as clock:
        for second in range(900):
            clock.shift(timedelta(seconds=1))
            stranger = {"REMOTE_ADDR": "10.0.0.1"}
            client.post("/api/v1/auth/login", json=login("13800000001"), environ_overrides=stranger)
            if second % 20 == 10 and client.post("/api/v1/auth/login", json=right).status_code == 200:
                break
        else:
            pytest.fail("kept out for a quarter of an hour")
        assert second > 60


@pytest.mark.usefixtures("no_hashing")
def test_at_their_own_device_owners_wait_for_no_stranger_and_not_for_thousands(client: FlaskClient) -> None:
    own = {"phone": "13800000001", "password": PASSWORD, "device_id": "mine"}
    with time_machine.travel(NOON, tick=False) as clock:
        assert client.post("/api/v1/auth/login", json=own).status_code == 200
        for second in range(300):
            clock.shift(timedelta(seconds=1))
            stranger = {"REMOTE_ADDR": away(second)}
            client.post("/api/v1/auth/login", json=login("13800000001"), environ_overrides=stranger)
            if second % 50 == 49:
                elsewhere = client.post("/api/v1/auth/login", json=own | {"device_id": "guessed"})
                assert elsewhere.status_code == 429
                assert client.post("/api/v1/auth/login", json=own).status_code == 200


def test_all_addresses_of_a_line_count_as_one(client: FlaskClient) -> None:
    def ask(number: int, address: str) -> int:
        body = {"phone": f"1390000{number:04d}", "purpose": "register"}
        environ = {"REMOTE_ADDR": address}
        return client.post("/api/v1/auth/codes", json=body, environ_overrides=environ).status_code

    free = BUCKETS["code_address"].free
    assert {ask(number, f"2001:db8:0:1::{number + 1:x}") for number in range(free)} == {202}
    assert ask(free, "2001:db8:0:1:ffff::1") == 429
    others = ("2001:db8:0:2::1", "::ffff:192.0.2.1", "::ffff:192.0.2.2")
    assert {ask(free + number, address) for number, address in enumerate(others, 1)} == {202}
    assert {ask(100 + number, "::ffff:192.0.2.1") for number in range(free)} == {202, 429}
    assert ask(200, "::ffff:192.0.2.2") == 202, "an address of IPv4 written so is one of its own"


def test_an_address_is_hashed_anew_each_day_and_no_subject_can_be_read(app: Flask, client: FlaskClient) -> None:
    subjects = set()
    for day in range(3):
        with time_machine.travel(NOON + timedelta(days=day), tick=False):
            client.post("/api/v1/auth/login", json=login("13900000001"), environ_overrides={"REMOTE_ADDR": "10.7.7.7"})
    with app.app_context():
        for row in rows(select(Throttle.bucket, Throttle.subject)):
            assert re.fullmatch("[0-9a-f]{64}", row.subject)
            subjects.add((row.bucket, row.subject))
    assert sorted(bucket for bucket, _ in subjects) == ["sign_in_account"] + ["sign_in_address"] * 3


def test_the_password_is_looked_at_by_argon2id(hashing_as_shipped: None) -> None:
    assert passwords.hash_password("x").startswith("$argon2id$v=19$m=19456,t=2,p=1$")
