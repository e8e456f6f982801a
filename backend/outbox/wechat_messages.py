"""WeChat subscription messages (订阅消息): subscribeMessage.send, with the access token of the mini-program.

https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/mp-message-management/subscribe-message/sendMessage.html and
https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/mp-access-token/getStableAccessToken.html. A person has to
have subscribed in the mini-program; who has not is not told this way.
"""

import time
from collections.abc import Callable, Mapping
from urllib.parse import urlencode

import orjson

from backend.outbox.calling import GatewayFailed, call
from backend.outbox.sending import Message, Sender, Undeliverable
from backend.outbox.texts import title

_TOKEN_DEAD = {40001, 40014, 42001}
_NOT_SUBSCRIBED = 43101
_NO_USE = {40003, 40037, 41030, 47003}
"""No such user here, or a template, page or field that the mini-program does not have."""
_LANGUAGES = {"zh": "zh_CN", "en": "en_US"}
EARLY_SECONDS = 300


class _Token:
    """The access token, asked for again shortly before its time is over."""

    def __init__(self, address: str, app: tuple[str, str], clock: Callable[[], float]) -> None:
        self._address, self._app, self._clock = address, app, clock
        self._held, self._until = "", 0.0

    def get(self, anew: bool = False) -> str:
        """The token. Raises GatewayFailed."""
        if anew or not self._held or self._clock() > self._until:
            wanted = {"grant_type": "client_credential", "appid": self._app[0], "secret": self._app[1]}
            told = call(
                "POST",
                f"{self._address}/cgi-bin/stable_token",
                {"Content-Type": "application/json"},
                orjson.dumps(wanted | {"force_refresh": anew}),
            )
            if not isinstance(told.get("access_token"), str):
                raise GatewayFailed
            self._held = told["access_token"]
            self._until = self._clock() + float(told.get("expires_in", 0)) - EARLY_SECONDS
        return self._held


def wechat_sender(
    address: str,
    app: tuple[str, str],
    template: str,
    field: str,
    page: str,
    clock: Callable[[], float] = time.monotonic,
) -> Sender:
    """A sender for a mini-program (`app`: AppID, AppSecret): `template` is its subscription message's id, `field` the
    keyword in it that says what is new (thing…), `page` where the message leads."""
    address = address.rstrip("/")
    token = _Token(address, app, clock)

    def send(message: Message) -> None:
        body = {
            "touser": message.address,
            "template_id": template,
            "page": page,
            "miniprogram_state": "formal",
            "lang": _LANGUAGES[message.language],
            "data": {field: {"value": title(message.language)}},
        }
        number = _send(address, token.get(), body)
        if number in _TOKEN_DEAD:
            number = _send(address, token.get(anew=True), body)
        if number in _NO_USE:
            raise Undeliverable
        if number not in (0, _NOT_SUBSCRIBED):
            raise GatewayFailed

    return send


def _send(address: str, token: str, body: Mapping[str, object]) -> object:
    path = f"{address}/cgi-bin/message/subscribe/send?{urlencode({'access_token': token})}"
    return call("POST", path, {"Content-Type": "application/json"}, orjson.dumps(body)).get("errcode")
