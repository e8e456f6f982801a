"""Cases that go with others are kept in step with them: a merged case with its head, and a whole with its parts.

It is looked after every few seconds, by what stands in the database; a missed look loses nothing.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, case, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from backend.cases.events import After, Before, append_event
from backend.cases.links import merging
from backend.cases.links.link_tables import CaseLink
from backend.cases.reporter.reporters import tell_reporter
from backend.cases.rules.categories import catalogue
from backend.cases.tables import Case, CaseEvent
from backend.cases.timing import pausing
from backend.cases.timing.colours import NO_STEP, step_begins, whole_waits
from backend.cases.timing.deadlines import due
from backend.cases.timing.overdue import note_if_untold
from backend.cases.workflow import ACTIONS, BY_ITSELF, PART_DONE, STEP
from backend.http.reading import rows
from backend.http.work import unit_of_work, write_added
from backend.territory.work_calendar import work_calendar

BATCH = 200
_WAITING_AGAIN = BY_ITSELF["part_undone"].from_
_PLAIN = {"synchronize_session": False}
_ANEW = dict.fromkeys(("closed_at", "answer_until", "leader", "supervised_until"))

_head = aliased(Case)
_behind = (
    select(CaseLink.case_id, CaseLink.head_id, CaseLink.followed)
    .join(_head, _head.id == CaseLink.head_id)
    .where(CaseLink.live, CaseLink.kind == "merge", _head.version > CaseLink.followed)
    .order_by(CaseLink.case_id)
    .limit(BATCH)
)
# What the head's reporter says or does on the side is theirs; a step of the town's is news for all.
_steps = (
    select(
        CaseEvent.version,
        CaseEvent.action,
        CaseEvent.from_status,
        CaseEvent.to_status,
        CaseEvent.actor_role,
        CaseEvent.details,
    )
    .where(
        CaseEvent.case_id == bindparam("head"),
        CaseEvent.version > bindparam("after", type_=CaseEvent.version.type),
        or_(CaseEvent.from_status != CaseEvent.to_status, CaseEvent.action == "dispatch"),
    )
    .order_by(CaseEvent.version)
)
_part = aliased(Case)
_done = func.sum(case((_part.status.in_(PART_DONE), 1), else_=0))
_wholes = (
    select(Case.id, Case.status, func.count().label("parts"), _done.label("done"))
    .join(CaseLink, CaseLink.head_id == Case.id)
    .join(_part, _part.id == CaseLink.case_id)
    .where(CaseLink.live, CaseLink.kind == "part")
    .group_by(Case.id, Case.status)
    .having(
        or_(
            (Case.status == "split") & (_done == func.count()),
            Case.status.in_(_WAITING_AGAIN) & (_done < func.count()),
            Case.status.in_(("closed", "withdrawn")),
        )
    )
    .limit(BATCH)
)
_columns = (
    Case.id,
    Case.town_code,
    Case.status,
    Case.version,
    Case.category,
    Case.holder,
    Case.step_started_at,
    Case.due_at,
    Case.turns_at,
    Case.case_started_at,
)


def keep_in_step(now: datetime) -> int:
    """Bring what is behind up to date; answers how many cases changed."""
    changed = 0
    for link in rows(_behind):
        with unit_of_work() as session:
            changed += _follow(session, link, now)
    for whole in rows(_wholes):
        with unit_of_work() as session:
            changed += _follow_parts(session, whole.id, now)
    return changed


def _follow(session: Session, link: Any, now: datetime) -> int:
    merged = _locked(session, link.case_id)
    # Read again under the lock: it may have been taken out, or its head merged into another, just now.
    standing = select(CaseLink.followed).where(
        CaseLink.case_id == link.case_id, CaseLink.head_id == link.head_id, CaseLink.live
    )
    followed = session.execute(standing).scalar_one_or_none()
    if merged is None or merged.status != "merged" or followed is None:
        return 0
    version, course = merged.version, None
    head_version = session.execute(select(Case.version).where(Case.id == link.head_id)).scalar_one()
    for step in session.execute(_steps, {"head": link.head_id, "after": followed}).all():
        if step.version > head_version or step.to_status == "merged":
            break
        version, course = version + 1, step.to_status
        if course in ("closed", "declined", "withdrawn"):
            calendar, by = work_calendar(merged.town_code), {"by": step.actor_role}
            merging.part_from(session, merged, version, course, by, calendar, now)
            break
        told = {"course": course, "step": step.action, "from": step.from_status, "by": step.actor_role}
        told |= {"department": step.details["department"]} if "department" in step.details else {}
        after = After(merged.id, merged.town_code, "merged", version)
        append_event(session, after, Before("merged", None), "follow", None, "system", now, None, told)
        _change(session, merged.id, {"version": version})
    if course is not None:
        tell_reporter(session, merged.id, "case_update")
    keep: dict[str, Any] = {"followed": head_version} | ({"course": course} if course else {})
    keep |= {"course": None, "live": False} if course == "closed" else {}
    session.execute(_of(link).values(keep), _PLAIN)
    write_added(session)
    return 1 if course else 0


def _of(link: Any) -> Any:
    return update(CaseLink).where(CaseLink.case_id == link.case_id, CaseLink.head_id == link.head_id, CaseLink.live)


def _follow_parts(session: Session, whole_id: uuid.UUID, now: datetime) -> int:
    whole = _locked(session, whole_id)
    of_whole = (CaseLink.head_id == whole_id, CaseLink.kind == "part", CaseLink.live)
    parts = session.execute(
        select(*_columns)
        .join(CaseLink, CaseLink.case_id == Case.id)
        .where(*of_whole)
        .order_by(Case.id)
        .with_for_update(of=Case)
    ).all()
    if whole is None or not parts:
        return 0
    done = [part.status in PART_DONE for part in parts]
    if whole.status == "split" and all(done):
        _turn(session, whole, "parts_done", "handled", now)
        tell_reporter(session, whole_id, "case_update")
        return 1
    if whole.status in _WAITING_AGAIN and not all(done):
        _turn(session, whole, "part_undone", "split", now)
        tell_reporter(session, whole_id, "case_update")
        return 1
    if whole.status not in ("closed", "withdrawn"):
        return 0
    if whole.status == "withdrawn":
        _withdraw(session, [part for part in parts if part.status in ACTIONS["withdraw"].from_], now)
    session.execute(update(CaseLink).where(*of_whole).values(live=False), _PLAIN)
    write_added(session)
    return 1


def _turn(session: Session, whole: Any, action: str, status: str, now: datetime) -> None:
    kinds, calendar, step = catalogue(whole.town_code), work_calendar(whole.town_code), STEP[status]
    again = select(Case.case_started_at, Case.case_due_at).where(Case.id == whole.id)
    anew = whole.status == "closed"  # then it begins anew, as by reopening
    began, case_due_at = (now, None) if anew else session.execute(again).one()
    kind = kinds.at(whole.category, began if step == "case" else now)
    limit = kind.limits[step] if kind else None
    values: dict[str, Any] = {**NO_STEP, "step_started_at": now, "assignee": None}
    if anew:
        case_due_at = due(now, limit, calendar) if limit is not None else None
        values |= {**_ANEW, "case_started_at": now, "case_due_at": case_due_at}
    if step == "case":
        # Nobody holds what waits for its parts.
        values |= {**whole_waits(began, case_due_at, limit, calendar, now), "holder": None}
    elif limit is not None:
        values |= step_begins(now, limit, calendar)
    note_if_untold(session, whole, now)
    _change(session, whole.id, values | {"status": status, "version": whole.version + 1})
    before = Before(whole.status, whole.holder, STEP.get(whole.status), whole.step_started_at, whole.due_at)
    after = After(whole.id, whole.town_code, status, whole.version + 1)
    append_event(session, after, before, action, None, "system", now)
    write_added(session)


def _withdraw(session: Session, parts: Sequence[Any], now: datetime) -> None:
    for part in parts:
        if part.status in STEP:
            note_if_untold(session, part, now)
        ended = {"status": "withdrawn", **NO_STEP, "suspended_until": None}
        _change(session, part.id, {**ended, **pausing.NOTHING_ASKED, "version": part.version + 1})
        before = Before(part.status, part.holder, STEP.get(part.status), part.step_started_at, part.due_at)
        after = After(part.id, part.town_code, "withdrawn", part.version + 1)
        append_event(session, after, before, "withdraw", None, "system", now)


def _locked(session: Session, case_id: uuid.UUID) -> Any:
    return session.execute(select(*_columns).where(Case.id == case_id).with_for_update()).one_or_none()


def _change(session: Session, case_id: uuid.UUID, values: dict[str, Any]) -> None:
    session.execute(update(Case).where(Case.id == case_id).values(values), _PLAIN)
