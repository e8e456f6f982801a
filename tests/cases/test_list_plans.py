"""A list of cases walks the indexes of what its caller may see, and reads no more of them as the town's cases grow."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Connection, event, insert, text

from backend.cases.listing import list_cases
from backend.cases.reporter.reporters import tag_of
from backend.cases.tables import Case, CaseReporter
from backend.config import TOWN_ZONE
from backend.extensions import db
from backend.http.reading import Prepared, connection
from backend.http.work import unit_of_work
from backend.people.access import Caller, Grant
from tests.town import TOWN, VILLAGE

pytestmark = pytest.mark.sql

START = datetime(2026, 1, 1, tzinfo=TOWN_ZONE)
FEW, MANY = 3_000, 15_000
PAGE = 21
RESIDENT = uuid.UUID(int=7)
OFFICER = Grant("village_officer", VILLAGE, VILLAGE)
CALLERS: Mapping[str, tuple[Grant, ...]] = {
    "resident": (Grant("resident", TOWN),),
    "party_member": (Grant("party_member", TOWN),),
    "grid_worker": (Grant("grid_worker", f"{VILLAGE}001"),),
    "village_officer": (OFFICER,),
    "handler": (Grant("handler", TOWN, "sanitation"),),
    "dispatcher": (Grant("dispatcher", TOWN),),
    "inspector": (Grant("inspector", TOWN),),
    "committee": (Grant("committee", TOWN),),
    "dispatcher and officer": (Grant("dispatcher", TOWN), OFFICER),
    "worker of three grids": tuple(Grant("grid_worker", f"{VILLAGE}00{number}") for number in (1, 2, 3)),
}
INDEXES = {"ix_cases_town", "ix_cases_village", "ix_cases_area", "ix_cases_holder", "ix_case_reporters_tag"}


def add_cases(first: int, last: int) -> None:
    """Cases in 20 villages of 4 grids, a third with each of two holders, every 50th the resident's."""
    kept = []
    for number in range(first, last):
        village = f"{TOWN}{number % 20 + 1:03d}"
        at = START + timedelta(minutes=number)
        kept.append(
            {"id": uuid.UUID(int=number << 80 | 1), "number": str(number), "town_code": TOWN}
            | {"village_code": village, "area_code": f"{village}00{number // 20 % 4 + 1}", "status": "accepted"}
            | {"version": 1, "category": "litter", "description": "路灯不亮", "reporting": "named", "occurred_at": at}
            | {"recorded_at": at, "accepted_at": at if number % 5 else None}
            | {"holder": ("sanitation", village, None)[number % 3] if number % 5 else None}
        )
    by = [
        {"case_id": case["id"], "tag": tag_of(RESIDENT if number % 50 == 0 else uuid.UUID(int=number + 100))}
        | {"pseudonym": uuid.uuid4(), "for_caller": False, "occurred_at": case["occurred_at"]}
        for number, case in enumerate(kept, first)
    ]
    with unit_of_work() as session:
        session.execute(insert(Case), kept)
        session.execute(insert(CaseReporter), by)
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as opened:
        opened.execute(text("VACUUM ANALYZE" if opened.dialect.name == "postgresql" else "ANALYZE"))


@pytest.fixture
def asked(empty_app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The statement and the values with which a caller's list asks the database."""
    caught: list[tuple[Any, dict[str, Any]]] = []
    whole = Prepared.all

    def catch(self: Prepared[Any], **values: Any) -> Any:
        caught.append((self.statement, values))
        return whole(self, **values)

    monkeypatch.setattr(Prepared, "all", catch)

    def ask(grants: tuple[Grant, ...], after: Any = None) -> tuple[Any, dict[str, Any]]:
        caught.clear()
        found = list_cases(Caller(RESIDENT, uuid.uuid4(), "", "", grants), {}, after, PAGE)
        assert len(found) == PAGE
        assert len(caught) == 1, "one statement a list, whatever the caller's roles"
        return caught[0]

    with empty_app.app_context():
        yield ask


def plan_and_work(statement: Any, values: dict[str, Any]) -> tuple[str, int]:
    """How the database goes about a statement, and how much it does: rows touched, or tens of steps in SQLite."""
    held = connection()
    if held.dialect.name == "postgresql":
        return _of_postgresql(held, statement, values)
    ran: list[tuple[str, Any]] = []
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1

    def remember(_connection: Any, _cursor: Any, written: str, parameters: Any, *_rest: Any) -> None:
        ran.append((written, parameters))

    driver: Any = held.connection.dbapi_connection
    event.listen(held, "before_cursor_execute", remember)
    driver.set_progress_handler(step, 10)
    held.execute(statement, values).all()
    driver.set_progress_handler(None, 10)
    event.remove(held, "before_cursor_execute", remember)
    ((written, parameters),) = ran
    return "\n".join(str(row[3]) for row in held.exec_driver_sql(f"EXPLAIN QUERY PLAN {written}", parameters)), steps


def _of_postgresql(held: Connection, statement: Any, values: dict[str, Any]) -> tuple[str, int]:
    compiled = statement.compile(held.engine)
    bound = compiled.params | values
    told = ", ".join("'" + str(bound[name]) + "'" for name in compiled.positiontup)
    held.exec_driver_sql(f"PREPARE asked AS {compiled}")
    how = "EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE asked"
    ((found,),) = held.exec_driver_sql(f"{how}({told})").all()
    held.exec_driver_sql("DEALLOCATE asked")
    plan = found[0]["Plan"]
    return json.dumps(plan), _rows_touched(plan)


def _rows_touched(node: dict[str, Any]) -> int:
    own = node["Actual Rows"] + node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Join Filter", 0)
    return int(own * node["Actual Loops"]) + sum(_rows_touched(part) for part in node.get("Plans", []))


def test_every_list_walks_indexes_only_and_reads_no_more_with_five_times_the_cases(asked: Any) -> None:
    work: dict[str, list[int]] = {who: [] for who in CALLERS}
    pages = {"first": None, "later": (START + timedelta(minutes=FEW - 100), uuid.UUID(int=0))}
    for first, last in ((0, FEW), (FEW, MANY)):
        add_cases(first, last)
        for who, grants in CALLERS.items():
            read = 0
            for after in pages.values():
                if after is not None and who in ("resident", "party_member"):
                    continue  # has no more than a page
                plan, more = plan_and_work(*asked(grants, after))
                read += more
                if last == MANY:  # a small town is read whole by any planner
                    assert any(index in plan for index in INDEXES), (who, plan)
                    assert "Seq Scan" not in plan and "SCAN cases" not in plan, (who, plan)
            work[who].append(read)
    assert {who: (few, many) for who, (few, many) in work.items() if many > few * 1.3} == {}
