"""Which area and department a role can be held for, and giving one to somebody who has an account."""

import uuid
from datetime import datetime

from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session

from backend.http.reading import row
from backend.ledger.record import SYSTEM, record
from backend.people.accounts import NewAccount, give_role
from backend.people.tables import Account, Department, RoleAssignment
from backend.territory.codes import level_of
from backend.territory.location import territory

_account = select(Account.id).where(Account.phone == bindparam("phone"))
_department = select(Department.code).where(
    Department.code == bindparam("department"), Department.town_code == bindparam("town")
)


class Unfit(ValueError):
    """A role that cannot be given so; the message says why."""


def check_place(role: str, area: str, department: str | None) -> str | None:
    """The department under which a role is held for an area: a handler's own, a village officer's village, else None.

    Before any boundaries are imported, a code of the right length will do for an area. Raises Unfit.
    """
    known, level = territory().areas, level_of(area)
    if level is None or (known and area not in known):
        raise Unfit(f"there is no area {area}: a town's code has 9 digits, a village's 12, a grid's 15")
    if role == "village_officer":
        if level != "village" or department not in (None, area):
            raise Unfit("a village officer's area is a village, which is the officer's department, too")
        return area
    if role == "handler":
        if department is None or row(_department, department=department, town=area[:9]) is None:
            raise Unfit(f"a handler needs a department of {area[:9]}; add it with: flask people add-department")
        return department
    if department is not None:
        raise Unfit("only a handler has a department")
    return None


def known_account(phone: str) -> uuid.UUID | None:
    """The account of a phone (E.164), if it has one."""
    found = row(_account, phone=phone)
    return found.id if found else None


def add_role(session: Session, account: uuid.UUID, person: NewAccount, now: datetime) -> None:
    """Give an account one more role from today on, and record it. Raises Unfit for one it holds."""
    held = select(RoleAssignment.id).where(
        RoleAssignment.account_id == account,
        RoleAssignment.role == person.role,
        RoleAssignment.area_code == person.area_code,
        RoleAssignment.department == person.department,
        or_(RoleAssignment.valid_to.is_(None), RoleAssignment.valid_to >= now.date()),
        RoleAssignment.ended_at.is_(None),
    )
    if session.execute(held).first() is not None:
        raise Unfit(f"{person.phone} is {person.role} of {person.area_code} already")
    give_role(session, account, person, now.date())
    details = {"role": person.role, "area_code": person.area_code, "department": person.department}
    thing = ("account", str(account))
    record(
        session, town=SYSTEM, actor=None, action="give_role", thing=thing, version=1, occurred_at=now, details=details
    )
