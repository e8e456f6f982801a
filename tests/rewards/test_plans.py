"""The latest and the newest runs of a town are found by an index, however many there are."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from sqlalchemy import event, insert, text

from backend.extensions import db
from backend.http.ids import new_id
from backend.http.work import unit_of_work
from backend.rewards.tables import Run
from tests.rewards.conftest import NOW, OTHER_TOWN, TOWN, Person, RewardsTown

pytestmark = pytest.mark.sql


def plan(town: RewardsTown, path: str, who: Person) -> str:
    """The plans of the statements on runs that a request makes."""
    ran: list[tuple[str, Any]] = []

    def remember(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if "FROM runs" in statement:
            ran.append((statement, parameters))

    engine = town.app.extensions["reading"]
    event.listen(engine, "before_cursor_execute", remember)
    assert town.get(path, who).status_code == 200
    event.remove(engine, "before_cursor_execute", remember)
    assert ran
    how = "EXPLAIN" if engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
    with engine.connect() as connection:
        plans = [connection.exec_driver_sql(f"{how} {statement}", parameters) for statement, parameters in ran]
        return "\n".join(str(tuple(row)) for found in plans for row in found)


@pytest.fixture
def full(town: RewardsTown) -> RewardsTown:
    town.ordinary_october()
    committee = town.person("committee")
    run = town.run(committee)
    with town.app.app_context():
        kept = db.session.get_one(Run, uuid.UUID(run["id"]))
        like = {column.name: getattr(kept, column.name) for column in Run.__table__.c}
        db.session.rollback()
        many = [
            like | {"id": new_id(), "town": code, "period_start": NOW, "facts_hash": f"{number}"}
            for number in range(3000)
            for code in (TOWN, OTHER_TOWN)
        ]
        with unit_of_work() as session:
            session.execute(insert(Run), many)
            session.execute(text("ANALYZE"))
    return town


def test_the_latest_run_is_found_by_the_index_of_periods(full: RewardsTown) -> None:
    found = plan(full, "/runs/latest/ranking", full.person("committee"))
    assert "ix_runs_latest" in found
    assert "SCAN runs" not in found and "TEMP B-TREE" not in found and "Sort" not in found


def test_the_newest_runs_and_the_next_page_are_found_by_the_index_of_ids(full: RewardsTown) -> None:
    committee = full.person("committee")
    assert "ix_runs_newest" in plan(full, "/runs", committee)
    after = (full.get("/runs", committee).json or {})["next_cursor"]
    found = plan(full, f"/runs?cursor={after}", committee)
    assert "ix_runs_newest" in found
    assert "SCAN runs" not in found and "TEMP B-TREE" not in found and "Sort" not in found
