"""A person's inbox: what they were told, newest first, and what of it they have read.

It stands under tags of their account, so that neither the table nor a backup says whose notice it is.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, delete, func, or_, select, update
from sqlalchemy.orm import Session

from backend.http.envelope import envelope
from backend.http.reading import AnyRow, rows
from backend.http.tags import tag
from backend.outbox.own_texts import OwnTexts
from backend.outbox.tables import Notice
from backend.outbox.texts import Language, templates

KEPT = timedelta(days=180)
_mine = (
    select(Notice.id, Notice.template, Notice.params, Notice.sealed, Notice.created_at, Notice.read_at)
    .where(Notice.tag.in_(bindparam("tags", expanding=True)))
    .order_by(Notice.created_at.desc(), Notice.id.desc())
)


def tags_of(account: uuid.UUID) -> tuple[uuid.UUID, uuid.UUID]:
    """The tags of an account's inbox: of what it gets by name, and of what it gets as a reporter."""
    return tag("inbox", account.bytes), tag("inbox of a reporter", account.bytes)


def notice_row(
    message: AnyRow, account: uuid.UUID, as_reporter: bool, template: str, case: str | None
) -> dict[str, Any]:
    """The row of a notice in the inbox of an account; `case` is what it is about."""
    whose = tags_of(account)[as_reporter]
    id = uuid.uuid5(message.id, f"inbox {template} {whose}")
    sealed = envelope().seal(case.encode(), _context(id)) if case else None
    kept = {"id": id, "tag": whose, "template": template, "params": message.params, "sealed": sealed}
    return kept | {"created_at": message.created_at, "read_at": None}


def page_of(
    account: uuid.UUID, language: Language, after: Sequence[Any] | None, limit: int, unread: bool = False
) -> list[dict[str, Any]]:
    """At most `limit` notices of an account older than the key `after` (instant, id), in the reader's language."""
    wanted = _mine.limit(limit)
    if unread:
        wanted = wanted.where(Notice.read_at.is_(None))
    if after:
        at, last = after
        older = or_(Notice.created_at < at, and_(Notice.created_at == at, Notice.id < last))
        wanted = wanted.where(older)
    found = rows(wanted, tags=tags_of(account))
    own = OwnTexts({notice.template for notice in found}, [language])
    return [_shown(notice, language, own) for notice in found]


def mark_read(
    session: Session, account: uuid.UUID, until: datetime, now: datetime, one: uuid.UUID | None = None
) -> int:
    """Mark notices of an account as read: one, or all up to an instant; answers how many are its own."""
    which = [Notice.id == one] if one else [Notice.created_at <= until, Notice.read_at.is_(None)]
    own = update(Notice).where(Notice.tag.in_(tags_of(account)), *which)
    seen = own.values(read_at=func.coalesce(Notice.read_at, now)).returning(Notice.id)
    return len(session.execute(seen, execution_options={"synchronize_session": False}).all())


def forget_inbox(session: Session, account: uuid.UUID) -> None:
    """Delete all notices of an account."""
    session.execute(delete(Notice).where(Notice.tag.in_(tags_of(account))))


def forget_notices(session: Session, now: datetime) -> None:
    """Delete the notices of more than half a year ago, read or not."""
    session.execute(delete(Notice).where(Notice.created_at < now - KEPT))


def _shown(found: AnyRow, language: Language, own: OwnTexts) -> dict[str, Any]:
    # A text of an older release that is there no more is told as news.
    template = found.template if found.template in templates() else "case_update"
    case = envelope().open(found.sealed, _context(found.id)).decode() if found.sealed is not None else None
    text = own.words(template, language, found.params, found.created_at)
    return {"id": found.id, "text": text, "case_id": case, "at": found.created_at, "read_at": found.read_at}


def _context(id: uuid.UUID) -> str:
    return f"notice {id}"
