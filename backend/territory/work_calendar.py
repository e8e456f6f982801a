"""A town's work calendar as it stands: working hours from the settings, days on and off as declared."""

import threading
import time
from datetime import date, datetime
from uuid import UUID

from flask import current_app
from sqlalchemy.orm import Session

from backend.config import TOWN_ZONE
from backend.territory.calendar import WorkCalendar, hours_of
from backend.territory.town_rules import in_force, lay_down, newest
from backend.territory.town_settings import setting

FRESH = 1.0
"""Seconds after which a process looks whether anything was declared."""

KIND = "calendar_day"


class _Memory:
    """The calendars of one app's towns, each with the moment it was last compared with what is kept."""

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
        found = _declared(town), setting(town, "working_hours")
        held = memory.calendars.get(town)
        if held is None or held[1] != found:
            calendar = WorkCalendar(found[0], hours_of(found[1]), TOWN_ZONE)
        else:
            calendar = held[2]  # it remembers the years it has worked out
        memory.calendars[town] = (time.monotonic(), found, calendar)
        return calendar


def declare_day(
    session: Session, town: str, day: date, workday: bool | None, reason: str, *, actor: UUID | None, now: datetime
) -> int:
    """Declare a day of a town worked or off, or (None) as announced again, and record it; answers the day's version.

    Deadlines of open cases follow when they are computed anew. Commits nothing.
    """
    held = newest(town, KIND, day.isoformat(), session)
    version = held.version + 1 if held else 1
    told = {"workday": workday, "reason": reason}
    lay_down(session, town, KIND, day.isoformat(), told, version, actor, now, "declare_day")
    return version


def _declared(town: str) -> dict[date, bool]:
    days = {date.fromisoformat(rule.key): rule.value["workday"] for rule in in_force(town, KIND)}
    return {day: workday for day, workday in days.items() if workday is not None}
