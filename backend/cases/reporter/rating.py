"""Rating 1 to 5, once for each closing, and where it leads: what is not solved is reopened by the rating itself; what
is rated low is looked into by the inspectors, or reopened, as the town has set.

A rating stands on the case until its next closing, so that a low one counts while the case is open again; the mean of a
town counts each case once, with the rating that stands on it. All ratings stay in the history, each with its closing.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import and_, bindparam, exists, or_, select
from sqlalchemy.orm import Session

from backend.cases.case_row import CaseRow
from backend.cases.protection.protected import PROTECTED
from backend.cases.reporter.rating_tables import LowRating
from backend.cases.tables import Case
from backend.http.reading import AnyRow, rows
from backend.http.work import add
from backend.outbox.messages import ACCOUNT, NOTICE, post
from backend.people.access import Caller
from backend.people.tables import Account, RoleAssignment
from backend.people.trust_tables import Conflict
from backend.territory.town_settings import setting

REASONS: Mapping[str, tuple[str, str]] = {
    "well_done": ("处置到位", "well done"),
    "quick": ("办理及时", "quick"),
    "well_told": ("说明清楚", "well explained"),
    "polite": ("态度好", "polite"),
    "not_done": ("问题未解决", "not done"),
    "half_done": ("处置不彻底", "half done"),
    "came_back": ("问题又出现", "it came back"),
    "slow": ("办理太慢", "slow"),
    "not_told": ("没有说明", "nobody explained"),
    "rude": ("态度不好", "rude"),
    "other": ("其他", "other"),
}
"""Why somebody rates as they do, by code."""

Goes = Literal["inspector", "reopen"]

_inspectors = (
    select(Account.id)
    .join(RoleAssignment, RoleAssignment.account_id == Account.id)
    .where(
        Account.active,
        RoleAssignment.role == "inspector",
        RoleAssignment.area_code == bindparam("town"),
        RoleAssignment.ended_at.is_(None),
        RoleAssignment.valid_from <= bindparam("today"),
        or_(RoleAssignment.valid_to.is_(None), RoleAssignment.valid_to >= bindparam("today")),
        ~exists().where(
            and_(
                Conflict.account_id == Account.id,
                Conflict.ended_at.is_(None),
                Conflict.area_code == bindparam("village"),
            )
        ),
    )
    .distinct()
)
_low = (
    select(
        LowRating.case_id,
        Case.number,
        LowRating.village_code,
        LowRating.score,
        LowRating.rated_at,
        Case.status,
    )
    .join(Case, Case.id == LowRating.case_id)
    .where(Case.reporting != PROTECTED)
    .order_by(LowRating.rated_at.desc(), LowRating.case_id.desc())
)


def goes_to(case: CaseRow, score: int, solved: bool | None) -> Goes | None:
    """Where a rating leads; None: nowhere, the case rests."""
    if solved is False:
        return "reopen"
    if score > int(setting(case.town_code, "low_rating")):
        return None
    if case.reporting == PROTECTED:
        return "reopen"  # most inspectors may not know that there is such a case
    return "reopen" if setting(case.town_code, "low_rating_goes") == "reopen" else "inspector"


def told_of(case: CaseRow, goes: Goes | None) -> dict[str, Any]:
    """What the event of a rating tells besides: the closing that it rates, and where it leads."""
    closing = {"closing": case.closed_at.isoformat()} if case.closed_at else {}
    return closing | ({"goes_to": goes} if goes else {})


def hand_to_inspectors(session: Session, case: CaseRow, score: int, now: datetime) -> None:
    """Put a rating of this case on the inspectors' list, and tell those who do not yield in its village."""
    place = {"town_code": case.town_code, "village_code": case.village_code}
    add(session, LowRating, {"case_id": case.id, "version": case.version + 1, "score": score, "rated_at": now} | place)
    for person in rows(_inspectors, town=case.town_code, village=case.village_code, today=now.date()):
        post(session, NOTICE, f"{ACCOUNT}:{person.id}", "case_low_rated", about=case.id)


def low_ratings(caller: Caller, after: tuple[datetime, uuid.UUID] | None, limit: int) -> Sequence[AnyRow]:
    """Up to `limit` ratings that went to the inspectors of the caller's towns, newest first.

    Without those of villages in which the caller yields, and of cases that are protected by now.
    """
    towns = {grant.area_code[:9] for grant, _ in caller.allowed("read_low_ratings")}
    found = _low.where(LowRating.town_code.in_(towns), LowRating.village_code.not_in(caller.conflicts))
    if after is not None:
        earlier = and_(LowRating.rated_at == after[0], LowRating.case_id < after[1])
        found = found.where(or_(LowRating.rated_at < after[0], earlier))
    return rows(found.limit(limit))
