"""Reading who reported a case: a dispatcher asks with a reason, a second one allows it, and for an hour the asker may
read. Every read is told to the reporter: at once in the list of who looked at their data, and by a message when the
hour is over, unless the auditor has held it back, on record. Who reported anonymously is never told.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.orm import Session

from backend.cases.case_row import CaseRow
from backend.cases.reporter.identity_tables import IdentityRequest
from backend.cases.reporter.reporters import Identity, identity_of, tell_reporter
from backend.cases.sight import reaches
from backend.cases.tables import Case
from backend.cases.viewing import read_case
from backend.http.ids import new_id
from backend.http.problems import NotFound, Problem
from backend.http.reading import row, rows
from backend.http.work import unit_of_work
from backend.ledger.accesses import hidden_subject
from backend.ledger.record import record
from backend.people.access import Caller, town_scope

OPEN = timedelta(hours=1)
"""How long the asker may read after a second person has allowed it."""
WAITING = timedelta(days=1)
"""How long a request waits to be allowed."""
BATCH = 200

_columns = (*IdentityRequest.__table__.c, Case.town_code)
_one = (
    select(*_columns)
    .join(Case, Case.id == IdentityRequest.case_id)
    .where(IdentityRequest.id == bindparam("id", type_=Case.id.type))
)
_of_case = (
    select(*_columns)
    .join(Case, Case.id == IdentityRequest.case_id)
    .where(IdentityRequest.case_id == bindparam("case", type_=Case.id.type))
    .order_by(IdentityRequest.asked_at.desc(), IdentityRequest.id.desc())
    .limit(100)
)
_open_at = IdentityRequest.open_until.type
_granted = _of_case.where(
    IdentityRequest.asked_by == bindparam("by", type_=Case.id.type),
    IdentityRequest.open_until > bindparam("now", type_=_open_at),
)
_newest = (
    select(*_columns)
    .join(Case, Case.id == IdentityRequest.case_id)
    .where(Case.town_code == bindparam("town"))
    .order_by(IdentityRequest.asked_at.desc(), IdentityRequest.id.desc())
    .limit(100)
)
_waiting = (
    select(*_columns)
    .join(Case, Case.id == IdentityRequest.case_id)
    .where(
        Case.town_code.in_(bindparam("towns", expanding=True)),
        IdentityRequest.approved_at.is_(None),
        IdentityRequest.asked_at > bindparam("since", type_=IdentityRequest.asked_at.type),
        IdentityRequest.asked_by != bindparam("me", type_=Case.id.type),
    )
    .order_by(IdentityRequest.asked_at, IdentityRequest.id)
    .limit(100)
)
_untold = (
    select(*_columns)
    .join(Case, Case.id == IdentityRequest.case_id)
    .where(
        IdentityRequest.told_at.is_(None),
        IdentityRequest.open_until < bindparam("now", type_=_open_at),
        IdentityRequest.read_at.is_not(None),
        IdentityRequest.held_at.is_(None),
    )
    .limit(BATCH)
)


class NobodyToAskFor(Problem):
    """A case whose reporter is not known here, or wanted to stay anonymous."""

    status, code = 409, "no_identity"
    zh = "此案件没有可查阅的举报人身份（匿名，或由其他系统导入）。"
    en = "This case has no identity to read: it was reported anonymously, or imported from another system."


class SecondPersonNeeded(Problem):
    """The asker would allow their own request."""

    status, code = 409, "second_person_needed"
    zh, en = "查阅身份须由另一人批准。", "Somebody else than the asker has to allow it."


class NotWaiting(Problem):
    """A request that was allowed before, or has waited too long, or whose reporter has been told."""

    status, code = 409, "not_waiting"
    zh, en = "此申请已处理或已过期，请重新申请。", "This request is settled or too old; ask anew."


class NotAllowedYet(Problem):
    """Reading without a request that a second person has allowed within the hour."""

    status, code = 403, "identity_not_open"
    zh = "查阅身份须先说明理由，经另一人批准后一小时内可查阅。"
    en = "Ask with a reason first; once a second person has allowed it, you may read for an hour."


def ask(session: Session, caller: Caller, case: CaseRow, reason: str, now: datetime) -> uuid.UUID:
    """Ask to read who reported a case; answers the request's id. Raises NotFound, NobodyToAskFor."""
    _require_reach(caller, case)
    found = identity_of(case.id)
    if found is None or found.known_as == "anonymous":
        raise NobodyToAskFor
    asked = new_id()
    row = {"id": asked, "case_id": case.id, "version": 1, "reason": reason}
    session.add(IdentityRequest(**row, asked_by=caller.account_id, asked_at=now))
    session.flush()
    _record(session, case.town_code, asked, 1, caller.account_id, "ask_identity", now, {"reason": reason})
    return asked


