"""What a person has a right to: a copy of all that is kept of them, and to be forgotten.

Forgetting takes the person out and leaves what happened: the account stays as an empty row that nobody can sign in to,
so that figures and the chain of the ledger stand, and no name or number is left beside it.
"""

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, and_, bindparam, delete, or_, select, update
from sqlalchemy.orm import Session

from backend.http.problems import Problem, language
from backend.http.reading import row, rows
from backend.http.registry import ask_each
from backend.http.work import unit_of_work
from backend.ledger.accesses import hidden_subject
from backend.ledger.answers import forget_answers
from backend.ledger.erasing import erase
from backend.ledger.record import SYSTEM, record
from backend.ledger.tables import LedgerEntry
from backend.outbox import inbox
from backend.outbox.folder import forget_messages
from backend.outbox.messages import ACCOUNT, messages_to
from backend.people import consent
from backend.people.access import Caller
from backend.people.codes import Proof, WrongCode, spend
from backend.people.duty_tables import DutyShift
from backend.people.joining import WrongPassword
from backend.people.looks import looks
from backend.people.names import known_by
from backend.people.office_contacts import enter_contact, office_contact
from backend.people.passwords import password_fits
from backend.people.reaching import forget_preferences, preferences
from backend.people.roster_tables import Absence, RosterProposal
from backend.people.sign_in import end
from backend.people.tables import Account, Consent, RoleAssignment, SignIn
from backend.people.throttle import clear_tries, take_tries
from backend.people.trust_tables import Clearing, Conflict

WHY = "a person asked to be forgotten"
PRIVATE_ROLES = ("resident", "party_member")
"""Roles of one's own; any other is an office, which somebody has to take over first."""
_ALL = 1_000_000


class HoldsOffice(Problem):
    """Somebody with an office asks to be forgotten: cases, grids and orders would be left without anyone."""

    status, code = 409, "holds_office"
    zh = "您仍担任工作职务，请先由管理员办理离任和工作移交，再注销账号。"
    en = "You still hold an office; have the admin hand over your work and end it first."


_account = select(Account.id, Account.name, Account.phone, Account.wechat_openid, Account.created_at).where(
    Account.id == bindparam("account")
)
_roles = (
    select(RoleAssignment.role, RoleAssignment.area_code, RoleAssignment.department)
    .add_columns(RoleAssignment.valid_from, RoleAssignment.valid_to, RoleAssignment.ended_at)
    .where(RoleAssignment.account_id == bindparam("account"))
    .order_by(RoleAssignment.valid_from, RoleAssignment.id)
)
_sign_ins = (
    select(SignIn.device_name, SignIn.created_at)
    .add_columns(SignIn.refreshed_at, SignIn.revoked_at, SignIn.revoked_why)
    .where(SignIn.account_id == bindparam("account"))
    .order_by(SignIn.created_at, SignIn.id)
)
_consents = (
    select(Consent.version, Consent.given_at, Consent.withdrawn_at)
    .where(Consent.account_id == bindparam("account"))
    .order_by(Consent.given_at, Consent.id)
)
_absences = (
    select(Absence.begins_at, Absence.ends_at, Absence.reason)
    .where(Absence.account_id == bindparam("account"))
    .order_by(Absence.begins_at, Absence.id)
)
_duty_shifts = (
    select(DutyShift.area_code, DutyShift.department, DutyShift.first_day, DutyShift.last_day)
    .add_columns(DutyShift.begins, DutyShift.ends, DutyShift.note, DutyShift.ended_at)
    .where(DutyShift.account_id == bindparam("account"))
    .order_by(DutyShift.id)
)
_conflicts = (
    select(Conflict.area_code, Conflict.reason, Conflict.entered_at, Conflict.ended_at)
    .where(Conflict.account_id == bindparam("account"))
    .order_by(Conflict.entered_at, Conflict.id)
)
_clearings = (
    select(RoleAssignment.role, RoleAssignment.area_code)
    .add_columns(Clearing.admin_at, Clearing.committee_at, Clearing.revoked_at)
    .join(Clearing, Clearing.assignment_id == RoleAssignment.id)
    .where(RoleAssignment.account_id == bindparam("account"))
    .order_by(Clearing.id)
)
_proposals = (
    select(RosterProposal.role, RosterProposal.area_code, RosterProposal.name, RosterProposal.phone)
    .add_columns(RosterProposal.valid_from, RosterProposal.valid_to, RosterProposal.proposed_at)
    .add_columns(RosterProposal.status, RosterProposal.decided_at, RosterProposal.reason)
    .join(Account, Account.phone == RosterProposal.phone)
    .where(Account.id == bindparam("account"))
    .order_by(RosterProposal.proposed_at, RosterProposal.id)
)
_office = select(RoleAssignment.id).where(
    RoleAssignment.account_id == bindparam("account"),
    RoleAssignment.role.not_in(PRIVATE_ROLES),
    RoleAssignment.ended_at.is_(None),
    or_(RoleAssignment.valid_to.is_(None), RoleAssignment.valid_to >= bindparam("today")),
)


