"""Consent to the text on personal data: which version a person agreed to, when, and when they took it back.

`consent.json` has all versions, the present one last. A change of the text is a new version, which everybody is asked
about again; the old ones stay, so that what somebody once agreed to can be shown.
"""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path

import orjson
from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from backend.http.ids import new_id
from backend.http.problems import Problem
from backend.http.reading import row
from backend.http.work import add
from backend.ledger.record import SYSTEM, record
from backend.people.tables import Consent

_standing = select(Consent.id).where(
    Consent.account_id == bindparam("account"),
    Consent.version == bindparam("version"),
    Consent.withdrawn_at.is_(None),
)


class ConsentNeeded(Problem):
    """Consent to a text that is not the present one."""

    status, code = 409, "consent_needed"
    zh = "个人信息处理告知已更新，请阅读并同意现行版本（{version}）。"
    en = "The text on personal data has changed; read the present version ({version}) and agree to it."


@cache
def versions() -> Sequence[Mapping[str, str]]:
    """All versions of the text, oldest first: version, zh, en."""
    texts: list[dict[str, str]] = orjson.loads(Path(__file__).with_name("consent.json").read_bytes())
    return texts


def present() -> Mapping[str, str]:
    """The version to agree to now."""
    return versions()[-1]


def check_present(version: str) -> None:
    """Raises ConsentNeeded for any version but the present one."""
    if version != present()["version"]:
        raise ConsentNeeded(version=present()["version"])


def is_needed(account: uuid.UUID) -> bool:
    """Whether an account has not agreed to the present version."""
    return row(_standing, account=account, version=present()["version"]) is None


def give(session: Session, account: uuid.UUID, now: datetime) -> None:
    """Record that an account agrees to the present version; once is enough."""
    text = present()
    if session.execute(_standing, {"account": account, "version": text["version"]}).first() is not None:
        return
    kept = {"id": new_id(), "account_id": account, "version": text["version"], "given_at": now}
    words = f"{text['zh']}\n{text['en']}".encode()
    add(session, Consent, kept | {"text_hash": hashlib.sha256(words).digest()})
    _tell(session, account, "give_consent", text["version"], now)


def withdraw(session: Session, account: uuid.UUID, now: datetime) -> None:
    """Record that an account takes its consent back, whichever versions it gave it to."""
    standing = (Consent.account_id == account, Consent.withdrawn_at.is_(None))
    taken_back = update(Consent).where(*standing).values(withdrawn_at=now).returning(Consent.version)
    for version in session.execute(taken_back, execution_options={"synchronize_session": False}).scalars().all():
        _tell(session, account, "withdraw_consent", version, now)


def _tell(session: Session, account: uuid.UUID, action: str, version: str, now: datetime) -> None:
    details, thing = {"version": version}, ("account", str(account))
    record(session, town=SYSTEM, actor=account, action=action, thing=thing, version=0, occurred_at=now, details=details)
