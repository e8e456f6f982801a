"""Who can hold a case: a department of its town, one of the town's villages, or a person (see assigning.py)."""

import uuid
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import and_, bindparam, or_, select, union_all
from sqlalchemy.orm import Session

from backend.cases.assigning import tell_person
from backend.cases.case_row import PERSON, CaseRow
from backend.cases.reporters import tell_reporter
from backend.cases.tables import CaseEvent
from backend.http.problems import Problem
from backend.http.reading import Prepared, row, rows
from backend.outbox.messages import post
from backend.people.tables import Account, Department, RoleAssignment
from backend.territory.tables import Area


class _Holder(NamedTuple):
    code: str


_holder = Prepared(
    union_all(
        select(Department.code).where(
            Department.code == bindparam("department"),
            Department.town_code == bindparam("town"),
            Department.closed_at.is_(None),
        ),
        select(Area.code).where(Area.code == bindparam("department"), Area.parent_code == bindparam("town")),
    ),
    _Holder,
)


_people = (
    select(Account.phone)
    .join(RoleAssignment, RoleAssignment.account_id == Account.id)
    .where(
        Account.active,
        Account.phone.is_not(None),
        RoleAssignment.ended_at.is_(None),
        RoleAssignment.valid_from <= bindparam("today"),
        or_(RoleAssignment.valid_to.is_(None), RoleAssignment.valid_to >= bindparam("today")),
        or_(
            and_(RoleAssignment.role == "handler", RoleAssignment.department == bindparam("holder")),
            and_(RoleAssignment.role == "village_officer", RoleAssignment.area_code == bindparam("holder")),
        ),
        RoleAssignment.area_code.startswith(bindparam("town"), autoescape=False),
    )
    .distinct()
)


TOLD_EVERY = timedelta(days=1)
_pressed = (
    select(CaseEvent.version)
    .where(
        CaseEvent.case_id == bindparam("case"),
        CaseEvent.action.in_(("urge", "supervise")),
        CaseEvent.occurred_at > bindparam("since", type_=CaseEvent.occurred_at.type),
    )
    .limit(1)
)


class UnknownDepartment(Problem):
    """A department or village that cannot hold this case."""

    status, code = 422, "unknown_department"
    zh = "没有部门或村（社区）“{department}”，请从部门列表中选择。"
    en = "There is no department or village {department} in this town; choose a listed one."


def require_holder(town: str, department: str) -> None:
    """Refuse a code that is neither a department nor a village of the town. Raises UnknownDepartment."""
    if _holder.first(town=town, department=department) is None:
        raise UnknownDepartment(department=department)


def tell_holder(session: Session, case: CaseRow, now: datetime) -> None:
    """Tell the people of the department or village that holds a case, or who holds it, that their work is pressing.

    Once a day at most, however often a case is urged: the rest stands in its history.
    """
    if row(_pressed, case=case.id, since=now - TOLD_EVERY) is not None:
        return
    if (case.holder or "").startswith(PERSON):
        person_id = uuid.UUID((case.holder or "").removeprefix(PERSON))
        if not tell_person(session, person_id, "case_pressing"):
            tell_reporter(session, case.id, "case_pressing")  # who holds what they reported is known by a pseudonym
        return
    for person in rows(_people, holder=case.holder, town=case.town_code, today=now.date()):
        post(session, "sms", person.phone, "case_pressing")
