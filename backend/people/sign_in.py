"""Beginning a sign-in, keeping it alive, and ending it.

Refresh tokens rotate. One already used gets its successor again within a short grace (its answer may have been lost on
the way); after that, or from another device, its use means theft: the whole sign-in ends, and its owner is told.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from flask import current_app, request
from flask_jwt_extended import create_access_token, create_refresh_token
from sqlalchemy import bindparam, delete, exists, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from backend.config import Config
from backend.http.ids import new_id
from backend.http.problems import Problem
from backend.http.reading import Prepared
from backend.http.work import add, unit_of_work
from backend.ledger.record import SYSTEM, record
from backend.outbox.messages import post
from backend.people.accounts import is_loopback
from backend.people.caller import claims_of
from backend.people.passwords import password_fits
from backend.people.tables import Account, SignIn
from backend.people.throttle import forgive, take_tries

KEPT = timedelta(days=180)
"""How long after its last use a sign-in's row is kept: so long its device is known."""


class WrongCredentials(Problem):
    """Phone or password do not fit; which of the two is not said."""

    status, code = 401, "wrong_credentials"
    zh, en = "手机号或密码不正确。", "Phone or password is wrong."


class SignInEnded(Problem):
    """A refresh token of a sign-in that has ended, or one used again too late."""

    status, code = 401, "sign_in_ended"
    zh, en = "登录已失效，请重新登录。", "This sign-in has ended; sign in again."


@dataclass(frozen=True)
class Device:
    """What a client says of the device: a random id that it keeps to itself, and a name to show in the list."""

    id: str | None = None
    name: str | None = None


@dataclass(frozen=True)
class Tokens:
    """What a client keeps: a short access token and a refresh token for the next pair."""

    access_token: str
    refresh_token: str


known_device: ColumnElement[bool] = (
    exists().where(SignIn.account_id == Account.id, SignIn.device_id == bindparam("device")).correlate(Account)
)
"""Whether the device bound as `device` signed in to the account before."""


class _Entering(NamedTuple):
    id: uuid.UUID
    password_hash: str | None
    active: bool
    demonstration: bool
    known_device: bool


_account = Prepared(
    select(
        Account.id, Account.password_hash, Account.active, Account.demonstration, known_device.label("known_device")
    ).where(Account.phone == bindparam("phone")),
    _Entering,
)


def sign_in(phone: str, password: str, device: Device, now: datetime) -> Tokens:
    """Sign in by phone (E.164) and password. Raises WrongCredentials or TooManyTries."""
    account, address = _account.first(phone=phone, device=device.id), request.remote_addr or ""
    # Who tries from a device that signed in before does not wait for what strangers tried.
    known = account is not None and account.known_device
    bucket, subject = ("sign_in_device", f"{phone} {device.id}") if known else ("sign_in_account", phone)
    take_tries(now, **{"sign_in_address": address, bucket: subject})
    usable = account is not None and may_enter(account.active, account.demonstration)
    fits = password_fits(password, account.password_hash if account and usable else None)
    if account is None or not fits:
        raise WrongCredentials
    forgive(("sign_in_address", address), (bucket, subject), now)
    with unit_of_work() as session:
        return begin(session, account.id, device, now)


def may_enter(active: bool, demonstration: bool) -> bool:
    """Whether an account may be signed in to: a demo account, whose password is no secret, from this machine only."""
    return active and (not demonstration or _from_this_machine())


def _from_this_machine() -> bool:
    before_proxies: dict[str, str | None] = request.environ.get("werkzeug.proxy_fix.orig", {})
    peers = {request.remote_addr, before_proxies.get("REMOTE_ADDR", request.remote_addr)}
    return all(is_loopback(peer or "") for peer in peers)


