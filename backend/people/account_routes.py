"""Keeping accounts and their roles: by the town's admin, read by the auditor."""

import uuid
from collections.abc import Sequence
from typing import Any

from flask import Response
from sqlalchemy import Executable, bindparam, exists, or_, select
from sqlalchemy.orm import Session

from backend.http import clock
from backend.http.blueprint import Room
from backend.http.pages import identifier, listing, page, read_cursor
from backend.http.permission import permission
from backend.http.problems import NotFound
from backend.http.reading import answer, rows
from backend.ledger.answers import once
from backend.people import administering
from backend.people.access import town_scope
from backend.people.account_schemas import (
    AbsenceBody,
    AccountChanges,
    AccountsQuery,
    AccountsSchema,
    ContactBody,
    EmptyBody,
    LeftSchema,
    NewAccountBody,
    OneAccountSchema,
    RoleBody,
)
from backend.people.caller import current_caller
from backend.people.office_contacts import office_contact
from backend.people.roster_tables import Absence
from backend.people.tables import Account, RoleAssignment
from backend.people.taking_leave import end_absence, take_leave

room = Room("accounts", "Accounts and roles, kept by the town's admin")

_account = select(Account.id, Account.name, Account.phone, Account.active, Account.created_at, Account.version)
_roles = (
    select(
        RoleAssignment.account_id,
        *(
            getattr(RoleAssignment, name)
            for name in ("id", "role", "area_code", "department", "valid_from", "valid_to", "ended_at")
        ),
    )
    .where(RoleAssignment.account_id.in_(bindparam("accounts", expanding=True)))
    .order_by(RoleAssignment.id)
)
_absences = (
    select(Absence.id, Absence.begins_at, Absence.ends_at, Absence.reason)
    .where(Absence.account_id == bindparam("account"))
    .order_by(Absence.begins_at.desc(), Absence.id)
    .limit(100)
)


@room.get("/accounts")
@room.arguments(AccountsQuery, location="query")
@room.response(200, AccountsSchema)
@permission("read_accounts")
def list_accounts(query: dict[str, Any]) -> Response:
    """The town's accounts, in the order in which they were made."""
    wanted = _account.where(administering.within(_towns()), *administering.matching(query["text"], query["phone"]))
    after = read_cursor(query["cursor"], identifier)
    if after:
        wanted = wanted.where(Account.id > after[0])
    if query["role"]:
        wanted = wanted.where(_holds(query["role"]))
    found = rows(wanted.order_by(Account.id).limit(query["limit"] + 1))
    kept, cursor = page(found, query["limit"], lambda account: (account.id,))
    return answer(listing(_shown(kept), cursor))


@room.get("/accounts/<uuid:account_id>")
@room.response(200, OneAccountSchema)
@permission("read_accounts")
def one_account(account_id: uuid.UUID) -> Response:
    """One account with its roles, past ones too; the ETag is its version."""
    return _one(None, account_id)


@room.post("/accounts")
@room.arguments(NewAccountBody)
@room.response(201, OneAccountSchema)
@room.resendable
@permission("keep_accounts")
def new_account(body: dict[str, Any]) -> Response:
    """Make an account with its first role; its owner signs in by code and then sets a password."""
    caller = current_caller()

    def make(session: Session) -> Response:
        made = administering.make_account(session, caller, body, clock.now())
        return _one(session, made, 201)

    return once(caller.account_id, make)


@room.patch("/accounts/<uuid:account_id>")
@room.arguments(AccountChanges)
@room.response(200, OneAccountSchema)
@room.conditional
@permission("keep_accounts")
def changed_account(body: dict[str, Any], account_id: uuid.UUID) -> Response:
    """Rename an account, put it out of use (its tokens die at once) or back into use."""
    caller = current_caller()

    def change(session: Session) -> Response:
        account = administering.locked_account(session, caller, account_id, own="in_use" not in body)
        administering.change(session, caller, account, body, clock.now())
        return _one(session, account_id)

    return once(caller.account_id, change)


@room.post("/accounts/<uuid:account_id>/roles")
@room.arguments(RoleBody)
@room.response(201, OneAccountSchema)
@room.conditional
@permission("keep_accounts")
def given_role(body: dict[str, Any], account_id: uuid.UUID) -> Response:
    """Give a role from a day on; nobody gives roles to themselves."""
    caller = current_caller()

    def give(session: Session) -> Response:
        account = administering.locked_account(session, caller, account_id, own=False)
        administering.give(session, caller, account, body, clock.now())
        return _one(session, account_id, 201)

    return once(caller.account_id, give)


@room.post("/accounts/<uuid:account_id>/roles/<uuid:role_id>/end")
@room.arguments(EmptyBody)
@room.response(200, OneAccountSchema)
@room.conditional
@permission("keep_accounts")
def ended_role(_body: dict[str, Any], account_id: uuid.UUID, role_id: uuid.UUID) -> Response:
    """End a role at once; what was taken up in it goes to whoever comes next."""
    caller = current_caller()

    def end(session: Session) -> Response:
        account = administering.locked_account(session, caller, account_id, own=False)
        administering.end(session, caller, account, role_id, clock.now())
        return _one(session, account_id)

    return once(caller.account_id, end)


