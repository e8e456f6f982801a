"""What the town's admin does to accounts: making and naming them, putting them out of use, giving and ending roles."""

import uuid
from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, insert, or_, select, update
from sqlalchemy.orm import Session

from backend.http.ids import new_id
from backend.http.problems import NotFound, Problem
from backend.http.versions import require_match
from backend.people.access import Caller, covers, town_scope
from backend.people.accounts import NewAccount, create_account
from backend.people.appointing import Unfit, add_role, check_place, count_change, tell
from backend.people.leaving import OF_RESIDENTS, Left, end_and_hand_over, end_sign_ins, leave
from backend.people.office_contacts import enter_contact
from backend.people.roster_tables import Absence
from backend.people.tables import Account, RoleAssignment
from backend.territory.codes import prefix_bounds

OUT_OF_USE = "out_of_use"


class RoleUnfit(Problem):
    """A role that cannot be held so."""

    status, code = 422, "role_unfit"
    zh, en = "不能这样任命：{why_zh}", "This role cannot be given so: {why_en}."


class OwnAccount(Problem):
    """An admin's hand on their own roles: so nobody makes themselves what they like, and a last admin stays."""

    status, code = 403, "own_account"
    zh, en = "不能更改自己的身份，请由另一位管理员办理。", "Nobody changes their own roles; ask another admin."


class AccountExists(Problem):
    """A phone that has an account: whatever its spelling, it stays one."""

    status, code = 409, "account_exists"
    zh, en = "这个号码已有账号（{account}）。", "This number has an account already ({account})."


def within(towns: Collection[str]) -> ColumnElement[bool]:
    """The accounts that an admin of these towns keeps: who holds or held a role there, or holds none anywhere."""
    mine = [_in_area(town) for town in sorted(towns)]
    anywhere = exists().where(RoleAssignment.account_id == Account.id)
    here = exists().where(RoleAssignment.account_id == Account.id, or_(*mine))
    return or_(here, ~anywhere)


def _in_area(area: str) -> ColumnElement[bool]:
    low, high = prefix_bounds(area)
    return and_(RoleAssignment.area_code >= low, RoleAssignment.area_code < high)


def locked_account(session: Session, caller: Caller, account_id: uuid.UUID, own: bool = True) -> Account:
    """An account to be changed, as If-Match names it, kept from others until the end of this unit of work.

    `own` says whether admins may do this to themselves. Raises NotFound, OwnAccount and what `require_match` raises.
    """
    towns = town_scope(caller, "keep_accounts")
    found = select(Account).where(Account.id == account_id, within(towns)).with_for_update()
    account = session.execute(found).scalar_one_or_none()
    if account is None:
        raise NotFound
    if not own and account.id == caller.account_id:
        raise OwnAccount
    require_match(account.version)
    return account


def make_account(session: Session, caller: Caller, values: Mapping[str, Any], now: datetime) -> uuid.UUID:
    """An account for a phone, with its first role; without a password, until its owner signs in by code and sets one.

    Raises AccountExists, RoleUnfit and NotFound for an area that is not the caller's.
    """
    person = _fitting(caller, values, values["phone"], values["name"])
    known = session.execute(select(Account.id).where(Account.phone == person.phone)).scalar_one_or_none()
    if known is not None:
        raise AccountExists(account=str(known))
    since, until = _days(values, now)
    return create_account(session, person, None, now, since, until, caller.account_id)


def give(session: Session, caller: Caller, account: Account, values: Mapping[str, Any], now: datetime) -> uuid.UUID:
    """Give an account one more role. Raises RoleUnfit and NotFound for an area that is not the caller's."""
    person = _fitting(caller, values, account.phone or "", account.name)
    since, until = _days(values, now)
    try:
        return add_role(session, account.id, person, now, since=since, until=until, actor=caller.account_id)
    except Unfit as unfit:
        raise RoleUnfit(why_zh=unfit.zh, why_en=unfit.en) from unfit


