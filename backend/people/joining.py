"""Joining by phone, and what else a code to a phone is good for: signing in, a new password, another number.

A number is not a person for ever: carriers give one out again about three months after its holder left it. So a code
proves that somebody holds the number now; that the account is theirs is believed while the number was proved within
PHONE_REISSUED_DAYS, or when they know the password, or come from a device that signed in before. Else they see nothing
of the account: registering gives them one of their own, and the old one is left without a number.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import current_app, request
from sqlalchemy import Row, bindparam, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend.config import Config
from backend.http.problems import Conflict, Problem
from backend.http.reading import row
from backend.http.work import unit_of_work
from backend.ledger.record import SYSTEM, record
from backend.outbox.folder import forget_messages
from backend.outbox.messages import post
from backend.people import consent
from backend.people.accounts import NewAccount, create_account
from backend.people.codes import Proof, WrongCode, refuse_wrong, spend
from backend.people.passwords import hash_password, password_fits
from backend.people.sign_in import Device, Tokens, begin, end, known_device, may_enter
from backend.people.tables import Account, SignIn
from backend.people.throttle import clear_tries, take_tries
from backend.people.wechat import link

Holder = Row[uuid.UUID, str | None, datetime, bool, bool, bool]


class NotRegistered(Problem):
    """A number without an account; said only to who holds the number."""

    status, code = 409, "not_registered"
    zh, en = "该手机号尚未注册，请先注册。", "This number has no account yet; register first."


class NumberNotEnough(Problem):
    """A number proved so long ago that somebody else may hold it by now."""

    status, code = 403, "number_not_enough"
    zh = (
        "该手机号已久未验证，可能已换了机主。请同时填写密码，或用原来的设备登录；否则请重新注册，原账号的内容不会显示。"
    )
    en = (
        "This number was not confirmed for long and may have a new owner. Give the password too, or use a device that "
        "was signed in before; or register anew, which shows nothing of the old account."
    )


class WrongPassword(Problem):
    """Not the present password, which whoever changes it must know."""

    status, code = 403, "wrong_password"
    zh, en = "当前密码不正确。", "The current password is not right."


class NumberInUse(Problem):
    """A number that another account proved of late."""

    status, code = 409, "number_in_use"
    zh, en = "该手机号正由另一个账号使用。", "Another account uses this number."


@dataclass(frozen=True)
class Newcomer:
    """What somebody says of themselves; without a password they sign in by codes."""

    name: str
    password: str | None
    openid: str | None = None


_proved_at = func.coalesce(Account.phone_proved_at, Account.created_at)
_columns = (
    Account.id,
    Account.password_hash,
    _proved_at.label("proved_at"),
    Account.active,
    Account.demonstration,
    known_device.label("known_device"),
)
_holder = select(*_columns).where(Account.phone == bindparam("phone"))
_own = select(Account.phone, _proved_at, Account.password_hash.is_not(None)).where(Account.id == bindparam("account"))
_locked_holder = _holder.with_for_update(of=Account)


def register(person: Newcomer, proof: Proof, device: Device, now: datetime) -> tuple[Tokens, bool]:
    """Join as a resident of the town; answers the tokens and whether the account is new.

    The caller has checked the consent. A number that has an account is signed in to it if that is believed theirs.
    Raises WrongCode, TooManyTries, or Conflict when two register with one number at once.
    """
    take_tries(now, code_use=request.remote_addr or "")
    refuse_wrong(proof, "register", now)
    fits = _fits(proof.phone, person.password, now)
    hashed = hash_password(person.password) if person.password else None
    tokens, made = None, False
    try:
        with unit_of_work() as session:
            if spend(session, proof, "register", now):
                account, made = _account_for(session, person, hashed, proof.phone, device, fits, now)
                _right_password(session, proof.phone, fits, now)
                consent.give(session, account, now)
                tokens = _enter(session, account, device, person.openid, now)
    except IntegrityError as error:
        raise Conflict from error
    if tokens is None:
        raise WrongCode
    return tokens, made


def sign_in_by_code(proof: Proof, password: str | None, openid: str | None, device: Device, now: datetime) -> Tokens:
    """Sign in by a code. Raises WrongCode, TooManyTries, NotRegistered or NumberNotEnough."""
    take_tries(now, code_use=request.remote_addr or "")
    refuse_wrong(proof, "sign_in", now)
    fits, tokens = _fits(proof.phone, password, now), None
    with unit_of_work() as session:
        if spend(session, proof, "sign_in", now):
            holder = _believed(session, proof.phone, device, fits, now)
            _right_password(session, proof.phone, fits, now)
            tokens = _enter(session, holder.id, device, openid, now)
    if tokens is None:
        raise WrongCode
    return tokens


def new_password(proof: Proof, password: str, device: Device, now: datetime) -> Tokens:
    """Set a password in place of a forgotten one and sign in; all other sign-ins of the account end.

    Raises WrongCode, TooManyTries, NotRegistered or NumberNotEnough.
    """
    take_tries(now, code_use=request.remote_addr or "")
    refuse_wrong(proof, "password", now)
    hashed, tokens = hash_password(password), None
    with unit_of_work() as session:
        if spend(session, proof, "password", now):
            holder = _believed(session, proof.phone, device, False, now)
            set_password(session, holder.id, proof.phone, hashed, None, now)
            tokens = _enter(session, holder.id, device, None, now)
    if tokens is None:
        raise WrongCode
    return tokens


def change_password(account: uuid.UUID, this: uuid.UUID, current: str | None, password: str, now: datetime) -> None:
    """Give an account another password, or its first one; its other sign-ins end, `this` stays.

    Raises WrongPassword unless the current one is given, and TooManyTries.
    """
    take_tries(now, password=str(account))
    held = row(select(Account.phone, Account.password_hash).where(Account.id == account))
    if held is None or (held.password_hash is not None and not password_fits(current or "", held.password_hash)):
        raise WrongPassword
    hashed = hash_password(password)
    with unit_of_work() as session:
        clear_tries(session, "password", str(account), now)
        set_password(session, account, held.phone, hashed, this, now)


def set_password(
    session: Session, account: uuid.UUID, phone: str | None, hashed: str, keep: uuid.UUID | None, now: datetime
) -> None:
    """Give an account a password; its sign-ins end except the one to `keep`, and its holder is told."""
    session.execute(update(Account).where(Account.id == account).values(password_hash=hashed))
    end(session, account, "password_changed", now, *([SignIn.id != keep] if keep else []))
    if phone is not None:
        clear_tries(session, "sign_in_account", phone, now)
        post(session, "sms", phone, "password_changed")
    _tell(session, account, "set_password", now)


def change_phone(account: uuid.UUID, proof: Proof, now: datetime) -> None:
    """Let an account have another number, proved by a code; the old number is told.

    Raises WrongCode, TooManyTries, NumberInUse, or Conflict when somebody took the number at the same time.
    """
    take_tries(now, code_use=request.remote_addr or "")
    try:
        with unit_of_work() as session:
            good = spend(session, proof, "phone", now)
            if good:
                _take_number(session, account, proof.phone, now)
    except IntegrityError as error:
        raise Conflict from error
    if not good:
        raise WrongCode


def standing(account: uuid.UUID, now: datetime) -> dict[str, Any]:
    """What an account's holder is to know: the number, whether it should be proved anew, and the consent asked for."""
    held = row(_own, account=account)
    phone, proved, has_password = held or (None, now, False)
    return {
        "phone": phone,
        "prove_phone": phone is None or now - proved > _reissued() * 2 / 3,
        "has_password": has_password,
        "consent": {"version": consent.present()["version"], "needed": consent.is_needed(account)},
    }


