"""Who sees the photos of a case."""

import uuid

from sqlalchemy import bindparam, select

from backend.cases.tables import CaseEvent
from backend.cases.viewing import read_case
from backend.cases.workflow import SHOWING
from backend.http.problems import NotFound
from backend.http.reading import row
from backend.people.access import Caller

_action = select(CaseEvent.action).where(
    CaseEvent.case_id == bindparam("case"), CaseEvent.version == bindparam("version")
)


def sees_evidence(caller: Caller, case_id: uuid.UUID, version: int) -> bool:
    """Whether a caller sees a photo attached at a version of a case.

    A reporter's own photos, of the report or a reopening, show the place, so they are for those who see the place; what
    was attached by handling and checking is for all who see the case.
    """
    try:
        _, seen = read_case(caller, case_id)
    except NotFound:
        return False
    if seen.place:
        return True
    found = row(_action, case=case_id, version=version)
    return found is not None and found.action in SHOWING
