"""Clearing a dispatcher or inspector for protected reports: an admin and a committee member sign, in either order."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, and_, bindparam, exists, or_, select
from sqlalchemy.orm import Session

from backend.http.ids import new_id
from backend.http.problems import NotFound, Problem
from backend.http.reading import row, rows
from backend.ledger.record import record
from backend.people.access import Caller, covers
from backend.people.tables import Account, RoleAssignment
from backend.people.trust_tables import Clearing, Conflict

CLEARABLE = ("dispatcher", "inspector")
SIDES = ("admin", "committee")

stands = and_(
    Clearing.admin_at.is_not(None),
    Clearing.committee_at.is_not(None),
    Clearing.revoked_at.is_(None),
)
"""Whether a clearing is in force."""
held_today = and_(
    RoleAssignment.valid_from <= bindparam("today"),
    or_(RoleAssignment.valid_to.is_(None), RoleAssignment.valid_to >= bindparam("today")),
    RoleAssignment.ended_at.is_(None),
)
_assignment = select(RoleAssignment.id, RoleAssignment.account_id, RoleAssignment.area_code).where(
    RoleAssignment.account_id == bindparam("account"),
    RoleAssignment.role == bindparam("role"),
    RoleAssignment.area_code == bindparam("area"),
    held_today,
)
_of_assignment = select(RoleAssignment.account_id, RoleAssignment.area_code).where(
    RoleAssignment.id == bindparam("assignment")
)
_listed = (
    select(
        *Clearing.__table__.c,
        stands.label("stands"),
        RoleAssignment.account_id,
        RoleAssignment.role,
        RoleAssignment.area_code,
        Account.name,
    )
    .join(RoleAssignment, RoleAssignment.id == Clearing.assignment_id)
    .join(Account, Account.id == RoleAssignment.account_id)
)
_standing = _listed.where(Clearing.revoked_at.is_(None), held_today).order_by(Clearing.id)
_reader = select(Account.id).where(
    stands,
    Clearing.assignment_id == RoleAssignment.id,
    RoleAssignment.role.in_(bindparam("roles", expanding=True)),
    RoleAssignment.area_code == bindparam("town"),
    held_today,
    Account.id == RoleAssignment.account_id,
    Account.active,
    ~exists().where(
        Conflict.account_id == Account.id, Conflict.area_code == bindparam("village"), Conflict.ended_at.is_(None)
    ),
)
_officers_here = select(RoleAssignment.account_id).where(
    RoleAssignment.role == "village_officer", RoleAssignment.area_code == bindparam("village"), held_today
)


class NoSuchRole(Problem):
    """Somebody who does not hold the role that is to be cleared."""

    status, code = 422, "no_such_role"
    zh = "此人目前没有这个范围内的该角色，请核对后再提交。"
    en = "This person does not hold that role for that area today; check and send again."


class OwnClearing(Problem):
    """Somebody who would clear themselves."""

    status, code = 409, "own_clearing"
    zh, en = "不能为自己签署保密授权，请由他人办理。", "Nobody signs their own clearing; let somebody else do it."


class OtherSignatureNeeded(Problem):
    """A second signature by the person who gave the first, or on the side that has signed."""

    status, code = 409, "other_signature_needed"
    zh = "保密授权须由管理员和镇委各一人签署：您或您一方已签，请由另一方的另一人签署。"
    en = "A clearing takes an admin and a committee member: your side has signed, the other has yet to."


def sign(session: Session, caller: Caller, account: uuid.UUID, role: str, area: str, now: datetime) -> uuid.UUID:
    """Sign that a role of an account be cleared, as admin or committee member of its town; answers the clearing's id.

    Raises NoSuchRole, OwnClearing, OtherSignatureNeeded; the caller of this commits.
    """
    values = {"account": account, "role": role, "area": area, "today": now.date()}
    assignment = row(_assignment, **values)
    sides = _sides(caller, area)
    if assignment is None or not sides:
        raise NoSuchRole
    if account == caller.account_id:
        raise OwnClearing
    found = session.scalars(
        select(Clearing).where(Clearing.assignment_id == assignment.id, Clearing.revoked_at.is_(None)).with_for_update()
    ).one_or_none()
    if found is None:
        found = Clearing(id=new_id(), assignment_id=assignment.id, version=0)
        session.add(found)
    _put_name(found, sides, caller.account_id, now)
    session.flush()
    action = "confirm_clearing" if found.admin_at and found.committee_at else "propose_clearing"
    _record(session, found, area, caller, action, now, account=str(account), role=role)
    return found.id


def revoke(session: Session, caller: Caller, clearing_id: uuid.UUID, reason: str, now: datetime) -> None:
    """End a clearing, or a proposal of one; one person is enough. Raises NotFound; the caller of this commits."""
    found = session.scalars(
        select(Clearing).where(Clearing.id == clearing_id, Clearing.revoked_at.is_(None)).with_for_update()
    ).one_or_none()
    held = row(_of_assignment, assignment=found.assignment_id) if found else None
    if found is None or held is None or not _sides(caller, held.area_code):
        raise NotFound
    found.revoked_by, found.revoked_at, found.version = caller.account_id, now, found.version + 1
    session.flush()
    _record(session, found, held.area_code, caller, "revoke_clearing", now, reason=reason)


def clearings(caller: Caller, today: date) -> list[dict[str, Any]]:
    """The clearings and proposals that stand in the caller's towns."""
    return [_shown(found) for found in rows(_standing, today=today) if found.area_code[:9] in caller.towns]