def account_of(session: Session, phone: str, now: datetime) -> uuid.UUID | None:
    """The account of whoever has just proved to hold a phone, if it is believed theirs by the number alone."""
    holder = _lock_holder(session, phone, None)
    return holder.id if holder is not None and _is_believed(holder, False, now) else None


def _take_number(session: Session, account: uuid.UUID, phone: str, now: datetime) -> None:
    holder = _lock_holder(session, phone, None)
    if holder is not None and holder.id != account:
        if holder.active and _fresh(holder, now):
            raise NumberInUse
        _free_number(session, holder.id, phone, now)
    old = session.execute(select(Account.phone).where(Account.id == account)).scalar_one()
    session.execute(update(Account).where(Account.id == account).values(phone=phone, phone_proved_at=now))
    if old is not None and old != phone:
        forget_messages(session, old)
        post(session, "sms", old, "phone_changed")
    _tell(session, account, "change_phone" if old != phone else "prove_phone", now)


def _account_for(
    session: Session, person: Newcomer, hashed: str | None, phone: str, device: Device, fits: bool, now: datetime
) -> tuple[uuid.UUID, bool]:
    holder = _lock_holder(session, phone, device)
    if holder is not None and _is_believed(holder, fits, now):
        return holder.id, False
    if holder is not None:
        _free_number(session, holder.id, phone, now)
    config: Config = current_app.config["TOWN_CONFIG"]
    return create_account(session, NewAccount(phone, person.name, "resident", config.TOWN), hashed, now), True


def _believed(session: Session, phone: str, device: Device, fits: bool, now: datetime) -> Holder:
    holder = _lock_holder(session, phone, device)
    if holder is None or not may_enter(holder.active, holder.demonstration):
        raise NotRegistered
    if not _is_believed(holder, fits, now):
        raise NumberNotEnough
    return holder


def _is_believed(holder: Holder, fits: bool, now: datetime) -> bool:
    theirs = fits or holder.known_device or _fresh(holder, now)
    return theirs and may_enter(holder.active, holder.demonstration)


def _fresh(holder: Holder, now: datetime) -> bool:
    return bool(now - holder.proved_at <= _reissued())


def _reissued() -> timedelta:
    config: Config = current_app.config["TOWN_CONFIG"]
    return timedelta(days=config.PHONE_REISSUED_DAYS)


def _lock_holder(session: Session, phone: str, device: Device | None) -> Holder | None:
    return session.execute(_locked_holder, {"phone": phone, "device": device and device.id}).first()


def _fits(phone: str, password: str | None, now: datetime) -> bool:
    if password is None:
        return False
    take_tries(now, code_password=phone)
    holder = row(_holder, phone=phone, device=None)
    return password_fits(password, holder.password_hash if holder else None)


def _right_password(session: Session, phone: str, fits: bool, now: datetime) -> None:
    if fits:
        clear_tries(session, "code_password", phone, now)


def _free_number(session: Session, account: uuid.UUID, phone: str, now: datetime) -> None:
    # What was sent to the number is none of its next holder's, who gets a copy of all that is kept for it.
    forget_messages(session, phone)
    session.execute(update(Account).where(Account.id == account).values(phone=None))
    _tell(session, account, "free_number", now)


def _enter(session: Session, account: uuid.UUID, device: Device, openid: str | None, now: datetime) -> Tokens:
    session.execute(update(Account).where(Account.id == account).values(phone_proved_at=now))
    if openid is not None:
        link(session, account, openid, now)
    return begin(session, account, device, now)


def _tell(session: Session, account: uuid.UUID, action: str, now: datetime) -> None:
    thing = ("account", str(account))
    record(session, town=SYSTEM, actor=account, action=action, thing=thing, version=0, occurred_at=now)
