"""Deadlines follow the calendar: when days off or on become known, open cases move, with an event.

The rule: open cases move, those already overdue like the others; finished steps and closed cases keep the deadline and
the verdict they had, and a deadline that the town moved by hand stays where it was put. Imported cases keep the
deadlines of the system they came from.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update

from backend.cases.categories import categories
from backend.cases.deadlines import due
from backend.cases.events import After, Before, append_event
from backend.cases.tables import Case
from backend.cases.workflow import STEP
from backend.http.reading import rows
from backend.http.work import unit_of_work
from backend.territory.calendar import WorkCalendar
from backend.territory.work_calendar import work_calendar

BATCH = 200

_open = (
    select(
        Case.id,
        Case.town_code,
        Case.status,
        Case.version,
        Case.category,
        Case.holder,
        Case.step_started_at,
        Case.due_at,
        Case.case_started_at,
        Case.case_due_at,
        Case.step_moved,
        Case.case_moved,
    )
    .where(
        Case.due_at.is_not(None),
        Case.source.is_(None),
        Case.id > bindparam("after", type_=Case.id.type),
    )
    .order_by(Case.id)
    .limit(BATCH)
)


def recompute_open(now: datetime) -> int:
    """Compute the deadlines of all open cases anew, overdue or not, in batches; answers how many cases moved.

    Run it after the calendar changed: an override, or a year's notice in a newer calendar package.
    """
    moved, after = 0, uuid.UUID(int=0)
    while batch := rows(_open, after=after):
        moved += _move(batch, now)
        after = batch[-1].id
    return moved


def _move(batch: Sequence[Any], now: datetime) -> int:
    changes = [(case, *_anew(case, work_calendar(case.town_code))) for case in batch if case.category in categories()]
    changed = [change for change in changes if change[1:] != (change[0].due_at, change[0].case_due_at)]
    moved = 0
    if not changed:
        return moved
    with unit_of_work() as session:
        for case, due_at, case_due_at in changed:
            statement = update(Case).where(Case.id == case.id, Case.version == case.version)
            values = {"version": case.version + 1, "due_at": due_at, "case_due_at": case_due_at}
            if session.connection().execute(statement.values(values)).rowcount != 1:
                continue  # somebody acted just now: the next run looks at it again
            after = After(case.id, case.town_code, case.status, case.version + 1)
            details = {"old_due_at": case.due_at, "due_at": due_at}
            details = {name: at.isoformat() for name, at in details.items()}
            append_event(
                session, after, Before(case.status, case.holder), "recompute", None, "system", now, None, details
            )
            moved += 1
    return moved


def _anew(case: Any, calendar: WorkCalendar) -> tuple[datetime, datetime]:
    limits = categories()[case.category].limits
    return (
        case.due_at if case.step_moved else due(case.step_started_at, limits[STEP[case.status]], calendar),
        case.case_due_at if case.case_moved else due(case.case_started_at, limits["case"], calendar),
    )
