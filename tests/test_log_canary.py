"""Whoever's name, number, car or machine goes through the running product, nothing of it is in any log or error."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from sqlalchemy import text

from backend.extensions import db
from backend.http import clock
from backend.http.work import unit_of_work
from backend.people.accounts import NewAccount, create_account
from backend.people.passwords import hash_password
from serve import SPARING, web_server
from tests.conftest import close_engines, running_app
from tests.databases import Templates
from tests.evidence import photos
from tests.town import HOME, PASSWORD, TOWN

ROOT = Path(__file__).parent.parent
NAME, PHONE, NUMBER = "王金丝雀", "13987654321", "440681199001011234"
PLATE, ADDRESS, BROWSER, HOUSE = "粤E7K3M9", "203.0.113.77", "CanaryPhone/9", "翠竹路77号"
ALL = f"{NAME} {PHONE} {NUMBER} {PLATE} {HOUSE}"
TOKENS = [
    form
    for token in (NAME, PHONE, NUMBER, PLATE, ADDRESS, BROWSER, HOUSE)
    for form in {token, quote(token), json.dumps(token)[1:-1]}
]
FIELD = "field-7Q2Z"
"""A field that no route has. A refusal names it, since its sender has to know which field is meant; a log does not."""


def hits(told: str) -> set[str]:
    """The canaries that a text holds, plain, escaped or as a part of an address."""
    return {token for token in TOKENS if token.casefold() in told.casefold()}


@dataclass
class Process:
    """A program of the product and all it has written so far."""

    popen: subprocess.Popen[bytes]
    lines: list[str] = field(default_factory=list)
    more: threading.Condition = field(default_factory=threading.Condition)

    def read(self) -> None:
        """Collect what the program writes until it ends."""
        assert self.popen.stdout
        for line in self.popen.stdout:
            with self.more:
                self.lines.append(line.decode("utf-8", "replace"))
                self.more.notify_all()

    def wait_for(self, word: str, seconds: float = 60) -> None:
        """Wait until a line holds a word."""
        with self.more:
            found = self.more.wait_for(lambda: any(word in line for line in self.lines), seconds)
        assert found, (word, self.lines[-20:])


@contextmanager
def started(module: list[str], environment: dict[str, str]) -> Iterator[Process]:
    """A program as `make run` starts it, its two outputs in one."""
    command = [sys.executable, "-m", *module]
    env = os.environ | SPARING | environment
    popen = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    process = Process(popen)
    reader = threading.Thread(target=process.read)
    reader.start()
    try:
        yield process
    finally:
        popen.terminate()
        popen.wait(20)
        reader.join(20)


@dataclass
class Town:
    """The running product, and every refusal it has answered."""

    app: Flask
    port: int
    web: Process
    scheduler: Process
    refusals: list[tuple[str, int, str]] = field(default_factory=list)

    def send(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        """A request with canaries wherever a client can put them."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = {
            "User-Agent": BROWSER,
            "X-Forwarded-For": ADDRESS,
            "Forwarded": f"for={ADDRESS}",
            "Referer": f"/{PHONE}",
        }
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        told = answer.read()
        connection.close()
        if answer.status >= 400:
            self.refusals.append((f"{method} {path}", answer.status, told.decode("utf-8", "replace")))
        return answer.status, told

    def json(self, method: str, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        """The same with a JSON body and answer."""
        status, told = self.send(method, path, json.dumps(body).encode(), Content_Type="application/json", **headers)
        return status, json.loads(told) if told else None

    def sign_in(self, phone: str) -> dict[str, str]:
        """The headers of somebody signed in."""
        status, tokens = self.json("POST", "/api/v1/auth/login", {"phone": phone, "password": PASSWORD})
        assert status == 200, tokens
        return {"Authorization": f"Bearer {tokens['access_token']}"}

    def break_table(self, name: str) -> None:
        """Have every statement on a table fail."""
        with self.app.app_context(), db.engine.begin() as connection:
            connection.execute(text(f"ALTER TABLE {name} RENAME TO {name}_away"))


@pytest.fixture
def town(templates: Templates, tmp_path: Path) -> Iterator[Town]:
    instance = tmp_path / "instance"
    outbox = tmp_path / "no folder"
    outbox.touch()
    with templates.copy("town", instance) as address, running_app(address, instance) as app:
        with app.app_context(), unit_of_work() as session:
            person = NewAccount(f"+86{PHONE}", NAME, "resident", TOWN)
            create_account(session, person, hash_password(PASSWORD), clock.now())
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        environment = {"DATABASE_URL": address, "INSTANCE": str(instance), "OUTBOX_FOLDER": str(outbox)}
        with started(web_server("127.0.0.1", port), environment) as web:
            _wait_for(port)
            with started(["backend.scheduler"], environment) as scheduler:
                yield Town(app, port, web, scheduler)
        close_engines(app)


def _wait_for(port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
    raise TimeoutError


def go_everywhere(town: Town, people: dict[str, dict[str, str]]) -> None:
    """Every route and method with canaries in path, query, headers and every field of the body."""
    document = town.app.test_client().get("/api/v1/openapi.json").json
    schemas = document["components"]["schemas"]
    fields = sorted({name for schema in schemas.values() for name in schema.get("properties", {})})
    body = dict.fromkeys(fields, ALL) | {FIELD: PHONE}
    query = f"?text={quote(ALL)}&{FIELD}={PHONE}&cursor={NUMBER}&area={PHONE}"
    for rule in town.app.url_map.iter_rules():
        path = rule.rule
        for name, converter in rule._converters.items():
            uuids = type(converter).__name__ == "UUIDConverter"
            value = str(uuid.uuid4()) if uuids else quote(NAME + PHONE)
            path = re.sub(rf"<([a-z]+:)?{name}>", value, path)
        for who in (people if "auth" not in path else {"nobody": {}}).values():
            for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
                key = {"Idempotency_Key": str(uuid.uuid4()), "If_Match": f'"{PHONE}"'}
                town.send(method, path + query, **who)
                if method != "GET":
                    town.json(method, path, body, **who, **key)
                    town.json(method, path, {"phone": PHONE, "password": ALL}, **who, **key)
                    town.send(method, path, f'{{"{PHONE}": '.encode(), Content_Type="application/json", **who)
    town.send("GET", f"/{quote(NAME)}/{PHONE}")
    town.send(PHONE, "/api/v1/cases")
    town.send("GET", "/api/v1/me", Authorization=f"Bearer {PHONE}.{NUMBER}.{PHONE}")
    form = photos.jpeg()
    head = f'--x\r\nContent-Disposition: form-data; name="file"; filename="{PHONE}.jpg"\r\n\r\n'.encode()
    for content in (form, PHONE.encode()):
        upload = {"Content_Type": "multipart/form-data; boundary=x"}
        town.send("POST", "/api/v1/evidence", head + content + b"\r\n--x--\r\n", **upload, **people["canary"])


@pytest.mark.counted
def test_no_canary_is_in_any_log_or_error(town: Town, record_property: Any) -> None:
    people = {"nobody": {}, "canary": town.sign_in(PHONE), "dispatcher": town.sign_in("13800000006")}
    people["admin"] = town.sign_in("13800000009")
    report = {"category": "litter", "description": ALL, "address": ALL[:200], "location": HOME}
    status, case = town.json("POST", "/api/v1/cases", report, **people["canary"])
    assert status == 201
    town.scheduler.wait_for("message_not_sent")
    go_everywhere(town, people)
    for table in ("case_events", "ledger_entries", "outbox_messages"):
        town.break_table(table)
    for path, body in (("/api/v1/cases", report), (f"/api/v1/cases/{case['id']}/actions", {"action": "withdraw"})):
        status, _ = town.json("POST", path, body | {"reason": ALL} if "action" in body else body, **people["canary"])
        assert status in (412, 500)
    town.scheduler.wait_for("job_failed")
    town.break_table("case_texts")
    assert town.send("GET", f"/api/v1/cases?text={quote(ALL)}", **people["dispatcher"])[0] == 500
    town.break_table("accounts")
    assert town.json("POST", "/api/v1/auth/login", {"phone": PHONE, "password": ALL})[0] == 500
    town.web.wait_for('"route":"cases.list_","method":"GET","status":500')
    told = "".join(town.web.lines + town.scheduler.lines)
    assert '"event":"unexpected"' in told and '"status":500' in told and '"actor":"' in told
    assert hits(told) == set() and FIELD not in told
    assert {request: hits(body) for request, _, body in town.refusals if hits(body)} == {}
    record_property("canary", f"{len(town.web.lines)} log lines, {len(town.refusals)} refusals, 0 canaries")
    assert len(town.refusals) > 150 and town.web.popen.poll() is None
