"""Leaving: one action ends a person's work here, from its roles to its sign-ins, and hands over what lies open."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from backend.http.registry import ask
from backend.people.access import SUBSTITUTE
from backend.people.accounts import NewAccount, give_role
from backend.people.appointing import count_change, end_roles, roles_in_force, tell
from backend.people.roster import colleague_of, holder_of
from backend.people.tables import RoleAssignment, SignIn

OF_RESIDENTS = ("resident", "party_member")
"""What a person is, and does not leave."""


@dataclass(frozen=True)
class Taker:
    """Who takes over: the account (None: nobody is there), in which role."""

    account_id: uuid.UUID | None
    role: str


@dataclass(frozen=True)
class EndedRole:
    """A role that somebody has just stopped holding. `department` is a village's code for an officer.

    `taker` answers, for the grid of a case, who comes next: a worker or substitute of the grid, a colleague of the
    department, or the dispatcher.
    """

    role: str
    area_code: str
    department: str | None
    taker: Callable[[str], Taker]


HandOver = Callable[[Session, uuid.UUID | None, Sequence[EndedRole], uuid.UUID | None, datetime], int]
"""The question `hand_over`: give what the account (None: everybody) had taken up in these roles to whoever comes next;
answers how many things went over. Asked with the session, the account, the roles, the actor and the moment."""


@dataclass(frozen=True)
class Left:
    """What an ending came to."""

    roles: int
    sign_ins: int
    handed_over: int


def leave(session: Session, account: uuid.UUID, now: datetime, actor: uuid.UUID | None) -> Left:
    """End all of a person's working roles and all sign-ins now, and hand over their open cases. Commits nothing.

    They stay somebody of the town who can sign in again and see their own reports, and nothing else.
    """
    held = roles_in_force(session, account, now.date())
    working = [role for role in held if role.role not in OF_RESIDENTS]
    over = end_and_hand_over(session, account, working, now, actor)
    if working and len(working) == len(held):
        give_role(session, account, NewAccount("", "", "resident", working[0].area_code[:9]), now.date())
    ended = end_sign_ins(session, account, now, "left")
    tell(session, account, "leave", now, actor, count_change(session, account), sign_ins=ended, handed_over=over)
    return Left(len(working), ended, over)


def end_and_hand_over(
    session: Session, account: uuid.UUID, roles: Sequence[RoleAssignment], now: datetime, actor: uuid.UUID | None
) -> int:
    """End roles of one account and hand over what it had open in them; answers how many cases went over."""
    end_roles(session, account, list(roles), now, actor)
    return hand_over(session, account, [_ended(role, now) for role in roles], now, actor)


def hand_over(
    session: Session, account: uuid.UUID | None, ended: Sequence[EndedRole], now: datetime, actor: uuid.UUID | None
) -> int:
    """Put the question `hand_over`."""
    answered: int = ask("hand_over", session, account, ended, actor, now)
    return answered


def end_sign_ins(session: Session, account: uuid.UUID, now: datetime, why: str) -> int:
    """End all sign-ins of an account: their tokens die at once. Answers how many."""
    standing = select(SignIn.id).where(SignIn.account_id == account, SignIn.revoked_at.is_(None))
    ids = list(session.execute(standing).scalars())
    session.execute(update(SignIn).where(SignIn.id.in_(ids)).values(revoked_at=now, revoked_why=why))
    return len(ids)


def closing(department: str, town: str) -> EndedRole:
    """The end of a department: what it holds goes to the dispatcher."""
    return EndedRole("handler", town, department, lambda _area: Taker(None, "dispatcher"))


def _ended(role: RoleAssignment, now: datetime) -> EndedRole:
    held, department, leaver = role.role, role.department, role.account_id

    def taker(area: str) -> Taker:
        if held in ("grid_worker", SUBSTITUTE):
            holder = holder_of(area, now, without=leaver)
            return Taker(holder.account_id, holder.acting_as) if holder else Taker(None, "dispatcher")
        colleague = colleague_of(held, department, now, without=leaver) if department else None
        return Taker(colleague, held) if colleague else Taker(None, "dispatcher")

    return EndedRole(held, role.area_code, department, taker)
