"""Tasks (任务): what the town has a department or village do, in the town's own words.

A task is a case like any other from the moment it is given out: accepted and dispatched, with a deadline, handled,
handed in and checked by the rows of the workflow. Nobody reported it, it feeds no figure, and it looks the same whether
or not a protected report lies behind it; the desk gives out tasks without any report, too. Until its release the task
of a protected report is nothing but words sealed in the history of that report.
"""

import random
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from backend.cases.case_row import CaseRow
from backend.cases.events import After, append_event
from backend.cases.holders import require_holder
from backend.cases.protection.protected import TASK
from backend.cases.protection.quoting import overlaps, refused_phrases
from backend.cases.protection.sealed_notes import Told
from backend.cases.reporter.redaction import redact
from backend.cases.reporter.reporters import reporter_known_by
from backend.cases.rules.categories import UnknownCategory, catalogue
from backend.cases.search import search
from backend.cases.tables import Case
from backend.cases.timing.colours import step_moves
from backend.cases.timing.deadlines import require_coming, until
from backend.cases.workflow import STATUSES
from backend.http.ids import new_id
from backend.http.problems import Problem
from backend.http.reading import rows
from backend.http.work import add
from backend.territory.location import place_of_area
from backend.territory.work_calendar import work_calendar

_chance = random.SystemRandom()
WORDED = ("draft_task", "reword_task")
DONE = ("checked", "closed")
_standing = select(Case.id, Case.status, Case.holder, Case.due_at).where(
    Case.id.in_(bindparam("tasks", expanding=True))
)


class TaskNamesPeople(Problem):
    """A task that names a person, or has a number or address of one in it."""

    status, code = 422, "task_names_people"
    zh = "任务文字中有个人的姓名、号码、车牌或邮箱，收到任务的人不应看到；请删去，对干部只写职务。"
    en = "The task holds a name, number, plate or address of a person; take it out, and call officers by office only."


class TaskQuotesReport(Problem):
    """A task in the report's own words, by which its receiver could tell who wrote them."""

    status, code = 422, "task_quotes_report"
    zh = (
        "任务文字与举报内容相同：{phrases}，收到任务的人可能由此认出举报人。"
        "请换成自己的话；举报里的具体数字、日期、时刻、金额和引语都不要写。"
    )
    en = (
        "The task has this of the report: {phrases}. It could give its author away; put it in words of your own, and"
        " leave out the figures, days, times, sums and quotations of the report."
    )


class TaskNotChecked(Problem):
    """Concluding a report of whose tasks one is not done and checked."""

    status, code = 409, "task_not_checked"
    zh = "所下达的任务尚未全部核查通过，暂不能办结。"
    en = "Not every task that was given out is checked yet; conclude the report when all are."


@dataclass(frozen=True)
class Task:
    """What is to be done, by whom, until when."""

    category: str
    words: str
    department: str
    until: datetime


def check_words(words: str, report: str = "", names: Collection[str] = (), address: str = "") -> None:
    """A first look by machine at the words of a task: `names` it may have of the report. Raises TaskNamesPeople,
    TaskQuotesReport.

    The reporter's own name is looked for at the release: at every draft, a refusal would tell whoever tries names.
    """
    if redact(words) != words:
        raise TaskNamesPeople
    require_own_words(words, report, names, address)


def require_own_words(words: str, report: str, names: Collection[str], address: str) -> None:
    """Refuse words that are the report's, but for `names` and what everybody says. Raises TaskQuotesReport."""
    if shared := refused_phrases(words, overlaps(words, report, names, address)):
        raise TaskQuotesReport(phrases="、".join(f"“{phrase}”" for phrase in shared))


