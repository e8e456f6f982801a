"""A town of five villages with facts of the test's own, and people of it who are signed in."""

from __future__ import annotations

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
from sqlalchemy import (
    BigInteger,
    Column,
    MetaData,
    String,
    Table,
    bindparam,
    func,
    insert,
    literal_column,
    select,
    update,
)
from werkzeug.test import TestResponse

from backend.extensions import UtcDateTime, db
from backend.http.ids import new_id
from backend.http.registry import Fact
from backend.http.work import unit_of_work
from backend.people.tables import Account, RoleAssignment, SignIn
from backend.territory.tables import Area

SHANGHAI = ZoneInfo("Asia/Shanghai")
TOWN, OTHER_TOWN = "440605121", "440605122"
NAMES = {"001": "江滨", "003": "儒林", "004": "沙口", "006": "水南", "201": "下东"}
VILLAGES = {f"{TOWN}{number}": name for number, name in NAMES.items()}
NOW = datetime(2026, 11, 27, 12, 0, tzinfo=SHANGHAI)
OCTOBER = datetime(2026, 10, 15, 12, 0, tzinfo=SHANGHAI)

counts = Table(
    "counts_of_the_test",
    MetaData(),
    Column("fact", String(40)),
    Column("village", String(12)),
    Column("at", UtcDateTime()),
    Column("numerator", BigInteger),
    Column("exposure", BigInteger),
)


def fact(name: str) -> Fact:
    """A fact that adds up the rows of the test's own table."""
    period = (counts.c.at >= bindparam("period_start", type_=UtcDateTime())) & (
        counts.c.at < bindparam("period_end", type_=UtcDateTime())
    )
    town = (counts.c.village >= bindparam("town_start")) & (counts.c.village < bindparam("town_end"))
    chosen = (counts.c.fact == name) & town & period
    total = (func.sum(counts.c.numerator).label("numerator"), func.sum(counts.c.exposure).label("exposure"))
    select_ = select(counts.c.village, *total).where(chosen).group_by(counts.c.village)
    return Fact(name, "test", "drawn", select_, select(counts.c.village, literal_column("1").label("id")).where(chosen))


@dataclass
class Person:
    """Somebody signed in, by their account and their token."""

    account: uuid.UUID
    token: str


@dataclass
class RewardsTown:
    """The app over a town whose facts the test enters."""

    app: Flask
    client: FlaskClient

    def happened(
        self, fact: str, village: str, numerator: int, exposure: int, at: datetime = OCTOBER, town: str = TOWN
    ) -> None:
        """Enter a row of a fact."""
        row = {"fact": fact, "village": f"{town}{village}", "at": at, "numerator": numerator, "exposure": exposure}
        with self.app.app_context(), unit_of_work() as session:
            session.execute(insert(counts), row)

    def ordinary_october(self) -> None:
        """Facts of October: two villages alike, one better, one with little, one (201) with nothing."""
        for village, in_time, ended, reworked in (("001", 9, 10, 0), ("003", 5, 10, 1), ("004", 5, 10, 1)):
            self.happened("handled_in_time", village, in_time, ended)
            self.happened("rework", village, reworked, 10)
            self.happened("open_service_points", village, 1, 2)
        self.happened("open_service_points", "006", 2, 2)

    def correct(self, fact: str, village: str, numerator: int) -> None:
        """Change what was counted."""
        with self.app.app_context(), unit_of_work() as session:
            mine = (counts.c.fact == fact) & (counts.c.village == f"{TOWN}{village}")
            session.execute(update(counts).where(mine).values(numerator=numerator))

    def person(self, role: str, area: str = TOWN) -> Person:
        """A new person with a role, signed in."""
        account, sign_in = new_id(), new_id()
        with self.app.app_context():
            since = datetime(2011, 1, 1, tzinfo=SHANGHAI)
            with unit_of_work() as session:
                session.add(
                    Account(
                        id=account,
                        phone=f"+86138{account.int % 10**8:08d}",
                        password_hash="",
                        name=role,
                        active=True,
                        demonstration=False,
                        created_at=since,
                    )
                )
                session.flush()
                held = {"id": new_id(), "account_id": account, "role": role, "area_code": area}
                session.execute(insert(RoleAssignment), held | {"valid_from": since.date()})
                began = {"created_at": since, "refresh_id": uuid.uuid4(), "refreshed_at": since}
                session.execute(insert(SignIn), {"id": sign_in, "account_id": account, **began})
            token = create_access_token(str(account), additional_claims={"sid": str(sign_in)})
        return Person(account, token)

    def get(self, path: str, who: Person | None = None, **headers: str) -> TestResponse:
        """GET under /api/v1/rewards."""
        return self.client.get(f"/api/v1/rewards{path}", headers=_headers(who, headers))

    def post(self, path: str, who: Person | None = None, body: Any = None, **headers: str) -> TestResponse:
        """POST under /api/v1/rewards."""
        return self.client.post(f"/api/v1/rewards{path}", json=body, headers=_headers(who, headers))

    def run(self, who: Person, period: str = "2026-10") -> dict[str, Any]:
        """Start a run and give it as answered."""
        answered = self.post("/runs", who, {"period": period})
        assert answered.status_code in (200, 201), answered.json
        found: dict[str, Any] = answered.json
        return found

    def publish(self, run: dict[str, Any]) -> None:
        """Publish a run as two members of the committee."""
        for expected in (202, 200):
            answered = self.post(f"/runs/{run['id']}/publish", self.person("committee"))
            assert answered.status_code == expected, answered.json


def _headers(who: Person | None, more: dict[str, str]) -> dict[str, str]:
    named = {name.replace("_", "-"): value for name, value in more.items()}
    return named | ({"Authorization": f"Bearer {who.token}"} if who else {})


def _areas() -> list[dict[str, Any]]:
    town = {"code": TOWN, "name": "九江镇", "kind": "town", "parent_code": None, "demonstration": False}
    other = town | {"code": OTHER_TOWN, "name": "别镇"}
    villages = [
        town | {"code": code, "name": name, "kind": "village", "parent_code": code[:9]}
        for code, name in (*VILLAGES.items(), (f"{OTHER_TOWN}001", "别村"))
    ]
    grid = town | {"code": f"{TOWN}001001", "name": "网格", "kind": "grid", "parent_code": f"{TOWN}001"}
    return [town, other, *villages, grid]


@pytest.fixture
def travel() -> Iterator[Callable[[datetime], None]]:
    """Noon of 27 November 2026; call it to go to another instant."""
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller.move_to


@pytest.fixture
def town(empty_app: Flask, travel: Callable[[datetime], None]) -> RewardsTown:
    names = ("handled_in_time", "rework", "open_service_points")
    empty_app.extensions["registry"].facts = {name: fact(name) for name in names}
    with empty_app.app_context():
        counts.create(db.engine)
        with unit_of_work() as session:
            for area in _areas():
                session.execute(insert(Area), area)
    return RewardsTown(empty_app, empty_app.test_client())
