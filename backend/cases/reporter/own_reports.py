"""A person's own reports: as a copy for them, and without them when they ask to be forgotten.

Forgetting takes the person out of a case and leaves the case: its figures, its steps and its place in the chain stand.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.orm import Session

from backend.cases.filing import ADDRESS
from backend.cases.handing_over import hand_over
from backend.cases.links.splitting import parts_of
from backend.cases.links.supporting import forget_supporter, support_of
from backend.cases.protection.protected import reworded
from backend.cases.protection.sealed_notes import reword_said, said_in
from backend.cases.public.public_text_tables import PublicText
from backend.cases.reporter.identity_tables import IdentityRequest
from backend.cases.reporter.redaction import redact
from backend.cases.reporter.reporters import forget_reporter, reported_by, reporter_address
from backend.cases.search import search
from backend.cases.tables import Case, CaseEvent
from backend.cases.timeline import events, show_event
from backend.cases.viewing import read_case, show_one
from backend.cases.work_lists.saved_filters import forget_filters, list_filters
from backend.evidence.own_photos import forget_photos, photos_of
from backend.ledger.answers import forget_answers
from backend.ledger.tables import LedgerEntry
from backend.outbox.folder import forget_messages
from backend.outbox.messages import messages_to
from backend.people.access import Caller
from backend.people.leaving import EndedRole, Taker
from backend.people.own_data import take_out

_ALL = 1_000_000
_DESK = Taker(None, "dispatcher")


def data_of(caller: Caller) -> dict[str, Any]:
    """All that is kept here of what a caller reported and sent: reports with timeline and messages,
    what they joined in, filters and photos."""
    mine = reported_by(caller.account_id)
    return {
        "reports": [_report(caller, case_id) for case_id, _ in mine],
        "supported": support_of(caller.account_id),
        "saved_filters": list_filters(caller.account_id),
        "photos": photos_of([caller.account_id, *(pseudonym for _, pseudonym in mine)]),
    }


def forget_person(session: Session, account: uuid.UUID, words: Sequence[str], now: datetime) -> None:
    """Take a person out of all they reported. `words` are what they are known by (name, phone as people write it).

    Who reported is deleted, the tag by which they found their cases becomes one that nobody has, and texts lose these
    words with every other number of a person. Nobody, the town included, can say afterwards who it was. What they
    handle by name goes back to the desk.
    """
    hand_over(session, account, [EndedRole("party_member", "", None, lambda _area: _DESK)], None, now)
    mine = reported_by(account)
    for case_id, _ in mine:
        forget_reporter(session, case_id)
        # What the desk wrote of its parts is out of the report.
        for about in (case_id, *parts_of(case_id)):
            _take_out(session, about, words)
            take_out(session, _entries_about(session, about), lambda told: redact(told, words) != told, now)
            forget_answers(session, ("case", str(about)))
        forget_messages(session, reporter_address(case_id))
    for address in forget_supporter(session, account):
        forget_messages(session, address)
    forget_filters(session, account)
    forget_photos(session, [account, *(pseudonym for _, pseudonym in mine)])


def _entries_about(session: Session, case_id: uuid.UUID) -> ColumnElement[bool]:
    asked = select(IdentityRequest.id).where(IdentityRequest.case_id == case_id)
    requests = [str(request) for request in session.execute(asked).scalars()]
    of_case = and_(LedgerEntry.thing_kind == "case", LedgerEntry.thing_id == str(case_id))
    return or_(of_case, and_(LedgerEntry.thing_kind == "identity_request", LedgerEntry.thing_id.in_(requests)))


def _report(caller: Caller, case_id: uuid.UUID) -> dict[str, Any]:
    case, seen = read_case(caller, case_id)
    me = (caller.account_id, case.pseudonym)
    said = said_in(case)
    timeline = [show_event(event, me, seen, said, reporter=True) for event in events(case_id, 0, _ALL)]
    shown = show_one(caller, case, seen, case.original_crs or "wgs84")
    return shown | {"timeline": timeline, "messages": messages_to(reporter_address(case_id))}


def _take_out(session: Session, case_id: uuid.UUID, words: Sequence[str]) -> None:
    said = select(Case.description, Case.address, Case.sealed, Case.occurred_at).where(Case.id == case_id)
    told = session.execute(said).one()
    if told.sealed is not None:
        values: dict[str, Any] = {"sealed": reworded(case_id, told.sealed, lambda said: redact(said, words))}
        reword_said(session, case_id, lambda said: redact(said, words))
    else:
        address = told.address and redact(told.address, words)[:ADDRESS]
        values = {"description": redact(told.description, words), "redacted": None, "address": address}
        search.reindex(session, (case_id, values["description"], None, told.occurred_at))
    session.execute(update(Case).where(Case.id == case_id).values(values))
    _reword(session, CaseEvent.note, CaseEvent.case_id == case_id, words)
    _reword(session, PublicText.text, PublicText.case_id == case_id, words)
    for reason in (IdentityRequest.reason, IdentityRequest.held_because):
        _reword(session, reason, IdentityRequest.case_id == case_id, words)


def _reword(session: Session, column: Any, about: ColumnElement[bool], words: Sequence[str]) -> None:
    for told in session.execute(select(column).where(about, column.is_not(None)).distinct()).scalars().all():
        rewording = update(column.class_).where(about, column == told).values({column: redact(told, words)})
        session.execute(rewording, execution_options={"synchronize_session": False})
