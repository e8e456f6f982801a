"""Joining over HTTP, as a client does it."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from backend.http.reading import rows
from backend.outbox.messages import kept_as
from backend.outbox.tables import OutboxMessage
from backend.people.consent import present

PHONE = "13912345678"


def texts(app: Flask, phone: str = PHONE) -> list[tuple[str, str]]:
    """Template and words of the messages to a phone, oldest first."""
    columns = (OutboxMessage.template, OutboxMessage.body)
    with app.app_context():
        to = OutboxMessage.address.in_([f"+86{phone}", kept_as(f"+86{phone}")])
        newest_last = select(*columns).where(to).order_by(OutboxMessage.created_at)
        return [(row.template, row.body) for row in rows(newest_last)]


def ask(client: FlaskClient, purpose: str, phone: str = PHONE) -> dict[str, Any]:
    """Ask for a code and read it from the message; a body with which to use it."""
    before = codes_sent(client.application, phone)
    answer = client.post("/api/v1/auth/codes", json={"phone": phone, "purpose": purpose})
    assert answer.status_code == 202, answer.json
    (code,) = (codes_sent(client.application, phone) - before).elements()
    return {"code_id": answer.json["code_id"], "phone": phone, "code": code}


def codes_sent(app: Flask, phone: str = PHONE) -> Counter[str]:
    """All codes sent to a phone."""
    return Counter(code for _, words in texts(app, phone) for code in re.findall("[0-9]{6}", words))


def register(client: FlaskClient, phone: str = PHONE, **more: str) -> TestResponse:
    """Register by a code."""
    told = {"name": "新来的", "consent": present()["version"]}
    return client.post("/api/v1/auth/register", json=ask(client, "register", phone) | told | more)


def use(client: FlaskClient, path: str, purpose: str, phone: str = PHONE, **more: str) -> TestResponse:
    """Ask for a code and use it at a route under /api/v1/auth."""
    return client.post(f"/api/v1/auth/{path}", json=ask(client, purpose, phone) | more)


class Member:
    """Somebody signed in, by the answer that signed them in."""

    def __init__(self, client: FlaskClient, answer: TestResponse) -> None:
        assert answer.status_code in (200, 201), answer.json
        self.client, self.tokens = client, answer.json or {}
        self.headers = {"Authorization": f"Bearer {self.tokens['access_token']}"}

    def call(self, method: str, path: str, body: Any = None) -> TestResponse:
        """A request under /api/v1."""
        return self.client.open(f"/api/v1{path}", method=method, json=body, headers=self.headers)

    @property
    def me(self) -> dict[str, Any]:
        """Who they are."""
        return self.call("GET", "/me").json or {}
