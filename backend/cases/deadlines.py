"""When a step is due: plain functions of a start, a limit and the work calendar."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from backend.territory.calendar import WorkCalendar


@dataclass(frozen=True)
class Limit:
    """How long a step may take.

    Urgent hours (紧急工作时) run day and night; work hours (工作时) count open minutes only; of workdays (工作日) the
    day of the start is not counted, and the last ends at closing time (GB/T 30428.8).
    """

    unit: Literal["urgent_hours", "work_hours", "workdays"]
    amount: int


def due(start: datetime, limit: Limit, calendar: WorkCalendar) -> datetime:
    """The instant a limit that began at `start` runs out."""
    if limit.unit == "urgent_hours":
        return calendar.add_urgent_minutes(start, limit.amount * 60)
    if limit.unit == "work_hours":
        return calendar.add_work_minutes(start, limit.amount * 60)
    return calendar.add_workdays(start, limit.amount)
