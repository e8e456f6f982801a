"""Signing in by WeChat: the code of a mini-program, an account linked by a phone, and what WeChat may answer."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from backend.extensions import Base
from backend.http.reading import rows
from backend.http.work import unit_of_work
from backend.people import wechat
from backend.people.tables import Account
from tests.people.joiners import Member, register, use
from tests.people.wechat_server import APP_SECRET, SESSION_KEY, WechatServer


@pytest.fixture
def server(app: Flask) -> Iterator[WechatServer]:
    served = WechatServer()
    served.serve(app)
    yield served
    served.close()


def enter(client: FlaskClient, code: str) -> TestResponse:
    return client.post("/api/v1/auth/wechat", json={"wechat_code": code})


@pytest.mark.usefixtures("server")
def test_a_wechat_user_is_linked_by_registering_and_then_signs_in_without_a_code(client: FlaskClient) -> None:
    unknown = enter(client, "mei")
    assert (unknown.status_code, unknown.json["code"]) == (409, "wechat_not_linked")
    joined = Member(client, register(client, wechat_code="mei"))
    assert Member(client, enter(client, "mei")).me["id"] == joined.me["id"]


@pytest.mark.usefixtures("server")
def test_an_account_there_is_linked_by_a_code_to_its_phone_and_to_one_account_only(client: FlaskClient) -> None:
    first, other = Member(client, register(client)), Member(client, register(client, "13912345679"))
    assert use(client, "code-login", "sign_in", wechat_code="mei").status_code == 200
    assert Member(client, enter(client, "mei")).me["id"] == first.me["id"]
    assert use(client, "code-login", "sign_in", "13912345679", wechat_code="mei").status_code == 200
    assert Member(client, enter(client, "mei")).me["id"] == other.me["id"]


@pytest.mark.usefixtures("server")
def test_nobody_is_linked_by_a_wrong_code_to_the_phone(app: Flask, client: FlaskClient) -> None:
    register(client)
    body = {"code_id": "9f0f2b4e-7f1f-4c57-8f39-1f7ef6c1e000", "phone": "13912345678", "code": "123456"}
    assert client.post("/api/v1/auth/code-login", json=body | {"wechat_code": "mei"}).json["code"] == "wrong_code"
    assert enter(client, "mei").json["code"] == "wechat_not_linked"


def test_wechat_is_asked_as_it_documents(server: WechatServer, client: FlaskClient) -> None:
    enter(client, "a&b=c d?")
    (asked,) = server.asked
    assert asked["js_code"] == "a&b=c d?" and asked["grant_type"] == "authorization_code"


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    ("code", "status", "problem"),
    [
        ("invalid", 401, "wrong_wechat_code"),  # 40029
        ("used", 401, "wrong_wechat_code"),  # 40163
        ("often", 429, "wechat_busy"),  # 45011
        ("risky", 403, "wechat_refuses"),  # 40226
        ("busy", 503, "wechat_unavailable"),  # -1
        ("misconfigured", 503, "wechat_unavailable"),  # 40125
        ("html", 503, "wechat_unavailable"),
        ("list", 503, "wechat_unavailable"),
        ("moved", 503, "wechat_unavailable"),
    ],
)
@pytest.mark.parametrize("path", ["wechat", "register"])
def test_each_error_of_wechat_is_told_as_what_it_means(
    client: FlaskClient, code: str, status: int, problem: str, path: str
) -> None:
    answer = enter(client, code) if path == "wechat" else register(client, wechat_code=code)
    assert (answer.status_code, answer.json["code"]) == (status, problem)
    assert ("Retry-After" in answer.headers) is (status == 429)


def test_a_slow_answer_is_not_waited_for(
    server: WechatServer, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert wechat.TIMEOUT_SECONDS <= 5
    monkeypatch.setattr(wechat, "TIMEOUT_SECONDS", 0.1)
    assert enter(client, "slow").json["code"] == "wechat_unavailable"
    server.open.set()


def test_a_wechat_that_is_not_there_is_told_so(app: Flask, server: WechatServer, client: FlaskClient) -> None:
    config = app.config["TOWN_CONFIG"]
    app.config["TOWN_CONFIG"] = dataclasses.replace(config, WECHAT_API="http://127.0.0.1:9")
    assert enter(client, "mei").json["code"] == "wechat_unavailable"
    assert server.asked == []


def test_without_its_settings_wechat_is_off(client: FlaskClient) -> None:
    assert (enter(client, "mei").status_code, enter(client, "mei").json["code"]) == (409, "wechat_off")


@pytest.mark.usefixtures("server")
def test_the_session_key_and_the_secret_are_nowhere(app: Flask, client: FlaskClient) -> None:
    with capture_logs() as logs:
        register(client, wechat_code="mei")
        for code in ("mei", "invalid", "busy", "misconfigured", "html", "moved"):
            enter(client, code)
    kept = str(logs)
    with app.app_context():
        for table in Base.metadata.sorted_tables:
            with unit_of_work() as session:
                kept += str(session.execute(text(f'SELECT * FROM "{table.name}"')).all())
        assert "o6_mei" in [row.wechat_openid for row in rows(select(Account.wechat_openid))]
    assert "errcode" in kept and SESSION_KEY not in kept and APP_SECRET not in kept and "u_mei" not in kept


def test_the_secret_is_not_shown_with_the_settings(app: Flask, server: WechatServer) -> None:
    assert server.address in str(app.config["TOWN_CONFIG"]) and APP_SECRET not in str(app.config["TOWN_CONFIG"])
    assert "WECHAT_APP_SECRET" not in os.environ
