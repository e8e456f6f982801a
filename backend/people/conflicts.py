"""The conflict list: in which villages a person is not impartial. The admin enters it; it is in force at once."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend.http.ids import new_id
from backend.http.problems import NotFound, Problem
from backend.http.reading import row, rows
from backend.ledger.record import record
from backend.people.access import Caller, covers
from backend.people.administering import OwnAccount
from backend.people.tables import Account
from backend.people.trust_tables import Conflict
from backend.territory.location import territory

_account = select(Account.id).where(Account.id == bindparam("account"))
_listed = (
    select(Conflict.id, Conflict.account_id, Account.name, Conflict.area_code, Conflict.reason, Conflict.entered_at)
    .join(Account, Account.id == Conflict.account_id)
    .where(Conflict.ended_at.is_(None))
    .order_by(Conflict.id)
)


class UnfitConflict(Problem):
    """An entry about nobody or about no village of the caller's town."""

    status, code = 422, "unfit_conflict"
    zh, en = (
        "没有这个账号，或这个村（社区）不在您的镇内，请核对后再提交。",
        "There is no such account, or no such village in your town; check and send again.",
    )


class AlreadyListed(Problem):
    """A conflict that stands already."""

    status, code = 409, "already_listed"
    zh, en = "这一条已在回避名单上。", "This is on the conflict list already."


def enter_conflict(
    session: Session, caller: Caller, account: uuid.UUID, village: str, reason: str, now: datetime
) -> uuid.UUID:
    """Put a person and a village on the list; answers the entry's id. Raises UnfitConflict, AlreadyListed."""
    known = territory().areas
    if not _may(caller, village) or (known and village not in known) or row(_account, account=account) is None:
        raise UnfitConflict
    entered = new_id()
    entry = {"id": entered, "account_id": account, "area_code": village, "reason": reason}
    try:
        session.execute(insert(Conflict), entry | {"entered_by": caller.account_id, "entered_at": now})
    except IntegrityError as error:
        raise AlreadyListed from error
    details = {"account": str(account), "area_code": village, "reason": reason}
    _record(session, caller, entered, village, "enter_conflict", 1, now, details)
    return entered


def end_conflict(session: Session, caller: Caller, conflict_id: uuid.UUID, now: datetime) -> None:
    """Take an entry off the list. Raises NotFound, and OwnAccount for an entry about the caller."""
    found = next((one for one in conflicts(caller) if one["id"] == conflict_id), None)
    if found is not None and found["account_id"] == caller.account_id:
        raise OwnAccount
    ended = (
        update(Conflict)
        .where(Conflict.id == conflict_id, Conflict.ended_at.is_(None))
        .values(ended_by=caller.account_id, ended_at=now)
    )
    if found is None or session.connection().execute(ended).rowcount != 1:
        raise NotFound
    _record(session, caller, conflict_id, found["area_code"], "end_conflict", 2, now, {})


def conflicts(caller: Caller) -> list[dict[str, Any]]:
    """The entries that stand in the caller's towns."""
    return [dict(found._mapping) for found in rows(_listed) if _may(caller, found.area_code)]


def _may(caller: Caller, village: str) -> bool:
    return any(covers(grant.area_code, village) for grant, _ in caller.allowed("keep_conflicts"))


def _record(
    session: Session,
    caller: Caller,
    conflict_id: uuid.UUID,
    village: str,
    action: str,
    version: int,
    now: datetime,
    details: dict[str, str],
) -> None:
    record(
        session,
        town=village[:9],
        actor=caller.account_id,
        action=action,
        thing=("conflict", str(conflict_id)),
        version=version,
        occurred_at=now,
        details=details,
    )
