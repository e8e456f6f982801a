"""Closing by itself: a checked case that its reporter says nothing about, so many workdays after the check.

The reporter says something by urging or noting: then the desk closes. No rating is given by it, for none was given.
After a closing there are so many days to rate and to reopen it, those that were set when it closed.
"""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import bindparam, exists, or_, select, update
from sqlalchemy.orm import Session

from backend.cases.events import After, Before, append_event
from backend.cases.links.link_tables import CaseLink
from backend.cases.reporter.reporters import tell_reporter
from backend.cases.tables import Case, CaseEvent
from backend.cases.timing.colours import NO_STEP
from backend.cases.timing.overdue import note_if_untold
from backend.config import TOWN_ZONE
from backend.http.reading import rows
from backend.http.work import unit_of_work
from backend.territory.calendar import WorkCalendar
from backend.territory.tables import Area
from backend.territory.town_settings import setting
from backend.territory.work_calendar import work_calendar

BATCH = 200
_SAID = ("urge", "note", "reply")

_towns = select(Area.code).where(Area.parent_code.is_(None))
_said_since = (
    CaseEvent.actor_role == "reporter",
    CaseEvent.action.in_(_SAID),
    CaseEvent.occurred_at >= Case.step_started_at,
)
_merged_here = (CaseLink.head_id == Case.id, CaseLink.kind == "merge", CaseLink.live)
_spoke = or_(
    exists().where(CaseEvent.case_id == Case.id, *_said_since),
    exists().where(CaseEvent.case_id == CaseLink.case_id, *_merged_here, *_said_since),
)
_silent = (
    select(Case.id, Case.town_code, Case.version, Case.holder, Case.step_started_at, Case.due_at)
    .add_columns(Case.status, Case.turns_at)
    .where(
        Case.town_code == bindparam("town"),
        Case.status == "checked",
        Case.step_started_at < bindparam("before", type_=Case.step_started_at.type),
        ~_spoke,
    )
    .limit(BATCH)
)


def answer_until(town: str, now: datetime) -> datetime:
    """Until when a closing of now can be rated and reopened."""
    return now + timedelta(days=int(setting(town, "reopen_within_days")))


def close_checked(now: datetime) -> int:
    """Close the cases whose time after the check is over; answers how many. A missed run loses nothing."""
    done = 0
    for town in [found.code for found in rows(_towns)]:
        before = checked_before(now, int(setting(town, "close_after_workdays")), work_calendar(town))
        while batch := rows(_silent, town=town, before=before):
            taken = _close(batch, now)
            done += taken
            if not taken:
                break  # somebody acts on each of them just now
    return done


def checked_before(now: datetime, workdays: int, calendar: WorkCalendar) -> datetime:
    """The moment before which a case was checked whose workdays (the day of the check is not counted) are over now."""
    day = now.astimezone(TOWN_ZONE).date()
    while calendar.add_workdays(datetime.combine(day, time(), TOWN_ZONE), workdays) > now:
        day -= timedelta(days=1)
    return datetime.combine(day + timedelta(days=1), time(), TOWN_ZONE)


def _close(batch: Sequence[Any], now: datetime) -> int:
    with unit_of_work() as session:
        return sum(_close_one(session, case, now) for case in batch)


def _close_one(session: Session, case: Any, now: datetime) -> bool:
    waiting = update(Case).where(Case.id == case.id, Case.version == case.version)
    values = {"status": "closed", "version": case.version + 1, "closed_at": now, "rating": None, **NO_STEP}
    values |= {"answer_until": answer_until(case.town_code, now)}
    if session.connection().execute(waiting.values(values)).rowcount != 1:
        return False
    note_if_untold(session, case, now)
    before = Before("checked", case.holder, "close", case.step_started_at, case.due_at)
    append_event(
        session, After(case.id, case.town_code, "closed", case.version + 1), before, "close", None, "system", now
    )
    tell_reporter(session, case.id, "case_update")
    return True
