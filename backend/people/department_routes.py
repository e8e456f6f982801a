"""Keeping the town's departments."""

from typing import Any

from flask import Response
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from backend.http import clock
from backend.http.blueprint import Room
from backend.http.pages import PageQuery
from backend.http.permission import permission
from backend.http.problems import NotFound
from backend.http.reading import answer, row
from backend.ledger.answers import once
from backend.people.access import town_scope
from backend.people.account_schemas import DepartmentChanges, EmptyBody, NewDepartmentBody, OneDepartmentSchema
from backend.people.caller import current_caller
from backend.people.departments import KIND, close, locked_department, open_department, rename
from backend.people.tables import Department
from backend.territory.rule_answers import RuleVersionsSchema, versions_page

room = Room("departments", "The departments that handle the town's cases")

_department = select(Department.code, Department.name, Department.closed_at, Department.version).where(
    Department.code == bindparam("code"), Department.town_code.in_(bindparam("towns", expanding=True))
)


@room.get("/departments/<string:code>")
@room.response(200, OneDepartmentSchema)
@permission("read_departments")
def one_department(code: str) -> Response:
    """One department, a closed one too; the ETag is its version."""
    found = row(_department, code=code[:41], towns=sorted(current_caller().towns))
    if found is None:
        raise NotFound
    return _shown(found)


@room.post("/departments")
@room.arguments(NewDepartmentBody)
@room.response(201, OneDepartmentSchema)
@room.resendable
@permission("keep_departments")
def new_department(body: dict[str, Any]) -> Response:
    """Add a department. A village is one already, under its own code."""
    caller = current_caller()

    def work(session: Session) -> Response:
        town = min(town_scope(caller, "keep_departments"))
        open_department(session, town, body["code"], body["name"], caller.account_id, clock.now())
        return _shown(session.get_one(Department, body["code"]), 201)

    return once(caller.account_id, work)


@room.patch("/departments/<string:code>")
@room.arguments(DepartmentChanges)
@room.response(200, OneDepartmentSchema)
@room.conditional
@permission("keep_departments")
def changed_department(body: dict[str, Any], code: str) -> Response:
    """Rename a department; its code stays."""
    caller = current_caller()

    def work(session: Session) -> Response:
        department = locked_department(session, caller, code)
        rename(session, department, body["name"], caller.account_id, clock.now())
        return _shown(department)

    return once(caller.account_id, work)


@room.post("/departments/<string:code>/close")
@room.arguments(EmptyBody)
@room.response(200, OneDepartmentSchema)
@room.conditional
@permission("keep_departments")
def closed_department(_body: dict[str, Any], code: str) -> Response:
    """Close a department: its handlers' roles end, and the cases that it holds go back to the desk."""
    caller = current_caller()

    def work(session: Session) -> Response:
        department = locked_department(session, caller, code)
        close(session, department, caller.account_id, clock.now())
        return _shown(department)

    return once(caller.account_id, work)


@room.get("/departments/<string:code>/history")
@room.arguments(PageQuery, location="query")
@room.response(200, RuleVersionsSchema)
@permission("read_settings")
def department_history(query: dict[str, Any], code: str) -> Response:
    """What a department was called and whether it was closed, newest first, as far as it was kept here."""
    if row(_department, code=code[:41], towns=sorted(town_scope(current_caller(), "read_settings"))) is None:
        raise NotFound
    return versions_page(KIND, code, query)


def _shown(department: Any, status: int = 200) -> Response:
    told = {name: getattr(department, name) for name in ("code", "name", "closed_at", "version")}
    return answer(told, status, etag=str(department.version))