def approve(session: Session, caller: Caller, request: Row[Any], case: CaseRow, now: datetime) -> None:
    """Allow a request. Raises NotFound, SecondPersonNeeded, NotWaiting; the caller of this commits."""
    _require_reach(caller, case)
    if request.asked_by == caller.account_id:
        raise SecondPersonNeeded
    if request.approved_at is not None or now - request.asked_at > WAITING:
        raise NotWaiting
    values = {"approved_by": caller.account_id, "approved_at": now, "open_until": now + OPEN}
    _change(session, request, values, now, caller.account_id, "allow_identity", {})


def hold(session: Session, auditor: uuid.UUID, request: Row[Any], reason: str, now: datetime) -> None:
    """Have the reporter not told by a message of a read, on record. Raises NotWaiting."""
    if request.told_at is not None or request.held_at is not None:
        raise NotWaiting
    values = {"held_by": auditor, "held_at": now, "held_because": reason}
    _change(session, request, values, now, auditor, "hold_identity_notice", {"reason": reason})


def read_identity(caller: Caller, case: CaseRow, now: datetime) -> Identity:
    """Who reported a case, for whoever did, or whoever was allowed to read it within the hour; then it is on record.

    Raises NotFound, NobodyToAskFor, NotAllowedYet.
    """
    if not case.mine:
        _require_reach(caller, case)
        granted = row(_granted, case=case.id, by=caller.account_id, now=now)
        if granted is None:
            raise NotAllowedYet
    found = identity_of(case.id)
    if found is None:
        raise NobodyToAskFor
    if not case.mine:
        with unit_of_work() as session:
            subject = hidden_subject(found.account)
            told = {"reason": granted.reason} if granted else {}
            _change(session, granted, {"read_at": now}, now, caller.account_id, "read_identity", told, subject)
    return found


def request_seen_by(request_id: uuid.UUID) -> Row[Any]:
    """A request as it stands. Raises NotFound."""
    found = row(_one, id=request_id)
    if found is None:
        raise NotFound
    return found


def requests_of(caller: Caller, case: CaseRow) -> Sequence[Row[Any]]:
    """The newest requests about a case. Raises NotFound for who may not ask."""
    _require_reach(caller, case)
    return rows(_of_case, case=case.id)


def waiting_requests(caller: Caller, now: datetime) -> Sequence[Row[Any]]:
    """The requests of others that the caller could allow now, oldest first."""
    towns = sorted(town_scope(caller, "read_identity"))
    asked = rows(_waiting, towns=towns, since=now - WAITING, me=caller.account_id)
    return [one for one in asked if _within_reach(caller, one.case_id)]


def newest_requests(town: str) -> Sequence[Row[Any]]:
    """The newest requests of a town, for the auditor."""
    return rows(_newest, town=town)


def tell_of_reads(now: datetime) -> None:
    """Tell reporters whose identity was read and whose hour is over that there is news of their case."""
    for request in rows(_untold, now=now):
        with unit_of_work() as session:
            _change(session, request, {"told_at": now}, now, None, "tell_of_identity_read", {})
            tell_reporter(session, request.case_id, "case_update")


def _within_reach(caller: Caller, case_id: uuid.UUID) -> bool:
    try:
        case, _ = read_case(caller, case_id)
    except NotFound:
        return False
    return reaches(caller, "read_identity", case)


def _require_reach(caller: Caller, case: CaseRow) -> None:
    if not reaches(caller, "read_identity", case):
        raise NotFound


def _change(
    session: Session,
    request: Any,
    values: dict[str, Any],
    now: datetime,
    actor: uuid.UUID | None,
    action: str,
    details: dict[str, str],
    subject: uuid.UUID | None = None,
) -> None:
    version = request.version + 1
    statement = update(IdentityRequest).where(
        IdentityRequest.id == request.id, IdentityRequest.version == request.version
    )
    if session.connection().execute(statement.values(version=version, **values)).rowcount != 1:
        raise NotWaiting  # somebody was first
    _record(session, request.town_code, request.id, version, actor, action, now, details, subject)


def _record(
    session: Session,
    town: str,
    request: uuid.UUID,
    version: int,
    actor: uuid.UUID | None,
    action: str,
    now: datetime,
    details: dict[str, str],
    subject: uuid.UUID | None = None,
) -> None:
    record(
        session,
        town=town,
        actor=actor,
        action=action,
        thing=("identity_request", str(request)),
        version=version,
        occurred_at=now,
        details=details,
        subject=subject,
    )
