"""Who sees the photos of a case."""

import uuid

from backend.cases.viewing import read_case
from backend.http.problems import NotFound
from backend.people.access import Caller


def sees_evidence(caller: Caller, case_id: uuid.UUID, version: int) -> bool:
    """Whether a caller sees a photo attached at a version of a case.

    A report's own photos (version 1) show the place, so they are for those who see the place; what was attached while
    the case was handled is for all who see the case.
    """
    try:
        _, seen = read_case(caller, case_id)
    except NotFound:
        return False
    return seen.place or version > 1