def data_of(caller: Caller, now: datetime) -> dict[str, Any]:
    """All that is kept of a caller: roles, leave, duty, sign-ins, consents, messages, looks, what they sent."""
    me = caller.account_id
    accesses, _ = looks(me, None, _ALL, now)
    return {
        "made_at": now,
        "account": _all(_account, me)[0],
        "roles": _all(_roles, me),
        "absences": _all(_absences, me),
        "office_contact": office_contact(me),
        "duty_shifts": _all(_duty_shifts, me),
        "proposals": _all(_proposals, me),
        "clearings": _all(_clearings, me),
        "conflicts": _all(_conflicts, me),
        "sign_ins": _all(_sign_ins, me),
        "consents": _all(_consents, me),
        "messages": _messages(caller),
        "notices": inbox.page_of(me, language(), None, _ALL),
        "notice_preferences": preferences(me),
        "accesses": accesses,
        **{name: kept for told in ask_each("data_of", caller) for name, kept in told.items()},
    }


def forget_me(account: uuid.UUID, password: str | None, proof: Proof | None, now: datetime) -> None:
    """Forget an account, once its holder has shown again who they are: by password, or by a code to their own phone.

    Raises HoldsOffice, WrongPassword, WrongCode and TooManyTries. All of it is one unit of work.
    """
    take_tries(now, password=str(account))
    held = row(select(Account.phone, Account.password_hash).where(Account.id == account))
    known = held is not None and password is not None and password_fits(password, held.password_hash)
    if proof is None and not known:
        raise WrongPassword
    with unit_of_work() as session:
        if proof is not None and held is not None:
            known = held.phone == proof.phone and spend(session, proof, "forget", now)
        if known:
            _forget(session, account, now)
            clear_tries(session, "password", str(account), now)
    if not known:
        raise WrongCode


def _messages(caller: Caller) -> list[dict[str, Any]]:
    addresses = (caller.phone, preferences(caller.account_id)["email"], f"{ACCOUNT}:{caller.account_id}")
    return [message for address in addresses if address for message in messages_to(address)]


def _all(statement: Any, account: uuid.UUID) -> list[dict[str, Any]]:
    return [dict(found._mapping) for found in rows(statement, account=account)]


def _forget(session: Session, account: uuid.UUID, now: datetime) -> None:
    if session.execute(_office, {"account": account, "today": now.date()}).first() is not None:
        raise HoldsOffice
    kept = select(Account.name, Account.phone).where(Account.id == account).with_for_update()
    name, phone = session.execute(kept).one()
    words = known_by(name, phone)
    ask_each("forget_person", session, account, words, now)
    email = forget_preferences(session, account)
    inbox.forget_inbox(session, account)
    enter_contact(session, account, None)
    for address in (phone, email, f"{ACCOUNT}:{account}"):
        if address:
            forget_messages(session, address)
    end(session, account, "forgotten", now)
    consent.withdraw(session, account, now)
    for statement in _emptying(account, name, phone, now):
        session.execute(statement, execution_options={"synchronize_session": False})
    about = or_(
        and_(LedgerEntry.thing_kind == "account", LedgerEntry.thing_id == str(account)),
        LedgerEntry.subject_id.in_([account, hidden_subject(account)]),
    )
    take_out(session, about, lambda told: any(word in told for word in words), now)
    forget_answers(session, ("account", str(account)))
    thing = ("account", str(account))
    record(session, town=SYSTEM, actor=account, action="forget_person", thing=thing, version=0, occurred_at=now)


def _emptying(account: uuid.UUID, name: str, phone: str | None, now: datetime) -> Sequence[Any]:
    nothing = {"name": "", "phone": None, "phone_proved_at": None, "password_hash": None, "wechat_openid": None}
    # Who has another number since then, or none, is found by the name and where they worked.
    worked = select(RoleAssignment.area_code).where(RoleAssignment.account_id == account)
    proposed = or_(
        RosterProposal.phone == phone, and_(RosterProposal.name == name, RosterProposal.area_code.in_(worked))
    )
    assigned = (RoleAssignment.account_id == account, RoleAssignment.ended_at.is_(None))
    return (
        update(Account).where(Account.id == account).values(nothing | {"active": False}),
        update(RoleAssignment).where(*assigned).values(ended_at=now),
        update(SignIn).where(SignIn.account_id == account).values(device_id=None, device_name=None),
        update(Conflict).where(Conflict.account_id == account).values(reason=""),
        update(RosterProposal).where(proposed).values(phone="", name=""),
        update(DutyShift).where(DutyShift.account_id == account).values(note=None),
        delete(Absence).where(Absence.account_id == account),
    )


def take_out(session: Session, about: ColumnElement[bool], tells: Callable[[str], bool], now: datetime) -> None:
    """Erase those of the entries that fit a condition whose details have a text that tells of a person."""
    asked = select(LedgerEntry.id, LedgerEntry.payload).where(about, LedgerEntry.payload != b"")
    entries = session.execute(asked).all()
    telling = [entry.id for entry in entries if _tells(orjson.loads(entry.payload)["details"], tells)]
    if telling:
        erase(session, LedgerEntry.id.in_(telling), by=None, why=WHY, now=now)


def _tells(details: dict[str, Any], tells: Callable[[str], bool]) -> bool:
    return any(isinstance(value, str) and tells(value) for value in details.values())
