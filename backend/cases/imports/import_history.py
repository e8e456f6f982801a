"""A foreign case made one of ours: the case as it stands, and a history that leads there by the workflow's own rows.

The other system tells when a case was reported, handled and closed. What our loop has in between is placed at the
nearest of these instants, and every event says that it was imported, so that nobody takes it for somebody's act here.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backend.cases.imports.import_rows import ForeignCase
from backend.cases.public.publication import public_from
from backend.cases.reporter.redaction import redacted
from backend.cases.rules.categories import Category
from backend.cases.search.search import Searched
from backend.cases.tables import Case
from backend.cases.timing.deadlines import due
from backend.cases.workflow import ACTIONS, STEP
from backend.ledger.record import entry
from backend.territory.calendar import WorkCalendar
from backend.territory.cells import cell
from backend.territory.coordinates import Point

ROLE = "import"
_NAMESPACE = uuid.UUID("6f1d0f0c-5d8b-5c36-9d0a-1f8f0b6a2c11")
_MAIN_LINE = ("report", "accept", "dispatch", "start", "hand_in", "pass_check", "close")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a foreign case belongs: an area, and what those may see who may not see the exact point."""

    area_code: str
    coarse: Point | None


@dataclass(frozen=True, slots=True)
class History:
    """All rows of one imported case, by column; `number` is drawn when they are written."""

    id: uuid.UUID
    case: dict[str, Any]
    events: list[dict[str, Any]]
    ledger_entry: dict[str, Any]
    text: Searched

    @property
    def end(self) -> dict[str, Any]:
        """That the case, if it has ended, waits from its import on for what is personal in it to go."""
        names = ("version", "town_code")
        return {"case_id": self.id, **{name: self.case[name] for name in names}, "ended_at": self.case["recorded_at"]}


def case_id(source: str, external_id: str) -> uuid.UUID:
    """The id of a foreign case: always the same, so that importing it twice adds it once."""
    return uuid.uuid5(_NAMESPACE, f"{source}\n{external_id}")


def history(
    foreign: ForeignCase,
    kind: Category,
    source: str,
    place: Place,
    calendar: WorkCalendar,
    crs: str | None,
    now: datetime,
) -> History:
    """The rows a foreign case of a category becomes. `calendar` is for the deadlines the other system does not tell."""
    identity = case_id(source, foreign.external_id)
    case = _case(foreign, identity, source, place, kind, crs, now)
    events = [_event(case, number, action) for number, action in enumerate(_actions(foreign), start=1)]
    for event in events:
        _apply(event, case, foreign, kind, calendar)
    events[0]["details"] |= {"source": source, "external_id": foreign.external_id}
    case["version"] = len(events)
    told = {"source": source, "external_id": foreign.external_id, "to": case["status"], "role": ROLE}
    imported = entry(
        case["town_code"], None, "import", ("case", str(identity)), case["version"], foreign.filed_at, told
    )
    text = (identity, foreign.description, case["redacted"], case["occurred_at"])
    return History(identity, case, events, imported, text)


def _actions(foreign: ForeignCase) -> list[str]:
    if foreign.status in ("declined", "withdrawn"):
        return ["report", "decline" if foreign.status == "declined" else "withdraw"]
    reached = ["reported", *(ACTIONS[name].to for name in _MAIN_LINE[1:])].index(foreign.status)
    rated = foreign.status == "closed" and foreign.rating is not None
    return [*_MAIN_LINE[: reached + 1], *(["rate"] if rated else [])]


def _case(
    foreign: ForeignCase,
    identity: uuid.UUID,
    source: str,
    place: Place,
    kind: Category,
    crs: str | None,
    now: datetime,
) -> dict[str, Any]:
    lon, lat = foreign.point or (None, None)
    original_lon, original_lat = foreign.given_point or (None, None)
    coarse_lon, coarse_lat = place.coarse or (None, None)
    return dict.fromkeys(column.key for column in Case.__table__.c) | {
        "id": identity,
        "town_code": place.area_code[:9],
        "village_code": place.area_code[:12],
        "area_code": place.area_code,
        "category": kind.code,
        "description": foreign.description,
        "redacted": redacted(foreign.description),
        "address": foreign.address,
        "lon": lon,
        "lat": lat,
        "cell": None if lon is None or lat is None else cell(lon, lat),
        "original_lon": original_lon,
        "original_lat": original_lat,
        "original_crs": crs if foreign.given_point else None,
        "coarse_lon": coarse_lon,
        "coarse_lat": coarse_lat,
        "reporting": "anonymous",  # nobody here knows who it was
        "occurred_at": foreign.filed_at,
        "recorded_at": now,
        "source": source,
    }


def _event(case: Mapping[str, Any], version: int, action: str) -> dict[str, Any]:
    return {
        "case_id": case["id"],
        "version": version,
        "action": action,
        "from_status": None,
        "to_status": None,
        "actor_id": None,
        "actor_role": ROLE,
        "note": None,
        "details": {"imported": True},
        "holder": None,
        "step": None,
        "step_started_at": None,
        "step_due_at": None,
        "occurred_at": None,
        "recorded_at": case["recorded_at"],
    }


def _apply(
    event: dict[str, Any], case: dict[str, Any], foreign: ForeignCase, kind: Category, calendar: WorkCalendar
) -> None:
    """Let an event happen to the case, as `acting` would have."""
    action, at = event["action"], _instant(event["action"], foreign)
    before, after = case["status"], "reported" if action == "report" else ACTIONS[action].to or case["status"]
    event |= {"from_status": before, "to_status": after, "holder": case["holder"], "occurred_at": at}
    case["status"] = after
    if action == "report":
        case["case_started_at"] = at
        case["case_due_at"] = foreign.due_at or due(at, kind.limits["case"], calendar)
    elif action == "accept":
        case["accepted_at"] = at
        # Delayed at random like all others: history must not be told from what is filed here.
        case["public_at"] = public_from(at) if kind.public else None
    elif action == "dispatch":
        case["holder"] = case["village_code"]
        event["details"] |= {"department": case["holder"]}
    elif action == "rate":
        case["rating"] = foreign.rating
        event["details"] |= {"score": foreign.rating}
    if action in ("hand_in", "decline"):
        event["note"] = foreign.note
    if after == "closed" and before != "closed":
        case["closed_at"] = at
    if STEP.get(after) != STEP.get(before):
        event |= {"step": STEP.get(before), "step_started_at": case["step_started_at"], "step_due_at": case["due_at"]}
        _begin_step(STEP.get(after), case, at, foreign, kind, calendar)


def _begin_step(
    step: str | None, case: dict[str, Any], at: datetime, foreign: ForeignCase, kind: Category, calendar: WorkCalendar
) -> None:
    case["step_started_at"] = at if step else None
    if step is None:
        case["due_at"] = None
    elif step == "handle" and foreign.due_at is not None:
        case["due_at"] = foreign.due_at
    else:
        case["due_at"] = due(at, kind.limits[step], calendar)


def _instant(action: str, foreign: ForeignCase) -> datetime:
    if action in ("report", "accept", "dispatch"):
        return foreign.filed_at
    if action in ("start", "hand_in"):
        return foreign.handled_at or foreign.filed_at
    return foreign.closed_at or foreign.handled_at or foreign.filed_at
