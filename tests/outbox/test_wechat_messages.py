"""Subscription messages go to WeChat as its documentation says, under one access token until that is over."""

import json
import uuid
from typing import Any

import pytest

from backend.outbox.calling import GatewayFailed
from backend.outbox.sending import Message, Sender, Undeliverable
from backend.outbox.wechat_messages import wechat_sender
from tests.outbox.gateway_server import Answer, Asked, serving

APP = ("wx0123456789abcdef", "0123456789abcdef0123456789abcdef")
MESSAGE = Message(uuid.UUID(int=1), "wechat", "o6_user", "您反映的事项有新进展。", "case_update", "zh")


class Wechat:
    """Gives tokens, and answers a sending as told."""

    def __init__(self, *numbers: int) -> None:
        self.numbers, self.tokens, self.sent = list(numbers), 0, list[dict[str, Any]]()

    def __call__(self, asked: Asked) -> Answer:
        told = self.answer(asked, json.loads(asked.body))
        return 200, {"Content-Type": "application/json"}, json.dumps(told).encode()

    def answer(self, asked: Asked, body: dict[str, Any]) -> dict[str, Any]:
        if asked.path == "/cgi-bin/stable_token":
            if (body["grant_type"], body["appid"], body["secret"]) != ("client_credential", *APP):
                return {"errcode": 40125, "errmsg": "invalid appsecret"}
            self.tokens += 1
            return {"access_token": f"token {self.tokens}", "expires_in": 7200}
        assert asked.path == "/cgi-bin/message/subscribe/send"
        if asked.query["access_token"] != f"token {self.tokens}":
            return {"errcode": 40001, "errmsg": "invalid credential"}
        self.sent.append(body)
        return {"errcode": self.numbers.pop(0) if self.numbers else 0, "errmsg": "told"}


def sender(address: str, clock: Any = lambda: 0.0, app: tuple[str, str] = APP) -> Sender:
    return wechat_sender(address, app, "TEMPLATE", "thing1", "pages/notices/index", clock)


def test_a_message_says_only_that_there_is_news() -> None:
    wechat = Wechat()
    with serving(wechat) as server:
        sender(server.address)(MESSAGE)
    assert wechat.sent == [
        {
            "touser": "o6_user",
            "template_id": "TEMPLATE",
            "page": "pages/notices/index",
            "miniprogram_state": "formal",
            "lang": "zh_CN",
            "data": {"thing1": {"value": "您有一条新通知"}},
        }
    ]


def test_a_token_is_asked_for_once_and_anew_shortly_before_its_end() -> None:
    wechat, now = Wechat(), [0.0]
    with serving(wechat) as server:
        send = sender(server.address, lambda: now[0])
        send(MESSAGE), send(MESSAGE)
        assert wechat.tokens == 1
        now[0] = 7200 - 299
        send(MESSAGE)
    assert (wechat.tokens, len(wechat.sent)) == (2, 3)


def test_a_token_that_wechat_gave_to_another_meanwhile_is_replaced() -> None:
    wechat = Wechat()
    with serving(wechat) as server:
        send = sender(server.address)
        send(MESSAGE)
        wechat.tokens += 1
        send(MESSAGE)
    assert len(wechat.sent) == 2


def test_who_has_not_subscribed_is_not_written_to_again() -> None:
    wechat = Wechat(43101)
    with serving(wechat) as server:
        sender(server.address)(MESSAGE)  # counts as sent: an error would have it sent again
    assert len(wechat.sent) == 1


@pytest.mark.parametrize(("number", "error"), [(-1, GatewayFailed), (45009, GatewayFailed), (40003, Undeliverable)])
def test_what_wechat_does_not_take_is_sent_again_or_given_up(number: int, error: type[Exception]) -> None:
    with serving(Wechat(number)) as server, pytest.raises(error):
        sender(server.address)(MESSAGE)


def test_a_wrong_secret_counts_as_not_sent() -> None:
    with serving(Wechat()) as server, pytest.raises(GatewayFailed):
        sender(server.address, app=("wx0123456789abcdef", "wrong"))(MESSAGE)


def test_the_heading_fits_into_what_wechat_takes() -> None:
    from backend.outbox.texts import title

    assert all(len(title(language)) <= 20 for language in ("zh", "en"))