def clearing(clearing_id: uuid.UUID) -> dict[str, Any]:
    """One clearing. Raises NotFound."""
    found = row(_listed.where(Clearing.id == bindparam("id")), id=clearing_id)
    if found is None:
        raise NotFound
    return _shown(found)


def has_reader(village: str, reporter: uuid.UUID, today: date) -> bool:
    """Whether a cleared dispatcher of the town, other than the reporter and impartial in the village, could read."""
    return bool(cleared_for(village, today) - {reporter})


def cleared_for(village: str, today: date, roles: Sequence[str] = ("dispatcher",)) -> set[uuid.UUID]:
    """The accounts that are cleared in one of these roles in a village's town, and impartial in the village."""
    impartial = _reader.where(Account.id.not_in(_officers_here.scalar_subquery()))
    found = rows(impartial, roles=list(roles), town=village[:9], village=village, today=today)
    return {one.id for one in found}


def _sides(caller: Caller, area: str) -> list[str]:
    return [
        side
        for side in SIDES
        if any(grant.role == side and covers(grant.area_code, area) for grant, _ in caller.allowed("clear"))
    ]


def _put_name(found: Clearing, sides: list[str], by: uuid.UUID, now: datetime) -> None:
    for side in sides:
        other = found.committee_id if side == "admin" else found.admin_id
        if getattr(found, f"{side}_id") is None and other != by:
            setattr(found, f"{side}_id", by)
            setattr(found, f"{side}_at", now)
            found.version += 1
            return
    raise OtherSignatureNeeded


def _record(
    session: Session, found: Clearing, area: str, caller: Caller, action: str, now: datetime, **details: str
) -> None:
    record(
        session,
        town=area[:9],
        actor=caller.account_id,
        action=action,
        thing=("clearing", str(found.id)),
        version=found.version,
        occurred_at=now,
        details=details,
    )


def _shown(found: Row[Any]) -> dict[str, Any]:
    return {
        "id": found.id,
        "account_id": found.account_id,
        "name": found.name,
        "role": found.role,
        "area_code": found.area_code,
        "admin_signed_at": found.admin_at,
        "committee_signed_at": found.committee_at,
        "revoked_at": found.revoked_at,
        "cleared": bool(found.stands),
    }
