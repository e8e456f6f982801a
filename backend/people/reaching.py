"""How people are reached with notices: what they have, what they want, and in which language.

An e-mail address is taken once a code sent there has come back: nobody is written to because somebody else mistyped.
"""

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from backend.http.problems import language
from backend.http.reading import AnyRow, row, rows
from backend.http.versions import require_match
from backend.http.work import unit_of_work
from backend.outbox.messages import post
from backend.outbox.reaching import Reach
from backend.outbox.texts import CHANNELS, Language
from backend.people.codes import LASTS, Proof, WrongCode, new_code, spend
from backend.people.notice_tables import NoticePreference
from backend.people.tables import Account
from backend.people.throttle import take_tries

_preference = select(
    NoticePreference.email, NoticePreference.language, NoticePreference.off, NoticePreference.version
).where(NoticePreference.account_id == bindparam("account"))
_person = (
    select(Account.id, Account.phone, Account.wechat_openid)
    .add_columns(NoticePreference.email, NoticePreference.language, NoticePreference.off)
    .outerjoin(NoticePreference, NoticePreference.account_id == Account.id)
    .where(Account.active)
)
_by_accounts = _person.where(Account.id.in_(bindparam("who", expanding=True)))
_by_phones = _person.where(Account.phone.in_(bindparam("who", expanding=True)))


def reach(people: Collection[uuid.UUID | str]) -> dict[uuid.UUID | str, Reach]:
    """How to reach accounts, and the accounts of phones; those that are not in use are left out."""
    accounts = [who for who in people if isinstance(who, uuid.UUID)]
    phones = [who for who in people if isinstance(who, str)]
    found = {one.id: _reach(one) for one in rows(_by_accounts, who=accounts)} if accounts else {}
    return found | ({one.phone: _reach(one) for one in rows(_by_phones, who=phones)} if phones else {})


def _reach(found: AnyRow) -> Reach:
    off = frozenset((found.off or "").split(","))
    spoken: Language = "en" if found.language == "en" else "zh"
    return Reach(found.id, found.phone, found.wechat_openid, found.email, spoken, off)


def preferences(account: uuid.UUID, session: Session | None = None) -> dict[str, Any]:
    """What an account has said about its notices; where it has said nothing, every channel is on."""
    found = session.execute(_preference, {"account": account}).first() if session else row(_preference, account=account)
    off = set(found.off.split(",")) if found else set[str]()
    return {
        "channels": {channel: channel not in off for channel in CHANNELS},
        "language": found.language if found else "zh",
        "email": found.email if found else None,
        "version": found.version if found else 0,
    }


def prefer(session: Session, account: uuid.UUID, wanted: Mapping[str, Any]) -> None:
    """Switch channels on and off, or choose another language. Raises what `require_match` raises; commits nothing."""
    held = _held(session, account)
    require_match(held["version"])
    channels = held["channels"] | dict(wanted.get("channels", {}))
    off = ",".join(channel for channel in CHANNELS if not channels[channel])
    _keep(session, account, held["version"], off=off, language=wanted.get("language", held["language"]))


def send_email_code(account: uuid.UUID, email: str, now: datetime) -> uuid.UUID:
    """Send a code to an e-mail address; answers the id to use it under. Raises TooManyTries."""
    take_tries(now, email=str(account))
    with unit_of_work() as session:
        proof = new_code(session, email, _purpose(account), now)
        post(session, "email", email, "code_email", language(), not_after=now + LASTS, code=proof.code)
    return proof.id


def prove_email(account: uuid.UUID, proof: Proof, now: datetime) -> None:
    """Have notices sent to an address from now on, by the code that was sent there. Raises WrongCode."""
    with unit_of_work() as session:
        proved = spend(session, proof, _purpose(account), now)
        if proved:
            _keep(session, account, _held(session, account)["version"], email=proof.phone)
    if not proved:
        raise WrongCode


def drop_email(session: Session, account: uuid.UUID) -> None:
    """Have nothing sent by e-mail any more."""
    _keep(session, account, _held(session, account)["version"], email=None)


def forget_preferences(session: Session, account: uuid.UUID) -> str | None:
    """Delete what an account has said about its notices; answers its e-mail address."""
    email: str | None = preferences(account, session)["email"]
    session.execute(delete(NoticePreference).where(NoticePreference.account_id == account))
    return email


def _held(session: Session, account: uuid.UUID) -> dict[str, Any]:
    # Kept from others to the end: of two at once who say something for the first time, the second waits.
    session.execute(select(Account.id).where(Account.id == account).with_for_update())
    return preferences(account, session)


def _keep(session: Session, account: uuid.UUID, version: int, **values: Any) -> None:
    if version == 0:
        kept = {"account_id": account, "language": "zh", "off": "", "version": 1}
        session.execute(insert(NoticePreference), kept | values)
    else:
        changed = update(NoticePreference).where(NoticePreference.account_id == account)
        session.execute(changed.values(version=NoticePreference.version + 1, **values))


def _purpose(account: uuid.UUID) -> str:
    # A code is good for the account that asked for it.
    return f"email of {account}"
