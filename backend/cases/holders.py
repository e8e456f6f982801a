"""Who can hold a case: a department of its town, one of the town's villages, or a person (see assigning.py)."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from sqlalchemy import and_, bindparam, or_, select, union_all
from sqlalchemy.orm import Session

from backend.cases.case_row import CaseRow
from backend.cases.links.link_tables import CaseLink
from backend.cases.tables import Case, CaseEvent
from backend.http.problems import Problem
from backend.http.reading import Prepared, row, rows
from backend.outbox.messages import ALSO, HOLDER, NOTICE, post
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


_name = union_all(
    select(Department.name).where(Department.code == bindparam("code")),
    select(Area.name).where(Area.code == bindparam("code")),
)
_people = (
    select(Account.id)
    .join(RoleAssignment, RoleAssignment.account_id == Account.id)
    .where(
        Account.active,
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
    select(Case.id, Case.holder)
    .join(
        CaseLink,
        or_(
            and_(CaseLink.kind == "merge", CaseLink.case_id == bindparam("case"), Case.id == CaseLink.head_id),
            and_(CaseLink.kind == "part", CaseLink.head_id == bindparam("case"), Case.id == CaseLink.case_id),
        ),
    )
    .where(CaseLink.live, Case.status.in_(("dispatched", "handling", "suspended")))
    .order_by(Case.id)
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


def name_of(code: str) -> str | None:
    """The name of a department or village; None where there is none by that code."""
    found = row(_name, code=code)
    return str(found.name) if found else None


def people_of(town: str, holder: str, now: datetime) -> list[uuid.UUID]:
    """The accounts of those who act today for a department or village."""
    return [person.id for person in rows(_people, holder=holder, town=town, today=now.date())]


def tell_holder(session: Session, case: CaseRow, now: datetime, also: Literal["desk"] | None = None) -> None:
    """Tell whoever holds a case, its head or its parts, and `also` the desk, that it is pressing.

    Of the head or the parts each is told as the case that they hold, for the other they may not see. Once a day at
    most, however often a case is urged: the rest stands in its history.
    """
    held = [case.id] if case.holder is not None else [found.id for found in _held_elsewhere(case.id, case.status)]
    if not held or row(_pressed, case=case.id, since=now - TOLD_EVERY) is not None:
        return
    for one in held:
        post(session, NOTICE, f"{HOLDER}:{one}", "case_pressing", also=also if one == case.id else None)
    if also is not None and case.id not in held:
        post(session, NOTICE, f"{also}:{case.id}", ALSO[also])


def holders_of(case_id: uuid.UUID, status: str, holder: str | None) -> list[str]:
    """Who holds a case: by code of a department or village, or as a person; of a merged or split one, who holds the
    others."""
    if holder is not None:
        return [holder]
    return list(dict.fromkeys(found.holder for found in _held_elsewhere(case_id, status)))


def _held_elsewhere(case_id: uuid.UUID, status: str) -> Sequence[Any]:
    return rows(_elsewhere, case=case_id) if status in ("merged", "split") else ()
