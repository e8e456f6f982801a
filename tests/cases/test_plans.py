"""A list goes by an index for each of its ways, however many cases there are."""

from __future__ import annotations

import uuid

import pytest
from flask import Flask

from backend.cases.listing import _shape, _statement
from backend.cases.sight import branches
from backend.http.reading import connection
from backend.people.access import Caller, Grant
from tests.town import TOWN

pytestmark = pytest.mark.sql


def plan(caller: Caller) -> str:
    """The plan of the caller's first page."""
    statement = _statement(tuple(_shape(way) for way in branches(caller)), frozenset(), 0, 51)
    held = connection()
    compiled = statement.compile(held.engine)
    mine = ("my_tag", "me")
    values = [str(caller.account_id) if name in mine else TOWN for name in compiled.positiontup or ()]
    if held.dialect.name == "sqlite":
        explained = held.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", tuple(values))
        return "\n".join(str(row[3]) for row in explained)
    held.exec_driver_sql("SET enable_seqscan = off")  # a few rows are read whole by any planner
    held.exec_driver_sql("SET enable_bitmapscan = off")
    return "\n".join(str(row[0]) for row in held.exec_driver_sql(f"EXPLAIN {compiled}", tuple(values)))


def test_own_cases_protected_ones_and_the_town_s_are_each_walked_by_an_index(app: Flask) -> None:
    cleared = Caller(uuid.uuid4(), uuid.uuid4(), "", "", (Grant("dispatcher", TOWN, cleared=True),))
    with app.app_context():
        found = plan(cleared)
    for index in ("ix_case_reporters_tag", "ix_cases_protected", "ix_cases_town"):
        assert index in found, found
    assert "SCAN cases" not in found and "Seq Scan" not in found


def test_who_is_not_cleared_has_no_way_to_protected_cases(app: Flask) -> None:
    with app.app_context():
        assert "ix_cases_protected" not in plan(
            Caller(uuid.uuid4(), uuid.uuid4(), "", "", (Grant("dispatcher", TOWN), Grant("inspector", TOWN)))
        )


def test_only_who_can_be_asked_by_name_has_a_way_to_it_and_that_by_its_index(app: Flask) -> None:
    def found(*grants: Grant) -> str:
        return plan(Caller(uuid.uuid4(), uuid.uuid4(), "", "", grants))

    with app.app_context():
        for asked in (Grant("party_member", TOWN), Grant("grid_worker", f"{TOWN}012001")):
            way = found(asked)
            assert "ix_cases_assignee" in way and "SCAN cases" not in way and "Seq Scan" not in way, way
        others = ("resident", "dispatcher", "inspector", "committee")
        assert "ix_cases_assignee" not in found(*(Grant(role, TOWN) for role in others))