def begin(session: Session, account: uuid.UUID, device: Device, now: datetime) -> Tokens:
    """Begin a sign-in of an account, however the person proved to be its holder."""
    family, refresh = new_id(), uuid.uuid4()
    columns = {
        "id": family,
        "account_id": account,
        "device_id": device.id,
        "device_name": device.name,
        "created_at": now,
        "refresh_id": refresh,
        "refreshed_at": now,
    }
    add(session, SignIn, columns)
    _tell(session, account, family, "sign_in", now)
    return _tokens(account, family, refresh, now)


def refresh(token: str, device_id: str | None, now: datetime) -> Tokens:
    """The next pair of tokens for a refresh token. Raises TokenInvalid or SignInEnded.

    The end of a stolen sign-in is kept although the answer is an error.
    """
    claims = claims_of(token, "refresh")
    family, used = uuid.UUID(claims["sid"]), uuid.UUID(claims["jti"])
    with unit_of_work() as session:
        found = session.execute(select(SignIn).where(SignIn.id == family).with_for_update()).scalar_one_or_none()
        tokens = _rotate(session, found, used, device_id, now) if found else None
    if tokens is None:
        raise SignInEnded
    return tokens


def _rotate(session: Session, family: SignIn, used: uuid.UUID, device_id: str | None, now: datetime) -> Tokens | None:
    holder = session.execute(select(Account.active, Account.phone).where(Account.id == family.account_id)).one()
    if family.revoked_at is not None or not holder.active:
        return None
    config: Config = current_app.config["TOWN_CONFIG"]
    grace = timedelta(seconds=config.REFRESH_GRACE_SECONDS)
    own_device = family.device_id is None or family.device_id == device_id
    if own_device and used == family.previous_refresh_id and now - family.refreshed_at <= grace:
        return _tokens(family.account_id, family.id, family.refresh_id, family.refreshed_at)
    if not own_device or used != family.refresh_id:
        end(session, family.account_id, "token_reused", now, SignIn.id == family.id)
        if holder.phone is not None:
            post(session, "sms", holder.phone, "sign_in_stolen")
        return None
    family.previous_refresh_id, family.refresh_id, family.refreshed_at = used, uuid.uuid4(), now
    return _tokens(family.account_id, family.id, family.refresh_id, now)


def end(session: Session, account: uuid.UUID, why: str, now: datetime, *which: ColumnElement[bool]) -> int:
    """End those sign-ins of an account that still stand, and answer how many; their tokens die at once."""
    standing = (SignIn.account_id == account, SignIn.revoked_at.is_(None), *which)
    ended = update(SignIn).where(*standing).values(revoked_at=now, revoked_why=why).returning(SignIn.id)
    families = session.execute(ended, execution_options={"synchronize_session": False}).scalars().all()
    for family in families:
        _tell(session, account, family, "end_sign_in", now, why)
    return len(families)


def forget_sign_ins(session: Session, now: datetime) -> None:
    """Drop the sign-ins that were not used for half a year."""
    session.execute(delete(SignIn).where(SignIn.refreshed_at < now - KEPT))


def _tell(
    session: Session, account: uuid.UUID, family: uuid.UUID, action: str, now: datetime, why: str | None = None
) -> None:
    details = {"why": why} if why else {}
    thing = ("sign_in", str(family))
    record(session, town=SYSTEM, actor=account, action=action, thing=thing, version=0, occurred_at=now, details=details)


def _tokens(account_id: uuid.UUID, family: uuid.UUID, refresh_id: uuid.UUID, at: datetime) -> Tokens:
    # Same arguments, same refresh token: a successor whose answer was lost can be given again.
    config: Config = current_app.config["TOWN_CONFIG"]
    issued = int(at.timestamp())
    lasting = {
        "sid": str(family),
        "jti": str(refresh_id),
        "iat": issued,
        "nbf": issued,
        "exp": issued + config.REFRESH_TOKEN_DAYS * 86_400,
    }
    return Tokens(
        create_access_token(str(account_id), additional_claims={"sid": str(family)}),
        create_refresh_token(str(account_id), additional_claims=lasting),
    )
