"""More time for a step: asked for by whoever holds the case, granted or refused by the town.

An extension moves the step's deadline to the day asked for, amber when a fifth of the time from its grant is left. A
suspension (挂账) stops both clocks until its day: the deadlines move by the time that does not count, and the case goes
on by itself when the day has come, or earlier when the town has it resumed. What was late before stays late. A deadline
moved by hand does not follow the calendar.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select, update

from backend.cases.case_row import CaseRow
from backend.cases.events import After, Before, append_event
from backend.cases.rules.categories import catalogue
from backend.cases.tables import Case, CaseEvent
from backend.cases.timing.colours import step_moves
from backend.cases.timing.deadlines import Deadline, Unit, moved, require_coming, stopped, until
from backend.cases.workflow import ASKING, STEP
from backend.http.problems import Invalid, Problem
from backend.http.reading import row, rows
from backend.http.work import unit_of_work
from backend.territory.calendar import WorkCalendar

BATCH = 200
NOTHING_ASKED: Mapping[str, None] = {"asked": None, "asked_until": None}

_suspension = (
    select(CaseEvent.occurred_at, CaseEvent.details)
    .where(CaseEvent.case_id == bindparam("case"), CaseEvent.action == "suspend")
    .order_by(CaseEvent.version.desc())
    .limit(1)
)
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
    # The case's own deadline is never before its step's.
    day = _granted(case, now)
    if case.due_at is not None and day <= case.due_at:
        raise NothingToExtend
    late = case.case_due_at is None or case.case_due_at < day
    whole = {"case_due_at": day, "case_moved": True} if late else {}
    to = until(now, day, _unit(case, STEP[case.status], case.step_started_at), calendar)
    step = step_moves(case.due_at, case.turns_at, to, now)
    return {**NOTHING_ASKED, **step, "step_moved": True, **whole}


def _suspend(case: CaseRow, calendar: WorkCalendar, now: datetime) -> dict[str, Any]:
    day = _granted(case, now)
    held = Deadline(case.due_at, case.amber_at) if case.due_at else None
    both = stopped_between(case, held, case.case_due_at, now, day, calendar, now)
    return {**NOTHING_ASKED, "suspended_until": day, "step_moved": True, "case_moved": True, **both}


def _resume(case: CaseRow, calendar: WorkCalendar, now: datetime) -> dict[str, Any]:
    # Taken up before its day, only the time that has passed does not count.
    began = row(_suspension, case=case.id)
    if began is None or case.suspended_until is None or now >= case.suspended_until:
        return {"suspended_until": None}
    names = ("due_at", "amber_at", "case_due_at")
    due_at, amber_at, case_due_at = (_instant(began.details.get(name)) for name in names)
    held = Deadline(due_at, amber_at) if due_at else None
    both = stopped_between(case, held, case_due_at, began.occurred_at, now, calendar, now)
    return {"suspended_until": None, **both}


def _granted(case: CaseRow, now: datetime) -> datetime:
    # Granted after its day, it would move the deadlines backwards.
    if case.asked_until is None or case.asked_until <= now:
        raise AskedTimeOver
    return case.asked_until


def deadlines_before(case: CaseRow) -> dict[str, str | None]:
    """The deadlines as they were, for the event of a suspension."""
    return {
        "due_at": case.due_at.isoformat() if case.due_at else None,
        "amber_at": case.amber_at.isoformat() if case.amber_at else None,
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


class Clocks(NamedTuple):
    """What decides how the deadlines of a case move that waits for a step; `due_at` and `turns_at` as they were."""

    town_code: str
    category: str
    status: str
    step_started_at: datetime | None
    case_started_at: datetime | None
    due_at: datetime | None
    turns_at: datetime | None


def stopped_between(
    case: CaseRow | Clocks,
    held: Deadline | None,
    case_due_at: datetime | None,
    start: datetime,
    end: datetime,
    calendar: WorkCalendar,
    now: datetime,
) -> dict[str, Any]:
    """Both deadlines, moved by a time that does not count; by the clock where a category is known no more."""
    changes: dict[str, Any] = {}
    if held is not None:
        unit = _unit(case, STEP[case.status], case.step_started_at)
        changes |= step_moves(case.due_at, case.turns_at, stopped(held, unit, start, end, calendar), now)
    if case_due_at is not None:
        unit = _unit(case, "case", case.case_started_at)
        changes["case_due_at"] = moved(case_due_at, unit, start, end, calendar)
    return changes


def _unit(case: CaseRow | Clocks, step: str, began: datetime | None) -> Unit:
    kind = catalogue(case.town_code).at(case.category, began)
    return kind.limits[step].unit if kind else "urgent_hours"


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
