"""Two admins make a webhook; it is told, signed, of accepted cases what a masked reader sees, and of no other."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, update

from backend.cases.tables import Case
from backend.config import TOWN_ZONE
from backend.http.reading import rows
from backend.http.work import unit_of_work
from backend.outbox.sending import send_due
from backend.outbox.tables import OutboxMessage, Webhook
from backend.outbox.webhook_messages import CHANNEL, send_webhook, signed, tell_webhooks
from backend.people.accounts import NewAccount, create_account
from backend.people.passwords import hash_password
from tests.cases.test_protected import clear
from tests.outbox.gateway_server import Answer, Asked, Server, serving
from tests.town import PASSWORD, TOWN, People, Person, report

WORDS = "门前积水，王金丝雀"
Hook = dict[str, Any]


class Receiver:
    """Answers with the statuses given, then 204."""

    def __init__(self) -> None:
        self.statuses = list[int]()

    def __call__(self, _asked: Asked) -> Answer:
        return self.statuses.pop(0) if self.statuses else 204, {}, b""


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def server(app: Flask, receiver: Receiver) -> Iterator[Server]:
    with serving(receiver) as running:
        config = app.config["TOWN_CONFIG"]
        app.config["TOWN_CONFIG"] = replace(config, WEBHOOK_NETWORKS="127.0.0.0/8")
        yield running


@pytest.fixture
def second(app: Flask, people: People) -> Person:
    """Another admin."""
    with app.app_context(), unit_of_work() as session:
        newcomer = NewAccount("+8613900000099", "另一位管理员", "admin", TOWN)
        create_account(session, newcomer, hash_password(PASSWORD), datetime(2026, 1, 1, tzinfo=TOWN_ZONE))
    return Person(people.client, "13900000099")


def propose(people: People, url: str) -> Hook:
    answer = people["admin"].post("/webhooks", {"url": url, "purpose": "区网格平台"})
    assert answer.status_code == 201, answer.json
    told: Hook = answer.json
    return told


def confirm(person: Person, hook: Hook) -> Any:
    return person.post(f"/webhooks/{hook['id']}/confirm", {}, If_Match=f'"{hook["version"]}"')


@pytest.fixture
def hook(people: People, second: Person, server: Server) -> Hook:
    """A confirmed webhook with its secret."""
    made = propose(people, f"{server.address}/in")
    assert confirm(second, made).status_code == 200
    return made


def deliver(app: Flask) -> None:
    with app.app_context():
        tell_webhooks(datetime.now(TOWN_ZONE))
        while send_due(send_webhook, datetime.now(TOWN_ZONE), CHANNEL):
            pass


def told(server: Server) -> list[dict[str, Any]]:
    return [json.loads(asked.body) for asked in server.asked]


def test_the_signature_is_that_of_the_published_example() -> None:
    """https://github.com/standard-webhooks/standard-webhooks: any library that checks one checks ours."""
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = signed(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        b'{"test": 2432232314}',
        key,
        datetime.fromtimestamp(1614265330, UTC),
    )
    assert headers["webhook-timestamp"] == "1614265330"
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_webhook_is_told_signed_of_each_step_what_a_masked_reader_sees(
    app: Flask, people: People, hook: Hook, server: Server
) -> None:
    case = people["resident"].post("/cases", report(description=WORDS, address="甲秀巷77号")).json
    people["dispatcher"].act(case["id"], "accept", note=WORDS)
    people["dispatcher"].act(case["id"], "dispatch", department="sanitation")
    people["handler"].act(case["id"], "note", note=WORDS, internal=True)
    deliver(app)
    assert [(one["type"], one["data"]["status"]) for one in told(server)] == [
        ("case.accept", "accepted"),
        ("case.dispatch", "dispatched"),
    ]
    first = server.asked[0]
    assert set(told(server)[0]["data"]) == {
        "id", "number", "status", "version", "category", "village", "holder", "place",
    }  # fmt: skip
    assert WORDS not in first.body.decode() and "甲秀巷" not in first.body.decode()
    seen = people["inspector"].get(f"/cases/{case['id']}").json["location"]
    place = told(server)[0]["data"]["place"]
    assert (place["lon"], place["lat"]) == pytest.approx((seen["lon"], seen["lat"])) or seen != place
    assert abs(place["lon"] - case["location"]["lon"]) + abs(place["lat"] - case["location"]["lat"]) > 1e-6
    content = f"{first.headers['webhook-id']}.{first.headers['webhook-timestamp']}.".encode() + first.body
    key = base64.b64decode(hook["secret"].removeprefix("whsec_"))
    digest = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    assert first.headers["webhook-signature"] == f"v1,{digest}"
    assert abs(int(first.headers["webhook-timestamp"]) - datetime.now(UTC).timestamp()) < 60


def test_whoever_holds_a_case_by_name_is_told_to_no_webhook(
    app: Flask, people: People, hook: Hook, server: Server
) -> None:
    case, member = people["resident"].file()["id"], people["party_member"].get("/me").json["id"]
    people["dispatcher"].act(case, "accept")
    assert people["dispatcher"].act(case, "entrust", person=member).status_code == 200
    deliver(app)
    assert [one["data"]["holder"] for one in told(server)] == [None, None]


