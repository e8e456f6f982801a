"""The duty list: who is on duty at an instant, and keeping the list.

Of those on duty the nearest are called: for the department or village that holds the matter, else for the village it
lies in, else for the whole town. Whoever is on leave, out of use or holds no office any more is not there.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, exists, or_, select
from sqlalchemy.orm import Session

from backend.config import TOWN_ZONE
from backend.http.ids import new_id
from backend.http.problems import Conflict as Met
from backend.http.problems import Invalid, NotFound
from backend.http.reading import row, rows
from backend.http.versions import require_match
from backend.ledger.record import record
from backend.people.access import Caller, town_scope
from backend.people.duty_tables import DutyShift
from backend.people.roster_tables import Absence
from backend.people.tables import Account, Department, RoleAssignment
from backend.territory.location import territory

TOWN_DIGITS = 9
LONGEST = timedelta(days=366)
OFF_DUTY = ("resident", "party_member", "admin", "auditor")
"""Roles by which nobody is put on duty: these do not work on cases."""

_works = and_(
    RoleAssignment.role.not_in(OFF_DUTY),
    RoleAssignment.area_code.startswith(bindparam("town"), autoescape=False),
    RoleAssignment.ended_at.is_(None),
    or_(RoleAssignment.valid_to.is_(None), RoleAssignment.valid_to >= bindparam("today")),
)
"""Whether a role is one by which somebody works on cases of the town, today or later."""
_there = and_(
    Account.active,
    exists().where(RoleAssignment.account_id == Account.id, RoleAssignment.valid_from <= bindparam("today"), _works),
    ~exists().where(
        Absence.account_id == Account.id,
        Absence.begins_at <= bindparam("moment", type_=Absence.begins_at.type),
        or_(Absence.ends_at.is_(None), Absence.ends_at > bindparam("moment", type_=Absence.ends_at.type)),
    ),
)
_shifts = (
    select(
        DutyShift.account_id,
        Account.phone,
        Account.name,
        DutyShift.area_code,
        DutyShift.department,
        DutyShift.first_day,
        DutyShift.last_day,
        DutyShift.begins,
        DutyShift.ends,
    )
    .join(Account, Account.id == DutyShift.account_id)
    .where(
        DutyShift.town_code == bindparam("town"),
        DutyShift.first_day <= bindparam("today"),
        DutyShift.last_day >= bindparam("yesterday"),
        DutyShift.ended_at.is_(None),
        Account.phone.is_not(None),
        _there,
    )
    .order_by(DutyShift.id)
)
_works_there = (
    select(RoleAssignment.id)
    .join(Account, Account.id == RoleAssignment.account_id)
    .where(
        RoleAssignment.account_id == bindparam("account"),
        Account.active,
        _works,
        RoleAssignment.valid_from <= bindparam("last_day"),
    )
)
_department = select(Department.code).where(
    Department.code == bindparam("code"), Department.town_code == bindparam("town"), Department.closed_at.is_(None)
)


class OnDuty(NamedTuple):
    """A shift and whose it is, as one looks for who is on duty."""

    account_id: uuid.UUID
    phone: str
    name: str
    area_code: str
    department: str | None
    first_day: date
    last_day: date
    begins: time
    ends: time

    def at(self, moment: datetime) -> bool:
        """Whether the shift runs at a moment."""
        local = moment.astimezone(TOWN_ZONE)
        day, clock = local.date(), local.time()
        if self.begins < self.ends:
            return self.first_day <= day <= self.last_day and self.begins <= clock < self.ends
        if clock >= self.begins:
            return self.first_day <= day <= self.last_day
        return clock < self.ends and self.first_day < day <= self.last_day + timedelta(days=1)


@dataclass(frozen=True)
class Shift:
    """A shift as it is entered; for the whole of the town where neither a village nor a department is named."""

    account_id: uuid.UUID
    first_day: date
    last_day: date
    begins: time
    ends: time
    area_code: str | None = None
    department: str | None = None
    note: str | None = None


def nearest(there: Sequence[OnDuty], village: str | None, holder: str | None) -> list[OnDuty]:
    """Those of the people on duty who are nearest to a matter in a village, held by a department (or a village), if
    anybody holds it."""
    levels = (
        [one for one in there if holder is not None and holder in (one.department, one.area_code)],
        [one for one in there if one.department is None and one.area_code == village],
        [one for one in there if one.department is None and len(one.area_code) == TOWN_DIGITS],
    )
    return next((level for level in levels if level), [])


def running(town: str, moment: datetime) -> list[OnDuty]:
    """All who are on duty in a town at a moment, and there."""
    today = moment.astimezone(TOWN_ZONE).date()
    found = rows(_shifts, town=town, today=today, yesterday=today - timedelta(days=1), moment=moment)
    return [shift for shift in (OnDuty(*kept) for kept in found) if shift.at(moment)]


def who_is_on_duty(town: str, village: str | None, holder: str | None, moment: datetime) -> list[OnDuty]:
    """Who is on duty at a moment for a matter in a village that a department or village holds."""
    return nearest(running(town, moment), village, holder)


def enter_shift(session: Session, caller: Caller, shift: Shift, now: datetime) -> DutyShift:
    """Put somebody on duty. Raises Invalid; the caller of this commits."""
    town = min(town_scope(caller, "keep_duty"))
    _check(town, shift, now)
    entered = DutyShift(
        id=new_id(),
        town_code=town,
        area_code=shift.area_code or town,
        department=shift.department,
        account_id=shift.account_id,
        first_day=shift.first_day,
        last_day=shift.last_day,
        begins=shift.begins,
        ends=shift.ends,
        note=shift.note,
        entered_by=caller.account_id,
        entered_at=now,
        version=1,
    )
    session.add(entered)
    _record(session, caller, entered, "enter_shift", now)
    return entered


def end_shift(session: Session, caller: Caller, shift_id: uuid.UUID, now: datetime) -> DutyShift:
    """Take a shift off the list, as If-Match names it; it stays in the list's history.

    Raises NotFound, Conflict for one that was ended before, and what `require_match` raises.
    """
    towns = town_scope(caller, "keep_duty")
    wanted = select(DutyShift).where(DutyShift.id == shift_id, DutyShift.town_code.in_(towns)).with_for_update()
    shift = session.execute(wanted).scalar_one_or_none()
    if shift is None:
        raise NotFound
    require_match(shift.version)
    if shift.ended_at is not None:
        raise Met
    shift.ended_by, shift.ended_at, shift.version = caller.account_id, now, shift.version + 1
    session.flush()
    _record(session, caller, shift, "end_shift", now)
    return shift


def shifts(towns: Sequence[str], since: date, ended: bool, after: uuid.UUID | None, most: int) -> Sequence[Any]:
    """Up to `most` shifts that end on a day or later, in the order in which they were entered, with whose they are."""
    wanted = (
        select(*DutyShift.__table__.c, Account.name)
        .join(Account, Account.id == DutyShift.account_id)
        .where(DutyShift.town_code.in_(towns), DutyShift.last_day >= since)
        .order_by(DutyShift.id)
        .limit(most)
    )
    if not ended:
        wanted = wanted.where(DutyShift.ended_at.is_(None))
    if after is not None:
        wanted = wanted.where(DutyShift.id > after)
    return rows(wanted)


def _check(town: str, shift: Shift, now: datetime) -> None:
    errors: dict[str, Any] = {}
    known, today = territory().areas, now.astimezone(TOWN_ZONE).date()
    if not shift.first_day <= shift.last_day <= shift.first_day + LONGEST:
        errors["last_day"] = [("应不早于首日，最长一年。", "Not before the first day, and within a year of it.")]
    elif shift.last_day < today:
        errors["last_day"] = [("不能早于今天。", "Not before today.")]
    if shift.area_code is not None and shift.department is not None:
        errors["department"] = [("村（社区）与部门只填一项。", "Give a village or a department, not both.")]
    if shift.area_code is not None and (
        not shift.area_code.startswith(town) or (known and shift.area_code not in known)
    ):
        errors["area_code"] = [("应为本镇的村（社区）。", "Give a village of your town.")]
    if shift.department is not None and row(_department, code=shift.department, town=town) is None:
        errors["department"] = [("本镇没有这个部门。", "There is no such department in your town.")]
    if not errors and not _works_where(town, shift, today):
        errors["account_id"] = [
            ("此人在该范围没有可值班的职务。", "This person holds no office there by which they could be on duty.")
        ]
    if errors:
        raise Invalid(errors)


def _works_where(town: str, shift: Shift, today: date) -> bool:
    """Whether somebody holds an office, on days of the shift, of the department that it is for, of the village or a
    grid there, or of the whole town."""
    there, whole = _works_there, RoleAssignment.area_code == town
    if shift.department is not None:
        of_none = and_(whole, RoleAssignment.department.is_(None))
        there = there.where(or_(RoleAssignment.department == shift.department, of_none))
    elif shift.area_code is not None:
        there = there.where(or_(whole, RoleAssignment.area_code.startswith(shift.area_code, autoescape=True)))
    else:
        there = there.where(whole)
    values = {"account": shift.account_id, "town": town, "last_day": shift.last_day}
    return row(there, **values, today=max(today, shift.first_day)) is not None


def _record(session: Session, caller: Caller, shift: DutyShift, action: str, now: datetime) -> None:
    told: Mapping[str, Any] = {
        "account": str(shift.account_id),
        "area_code": shift.area_code,
        "department": shift.department,
        "days": [shift.first_day.isoformat(), shift.last_day.isoformat()],
        "hours": [shift.begins.isoformat(), shift.ends.isoformat()],
    }
    record(
        session,
        town=shift.town_code,
        actor=caller.account_id,
        action=action,
        thing=("duty_shift", str(shift.id)),
        version=shift.version,
        occurred_at=now,
        details=told,
    )
