"""More time for a step: asked for by whoever holds the case, granted or refused by the town.

An extension moves the step's deadline to the day asked for, amber when a fifth of the time from its grant is left. A
suspension (挂账) stops both clocks until its day, and the case goes on by itself when the day has come, or earlier when
the town has it resumed. What was late before stays late. Both are counted by counting.py, from what the case's history
tells of them.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update

from backend.cases.case_row import CaseRow
from backend.cases.events import After, Before, append_event
from backend.cases.tables import Case
from backend.cases.timing.counting import history, moves, recount
from backend.cases.timing.deadlines import Granted, Span, require_coming
from backend.cases.workflow import ASKING
from backend.http.problems import Invalid, Problem
from backend.http.reading import rows
from backend.http.work import unit_of_work
from backend.territory.calendar import WorkCalendar

BATCH = 200
NOTHING_ASKED: Mapping[str, None] = {"asked": None, "asked_until": None}

_over = (
    select(Case.id, Case.town_code, Case.version, Case.holder)
    .where(Case.suspended_until <= bindparam("now", type_=Case.suspended_until.type))
    .order_by(Case.suspended_until)
    .limit(BATCH)
)


class AskedTimeOver(Problem):
    """More time granted when the time asked for is over."""

    status, code = 409, "asked_time_over"
    zh = "申请的时间已过，不能再同意；请答复“不同意”，由承办方重新申请。"
    en = "The time asked for is over; refuse, so that its holder can ask again."


class NothingToExtend(Problem):
    """More time granted when the deadline has moved meanwhile, with the category or the calendar, as far or farther."""

    status, code = 409, "nothing_to_extend"
    zh = "现在的期限已不早于申请的时间，同意延期只会提前期限；请答复“不同意”，由承办方按需要重新申请。"
    en = "By now the deadline is no earlier than the time asked for; refuse, so that its holder can ask again."


def more_time(
    action: str, case: CaseRow, until: datetime | None, calendar: WorkCalendar, now: datetime
) -> Mapping[str, Any]:
    """What an action changes that asks for more time or another holder, grants, refuses or ends it; nothing for others.

    Raises Invalid for a day that cannot be asked for, AskedTimeOver and NothingToExtend for one that can no longer be
    granted.
    """
    if action == "ask_transfer":
        return {"asked": ASKING[action]}
    if action in ASKING and until is not None:
        return _ask(action, case, until, now)
    if action == "refuse":
        return NOTHING_ASKED
    if action == "extend":
        return _extend(case, calendar, now)
    if action == "suspend":
        return _suspend(case, calendar, now)
    return _resume(case, calendar, now) if action == "resume" else {}


def _ask(action: str, case: CaseRow, until: datetime, now: datetime) -> dict[str, Any]:
    # An extension must be one; a suspension may end before the deadline that it moves.
    if action == "ask_extension" and case.due_at is not None and until <= case.due_at:
        raise Invalid({"until": [("应晚于原定期限。", "Give a time after the present deadline.")]})
    require_coming(until, now)
    return {"asked": ASKING[action], "asked_until": until}


def _extend(case: CaseRow, calendar: WorkCalendar, now: datetime) -> dict[str, Any]:
    day = _granted(case, now)
    if case.due_at is not None and day <= case.due_at:
        raise NothingToExtend
    told = history(case.id).extended(Granted(now, day))
    return {**NOTHING_ASKED, **moves(case, recount(case, told, calendar), now)}


def _suspend(case: CaseRow, calendar: WorkCalendar, now: datetime) -> dict[str, Any]:
    day = _granted(case, now)
    told = history(case.id).stopped(Span(now, day))
    return {**NOTHING_ASKED, "suspended_until": day, **moves(case, recount(case, told, calendar), now)}


def _resume(case: CaseRow, calendar: WorkCalendar, now: datetime) -> dict[str, Any]:
    # Taken up before its day, only the time that has passed does not count.
    told = history(case.id, goes_on=now)
    return {"suspended_until": None, **moves(case, recount(case, told, calendar), now)}


def _granted(case: CaseRow, now: datetime) -> datetime:
    # Granted after its day, it would move the deadlines backwards.
    if case.asked_until is None or case.asked_until <= now:
        raise AskedTimeOver
    return case.asked_until


def deadlines_before(case: CaseRow) -> dict[str, str | None]:
    """The deadlines as they were, for the event of an extension or a suspension."""
    return {
        "due_at": case.due_at.isoformat() if case.due_at else None,
        "case_due_at": case.case_due_at.isoformat() if case.case_due_at else None,
    }


def resume_due(now: datetime) -> int:
    """Take up the cases whose suspension is over; answers how many. A missed run loses nothing."""
    done = 0
    while batch := rows(_over, now=now):
        taken = _take_up(batch, now)
        done += taken
        if not taken:
            break  # somebody acts on each of them just now
    return done


def _take_up(batch: Sequence[Any], now: datetime) -> int:
    taken = 0
    with unit_of_work() as session:
        for case in batch:
            waiting = update(Case).where(Case.id == case.id, Case.version == case.version)
            values = {"status": "handling", "version": case.version + 1, "suspended_until": None}
            if session.connection().execute(waiting.values(values)).rowcount != 1:
                continue
            after = After(case.id, case.town_code, "handling", case.version + 1)
            append_event(session, after, Before("suspended", case.holder), "resume", None, "system", now)
            taken += 1
    return taken
