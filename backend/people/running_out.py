"""Roles that run out: the day after their last one they are ended, and what was open in them is handed over."""

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from backend.http.reading import rows
from backend.http.work import unit_of_work
from backend.people.accounts import NewAccount, give_role
from backend.people.appointing import end_roles, roles_in_force
from backend.people.leaving import OF_RESIDENTS, end_and_hand_over
from backend.people.tables import RoleAssignment

BATCH = 200

_ran_out = (
    select(RoleAssignment.id)
    .where(RoleAssignment.ended_at.is_(None), RoleAssignment.valid_to < bindparam("today"))
    .order_by(RoleAssignment.id)
    .limit(BATCH)
)


def end_run_out(now: datetime) -> int:
    """End the roles whose last day is over and hand over what was open in them; answers how many cases went over.

    A missed run loses nothing. Who holds the same role anew from then on keeps the work.
    """
    over = 0
    while batch := rows(_ran_out, today=now.date()):
        for role in batch:
            with unit_of_work() as session:
                over += _end(session, role.id, now)
    return over


def _end(session: Session, role_id: Any, now: datetime) -> int:
    found = select(RoleAssignment).where(RoleAssignment.id == role_id).with_for_update()
    role = session.execute(found).scalar_one()
    if role.ended_at is not None:
        return 0  # by somebody just now
    held = roles_in_force(session, role.account_id, now.date())
    if any(_place(one) == _place(role) for one in held if one.valid_from <= now.date()):
        end_roles(session, role.account_id, [role], now, None)
        return 0
    over = end_and_hand_over(session, role.account_id, [role], now, None)
    if not held and role.role not in OF_RESIDENTS:  # like who leaves, they stay somebody of the town
        give_role(session, role.account_id, NewAccount("", "", "resident", role.area_code[:9]), now.date())
    return over


def _place(role: RoleAssignment) -> tuple[str, str, str | None]:
    return role.role, role.area_code, role.department
