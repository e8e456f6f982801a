"""Somebody without an account, over HTTP."""

from __future__ import annotations

import io
import uuid
from datetime import datetime
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from backend.config import TOWN_ZONE
from backend.http.work import unit_of_work
from backend.people.accounts import NewAccount, create_account
from backend.people.consent import present
from backend.people.passwords import hash_password
from tests.evidence import photos
from tests.town import HOME, PASSWORD, TOWN, Person, proof

PHONE = "13912345678"


def filing(**changes: Any) -> dict[str, Any]:
    """A report without an account; `changes` replace fields."""
    return {"category": "litter", "description": "村口垃圾堆放多日，请处理", "location": HOME} | changes


def named(client: FlaskClient, phone: str = PHONE, name: str = "岑大文") -> dict[str, str]:
    """Who reports, by a code to their phone."""
    return proof(client.application, phone, "file") | {"name": name, "consent": present()["version"]}


def send(client: FlaskClient, key: str = "", **changes: Any) -> TestResponse:
    """File without an account, under a key of its own unless one is given."""
    headers = {"Idempotency-Key": key or str(uuid.uuid4())}
    return client.post("/api/v1/filings", json=filing(**changes), headers=headers)


class Holder:
    """Who holds a receipt."""

    def __init__(self, client: FlaskClient, receipt: str) -> None:
        self.client, self.headers = client, {"Receipt": receipt}

    def get(self, path: str = "") -> TestResponse:
        """GET under /api/v1/receipt."""
        return self.client.get(f"/api/v1/receipt{path}", headers=self.headers)

    def act(self, action: str, **fields: Any) -> TestResponse:
        """Do an action on the version read."""
        headers = self.headers | {"If-Match": self.get().headers.get("ETag", "*")}
        return self.client.post("/api/v1/receipt/actions", json={"action": action, **fields}, headers=headers)


def filed(client: FlaskClient, **changes: Any) -> tuple[str, Holder]:
    """File without an account; the case's id, and who holds its receipt."""
    answer = send(client, **changes)
    assert answer.status_code == 201, answer.json
    return answer.json["id"], Holder(client, answer.json["receipt"])


def upload(client: FlaskClient, **headers: str) -> TestResponse:
    """Send a photo without an account; headers as `Filing_Key`."""
    form = {"file": (io.BytesIO(photos.jpeg()), "a.jpg")}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post("/api/v1/filings/evidence", data=form, headers=named)


def another_dispatcher(client: FlaskClient) -> Person:
    """A second person at the desk."""
    with client.application.app_context(), unit_of_work() as session:
        person = NewAccount("+8613911111111", "第二位调度员", "dispatcher", TOWN)
        create_account(session, person, hash_password(PASSWORD), datetime(2026, 1, 1, tzinfo=TOWN_ZONE))
    return Person(client, "13911111111")
