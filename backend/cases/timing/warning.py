"""Who is told that a step draws near its time, has run past it, or calls for somebody at night.

What they read names nothing: that they have work, and how pressing it is. Whoever does not hold the case is told only
of what they may see by the access table: of what nobody has accepted the desk alone, of a protected report the cleared,
of a case in a village nobody whose roles yield there. Where nobody of a level may, the next one is told.
At night whoever is on duty and may see the case is called, else the desk.
Whoever is told is an address of the outbox, which knows by which ways they want to hear of it.
"""

import uuid
from collections.abc import Mapping, Sequence
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
from backend.people.clearing import held_today
from backend.people.duty import nearest, running
from backend.people.tables import Account, RoleAssignment

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
_LEVELS = (("dispatcher",), ("committee",), ("inspector",))
"""Who is told in place of those who would be, where none of them may see the case: the first of whom somebody may."""


class _Held(NamedTuple):
    account_id: uuid.UUID
    role: str
    area_code: str
    department: str | None


_staff = (
    select(Account.id, RoleAssignment.role, RoleAssignment.area_code, RoleAssignment.department)
    .join(RoleAssignment, RoleAssignment.account_id == Account.id)
    .where(
        Account.active,
        held_today,
        RoleAssignment.role.in_(("dispatcher", "inspector", "committee", "handler", "village_officer")),
        RoleAssignment.area_code.startswith(bindparam("town"), autoescape=False),
    )
)


class Staff:
    """The people of a town who work on cases, as they are at a moment."""

    def __init__(self, town: str, now: datetime) -> None:
        self._duty = running(town, now)
        self._held = [_Held(*found) for found in rows(_staff, town=town, today=now.date())]
        leading = {one.account_id for one in self._held if (one.role,) in _LEVELS}
        self._callers = callers_of(leading | {one.account_id for one in self._duty}, now)
        self._holders: dict[str | None, set[str]] = {}
        for one in self._held:
            if (one.role,) not in _LEVELS:
                code = one.department if one.role == "handler" else one.area_code
                self._holders.setdefault(code, set()).add(_address(one.account_id))
        self._seeing: dict[tuple[Any, ...], set[str]] = {}

    def holding(self, case: Any) -> set[str]:
        """Those whose work the step of a case is, or the desk where there is nobody."""
        step = STEP[case.status]
        if case.reporting == PROTECTED:
            return self._told(case, ("dispatcher",))
        asked = {_address(case.assignee)} if case.assignee is not None else set[str]()
        if step != "handle":
            return asked | self._who_see(case, (HOLDS[step],)) or self._told(case, ("dispatcher",))
        if (case.holder or "").startswith(PERSON):
            return {f"{HOLDER}:{case.id}"}  # who holds what they reported is known by a pseudonym
        return self._holders.get(case.holder) or self._told(case, ("dispatcher",))

    def above(self, case: Any) -> set[str]:
        """Those above whoever holds a case."""
        return self._told(case, ABOVE)

    def on_duty(self, case: Any) -> set[str]:
        """The nearest of those on duty who may see a case, or the desk where nobody is."""
        seen = as_listed(case)
        there = [one for one in self._duty if sight(self._callers[one.account_id], seen, mine=False) is not None]
        called = {_address(one.account_id) for one in nearest(there, case.village_code, case.holder)}
        return called or self._told(case, ("dispatcher",))

    def _told(self, case: Any, roles: Sequence[str]) -> set[str]:
        levels = (self._who_see(case, level) for level in (roles, *_LEVELS))
        return next((told for told in levels if told), set())

    def _who_see(self, case: Any, roles: Sequence[str]) -> set[str]:
        """Those with one of the roles who may see a case; found once for all that are alike in what decides it."""
        accepted = case.accepted_at is not None
        alike = (*roles, accepted, case.reporting, case.area_code, case.holder, case.assignee)
        if alike not in self._seeing:
            seen = as_listed(case)
            staff = {one.account_id: self._callers[one.account_id] for one in self._held if one.role in roles}
            self._seeing[alike] = {
                _address(account)
                for account, caller in staff.items()
                if case.village_code not in caller.conflicts and sight(caller, seen, mine=False) is not None
            }
        return self._seeing[alike]


def _address(account: uuid.UUID) -> str:
    return f"{ACCOUNT}:{account}"
