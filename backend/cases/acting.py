"""Doing an action on a case: the workflow's row, applied."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from backend.cases import calls, merging, overdue, pausing, public_texts, relocating, splitting, tagging
from backend.cases.assigning import require_candidate, tell_person
from backend.cases.case_row import CaseRow, by_name
from backend.cases.categories import Category, UnknownCategory, catalogue
from backend.cases.closing import answer_until
from backend.cases.colours import NO_STEP, step_begins
from backend.cases.correcting import correct_category, deadlines_moved
from backend.cases.courses import courses, follows
from backend.cases.deadlines import due
from backend.cases.events import After, Before, append_event
from backend.cases.holders import require_holder, tell_holder
from backend.cases.protected import PROTECTED
from backend.cases.publication import public_from
from backend.cases.rating import Goes, goes_to, hand_to_inspectors, told_of
from backend.cases.relaying import ASK, REPLY, as_relayed, tell_asker
from backend.cases.sight import acting_as, allowed_actions, offered_for, role_for
from backend.cases.slots import slots_of
from backend.cases.tables import Case
from backend.cases.telling import tell
from backend.cases.workflow import ACTIONS, HANDLING, HOLDING, STATUSES, STEP, WORKERS, Action
from backend.evidence.attaching import attach, require_slots
from backend.http.problems import Invalid, Problem
from backend.http.versions import StaleVersion
from backend.http.work import change
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
    "step_moved",
    "case_moved",
    "leader",
    "supervised_until",
    "assignee",
    "answer_until",
)
# Written only when they change: the scheduler may have turned the case meanwhile, which leaves its version alone.
_SELDOM = ("category", "turns_at", "public_draft_by")


class NotInState(Problem):
    """An action out of turn: the case's status does not have it."""

    status, code = 409, "not_in_state"
    zh = "案件现在是“{state}”，不能“{action}”；您现在可以：{possible}。"
    en = "The case is {case_status}; {action_name} is out of turn. You may do now: {possible_names}."


class ActionNotPermitted(Problem):
    """An action of another role."""

    status, code = 403, "action_not_permitted"
    zh = "您的身份不能对此案件执行“{action}”。"
    en = "Your role may not do {action_name} on this case."


class OwnWork(ActionNotPermitted):
    """Checking or closing what one handled oneself."""

    zh = "您处置过此案件，不能对自己的处置执行“{action}”，请由他人办理。"
    en = "You handled this case, and {action_name} is for somebody else than who handled it."


class OwnDraft(ActionNotPermitted):
    """The second look at a text that one worded oneself."""

    zh = "公开稿是您自己拟的，“{action}”须由另一位人员办理。"
    en = "You worded this text yourself, and {action_name} is for somebody else."


class BeforeAndAfter(Problem):
    """Resolving on the spot without a photo of before, or with one of before as that of after."""

    status, code = 422, "before_and_after"
    zh = "即办需要处置前和处置后的照片各至少一张，且不能是同一张。"
    en = "Resolving on the spot takes a photo from before and another from after the work."


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
    _check_fields(action, request, case)
    role = role_for(caller, action, case, case.mine, case.handled_by_me)
    if role is None:
        raise _not_permitted(caller, action, case)
    if action not in offered_for(case, now):
        raise _out_of_turn(caller, action, case)
    if "department" in request:
        _check_holder(case, request)
    if "person" in request:
        require_candidate(case, request["person"], now)
    if action.name == "resolve":
        _require_before_and_after(case, request["evidence"])
    action, goes = _where_to(action, case, request)
    kind = _kind(case)
    after = case.changed(**_changes(caller, action, case, request, calendar, now))
    values = {name: getattr(after, name) for name in _CHANGING}
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
    compared = case.reporting != PROTECTED
    attach(session, slots_of(action.name, request), case.id, after.version, caller.account_id, actor, compared)
    if action.name == "hand_in" and kind.hand_in_photos:
        require_slots(session, case.id, kind.hand_in_photos, after.version)
    details, kept = {**_details(action, case, after, request, goes), **besides}, None
    if action.name == "correct_place":
        areas, kept = relocating.told(case, after)
        details |= areas
    note, internal = request.get("note") or request.get("reason"), action.internal or bool(request.get("internal"))
    if action.name in (ASK, REPLY):
        note = as_relayed(caller, case, request["note"])
    told = After(after.id, after.town_code, after.status, after.version)
    append_event(
        session,
        told,
        _before(action, case),
        action.name,
        actor,
        appears,
        now,
        note,
        details,
        internal,
        kept,
    )
    _tell(session, action, case, after, request, goes, internal, now)
    return after.changed(handled_by_me=case.handled_by_me or action.name in HANDLING)


