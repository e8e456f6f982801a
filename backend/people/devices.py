"""The devices a person is signed in on, as they see them, and signing them out."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import and_, bindparam, or_, select

from backend.config import Config
from backend.http.problems import NotFound
from backend.http.reading import rows
from backend.http.work import unit_of_work
from backend.people.sign_in import end
from backend.people.tables import SignIn

SHOWN = timedelta(days=30)
"""How long an ended sign-in is shown, so that its owner sees why it ended."""

_seen = (
    select(SignIn.id, SignIn.device_name, SignIn.created_at, SignIn.refreshed_at, SignIn.revoked_at, SignIn.revoked_why)
    .where(
        SignIn.account_id == bindparam("account"),
        or_(
            and_(SignIn.revoked_at.is_(None), SignIn.refreshed_at > bindparam("alive")),
            SignIn.revoked_at > bindparam("shown"),
        ),
    )
    .order_by(SignIn.refreshed_at.desc(), SignIn.id)
    .limit(100)
)


def sign_ins(account: uuid.UUID, this: uuid.UUID, now: datetime) -> list[dict[str, Any]]:
    """The newest hundred sign-ins of an account that stand or ended of late; `this` is the one that asks."""
    config: Config = current_app.config["TOWN_CONFIG"]
    alive = now - timedelta(days=config.REFRESH_TOKEN_DAYS)
    return [
        {
            "id": found.id,
            "device": found.device_name,
            "since": found.created_at,
            "last_used_at": found.refreshed_at,
            "this_one": found.id == this,
            "ended_at": found.revoked_at,
            "ended_why": found.revoked_why,
        }
        for found in rows(_seen, account=account, alive=alive, shown=now - SHOWN)
    ]


def sign_out(account: uuid.UUID, family: uuid.UUID, now: datetime) -> None:
    """End one sign-in of an account. Raises NotFound where it has none of this id that still stands."""
    with unit_of_work() as session:
        if not end(session, account, "signed_out", now, SignIn.id == family):
            raise NotFound


def sign_out_others(account: uuid.UUID, this: uuid.UUID, now: datetime) -> None:
    """End all sign-ins of an account but this one."""
    with unit_of_work() as session:
        end(session, account, "signed_out", now, SignIn.id != this)
