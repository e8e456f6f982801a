"""The hours in which a town wakes nobody: notices wait until they end, unless they are urgent."""

import re
from datetime import datetime, time, timedelta

from backend.config import TOWN_ZONE

NONE = "none"
Quiet = tuple[time, time]
"""From when to when, in local time; over midnight where the first is the later one."""


def quiet_of(written: str) -> Quiet | None:
    """The hours as written (22:00-07:00), or None for "none". ValueError for anything else."""
    if written == NONE:
        return None
    parts = re.fullmatch(r"((?:[01]\d|2[0-3]):[0-5]\d)-((?:[01]\d|2[0-3]):[0-5]\d)", written, re.ASCII)
    if parts is None or parts[1] == parts[2]:
        raise ValueError(f"no hours: {written}")
    return time.fromisoformat(parts[1]), time.fromisoformat(parts[2])


def quiet_until(quiet: Quiet, moment: datetime) -> datetime | None:
    """When the quiet hours end in which a moment lies; None when it lies in none."""
    begins, ends = quiet
    local = moment.astimezone(TOWN_ZONE)
    at = local.time()
    if begins < ends:
        inside, over = begins <= at < ends, local.date()
    else:
        inside = at >= begins or at < ends
        over = local.date() + timedelta(days=at >= begins)
    return datetime.combine(over, ends, TOWN_ZONE) if inside else None
