"""Answers kept for resends: a write sent twice with one Idempotency-Key has one effect and one answer.

The answer is kept in the same unit of work as the effect, so that a crash between commit and answer loses nothing. Two
at once: the second waits at the database for the first, fails on the key, and gets the first one's answer.
"""

import hashlib
import re
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

from flask import Response, request
from sqlalchemy import bindparam, delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend.http import clock
from backend.http.problems import Conflict, Problem
from backend.http.reading import row
from backend.http.work import add, unit_of_work
from backend.ledger.tables import KeptAnswer

KEPT = timedelta(days=90)
_HEADERS = ("ETag", "Content-Type", "Cache-Control", "Location")
_recall_columns = select(*KeptAnswer.__table__.c).where(
    KeptAnswer.actor_id == bindparam("actor"), KeptAnswer.key == bindparam("key")
)


class KeyReused(Problem):
    """An Idempotency-Key sent again with another request."""

    status, code = 422, "key_reused"
    zh = "这个提交编号已用于另一份内容；新的内容请用新的编号（Idempotency-Key）。"
    en = "This Idempotency-Key was used for another request; use a new key for new content."


class BadKey(Problem):
    """An Idempotency-Key that is empty, too long or not visible ASCII."""

    status, code = 422, "bad_key"
    zh, en = "提交编号应为 1 到 128 个可见字符。", "An Idempotency-Key is 1 to 128 visible ASCII characters."


def once(
    actor: uuid.UUID, work: Callable[[Session], Response], content: bytes | None = None, dear: bool = False
) -> Response:
    """Do a resendable write in a unit of work of its own and keep its answer; a resend gets that answer.

    `work` does the write in the session given and makes the answer; it commits nothing, and may be called twice.
    `content` is what makes two requests the same, the body as sent if not given. Call it after authorising and before
    looking at If-Match. First sendings are many and resends few: so the work is tried first, and the kept answer looked
    for when it fails, as a resend's must, at the latest on the key; where the work is `dear`, the other way round.

    Raises KeyReused, BadKey, and Conflict when the thing exists already under another key.
    """
    key = request.headers.get("Idempotency-Key")
    if key is not None and not re.fullmatch(r"[!-~]{1,128}", key):
        raise BadKey
    digest = _digest(request.get_data() if content is None else content)
    kept = recall(actor, key, digest) if dear else None
    if kept is not None:
        return kept
    try:
        return _work_and_keep(actor, key, digest, work)
    except (IntegrityError, Problem) as error:
        kept = recall(actor, key, digest)
        if kept is None and isinstance(error, Problem):
            raise
    if kept is not None:
        return kept
    try:
        return _work_and_keep(actor, key, digest, work)  # what was drawn at random may be free this time
    except IntegrityError as error:
        raise Conflict from error


def _work_and_keep(actor: uuid.UUID, key: str | None, digest: bytes, work: Callable[[Session], Response]) -> Response:
    with unit_of_work() as session:
        answer = work(session)
        if key is not None:
            add(session, KeptAnswer, _columns(actor, key, digest, answer))
    return answer


def recall(actor: uuid.UUID, key: str | None, digest: bytes) -> Response | None:
    """The answer kept under a key, or None. Raises KeyReused when it was for another request."""
    kept = row(_recall_columns, actor=actor, key=key) if key is not None else None
    if kept is None:
        return None
    if kept.request_hash != digest:
        raise KeyReused
    return Response(kept.body, status=kept.status, headers=kept.headers)


def forget(session: Session, now: datetime) -> None:
    """Drop the answers whose time is over."""
    session.execute(delete(KeptAnswer).where(KeptAnswer.kept_at < now - KEPT))


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(f"{request.method} {request.path}\n".encode() + content).digest()


def _columns(actor: uuid.UUID, key: str, digest: bytes, answer: Response) -> dict[str, object]:
    headers = {name: answer.headers[name] for name in _HEADERS if name in answer.headers}
    return {
        "actor_id": actor,
        "key": key,
        "request_hash": digest,
        "status": answer.status_code,
        "headers": headers,
        "body": answer.get_data(),
        "kept_at": clock.now(),
    }
