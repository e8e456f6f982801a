"""When a step is due: plain functions of a start, a limit and the work calendar."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from backend.territory.calendar import WorkCalendar

Unit = Literal["urgent_hours", "work_hours", "workdays"]


@dataclass(frozen=True)
class Limit:
    """How long a step may take.

    Urgent hours (紧急工作时) run day and night; work hours (工作时) count open minutes only; of workdays (工作日) the
    day of the start is not counted, and the last ends at closing time (GB/T 30428.8).
    """

    unit: Unit
    amount: int


def moved(due_at: datetime, unit: Unit, start: datetime, end: datetime, calendar: WorkCalendar) -> datetime:
    """When a limit runs out that had until `due_at`, once the time from `start` to `end` does not count.

    What was left at `start` is left at `end`: by the clock for urgent hours, in open minutes for work hours, in
    workdays (at least one) for workdays. A limit that had run out by `start` stays where it was.
    """
    if due_at <= start:
        return due_at
    if unit == "urgent_hours":
        return due_at + (end - start)
    if unit == "work_hours":
        return calendar.add_work_minutes(end, calendar.work_minutes_between(start, due_at))
    return calendar.add_workdays(end, max(1, calendar.workdays_after(start, due_at)))


def due(start: datetime, limit: Limit, calendar: WorkCalendar) -> datetime:
    """The instant a limit that began at `start` runs out."""
    if limit.unit == "urgent_hours":
        return calendar.add_urgent_minutes(start, limit.amount * 60)
    if limit.unit == "work_hours":
        return calendar.add_work_minutes(start, limit.amount * 60)
    return calendar.add_workdays(start, limit.amount)