def test_nothing_is_told_of_what_is_not_accepted_or_protected(
    app: Flask, people: People, hook: Hook, server: Server
) -> None:
    clear(people)
    people["resident"].file()
    hidden = people["resident"].file(reporting="protected", description=WORDS)["id"]
    declined = people["resident"].file()["id"]
    people["dispatcher"].act(declined, "decline", reason="不属本镇")
    people["resident"].act(hidden, "withdraw")
    deliver(app)
    assert server.asked == []
    with app.app_context():
        assert rows(select(OutboxMessage.id).where(OutboxMessage.channel == CHANNEL)) == []


def test_what_was_made_secret_before_it_was_sent_stays_inside(
    app: Flask, people: People, hook: Hook, server: Server
) -> None:
    case = people["resident"].file()["id"]
    people["dispatcher"].act(case, "accept")
    with app.app_context():
        assert tell_webhooks(datetime.now(TOWN_ZONE)) == 1
        with unit_of_work() as session:
            session.execute(update(Case).values(reporting="protected"))
    deliver(app)
    assert server.asked == []


def test_a_message_that_fails_comes_again_under_its_id_with_a_fresh_signature(
    app: Flask, people: People, hook: Hook, server: Server, receiver: Receiver
) -> None:
    receiver.statuses += [500, 302]
    case = people["resident"].file()["id"]
    now = datetime.now(TOWN_ZONE)
    people["dispatcher"].act(case, "accept")
    for seconds in (0, 11, 40):
        with time_machine.travel(now + timedelta(seconds=seconds)):
            deliver(app)
    assert len(server.asked) == 3
    assert len({asked.headers["webhook-id"] for asked in server.asked}) == 1
    assert len({asked.headers["webhook-signature"] for asked in server.asked}) == 3


def test_each_change_is_told_once_however_often_it_is_looked_for(
    app: Flask, people: People, hook: Hook, server: Server
) -> None:
    case = people["resident"].file()["id"]
    people["dispatcher"].act(case, "accept")
    for _ in range(3):
        deliver(app)
    people["dispatcher"].act(case, "dispatch", department="sanitation")
    deliver(app)
    assert [one["data"]["version"] for one in told(server)] == [2, 3]


def test_a_webhook_hears_of_nothing_that_was_before_it_was_confirmed_or_after_it_was_ended(
    app: Flask, people: People, second: Person, server: Server
) -> None:
    case = people["resident"].file()["id"]
    people["dispatcher"].act(case, "accept")
    made = propose(people, f"{server.address}/in")
    deliver(app)
    confirmed = confirm(second, made).json
    deliver(app)
    assert server.asked == []
    people["dispatcher"].act(case, "dispatch", department="sanitation")
    with app.app_context():
        assert tell_webhooks(datetime.now(TOWN_ZONE)) == 1
    ended = people["admin"].post(f"/webhooks/{made['id']}/end", {}, If_Match=f'"{confirmed["version"]}"')
    assert ended.status_code == 200 and ended.json["ended_at"]
    deliver(app)
    assert server.asked == [], "what waits is not sent any more"


def test_nobody_confirms_what_they_proposed_and_nothing_is_confirmed_twice(
    people: People, second: Person, server: Server
) -> None:
    made = propose(people, f"{server.address}/in")
    own = confirm(people["admin"], made)
    assert (own.status_code, own.json["code"]) == (409, "second_admin_needed")
    assert confirm(second, made | {"version": 9}).status_code == 412
    confirmed = confirm(second, made)
    assert confirmed.status_code == 200
    again = confirm(second, confirmed.json)
    assert (again.status_code, again.json["code"]) == (409, "webhook_decided")


def test_the_secret_is_shown_once_and_kept_sealed(app: Flask, people: People, hook: Hook) -> None:
    assert hook["secret"].startswith("whsec_")
    listed = people["admin"].get("/webhooks").json["items"]
    assert [one["id"] for one in listed] == [hook["id"]] and "secret" not in listed[0]
    assert people["auditor"].get("/webhooks").json["items"] == listed
    with app.app_context():
        (kept,) = rows(select(Webhook.__table__))
    key = base64.b64decode(hook["secret"].removeprefix("whsec_"))
    assert hook["secret"].encode() not in kept.sealed and key not in kept.sealed


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1/in", "https://169.254.169.254/latest", "http://example.org/", "ftp://example.org/", "x"]
)
def test_an_address_inside_is_refused_when_it_is_proposed(people: People, url: str) -> None:
    answer = people["admin"].post("/webhooks", {"url": url, "purpose": "试"})
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["url"])


def test_an_address_that_comes_to_lie_inside_is_refused_when_it_is_sent_to(
    app: Flask, people: People, hook: Hook, server: Server
) -> None:
    app.config["TOWN_CONFIG"] = replace(app.config["TOWN_CONFIG"], WEBHOOK_NETWORKS="")
    case = people["resident"].file()["id"]
    people["dispatcher"].act(case, "accept")
    deliver(app)
    assert server.asked == []
    with app.app_context():
        found = rows(select(OutboxMessage.last_error).where(OutboxMessage.channel == CHANNEL))
    assert [one.last_error for one in found] == ["TargetRefused"]


def test_a_town_has_a_limited_number_of_them(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    from backend.outbox import webhooks

    monkeypatch.setattr(webhooks, "MOST", 1)
    assert propose(people, "https://example.org/in")["confirmed_at"] is None
    refused = people["admin"].post("/webhooks", {"url": "https://example.org/in", "purpose": "试"})
    assert (refused.status_code, refused.json["code"]) == (409, "too_many_webhooks")
