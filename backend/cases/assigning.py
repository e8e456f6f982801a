"""Asking a person by name: to verify a report on site (核实), to check the work (核查), or to take a case up (认领).

Being asked is what gives a person the right to read the case, and it lasts as long as the step does. Asked can be who
has the role for it where the case lies, is impartial there, and (for a check) did not handle the case. Whether somebody
reported it is not looked at: the desk would learn from a refusal who did. Reporters asked about their own report are
not offered to verify it, and can have themselves excused like everybody.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, bindparam, exists, func, or_, select
from sqlalchemy.orm import Session

from backend.cases.case_row import PERSON, CaseRow
from backend.cases.protection.accusing import accused, accuses_person
from backend.cases.protection.protected import PROTECTED
from backend.cases.rules.categories import catalogue
from backend.cases.sight import reaches
from backend.cases.tables import CaseEvent
from backend.cases.workflow import HANDLING, NAMED
from backend.http.problems import NotFound, Problem
from backend.http.reading import row, rows
from backend.outbox.messages import ACCOUNT, NOTICE, post
from backend.people.access import TABLE, Caller
from backend.people.tables import Account, RoleAssignment
from backend.people.trust_tables import Conflict

_ROLES: Mapping[str, Sequence[str]] = {
    "verify": tuple(TABLE["verify"]),
    "check": tuple(TABLE["check"]),
    "handle": ("party_member",),
}
_OFFICES = ("grid_worker", "village_officer", "inspector")
_account = select(Account.name).where(Account.id == bindparam("account"), Account.active)


class Candidate(NamedTuple):
    """Somebody who can be asked: the account, the name, and the role they would do it in."""

    id: uuid.UUID
    name: str
    role: str


class CannotBeAsked(Problem):
    """A person who has no role for this here, is not impartial, or handled the case."""

    status, code = 422, "cannot_be_asked"
    zh = "不能指派此人：其身份不适用于本案所在区域或类别，或应当回避，或处置过本案。请从可指派人员中选择。"
    en = "This person has no role for it here, is not impartial, or handled the case; choose one of its candidates."


def candidates(caller: Caller, case: CaseRow, after: uuid.UUID | None, limit: int, today: date) -> list[Candidate]:
    """Up to `limit` people, by account, who can be asked by name for what the case waits for now; nobody where it waits
    for nothing of the kind. Raises NotFound for who may not ask."""
    if not reaches(caller, "assign", case):
        raise NotFound
    if case.status not in NAMED or case.reporting == PROTECTED:
        return []
    fit = _fit(case, NAMED[case.status], today).where(Account.id > (after or uuid.UUID(int=0)))
    found = rows(fit.group_by(Account.id, Account.name).order_by(Account.id).limit(limit))
    return [Candidate(*one) for one in found]


def require_candidate(case: CaseRow, person: uuid.UUID, now: datetime) -> None:
    """Refuse a person who cannot be asked for what the case waits for. Raises CannotBeAsked."""
    fit = _fit(case, NAMED[case.status], now.date()).where(Account.id == person)
    if row(fit.group_by(Account.id, Account.name)) is None:
        raise CannotBeAsked


def named(caller: Caller, case: CaseRow) -> dict[str, Any] | None:
    """Who was asked by name about the case or holds it: for what, whether it is the caller, and for the desk the name.

    A person who holds what they reported themselves has no name here.
    """
    held = (case.holder or "").startswith(PERSON)
    if case.assignee is None and not held:
        return None
    person = case.assignee or uuid.UUID((case.holder or "").removeprefix(PERSON))
    me = case.assignee == caller.account_id if case.assignee else case.held_by(caller.account_id)
    found = row(_account, account=person) if reaches(caller, "assign", case) else None
    task = NAMED.get(case.status, "handle") if case.assignee else "handle"
    return {"task": task, "me": me, "name": found.name if found else None}


def tell_person(session: Session, person: uuid.UUID, template: str) -> None:
    """Post a notice to somebody by their account."""
    post(session, NOTICE, f"{ACCOUNT}:{person}", template)


def _fit(case: CaseRow, task: str, today: date) -> Select[uuid.UUID, str, str]:
    roles = [role for role in _ROLES[task] if role != "party_member" or _open_to_members(case)]
    fit = (
        select(Account.id, Account.name, func.min(RoleAssignment.role).label("role"))
        .join(RoleAssignment, _in_force(today))
        .where(Account.active, RoleAssignment.role.in_(roles), RoleAssignment.area_code.in_(_areas(case)))
        .where(~_partial(case), ~_officer(case, today))
    )
    if accused_here := _accused(case, today):
        fit = fit.where(Account.id.not_in(accused_here))
    return fit.where(~_handled(case)) if task == "check" else fit


def _areas(case: CaseRow) -> set[str]:
    return {case.town_code, case.village_code, case.area_code}


def _in_force(today: date) -> ColumnElement[bool]:
    return and_(
        RoleAssignment.account_id == Account.id,
        RoleAssignment.valid_from <= today,
        or_(RoleAssignment.valid_to.is_(None), RoleAssignment.valid_to >= today),
        RoleAssignment.ended_at.is_(None),
    )


def _accused(case: CaseRow, today: date) -> list[uuid.UUID]:
    """Who of those with a role here is accused by the report: by name, or as the worker of the grid it lies in."""
    if not accused(case.description):
        return []
    here = select(Account.id, Account.name, RoleAssignment.role)
    found = rows(
        here.join(RoleAssignment, _in_force(today)).where(
            RoleAssignment.area_code.in_(_areas(case)), RoleAssignment.role.in_(_OFFICES)
        )
    )
    return [one.id for one in found if accuses_person(case.description, one.name, one.role == "grid_worker")]


def _open_to_members(case: CaseRow) -> bool:
    # Disputes and people's private matters are not for neighbours, members of the Party or not.
    kind = catalogue(case.town_code).get(case.category)
    return kind is not None and kind.public


def _partial(case: CaseRow) -> ColumnElement[bool]:
    return exists().where(
        Conflict.account_id == Account.id, Conflict.area_code == case.village_code, Conflict.ended_at.is_(None)
    )


def _officer(case: CaseRow, today: date) -> ColumnElement[bool]:
    of_village = RoleAssignment.__table__.alias("of_village").c
    return exists().where(
        of_village.account_id == Account.id,
        of_village.role == "village_officer",
        of_village.area_code == case.village_code,
        or_(of_village.valid_to.is_(None), of_village.valid_to >= today),
        of_village.ended_at.is_(None),
    )


def _handled(case: CaseRow) -> ColumnElement[bool]:
    return exists().where(
        CaseEvent.case_id == case.id, CaseEvent.actor_id == Account.id, CaseEvent.action.in_(HANDLING)
    )
