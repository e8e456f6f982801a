"""What is looked after every few seconds, and listed of calls, is found by an index, however many cases there are."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from flask import Flask

from backend.cases import calls
from backend.cases.calls import list_calls
from backend.cases.links import following
from backend.http.reading import connection
from backend.people.access import Caller, Grant
from tests.town import TOWN

pytestmark = pytest.mark.sql


def plan(statement: Any) -> str:
    """The plan of a statement, its values written out."""
    held = connection()
    asked = statement.compile(held.engine, compile_kwargs={"literal_binds": True})
    if held.dialect.name == "sqlite":
        return "\n".join(str(row[3]) for row in held.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}"))
    held.exec_driver_sql("SET enable_seqscan = off")  # a few rows are read whole by any planner
    held.exec_driver_sql("SET enable_bitmapscan = off")
    return "\n".join(str(row[0]) for row in held.exec_driver_sql(f"EXPLAIN {str(asked).replace('%', '%%')}"))


@pytest.mark.parametrize("name", ["_behind", "_wholes"])
def test_only_what_is_live_is_looked_after(app: Flask, name: str) -> None:
    with app.app_context():
        found = plan(getattr(following, name))
    assert "ix_case_links_live" in found, found
    assert "SCAN cases" not in found and "Seq Scan" not in found, found


@pytest.mark.parametrize(
    ("grant", "index"),
    [
        (Grant("handler", TOWN, "sanitation"), "ix_case_calls_department"),
        (Grant("dispatcher", TOWN), "ix_case_calls_town"),
    ],
)
def test_calls_are_walked_from_the_newest(
    app: Flask, monkeypatch: pytest.MonkeyPatch, grant: Grant, index: str
) -> None:
    plans = []
    monkeypatch.setattr(calls, "rows", lambda statement: plans.append(plan(statement)))
    with app.app_context():
        list_calls(Caller(uuid.uuid4(), uuid.uuid4(), "", "", (grant,)), None, None, 51)
    assert index in plans[0] and "Seq Scan" not in plans[0], plans[0]
