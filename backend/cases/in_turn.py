"""Whether an action is in turn: what must be said with it, who may do it, and what the case must be like."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from backend.cases.assigning import require_candidate
from backend.cases.case_row import CaseRow
from backend.cases.holders import require_holder
from backend.cases.links.courses import courses, follows
from backend.cases.protection.protected import PROTECTED
from backend.cases.protection.protected_steps import barred_now
from backend.cases.sight import allowed_actions, offered_for, role_for
from backend.cases.workflow import ACTIONS, NOT_SO, STATUSES, Action
from backend.http.fields import blank
from backend.http.problems import Invalid, Problem
from backend.people.access import Caller


class NotInState(Problem):
    """An action out of turn: the case's status does not have it."""

    status, code = 409, "not_in_state"
    zh = "案件现在是“{case_status_name}”，不能“{action_name}”；您现在可以：{possible_names}。"
    en = "The case is {case_status}; {action} is out of turn. You may do now: {possible}."


class NotNow(NotInState):
    """An action that the case's status has, but not the case as it is now."""

    zh = "现在不能“{action_name}”：{cause_zh}您现在可以：{possible_names}。"
    en = "{action} is out of turn: {cause_en} You may do now: {possible}."


class ActionNotPermitted(Problem):
    """An action of another role."""

    status, code = 403, "action_not_permitted"
    zh = "您的身份不能对此案件执行“{action_name}”。"
    en = "Your role may not do {action} on this case."


class OwnWork(ActionNotPermitted):
    """Checking or closing what one handled oneself."""

    zh = "您处置过此案件，不能对自己的处置执行“{action_name}”，请由他人办理。"
    en = "You handled this case, and {action} is for somebody else than who handled it."


class OwnDraft(ActionNotPermitted):
    """The second look at a text that one worded oneself."""

    zh = "公开稿是您自己拟的，“{action_name}”须由另一位人员办理。"
    en = "You worded this text yourself, and {action} is for somebody else."


class BeforeAndAfter(Problem):
    """Resolving on the spot without a photo of before, or with one of before as that of after."""

    status, code = 422, "before_and_after"
    zh = "即办需要处置前和处置后的照片各至少一张，且不能是同一张。"
    en = "Resolving on the spot takes a photo from before and another from after the work."


def require_turn(caller: Caller, action: Action, case: CaseRow, request: Mapping[str, Any], now: datetime) -> str:
    """The role in which the caller does an action on a case as it was read.

    Raises Invalid (fields missing or not taken), ActionNotPermitted, OwnWork, NotInState, UnknownDepartment,
    CannotBeAsked and BeforeAndAfter.
    """
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
    return role


def _check_holder(case: CaseRow, request: Mapping[str, Any]) -> None:
    require_holder(case.town_code, request["department"])
    if case.holder is None:
        return
    if request["department"] == case.holder:
        raise Invalid({"department": [("案件已由该单位承办。", "It holds the case already; choose another one.")]})
    if blank(request.get("note") or request.get("reason") or ""):
        raise Invalid({"note": [("转交他人承办请说明原因。", "Say why the case is given to another holder.")]})


def _require_before_and_after(case: CaseRow, after: Sequence[uuid.UUID]) -> None:
    before = {uuid.UUID(photo) for photo in (case.evidence or "").split(",") if photo}
    if not before or before & set(after):
        raise BeforeAndAfter


def _check_fields(action: Action, request: Mapping[str, Any], case: CaseRow) -> None:
    errors: dict[str, Any] = {}
    for name in action.needs:
        value = request.get(name)
        empty = value == [] and name != "tags"  # having none is an answer, too
        if value is None or empty or (isinstance(value, str) and blank(value)):
            errors[name] = [("必须填写。", "Missing data for required field.")]
    takes = {"action", *action.needs, *action.takes}
    if case.mine:
        takes.discard("internal")  # what a reporter says, the reporter reads
    for name in set(request) - takes:
        errors[name] = [("这个操作没有这一项。", "This action does not take this field.")]
    if errors:
        raise Invalid(errors=errors)


def _not_permitted(caller: Caller, action: Action, case: CaseRow) -> ActionNotPermitted:
    if action.only == "public_draft" and case.public_draft_by == caller.account_id:
        return OwnDraft(action=action.name, action_name=action.zh)
    own_work = case.handled_by_me and role_for(caller, action, case, case.mine, handled=False) is not None
    return (OwnWork if own_work else ActionNotPermitted)(action=action.name, action_name=action.zh)


def _out_of_turn(caller: Caller, action: Action, case: CaseRow) -> NotInState:
    course = courses([case.id]).get(case.id) if follows(caller, case) else None
    status = course.status if course else case.status
    not_now = barred_now(caller, case) if case.reporting == PROTECTED else set()
    allowed = allowed_actions(caller, case, case.mine, case.handled_by_me)
    possible = [ACTIONS[name] for name in allowed if name not in not_now]
    cause = NOT_SO.get(action.only) if status == case.status and status in action.from_ else None
    told: dict[str, Any] = {
        "case_status": status,
        "case_status_name": STATUSES[status][0],
        "action": action.name,
        "action_name": action.zh,
        "possible": ", ".join(row.name for row in possible) or "nothing",
        "possible_names": "、".join(row.zh for row in possible) or "无",
    }
    return NotNow(cause_zh=cause[0], cause_en=cause[1], **told) if cause else NotInState(**told)
