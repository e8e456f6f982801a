"""Who is asking: from the access token to the roles held at this moment.

A token's signature is checked once a worker and remembered until it expires; whether its sign-in still stands and which
roles its account holds is read from the database at every request, so that both take effect at the next one.
"""

import time
import uuid
from collections import OrderedDict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from flask import g, request
from flask_jwt_extended import decode_token
from flask_jwt_extended.exceptions import JWTExtendedException
from jwt import ExpiredSignatureError, InvalidTokenError
from sqlalchemy import and_, bindparam, null, or_, select

from backend.http import clock
from backend.http.problems import Problem
from backend.http.reading import Prepared, rows
from backend.people.access import SUBSTITUTE, Caller, Grant, town_scope
from backend.people.clearing import stands
from backend.people.roster import standing_in
from backend.people.tables import Account, RoleAssignment, SignIn
from backend.people.trust_tables import Clearing, Conflict

_REMEMBERED = 10_000
_verified: OrderedDict[str, dict[str, Any]] = OrderedDict()
_CHALLENGE = {"WWW-Authenticate": "Bearer"}


class _Held(NamedTuple):
    """An account with one of the roles it holds today, or with none."""

    id: uuid.UUID
    name: str
    phone: str | None
    active: bool
    revoked_at: datetime | None
    role: str | None
    area_code: str
    department: str | None
    clearing: uuid.UUID | None
    not_impartial_in: str | None


_of_account = and_(
    RoleAssignment.account_id == Account.id,
    RoleAssignment.valid_from <= bindparam("today"),
    or_(RoleAssignment.valid_to.is_(None), RoleAssignment.valid_to >= bindparam("today")),
    RoleAssignment.ended_at.is_(None),
)
_known = (RoleAssignment.role, RoleAssignment.area_code, RoleAssignment.department, Clearing.id, Conflict.area_code)
_cleared = and_(Clearing.assignment_id == RoleAssignment.id, stands)
_partial = and_(Conflict.account_id == Account.id, Conflict.ended_at.is_(None))
_roles_held = Prepared(
    select(Account.id, Account.name, Account.phone, Account.active, SignIn.revoked_at, *_known)
    .select_from(SignIn)
    .join(Account, Account.id == SignIn.account_id)
    .outerjoin(RoleAssignment, _of_account)
    .outerjoin(Clearing, _cleared)
    .outerjoin(Conflict, _partial)
    .where(SignIn.id == bindparam("sign_in")),
    _Held,
)
_roles_of = (
    select(Account.id, Account.name, Account.phone, Account.active, null(), *_known)
    .select_from(Account)
    .outerjoin(RoleAssignment, _of_account)
    .outerjoin(Clearing, _cleared)
    .outerjoin(Conflict, _partial)
    .where(Account.id.in_(bindparam("accounts", expanding=True)))
)


class NotSignedIn(Problem):
    """No token where one is needed."""

    status, code = 401, "not_signed_in"
    zh, en = "请先登录。", "Please sign in first."


class TokenExpired(Problem):
    """An access token whose time is over."""

    status, code = 401, "token_expired"
    zh, en = "登录已过期，请刷新令牌或重新登录。", "The token has expired; refresh it or sign in again."


class TokenInvalid(Problem):
    """A token that is not ours, or not an access token."""

    status, code = 401, "token_invalid"
    zh, en = "登录凭证无效，请重新登录。", "This token is not valid; sign in again."


class SignedOut(Problem):
    """A token of a sign-in that was ended."""

    status, code = 401, "signed_out"
    zh, en = "您已退出登录，请重新登录。", "This sign-in has ended; sign in again."


def current_caller() -> Caller:
    """The caller of this request. Raises NotSignedIn, TokenExpired, TokenInvalid or SignedOut."""
    if "caller" not in g:
        g.caller = _identify()
    held: Caller = g.caller
    return held


def optional_caller() -> Caller | None:
    """The caller, or None where no token was sent; a bad token is still refused."""
    return current_caller() if "Authorization" in request.headers else None


def who_may(permission: str) -> tuple[uuid.UUID, frozenset[str]]:
    """The account of this request, and the area codes in which a row of the access table lets it act."""
    caller = current_caller()
    return caller.account_id, town_scope(caller, permission)


def _identify() -> Caller:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotSignedIn(headers=_CHALLENGE)
    claims = _claims(token.strip())
    now = clock.now()
    found = _roles_held.all(sign_in=uuid.UUID(claims["sid"]), today=now.date())
    if not found or found[0].revoked_at is not None or not found[0].active:
        raise SignedOut(headers=_CHALLENGE)
    return _caller(found, uuid.UUID(claims["sid"]), now)


def callers_of(accounts: Collection[uuid.UUID], now: datetime) -> dict[uuid.UUID, Caller]:
    """Accounts as the callers they would be at a moment, by id: for what is decided without their asking."""
    held: dict[uuid.UUID, list[_Held]] = {}
    for found in rows(_roles_of, accounts=list(accounts), today=now.date()) if accounts else ():
        held.setdefault(found[0], []).append(_Held(*found))
    return {account: _caller(roles, account, now) for account, roles in held.items()}


def _caller(found: Sequence[_Held], sign_in: uuid.UUID, now: datetime) -> Caller:
    me = found[0]
    conflicts = tuple(dict.fromkeys(row.not_impartial_in for row in found if row.not_impartial_in))
    return Caller(me.id, sign_in, me.name, me.phone, _grants(found, now), conflicts)


def _grants(found: Sequence[_Held], now: datetime) -> tuple[Grant, ...]:
    # A person on the conflict list has each role once for each village there.
    held = dict.fromkeys(
        Grant(row.role, row.area_code, row.department, row.clearing is not None)
        for row in found
        if row.role and row.role != SUBSTITUTE
    )
    areas = [row.area_code for row in found if row.role == SUBSTITUTE]
    return (*held, *(standing_in(found[0].id, areas, now) if areas else ()))


def _claims(token: str) -> dict[str, Any]:
    claims = _verified.get(token)
    if claims is None:
        claims = _verify(token)
        _verified[token] = claims
        while len(_verified) > _REMEMBERED:
            _verified.popitem(last=False)
    if claims["exp"] <= time.time():
        _verified.pop(token, None)
        raise TokenExpired(headers=_CHALLENGE)
    return claims


def _verify(token: str) -> dict[str, Any]:
    try:
        return claims_of(token, "access")
    except TokenInvalid as error:
        expired = isinstance(error.__cause__, ExpiredSignatureError)
        raise (TokenExpired if expired else TokenInvalid)(headers=_CHALLENGE) from error


def claims_of(token: str, kind: str) -> dict[str, Any]:
    """What a token of ours says: `sid` and `jti` are UUIDs, and `kind` is access or refresh. Raises TokenInvalid."""
    try:
        claims: dict[str, Any] = decode_token(token)
        uuid.UUID(claims["sid"]), uuid.UUID(claims["jti"]), float(claims["exp"])
    except (InvalidTokenError, JWTExtendedException, KeyError, ValueError, TypeError, AttributeError) as error:
        raise TokenInvalid from error
    if claims.get("type") != kind:
        raise TokenInvalid
    return claims
