"""A small town on the map, its service points, and people of it who are signed in."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from flask_jwt_extended import create_access_token
from sqlalchemy import delete, insert
from werkzeug.test import TestResponse

from backend.http.ids import new_id
from backend.http.work import unit_of_work
from backend.outbox.tables import OutboxMessage
from backend.partymap.hours_as_written import read_hours
from backend.partymap.keeping import place_columns, put_points
from backend.people.tables import Account, RoleAssignment, SignIn
from backend.territory.tables import Area
from tests.houses import Houses

SHANGHAI = ZoneInfo("Asia/Shanghai")
TOWN = "440605121"
FIRST, SECOND = f"{TOWN}012", f"{TOWN}201"
MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=SHANGHAI)
OPENED = datetime(2026, 1, 5, 9, 0, tzinfo=SHANGHAI)
OFFICE = {"weekly": {"workdays": [{"opens": "09:00", "closes": "17:00"}]}}
EVENINGS = {"weekly": {"fri": [{"opens": "16:00", "closes": "01:00"}]}}


def point_row(**columns: Any) -> dict[str, Any]:
    """A row of service_points; `lon` and `lat` are WGS84."""
    hours = columns.get("opening_hours", OFFICE)
    row = {
        "id": new_id(),
        "name": "敦根社区党群服务中心",
        "kind": "village_centre",
        "area_code": f"{FIRST}001",
        "address": "示范路1号",
        "phone": None,
        "in_charge": None,
        "services": ["library"],
        "facilities": [],
        "elements": [],
        "photos": [],
        "capacity": None,
        "star": None,
        "opening_hours": hours,
        "weekly_open_minutes": read_hours(hours, SHANGHAI).weekly_open_minutes(),
        "accessible": False,
        "active": True,
        "opened_at": OPENED,
        "closed_at": None,
        "version": 1,
        "confirmed_at": OPENED,
        "created_at": OPENED,
        "updated_at": OPENED,
    }
    place = place_columns(columns.pop("lon", 113.005), columns.pop("lat", 22.865), "wgs84")
    return row | place | columns


@dataclass
class MapTown:
    """The app over a town of two villages, one square kilometre each, side by side from 113.00 E, 22.86 N."""

    app: Flask
    client: FlaskClient

    def keep(self, *rows: dict[str, Any]) -> list[str]:
        """Put rows of service points straight into the database; answers their ids."""
        with self.app.app_context(), unit_of_work() as session:
            put_points(session, list(rows))
        return [str(row["id"]) for row in rows]

    def sign_in(self, role: str, area: str = TOWN) -> dict[str, str]:
        """The headers of a new person who holds this role for an area."""
        account, sign_in = new_id(), new_id()
        with self.app.app_context():
            with unit_of_work() as session:
                person = {"id": account, "phone": f"+86138{account.int % 10**8:08d}", "password_hash": "", "name": role}
                session.execute(
                    insert(Account), person | {"active": True, "demonstration": False, "created_at": OPENED}
                )
                held = {"id": new_id(), "account_id": account, "role": role, "area_code": area}
                session.execute(insert(RoleAssignment), held | {"valid_from": OPENED.date()})
                began = {"created_at": OPENED, "refresh_id": uuid.uuid4(), "refreshed_at": OPENED}
                session.execute(insert(SignIn), {"id": sign_in, "account_id": account, **began})
            token = create_access_token(str(account), additional_claims={"sid": str(sign_in)})
        return {"Authorization": f"Bearer {token}"}

    def forget_messages(self) -> None:
        """Have nobody told of anything so far."""
        with self.app.app_context(), unit_of_work() as session:
            session.execute(delete(OutboxMessage))

    def get(self, path: str = "", **query: Any) -> TestResponse:
        """GET under /api/v1/partymap/points, not signed in."""
        return self.client.get(f"/api/v1/partymap/points{path}", query_string=query)

    def items(self, **query: Any) -> list[dict[str, Any]]:
        """One page of the list."""
        answered = self.get(**query)
        assert answered.status_code == 200, answered.json
        found: list[dict[str, Any]] = answered.json["items"]
        return found

    def enter(self, who: dict[str, str], **body: Any) -> TestResponse:
        """POST a point: a good one but for what `body` says."""
        return self._send("POST", "", NEW | body, who)

    def change(self, who: dict[str, str], point: str, version: int | str | None, **body: Any) -> TestResponse:
        """PATCH a point, decided on a version."""
        match = {"If-Match": f'"{version}"'} if version is not None else {}
        return self._send("PATCH", f"/{point}", body, who | match)

    def _send(self, method: str, path: str, body: dict[str, Any], headers: dict[str, str]) -> TestResponse:
        # By the standard library: it writes NaN and lone surrogates, as careless senders do.
        text, kind = json.dumps(body), "application/json"
        return self.client.open(
            f"/api/v1/partymap/points{path}", method=method, data=text, content_type=kind, headers=headers
        )


NEW: dict[str, Any] = {
    "name": "敦根社区榕树头党群服务点",
    "kind": "point",
    "location": {"lon": 113.005, "lat": 22.865, "crs": "wgs84"},
    "address": "示范路2号",
    "opening_hours": OFFICE,
}


def _area(code: str, kind: str, west: float, east: float) -> dict[str, Any]:
    south, north = 22.86, 22.87
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {
        "code": code,
        "name": kind,
        "kind": kind,
        "parent_code": code[:-3] if len(code) > 9 else None,
        "lon": (west + east) / 2,
        "lat": (south + north) / 2,
        "outline": json.dumps({"type": "Polygon", "coordinates": [ring]}),
        "demonstration": True,
        "west": west,
        "south": south,
        "east": east,
        "north": north,
    }


@pytest.fixture
def travel() -> Iterator[Callable[[datetime], None]]:
    """Monday 23 November 2026, 10:00; call it to go to another instant."""
    with time_machine.travel(MONDAY, tick=False) as traveller:
        yield traveller.move_to


@pytest.fixture
def town(empty_app: Flask, travel: Callable[[datetime], None]) -> MapTown:
    return _with_areas(empty_app)


@pytest.fixture(scope="module")
def one_town(houses: Houses) -> Iterator[MapTown]:
    """One town for all tests of a module, for tests that keep to what they made themselves."""
    with houses.town("empty") as app:
        yield _with_areas(app)


def _with_areas(app: Flask) -> MapTown:
    areas = [
        _area(TOWN, "town", 113.00, 113.02),
        _area(FIRST, "village", 113.00, 113.01),
        _area(SECOND, "village", 113.01, 113.02),
        _area(f"{FIRST}001", "grid", 113.00, 113.01),
        _area(f"{SECOND}001", "grid", 113.01, 113.02),
    ]
    with app.app_context(), unit_of_work() as session:
        for area in areas:
            session.execute(insert(Area), area)
    return MapTown(app, app.test_client())


@pytest.fixture(scope="module")
def quiet(shared_app: Flask) -> MapTown:
    """A town that the tests of a module share because they leave it as it is: what they ask for is refused."""
    return MapTown(shared_app, shared_app.test_client())
