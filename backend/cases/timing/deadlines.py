"""When a step is due and when it turns amber: plain functions of a start, a limit, the work calendar, the spans in
which the clock stood still, and a day that was granted."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from backend.http.problems import Invalid
from backend.territory.calendar import WorkCalendar

Unit = Literal["urgent_hours", "work_hours", "workdays"]
LONGEST = timedelta(days=366)
"""How far away a time can be that somebody names."""


@dataclass(frozen=True)
class Limit:
    """How long a step may take.

    Urgent hours (紧急工作时) run day and night; work hours (工作时) count open minutes only; of workdays (工作日) the
    day of the start is not counted, and the last ends at closing time (GB/T 30428.8).
    """

    unit: Unit
    amount: int


class Deadline(NamedTuple):
    """When a step is due, and when four fifths of its time are over; None where that is not known (imported cases)."""

    due_at: datetime
    amber_at: datetime | None


class Span(NamedTuple):
    """A time in which a clock stood still."""

    start: datetime
    end: datetime


class Granted(NamedTuple):
    """A day in place of a limit, and when it was granted."""

    at: datetime
    until: datetime


def counted(
    start: datetime,
    limit: Limit,
    calendar: WorkCalendar,
    stood: Iterable[Span] = (),
    granted: Granted | None = None,
) -> Deadline:
    """When a limit that began at `start` is due, and when it turns amber: the day that was granted, else the limit; the
    spans in which its clock stood still after that, the oldest first, do not count."""
    if granted is None:
        held = deadline(start, limit, calendar)
    else:
        start, held = granted.at, until(granted.at, granted.until, limit.unit, calendar)
    for span in stood:
        begin = max(span.start, start)
        if begin < span.end:
            held = stopped(held, limit.unit, begin, span.end, calendar)
    return held


def deadline(start: datetime, limit: Limit, calendar: WorkCalendar) -> Deadline:
    """When a limit that began at `start` runs out, and when it turns amber."""
    begin = calendar.day_end(start) if limit.unit == "workdays" else start
    minutes = limit.amount * (calendar.day_minutes if limit.unit == "workdays" else 60)
    return Deadline(due(start, limit, calendar), _four_fifths(begin, minutes, limit.unit, calendar))


def until(start: datetime, due_at: datetime, unit: Unit, calendar: WorkCalendar) -> Deadline:
    """A limit from `start` to a given instant: amber when four fifths of the time between them that counts are over.

    By the clock for urgent hours, else in open minutes, of which those on the day of the start do not count for
    workdays, unless there are no others.
    """
    if unit == "urgent_hours":
        minutes = (due_at.astimezone(UTC) - start.astimezone(UTC)) / timedelta(minutes=1)
        return Deadline(due_at, _four_fifths(start, minutes, unit, calendar))
    begin = calendar.day_end(start) if unit == "workdays" else start
    if begin >= due_at:
        begin = start
    return Deadline(due_at, _four_fifths(begin, calendar.work_minutes_between(begin, due_at), unit, calendar))


def _four_fifths(begin: datetime, minutes: float, unit: Unit, calendar: WorkCalendar) -> datetime:
    add = calendar.add_urgent_minutes if unit == "urgent_hours" else calendar.add_work_minutes
    return add(begin, minutes * 4 / 5)


def stopped(held: Deadline, unit: Unit, start: datetime, end: datetime, calendar: WorkCalendar) -> Deadline:
    """A deadline once the time from `start` to `end` does not count: both instants move, unless they were over.

    What lay between amber and due lies between them again, in open minutes (by the clock for urgent hours).
    """
    due_at = moved(held.due_at, unit, start, end, calendar)
    if held.amber_at is None or held.amber_at <= start:
        return Deadline(due_at, held.amber_at)
    if unit == "urgent_hours":
        return Deadline(due_at, moved(held.amber_at, unit, start, end, calendar))
    last = calendar.work_minutes_between(held.amber_at, held.due_at)
    return Deadline(due_at, calendar.add_work_minutes(end, max(0.0, calendar.work_minutes_between(end, due_at) - last)))


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


def require_coming(until: datetime, now: datetime) -> None:
    """Refuse a time that somebody names unless it is to come, within a year. Raises Invalid."""
    if until <= now:
        raise Invalid({"until": [("应晚于现在。", "Give a time after now.")]})
    if until > now + LONGEST:
        raise Invalid({"until": [("最多一年以内。", "Give a time within a year.")]})
