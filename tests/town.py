"""The small fixed town that tests live in: 27 villages with grids, a person for each role, service points, no cases."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from backend.config import TOWN_ZONE
from backend.http.work import unit_of_work

PASSWORD = "a password of the tests"
ROLES = (
    "resident",
    "party_member",
    "grid_worker",
    "village_officer",
    "handler",
    "dispatcher",
    "inspector",
    "committee",
    "admin",
    "auditor",
)
TOWN, VILLAGE = "440605121", "440605121012"
HOME = {"lon": 113.0055, "lat": 22.8667, "crs": "gcj02"}
"""A place in 敦根社区, in the grid of the town's grid worker."""
ELSEWHERE = {"lon": 112.9555, "lat": 22.8758, "crs": "wgs84"}
"""A place in another village."""


def load(app: Flask) -> None:
    """Fill an empty, migrated database."""
    from flask_migrate import upgrade

    from backend.partymap.demonstration import demonstration_points
    from backend.partymap.keeping import put_points
    from backend.people.demonstration import load_people
    from backend.territory.demonstration import load_territory
    from backend.territory.location import forget, locate

    with app.app_context():
        upgrade()
        with unit_of_work() as session:
            load_territory(session)
        forget()
        grid = locate(**HOME).area_code
        with unit_of_work() as session:
            load_people(session, grid, PASSWORD, datetime(2026, 1, 1, tzinfo=TOWN_ZONE))
            put_points(session, demonstration_points())


class Person:
    """Somebody signed in, over HTTP."""

    def __init__(self, client: FlaskClient, phone: str) -> None:
        answer = client.post("/api/v1/auth/login", json={"phone": phone, "password": PASSWORD})
        assert answer.status_code == 200, answer.json
        self.client, self.tokens = client, answer.json or {}
        self.headers = {"Authorization": f"Bearer {self.tokens['access_token']}"}

    def get(self, path: str, **headers: str) -> TestResponse:
        """GET under /api/v1."""
        return self.client.get(f"/api/v1{path}", headers=self.headers | headers)

    def post(self, path: str, body: Any, **headers: str) -> TestResponse:
        """POST JSON under /api/v1; `If_Match` is the header If-Match."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(f"/api/v1{path}", json=body, headers=self.headers | named)

    def put(self, path: str, body: Any, **headers: str) -> TestResponse:
        """PUT JSON under /api/v1."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.put(f"/api/v1{path}", json=body, headers=self.headers | named)

    def patch(self, path: str, body: Any, **headers: str) -> TestResponse:
        """PATCH JSON under /api/v1."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.patch(f"/api/v1{path}", json=body, headers=self.headers | named)

    def delete(self, path: str, **headers: str) -> TestResponse:
        """DELETE under /api/v1."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.delete(f"/api/v1{path}", headers=self.headers | named)

    def file(self, **changes: Any) -> dict[str, Any]:
        """File a case at home and answer it."""
        answer = self.post("/cases", report(**changes))
        assert answer.status_code == 201, answer.json
        return answer.json or {}

    def act(self, case: str, action: str, **fields: Any) -> TestResponse:
        """Read the case and do an action on the version read."""
        etag = self.get(f"/cases/{case}").headers.get("ETag", "*")
        return self.post(f"/cases/{case}/actions", {"action": action, **fields}, If_Match=etag)


def report(**changes: Any) -> dict[str, Any]:
    """A valid report; `changes` replace fields, None takes one away."""
    body: dict[str, Any] = {"category": "litter", "description": "村口垃圾堆放多日，请处理", "location": HOME}
    return {name: value for name, value in (body | changes).items() if value is not None}


def sign_in(client: FlaskClient, role: str) -> Person:
    """The town's person of a role."""
    return Person(client, phone(role))


def phone(role: str) -> str:
    """The phone of the town's person of a role."""
    return f"138000000{ROLES.index(role) + 1:02d}"


class People(dict[str, Person]):
    """The town's person of each role, signed in when first asked for."""

    def __init__(self, client: FlaskClient) -> None:
        super().__init__()
        self.client = client

    def __missing__(self, role: str) -> Person:
        self[role] = sign_in(self.client, role)
        return self[role]


def clear(people: People, role: str = "dispatcher") -> str:
    """Have the town's person of a role cleared for protected reports by the admin and the committee; the clearing."""
    account = people[role].get("/me").json["id"]
    body = {"account_id": account, "role": role, "area_code": TOWN}
    signed = [people[signer].post("/clearings", body) for signer in ("admin", "committee")][-1]
    assert signed.json["cleared"], signed.json
    return str(signed.json["id"])


def carry(people: People, case: str, upto: str, holder: str = VILLAGE) -> None:
    """Carry a case along the main line, as far as and with the action `upto`."""
    handler = people["village_officer"] if holder == VILLAGE else people["handler"]
    for person, action, fields in (
        (people["dispatcher"], "accept", {}),
        (people["dispatcher"], "dispatch", {"department": holder}),
        (handler, "start", {}),
        (handler, "hand_in", {"note": "已清运"}),
        (people["inspector"], "pass_check", {}),
        (people["dispatcher"], "close", {}),
    ):
        answer = person.act(case, action, **fields)
        assert answer.status_code == 200, (action, answer.json)
        if action == upto:
            return


def proof(app: Flask, phone: str, purpose: str) -> dict[str, str]:
    """A code for a phone, as its holder sends it, made without a message."""
    from backend.http import clock
    from backend.people.codes import new_code
    from backend.people.phones import normal_phone

    with app.app_context(), unit_of_work() as session:
        made = new_code(session, normal_phone(phone) or phone, purpose, clock.now())
    return {"code_id": str(made.id), "phone": phone, "code": made.code}


def unknown_id() -> str:
    """An id that nothing has."""
    return str(uuid.uuid4())


def rank_somebody(app: Flask, run: str) -> str:
    """Give a village a rank in a run of a period in which nothing happened, so that it can be published; the run."""
    from backend.rewards.tables import RunVillage

    first = (RunVillage.run_id == uuid.UUID(run)) & (RunVillage.position == 1)
    with app.app_context(), unit_of_work() as session:
        session.execute(update(RunVillage).where(first).values(rank=1, score=80.0))
    return run
