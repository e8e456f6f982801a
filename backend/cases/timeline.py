"""A case's history: its own events by version, never the ledger."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, bindparam, or_, select

from backend.cases.case_row import PERSON
from backend.cases.reporter.redaction import redact
from backend.cases.sight import Sight
from backend.cases.tables import CaseEvent
from backend.cases.workflow import ACTIONS, BY_ITSELF
from backend.http.reading import rows
from backend.people.access import TABLE

_events = (
    select(
        CaseEvent.version,
        CaseEvent.action,
        CaseEvent.from_status,
        CaseEvent.to_status,
        CaseEvent.actor_id,
        CaseEvent.actor_role,
        CaseEvent.note,
        CaseEvent.details,
        CaseEvent.internal,
        CaseEvent.holder,
        CaseEvent.step,
        CaseEvent.step_due_at,
        CaseEvent.occurred_at,
    )
    .where(
        CaseEvent.case_id == bindparam("case"),
        CaseEvent.version > bindparam("after", type_=CaseEvent.version.type),
        or_(CaseEvent.internal.is_(False), bindparam("internal", type_=CaseEvent.internal.type)),
    )
    .order_by(CaseEvent.version)
    .limit(bindparam("limit", type_=CaseEvent.version.type))
)
_OTHER_NAMES = {"report": "上报", "import": "导入", "part": "拆分件", "give_task": "下达任务"} | {
    row.name: row.zh for row in BY_ITSELF.values()
}
_NONE: Mapping[int, Mapping[str, Any]] = {}
# Who sees a case masked could otherwise write names down, and read which one is gone.
_MASKED = {role for role, letters in TABLE["read_case"].items() if "m" in letters}


def events(case_id: uuid.UUID, after: int, limit: int, internal: bool = False) -> list[Row[Any]]:
    """Up to `limit` events of a case after a version, oldest first; the internal ones only when they are asked for."""
    return list(rows(_events, case=case_id, after=after, limit=limit, internal=internal))


def show_event(
    event: Row[Any],
    me: Collection[uuid.UUID | None],
    seen: Sight,
    sealed: Mapping[int, Mapping[str, Any]] = _NONE,
    reporter: bool = False,
    known: Sequence[str] = (),
    apart: Collection[int] = (),
    looks: bool = True,
) -> dict[str, Any]:
    """An event as JSON. Who acted is told by role; a reader with a masked sight gets the note redacted.

    `me`: the reader's account and, where they reported the case, their pseudonym in it. `sealed`: what was said at the
    versions of a protected report (sealed_notes.py). `reporter`: to them a merged case is where its head is, and its
    head's steps are its own. `known`: what its reporter is known by, to be taken out of what those say who may know it.
    `apart`: the versions whose words the desk has not looked at yet (later_words.py); `looks`: the reader reads these.
    """
    said = event.details | sealed.get(event.version, {})
    action, from_status, to_status = (
        _as_reported(event, said) if reporter else (event.action, event.from_status, event.to_status)
    )
    role = said.get("by", event.actor_role) if reporter else event.actor_role
    named, places, note = ACTIONS.get(action), said.get("places"), event.note or said.get("note")
    if event.version in apart and not looks:
        note = None
    return {
        "version": event.version,
        "action": action,
        "action_name": named.zh if named else _OTHER_NAMES.get(action, action),
        "from_status": from_status,
        "to_status": to_status,
        "actor": {"role": role, "me": event.actor_id is not None and event.actor_id in me},
        "note": note if seen.text or note is None else redact(note, () if event.actor_role in _MASKED else known),
        "department": said.get("department"),
        "departments": said.get("departments"),
        "answer": said.get("answer"),
        "areas": said.get("areas"),
        "places": places if seen.text and seen.place else None,
        "score": said.get("score"),
        "solved": said.get("solved"),
        "reasons": said.get("reasons", []),
        "closing": said.get("closing"),
        "goes_to": said.get("goes_to"),
        "channel": said.get("channel"),
        "until": said.get("until"),
        "leader": said.get("leader"),
        "finding": said.get("finding"),
        "category": said.get("category"),
        "old_category": said.get("old_category"),
        **_deadline_moved(event.action, said),
        "ended_step": _ended_step(event),
        "tags": event.details.get("tags"),
        "internal": event.internal,
        "apart": event.version in apart and looks,
        "occurred_at": event.occurred_at,
    }


def _as_reported(event: Row[Any], said: Mapping[str, Any]) -> tuple[str, str | None, str]:
    if event.action == "follow":
        return said["step"], said["from"], said["course"]
    if event.action == "close_with_head":
        return "close", "checked", "closed"
    course = said.get("course")
    if event.to_status == "merged":
        return event.action, course, course or "accepted"
    return event.action, course if event.from_status == "merged" else event.from_status, event.to_status


def _deadline_moved(action: str, details: Mapping[str, Any]) -> dict[str, Any]:
    if action in ("extend", "suspend"):  # these keep what was before, and when it is to go on
        return {"old_due_at": details.get("due_at"), "due_at": details.get("until") if action == "extend" else None}
    old = details.get("old_due_at")
    return {"old_due_at": old, "due_at": details.get("due_at") if old else None}


def _ended_step(event: Row[Any]) -> dict[str, Any] | None:
    if event.step is None or event.step_due_at is None:
        return None
    holder = event.holder if event.step == "handle" and not (event.holder or "").startswith(PERSON) else None
    late = event.occurred_at > event.step_due_at
    return {"step": event.step, "holder": holder, "due_at": event.step_due_at, "late": late}
