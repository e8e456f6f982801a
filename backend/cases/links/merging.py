"""Merging (并案): several reports of one problem become one case to handle, and each reporter is still told of it.

The merged case stands still, both clocks too, and follows its head (`following.py`); to whoever reported it, it is
where the head is. Taken out again, it is where it was, and what was left of its time is left again, as after a
suspension.
"""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.orm import Session

from backend.cases.case_row import PERSON, CaseRow
from backend.cases.closing import answer_until
from backend.cases.events import After, Before, append_event
from backend.cases.holders import can_hold
from backend.cases.links.link_tables import CaseLink
from backend.cases.protection.protected import PROTECTED, TASK
from backend.cases.public.publication import public_from
from backend.cases.reporter.reporters import tell_reporter
from backend.cases.rules.categories import catalogue
from backend.cases.sight import reaches
from backend.cases.tables import Case, CaseEvent
from backend.cases.timing.colours import NO_STEP, step_begins
from backend.cases.timing.counting import history, moves, recount
from backend.cases.viewing import read_case
from backend.cases.workflow import OPEN
from backend.http.problems import NotFound, Problem
from backend.http.reading import row
from backend.http.versions import StaleVersion
from backend.http.work import add
from backend.people.access import Caller
from backend.territory.calendar import WorkCalendar

_merging = (
    select(
        CaseEvent.from_status,
        CaseEvent.holder,
        CaseEvent.step_started_at,
        CaseEvent.step_due_at,
        CaseEvent.details,
    )
    .where(CaseEvent.case_id == bindparam("case"), CaseEvent.action == "merge")
    .order_by(CaseEvent.version.desc())
    .limit(1)
)
_HEADS = tuple(status for status in OPEN if status != "apart")
"""Not what is set apart: the desk may raise it to a protected report yet."""
_locked = select(Case.id, Case.status, Case.version, Case.reporting).order_by(Case.id).with_for_update()
_following = (
    select(Case.id, Case.town_code, Case.category, Case.case_started_at, Case.version)
    .join(CaseLink, CaseLink.case_id == Case.id)
    .where(CaseLink.head_id == bindparam("head"), CaseLink.kind == "merge", CaseLink.live, Case.status == "merged")
    .order_by(Case.id)
    .with_for_update(of=Case)
)


class _Stood(NamedTuple):
    """A merged case as it is counted when it goes on; `due_at` and `turns_at` are those of before."""

    town_code: str
    category: str
    status: str
    step_started_at: datetime | None
    case_started_at: datetime | None
    due_at: datetime | None
    turns_at: datetime | None


class CannotMerge(Problem):
    """A case that nothing can be merged into; which of the reasons it is, is not told, nor whether it exists."""

    status, code = 422, "cannot_merge"
    zh = "不能并入该案件：应为同一镇、您可办理、未结案、本身未并案也不是拆分件的另一案件，且不是保密举报。"
    en = (
        "Nothing can be merged into this case: name another one of the same town that you may merge, that is open,"
        " neither merged itself nor a part of another, and not protected."
    )


def changes(action: str, case: CaseRow, calendar: WorkCalendar, now: datetime) -> Mapping[str, Any]:
    """What merging a case changes of it, or taking it out again; nothing for any other action."""
    if action == "merge":
        return {"holder": None, "case_due_at": None, "public_at": None}
    return came_back(case, calendar, now) if action == "unmerge" else {}


def came_back(case: Any, calendar: WorkCalendar, now: datetime) -> dict[str, Any]:
    """A merged case as it was before, with the time left that it had; without a holder that is no more, at the desk.

    `case` has id, town_code, category and case_started_at.
    """
    was = row(_merging, case=case.id)
    if was is None:
        raise LookupError(f"no event tells how {case.id} was merged")
    town, held = case.town_code, was.holder
    public_at, turns_at = (_instant(was.details["was"].get(name)) for name in ("public_at", "turns_at"))
    if public_at is not None and public_at <= now:
        # Shown to everybody at this moment, it would tell that somebody took it out just now.
        public_at = public_from(now)
    back: dict[str, Any] = {"status": was.from_status, "holder": held, "step_started_at": was.step_started_at}
    if held is not None and not held.startswith(PERSON) and not can_hold(town, held):
        kind = catalogue(town).get(case.category)
        step = step_begins(now, kind.limits["dispatch"], calendar) if kind else {**NO_STEP, "step_started_at": now}
        back = {"status": "accepted", "holder": None, **step}
    began = None if "due_at" in back else was.step_started_at  # a step that begins now did not stand still
    stood = _Stood(town, case.category, back["status"], began, case.case_started_at, was.step_due_at, turns_at)
    deadlines = moves(stood, recount(stood, history(case.id, goes_on=now), calendar), now)
    return {**back, "public_at": public_at, **deadlines}


