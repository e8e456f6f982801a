"""Doing an action on a case: the workflow's row, applied."""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from backend.cases import calls, relocating
from backend.cases.assigning import tell_person
from backend.cases.case_row import CaseRow, by_name
from backend.cases.closing import answer_until
from backend.cases.events import After, Before, append_event
from backend.cases.holders import tell_holder
from backend.cases.in_turn import require_turn
from backend.cases.links import merging, splitting
from backend.cases.links.courses import courses
from backend.cases.protection import later_words
from backend.cases.protection.protected import PROTECTED
from backend.cases.protection.protected_steps import protected_step
from backend.cases.protection.sealed_notes import keep_said
from backend.cases.protection.secrecy import CHANGING, follow
from backend.cases.public import public_texts
from backend.cases.public.publication import public_from
from backend.cases.reporter.rating import Goes, goes_to, hand_to_inspectors, told_of
from backend.cases.reporter.relaying import ASK, REPLY, as_relayed, tell_asker
from backend.cases.rules import tagging
from backend.cases.rules.categories import Category, UnknownCategory, catalogue
from backend.cases.sight import acting_as
from backend.cases.slots import slots_of
from backend.cases.tables import Case
from backend.cases.telling import ALSO_TOLD, tell
from backend.cases.timing import overdue, pausing
from backend.cases.timing.colours import NO_STEP, step_begins
from backend.cases.timing.correcting import correct_category, deadlines_moved
from backend.cases.timing.deadlines import due, require_coming
from backend.cases.workflow import ACTIONS, HANDLING, HOLDING, STEP, WORKERS, Action
from backend.evidence.attaching import attach, require_slots
from backend.http.versions import StaleVersion
from backend.http.work import change
from backend.outbox.messages import DESK
from backend.people.access import Caller
from backend.territory.calendar import WorkCalendar

_CHANGING = (
    "status",
    "version",
    "holder",
    "accepted_at",
    "step_started_at",
    "due_at",
    "amber_at",
    "case_started_at",
    "case_due_at",
    "closed_at",
    "rating",
    "public_at",
    "asked",
    "asked_until",
    "suspended_until",
    "leader",
    "supervised_until",
    "assignee",
    "answer_until",
)
# Written only when they change: the scheduler may have turned the case meanwhile, which leaves its version alone.
_SELDOM = ("category", "turns_at", "public_draft_by")


def act(
    session: Session,
    caller: Caller,
    case: CaseRow,
    request: Mapping[str, Any],
    calendar: WorkCalendar,
    now: datetime,
) -> CaseRow:
    """Do `request["action"]` on the case as it was read, and answer the case after it.

    Raises Invalid (fields missing or not taken), ActionNotPermitted, OwnWork, NotInState, UnknownDepartment,
    CannotBeAsked, BeforeAndAfter, PhotosMissing, and StaleVersion when another was first; the caller of this commits.
    """
    action = ACTIONS[request["action"]]
    role = require_turn(caller, action, case, request, now)
    action, goes = _where_to(action, case, request)
    special = protected_step(session, caller, action, case, request, now)
    changes = {**_changes(caller, action, case, request, calendar, now), **special.columns}
    after = case.changed(**{name: value for name, value in changes.items() if name in CaseRow._fields})
    values = {name: getattr(after, name) for name in _CHANGING} | special.columns
    if action.name == "correct_place":
        values |= relocating.columns(after)
    values |= {name: getattr(after, name) for name in _SELDOM if getattr(after, name) != getattr(case, name)}
    besides = _besides(session, caller, role, action, case, request, calendar, now)
    stale = StaleVersion(version=case.version + 1)
    change(session, Case, {"id": case.id, "version": case.version}, values, otherwise=stale)
    if after.due_at != case.due_at:
        overdue.note_if_untold(session, case, now)
    # Who holds under their pseudonym resolved on the spot what they reported, and is not told as somebody else either.
    as_reporter = action.permission not in WORKERS or case.holder == by_name(case.pseudonym or case.id)
    appears = acting_as(role, case.mine and as_reporter)
    actor = case.pseudonym if appears == "reporter" and case.pseudonym else caller.account_id
    _attach(session, caller, action, case, request, after.version, actor)
    told = {**_details(action, case, after, request, goes), **besides, **special.said}
    told |= {name: changes[name] for name in _TOLD_OF_CHANGES if name in changes}
    apart = later_words.set_apart(after, role, appears, request)
    _append(session, caller, action, case, after, request, told, (actor, appears), apart, now)
    if action.name in CHANGING:
        follow(session, action.name, case, after, now)
    internal = _is_internal(action, request)
    _tell(session, action, case, after, request, goes, internal, apart, now)
    return after.changed(handled_by_me=case.handled_by_me or action.name in HANDLING)


