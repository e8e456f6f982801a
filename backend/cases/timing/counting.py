"""Deadlines as they are counted, whenever they are: from where a case stands and what its history tells.

A deadline is its limit from its start by the work calendar, less the spans in which its clock stood still (suspended,
merged). A day that a person granted or named takes the limit's place, and the case's own deadline is never before one
that was granted. So whatever moves a deadline counts it anew by the same rule, and a corrected category or a changed
calendar holds for a case that stood still meanwhile as for any other. Of a case that came from another system, what
that system said is such a day, unless its category was corrected here.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple, Self

from sqlalchemy import and_, bindparam, or_, select

from backend.cases.rules.categories import catalogue
from backend.cases.tables import Case, CaseEvent
from backend.cases.timing.colours import step_moves
from backend.cases.timing.deadlines import Deadline, Granted, Limit, Span, counted, until
from backend.cases.workflow import STEP
from backend.http.reading import rows
from backend.territory.calendar import WorkCalendar

STEPS_CLOCK, CASES_CLOCK = "step", "case"
"""The two clocks of a case, as the event of a correction names those that it began anew."""
_STILL = ("suspended", "merged")
"""The statuses in which both stand still."""
_BY_CLOCK = Limit("urgent_hours", 0)
"""In place of the limit of a category that is known no more: what was left by the clock is left again."""

_told = (
    select(
        Case.id,
        Case.source,
        Case.due_at,
        Case.case_due_at,
        CaseEvent.action,
        CaseEvent.from_status,
        CaseEvent.to_status,
        CaseEvent.step_due_at,
        CaseEvent.details,
        CaseEvent.occurred_at,
    )
    .outerjoin(
        CaseEvent,
        and_(
            CaseEvent.case_id == Case.id,
            or_(
                CaseEvent.action.in_(("extend", "give_task", "correct_category")),
                CaseEvent.to_status.in_(_STILL),
                CaseEvent.from_status.in_(_STILL),
            ),
        ),
    )
    .where(Case.id.in_(bindparam("cases", expanding=True)))
    .order_by(Case.id, CaseEvent.version)
)


class Found(NamedTuple):
    """Both deadlines as they were when the clocks stopped, or as they are: then there is no such instant."""

    at: datetime | None
    step: datetime | None
    case: datetime | None


@dataclass(frozen=True)
class History:
    """What of a case's history its deadlines are counted by; the oldest of each first."""

    stood: tuple[Span, ...] = ()
    granted: tuple[Granted, ...] = ()
    named: Granted | None = None
    """The day of a task, which takes the place of both limits."""
    anew: Mapping[str, datetime] = field(default_factory=dict)
    """From when a clock is counted that a correction of the category began anew."""
    found: tuple[Found, ...] = ()
    imported: bool = False

    def stopped(self, span: Span) -> Self:
        """With one more span in which the clocks stand still."""
        return replace(self, stood=(*self.stood, span))

    def extended(self, day: Granted) -> Self:
        """With one more day that was granted."""
        return replace(self, granted=(*self.granted, day))

    def corrected(self, anew: Iterable[str], at: datetime) -> Self:
        """With a correction of the category, from which on these clocks are counted; the others from their start."""
        return replace(self, anew=dict.fromkeys(anew, at), found=(), imported=False)


class Counted(NamedTuple):
    """The deadline of the step and that of the whole case; None where no clock runs, or none can be counted."""

    step: Deadline | None
    whole: Deadline | None


def history(case: uuid.UUID, goes_on: datetime | None = None) -> History:
    """The history of a case; `goes_on`: when one that stands still now goes on, if not on its day."""
    return histories([case], goes_on)[case]


def histories(cases: Sequence[uuid.UUID], goes_on: datetime | None = None) -> Mapping[uuid.UUID, History]:
    """The histories of cases that there are."""
    found = groupby(rows(_told, cases=cases), key=attrgetter("id"))
    return {case: _history(list(told), goes_on) for case, told in found}


