"""Tags: which elements of the governance model a case bears on, and how many cases bear on each.

They stand in a table of their own, which most cases have no row in. A protected report has none: a tag beside it would
tell of it.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.orm import Session

from backend.cases.case_row import CaseRow
from backend.cases.listing import question
from backend.cases.protection.protected import PROTECTED
from backend.cases.rules.tag_tables import CaseTag
from backend.http.problems import Invalid
from backend.http.reading import rows
from backend.http.work import add
from backend.people.access import Caller
from backend.territory.governance_model import in_order, require_offered

_of_case = select(CaseTag.element).where(CaseTag.case_id == bindparam("case"))
_NOT_YOURS = ("标注要素由网格员、村（社区）和镇网格中心办理，请留空。", "Elements are for the grid, village or desk.")
_NOT_PROTECTED = ("保密举报不能标注要素，请留空。", "A protected report takes no elements; leave them out.")


def retag(session: Session, case: CaseRow, codes: Sequence[str]) -> Mapping[str, Any]:
    """Tag a case with these elements, and with no others; answers what its event tells. The caller of this commits.

    Raises Invalid for one that the town does not offer, unless the case bears it already.
    """
    before = tags_of(case.id)
    require_offered(case.town_code, codes, "tags", kept=before)
    session.connection().execute(delete(CaseTag).where(CaseTag.case_id == case.id))
    tags = in_order(codes)
    if tags:
        session.execute(insert(CaseTag), [{"case_id": case.id, "element": code} for code in tags])
    return {"tags": tags, "old_tags": before}


def tag_new(session: Session, caller: Caller, case: CaseRow, codes: Sequence[str]) -> None:
    """Tag a case that is being filed. Raises Invalid for who may not tag, for a protected report, and for an element
    that the town does not offer."""
    if case.reporting == PROTECTED or not caller.may("tag_case"):
        raise Invalid({"tags": [_NOT_PROTECTED if case.reporting == PROTECTED else _NOT_YOURS]})
    require_offered(case.town_code, codes, "tags")
    for code in in_order(codes):
        add(session, CaseTag, {"case_id": case.id, "element": code})


def tags_of(case_id: uuid.UUID) -> list[str]:
    """The elements a case is tagged with."""
    return in_order([found.element for found in rows(_of_case, case=case_id)])


def cases_by_element(caller: Caller, since: datetime, until: datetime) -> dict[str, int]:
    """How many of the cases that the caller sees, filed from an instant to another, bear on each element that has any.

    Never of protected reports, who sees them included.
    """
    return question(caller, {"filed_from": since, "filed_to": until}, None).by_element()
