"""The town's departments: opening one, renaming it, and closing it, which sends back to the desk what it holds."""

import uuid
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.http.problems import Conflict, NotFound, Problem
from backend.http.versions import require_match
from backend.people.access import Caller, town_scope
from backend.people.appointing import end_roles
from backend.people.leaving import closing, hand_over
from backend.people.tables import Department, RoleAssignment
from backend.territory.town_rules import lay_down

KIND = "department"


class DepartmentExists(Problem):
    """A code that a department has, or had before it was closed."""

    status, code = 409, "department_exists"
    zh = "部门代码“{department}”已被使用（停用的部门也保留其代码），请换一个。"
    en = "There is a department {department} already, or was one that is closed now; take another code."


def open_department(session: Session, town: str, code: str, name: str, actor: uuid.UUID | None, now: datetime) -> None:
    """Add a department that handles cases. Raises DepartmentExists; of two at once the second fails on the key."""
    if session.get(Department, code) is not None:
        raise DepartmentExists(department=code)
    session.add(department := Department(code=code, town_code=town, name=name, version=1))
    session.flush()
    _keep(session, department, "add_department", actor, now)


def locked_department(session: Session, caller: Caller, code: str) -> Department:
    """A department to be changed, as If-Match names it. Raises NotFound (closed ones are past change), and what
    `require_match` raises."""
    towns = town_scope(caller, "keep_departments")
    wanted = select(Department).where(Department.code == code, Department.town_code.in_(towns)).with_for_update()
    department = session.execute(wanted).scalar_one_or_none()
    if department is None:
        raise NotFound
    require_match(department.version)
    if department.closed_at is not None:
        raise Conflict
    return department


def rename(session: Session, department: Department, name: str, actor: uuid.UUID, now: datetime) -> None:
    """Give a department another name."""
    department.name = name
    department.version += 1
    session.flush()
    _keep(session, department, "rename_department", actor, now)


def close(session: Session, department: Department, actor: uuid.UUID, now: datetime) -> None:
    """Close a department: nothing is dispatched to it any more, its handlers' roles end, its cases go to the desk."""
    department.closed_at = now
    department.version += 1
    session.flush()
    for account, roles in _handlers(session, department.code).items():
        end_roles(session, account, roles, now, actor)
    hand_over(session, None, [closing(department.code, department.town_code)], now, actor)
    _keep(session, department, "close_department", actor, now)


def _handlers(session: Session, code: str) -> dict[uuid.UUID, list[RoleAssignment]]:
    held = select(RoleAssignment).where(
        RoleAssignment.role == "handler", RoleAssignment.department == code, RoleAssignment.ended_at.is_(None)
    )
    found: dict[uuid.UUID, list[RoleAssignment]] = {}
    for role in session.execute(held.order_by(RoleAssignment.account_id)).scalars():
        found.setdefault(role.account_id, []).append(role)
    return found


def _keep(session: Session, department: Department, action: str, actor: uuid.UUID | None, now: datetime) -> None:
    told = {"name": department.name, "closed": department.closed_at is not None}
    lay_down(session, department.town_code, KIND, department.code, told, department.version, actor, now, action)
