"""Which area and department a role can be held for; giving a role to somebody who has an account, and ending it."""

import uuid
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, bindparam, or_, select, update
from sqlalchemy.orm import Session

from backend.http.reading import row
from backend.ledger.record import SYSTEM, record
from backend.people.access import ROLES, SUBSTITUTE
from backend.people.accounts import NewAccount, give_role
from backend.people.tables import Account, Department, RoleAssignment
from backend.territory.codes import level_of
from backend.territory.location import territory

GIVEN = (*ROLES, SUBSTITUTE)
"""What can be held for an area: the roles, and being the substitute of a grid or village."""

_LEVELS: Mapping[str, tuple[str, ...]] = {
    "grid_worker": ("grid", "village"),
    SUBSTITUTE: ("grid", "village"),
    "village_officer": ("village",),
} | dict.fromkeys(("dispatcher", "inspector", "committee", "admin", "auditor"), ("town",))
_TITLES = {"town": "镇", "village": "村（社区）", "grid": "网格"}

_account = select(Account.id).where(Account.phone == bindparam("phone"))
_department = select(Department.code).where(
    Department.code == bindparam("department"),
    Department.town_code == bindparam("town"),
    Department.closed_at.is_(None),
)


ROLE_TITLES: Mapping[str, str] = {
    "resident": "居民",
    "party_member": "党员",
    "grid_worker": "网格员",
    SUBSTITUTE: "B角",
    "village_officer": "村干部",
    "handler": "经办人",
    "dispatcher": "派遣员",
    "inspector": "督查员",
    "committee": "镇委",
    "admin": "管理员",
    "auditor": "审计员",
}


class Unfit(ValueError):
    """A role that cannot be given so; `zh` and `en` say why."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh, self.en = zh, en


def check_place(role: str, area: str, department: str | None) -> str | None:
    """The department under which a role is held for an area: a handler's own, a village officer's village, else None.

    Before any boundaries are imported, a code of the right length will do for an area. Raises Unfit.
    """
    known, level = territory().areas, level_of(area)
    if level is None or (known and area not in known):
        raise Unfit(
            f"没有区域 {area}：镇的代码为 9 位，村（社区）12 位，网格 15 位。",
            f"there is no area {area}: a town's code has 9 digits, a village's 12, a grid's 15",
        )
    levels = _LEVELS.get(role, (level,))
    if level not in levels or (role == "village_officer" and department not in (None, area)):
        raise Unfit(
            f"{ROLE_TITLES[role]}的区域应为{'或'.join(_TITLES[one] for one in levels)}，{area} 不是。",
            f"the area of a {role} is a {' or a '.join(levels)}, and a village officer's department is that village",
        )
    if role == "village_officer":
        return area
    if role == "handler":
        if department is None or row(_department, department=department, town=area[:9]) is None:
            raise Unfit(
                f"经办人需要 {area[:9]} 的一个部门，请先添加部门。",
                f"a handler needs a department of {area[:9]}; add it with: flask people add-department",
            )
        return department
    if department is not None:
        raise Unfit("只有经办人才有部门。", "only a handler has a department")
    return None


def known_account(phone: str) -> uuid.UUID | None:
    """The account of a phone (E.164), if it has one."""
    found = row(_account, phone=phone)
    return found.id if found else None


def add_role(
    session: Session,
    account: uuid.UUID,
    person: NewAccount,
    now: datetime,
    *,
    since: date | None = None,
    until: date | None = None,
    actor: uuid.UUID | None = None,
) -> uuid.UUID:
    """Give an account one more role, from today on if not said otherwise, and record it; answers the role's id.

    Raises Unfit for one it holds.
    """
    since = since or now.date()
    held = select(RoleAssignment.id).where(
        RoleAssignment.account_id == account,
        RoleAssignment.role == person.role,
        RoleAssignment.area_code == person.area_code,
        RoleAssignment.department == person.department,
        _overlaps(since, until),
    )
    if session.execute(held).first() is not None:
        raise Unfit(
            f"{person.phone} 已经是 {person.area_code} 的{ROLE_TITLES[person.role]}。",
            f"{person.phone} is {person.role} of {person.area_code} already",
        )
    made = give_role(session, account, person, since, until)
    details = {"role": person.role, "area_code": person.area_code, "department": person.department}
    dates = {"from": str(since), "to": str(until) if until else None}
    tell(session, account, "give_role", now, actor, count_change(session, account), **details, **dates)
    return made


def _overlaps(since: date, until: date | None) -> Any:
    ends_later = or_(RoleAssignment.valid_to.is_(None), RoleAssignment.valid_to >= since)
    begins_before = RoleAssignment.valid_from <= until if until else RoleAssignment.valid_from.is_not(None)
    return and_(RoleAssignment.ended_at.is_(None), ends_later, begins_before)


def end_roles(
    session: Session, account: uuid.UUID, roles: list[RoleAssignment], now: datetime, actor: uuid.UUID | None
) -> None:
    """End these roles of an account now, and record it: the next request meets an account without them."""
    ids = [role.id for role in roles]
    if not ids:
        return
    session.execute(update(RoleAssignment).where(RoleAssignment.id.in_(ids)).values(ended_at=now))
    ended = [f"{role.role} {role.area_code} {role.department or ''}".strip() for role in roles]
    tell(session, account, "end_roles", now, actor, count_change(session, account), roles=ended)


def roles_in_force(session: Session, account: uuid.UUID, today: date) -> list[RoleAssignment]:
    """The roles that an account holds today or will hold."""
    found = select(RoleAssignment).where(RoleAssignment.account_id == account, _overlaps(today, None))
    return list(session.execute(found.order_by(RoleAssignment.id)).scalars())


def count_change(session: Session, account: uuid.UUID) -> int:
    """Count one more change of an account and keep other changes of it away until this unit of work ends."""
    changed = update(Account).where(Account.id == account).values(version=Account.version + 1)
    return session.execute(changed.returning(Account.version)).scalar_one()


def tell(
    session: Session,
    account: uuid.UUID,
    action: str,
    now: datetime,
    actor: uuid.UUID | None,
    version: int,
    **details: object,
) -> None:
    """Record what was done to an account; no name and no number."""
    thing = ("account", str(account))
    record(
        session,
        town=SYSTEM,
        actor=actor,
        action=action,
        thing=thing,
        version=version,
        occurred_at=now,
        details=details,
    )
