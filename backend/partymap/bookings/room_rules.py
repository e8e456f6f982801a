"""The rules of a room: who may have it, and which times. What is offered and what is taken goes by the same rules."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from backend.config import TOWN_ZONE
from backend.http.problems import Problem
from backend.partymap.bookings import refusals
from backend.partymap.opening_hours import DAY_MINUTES, Calendar, OpeningHours
from backend.people.access import Caller, covers

AUDIENCE_OF = {"resident": "residents", "party_member": "party_members"}
"""Of a role; whoever has another one has an office."""


def keeps(caller: Caller, area: str) -> bool:
    """Whether the caller keeps the service points of an area."""
    return any(covers(grant.area_code, area) for grant, _ in caller.allowed("keep_service_points"))


def belongs_to(caller: Caller, open_to: list[str], area: str) -> bool:
    """Whether a caller, by a role held in the town of an area, is among those to whom something is open."""
    town = area[:9]
    held = {grant.role for grant in caller.grants if grant.area_code.startswith(town)}
    return any(AUDIENCE_OF.get(role, "officers") in open_to for role in held)


def is_open_throughout(hours: OpeningHours, calendar: Calendar, begins: datetime, ends: datetime) -> bool:
    """Whether a door is open from one instant to another without a break; past midnight, too."""
    day, last = (at.astimezone(hours.zone).date() for at in (begins, ends))
    day -= timedelta(days=1)  # whose hours may run past midnight
    until = begins.astimezone(UTC)
    while day <= last:
        for span in hours.spans_on(day, calendar):
            if _on_the_clock(day, span.opens, hours.zone) <= until:
                until = max(until, _on_the_clock(day, span.closes, hours.zone))
        day += timedelta(days=1)
    return until >= ends


def _on_the_clock(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    days, minutes = divmod(minutes, DAY_MINUTES)
    wall = datetime.combine(day + timedelta(days=days), time(minutes // 60, minutes % 60), zone)
    return wall.astimezone(UTC)


def why_not(
    room: Any, hours: OpeningHours, calendar: Calendar, begins: datetime, ends: datetime, now: datetime
) -> Problem | None:
    """Why nobody can have a room for a time, whoever else may have it then; None where it can be had."""
    if ends <= begins:
        return refusals.EndsBeforeItBegins()
    if begins < now:
        return refusals.InThePast()
    if off_step(begins, room.step_minutes, hours.zone) or off_step(ends, room.step_minutes, hours.zone):
        return refusals.OffStep(step_minutes=room.step_minutes)
    begins, ends = begins.astimezone(UTC), ends.astimezone(UTC)
    if not room.shortest_minutes <= (ends - begins) / timedelta(minutes=1) <= room.longest_minutes:
        return refusals.WrongLength(shortest_minutes=room.shortest_minutes, longest_minutes=room.longest_minutes)
    if ends > now + timedelta(days=room.ahead_days):
        return refusals.TooFarAhead(ahead_days=room.ahead_days)
    if not is_open_throughout(hours, calendar, begins, ends):
        return refusals.NotOpenThen()
    return None


def off_step(at: datetime, step_minutes: int, zone: ZoneInfo = TOWN_ZONE) -> bool:
    """Whether an instant is not a whole number of steps after the midnight of its day."""
    local = at.astimezone(zone)
    return bool(local.second or local.microsecond or (local.hour * 60 + local.minute) % step_minutes)


def starts_on(
    room: Any, hours: OpeningHours, calendar: Calendar, day: date, minutes: int, now: datetime
) -> Iterator[datetime]:
    """The instants of a day at which a booking of so many minutes may begin, whoever else has the room then."""
    midnight, length = datetime.combine(day, time(), hours.zone), timedelta(minutes=minutes)
    for minute in range(0, DAY_MINUTES, room.step_minutes):
        begins = midnight.replace(hour=minute // 60, minute=minute % 60)
        if why_not(room, hours, calendar, begins, begins.astimezone(UTC) + length, now) is None:
            yield begins
