"""One-time codes: six digits sent to a phone, for one purpose, to be used once within five minutes.

Asking for one looks at no account: known and unknown numbers get the same answer in the same time by construction. Each
code has an id that only who asked for it knows, so that nobody can use up the tries at somebody else's.
"""

import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from hmac import compare_digest

from flask import request
from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.orm import Session

from backend.http.ids import new_id
from backend.http.problems import Problem, language
from backend.http.reading import row
from backend.http.tags import keyed_hash
from backend.http.work import add, unit_of_work
from backend.outbox.messages import post
from backend.people.tables import OneTimeCode
from backend.people.throttle import take_tries

PURPOSES = ("register", "sign_in", "password", "phone", "forget", "file")
LASTS, TRIES = timedelta(minutes=5), 5

_standing = select(OneTimeCode.code_hash).where(
    OneTimeCode.id == bindparam("id", type_=OneTimeCode.id.type),
    OneTimeCode.tries < TRIES,
    OneTimeCode.expires_at > bindparam("now", type_=OneTimeCode.expires_at.type),
)


class WrongCode(Problem):
    """A code that is wrong, used, expired, tried too often, or for another phone or purpose: which is not said."""

    status, code = 401, "wrong_code"
    zh, en = "验证码不正确或已失效，请重新获取。", "The code is wrong or no longer valid; ask for a new one."


@dataclass(frozen=True)
class Proof:
    """That somebody holds a phone (E.164): the code sent to it, and the id it was sent under."""

    id: uuid.UUID
    phone: str
    code: str


def send_code(phone: str, purpose: str, now: datetime) -> uuid.UUID:
    """Send a code for a purpose to a phone; answers the id to use it under. Raises TooManyTries."""
    take_tries(now, code_address=request.remote_addr or "", code_phone=phone)
    with unit_of_work() as session:
        proof = new_code(session, phone, purpose, now)
        post(session, "sms", phone, f"code_{purpose}", language(), not_after=now + LASTS, code=proof.code)
    return proof.id


def new_code(session: Session, phone: str, purpose: str, now: datetime) -> Proof:
    """Make a code; what is kept of it does not tell it."""
    proof = Proof(new_id(), phone, f"{secrets.randbelow(1_000_000):06d}")
    columns = {"id": proof.id, "code_hash": _hash(proof, purpose), "tries": 0, "expires_at": now + LASTS}
    add(session, OneTimeCode, columns)
    return proof


def refuse_wrong(proof: Proof, purpose: str, now: datetime) -> None:
    """Refuse a wrong code, counted as a try, before anything is done that costs, as looking at a password does.

    Raises WrongCode. A right one is still to be spent.
    """
    kept = row(_standing, id=proof.id, now=now)
    if compare_digest(kept.code_hash if kept else bytes(32), _hash(proof, purpose)):
        return
    with unit_of_work() as session:
        spend(session, proof, purpose, now)
    raise WrongCode


def spend(session: Session, proof: Proof, purpose: str, now: datetime) -> bool:
    """Whether a proof is good; it is so once. A wrong one counts as a try, once the caller commits.

    So the caller commits either way, and raises WrongCode afterwards.
    """
    this = OneTimeCode.id == proof.id
    trying = update(OneTimeCode).where(this, OneTimeCode.tries < TRIES, OneTimeCode.expires_at > now)
    counted = trying.values(tries=OneTimeCode.tries + 1).returning(OneTimeCode.code_hash)
    kept: bytes | None = session.execute(counted, execution_options={"synchronize_session": False}).scalar()
    if not compare_digest(kept or bytes(32), _hash(proof, purpose)):
        return False
    session.execute(delete(OneTimeCode).where(this))
    return True


def forget_codes(session: Session, now: datetime) -> None:
    """Drop the codes whose time is over."""
    session.execute(delete(OneTimeCode).where(OneTimeCode.expires_at < now))


def _hash(proof: Proof, purpose: str) -> bytes:
    return keyed_hash(f"code for {purpose}", f"{proof.id} {proof.phone} {proof.code}".encode())
