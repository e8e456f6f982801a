"""What the cleared do with a protected report: the task that comes of it, and its secrecy. Always two people, where the
workflow's row says so, and nothing in any table beside what is sealed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, takewhile
from typing import Any

from sqlalchemy.orm import Session

from backend.cases.case_row import CaseRow
from backend.cases.protection import secrecy
from backend.cases.protection.protected import PROTECTED, opened
from backend.cases.protection.quoting import marked, names_of_town, overlaps
from backend.cases.protection.sealed_notes import Told, history
from backend.cases.protection.tasks import (
    WORDED,
    TaskNotChecked,
    check_words,
    given_for,
    handled_until,
    release,
    show_given,
    wait,
    worded,
)
from backend.cases.timing.deadlines import require_coming
from backend.cases.workflow import ACTIONS, Action
from backend.http.problems import Problem
from backend.people.access import TABLE, Caller
from backend.people.appointing import ROLE_TITLES
from backend.people.clearing import cleared_for

_ANEW = ("raise_secrecy", *(name for name, row in ACTIONS.items() if row.to == "reopened"))


class SecondLookNeeded(Problem):
    """Ending a protected report by whoever worked on it, releasing a task one worded oneself, or allowing what one
    asked for oneself; or any of it when nobody has done the first of the two steps."""

    status, code = 409, "second_person_needed"
    zh = "“{action_name}”须由两位有保密授权的人办理：先由一人“{first_names}”，再由另一位{needed_names}办理。"
    en = "{action} takes two cleared people: after one has done {first}, it is for another, {needed}."


class NobodyIsSecond(SecondLookNeeded):
    """The same where the town has nobody else who could."""

    code = "nobody_is_second"
    zh = (
        "“{action_name}”须由另一位有保密授权的{needed_names}办理，本镇目前没有这样的人；"
        "请管理员和镇委先为一人授权。在此之前，举报保持现状。"
    )
    en = (
        "{action} is for another cleared person, {needed}, and the town has none: have an admin and a committee member"
        " clear somebody. Until then the report stays as it is."
    )


@dataclass(frozen=True)
class Beside:
    """What a step changes besides what every step does: columns of the case, and what is sealed with its event."""

    columns: dict[str, Any] = field(default_factory=dict)
    said: Mapping[str, Any] = field(default_factory=dict)


def protected_step(
    session: Session, caller: Caller, action: Action, case: CaseRow, request: Mapping[str, Any], now: datetime
) -> Beside:
    """Do what is special about a step of a protected report, or of one that becomes protected.

    Raises SecondLookNeeded, NobodyIsSecond, TaskNamesPeople, TaskQuotesReport, TaskNotChecked, Invalid,
    NoClearedDispatcher, and what giving out a task raises; the caller of this commits.
    """
    if action.name == "raise_secrecy":
        secrecy.require_reader(caller, case, now)
        seen_by = secrecy.seen_by(session, case, now)
        return Beside(secrecy.changed(session, action.name, case), {"seen_by": seen_by})
    if case.reporting != PROTECTED or not (action.protected == "only" or action.second_to):
        return Beside()
    told = history(case.id)
    if not is_second(caller, action, told):
        raise _second_look(caller, action, case, now)
    if action.name in WORDED:
        require_coming(request["until"], now)
        check_words(request["note"], *of_report(case, told))
    if action.name == "release_task":
        check_words(worded(told).said["note"], *of_report(case, told))  # against what was said meanwhile, too
        task, until = release(session, case, told, now)
        return Beside(handled_until(case.town_code, case.category, until, now), {"task": str(task)})
    if action.name == "conclude" and wait(given_for(told)):
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
    tasks = given_for(told, within)
    raised = [step.said["seen_by"] for step in told if "seen_by" in step.said]
    roles = sorted(set(chain.from_iterable(raised)))  # each raising put down who could see it until then
    shown = {
        "task": show_given(tasks[0], case.mine) if tasks else None,
        "draft": None if case.mine else _show_draft(case, told),
        "already_seen_by": {"roles": roles, "count": len(roles)} if raised else None,
    }
    return shown, _barred(caller, told, tasks)


def _show_draft(case: CaseRow, told: Sequence[Told]) -> list[dict[str, Any]] | None:
    """The words of the task that waits for its second look, in parts, each with whether the report has it, too."""
    words = next((step.said["note"] for step in reversed(told) if step.action in WORDED and "note" in step.said), None)
    if words is None or case.status != "drafted":
        return None
    found = overlaps(words, *of_report(case, told))
    return [{"text": part, "hit": hit} for part, hit in marked(words, found)]


def of_report(case: CaseRow, told: Sequence[Told]) -> tuple[str, set[str], str]:
    """What the words of a task are compared with: what its reporter said, in the report and with whatever they did
    since, whichever action carried it; what everybody calls things by; and the report's address."""
    report, said = opened(case), [step.said.get("note") for step in told if step.by_reporter]
    names = names_of_town(case.town_code)
    return "\n".join([report.description, *filter(None, said)]), names, report.address or ""


def barred_now(caller: Caller, case: CaseRow) -> set[str]:
    """Actions on a protected report that are not the caller's now, whatever its status has."""
    told = history(case.id)
    return _barred(caller, told, given_for(told))


def _barred(caller: Caller, told: Sequence[Told], tasks: Sequence[Any]) -> set[str]:
    barred = {action.name for action in ACTIONS.values() if not is_second(caller, action, told)}
    return barred | ({"conclude"} if wait(tasks) else set())


def is_second(caller: Caller, action: Action, told: Sequence[Told]) -> bool:
    """Whether the first of two steps was done, and by somebody else, since the report was made, raised or reopened."""
    if not action.second_to:
        return True
    since = list(takewhile(lambda step: not _anew(step), reversed(told)))
    done = [step for step in since if step.action in action.second_to]
    weighty = [step for step in done if step.action == action.outweighs]
    first = next(iter(weighty or done), None)
    return first is not None and first.actor != caller.account_id


def _anew(step: Told) -> bool:
    """Whether a report begins anew with a step: what was done before it counts no more."""
    return step.action in _ANEW or step.said.get("goes_to") == "reopen"


def _second_look(caller: Caller, action: Action, case: CaseRow, now: datetime) -> SecondLookNeeded:
    roles, first = tuple(TABLE[action.permission]), [ACTIONS[name] for name in action.second_to]
    others = cleared_for(case.village_code, now.date(), roles) - {caller.account_id}
    return (SecondLookNeeded if others else NobodyIsSecond)(
        action=action.name,
        action_name=action.zh,
        first=" or ".join(row.name for row in first),
        first_names="”或“".join(row.zh for row in first),
        needed=" or ".join(roles),
        needed_names="或".join(ROLE_TITLES[role] for role in roles),
    )
