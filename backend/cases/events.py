"""Every action leaves an event with the case, and an entry in the ledger."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from backend.cases.retention_tables import CaseEnd
from backend.cases.tables import CaseEvent
from backend.cases.workflow import ENDED
from backend.http.work import add
from backend.ledger.record import record


@dataclass(frozen=True)
class After:
    """What an event needs to know of the case after the action."""

    id: uuid.UUID
    town_code: str
    status: str
    version: int


@dataclass(frozen=True)
class Before:
    """What the case was before the action: its status, who had it, and the step the action ended (if any)."""

    status: str
    holder: str | None
    step: str | None = None
    step_started_at: datetime | None = None
    step_due_at: datetime | None = None


def append_event(
    session: Session,
    case: After,
    before: Before | None,
    action: str,
    actor: uuid.UUID | None,
    role: str,
    now: datetime,
    note: str | None = None,
    details: Mapping[str, Any] | None = None,
    internal: bool = False,
    kept: Mapping[str, Any] | None = None,
) -> None:
    """Append the event that made the case's present version, after the case itself was written.

    Of a case at an end it is noted that this is to go when its time is over (retention.py).
    `internal`: not for whoever reported the case. `kept` are details that stand with the case alone, not in the ledger.
    """
    event = {
        "case_id": case.id,
        "version": case.version,
        "action": action,
        "from_status": before.status if before else None,
        "to_status": case.status,
        "actor_id": actor,
        "actor_role": role,
        "note": note,
        "details": {**(details or {}), **(kept or {})},
        "internal": internal,
        "holder": before.holder if before else None,
        "step": before.step if before else None,
        "step_started_at": before.step_started_at if before else None,
        "step_due_at": before.step_due_at if before else None,
        "occurred_at": now,
        "recorded_at": now,
    }
    add(session, CaseEvent, event)
    if case.status in ENDED and action != "expire":
        end = {"case_id": case.id, "version": case.version, "town_code": case.town_code, "ended_at": now}
        add(session, CaseEnd, end)
    told = {"from": event["from_status"], "to": case.status, "role": role, "note": note, **(details or {})}
    record(
        session,
        town=case.town_code,
        actor=actor,
        action=action,
        thing=("case", str(case.id)),
        version=case.version,
        occurred_at=now,
        details=told,
    )
