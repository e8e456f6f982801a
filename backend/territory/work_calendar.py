"""A town's work calendar as it stands: working hours from the settings, days on and off from the override table."""

import threading
import time
from datetime import date, datetime
from uuid import UUID

from flask import current_app
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from backend.config import TOWN_ZONE
from backend.http.reading import rows
from backend.ledger.record import record
from backend.territory.calendar import WorkCalendar, hours_of
from backend.territory.tables import CalendarOverride
from backend.territory.town_settings import setting

FRESH = 1.0
"""Seconds after which a process looks whether overrides have changed."""

_overrides = select(CalendarOverride.day, CalendarOverride.workday).where(
    CalendarOverride.town_code == bindparam("town"), CalendarOverride.workday.is_not(None)
)


class _Memory:
    """The calendars of one app's towns, each with the moment it was last compared with the table."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.calendars: dict[str, tuple[float, tuple[dict[date, bool], str], WorkCalendar]] = {}


def work_calendar(town: str) -> WorkCalendar:
    """The calendar of a town, at most `FRESH` seconds old. Needs an app context."""
    memory: _Memory = current_app.extensions.setdefault("work_calendar", _Memory())
    held = memory.calendars.get(town)
    if held is not None and time.monotonic() - held[0] < FRESH:
        return held[2]
    with memory.lock:
        found = {row.day: row.workday for row in rows(_overrides, town=town)}, setting(town, "working_hours")
        held = memory.calendars.get(town)
        if held is None or held[1] != found:
            calendar = WorkCalendar(found[0], hours_of(found[1]), TOWN_ZONE)
        else:
            calendar = held[2]  # it remembers the years it has worked out
        memory.calendars[town] = (time.monotonic(), found, calendar)
        return calendar


def declare_day(
    session: Session, town: str, day: date, workday: bool | None, reason: str, *, actor: UUID | None, now: datetime
) -> None:
    """Declare a day of a town worked or off, or (None) as announced again, and record it. Commits nothing.

    Deadlines of open cases follow when they are computed anew.
    """
    declared = session.get(CalendarOverride, (town, day), with_for_update=True)
    if declared is None:
        declared = CalendarOverride(town_code=town, day=day, version=0)
        session.add(declared)
    declared.workday, declared.reason = workday, reason
    declared.version += 1
    record(
        session,
        town=town,
        actor=actor,
        action="declare_day",
        thing=("calendar_day", f"{town} {day}"),
        version=declared.version,
        occurred_at=now,
        details={"workday": workday, "reason": reason},
    )
