"""Texts for the public: the desk words what everybody may read of a case, and somebody else looks before it shows.

The words are the desk's, not the report's. Numbers of people, and what looks like a name, are taken out of them by
machine before anybody looks. Photos can be those of the work only, which all who see the case see: a reporter's own
show where they stood. Withdrawing takes the whole case off the public face at once, by one person; it comes back by a
new text and its second look, after a new random delay.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, bindparam, delete, insert, select, tuple_, update
from sqlalchemy.orm import Session

from backend.cases.case_row import CaseRow
from backend.cases.evidence_sight import PHOTO
from backend.cases.public.public_text_tables import PublicText
from backend.cases.public.publication import ORDINARY, public_from
from backend.cases.reporter.redaction import redact
from backend.cases.reporter.reporters import reporter_known_by
from backend.cases.tables import Case, CaseEvent
from backend.cases.workflow import ACTIONS, SHOWING
from backend.evidence.tables import Evidence
from backend.extensions import UtcDateTime
from backend.http.problems import Invalid
from backend.http.reading import rows
from backend.people.access import Caller

DRAFT, RELEASE, DROP, UNPUBLISH = "draft_public_text", "release_public_text", "drop_public_text", "unpublish"
STEPS = (DRAFT, RELEASE, DROP, UNPUBLISH)
MOST = 100
"""Newest texts of one case that are told of."""

_of_work = (
    select(Evidence.id)
    .join(CaseEvent, and_(CaseEvent.case_id == Evidence.case_id, CaseEvent.version == Evidence.event_version))
    .where(Evidence.case_id == bindparam("case"), Evidence.media == PHOTO, CaseEvent.action.in_(SHOWING))
)
_NOT_OF_WORK = (
    "只能公开本案件处置、核查时上传的照片，不能公开反映人的照片、视频或录音。",
    "Only photos of the work on this case can be made public, not those of its reporter, nor films or sound.",
)
_of_case = (
    select(*PublicText.__table__.c)
    .where(PublicText.case_id == bindparam("case"))
    .order_by(PublicText.version.desc())
    .limit(MOST)
)
_waiting = (
    select(
        PublicText.case_id,
        PublicText.version,
        PublicText.text,
        PublicText.photos,
        PublicText.drafted_by,
        PublicText.drafted_at,
        Case.number,
        Case.category,
        Case.village_code,
    )
    .join(Case, Case.id == PublicText.case_id)
    .where(
        PublicText.state == "waiting",
        Case.reporting.in_(ORDINARY),
        Case.status.in_(ACTIONS[RELEASE].from_),
    )
    .order_by(PublicText.drafted_at, PublicText.case_id)
)
_PLAIN = {"synchronize_session": False}


def changes(caller: Caller, action: str, case: CaseRow, now: datetime) -> Mapping[str, Any]:
    """What a step on the way to the public changes of the case itself; nothing for any other action."""
    if action == DRAFT:
        return {"public_draft_by": caller.account_id}
    if action == RELEASE:
        return {"public_draft_by": None, "public_at": case.public_at or public_from(now)}
    if action == DROP:
        return {"public_draft_by": None}
    return {"public_draft_by": None, "public_at": None} if action == UNPUBLISH else {}


def keep(
    session: Session, caller: Caller, action: str, case: CaseRow, request: Mapping[str, Any], now: datetime
) -> None:
    """Put down the text, or what became of it. Raises Invalid; the caller of this commits."""
    by = {"decided_by": caller.account_id, "decided_at": now}
    if action == DRAFT:
        photos = _photos(session, case, request.get("public_photos", ()))
        _turn(session, case, "waiting", {"state": "replaced"} | by)
        text = redact(request["public_text"], reporter_known_by(case))
        kept = {"case_id": case.id, "version": case.version + 1, "text": text}
        kept |= {"photos": photos, "drafted_by": caller.account_id, "drafted_at": now, "state": "waiting"}
        session.execute(insert(PublicText), kept)
    elif action == RELEASE:
        _turn(session, case, "released", {"state": "replaced"})
        _turn(session, case, "waiting", {"state": "released"} | by)
    else:
        _turn(session, case, "waiting", {"state": "dropped"} | by)
        if action == UNPUBLISH:
            _turn(session, case, "released", {"state": "withdrawn"} | by)


def forget_public_texts(session: Session, case_id: uuid.UUID) -> None:
    """Delete all that was worded of a case for the public; the caller of this commits."""
    session.connection().execute(delete(PublicText).where(PublicText.case_id == case_id))


def texts_of(case: CaseRow) -> Sequence[Row[Any]]:
    """The texts of a case, newest first."""
    return rows(_of_case, case=case.id)


def waiting_texts(caller: Caller, after: tuple[datetime, uuid.UUID] | None, limit: int) -> Sequence[Row[Any]]:
    """Up to `limit` texts that wait for a second look in the caller's towns, the oldest first, the caller's own too.

    Without those of villages in which the caller yields.
    """
    towns = {grant.area_code[:9] for grant, _ in caller.allowed(RELEASE)}
    found = _waiting.where(Case.town_code.in_(towns), Case.village_code.not_in(caller.conflicts))
    if after is not None:
        position = tuple_(
            bindparam("after_at", after[0], UtcDateTime), bindparam("after_id", after[1], PublicText.case_id.type)
        )
        found = found.where(tuple_(PublicText.drafted_at, PublicText.case_id) > position)
    return rows(found.limit(limit))


def _turn(session: Session, case: CaseRow, state: str, values: Mapping[str, Any]) -> None:
    held = update(PublicText).where(PublicText.case_id == case.id, PublicText.state == state)
    session.execute(held.values(values), execution_options=_PLAIN)


def _photos(session: Session, case: CaseRow, wanted: Sequence[uuid.UUID]) -> list[str]:
    photos = list(dict.fromkeys(wanted))
    if not photos:
        return []
    if set(photos) - set(session.execute(_of_work, {"case": case.id}).scalars()):
        raise Invalid({"public_photos": [_NOT_OF_WORK]})
    return [str(photo) for photo in photos]
