"""Retention: what is personal in a case goes when it has been at an end for so long; what is counted stays.

The case keeps its number, area, category, times, steps, holders and score, so every figure is what it was. Its text,
place, files, notes and names go, who reported it and who joined in, and what the ledger told of all this, on record. A
case that was reopened waits anew from its next end.

Done case by case, a hundred rows of a history at a time, each in a unit of work of its own: nobody who writes waits for
more than one of them. The row of `case_ends` is deleted last, so what was broken off is done again, to the same end.
"""

import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import bindparam, delete, func, or_, select, tuple_, update
from sqlalchemy.orm import Session

from backend.cases.events import After, Before, append_event
from backend.cases.links.splitting import parts_of
from backend.cases.links.supporting import forget_supporters
from backend.cases.public.public_texts import forget_public_texts
from backend.cases.reporter.identity_tables import IdentityRequest
from backend.cases.reporter.reporters import forget_reporter
from backend.cases.retention_tables import CaseEnd
from backend.cases.search import search
from backend.cases.tables import Case, CaseEvent, SealedNote
from backend.cases.workflow import ENDED
from backend.evidence.own_photos import discard_rows_of_case
from backend.evidence.photo_store import photo_store
from backend.evidence.tables import Evidence
from backend.extensions import UtcDateTime, db
from backend.http.reading import row, rows
from backend.http.work import unit_of_work
from backend.ledger.answers import forget_answers
from backend.ledger.erasing import erase
from backend.ledger.tables import LedgerEntry
from backend.territory.tables import Area
from backend.territory.town_settings import setting

WHY = "the time for which what is personal in a case is kept is over"
BATCH = 200
BITE = 100
"""Rows of one case's history that a unit of work changes at most."""
GIVE_WAY = 0.02
"""Seconds between two units of work where only one can write at a time."""
KEPT_DETAILS = frozenset(
    (
        *("from", "to", "role", "department", "departments", "areas", "person", "taker", "answer", "finding"),
        *("score", "solved", "closing", "goes_to", "channel", "until", "due_at", "case_due_at", "old_due_at"),
        *(
            "step",
            "course",
            "by",
            "was",
            "into",
            "part_of",
            "parts",
            "source",
            "imported",
            "holder",
            "rule",
            "standard",
        ),
        *("category", "old_category", "old_case_due_at", "counted_anew", "tags"),
    )
)
"""What an event told that stays: codes, numbers, times and ids of accounts. Whatever else it told goes."""
NOTHING: Mapping[str, Any] = {"description": ""} | dict.fromkeys(
    (
        *("redacted", "address", "lon", "lat", "cell", "original_lon", "original_lat", "original_crs"),
        *("leader", "sealed", "public_draft_by"),
    )
)
"""What is left of what a case's own row told: the centre of its grid, and no exact place."""

_BEGINNING = (datetime.min.replace(tzinfo=UTC), uuid.UUID(int=0), 0)
_towns = select(Area.code).where(Area.parent_code.is_(None))
_due = (
    select(CaseEnd.case_id, CaseEnd.version, CaseEnd.ended_at)
    .where(
        CaseEnd.town_code == bindparam("town"),
        CaseEnd.ended_at < bindparam("before", type_=UtcDateTime),
        tuple_(CaseEnd.ended_at, CaseEnd.case_id, CaseEnd.version)
        > tuple_(
            bindparam("at", type_=UtcDateTime),
            bindparam("case", type_=CaseEnd.case_id.type),
            bindparam("version", type_=CaseEnd.version.type),
        ),
    )
    .order_by(CaseEnd.ended_at, CaseEnd.case_id, CaseEnd.version)
    .limit(BATCH)
)
_last_end = (
    select(func.max(CaseEvent.version))
    .where(
        CaseEvent.case_id == Case.id,
        CaseEvent.to_status.in_(ENDED),
        or_(CaseEvent.from_status.is_(None), CaseEvent.from_status != CaseEvent.to_status),
    )
    .correlate(Case)
    .scalar_subquery()
)
_last_waiting = select(func.max(CaseEnd.version)).where(CaseEnd.case_id == Case.id).correlate(Case).scalar_subquery()
_case = select(
    *(Case.id, Case.town_code, Case.status, Case.version, Case.holder, Case.answer_until),
    _last_end.label("last_end"),
    _last_waiting.label("last_waiting"),
).where(Case.id == bindparam("case"))
_events = select(CaseEvent.version, CaseEvent.note, CaseEvent.details).where(CaseEvent.case_id == bindparam("case"))
_requests = select(IdentityRequest.id).where(IdentityRequest.case_id == bindparam("case"))
_photos = select(Evidence.id).where(Evidence.case_id == bindparam("case"))
_entries = select(LedgerEntry.id, LedgerEntry.payload).where(
    LedgerEntry.thing_id.in_(bindparam("things", expanding=True)),
    LedgerEntry.thing_kind.in_(("case", "photo", "identity_request")),
    LedgerEntry.payload != b"",
)
_empty_event = (
    update(CaseEvent.__table__)  # type: ignore[arg-type]  # a table, though declared as any FROM
    .where(CaseEvent.case_id == bindparam("of_case"), CaseEvent.version == bindparam("of_version"))
    .values(note=None, details=bindparam("left"))
)


