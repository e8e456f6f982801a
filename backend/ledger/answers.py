"""Answers kept for resends: a write sent twice with one Idempotency-Key has one effect and one answer.

The answer is kept in the same unit of work as the effect, so that a crash between commit and answer loses nothing. Two
at once: the second waits at the database for the first, fails on the key, and gets the first one's answer; if the first
takes longer than the database lets a statement wait, it is told to come again (409 with Retry-After).

Answers are kept for 90 days, sealed, under a tag of sender and key: neither who sent nor what was answered can be read
in the database. They are erased with the thing they answer about; a resend is told so then (410).
"""

import hashlib
import re
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

import orjson
from flask import Response, request
from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend.http import clock
from backend.http.envelope import envelope
from backend.http.problems import Conflict, Problem
from backend.http.reading import row
from backend.http.tags import tag
from backend.http.work import add, unit_of_work
from backend.ledger.record import Thing, recorded_first
from backend.ledger.tables import KeptAnswer

KEPT = timedelta(days=90)
_HEADERS = ("ETag", "Content-Type", "Cache-Control", "Location")
_recall_sealed = select(KeptAnswer.sealed).where(KeptAnswer.id == bindparam("id"))


class KeyReused(Problem):
    """An Idempotency-Key sent again with another request."""

    status, code = 422, "key_reused"
    zh = "这个提交编号已用于另一份内容；新的内容请用新的编号（Idempotency-Key）。"
    en = "This Idempotency-Key was used for another request; use a new key for new content."


class AnswerErased(Problem):
    """A resend of a request whose answer was erased with the thing it was about."""

    status, code = 410, "answer_erased"
    zh = "这次提交早已收到并处理；其内容后来已按规定删除，无须重新提交。"
    en = "This was received and dealt with; what it was about has since been erased. There is nothing to send again."


class BadKey(Problem):
    """An Idempotency-Key that is empty, too long or not visible ASCII."""

    status, code = 422, "bad_key"
    zh, en = "提交编号应为 1 到 128 个可见字符。", "An Idempotency-Key is 1 to 128 visible ASCII characters."


def once(
    actor: uuid.UUID,
    work: Callable[[Session], Response],
    content: bytes | None = None,
    dear: bool = False,
    about: Thing | None = None,
) -> Response:
    """Do a resendable write in a unit of work of its own and keep its answer; a resend gets that answer.

    `work` does the write in the session given and makes the answer; it commits nothing, and may be called twice.
    `content` is what makes two requests the same, the body as sent if not given. Call it after authorising and before
    looking at If-Match. First sendings are many and resends few: so the work is tried first, and the kept answer looked
    for when it fails, as a resend's must, at the latest on the key; where the work is `dear`, the other way round.
    `about` is the thing the answer is about, if not given the one that the work recorded first in the ledger.
    An answer that refuses (400 and above) is not kept, though what was done besides is: a wrong code has been counted.
    If the same was sent before and done, the answer to that goes before a refusal.

    Raises KeyReused, BadKey, AnswerErased, and Conflict when the thing exists already under another key.
    """
    key = request.headers.get("Idempotency-Key")
    if key is not None and not re.fullmatch(r"[!-~]{1,128}", key):
        raise BadKey
    digest = _digest(request.get_data() if content is None else content)
    kept = recall(actor, key, digest) if dear else None
    if kept is not None:
        return kept
    try:
        made = _work_and_keep(actor, key, digest, work, about)
        return made if made.status_code < 400 else recall(actor, key, digest) or made
    except (IntegrityError, Problem) as error:
        kept = recall(actor, key, digest)
        if kept is None and isinstance(error, Problem):
            raise
    if kept is not None:
        return kept
    try:
        return _work_and_keep(actor, key, digest, work, about)  # what was drawn at random may be free this time
    except IntegrityError as error:
        raise Conflict from error


def _work_and_keep(
    actor: uuid.UUID, key: str | None, digest: bytes, work: Callable[[Session], Response], about: Thing | None
) -> Response:
    with unit_of_work() as session:
        recorded_first(session)
        answer = work(session)
        if key is not None and answer.status_code < 400:
            add(session, KeptAnswer, _row(actor, key, digest, answer, about or recorded_first(session)))
    return answer


def recall(actor: uuid.UUID, key: str | None, digest: bytes) -> Response | None:
    """The answer kept under a key, or None. Raises KeyReused when it was for another request, and AnswerErased."""
    kept = row(_recall_sealed, id=_tag(actor, key)) if key is not None else None
    if key is None or kept is None:
        return None
    if kept.sealed is None:
        raise AnswerErased
    told, _, body = envelope().open(kept.sealed, _context(actor, key)).partition(b"\n")
    about = orjson.loads(told)
    if about["request"] != digest.hex():
        raise KeyReused
    return Response(body, status=about["status"], headers=about["headers"])


def forget_answers(session: Session, thing: Thing) -> None:
    """Erase the answers about a thing (kind, id) that is being erased; who sends such a request again gets 410."""
    session.execute(
        update(KeptAnswer).where(KeptAnswer.thing == _tag_of(thing)).values(sealed=None, thing=None),
        execution_options={"synchronize_session": False},
    )


def forget(session: Session, now: datetime) -> None:
    """Drop the answers whose time is over."""
    session.execute(delete(KeptAnswer).where(KeptAnswer.kept_at < now - KEPT))


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(f"{request.method} {request.path}\n".encode() + content).digest()


def _row(actor: uuid.UUID, key: str, digest: bytes, answer: Response, about: Thing | None) -> dict[str, object]:
    headers = {name: answer.headers[name] for name in _HEADERS if name in answer.headers}
    told = orjson.dumps({"request": digest.hex(), "status": answer.status_code, "headers": headers})
    return {
        "id": _tag(actor, key),
        "thing": about and _tag_of(about),
        "sealed": envelope().seal(told + b"\n" + answer.get_data(), _context(actor, key)),
        "kept_at": clock.now(),
    }


def _context(actor: uuid.UUID, key: str) -> str:
    return f"answer to {actor} under {key}"


def _tag(actor: uuid.UUID, key: str) -> uuid.UUID:
    return tag("kept answer", actor.bytes + key.encode())


def _tag_of(thing: Thing) -> uuid.UUID:
    return tag("answer about", "\n".join(thing).encode())
