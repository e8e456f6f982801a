"""What cases tell the score: only of steps the village held, by the day they were due.

A handling step belongs to the period in which it was due, and counts once: in time, late, or never handed in. One sent
back, dispatched anew or withdrawn before it was due is no handling; after that it was late all the same. Filing and
closing do not count, so that a village gains nothing by them; protected reports feed nothing. Reports merged into one
are one problem: what was done with the others before counts no more, unless they go their own way again.
"""

from sqlalchemy import (
    String,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    union_all,
)

from backend.cases.links.link_tables import CaseLink
from backend.cases.protection.protected import counted
from backend.cases.tables import Case, CaseEvent
from backend.extensions import UtcDateTime
from backend.http.registry import Fact

_start = bindparam("period_start", type_=UtcDateTime)
_end = bindparam("period_end", type_=UtcDateTime)
_from = bindparam("town_start", type_=Case.holder.type)
_to = bindparam("town_end", type_=Case.holder.type)

# Of the round that was merged only: what was closed before, and reopened, was a problem of its own.
merged = exists().where(
    CaseLink.case_id == CaseEvent.case_id, CaseLink.kind == "merge", CaseEvent.occurred_at >= CaseLink.since
)
"""Whether an event is of a round that goes with another case now."""

_ended = select(
    CaseEvent.holder.label("village"),
    CaseEvent.case_id.label("id"),
    case((CaseEvent.occurred_at <= CaseEvent.step_due_at, 1), else_=0).label("in_time"),
)
_handed_in = _ended.join(Case, Case.id == CaseEvent.case_id).where(
    # Written out, so that the planner knows the partial index for it.
    CaseEvent.step == literal_column("'handle'"),
    or_(CaseEvent.action == "hand_in", CaseEvent.occurred_at > CaseEvent.step_due_at),
    counted,
    ~merged,
    CaseEvent.holder >= _from,
    CaseEvent.holder < _to,
    CaseEvent.step_due_at >= _start,
    CaseEvent.step_due_at < _end,
)
_never_handed_in = select(Case.holder, Case.id, literal(0)).where(
    # Written out, so that the planners know the partial index of what is held.
    Case.status.in_([literal_column("'dispatched'"), literal_column("'handling'")]),
    counted,
    Case.holder >= _from,
    Case.holder < _to,
    Case.due_at >= _start,
    Case.due_at < _end,
)
_steps = union_all(_handed_in, _never_handed_in).subquery("steps")

HANDLED_IN_TIME = Fact(
    name="handled_in_time",
    room="cases",
    channel="residents",
    select=select(
        _steps.c.village,
        func.sum(_steps.c.in_time).label("numerator"),
        func.count().label("exposure"),
    ).group_by(_steps.c.village),
    behind=select(_steps.c.village, cast(_steps.c.id, String).label("id")),
)

_checks = and_(
    CaseEvent.action.in_([literal_column("'rework'"), literal_column("'pass_check'")]),  # as the index has it
    CaseEvent.case_id == Case.id,
    counted,
    # Other systems do not tell of checks: an imported one was put in between, nobody looked.
    CaseEvent.actor_role != "import",
    ~merged,
    CaseEvent.holder >= _from,
    CaseEvent.holder < _to,
    CaseEvent.occurred_at >= _start,
    CaseEvent.occurred_at < _end,
)
REWORK = Fact(
    name="rework",
    room="cases",
    channel="town",
    select=select(
        CaseEvent.holder.label("village"),
        func.sum(case((CaseEvent.action == "rework", 1), else_=0)).label("numerator"),
        func.count().label("exposure"),
    )
    .where(_checks)
    .group_by(CaseEvent.holder),
    behind=select(CaseEvent.holder.label("village"), cast(CaseEvent.case_id, String).label("id")).where(_checks),
)

FACTS = (HANDLED_IN_TIME, REWORK)
