"""Who is told that a step draws near its time, has run past it, or calls for somebody at night.

What they read names nothing: that they have work, and how pressing it is. At night whoever is on duty and may see the
case by the access table is called, else the desk. Of a protected report only those who are cleared
to read it are told, of what is set apart only the desk, and of a case nobody whose roles yield in its village.
Whoever is told is an address of the outbox, which knows by which ways they want to hear of it.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select

from backend.cases.case_row import PERSON, as_listed
from backend.cases.protection.protected import PROTECTED
from backend.cases.sight import sight
from backend.cases.workflow import STEP
from backend.http.reading import rows
from backend.outbox.messages import ACCOUNT, HOLDER
from backend.people.caller import callers_of
from backend.people.clearing import held_today, stands
from backend.people.duty import nearest, running
from backend.people.tables import Account, RoleAssignment
from backend.people.trust_tables import Clearing, Conflict

HOLDS: Mapping[str, str] = {
    "accept": "dispatcher",
    "dispatch": "dispatcher",
    "check": "inspector",
    "close": "dispatcher",
    "case": "dispatcher",
}
"""Whose work a step is; handling is the work of the department or village that holds the case."""
ABOVE = ("dispatcher", "committee")
"""Who is told that somebody let a step run past its time: the town's desk, and its leaders above all holders."""


class _Held(NamedTuple):
    account_id: uuid.UUID
    role: str
    area_code: str
    department: str | None
    clearing: uuid.UUID | None


_staff = (
    select(
        Account.id,
        RoleAssignment.role,
        RoleAssignment.area_code,
        RoleAssignment.department,
        Clearing.id,
    )
    .join(RoleAssignment, RoleAssignment.account_id == Account.id)
    .outerjoin(Clearing, (Clearing.assignment_id == RoleAssignment.id) & stands)
    .where(
        Account.active,
        held_today,
        RoleAssignment.role.in_(("dispatcher", "inspector", "committee", "handler", "village_officer")),
        RoleAssignment.area_code.startswith(bindparam("town"), autoescape=False),
    )
)
_conflicts = select(Conflict.account_id, Conflict.area_code).where(Conflict.ended_at.is_(None))


class Staff:
    """The people of a town who work on cases, as they are at a moment."""

    def __init__(self, town: str, now: datetime) -> None:
        self._duty = running(town, now)
        self._callers = callers_of({one.account_id for one in self._duty}, now)
        self._held = [_Held(*found) for found in rows(_staff, town=town, today=now.date())]
        officers = ((held.account_id, held.area_code) for held in self._held if held.role == "village_officer")
        listed = ((found.account_id, found.area_code) for found in rows(_conflicts))
        self._yield = {*officers, *listed}

    def holding(self, case: Any) -> set[str]:
        """Those whose work the step of a case is, or the desk where there is nobody."""
        step = STEP[case.status]
        if case.reporting == PROTECTED:
            return self._of(case, ("dispatcher",))
        asked = {_address(case.assignee)} if case.assignee is not None else set[str]()
        if step != "handle":
            return asked | self._of(case, (HOLDS[step],)) or self._of(case, ("dispatcher",))
        if (case.holder or "").startswith(PERSON):
            return {f"{HOLDER}:{case.id}"}  # who holds what they reported is known by a pseudonym
        held = {_address(one.account_id) for one in self._held if _holds(one, case.holder)}
        return held or self._of(case, ("dispatcher",))

    def above(self, case: Any) -> set[str]:
        """Those above whoever holds a case."""
        return self._of(case, ABOVE)

    def on_duty(self, case: Any) -> set[str]:
        """The nearest of those on duty who may see a case, or the desk where nobody is."""
        seen = as_listed(case)
        there = [one for one in self._duty if sight(self._callers[one.account_id], seen, mine=False) is not None]
        called = {_address(one.account_id) for one in nearest(there, case.village_code, case.holder)}
        return called or self._of(case, ("dispatcher",))

    def _of(self, case: Any, roles: Sequence[str]) -> set[str]:
        return {
            _address(one.account_id) for one in self._impartial(case) if one.role in roles and self._reads(one, case)
        }

    def _impartial(self, case: Any) -> Iterable[_Held]:
        return (one for one in self._held if (one.account_id, case.village_code) not in self._yield)

    @staticmethod
    def _reads(one: _Held, case: Any) -> bool:
        if case.status == "apart":
            return one.role == "dispatcher"  # who looks at it before anybody else
        return case.reporting != PROTECTED or (one.role == "dispatcher" and one.clearing is not None)


def _address(account: uuid.UUID) -> str:
    return f"{ACCOUNT}:{account}"


def _holds(one: _Held, holder: str | None) -> bool:
    return holder == {"handler": one.department, "village_officer": one.area_code}.get(one.role, "")