def merge(session: Session, caller: Caller, case: CaseRow, into: uuid.UUID) -> Mapping[str, Any]:
    """Have a case go with another one from now on, and whatever goes with it; answers what the event tells of it.

    Raises CannotMerge, and StaleVersion when another was first.
    """
    head = _head(caller, case, into)
    # Both locked, in one order for all: of two mergings at once the second sees what the first has made of either.
    locked = session.execute(_locked.where(Case.id.in_([case.id, head.id]))).all()
    now_at = {found.id: found for found in locked}
    if now_at[case.id].version != case.version:
        raise StaleVersion(version=now_at[case.id].version)
    status, version = now_at[head.id].status, now_at[head.id].version
    if status not in _HEADS or now_at[head.id].reporting == PROTECTED:
        raise CannotMerge
    followers = update(CaseLink).where(CaseLink.head_id == case.id, CaseLink.kind == "merge", CaseLink.live)
    session.execute(followers.values(head_id=head.id, course=status, followed=version), _PLAIN)
    link = {"case_id": case.id, "head_id": head.id, "kind": "merge", "since": case.case_started_at or case.occurred_at}
    add(session, CaseLink, link | {"course": status, "followed": version, "live": True})
    names = ("case_due_at", "public_at", "turns_at")
    was = {name: getattr(case, name) for name in names}
    return {"into": head.number, "was": {name: at.isoformat() if at else None for name, at in was.items()}}


def part_company(session: Session, case_id: uuid.UUID) -> None:
    """Have a case that was merged go its own way: its steps are its own again."""
    session.execute(delete(CaseLink).where(CaseLink.case_id == case_id, CaseLink.kind == "merge"), _PLAIN)


def leave(session: Session, case: CaseRow, calendar: WorkCalendar, now: datetime) -> None:
    """Have a case that becomes a protected report leave at once what it was merged into, and what was merged into it.

    To the others it is as if it had been taken out, or withdrawn. Of those that were closed with it the links stay,
    which tell the score that they were one problem.
    """
    part_company(session, case.id)
    for merged in session.execute(_following, {"head": case.id}).all():
        part_from(session, merged, merged.version + 1, case.status, {}, calendar, now)
        if case.status == "closed":  # and nobody had looked since
            ended = update(CaseLink).where(CaseLink.case_id == merged.id, CaseLink.kind == "merge")
            session.execute(ended.values(course=None, live=False), _PLAIN)
            tell_reporter(session, merged.id, "case_update")


def part_from(
    session: Session,
    merged: Any,
    version: int,
    head_status: str,
    told: Mapping[str, Any],
    calendar: WorkCalendar,
    now: datetime,
) -> None:
    """Close a merged case, which is locked, with its head, or bring it back where nobody goes on with that one."""
    if head_status == "closed":
        until = answer_until(merged.town_code, now)
        values: dict[str, Any] = {"status": "closed", "closed_at": now, "rating": None, "answer_until": until}
        action, internal = "close_with_head", False
    else:
        values = came_back(merged, calendar, now)
        action, internal = "unmerge", True
        part_company(session, merged.id)
    session.execute(update(Case).where(Case.id == merged.id).values(values | {"version": version}), _PLAIN)
    after = After(merged.id, merged.town_code, values["status"], version)
    append_event(session, after, Before("merged", None), action, None, "system", now, None, told, internal)


def _head(caller: Caller, case: CaseRow, into: uuid.UUID) -> CaseRow:
    try:
        head, _ = read_case(caller, into)
    except NotFound as error:
        raise CannotMerge from error
    fits = head.id != case.id and head.town_code == case.town_code and head.status in _HEADS
    if not fits or head.reporting in (PROTECTED, TASK, "part") or not reaches(caller, "merge", head):
        raise CannotMerge
    return head


_PLAIN = {"synchronize_session": False}


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
