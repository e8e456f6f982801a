"""Handing over: what somebody who leaves had taken up goes to whoever comes next, and the clock runs on.

Where nobody comes next, the case goes back to the desk, as if it had been sent back.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, exists, or_, select, update
from sqlalchemy.orm import Session

from backend.cases.case_row import by_name
from backend.cases.events import After, Before, append_event
from backend.cases.reporter.reporters import my_pseudonym, tag_of
from backend.cases.rules.categories import catalogue
from backend.cases.tables import Case, CaseEvent
from backend.cases.timing.colours import NO_STEP, step_begins
from backend.cases.timing.counting import history, recount
from backend.cases.timing.overdue import note_if_untold
from backend.cases.workflow import HANDLING, STEP
from backend.outbox.messages import ACCOUNT, ALSO, DESK, NOTICE, post
from backend.people.leaving import EndedRole, Taker
from backend.territory.codes import prefix_bounds
from backend.territory.work_calendar import work_calendar

_OPEN = ("dispatched", "handling", "suspended")
_WITH_ALL = ("handler", "village_officer", "party_member")
"""The roles of whose holder all cases go back when nobody takes over, those not begun among them."""
_columns = (
    Case.id,
    Case.town_code,
    Case.area_code,
    Case.status,
    Case.version,
    Case.category,
    Case.holder,
    Case.step_started_at,
    Case.due_at,
    Case.turns_at,
    Case.case_started_at,
)


def hand_over(
    session: Session,
    leaver: uuid.UUID | None,
    roles: Sequence[EndedRole],
    actor: uuid.UUID | None,
    now: datetime,
) -> int:
    """Hand over what `leaver` had taken up in roles that ended (None: all that is held); answers how many cases.

    A department that nobody is left of gives back to the desk all that it held. Takers are told once, the desk among
    them. Commits nothing.
    """
    done: set[uuid.UUID] = set()
    told: set[uuid.UUID | None] = set()
    for role in roles:
        held = _held(role, leaver)
        if held is None:
            continue
        left_empty = role.role in _WITH_ALL and role.taker("").role == "dispatcher"
        where = [held, Case.status.in_(_OPEN)]
        values: dict[str, Any] = {}
        if not left_empty and leaver is not None:
            where += [Case.status.in_(("handling", "suspended")), _taken_up_by()]
            values = {"leaver": leaver, "my_tag": tag_of(leaver)}
        # Locked until the end: nobody acts on it while it changes hands.
        found = session.execute(
            select(*_columns).where(*where).order_by(Case.id).with_for_update(of=Case), values
        ).all()
        for case in [case for case in found if case.id not in done]:
            taker = role.taker(case.area_code)
            _give(session, case, taker, actor, now)
            done.add(case.id)
            if taker.account_id in told:
                continue
            told.add(taker.account_id)
            if taker.account_id is not None:
                post(session, NOTICE, f"{ACCOUNT}:{taker.account_id}", "handed_over")
            else:
                post(session, NOTICE, f"{DESK}:{case.id}", ALSO[DESK])
    return len(done)


def _held(role: EndedRole, leaver: uuid.UUID | None) -> ColumnElement[bool] | None:
    if role.role == "party_member" and leaver is not None:
        return Case.holder == by_name(leaver)
    if role.role in ("grid_worker", "grid_substitute"):
        low, high = prefix_bounds(role.area_code)
        return and_(Case.area_code >= low, Case.area_code < high, Case.holder == Case.village_code)
    if role.role in ("handler", "village_officer") and role.department:
        return and_(Case.holder == role.department, Case.town_code == role.area_code[:9])
    return None


def _taken_up_by() -> ColumnElement[bool]:
    # Older work of a worker on what they had reported stands under the case's pseudonym.
    leaver = or_(
        CaseEvent.actor_id == bindparam("leaver", type_=CaseEvent.actor_id.type), CaseEvent.actor_id == my_pseudonym
    )
    return exists().where(CaseEvent.case_id == Case.id, leaver, CaseEvent.action.in_(HANDLING)).correlate(Case)


def _give(session: Session, case: Any, taker: Taker, actor: uuid.UUID | None, now: datetime) -> None:
    values: dict[str, Any] = {"version": case.version + 1}
    before = Before(case.status, case.holder)
    if taker.role == "dispatcher":
        before = Before(case.status, case.holder, STEP[case.status], case.step_started_at, case.due_at)
        values |= {"asked": None, "asked_until": None, "suspended_until": None}
        values |= {"status": "accepted", "holder": None, **_whole(case, now), **_to_dispatch(case, now)}
        note_if_untold(session, case, now)
    session.execute(update(Case).where(Case.id == case.id).values(**values))
    after = After(case.id, case.town_code, values.get("status", case.status), case.version + 1)
    role = "admin" if actor else "system"
    append_event(session, after, before, "hand_over", actor, role, now, None, {"taker": taker.role})


def _to_dispatch(case: Any, now: datetime) -> dict[str, Any]:
    kind = catalogue(case.town_code).get(case.category)
    if kind is None:
        return {**NO_STEP, "step_started_at": now}
    return step_begins(now, kind.limits["dispatch"], work_calendar(case.town_code))


def _whole(case: Any, now: datetime) -> dict[str, Any]:
    # What was suspended goes on at the desk: its clock stands still no longer.
    if case.status != "suspended":
        return {}
    whole = recount(case, history(case.id, goes_on=now), work_calendar(case.town_code)).whole
    return {"case_due_at": whole.due_at} if whole else {}