def give(session: Session, town: str, author: uuid.UUID, task: Task, now: datetime) -> CaseRow:
    """Give out a task: a case that is accepted and with its holder at once. The caller of this commits.

    A village's task lies in that village; a department's in no village, so that none sees it. Raises Invalid,
    UnknownCategory, UnknownDepartment.
    """
    require_coming(task.until, now)
    require_holder(town, task.department)
    given = _row(town, task, now)
    add(session, Case, given)
    search.index(session, [(given["id"], task.words, None, now)])
    after = After(given["id"], town, "dispatched", 1)
    told = {"department": task.department, "until": task.until.isoformat()}
    append_event(session, after, None, "give_task", author, "dispatcher", now, None, told)
    known: dict[str, Any] = {name: given.get(name) for name in CaseRow._fields}
    return CaseRow(**known | {"mine": False, "handled_by_me": False})


def handled_until(town: str, category: str, due_at: datetime, now: datetime) -> dict[str, Any]:
    """What a case keeps of a handling step whose end the town named: it does not follow the calendar.

    Raises UnknownCategory.
    """
    kind = catalogue(town).get(category)
    if kind is None:
        raise UnknownCategory(category=category)
    ends = until(now, due_at, kind.limits["handle"].unit, work_calendar(town))
    return {"step_started_at": now, **step_moves(None, None, ends, now)}


def release(session: Session, case: CaseRow, told: Sequence[Told], now: datetime) -> tuple[uuid.UUID, datetime]:
    """Give out the task that was last worded for a protected report; answers its id and deadline.

    Raises TaskNamesPeople where it has something that the reporter is known by: each wording stands in the history, and
    it takes two people to come here.
    """
    last = worded(told)
    task = drafted(case, last.said)
    if redact(task.words, reporter_known_by(case)) != task.words:
        raise TaskNamesPeople
    return give(session, case.town_code, last.actor or case.id, task, now).id, task.until


def worded(told: Sequence[Told]) -> Told:
    """The step by which the task that waits for its release was last worded."""
    return [step for step in told if step.action in WORDED][-1]


def drafted(case: CaseRow, said: Mapping[str, Any]) -> Task:
    """The task as it was worded."""
    return Task(case.category, said["note"], said["department"], datetime.fromisoformat(said["until"]))


def given_for(told: Sequence[Told], within: Session | None = None) -> Sequence[Any]:
    """The tasks that were given out for a protected report, as they stand, newest first: id, status, holder, due_at."""
    tasks = [uuid.UUID(step.said["task"]) for step in reversed(told) if "task" in step.said]
    if not tasks:
        return []
    found = within.execute(_standing, {"tasks": tasks}).all() if within else rows(_standing, tasks=tasks)
    return sorted(found, key=lambda one: tasks.index(one.id))


def wait(tasks: Sequence[Any]) -> bool:
    """Whether one of the tasks has not come to its end."""
    return any(task.status not in DONE for task in tasks)


def show_given(task: Any, to_reporter: bool) -> dict[str, Any]:
    """How far a task is; to the reporter without where it is found and who holds it."""
    shown = {"status": task.status, "status_name": STATUSES[task.status][0], "due_at": task.due_at}
    known = {"id": None, "holder": None} if to_reporter else {"id": task.id, "holder": task.holder}
    return shown | known


def _row(town: str, task: Task, now: datetime) -> dict[str, Any]:
    village = task.department.startswith(town) and task.department != town
    place = place_of_area(task.department) if village else None
    area = task.department if village else town
    return {
        "id": new_id(),
        "number": f"{now:%Y%m%d}-{_chance.randrange(10**8):08d}",
        "town_code": town,
        "village_code": area,
        "area_code": area,
        "status": "dispatched",
        "version": 1,
        "category": task.category,
        "description": task.words,
        "coarse_lon": place.coarse_lon if place else None,
        "coarse_lat": place.coarse_lat if place else None,
        "reporting": TASK,
        "holder": task.department,
        "occurred_at": now,
        "recorded_at": now,
        "accepted_at": now,
        **handled_until(town, task.category, task.until, now),
        "case_started_at": now,
        "case_due_at": task.until,
    }
