"""Whom a case's news is for besides its reporter: found when a notice is shared out, not when something is done.

Of a protected report nobody is told but who made it.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Literal

from sqlalchemy import and_, bindparam, exists, or_, select
from sqlalchemy.orm import Session

from backend.cases.case_row import PERSON, CaseRow
from backend.cases.holders import holders_of, people_of
from backend.cases.protection.protected import PROTECTED
from backend.cases.reporter.reporters import is_reporter, tell_reporter, who_reported
from backend.cases.tables import Case
from backend.http import clock
from backend.http.reading import row, rows
from backend.outbox.messages import ALSO, HOLDER, NOTICE, REPORTER, post
from backend.outbox.reaching import Who
from backend.people.tables import Account, RoleAssignment
from backend.people.trust_tables import Conflict

ALSO_TOLD: Mapping[str, Literal["holder", "desk"]] = {
    "dispatch": "holder",
    "rework": "holder",
    "extend": "holder",
    "suspend": "holder",
    "refuse": "holder",
    "resume": "holder",
    "withdraw": "holder",
    "send_back": "desk",
    "reopen": "desk",
    "ask_extension": "desk",
    "ask_suspension": "desk",
    "ask_transfer": "desk",
    "excuse": "desk",
}
"""Who has to know of an action besides the reporter: whoever holds the case, or the desk that decides next."""

_case = select(Case.town_code, Case.village_code, Case.status, Case.holder, Case.reporting).where(
    Case.id == bindparam("case")
)
_held = and_(
    RoleAssignment.ended_at.is_(None),
    RoleAssignment.valid_from <= bindparam("today"),
    or_(RoleAssignment.valid_to.is_(None), RoleAssignment.valid_to >= bindparam("today")),
)
_officers = select(RoleAssignment.account_id).where(
    RoleAssignment.role == "village_officer", RoleAssignment.area_code == bindparam("village"), _held
)
_not_impartial = exists().where(
    Conflict.account_id == Account.id, Conflict.area_code == bindparam("village"), Conflict.ended_at.is_(None)
)
_desk = (
    select(Account.id)
    .join(RoleAssignment, RoleAssignment.account_id == Account.id)
    .where(
        Account.active,
        _held,
        RoleAssignment.role == "dispatcher",
        RoleAssignment.area_code == bindparam("town"),
        Account.id.not_in(_officers),
        ~_not_impartial,
    )
    .distinct()
)


def tell(session: Session, case: CaseRow, action: str, reporter: bool) -> None:
    """Post one notice of an action on a case as it is now: to its reporter if they are to hear of it, and to whom it
    concerns besides."""
    also = ALSO_TOLD.get(action)
    if also == "holder" and case.holder is None:
        also = None
    if reporter:
        tell_reporter(session, case.id, "case_update", also)
    elif also is not None and case.reporting != PROTECTED:
        post(session, NOTICE, f"{also}:{case.id}", ALSO[also])


def people_of_case(kind: str, case_id: uuid.UUID) -> Sequence[tuple[str, Who]]:
    """The accounts behind "reporter", "holder" or "desk" of a case as it is now, each with the kind it is told as.

    Who holds what they reported themselves is known here by a pseudonym, and so told as the reporter.
    """
    if kind == REPORTER:
        return _reporter(case_id)
    case = row(_case, case=case_id)
    if case is None or case.reporting == PROTECTED:
        return []
    now = clock.now()
    if kind != HOLDER:
        desk = rows(_desk, village=case.village_code, town=case.town_code, today=now.date())
        return [(kind, person.id) for person in desk]
    told: list[tuple[str, Who]] = []
    for holder in holders_of(case_id, case.status, case.holder):
        if not holder.startswith(PERSON):
            told += [(kind, person) for person in people_of(case.town_code, holder, now)]
            continue
        person = uuid.UUID(holder.removeprefix(PERSON))
        told += _reporter(case_id) if is_reporter(case_id, person) else [(kind, person)]
    return list(dict.fromkeys(told))


def _reporter(case_id: uuid.UUID) -> list[tuple[str, Who]]:
    return [(REPORTER, reporter) for reporter in who_reported([case_id]).values()]
