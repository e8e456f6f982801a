"""A case that was filed under the wrong category: the desk corrects it, and its deadlines follow.

The rule: both deadlines are counted anew from where they began, the step's from the start of the step, the case's from
its filing or reopening, with the new category's limits as they were then. What would be over by that count, and was not
before, is counted from the correction instead, for nobody is late by another's mistake. A day that was granted stays.
The old deadline stays in the history, and nobody is told any more that it draws near. Publication follows the
new category, but for the parts of a split case, which are not published.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from backend.cases.case_row import PERSON, CaseRow
from backend.cases.public.publication import public_from
from backend.cases.rules.categories import catalogue
from backend.cases.timing.counting import CASES_CLOCK, STEPS_CLOCK, history, moves, recount
from backend.cases.workflow import STEP
from backend.http.problems import Invalid
from backend.territory.calendar import WorkCalendar

_HELD_BY_A_PERSON = (
    "案件由个人承办，请先派遣给部门或村（社区），再改为不公开的类别。",
    "A person holds it: dispatch it to a department or village before it becomes of a category that is not public.",
)
"""Private matters are not for neighbours, members of the Party or not."""


def correct_category(case: CaseRow, code: str, calendar: WorkCalendar, now: datetime) -> dict[str, Any]:
    """What changes when a case is of another category; and `counted_anew`, the clocks that begin with the correction.

    Raises UnknownCategory, and Invalid for the one it has and for one that its holder may not have.
    """
    kinds = catalogue(case.town_code)
    kind = kinds.require(code)
    if code == case.category:
        raise Invalid({"category": [("案件已经属于这个类别。", "The case is of this category already.")]})
    if not kind.public and STEP[case.status] == "handle" and (case.holder or "").startswith(PERSON):
        raise Invalid({"category": [_HELD_BY_A_PERSON]})
    return {"category": code, **_deadlines(case.changed(category=code), calendar, now)} | (
        _publication(case, kind.public, now) if case.accepted_at is not None and case.reporting != "part" else {}
    )


def deadlines_moved(case: CaseRow, after: CaseRow) -> Mapping[str, str | None]:
    """The deadlines before and after, for the event."""
    held = {"old_due_at": case.due_at, "due_at": after.due_at}
    held |= {"old_case_due_at": case.case_due_at, "case_due_at": after.case_due_at}
    return {name: at.isoformat() if at else None for name, at in held.items()}


def _deadlines(case: CaseRow, calendar: WorkCalendar, now: datetime) -> dict[str, Any]:
    told = history(case.id).corrected((), now)
    to = recount(case, told, calendar)
    clocks = ((STEPS_CLOCK, to.step, case.due_at), (CASES_CLOCK, to.whole, case.case_due_at))
    anew = [clock for clock, held, was in clocks if held is not None and was is not None and held.due_at <= now < was]
    if anew:
        to = recount(case, told.corrected(anew, now), calendar)
    changes = moves(case, to, now) | {"counted_anew": anew}
    if to.step and now < to.step.due_at != case.due_at and _is_urgent(case):
        changes["turns_at"] = now  # whoever is on duty has to hear of it
    return changes


def _is_urgent(case: CaseRow) -> bool:
    kind = catalogue(case.town_code).at(case.category, case.step_started_at)
    urgent = kind is not None and kind.limits[STEP[case.status]].unit == "urgent_hours"
    return urgent and case.status != "suspended"


def _publication(case: CaseRow, public: bool, now: datetime) -> dict[str, Any]:
    if not public:
        return {"public_at": None}
    was = catalogue(case.town_code).get(case.category)
    if was is not None and was.public:
        return {}  # as it was: what was taken off the public face stays off
    return {"public_at": public_from(now)}
