"""A case that was filed under the wrong category: the desk corrects it, and its deadlines follow.

The rule: both deadlines are counted anew from where they began, the step's from the start of the step, the case's from
its filing or reopening, with the new category's limits as they were then. What would be over by that count, and was not
before, is counted from the correction instead, for nobody is late by another's mistake. A deadline moved by hand
stays. The old deadline stays in the history, and nobody is told any more that it draws near. Publication follows the
new category, but for the parts of a split case, which are not published.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from backend.cases.case_row import PERSON, CaseRow
from backend.cases.public.publication import public_from
from backend.cases.rules.categories import catalogue
from backend.cases.timing.colours import step_moves
from backend.cases.timing.deadlines import Limit, corrected
from backend.cases.workflow import STEP
from backend.http.problems import Invalid
from backend.territory.calendar import WorkCalendar

_HELD_BY_A_PERSON = (
    "案件由个人承办，请先派遣给部门或村（社区），再改为不公开的类别。",
    "A person holds it: dispatch it to a department or village before it becomes of a category that is not public.",
)
"""Private matters are not for neighbours, members of the Party or not."""


def correct_category(case: CaseRow, code: str, calendar: WorkCalendar, now: datetime) -> dict[str, Any]:
    """What changes when a case is of another category.

    Raises UnknownCategory, and Invalid for the one it has and for one that its holder may not have.
    """
    kinds = catalogue(case.town_code)
    kind = kinds.require(code)
    if code == case.category:
        raise Invalid({"category": [("案件已经属于这个类别。", "The case is of this category already.")]})
    if not kind.public and STEP[case.status] == "handle" and (case.holder or "").startswith(PERSON):
        raise Invalid({"category": [_HELD_BY_A_PERSON]})
    return {"category": code, **_step(case, code, calendar, now), **_whole(case, code, calendar, now)} | (
        _publication(case, kind.public, now) if case.accepted_at is not None and case.reporting != "part" else {}
    )


def deadlines_moved(case: CaseRow, after: CaseRow) -> Mapping[str, str | None]:
    """The deadlines before and after, for the event."""
    held = {"old_due_at": case.due_at, "due_at": after.due_at}
    held |= {"old_case_due_at": case.case_due_at, "case_due_at": after.case_due_at}
    return {name: at.isoformat() if at else None for name, at in held.items()}


def _step(case: CaseRow, code: str, calendar: WorkCalendar, now: datetime) -> dict[str, Any]:
    if case.step_moved or case.step_started_at is None or case.due_at is None:
        return {}
    limit = _limit(case, code, STEP[case.status], case.step_started_at)
    to, moved = corrected(case.step_started_at, case.due_at, limit, calendar, now)
    changes = step_moves(case.due_at, case.turns_at, to, now)
    if limit.unit == "urgent_hours" and to.due_at > now:
        changes["turns_at"] = now  # whoever is on duty has to hear of it
    return changes | {"step_moved": moved or None}


def _whole(case: CaseRow, code: str, calendar: WorkCalendar, now: datetime) -> dict[str, Any]:
    if case.case_moved or case.case_started_at is None or case.case_due_at is None:
        return {}
    limit = _limit(case, code, "case", case.case_started_at)
    to, moved = corrected(case.case_started_at, case.case_due_at, limit, calendar, now)
    return {"case_due_at": to.due_at, "case_moved": moved or None}


def _limit(case: CaseRow, code: str, step: str, moment: datetime) -> Limit:
    kind = catalogue(case.town_code).at(code, moment)
    assert kind is not None
    return kind.limits[step]


def _publication(case: CaseRow, public: bool, now: datetime) -> dict[str, Any]:
    if not public:
        return {"public_at": None}
    was = catalogue(case.town_code).get(case.category)
    if was is not None and was.public:
        return {}  # as it was: what was taken off the public face stays off
    return {"public_at": public_from(now)}
