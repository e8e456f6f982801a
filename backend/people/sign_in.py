"""Signing in, keeping the sign-in alive, and ending it.

Refresh tokens rotate. One already used gets its successor again within a short grace (its answer may have been lost on
the way); after that, or from another device, its use means theft, and the whole sign-in ends.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import current_app, request
from flask_jwt_extended import create_access_token, create_refresh_token, decode_token
from jwt import InvalidTokenError
from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from backend.config import Config
from backend.http.ids import new_id
from backend.http.problems import Problem
from backend.http.reading import row
from backend.http.work import unit_of_work
from backend.ledger.record import SYSTEM, record
from backend.people.accounts import is_loopback
from backend.people.caller import TokenInvalid
from backend.people.passwords import password_fits
from backend.people.tables import Account, SignIn
from backend.people.throttle import clear_tries, take_back_try, take_try


class WrongCredentials(Problem):
    """Phone or password do not fit; which of the two is not said."""

    status, code = 401, "wrong_credentials"
    zh, en = "手机号或密码不正确。", "Phone or password is wrong."


class SignInEnded(Problem):
    """A refresh token of a sign-in that has ended, or one used again too late."""

    status, code = 401, "sign_in_ended"
    zh, en = "登录已失效，请重新登录。", "This sign-in has ended; sign in again."


@dataclass(frozen=True)
class Tokens:
    """What a client keeps: a short access token and a refresh token for the next pair."""

    access_token: str
    refresh_token: str


_account = select(Account.id, Account.password_hash, Account.active, Account.demonstration).where(
    Account.phone == bindparam("phone")
)


def sign_in(phone: str, password: str, device_id: str | None, now: datetime) -> Tokens:
    """Sign in by phone (E.164) and password. Raises WrongCredentials or TooManyTries.

    A demo account, whose password is no secret, is signed in from this machine only.
    """
    key: str = current_app.config["JWT_SECRET_KEY"]
    take_try(key, "sign_in_address", request.remote_addr or "", now)
    take_try(key, "sign_in_account", phone, now)
    account = row(_account, phone=phone)
    usable = account is not None and account.active and (not account.demonstration or _from_this_machine())
    fits = password_fits(password, account.password_hash if account and usable else None)
    if account is None or not fits:
        raise WrongCredentials
    clear_tries(key, "sign_in_account", phone, now)
    take_back_try(key, "sign_in_address", request.remote_addr or "", now)
    family, refresh = new_id(), uuid.uuid4()
    with unit_of_work() as session:
        session.execute(
            insert(SignIn),
            {
                "id": family,
                "account_id": account.id,
                "device_id": device_id,
                "created_at": now,
                "refresh_id": refresh,
                "refreshed_at": now,
            },
        )
        _tell(session, account.id, family, "sign_in", now)
    return _tokens(account.id, family, refresh, now)


def _from_this_machine() -> bool:
    before_proxies: dict[str, str | None] = request.environ.get("werkzeug.proxy_fix.orig", {})
    peers = {request.remote_addr, before_proxies.get("REMOTE_ADDR", request.remote_addr)}
    return all(is_loopback(peer or "") for peer in peers)


def refresh(token: str, device_id: str | None, now: datetime) -> Tokens:
    """The next pair of tokens for a refresh token. Raises TokenInvalid or SignInEnded.

    The end of a stolen sign-in is kept although the answer is an error.
    """
    try:
        claims = decode_token(token, allow_expired=False)
        family, used = uuid.UUID(claims["sid"]), uuid.UUID(claims["jti"])
    except (InvalidTokenError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise TokenInvalid from error
    if claims.get("type") != "refresh":
        raise TokenInvalid
    with unit_of_work() as session:
        found = session.execute(select(SignIn).where(SignIn.id == family).with_for_update()).scalar_one_or_none()
        tokens = _rotate(session, found, used, device_id, now) if found else None
    if tokens is None:
        raise SignInEnded
    return tokens


def _rotate(session: Session, family: SignIn, used: uuid.UUID, device_id: str | None, now: datetime) -> Tokens | None:
    active = session.execute(select(Account.active).where(Account.id == family.account_id)).scalar_one()
    if family.revoked_at is not None or not active:
        return None
    config: Config = current_app.config["TOWN_CONFIG"]
    grace = timedelta(seconds=config.REFRESH_GRACE_SECONDS)
    own_device = family.device_id is None or family.device_id == device_id
    if own_device and used == family.previous_refresh_id and now - family.refreshed_at <= grace:
        return _tokens(family.account_id, family.id, family.refresh_id, family.refreshed_at)
    if not own_device or used != family.refresh_id:
        _end(session, family.account_id, family.id, "refresh token used again", now)
        return None
    family.previous_refresh_id, family.refresh_id, family.refreshed_at = used, uuid.uuid4(), now
    return _tokens(family.account_id, family.id, family.refresh_id, now)


def sign_out(account_id: uuid.UUID, family: uuid.UUID, now: datetime) -> None:
    """End one sign-in; its tokens die at once."""
    with unit_of_work() as session:
        _end(session, account_id, family, "signed out", now)


def _end(session: Session, account_id: uuid.UUID, family: uuid.UUID, why: str, now: datetime) -> None:
    session.execute(update(SignIn).where(SignIn.id == family).values(revoked_at=now, revoked_why=why))
    _tell(session, account_id, family, "end_sign_in", now, why)


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