def _attach(
    session: Session,
    caller: Caller,
    action: Action,
    case: CaseRow,
    request: Mapping[str, Any],
    version: int,
    actor: uuid.UUID,
) -> None:
    compared = case.reporting != PROTECTED
    attach(session, slots_of(action.name, request), case.id, version, caller.account_id, actor, compared)
    slots = _kind(case).hand_in_photos
    if action.name == "hand_in" and slots:
        require_slots(session, case.id, slots, version)


def _append(
    session: Session,
    caller: Caller,
    action: Action,
    case: CaseRow,
    after: CaseRow,
    request: Mapping[str, Any],
    details: dict[str, Any],
    actor: tuple[uuid.UUID, str],
    apart: bool,
    now: datetime,
) -> None:
    """Tell in the case's history what was done; of a protected report what was said with it stands sealed."""
    note = request.get("note") or request.get("reason")
    kept: dict[str, Any] = {later_words.APART: True} if apart else {}
    if action.name == "correct_place":
        areas, points = relocating.told(case, after)
        kept |= points
        details |= areas
    if action.name in (ASK, REPLY):
        note = as_relayed(caller, case, request["note"])
    if PROTECTED in (case.reporting, after.reporting):
        keep_said(session, case.id, after.version, {"note": note, **details})
        note, details = None, {}
    told = After(after.id, after.town_code, after.status, after.version)
    before, internal = _before(action, case), _is_internal(action, request)
    append_event(session, told, before, action.name, *actor, now, note, details, internal, kept)


def _is_internal(action: Action, request: Mapping[str, Any]) -> bool:
    return action.internal or bool(request.get("internal"))


def _where_to(action: Action, case: CaseRow, request: Mapping[str, Any]) -> tuple[Action, Goes | None]:
    """The action as it leads on from where the case is, and where a rating goes."""
    if case.status in action.stays:
        return replace(action, to=None), None
    goes = goes_to(case, request["score"], request.get("solved")) if action.name == "rate" else None
    return (replace(action, to=action.or_to) if goes == "reopen" else action), goes


def _tell(
    session: Session,
    action: Action,
    case: CaseRow,
    after: CaseRow,
    request: Mapping[str, Any],
    goes: Goes | None,
    internal: bool,
    apart: bool,
    now: datetime,
) -> None:
    news = action.to is not None or action.name in ("note", ASK, *CHANGING)
    happened = "reopen" if goes == "reopen" else action.name
    tell(session, after, happened, reporter=news and not case.mine and not internal)
    if apart and ALSO_TOLD.get(happened) != DESK:
        later_words.tell_desk(session, case)
    if action.name == REPLY and not apart:
        tell_asker(session, case.id)
    if goes == "inspector":
        hand_to_inspectors(session, case, request["score"], now)
    if action.name in ("urge", "supervise"):
        tell_holder(session, case, now, "desk" if action.name == "supervise" else None)
    if "person" in request:
        tell_person(session, request["person"], "asked_by_name")


def _besides(
    session: Session,
    caller: Caller,
    role: str,
    action: Action,
    case: CaseRow,
    request: Mapping[str, Any],
    calendar: WorkCalendar,
    now: datetime,
) -> Mapping[str, Any]:
    """Write what an action changes besides the case itself; answers what its event tells of that."""
    if action.name == "merge":
        return merging.merge(session, caller, case, request["into"])
    if action.name == "raise_secrecy":
        merging.leave(session, case, calendar, now)
    if action.name == "unmerge" or action.to == "reopened" or (action.name == "withdraw" and case.status == "merged"):
        merging.part_company(session, case.id)
    if action.to == "reopened" and case.reporting == "part":
        splitting.goes_on(session, case.id)
    if action.name == "split":
        return splitting.split(session, caller.account_id, role, case, request["parts"], calendar, now)
    if action.name in public_texts.STEPS:
        public_texts.keep(session, caller, action.name, case, request, now)
    if action.name == later_words.LET_THROUGH:
        later_words.let_through(session, case)
    if action.name == "tag":
        return tagging.retag(session, case, request["tags"])
    if action.name == "whistle":
        return calls.whistle(session, case, request, calendar, now)
    return calls.answer(session, case, request, now) if action.name == "answer" else {}


