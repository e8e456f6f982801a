"""Leave: entered by the admin or by whoever goes, ended or struck out by either."""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from backend.http.problems import Invalid, NotFound, Problem
from backend.people.administering import begin_absence
from backend.people.appointing import count_change, tell
from backend.people.roster_tables import Absence

LATEST_ENTRY = timedelta(days=1)
"""How long after its beginning leave may still be entered: who was ill in the morning, not who was last month."""


class LeaveOverlaps(Problem):
    """Leave in a time that is leave already."""

    status, code = 409, "leave_overlaps"
    zh, en = "这段时间已有请假记录，请先结束原来的。", "There is leave in this time already; end that one first."


def take_leave(
    session: Session, account: uuid.UUID, values: Mapping[str, Any], now: datetime, actor: uuid.UUID
) -> uuid.UUID:
    """Enter leave and record it; answers its id. Raises Invalid (ends before it begins, begins long ago) and
    LeaveOverlaps."""
    begins, ends = values["begins_at"], values.get("ends_at")
    if ends is not None and (ends <= begins or ends <= now):
        raise Invalid({"ends_at": [("请假结束时间应晚于开始和现在。", "Leave ends after it begins, and after now.")]})
    if begins < now - LATEST_ENTRY:
        raise Invalid({"begins_at": [("最多补记一天前的请假。", "Leave can be entered up to a day afterwards.")]})
    meets = [Absence.account_id == account, or_(Absence.ends_at.is_(None), Absence.ends_at > begins)]
    if ends is not None:
        meets.append(Absence.begins_at < ends)
    version = count_change(session, account)  # locks the account: of two at once the second sees the first
    if session.execute(select(Absence.id).where(*meets)).first() is not None:
        raise LeaveOverlaps
    made = begin_absence(session, account, begins, ends)
    details = {"begins_at": begins.isoformat(), "ends_at": ends.isoformat() if ends else None}
    tell(session, account, "take_leave", now, actor, version, **details)
    return made


def end_absence(session: Session, account: uuid.UUID, absence: uuid.UUID, now: datetime, actor: uuid.UUID) -> None:
    """End leave now, or strike it out when it has not begun, and record it. Raises NotFound for one that is over."""
    mine = (Absence.id == absence, Absence.account_id == account, Absence.reason == "leave")
    standing = or_(Absence.ends_at.is_(None), Absence.ends_at > now)
    found = session.execute(select(Absence.begins_at).where(*mine, standing).with_for_update()).first()
    if found is None:
        raise NotFound
    if found.begins_at >= now:
        session.execute(delete(Absence).where(*mine))
    else:
        session.execute(update(Absence).where(*mine).values(ends_at=now, version=Absence.version + 1))
    tell(session, account, "end_leave", now, actor, count_change(session, account), absence=str(absence))
