"""Importing a roster: what each row would change, and writing it. Done again, the same file changes nothing.

What the file does not name stays as it is: an import gives and dates roles, it never takes one away.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import islice
from typing import Any

from flask import has_request_context
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from backend.http.problems import Problem, language
from backend.http.sent_tables import Fault, LineFault, check_size
from backend.http.table_files import SourceFile, UnreadableFile
from backend.people.accounts import NewAccount, create_account, give_role
from backend.people.administering import OwnAccount
from backend.people.appointing import count_change, tell
from backend.people.roster_rows import RosterRow, claim_of, columns_of, read_row
from backend.people.tables import Account, Department, RoleAssignment
from backend.territory.tables import Area

MOST_ROWS = 5_000
"""Rows of a roster."""
_SAVE_ANEW = ("请另存为 XLSX 或 UTF-8 的 CSV", "save it anew as XLSX or as CSV in UTF-8")


class RosterRefused(Problem):
    """A roster of which nothing was kept, with every fault by line."""

    status, code = 422, "roster_refused"
    zh = "导入未执行：{count} 行有问题，请按列表修改后重新导入。"
    en = "Nothing was imported: {count} lines have faults; correct them as listed and import again."

    def __init__(self, faults: Sequence[LineFault]) -> None:
        lang = language() if has_request_context() else "zh"
        super().__init__(count=len(faults), faults=[fault.told(lang) for fault in faults])
        self.all_faults = list(faults)


class UnreadableRoster(Problem):
    """A file that is no table."""

    status, code = 422, "unreadable_roster"
    zh = "无法读取这份名册：{why_zh}。"
    en = "This roster cannot be read: {why_en}."


@dataclass(frozen=True)
class Change:
    """What a row does: `what` is new (a role given), dates (its days changed) or none.

    `account` is None for a person who has none yet, `held` the role whose days change.
    """

    row: RosterRow
    what: str
    account: uuid.UUID | None
    held: uuid.UUID | None = None


@dataclass
class Plan:
    """What an import would do, its faults by line, and the columns that are not read."""

    changes: list[Change] = field(default_factory=list)
    faults: list[LineFault] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)

    def count(self, what: str) -> int:
        """How many rows do this."""
        return sum(change.what == what for change in self.changes)

    @property
    def new_accounts(self) -> int:
        """How many people get an account."""
        return len({change.row.phone for change in self.changes if change.account is None})


def import_roster(
    session: Session,
    file: SourceFile,
    town: str,
    *,
    actor: uuid.UUID | None,
    now: datetime,
    good_only: bool = False,
    dry_run: bool = False,
) -> Plan:
    """Read a roster of a town and, unless `dry_run`, write it: all or, with `good_only`, the lines without a fault.

    Raises UnreadableRoster, and RosterRefused when a fault keeps everything out. Commits nothing.
    """
    # One import of a town at a time: the second sees what the first one wrote.
    session.execute(select(Area.code).where(Area.code == town).with_for_update())
    plan = _plan(session, _read(session, file, town), actor, now.date())
    if dry_run:
        return plan
    if plan.faults and not good_only:
        raise RosterRefused(plan.faults)
    _write(session, plan, actor, now)
    return plan


@dataclass
class _Reading:
    rows: list[RosterRow]
    faults: list[LineFault]
    ignored: list[str]
    claims: dict[str, tuple[str, int]]
    """Who has a number, by the first line that says so, whether or not the rest of it holds."""


def _read(session: Session, file: SourceFile, town: str) -> _Reading:
    found = session.execute(
        select(Department.code, Department.name).where(Department.town_code == town, Department.closed_at.is_(None))
    ).all()
    departments = {name: row.code for row in found for name in (row.name, row.code)}
    reading = _Reading([], [], [], {})
    try:
        check_size(file)
        columns, reading.ignored = columns_of(file.columns())
        for source in islice(file.rows(), MOST_ROWS + 1):
            claim = claim_of(source, columns)
            if claim is not None:
                reading.claims.setdefault(claim[0], (claim[1], source.line))
            try:
                reading.rows.append(read_row(source, columns, town, departments))
            except Fault as fault:
                reading.faults.append(LineFault(source.line, fault))
    except Fault as fault:
        reading.faults.append(LineFault(1, fault))
    except UnreadableFile as error:
        raise UnreadableRoster(why_zh=error.zh, why_en=str(error)) from error
    except (OSError, ValueError) as error:
        raise UnreadableRoster(why_zh=_SAVE_ANEW[0], why_en=_SAVE_ANEW[1]) from error
    if len(reading.rows) + len(reading.faults) > MOST_ROWS:
        raise UnreadableRoster(
            why_zh=f"超过 {MOST_ROWS} 行，请分成几份导入", why_en=f"it has more than {MOST_ROWS} rows; split it"
        )
    return reading


def _plan(session: Session, reading: _Reading, actor: uuid.UUID | None, today: date) -> Plan:
    plan = Plan(faults=reading.faults, ignored=reading.ignored)
    people = _people(session, {row.phone for row in reading.rows})
    roles = _roles(session, [account for account, _ in people.values()])
    seen: dict[tuple[object, ...], int] = {}
    for row in reading.rows:
        try:
            known = people.get(row.phone)
            _one_person(row, *reading.claims.get(row.phone, (row.name, row.line)))
            if known is not None:
                _one_person(row, known[1], None)
            key = (row.phone, row.role, row.area_code, row.department, row.since)
            if key in seen:
                raise Fault("line", "repeated", f"与第 {seen[key]} 行重复。", f"Line {seen[key]} says the same.")
            seen[key] = row.line
            change = _change(row, known[0] if known else None, roles, today)
            if known is not None and known[0] == actor and change.what != "none":
                raise Fault("phone", OwnAccount.code, OwnAccount.zh, OwnAccount.en)
            plan.changes.append(change)
        except Fault as fault:
            plan.faults.append(LineFault(row.line, fault))
    plan.faults.sort(key=lambda fault: fault.line)
    return plan


def _people(session: Session, phones: set[str]) -> dict[str, tuple[uuid.UUID, str]]:
    found = session.execute(select(Account.phone, Account.id, Account.name).where(Account.phone.in_(phones)))
    return {row.phone: (row.id, row.name) for row in found}


def _roles(session: Session, accounts: list[uuid.UUID]) -> list[RoleAssignment]:
    held = select(RoleAssignment).where(RoleAssignment.account_id.in_(accounts), RoleAssignment.ended_at.is_(None))
    return list(session.execute(held.order_by(RoleAssignment.valid_from, RoleAssignment.id)).scalars())


def _one_person(row: RosterRow, name: str, line: int | None) -> None:
    if row.name == name:
        return
    where_zh, where_en = (f"第 {line} 行", f"line {line}") if line else ("已有账号", "an account that exists")
    raise Fault(
        "phone",
        "phone_of_another",
        f"这个号码在{where_zh}属于“{name}”，请核对。",
        f"In {where_en} this number is {name}'s; check it.",
    )


def _change(row: RosterRow, account: uuid.UUID | None, roles: list[RoleAssignment], today: date) -> Change:
    for role in roles:
        same = (role.account_id, role.role, role.area_code, role.department) == (
            account,
            row.role,
            row.area_code,
            row.department,
        )
        since = row.since or (role.valid_from if role.valid_to is None or role.valid_to >= today else today)
        apart = (role.valid_to is not None and role.valid_to < since) or (
            row.until is not None and row.until < role.valid_from
        )
        if same and not apart:
            if row.until is not None and row.until < since:
                raise Fault("to", "dates_reversed", "结束日期早于开始日期。", "The last day is before the first.")
            alike = (role.valid_from, role.valid_to) == (since, row.until)
            return Change(replace(row, since=since), "none" if alike else "dates", account, role.id)
    since = row.since or today
    if row.until is not None and row.until < since:
        raise Fault("to", "dates_reversed", "结束日期早于今天。", "The last day is before today.")
    return Change(replace(row, since=since), "new", account)


def _write(session: Session, plan: Plan, actor: uuid.UUID | None, now: datetime) -> None:
    made: dict[str, uuid.UUID] = {}
    for change in plan.changes:
        row, since = change.row, change.row.since or now.date()
        account = change.account or made.get(row.phone)
        person = NewAccount(row.phone, row.name, row.role, row.area_code, row.department)
        details: dict[str, Any] = {"role": row.role, "area_code": row.area_code, "department": row.department}
        details |= {"from": str(since), "to": str(row.until) if row.until else None, "line": row.line}
        if change.what == "none":
            continue
        if account is None:
            account = made[row.phone] = create_account(session, person, None, now, since, row.until, actor)
            continue
        if change.what == "new":
            give_role(session, account, person, since, row.until)
        else:
            days = {"valid_from": since, "valid_to": row.until}
            session.execute(update(RoleAssignment).where(RoleAssignment.id == change.held).values(**days))
        action = "give_role" if change.what == "new" else "date_role"
        tell(session, account, action, now, actor, count_change(session, account), **details)