_TOLD_OF_CHANGES = ("counted_anew",)
_TOLD = ("department", "score", "solved", "reasons", "leader", "finding", "category")


def _details(
    action: Action, case: CaseRow, after: CaseRow, request: Mapping[str, Any], goes: Goes | None
) -> dict[str, Any]:
    told = {name: request[name] for name in _TOLD if name in request}
    if action.name == "rate":
        told |= told_of(case, goes)
    if "person" in request:
        told["person"] = str(request["person"])
    if "until" in request:
        told["until"] = request["until"].isoformat()
    if case.status == "merged" and (course := courses([case.id]).get(case.id)):
        told["course"] = course.status
    if action.name in ("extend", "suspend") and case.asked_until is not None:
        told |= {"until": case.asked_until.isoformat(), **pausing.deadlines_before(case)}
    if action.name == "correct_category":
        told |= {"old_category": case.category, **deadlines_moved(case, after)}
    return told


def _changes(
    caller: Caller,
    action: Action,
    case: CaseRow,
    request: Mapping[str, Any],
    calendar: WorkCalendar,
    now: datetime,
) -> dict[str, Any]:
    status = action.to or case.status
    changes: dict[str, Any] = {"status": status, "version": case.version + 1}
    kind = _kind(case)
    if action.name in ("accept", "resolve"):
        changes["accepted_at"] = now
        if kind.public:
            changes["public_at"] = public_from(now)
    if action.name in HOLDING:
        changes["holder"] = _holder(action, case, request)
    if action.name in ("assign", "verify", "excuse"):
        changes["assignee"] = request.get("person")
    if action.name == "rate":
        changes["rating"] = request["score"]
    changes |= relocating.changes(action.name, case, request, now)
    changes |= public_texts.changes(caller, action.name, case, now)
    changes |= merging.changes(action.name, case, calendar, now)
    changes |= pausing.more_time(action.name, case, request.get("until"), calendar, now)
    if action.name == "answer":
        changes |= _answered(case, request)
    if action.name == "supervise":
        require_coming(request["until"], now)
        changes |= {"leader": request["leader"], "supervised_until": request["until"]}
    if action.name == "correct_category":
        changes |= correct_category(case, request["category"], calendar, now)
    if action.to in ("reopened", "reported"):
        changes |= {"leader": None, "supervised_until": None}
        changes |= {"closed_at": None, "answer_until": None, "holder": None, "case_started_at": now}
        changes["case_due_at"] = due(now, kind.limits["case"], calendar)
    if status == "closed" and case.status != "closed":
        changes |= {"closed_at": now, "answer_until": answer_until(case.town_code, now), "rating": None}
    if _ends_step(action, case):
        step = STEP.get(status)
        changes |= {**pausing.NOTHING_ASKED, "suspended_until": None, "assignee": None}
        changes |= step_begins(now, kind.limits[step], calendar) if step else NO_STEP
    return {**changes, **splitting.changes(action.name, case, calendar, now)}


def _answered(case: CaseRow, request: Mapping[str, Any]) -> dict[str, Any]:
    rest = case.called_as[1:]
    refused = request["answer"] == "refused"
    return {"called_as": rest, "called": tuple(set(case.called) - {case.called_as[0]}) if refused else case.called}


def _holder(action: Action, case: CaseRow, request: Mapping[str, Any]) -> str | None:
    if action.name == "resolve" and case.pseudonym is not None:
        # Not the village: it gains nothing by what its worker files and does at once.
        return by_name(case.pseudonym)
    return by_name(request["person"]) if "person" in request else request.get("department")


def _kind(case: CaseRow) -> Category:
    kind = catalogue(case.town_code).get(case.category)
    if kind is None:
        raise UnknownCategory(category=case.category)
    return kind


def _ends_step(action: Action, case: CaseRow) -> bool:
    # Dispatched anew, a case begins a new handling step with whoever has it now; raised or lowered, it begins anew.
    anew = action.to in ("dispatched", "reported")
    return action.to is not None and (anew or STEP.get(action.to) != STEP.get(case.status))


def _before(action: Action, case: CaseRow) -> Before:
    if not _ends_step(action, case):
        return Before(case.status, case.holder)
    return Before(case.status, case.holder, STEP.get(case.status), case.step_started_at, case.due_at)