def forget_ended(now: datetime) -> int:
    """Take what is personal out of the cases that ended so long ago as their town has set; answers how many.

    A missed run loses nothing, and one that was broken off is gone on with by the next.
    """
    done = 0
    for town in [found.code for found in rows(_towns)]:
        before, after = now - timedelta(days=int(setting(town, "retain_days"))), _BEGINNING
        while batch := _batch(town, before, after):
            done += sum(_end_is_over(end, now) for end in batch)
            after = (batch[-1].ended_at, batch[-1].case_id, batch[-1].version)
    if done:
        for _ in search.forget_dropped():
            _give_way()
    return done


def _batch(town: str, before: datetime, after: tuple[datetime, uuid.UUID, int]) -> Sequence[Any]:
    at, case, version = after
    return rows(_due, town=town, before=before, at=at, case=case, version=version)


def _end_is_over(end: Any, now: datetime) -> int:
    case = _read(end.case_id)
    if case.status not in ENDED or case.last_end > end.version:
        with unit_of_work() as session:  # reopened since: the time began anew with its next end, or has not begun
            _done_with(session, end.case_id, end.version)
        return 0
    if case.last_waiting is None or case.last_waiting < end.version:
        return 0  # done with an earlier row of the same case, or with the whole that it is a part of
    if case.answer_until is not None and case.answer_until > now:
        return 0  # it can still be reopened: a later run looks at it again
    parts = [found for part in parts_of(case.id) if (found := _read(part)).status in ENDED and found.last_waiting]
    return sum(_forget(one, now) for one in (*parts, case))


def _read(case_id: uuid.UUID) -> Any:
    return row(_case, case=case_id)


def _forget(case: Any, now: datetime) -> bool:
    _forget_history(case.id, now)
    with unit_of_work() as session:
        photos = _forget_rest(session, case, now)
    _give_way()
    for photo in photos or ():
        photo_store().delete(photo)
    return photos is not None


def _forget_history(case_id: uuid.UUID, now: datetime) -> None:
    """Take notes and words out of a case's events, and erase the entries that told them."""
    told = [event for event in rows(_events, case=case_id) if event.note is not None or _words(event.details)]
    for some in _bites(told):
        left = [
            {
                "of_case": case_id,
                "of_version": event.version,
                "left": {name: value for name, value in event.details.items() if name in KEPT_DETAILS},
            }
            for event in some
        ]
        with unit_of_work() as session:
            session.connection().execute(_empty_event, left)
        _give_way()
    things = [str(case_id), *(str(found.id) for asked in (_requests, _photos) for found in rows(asked, case=case_id))]
    entries = [entry.id for entry in rows(_entries, things=things) if _words(orjson.loads(entry.payload)["details"])]
    for ids in _bites(entries):
        with unit_of_work() as session:
            erase(session, LedgerEntry.id.in_(ids), by=None, why=WHY, now=now)
        _give_way()


def _words(details: Mapping[str, Any]) -> bool:
    return any(value is not None and name not in KEPT_DETAILS for name, value in details.items())


def _forget_rest(session: Session, case: Any, now: datetime) -> Sequence[uuid.UUID] | None:
    """Take out what stands beside the history; answers the files to delete, None if somebody acted just now."""
    values = {**NOTHING, "version": case.version + 1, "answer_until": case.answer_until or now}
    as_read = update(Case).where(Case.id == case.id, Case.version == case.version)
    if session.connection().execute(as_read.values(values)).rowcount != 1:
        return None
    forget_reporter(session, case.id)
    forget_supporters(session, case.id)
    reasons = update(IdentityRequest).where(IdentityRequest.case_id == case.id).values(reason="", held_because=None)
    session.connection().execute(reasons)
    session.connection().execute(delete(SealedNote).where(SealedNote.case_id == case.id))
    search.drop(session, case.id)
    forget_public_texts(session, case.id)
    photos = discard_rows_of_case(session, case.id)
    forget_answers(session, ("case", str(case.id)))
    _done_with(session, case.id, case.version)
    after = After(case.id, case.town_code, case.status, case.version + 1)
    append_event(session, after, Before(case.status, case.holder), "expire", None, "system", now)
    return photos


def _done_with(session: Session, case_id: uuid.UUID, version: int) -> None:
    session.connection().execute(delete(CaseEnd).where(CaseEnd.case_id == case_id, CaseEnd.version <= version))


def _bites(found: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (found[start : start + BITE] for start in range(0, len(found), BITE))


def _give_way() -> None:
    if db.engine.dialect.name == "sqlite":
        time.sleep(GIVE_WAY)
