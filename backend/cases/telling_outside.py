"""What is told outside (to webhooks) of a step of a case: what a masked reader sees of it, and nothing said in words.

Of a case that is not accepted, or protected, nothing is told, nor of anything before it was accepted.
"""

import uuid
from typing import Any

from sqlalchemy import bindparam, select

from backend.cases.case_row import PERSON
from backend.cases.protection.protected import PROTECTED
from backend.cases.tables import Case, CaseEvent
from backend.cases.workflow import ACTIONS
from backend.http.reading import row

_step = (
    select(CaseEvent.action, CaseEvent.to_status, CaseEvent.internal, CaseEvent.occurred_at.label("at"))
    .add_columns(Case.id, Case.number, Case.village_code, Case.category, Case.holder)
    .add_columns(Case.reporting, Case.accepted_at, Case.coarse_lon, Case.coarse_lat)
    .join(Case, Case.id == CaseEvent.case_id)
    .where(CaseEvent.case_id == bindparam("case"), CaseEvent.version == bindparam("version"))
)


def told_outside(case_id: uuid.UUID, version: int) -> dict[str, Any] | None:
    """What is told of the step that made a version of a case; None where nothing is."""
    step = row(_step, case=case_id, version=version)
    if step is None or step.reporting == PROTECTED or step.internal:
        return None
    action = ACTIONS.get(step.action)
    if action is None or action.to is None or step.accepted_at is None or step.at < step.accepted_at:
        return None
    place = {"lon": step.coarse_lon, "lat": step.coarse_lat, "crs": "wgs84"} if step.coarse_lon is not None else None
    case = {"id": step.id, "number": step.number, "status": step.to_status, "version": version}
    holder = None if (step.holder or "").startswith(PERSON) else step.holder
    case |= {"category": step.category, "village": step.village_code, "holder": holder, "place": place}
    return {"type": f"case.{step.action}", "timestamp": step.at.isoformat(), "data": case}
