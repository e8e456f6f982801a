"""Who I am, who looked at my data, and the departments of the town."""

from typing import Any

from flask import Response
from sqlalchemy import bindparam, literal, select, union_all

from backend.http import clock
from backend.http.blueprint import Room
from backend.http.pages import PageQuery, instant, listing, number, read_cursor
from backend.http.permission import permission
from backend.http.reading import answer, rows
from backend.people.access import TABLE
from backend.people.caller import current_caller
from backend.people.joining import standing
from backend.people.looks import looks
from backend.people.schemas import AccessesSchema, DepartmentsSchema, MeSchema
from backend.people.tables import Department
from backend.territory.tables import Area

room = Room("people", "Accounts, sign-in and roles")

# A village is a department under its own code.
_departments = union_all(
    select(Department.code, Department.name, literal("department").label("kind")).where(
        Department.town_code.in_(bindparam("towns", expanding=True)), Department.closed_at.is_(None)
    ),
    select(Area.code, Area.name, literal("village").label("kind")).where(
        Area.parent_code.in_(bindparam("towns", expanding=True))
    ),
).order_by("kind", "code")


@room.get("/me")
@room.response(200, MeSchema)
@permission("signed_in")
def me() -> Response:
    """Who I am and what I may do where."""
    caller = current_caller()
    roles = []
    for grant in caller.grants:
        role: dict[str, Any] = {"role": grant.role, "area_code": grant.area_code}
        if grant.cleared:
            role["cleared"] = True
        if grant.department:
            role["department"] = grant.department
        if grant.acting_as:
            role["acting_as"] = grant.acting_as
        roles.append(role)
    permissions = {
        name: sorted({grant.area_code for grant, _ in caller.allowed(name)}) for name in TABLE if caller.may(name)
    }
    known = {"id": caller.account_id, "name": caller.name, "roles": roles, "permissions": permissions}
    return answer(known | standing(caller.account_id, clock.now()))


@room.get("/me/accesses")
@room.arguments(PageQuery, location="query")
@room.response(200, AccessesSchema)
@permission("signed_in")
def my_accesses(query: dict[str, Any]) -> Response:
    """Who looked at my data, when and why, newest first."""
    after = read_cursor(query["cursor"], instant, number)
    kept, cursor = looks(current_caller().account_id, after, query["limit"], clock.now())
    return answer(listing(kept, cursor))


@room.get("/departments")
@room.response(200, DepartmentsSchema)
@permission("read_departments")
def departments() -> Response:
    """The town's departments, then its villages: whoever a case can be dispatched to."""
    found = rows(_departments, towns=sorted(current_caller().towns))
    return answer(listing([dict(row._mapping) for row in found]))
