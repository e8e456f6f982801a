"""Reading an original, which tells of camera, moment and place: whoever sent it may, and the desk and inspectors with a
reason, on record before it is answered. Who sent it reads of it in the list of who looked at their data.
"""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select

from backend.cases.case_row import CaseRow
from backend.cases.reporter.reporters import account_behind
from backend.cases.sight import reaches
from backend.cases.viewing import read_case
from backend.evidence.originals import Original, original_of
from backend.evidence.tables import Evidence
from backend.http.envelope import CannotOpen
from backend.http.problems import Invalid, NotFound
from backend.http.reading import row
from backend.http.work import unit_of_work
from backend.ledger.accesses import hidden_subject
from backend.ledger.record import record
from backend.people.access import Caller

_one = select(Evidence.id, Evidence.uploaded_by, Evidence.case_id, Evidence.sealed).where(
    Evidence.id == bindparam("id")
)


def read_original(caller: Caller, photo: uuid.UUID, reason: str | None, now: datetime) -> Original:
    """What opens the original of a photo, for whoever sent it or, with a reason, may read it; then it is on record.

    Raises NotFound, and Invalid for a reason that is missing.
    """
    found = row(_one, id=photo)
    if found is None:
        raise NotFound
    try:
        original = original_of(photo, found.sealed)
    except CannotOpen as error:
        raise NotFound from error
    if found.uploaded_by == caller.account_id:
        return original
    if found.case_id is None:
        raise NotFound
    case, _ = read_case(caller, found.case_id)
    if case.mine and found.uploaded_by == case.pseudonym:
        return original
    if not reaches(caller, "read_original", case):
        raise NotFound
    if reason is None:
        raise Invalid({"reason": [("必须填写。", "Missing data for required field.")]})
    _record(caller, case, found, reason, now)
    return original


def _record(caller: Caller, case: CaseRow, photo: Row[Any], reason: str, now: datetime) -> None:
    sender = account_behind(case.id, photo.uploaded_by)
    with unit_of_work() as session:
        record(
            session,
            town=case.town_code,
            actor=caller.account_id,
            action="read_original",
            thing=("photo", str(photo.id)),
            version=0,
            occurred_at=now,
            details={"reason": reason},
            subject=hidden_subject(sender) if sender else None,
        )
