"""The colour of a step: green, amber when four fifths of its time are over, red when all of it is.

Colours are not kept: `amber_at` and `due_at` tell them. `turns_at` is when somebody is to be told next, and empty when
nobody is: an urgent step calls whoever is on duty when it begins, amber tells its holder, red who stands above.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from backend.cases.timing.deadlines import Deadline, Limit, deadline, until
from backend.territory.calendar import WorkCalendar

Colour = Literal["green", "amber", "red"]
COLOURS: Mapping[Colour, str] = {"green": "绿", "amber": "黄", "red": "红"}

NO_STEP: Mapping[str, None] = {"step_started_at": None, "due_at": None, "amber_at": None, "turns_at": None}
"""What a case keeps of a step when it waits for none."""


def colour(due_at: datetime | None, amber_at: datetime | None, now: datetime) -> Colour | None:
    """The colour of a step at an instant; None where there is no step. What is done at the last instant is in time."""
    if due_at is None:
        return None
    if due_at < now:
        return "red"
    return "amber" if amber_at is not None and amber_at <= now else "green"


def step_begins(start: datetime, limit: Limit, calendar: WorkCalendar) -> dict[str, Any]:
    """What a case keeps of a step that begins."""
    due_at, amber_at = deadline(start, limit, calendar)
    turns_at = start if limit.unit == "urgent_hours" else amber_at
    return {"step_started_at": start, "due_at": due_at, "amber_at": amber_at, "turns_at": turns_at}


def step_moves(due_at: datetime | None, turns_at: datetime | None, to: Deadline, now: datetime) -> dict[str, Any]:
    """What a case keeps of its step when the deadline moves; `due_at` and `turns_at` are as they were.

    Told again is what lies ahead again, and what nobody was told of yet.
    """
    told_amber = turns_at is None or due_at is None or turns_at >= due_at
    turns: datetime | None = to.due_at
    if to.amber_at is not None and (not told_amber or to.amber_at > now):
        turns = to.amber_at
    elif to.due_at <= now and turns_at is None:
        turns = None
    return {"due_at": to.due_at, "amber_at": to.amber_at, "turns_at": turns}


def whole_waits(
    start: datetime | None, due_at: datetime | None, limit: Limit | None, calendar: WorkCalendar, now: datetime
) -> dict[str, Any]:
    """What a case keeps of its step while it waits for its parts: it is due when the whole case is."""
    if start is None or due_at is None or limit is None:
        return {**NO_STEP, "step_started_at": start, "due_at": due_at}
    return {"step_started_at": start} | step_moves(None, None, until(start, due_at, limit.unit, calendar), now)
