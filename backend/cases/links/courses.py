"""Where a merged case is for whoever reported it: where its head is, without a word of there being another case."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, bindparam, func, select

from backend.cases.case_row import CaseRow
from backend.cases.links.link_tables import CaseLink
from backend.cases.tables import Case
from backend.http.reading import rows
from backend.people.access import Caller

_heads = (
    select(CaseLink.case_id, CaseLink.course, Case.holder, Case.due_at, Case.case_due_at, Case.amber_at)
    .join(Case, Case.id == CaseLink.head_id)
    .where(CaseLink.case_id.in_(bindparam("ids", expanding=True)), CaseLink.course.is_not(None))
)
_course = select(CaseLink.course).where(CaseLink.case_id == Case.id).correlate(Case).scalar_subquery()

status_for_reporter: ColumnElement[str] = func.coalesce(_course, Case.status)
"""The status of a case as its reporter is told it."""


class Course(NamedTuple):
    """Where a head is: its status as far as merged cases were told of it, who has it, and when it is due."""

    status: str
    holder: str | None
    due_at: datetime | None
    case_due_at: datetime | None
    amber_at: datetime | None


def courses(cases: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, Course]:
    """Where the merged ones among some cases are."""
    if not cases:
        return {}
    return {link.case_id: Course(*link[1:]) for link in rows(_heads, ids=list(cases))}


def follows(caller: Caller, case: CaseRow) -> bool:
    """Whether the caller sees a merged case where its head is: who reported it, unless merging is theirs to decide."""
    return case.mine and case.status == "merged" and not caller.may("merge")


def on_course(case: CaseRow, course: Course | None) -> CaseRow:
    """The merged case as its reporter sees it: for showing only, it stands elsewhere."""
    return case if course is None else case.changed(**course._asdict())
