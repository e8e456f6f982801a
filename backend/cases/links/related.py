"""What hangs on a case: the case it was merged into, those merged into it, its parts, and who was called to it.

Of each the caller is told only if they see it by a role of theirs; whoever reported the case is told of none.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, or_, select

from backend.cases.calls import calls_of
from backend.cases.case_row import PERSON, CaseRow, as_listed
from backend.cases.links.link_tables import CaseLink
from backend.cases.sight import sight
from backend.cases.tables import Case
from backend.cases.workflow import STATUSES
from backend.http.reading import rows
from backend.people.access import Caller

MOST = 100
_linked = (
    select(
        Case.id,
        Case.occurred_at,
        Case.accepted_at,
        Case.reporting,
        Case.area_code,
        Case.holder,
        Case.assignee,
        Case.number,
        Case.status,
        CaseLink.kind,
        CaseLink.live,
        CaseLink.head_id,
    )
    .select_from(CaseLink)
    .join(
        Case,
        or_(
            (CaseLink.head_id == bindparam("case")) & (Case.id == CaseLink.case_id),
            (CaseLink.case_id == bindparam("case")) & (Case.id == CaseLink.head_id),
        ),
    )
    .where(or_(CaseLink.head_id == bindparam("case"), CaseLink.case_id == bindparam("case")))
    .order_by(Case.occurred_at, Case.id)
    .limit(MOST)
)


def related(caller: Caller, case: CaseRow, now: datetime) -> dict[str, Any]:
    """The cases linked with a case, oldest first, and the calls to it, as far as the caller sees them."""
    if case.mine and not caller.may("merge"):
        return {"cases": [], "calls": []}
    found = rows(_linked, case=case.id)
    seen = [link for link in found if sight(caller, as_listed(link), mine=False) is not None]
    calls = [call._asdict() | {"late": late(call, now)} for call in calls_of(case.id)]
    return {"cases": [_show(link) for link in seen], "calls": calls}


def late(call: Any, now: datetime) -> bool:
    """Whether a call was not answered by its time."""
    return bool((call.answered_at or now) > call.due_at)


def _show(link: Any) -> dict[str, Any]:
    is_head = link.head_id == link.id
    relation = {"merge": ("merged_here", "merged_into"), "part": ("part", "part_of")}[link.kind][is_head]
    return {
        "id": link.id,
        "number": link.number,
        "status": link.status,
        "status_name": STATUSES[link.status][0],
        "holder": None if (link.holder or "").startswith(PERSON) else link.holder,
        "relation": relation,
    }
