"""Steps that ran past their time: noted once, with whoever held the case at that moment.

Noted by the scheduler when it sees one (turning.py), and by whatever ends or moves such a step before the scheduler has
seen it, so that a night without it loses nothing.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, text
from sqlalchemy.orm import Session

from backend.cases.case_row import PERSON
from backend.cases.tables import OverdueStep
from backend.cases.workflow import STEP
from backend.http.work import add
from backend.ledger.record import record

_columns = OverdueStep.__table__.c
# The calendar can bring an old deadline back: whoever held the case the first time stays.
_note = text(
    "INSERT INTO overdue_steps (case_id, due_at, step, holder, noted_at)"
    " VALUES (:case_id, :due_at, :step, :holder, :noted_at) ON CONFLICT DO NOTHING"
).bindparams(*(bindparam(column.name, type_=column.type) for column in _columns))


def note_overdue(session: Session, cases: Sequence[Any], now: datetime) -> None:
    """Note that the steps of cases are past their time. Each has id, town_code, status, holder and due_at.

    A department or village holds a case while it is to be handled; the other steps are the town's own.
    """
    for case in cases:  # first all rows of the one kind, then of the other: each kind is written in one go
        step, holder = _held(case)
        row = {"case_id": case.id, "due_at": case.due_at, "step": step, "holder": holder, "noted_at": now}
        add(session, _note, row)
    for case in cases:
        step, holder = _held(case)
        shown = None if (holder or "").startswith(PERSON) else holder  # who it is stands with the case alone
        record(
            session,
            town=case.town_code,
            actor=None,
            action="turn_red",
            thing=("case", str(case.id)),
            version=0,
            occurred_at=now,
            details={"step": step, "holder": shown, "due_at": case.due_at.isoformat()},
        )


def _held(case: Any) -> tuple[str, str | None]:
    step = STEP[case.status]
    return step, case.holder if step == "handle" else None


def note_if_untold(session: Session, case: Any, now: datetime) -> None:
    """Note a step that is past its time, and that the scheduler has not seen yet. `case` has turns_at besides."""
    if case.turns_at is not None and case.due_at is not None and case.due_at < now:
        note_overdue(session, [case], now)
