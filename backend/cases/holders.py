"""Who can hold a case: a department of its town, one of the town's villages, or a person (see assigning.py)."""

import uuid
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import and_, bindparam, or_, select, union_all
from sqlalchemy.orm import Session

from backend.cases.assigning import tell_person
from backend.cases.case_row import PERSON, CaseRow
from backend.cases.link_tables import CaseLink
from backend.cases.reporters import tell_reporter
from backend.cases.tables import Case, CaseEvent
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


_elsewhere = (
    select(Case.holder)
    .join(
        CaseLink,
        or_(
            and_(CaseLink.kind == "merge", CaseLink.case_id == bindparam("case"), Case.id == CaseLink.head_id),
            and_(CaseLink.kind == "part", CaseLink.head_id == bindparam("case"), Case.id == CaseLink.case_id),
        ),
    )
    .where(CaseLink.live, Case.status.in_(("dispatched", "handling", "suspended")))
    .distinct()
)


class UnknownDepartment(Problem):
    """A department or village that cannot hold this case."""

    status, code = 422, "unknown_department"
    zh = "没有部门或村（社区）“{department}”，请从部门列表中选择。"
    en = "There is no department or village {department} in this town; choose a listed one."


def require_holder(town: str, department: str) -> None:
    """Refuse a code that is neither a department nor a village of the town. Raises UnknownDepartment."""
    if not can_hold(town, department):
        raise UnknownDepartment(department=department)


def can_hold(town: str, department: str) -> bool:
    """Whether a code is a department of the town that is not closed, or one of its villages."""
    return _holder.first(town=town, department=department) is not None


def people_of(town: str, holder: str, now: datetime) -> list[str]:
    """The phones of those who act today for a department or village."""
    return [person.phone for person in rows(_people, holder=holder, town=town, today=now.date())]


def tell_holder(session: Session, case: CaseRow, now: datetime) -> None:
    """Tell whoever holds a case, its head or its parts, as a department, a village or by name, that it is pressing.

    Once a day at most, however often a case is urged: the rest stands in its history.
    """
    holders = _holders(case)
    if not holders or row(_pressed, case=case.id, since=now - TOLD_EVERY) is not None:
        return
    phones = [phone for holder in holders for phone in people_of(case.town_code, holder, now)]
    for phone in dict.fromkeys(phones):
        post(session, "sms", phone, "case_pressing")
    for person in (holder.removeprefix(PERSON) for holder in holders if holder.startswith(PERSON)):
        if not tell_person(session, uuid.UUID(person), "case_pressing"):
            tell_reporter(session, case.id, "case_pressing")  # who holds what they reported is known by a pseudonym


def _holders(case: CaseRow) -> list[str]:
    if case.holder is not None:
        return [case.holder]
    return [found.holder for found in rows(_elsewhere, case=case.id)] if case.status in ("merged", "split") else []
