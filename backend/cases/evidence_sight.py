"""Who sees the evidence of a case."""

import uuid

from sqlalchemy import bindparam, select

from backend.cases.sight import Sight
from backend.cases.tables import CaseEvent
from backend.cases.viewing import read_case
from backend.cases.workflow import SHOWING
from backend.http.problems import NotFound
from backend.http.reading import row
from backend.people.access import Caller

PHOTO = "image/jpeg"
"""The type in which every photo is served; anything else is a film or sound."""

_action = select(CaseEvent.action).where(
    CaseEvent.case_id == bindparam("case"), CaseEvent.version == bindparam("version")
)


def sees_evidence(caller: Caller, case_id: uuid.UUID, version: int, media: str) -> bool:
    """Whether a caller sees what was attached at a version of a case."""
    try:
        _, seen = read_case(caller, case_id)
    except NotFound:
        return False
    if shows(seen, "", media):
        return True
    found = row(_action, case=case_id, version=version)
    return found is not None and shows(seen, found.action, media)


def shows(seen: Sight, action: str, media: str) -> bool:
    """Whether who sees so much of a case sees what was attached by an action.

    What was attached by handling and checking is for all who see the case. A reporter's own photos, of the report or a
    reopening, show the place, so they are for those who see the place; a voice tells whose it is, so their films and
    sound are for those who read their words as written.
    """
    return action in SHOWING or seen.text or (seen.place and media == PHOTO)
