"""The rules of a room: who may have it, and which times. What is offered and what is taken goes by the same rules."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from backend.config import TOWN_ZONE
from backend.http.problems import Problem
from backend.partymap.bookings import refusals
from backend.partymap.opening_hours import Calendar, OpeningHours
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
    if not hours.is_open(begins, calendar):
        return False
    closes = hours.closes_next(begins, calendar)
    return closes is None or ends <= closes


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
    for minute in range(0, 24 * 60, room.step_minutes):
        begins = midnight.replace(hour=minute // 60, minute=minute % 60)
        if why_not(room, hours, calendar, begins, begins.astimezone(UTC) + length, now) is None:
            yield begins