def recount(case: Any, told: History, calendar: WorkCalendar) -> Counted:
    """Both deadlines of a case, counted by the limits that held when its clocks began.

    `case` has town_code, category, status, step_started_at and case_started_at.
    """
    whole = _whole(case, told, calendar)
    return Counted(_step(case, whole, told, calendar), whole)


def moves(case: Any, to: Counted, now: datetime) -> dict[str, Any]:
    """What a case keeps of deadlines that are counted anew. `case` has due_at and turns_at, as they were."""
    step = step_moves(case.due_at, case.turns_at, to.step, now) if to.step else {}
    return step | ({"case_due_at": to.whole.due_at} if to.whole else {})


def _history(told: Sequence[Any], goes_on: datetime | None) -> History:
    case, still = told[0], None
    history = History(imported=case.source is not None)
    for event in told if case.action is not None else ():
        at, day = event.occurred_at, _instant(event.details.get("until"))
        if event.action == "extend" and day is not None:
            history = history.extended(Granted(at, day))
        elif event.action == "give_task" and day is not None:
            history = replace(history, named=Granted(at, day))
        elif event.action == "correct_category":
            history = history.corrected(event.details.get("counted_anew", ()), at)
        elif event.to_status in _STILL and event.from_status not in _STILL:
            still = at, day
            history = replace(history, found=(*history.found, _found(event)))
        elif event.from_status in _STILL and event.to_status not in _STILL and still is not None:
            history = history.stopped(_span(*still, at))
            still = None
    if still is not None and (goes_on or still[1]):
        history = history.stopped(_span(*still, goes_on))
    return replace(history, found=(*history.found, Found(None, case.due_at, case.case_due_at)))


def _span(start: datetime, day: datetime | None, goes_on: datetime | None) -> Span:
    # A suspension has a day on which it is over, however late somebody looks.
    return Span(start, min(end for end in (day, goes_on) if end is not None))


def _found(stop: Any) -> Found:
    was = stop.details.get("was", stop.details)
    return Found(stop.occurred_at, stop.step_due_at or _instant(was.get("due_at")), _instant(was.get("case_due_at")))


def _step(case: Any, whole: Deadline | None, told: History, calendar: WorkCalendar) -> Deadline | None:
    start, step = case.step_started_at, STEP[case.status]
    if start is None:
        return None
    limit = _limit(case, step, start)
    if step == "case":  # it waits for its parts, and is due when the whole is
        return until(start, whole.due_at, limit.unit, calendar) if whole and limit else None
    began = max(start, told.anew.get(STEPS_CLOCK, start))
    return _latest(began, began, limit, "step", told, calendar)


def _whole(case: Any, told: History, calendar: WorkCalendar) -> Deadline | None:
    start = case.case_started_at
    if start is None:
        return None
    began = max(start, told.anew.get(CASES_CLOCK, start))
    return _latest(began, start, _limit(case, "case", start), "case", told, calendar)


def _latest(
    began: datetime, granted_since: datetime, limit: Limit | None, clock: str, told: History, calendar: WorkCalendar
) -> Deadline | None:
    """What is due by the limit, or on the day of a task in its place, unless a later day was granted."""
    named = told.named if told.named and told.named.at >= began else _kept(told, began, limit, clock)
    days = (named, *(day for day in told.granted if day.at >= granted_since))
    held = [_count(began, limit, day, told, calendar) for day in days]
    return max((one for one in held if one), key=attrgetter("due_at"), default=None)


def _count(
    began: datetime, limit: Limit | None, day: Granted | None, told: History, calendar: WorkCalendar
) -> Deadline | None:
    return counted(began, limit or _BY_CLOCK, calendar, told.stood, day) if limit or day else None


def _kept(told: History, start: datetime, limit: Limit | None, clock: str) -> Granted | None:
    """The deadline that another system set, or that of a category that is known no more: it is kept as it was found."""
    if not told.imported and limit is not None:
        return None
    found = next((one for one in told.found if one.at is None or one.at >= start), None)
    day = getattr(found, clock, None)
    return Granted(start, day) if day is not None else None


def _limit(case: Any, step: str, start: datetime) -> Limit | None:
    kind = catalogue(case.town_code).at(case.category, start)
    return kind.limits[step] if kind else None


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
