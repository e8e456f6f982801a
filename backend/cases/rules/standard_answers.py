"""Standard answers: the town's own texts for what is said with an action, by category, with placeholders.

Whoever acts on a case is offered those that fit it and what they may do, filled in; they send the words as they are or
as they changed them, or name the answer (`standard`) in place of a note or reason. Either way the words stand in the
case's history as they were sent: another version of the text says nothing about what was said before.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, union_all

from backend.cases.case_row import PERSON, CaseRow
from backend.cases.protection.protected import PROTECTED
from backend.cases.rules.categories import catalogue
from backend.cases.sight import allowed_actions
from backend.cases.workflow import ACTIONS, Action
from backend.config import TOWN_ZONE
from backend.http import clock
from backend.http.problems import Conflict, Invalid
from backend.http.reading import row
from backend.outbox.texts import placeholders
from backend.people.access import TABLE, Caller
from backend.people.tables import Department
from backend.territory.location import territory
from backend.territory.tables import Area
from backend.territory.town_rules import Rule, in_force

KIND = "standard_answer"
MOST = 200
"""Answers that a town keeps."""
LONGEST = 1_000
FILLED = 2_000
"""Characters that a note holds."""
_LONGEST_VALUE = 100
PLACEHOLDERS: Mapping[str, tuple[str, str]] = {
    "number": ("案件编号", "the case's number"),
    "category": ("类别名称", "name of its category"),
    "village": ("所在村（社区）", "the village it lies in"),
    "holder": ("承办单位", "the department or village that holds it"),
    "due": ("本环节期限", "when its present step is due"),
    "filed_on": ("上报日期", "the day it was filed"),
    "today": ("今天日期", "today"),
}
"""What stands in braces in an answer, and what it becomes: nothing that the case does not show to all who see it."""

_holder = union_all(
    select(Department.name).where(Department.code == bindparam("code")),
    select(Area.name).where(Area.code == bindparam("code")),
)


def said_in(action: Action) -> str | None:
    """What an action takes words in: reason or note; None where it takes none, or is no work of the town's."""
    fields = (*action.needs, *action.takes)
    if "resident" in TABLE[action.permission]:
        return None
    return next((name for name in ("reason", "note") if name in fields), None)


ANSWERABLE = tuple(name for name, action in ACTIONS.items() if said_in(action))
"""The actions that can have standard answers."""


class TooManyAnswers(Conflict):
    """One answer more than a town keeps."""

    code = "too_many_answers"
    zh = "最多保存 {most} 条标准答复，请先删除不用的。"
    en = "At most {most} standard answers are kept; take back one that is not used first."


def checked_answer(town: str, code: str, answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """The answer, unless it could not be filled or said. Raises Invalid and TooManyAnswers."""
    errors: dict[str, Any] = {}
    known = "、".join(f"{{{name}}}" for name in PLACEHOLDERS)
    try:
        unknown = placeholders(answer["text"]) - PLACEHOLDERS.keys()
    except ValueError:
        unknown = frozenset(("{",))
    if unknown:
        errors["text"] = [(f"花括号里只能是占位符：{known}。", f"In braces stand placeholders only: {known}.")]
    elif len(answer["text"].format_map(dict.fromkeys(PLACEHOLDERS, "…" * _LONGEST_VALUE))) > FILLED:
        errors["text"] = [("占位符太多，填好后会超长。", "Too many placeholders: filled, it would be too long.")]
    wrong = [one for one in answer["categories"] if catalogue(town).get(one) is None]
    if wrong:
        errors["categories"] = [(f"没有这个类别：{wrong[0]}。", f"There is no category {wrong[0]}.")]
    if errors:
        raise Invalid(errors)
    held = in_force(town, KIND, most=MOST)
    if len(held) >= MOST and code not in {rule.key for rule in held}:
        raise TooManyAnswers(most=MOST)
    return answer


def answers_for(caller: Caller, case: CaseRow) -> list[dict[str, Any]]:
    """The standard answers to what the caller may do with a case now, filled in; none for a protected report."""
    allowed = set(allowed_actions(caller, case, case.mine, case.handled_by_me)) & set(ANSWERABLE)
    if case.reporting == PROTECTED or not allowed:
        return []
    values = _values(case, clock.now())
    return [
        {
            "code": rule.key,
            "version": rule.version,
            "title": rule.value["title"],
            "text": rule.value["text"].format_map(values),
            "actions": [name for name in rule.value["actions"] if name in allowed],
        }
        for rule in _fitting(case)
        if allowed & set(rule.value["actions"]) and placeholders(rule.value["text"]) <= values.keys()
    ]


def put_in(case: CaseRow, request: Mapping[str, Any]) -> dict[str, Any]:
    """An action with the words of the standard answer that it names, in place of its name. Raises Invalid."""
    code = request.get("standard")
    rest = {name: value for name, value in request.items() if name != "standard"}
    if code is None:
        return rest
    field = said_in(ACTIONS[request["action"]])
    rule = next((rule for rule in _fitting(case) if rule.key == code), None)
    if field is None or rule is None or request["action"] not in rule.value["actions"] or case.reporting == PROTECTED:
        raise Invalid(
            {"standard": [("此操作没有这条标准答复。", "There is no such standard answer to this action here.")]}
        )
    if field in rest:
        raise Invalid(
            {field: [("已选标准答复，不必再填；要改请只填文字。", "Give either the standard answer or words.")]}
        )
    values = _values(case, clock.now())
    missing = sorted(placeholders(rule.value["text"]) - values.keys())
    if missing:
        zh, en = PLACEHOLDERS[missing[0]]
        raise Invalid({"standard": [(f"本案还没有{zh}，不能用这条答复。", f"This case has no value yet for {en}.")]})
    return {**rest, field: rule.value["text"].format_map(values)}


def _fitting(case: CaseRow) -> Sequence[Rule]:
    kept = in_force(case.town_code, KIND, most=MOST)
    return [rule for rule in kept if not rule.value["categories"] or case.category in rule.value["categories"]]


def _values(case: CaseRow, now: datetime) -> dict[str, str]:
    kind, village = catalogue(case.town_code).get(case.category), territory().areas.get(case.village_code)
    held = None if case.holder is None or case.holder.startswith(PERSON) else row(_holder, code=case.holder)
    values = {
        "number": case.number,
        "category": kind.zh if kind else None,
        "village": village.name if village else None,
        "holder": held.name if held else None,
        "due": f"{case.due_at.astimezone(TOWN_ZONE):%Y年%-m月%-d日 %H:%M}" if case.due_at else None,
        "filed_on": _day(case.occurred_at),
        "today": _day(now),
    }
    return {name: value for name, value in values.items() if value is not None}


def _day(moment: datetime) -> str:
    return f"{moment.astimezone(TOWN_ZONE):%Y年%-m月%-d日}"
