"""The list of cases as a table to keep: what the desk and the departments hold, masked whoever asks.

No column names a person or a place nearer than the grid, and texts are the redacted ones: a file leaves the house.
Reporters, photos and notes are not in it. Reading goes by pages, so that a large table is never in memory.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select

from backend.cases.case_row import PERSON
from backend.cases.listing import list_cases
from backend.cases.protection.protected import PROTECTED
from backend.cases.rules.categories import catalogue
from backend.cases.search.finding import find_cases
from backend.cases.tables import Case
from backend.cases.workflow import STATUSES
from backend.http.problems import Problem
from backend.http.reading import rows
from backend.http.table_writing import Value
from backend.people.access import Caller
from backend.people.tables import Department
from backend.territory.tables import Area

MOST = 10_000
"""Rows of a file."""
_PAGE = 500
_KINDS = ("town", "holder")
HEADINGS = (
    "案件编号",
    "状态",
    "类别",
    "村（社区）",
    "网格",
    "网格代码",
    "内容（已脱敏）",
    "承办单位",
    "上报时间",
    "立案时间",
    "本环节期限",
    "全案期限",
    "结案时间",
    "评价",
)
_whole = select(
    Case.id,
    Case.number,
    Case.status,
    Case.category,
    Case.village_code,
    Case.area_code,
    func.coalesce(Case.redacted, Case.description).label("text"),
    Case.holder,
    Case.occurred_at,
    Case.accepted_at,
    Case.due_at,
    Case.case_due_at,
    Case.closed_at,
    Case.rating,
).where(Case.id.in_(bindparam("ids", expanding=True)), Case.reporting != PROTECTED)


class TooManyRows(Problem):
    """A table larger than a file of it may be."""

    status, code = 422, "too_many_rows"
    zh = "符合条件的案件超过 {most} 件，请按时间（filed_from、filed_to）或区域缩小范围，分几次导出。"
    en = "More than {most} cases fit; narrow them by time (filed_from, filed_to) or area and export in several files."


def exported(caller: Caller, filters: Mapping[str, Any], now: datetime) -> Iterator[Sequence[Value]]:
    """The rows of the table, headings first, newest cases first; `filters` as the list takes them.

    Raises TooManyRows when there are more than `MOST`.
    """
    yield HEADINGS
    # Only what the row of the access table gives: the same person may see more on the screen.
    grants = tuple(grant for grant, _ in caller.allowed("export_cases"))
    asking = replace(caller, grants=grants, not_impartial_in=caller.conflicts)
    names, after, count = _names(asking), None, 0
    while True:
        page = _page(asking, filters, after, now)
        count += len(page)
        if count > MOST:
            raise TooManyRows(most=MOST)
        found = {case.id: case for case in rows(_whole, ids=[case.id for case in page])} if page else {}
        for case in page:
            if case.id in found:
                yield _row(found[case.id], names)
        if len(page) < _PAGE:
            return
        after = (page[-1].occurred_at, page[-1].id)


def _page(caller: Caller, filters: Mapping[str, Any], after: Any, now: datetime) -> Sequence[Any]:
    if filters.get("text"):
        return find_cases(caller, filters, after, _PAGE, now, _KINDS)
    return list_cases(caller, filters, after, _PAGE, _KINDS)


def _row(case: Any, names: Mapping[str, str]) -> Sequence[Value]:
    kind, holder = catalogue(case.area_code[:9]).get(case.category), case.holder or ""
    return [
        case.number,
        STATUSES[case.status][0],
        kind.zh if kind else case.category,
        names.get(case.village_code, case.village_code),
        names.get(case.area_code, "") if len(case.area_code) > 12 else "",
        case.area_code,
        case.text,
        "个人" if holder.startswith(PERSON) else names.get(holder, holder),
        case.occurred_at,
        case.accepted_at,
        case.due_at,
        case.case_due_at,
        case.closed_at,
        case.rating,
    ]


def _names(caller: Caller) -> dict[str, str]:
    """The names of the areas and departments of the caller's towns by code."""
    towns = caller.towns
    areas = rows(select(Area.code, Area.name).where(func.substr(Area.code, 1, 9).in_(towns)))
    departments = rows(select(Department.code, Department.name).where(Department.town_code.in_(towns)))
    return {one.code: one.name for one in (*areas, *departments)}