def end(session: Session, caller: Caller, account: Account, role_id: uuid.UUID, now: datetime) -> int:
    """End a role now and hand over what was open in it; answers how many cases. Raises NotFound."""
    role = session.get(RoleAssignment, role_id)
    if role is None or role.account_id != account.id or role.ended_at is not None or not _keeps(caller, role.area_code):
        raise NotFound
    if role.valid_to is not None and role.valid_to < now.date():
        raise NotFound
    return end_and_hand_over(session, account.id, [role], now, caller.account_id)


def let_go(session: Session, caller: Caller, account: Account, now: datetime) -> Left:
    """End a person's work here in one action."""
    return leave(session, account.id, now, caller.account_id)


def change(session: Session, caller: Caller, account: Account, changes: Mapping[str, Any], now: datetime) -> None:
    """Change the name, put out of use (all sign-ins end at once, the roster goes on without) and back into use."""
    if "name" in changes:
        account.name = changes["name"]
    in_use = changes.get("in_use", account.active)
    if account.active and not in_use:
        end_sign_ins(session, account.id, now, OUT_OF_USE)
        begin_absence(session, account.id, now, None, OUT_OF_USE)
    if in_use and not account.active:
        away = (Absence.account_id == account.id, Absence.reason == OUT_OF_USE, Absence.ends_at.is_(None))
        session.execute(update(Absence).where(*away).values(ends_at=now, version=Absence.version + 1))
    account.active = in_use
    session.flush()
    changed = {"in_use": in_use} if "in_use" in changes else {}
    version = count_change(session, account.id)
    tell(session, account.id, "change_account", now, caller.account_id, version, fields=sorted(changes), **changed)


def publish_contact(session: Session, caller: Caller, account: Account, contact: str | None, now: datetime) -> None:
    """Enter the public contact of somebody's office, or take it back (None)."""
    enter_contact(session, account.id, contact)
    version = count_change(session, account.id)
    tell(session, account.id, "publish_contact", now, caller.account_id, version, entered=contact is not None)


def begin_absence(
    session: Session, account: uuid.UUID, begins: datetime, ends: datetime | None, reason: str = "leave"
) -> uuid.UUID:
    """Note that somebody is away from an instant to another (exclusive), or until further notice; answers its id."""
    made = new_id()
    row = {"id": made, "account_id": account, "begins_at": begins, "ends_at": ends, "reason": reason, "version": 1}
    session.execute(insert(Absence), row)
    return made


def _fitting(caller: Caller, values: Mapping[str, Any], phone: str, name: str) -> NewAccount:
    role, area = values["role"], values["area_code"]
    if not _keeps(caller, area):
        raise RoleUnfit(why_zh=f"{area} 不在您管理的镇内", why_en=f"{area} is not in the town you keep")
    try:
        department = check_place(role, area, values.get("department"))
    except Unfit as unfit:
        raise RoleUnfit(why_zh=unfit.zh, why_en=unfit.en) from unfit
    return NewAccount(phone, name, role, area, department)


def _days(values: Mapping[str, Any], now: datetime) -> tuple[date, date | None]:
    since, until = values.get("valid_from") or now.date(), values.get("valid_to")
    if until is not None and until < since:
        raise RoleUnfit(why_zh="结束日期早于开始日期", why_en="the last day is before the first")
    return since, until


def _keeps(caller: Caller, area: str) -> bool:
    return any(covers(town, area) for town in town_scope(caller, "keep_accounts"))


def of_residents_only(roles: Collection[str]) -> bool:
    """Whether somebody is here as a resident only: the admin may give them roles, and does not read their number."""
    return not set(roles) - set(OF_RESIDENTS)


def masked(name: str, phone: str | None) -> tuple[str, str | None]:
    """Name and number of a resident as the admin sees them: enough to know again, not enough to call."""
    return name[:1] + "*" * max(1, min(len(name) - 1, 3)), phone and phone[:-8] + "****" + phone[-4:]


def matching(text: str | None, phone: str | None) -> list[ColumnElement[bool]]:
    """The conditions of a search by part of the name, and by the whole number."""
    found: list[ColumnElement[bool]] = []
    if text:
        found.append(func.lower(Account.name).contains(text.lower(), autoescape=True))
    if phone:
        found.append(Account.phone == phone)
    return found
