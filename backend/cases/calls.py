"""Whistling (吹哨): a grid calls departments to a case that somebody else holds, and each gives one answer.

Whoever is called sees the case as its holder does for as long as it is open, unless they refused. Who does not answer
in time shows in the list of calls.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, bindparam, or_, select, tuple_, update
from sqlalchemy.orm import Session

from backend.cases.case_row import CaseRow
from backend.cases.holders import name_of, people_of, require_holder
from backend.cases.links.link_tables import CaseCall
from backend.cases.tables import Case
from backend.cases.timing.deadlines import Limit, due, require_coming
from backend.cases.workflow import OPEN
from backend.extensions import UtcDateTime
from backend.http.fields import blank
from backend.http.ids import new_id
from backend.http.problems import Invalid, Problem
from backend.http.reading import rows
from backend.http.versions import StaleVersion
from backend.http.work import add
from backend.outbox.messages import ACCOUNT, NOTICE, post
from backend.people.access import Caller
from backend.territory.calendar import WorkCalendar

ANSWERS = ("arrived", "answered", "refused")
ANSWER_WITHIN = Limit("work_hours", 4)
"""The limit of a call that names none."""
MOST = 8

_calls = (
    select(CaseCall.department, CaseCall.answer)
    .join(Case, Case.id == CaseCall.case_id)
    .where(
        CaseCall.case_id == bindparam("case"),
        CaseCall.department.in_(bindparam("mine", expanding=True)),
        or_(CaseCall.answer.is_(None), CaseCall.answer != "refused"),
        Case.status.in_(OPEN),
    )
)
_of_case = (
    select(CaseCall.department, CaseCall.called_at, CaseCall.due_at, CaseCall.answer, CaseCall.answered_at)
    .where(CaseCall.case_id == bindparam("case"))
    .order_by(CaseCall.called_at, CaseCall.id)
)


class AlreadyCalled(Problem):
    """A department called that was called before and has not answered yet."""

    status, code = 409, "already_called"
    zh = "已呼叫“{department_name}”，尚未答复；请等待答复或另行联系。"
    en = "{department_name} was called already and has not answered yet; wait for its answer, or ring it up."


def whistle(
    session: Session, case: CaseRow, request: Mapping[str, Any], calendar: WorkCalendar, now: datetime
) -> Mapping[str, Any]:
    """Call departments to a case; answers what the event tells. Raises UnknownDepartment, AlreadyCalled and Invalid."""
    until = request.get("until") or due(now, ANSWER_WITHIN, calendar)
    require_coming(until, now)
    departments = list(dict.fromkeys(request["departments"]))
    waiting = {call.department for call in rows(_of_case, case=case.id) if call.answer is None}
    for department in departments:
        require_holder(case.town_code, department)
        if department == case.holder:
            raise Invalid({"departments": [("承办方不必呼叫。", "Whoever holds the case need not be called.")]})
        if department in waiting:
            raise AlreadyCalled(department=department, department_name=name_of(department))
        call = {"id": new_id(), "case_id": case.id, "town_code": case.town_code, "department": department}
        add(session, CaseCall, call | {"called_at": now, "due_at": until, "answer": None, "answered_at": None})
        for person in people_of(case.town_code, department, now):
            post(session, NOTICE, f"{ACCOUNT}:{person}", "case_called", about=case.id)
    return {"departments": departments, "until": until.isoformat()}


def answer(session: Session, case: CaseRow, request: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
    """Put down a department's one answer to a call; answers what the event tells. Raises Invalid and StaleVersion."""
    if request["answer"] == "refused" and blank(request.get("note") or ""):
        raise Invalid({"note": [("不到场请说明原因。", "Say why not.")]})
    department = case.called_as[0]
    answering = update(CaseCall).where(
        CaseCall.case_id == case.id, CaseCall.department == department, CaseCall.answer.is_(None)
    )
    values = {"answer": request["answer"], "answered_at": now}
    if session.connection().execute(answering.values(values)).rowcount != 1:
        raise StaleVersion(version=case.version + 1)
    return {"department": department, "answer": request["answer"]}


def calls_on(caller: Caller, case_id: uuid.UUID) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The departments and villages as which the caller is called to a case, and those that have not answered yet."""
    mine = [grant.department or grant.area_code for grant, _ in caller.allowed("answer_whistle")]
    found = rows(_calls, case=case_id, mine=mine) if mine else ()
    return (
        tuple(dict.fromkeys(call.department for call in found)),
        tuple(call.department for call in found if call.answer is None),
    )


def calls_of(case_id: uuid.UUID) -> Sequence[Row[Any]]:
    """All calls to a case, oldest first."""
    return rows(_of_case, case=case_id)


def list_calls(
    caller: Caller, late: datetime | None, after: tuple[datetime, uuid.UUID] | None, limit: int
) -> Sequence[Row[Any]]:
    """Up to `limit` calls to open cases, newest first: those to the caller, and for the desk those of its town.

    `late`: only those that had no answer by their time, at this instant. Not told are calls that the caller's
    department refused: the case is not theirs to see any more.
    """
    ways = [_way(caller, grant, letters) for grant, letters in caller.allowed("read_whistles")]
    where: list[ColumnElement[bool]] = [or_(*ways), Case.status.in_(OPEN)]
    if late is not None:
        where += [CaseCall.answer.is_(None), CaseCall.due_at < late]
    if after is not None:
        position = tuple_(
            bindparam("after_at", after[0], UtcDateTime), bindparam("after_id", after[1], CaseCall.id.type)
        )
        where.append(tuple_(CaseCall.called_at, CaseCall.id) < position)
    statement = (
        select(
            CaseCall.id,
            CaseCall.case_id,
            Case.number,
            Case.category,
            Case.area_code,
            CaseCall.department,
            CaseCall.called_at,
            CaseCall.due_at,
            CaseCall.answer,
            CaseCall.answered_at,
        )
        .join(Case, Case.id == CaseCall.case_id)
        .where(*where)
        .order_by(CaseCall.called_at.desc(), CaseCall.id.desc())
        .limit(limit)
    )
    return rows(statement)


def _way(caller: Caller, grant: Any, letters: str) -> ColumnElement[bool]:
    if "t" in letters:
        where = [CaseCall.town_code == grant.area_code[:9]]
    else:
        where = [
            CaseCall.department == (grant.department or grant.area_code),
            or_(CaseCall.answer.is_(None), CaseCall.answer != "refused"),
        ]
    if grant.role != "village_officer":
        where.append(Case.area_code.startswith(grant.area_code, autoescape=True))
        if caller.conflicts:
            where.append(Case.village_code.not_in(caller.conflicts))
    return and_(*where)
