"""Boundaries that hold from a day on: examined when they are planned, drawn when the day has come.

What was filed before keeps the grid it fell in.
"""

import uuid
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.http.ids import new_id
from backend.http.problems import Conflict, Invalid, NotFound
from backend.http.versions import require_match
from backend.http.work import unit_of_work
from backend.ledger.record import record
from backend.territory.boundaries import BoundariesRefused, import_boundaries
from backend.territory.location import forget
from backend.territory.settings_tables import Redrawing
from backend.territory.tables import Area


def plan_redrawing(
    session: Session,
    document: Mapping[str, Any],
    crs: str,
    source: str,
    effective_on: date,
    *,
    actor: uuid.UUID,
    scopes: Iterable[str],
    now: datetime,
) -> Redrawing:
    """Keep boundaries of one town that are to hold from a later day on. Commits nothing.

    Raises BoundariesRefused and BadCrs as an import today would, and Invalid for a day not ahead, or several towns.
    """
    if effective_on <= now.date():
        message = ("生效日期应晚于今天；今天生效请直接导入。", "The day lies ahead; for today, import the boundaries.")
        raise Invalid({"effective_on": [message]})
    examined = import_boundaries(
        session, document, crs, source=source, actor=actor, now=now, scopes=scopes, dry_run=True
    )
    if examined.faults:
        raise BoundariesRefused(examined.faults)
    towns = {draft.code[:9] for draft in examined.accepted}
    if len(towns) != 1 or session.get(Area, min(towns)) is None:
        raise Invalid({"features": [("每次只能调整一个已有的镇。", "One town that exists at a time.")]})
    plan = Redrawing(
        id=new_id(),
        town_code=min(towns),
        effective_on=effective_on,
        crs=crs,
        source=source,
        document=dict(document),
        features=len(examined.accepted),
        status="planned",
        planned_by=actor,
        planned_at=now,
        version=1,
    )
    session.add(plan)
    session.flush()
    _tell(session, plan, "plan_redrawing", actor, now)
    return plan


def cancel_redrawing(
    session: Session, id: uuid.UUID, scopes: Iterable[str], actor: uuid.UUID, now: datetime
) -> Redrawing:
    """Give up a plan whose day has not come. Raises NotFound, Conflict (settled) and what `require_match` raises."""
    plan = session.get(Redrawing, id, with_for_update=True)
    if plan is None or not plan.town_code.startswith(tuple(scopes)):
        raise NotFound
    require_match(plan.version)
    if plan.status != "planned":
        raise Conflict
    _settle(session, plan, "cancelled", actor, now)
    return plan


def redraw_due(now: datetime) -> int:
    """Draw all boundaries whose day has come, oldest first; answers how many. What no longer fits is refused, and kept
    with its status for the admin to see."""
    due = select(Redrawing.id).where(Redrawing.status == "planned", Redrawing.effective_on <= now.date())
    with unit_of_work() as session:
        ids = list(session.execute(due.order_by(Redrawing.effective_on, Redrawing.id)).scalars())
    for id in ids:
        _draw(id, now)
    return len(ids)


def _draw(id: uuid.UUID, now: datetime) -> None:
    try:
        with unit_of_work() as session:
            plan = session.get_one(Redrawing, id, with_for_update=True)
            if plan.status != "planned":
                return
            import_boundaries(session, plan.document, plan.crs, source=plan.source, actor=plan.planned_by, now=now)
            _settle(session, plan, "applied", None, now)
    except BoundariesRefused:
        with unit_of_work() as session:
            _settle(session, session.get_one(Redrawing, id, with_for_update=True), "refused", None, now)
    forget()


def _settle(session: Session, plan: Redrawing, status: str, actor: uuid.UUID | None, now: datetime) -> None:
    plan.status, plan.settled_at = status, now
    plan.version += 1
    session.flush()
    _tell(session, plan, f"redrawing_{status}", actor, now)


def _tell(session: Session, plan: Redrawing, action: str, actor: uuid.UUID | None, now: datetime) -> None:
    record(
        session,
        town=plan.town_code,
        actor=actor,
        action=action,
        thing=("redrawing", str(plan.id)),
        version=plan.version,
        occurred_at=now,
        details={"effective_on": str(plan.effective_on), "features": plan.features, "source": plan.source},
    )
