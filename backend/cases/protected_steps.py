"""What the cleared do with a protected report: the task that comes of it, and its secrecy. Always two people, where the
workflow's row says so, and nothing in any table beside what is sealed."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from backend.cases import secrecy
from backend.cases.case_row import CaseRow
from backend.cases.protected import opened
from backend.cases.sealed_notes import Told, history
from backend.cases.tasks import DONE, WORDED, TaskNotChecked, check_words, given_for, handled_until, release, show_given
from backend.cases.workflow import ACTIONS, Action
from backend.http.problems import Invalid, Problem
from backend.people.access import Caller


class SecondLookNeeded(Problem):
    """Releasing a task one worded oneself, or allowing what one asked for."""

    status, code = 409, "second_person_needed"
    zh = "“{action_name}”须由另一位有保密授权的人办理。"
    en = "{action} is for another cleared person than the one who worded or asked for it."


@dataclass(frozen=True)
class Beside:
    """What a step changes besides what every step does: columns of the case, and what is sealed with its event."""

    columns: dict[str, Any] = field(default_factory=dict)
    said: Mapping[str, Any] = field(default_factory=dict)


def protected_step(
    session: Session, caller: Caller, action: Action, case: CaseRow, request: Mapping[str, Any], now: datetime
) -> Beside:
    """Do what is special about a step of a protected report, or of one that becomes protected.

    Raises SecondLookNeeded, TaskNamesPeople, TaskQuotesReport, TaskNotChecked, Invalid, NoClearedDispatcher, and what
    giving out a task raises; the caller of this commits.
    """
    if action.protected != "only" and action.name not in secrecy.CHANGING:
        return Beside()
    if action.name == "raise_secrecy":
        secrecy.require_reader(caller, case, now)
        seen_by = secrecy.seen_by(session, case, now)
        return Beside(secrecy.changed(session, action.name, case), {"seen_by": seen_by})
    told = history(case.id)
    if not _is_second(caller, action, told):
        raise SecondLookNeeded(action=action.name, action_name=action.zh)
    if action.name in WORDED:
        if request["until"] <= now:
            raise Invalid({"until": [("应晚于现在。", "Give a time after now.")]})
        check_words(request["note"], opened(case).description)
    if action.name == "release_task":
        task, until = release(session, case, told, now)
        return Beside(handled_until(case.town_code, case.category, until, now), {"task": str(task)})
    if action.name == "conclude" and _waits(given_for(told)):
        raise TaskNotChecked
    if action.name == "lower_secrecy":
        return Beside(secrecy.changed(session, action.name, case))
    if action.name in ("ask_lowering", "keep_secrecy"):
        return Beside({"asked": "lowering" if action.name == "ask_lowering" else None})
    return Beside()


def show_protected(caller: Caller, case: CaseRow, within: Session | None = None) -> tuple[dict[str, Any], set[str]]:
    """What a protected report tells besides what every case does, for who sees it; and actions that are not theirs now.

    `within`: with what this unit of work has done so far.
    """
    told = history(case.id, within)
    task = given_for(told, within)
    raised = next((step.said["seen_by"] for step in reversed(told) if "seen_by" in step.said), None)
    shown = {
        "task": show_given(task, case.mine) if task else None,
        "already_seen_by": {"roles": raised, "count": len(raised)} if raised is not None else None,
    }
    barred = {action.name for action in ACTIONS.values() if not _is_second(caller, action, told)}
    return shown, barred | ({"conclude"} if _waits(task) else set())


def _is_second(caller: Caller, action: Action, told: Sequence[Told]) -> bool:
    by: Sequence[uuid.UUID | None] = [step.actor for step in told if step.action in action.second_to]
    return not by or by[-1] != caller.account_id


def _waits(task: Any) -> bool:
    return task is not None and task.status not in DONE