def _where_to(action: Action, case: CaseRow, request: Mapping[str, Any]) -> tuple[Action, Goes | None]:
    """The action as it leads on, and where a rating goes."""
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
    now: datetime,
) -> None:
    news = action.to is not None or action.name in ("note", ASK)
    happened = "reopen" if goes == "reopen" else action.name
    tell(session, after, happened, reporter=news and not case.mine and not internal)
    if action.name == REPLY and case.reporting != PROTECTED:  # whoever asked before it was may not know of it any more
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
    if action.name == "unmerge" or action.to == "reopened" or (action.name == "withdraw" and case.status == "merged"):
        merging.part_company(session, case.id)
    if action.name == "split":
        return splitting.split(session, caller.account_id, role, case, request["parts"], calendar, now)
    if action.name in public_texts.STEPS:
        public_texts.keep(session, caller, action.name, case, request, now)
    if action.name == "tag":
        return tagging.retag(session, case, request["tags"])
    if action.name == "whistle":
        return calls.whistle(session, case, request, calendar, now)
    return calls.answer(session, case, request, now) if action.name == "answer" else {}


def _check_holder(case: CaseRow, request: Mapping[str, Any]) -> None:
    require_holder(case.town_code, request["department"])
    if case.holder is None:
        return
    if request["department"] == case.holder:
        raise Invalid({"department": [("案件已由该单位承办。", "It holds the case already; choose another one.")]})
    if not (request.get("note") or request.get("reason") or "").strip():
        raise Invalid({"note": [("转交他人承办请说明原因。", "Say why the case is given to another holder.")]})


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


def _check_fields(action: Action, request: Mapping[str, Any], case: CaseRow) -> None:
    errors: dict[str, Any] = {}
    for name in action.needs:
        value = request.get(name)
        empty = value == [] and name != "tags"  # having none is an answer, too
        if value is None or empty or (isinstance(value, str) and not value.strip()):
            errors[name] = [("必须填写。", "Missing data for required field.")]
    # What is written beside a protected report would not be sealed.
    takes = {"action", *action.needs} if case.reporting == PROTECTED else {"action", *action.needs, *action.takes}
    if case.mine:
        takes.discard("internal")  # what a reporter says, the reporter reads
    for name in set(request) - takes:
        errors[name] = [("这个操作没有这一项。", "This action does not take this field.")]
    if errors:
        raise Invalid(errors=errors)


def _not_permitted(caller: Caller, action: Action, case: CaseRow) -> ActionNotPermitted:
    if action.only == "public_draft" and case.public_draft_by == caller.account_id:
        return OwnDraft(action=action.zh, action_name=action.name)
    own_work = case.handled_by_me and role_for(caller, action, case, case.mine, handled=False) is not None
    return (OwnWork if own_work else ActionNotPermitted)(action=action.zh, action_name=action.name)


def _out_of_turn(caller: Caller, action: Action, case: CaseRow) -> NotInState:
    course = courses([case.id]).get(case.id) if follows(caller, case) else None
    status = course.status if course else case.status
    possible = [ACTIONS[name] for name in allowed_actions(caller, case, case.mine, case.handled_by_me)]
    return NotInState(
        state=STATUSES[status][0],
        case_status=status,
        action=action.zh,
        action_name=action.name,
        possible="、".join(row.zh for row in possible) or "无",
        possible_names=", ".join(row.name for row in possible) or "nothing",
    )


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
        changes |= {"leader": request["leader"], "supervised_until": _later(request["until"], now)}
    if action.name == "correct_category":
        changes |= correct_category(case, request["category"], calendar, now)
    if status == "reopened" and case.status != "reopened":
        changes |= {"case_moved": None, "leader": None, "supervised_until": None}
        changes |= {"closed_at": None, "answer_until": None, "holder": None, "case_started_at": now}
        changes["case_due_at"] = due(now, kind.limits["case"], calendar)
    if status == "closed" and case.status != "closed":
        changes |= {"closed_at": now, "answer_until": answer_until(case.town_code, now), "rating": None}
    if _ends_step(action, case):
        step = STEP.get(status)
        changes |= {**pausing.NOTHING_ASKED, "suspended_until": None, "step_moved": None, "assignee": None}
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


def _require_before_and_after(case: CaseRow, after: Sequence[uuid.UUID]) -> None:
    before = {uuid.UUID(photo) for photo in (case.evidence or "").split(",") if photo}
    if not before or before & set(after):
        raise BeforeAndAfter


def _kind(case: CaseRow) -> Category:
    kind = catalogue(case.town_code).get(case.category)
    if kind is None:
        raise UnknownCategory(category=case.category)
    return kind


def _later(until: datetime, now: datetime) -> datetime:
    if until <= now:
        raise Invalid({"until": [("应晚于现在。", "Give a time after now.")]})
    return until


def _ends_step(action: Action, case: CaseRow) -> bool:
    # Dispatched anew, a case begins a new handling step with whoever has it now.
    return action.to is not None and (action.to == "dispatched" or STEP.get(action.to) != STEP.get(case.status))


def _before(action: Action, case: CaseRow) -> Before:
    if not _ends_step(action, case):
        return Before(case.status, case.holder)
    return Before(case.status, case.holder, STEP.get(case.status), case.step_started_at, case.due_at)
