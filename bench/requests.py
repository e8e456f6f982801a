"""What is asked of the product: endless streams of requests, made ready before they are sent."""

import http.client
import json
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, cycle

from sqlalchemy import text

from bench.load import request
from bench.servers import Town
from bench.texts import texts
from tests.town import PASSWORD, ROLES, VILLAGE

LON, LAT, AREA = 113.0055, 22.8667, 0.01
"""A place near the town's middle, and the degrees around it in which cases are filed."""


@dataclass(frozen=True)
class Stream:
    """Requests, the status that each must be answered with, and the table that gets a row for each."""

    requests: Iterator[bytes]
    status: int
    table: str | None = None


def headers_of(town: Town, role: str) -> dict[str, str]:
    """The header of somebody who signed in before."""
    connection = http.client.HTTPConnection("127.0.0.1", town.port)
    body = json.dumps({"phone": phone(role), "password": PASSWORD})
    connection.request("POST", "/api/v1/auth/login", body, {"Content-Type": "application/json"})
    return {"Authorization": "Bearer " + json.load(connection.getresponse())["access_token"]}


def phone(role: str) -> str:
    """The phone of the town's person of a role."""
    return f"138000000{ROLES.index(role) + 1:02d}"


def details(town: Town) -> Stream:
    """2,000 cases in turn, each by itself, read by the dispatcher."""
    headers = headers_of(town, "dispatcher")
    cases = _ids(town, "true", 2_000)
    return Stream(cycle([request("GET", f"/api/v1/cases/{case}", headers) for case in cases]), 200)


def lists(town: Town, role: str = "dispatcher") -> Stream:
    """The newest 50 cases that a role sees."""
    return Stream(cycle([request("GET", "/api/v1/cases", headers_of(town, role))]), 200)


def work_lists(town: Town, role: str = "dispatcher") -> Stream:
    """The 50 cases that wait for a role and turn red first."""
    return Stream(cycle([request("GET", "/api/v1/cases/to-do", headers_of(town, role))]), 200)


def filings(town: Town) -> Stream:
    """Cases of a resident with texts of real length, each with an id and a key of its own, about the town's middle."""
    return Stream(_filings(headers_of(town, "resident")), 201, "cases")


def _filings(headers: dict[str, str]) -> Iterator[bytes]:
    said, chance = texts(500, seed=7), random.Random(7)
    while True:
        place = {"lon": LON + chance.uniform(-AREA, AREA), "lat": LAT + chance.uniform(-AREA, AREA), "crs": "gcj02"}
        body = {"category": "litter", "description": chance.choice(said), "location": place}
        yield request("POST", "/api/v1/cases", headers | _key(), {"id": str(uuid.uuid4()), **body})


def actions(town: Town) -> Stream:
    """Reported cases accepted and accepted ones dispatched, in turn, what turns red first as a work list has it; each
    case once, on the version that was read."""
    headers = headers_of(town, "dispatcher")
    accepted = (_action(headers, case, 1, {"action": "accept"}) for case in _ids(town, "version = 1", order="due_at"))
    dispatched = (
        _action(headers, case, 2, {"action": "dispatch", "department": VILLAGE})
        for case in _ids(town, "version = 2", order="due_at")
    )
    return Stream(chain.from_iterable(zip(accepted, dispatched, strict=False)), 200, "case_events")


def _action(headers: dict[str, str], case: str, version: int, body: dict[str, str]) -> bytes:
    sent = headers | _key() | {"If-Match": f'"{version}"'}
    return request("POST", f"/api/v1/cases/{case}/actions", sent, body)


def photos(town: Town, photo: bytes) -> Stream:
    """A photo, over and over."""
    start = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    headers = headers_of(town, "resident") | {"Content-Type": "multipart/form-data; boundary=x"}
    return Stream(cycle([request("POST", "/api/v1/evidence", headers, start + photo + b"\r\n--x--\r\n")]), 201)


def sign_ins() -> Stream:
    """Everybody signs in in turn."""
    bodies = [{"phone": phone(role), "password": PASSWORD} for role in ROLES]
    return Stream(cycle([request("POST", "/api/v1/auth/login", None, body) for body in bodies]), 200)


def _key() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid.uuid4())}


def _ids(town: Town, where: str, most: int = 50_000, order: str = "md5(id::text)") -> list[str]:
    """Ids of cases, in no order unless one is given."""
    statement = text(f"SELECT id FROM cases WHERE {where} ORDER BY {order} LIMIT {most}")
    with town.engine.connect() as connection:
        return [str(found.id) for found in connection.execute(statement)]