@room.post("/accounts/<uuid:account_id>/leave")
@room.arguments(EmptyBody)
@room.response(200, LeftSchema)
@room.conditional
@permission("keep_accounts")
def left(_body: dict[str, Any], account_id: uuid.UUID) -> Response:
    """A person leaves: all working roles and sign-ins end at once, open cases go to whoever comes next."""
    caller = current_caller()

    def let_go(session: Session) -> Response:
        account = administering.locked_account(session, caller, account_id, own=False)
        done = administering.let_go(session, caller, account, clock.now())
        return answer({"roles": done.roles, "sign_ins": done.sign_ins, "handed_over": done.handed_over})

    return once(caller.account_id, let_go)


@room.post("/accounts/<uuid:account_id>/absences")
@room.arguments(AbsenceBody)
@room.response(201, OneAccountSchema)
@room.conditional
@permission("keep_roster")
def new_absence(body: dict[str, Any], account_id: uuid.UUID) -> Response:
    """Enter somebody's leave: their grids go to the substitutes for that time."""
    caller = current_caller()

    def enter(session: Session) -> Response:
        account = administering.locked_account(session, caller, account_id)
        take_leave(session, account.id, body, clock.now(), caller.account_id)
        return _one(session, account_id, 201)

    return once(caller.account_id, enter)


@room.post("/accounts/<uuid:account_id>/absences/<uuid:absence_id>/end")
@room.arguments(EmptyBody)
@room.response(200, OneAccountSchema)
@room.conditional
@permission("keep_roster")
def ended_absence(_body: dict[str, Any], account_id: uuid.UUID, absence_id: uuid.UUID) -> Response:
    """Somebody is back before the time, or will not go: leave that has not begun is struck out."""
    caller = current_caller()

    def end(session: Session) -> Response:
        account = administering.locked_account(session, caller, account_id)
        end_absence(session, account.id, absence_id, clock.now(), caller.account_id)
        return _one(session, account_id)

    return once(caller.account_id, end)


@room.put("/accounts/<uuid:account_id>/office-contact")
@room.arguments(ContactBody)
@room.response(200, OneAccountSchema)
@room.conditional
@permission("keep_roster")
def entered_contact(body: dict[str, Any], account_id: uuid.UUID) -> Response:
    """Enter how everybody reaches this person's office, for the map to show where they hold a grid; null: nothing."""
    caller = current_caller()

    def enter(session: Session) -> Response:
        account = administering.locked_account(session, caller, account_id)
        administering.publish_contact(session, caller, account, body["contact"], clock.now())
        return _one(session, account_id)

    return once(caller.account_id, enter)


def _towns() -> frozenset[str]:
    return town_scope(current_caller(), "read_accounts")


def _holds(role: str) -> Any:
    today = clock.now().date()
    return exists().where(
        RoleAssignment.account_id == Account.id,
        RoleAssignment.role == role,
        RoleAssignment.ended_at.is_(None),
        RoleAssignment.valid_from <= today,
        or_(RoleAssignment.valid_to.is_(None), RoleAssignment.valid_to >= today),
    )


def _in_force(role: dict[str, Any]) -> bool:
    return role["ended_at"] is None and (role["valid_to"] is None or role["valid_to"] >= clock.now().date())


def _ask(session: Session | None, statement: Executable, **values: Any) -> Sequence[Any]:
    return rows(statement, **values) if session is None else session.execute(statement, values).all()


def _one(session: Session | None, account_id: uuid.UUID, status: int = 200) -> Response:
    """An account as it is; inside a unit of work, as it will be."""
    found = _ask(session, _account.where(Account.id == account_id, administering.within(_towns())))
    if not found:
        raise NotFound
    [shown] = _shown(found, session)
    shown["absences"] = [dict(one._mapping) for one in _ask(session, _absences, account=account_id)]
    shown["office_contact"] = office_contact(account_id, session)
    return answer(shown, status, etag=str(found[0].version))


def _shown(found: Sequence[Any], session: Session | None = None) -> list[dict[str, Any]]:
    held: dict[uuid.UUID, list[dict[str, Any]]] = {}
    for role in _ask(session, _roles, accounts=[account.id for account in found]):
        told = dict(role._mapping)
        held.setdefault(told.pop("account_id"), []).append(told)
    shown = []
    for account in found:
        roles = held.get(account.id, [])
        name, phone = account.name, account.phone
        if administering.of_residents_only([role["role"] for role in roles if _in_force(role)]):
            name, phone = administering.masked(name, phone)
        told = {"id": account.id, "name": name, "phone": phone, "in_use": account.active, "roles": roles}
        shown.append(told | {"created_at": account.created_at, "version": account.version})
    return shown
