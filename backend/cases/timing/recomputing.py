"""Deadlines follow the calendar: when days off or on become known, open cases move, with an event.

The rule: open cases are counted anew (counting.py), those already overdue like the others; finished steps and closed
cases keep the deadline and the verdict they had. A step keeps the limits of its category that held when it began.
Imported cases keep the deadlines of the system they came from, and a protected report whose task was given out that of
the task.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from backend.cases.events import After, Before, append_event
from backend.cases.tables import Case
from backend.cases.timing.colours import step_moves
from backend.cases.timing.counting import histories, recount
from backend.cases.timing.deadlines import Deadline
from backend.http.reading import rows
from backend.http.work import unit_of_work
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
        Case.amber_at,
        Case.turns_at,
        Case.case_started_at,
        Case.case_due_at,
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
    told = histories([case.id for case in batch])
    changed = []
    for case in batch:
        held = Deadline(case.due_at, case.amber_at)
        step, whole = recount(case, told[case.id], work_calendar(case.town_code))
        if case.status == "tasked" or step is None:
            step = held
        case_due_at = whole.due_at if whole else case.case_due_at
        if (step, case_due_at) != (held, case.case_due_at):
            changed.append((case, step, case_due_at))
    if not changed:
        return 0
    with unit_of_work() as session:
        return sum(_change(session, case, step, case_due_at, now) for case, step, case_due_at in changed)


def _change(session: Session, case: Any, step: Deadline, case_due_at: datetime | None, now: datetime) -> bool:
    """Move a case, and say whether it moved: where no deadline does, there is no news of it."""
    news = (step.due_at, case_due_at) != (case.due_at, case.case_due_at)
    values = {"version": case.version + news, "case_due_at": case_due_at}
    values |= step_moves(case.due_at, case.turns_at, step, now)
    statement = update(Case).where(Case.id == case.id, Case.version == case.version)
    if session.connection().execute(statement.values(values)).rowcount != 1 or not news:
        return False  # somebody acted just now: the next run looks at it again
    after = After(case.id, case.town_code, case.status, case.version + 1)
    details = {"old_due_at": case.due_at.isoformat(), "due_at": step.due_at.isoformat()}
    append_event(session, after, Before(case.status, case.holder), "recompute", None, "system", now, None, details)
    return True
