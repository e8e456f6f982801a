"""A report: the figures of a period as rows with names, without what is too small to be told.

Every group there is has a row, whether anything happened in it or not: a row that is missing would tell of none. A
month that has not begun is not there yet: everybody knows that it has none, and hidden it would take another with it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, select

from backend.cases.case_row import PERSON
from backend.cases.reports.figures import Asked, Figures, figures
from backend.cases.reports.small_figures import COUNTS, require_whole_reach, untold
from backend.cases.rules.categories import catalogue
from backend.config import TOWN_ZONE
from backend.http.reading import rows
from backend.http.table_writing import Value
from backend.people.access import Caller, covers
from backend.people.tables import Department
from backend.territory.codes import prefix_bounds
from backend.territory.governance_model import governance_model
from backend.territory.periods import months_of
from backend.territory.tables import Area

BY: Mapping[str, str] = {
    "village": "村（社区）",
    "grid": "网格",
    "category": "类别",
    "department": "承办单位",
    "month": "月份",
    "element": "治理要素",
}
HIDDEN = "不公布"
ALL_CASES = "全部案件（一案可属多个要素，各行相加不等于此数）"
_SHARES: Mapping[str, tuple[str, Callable[[Figures], float | None]]] = {
    "on_time_share": ("due", lambda one: _share(one.on_time, one.due)),
    "median_minutes": ("handed_in", lambda one: one.median),
    "p90_minutes": ("handed_in", lambda one: one.ninth),
    "rework_share": ("checks", lambda one: _share(one.reworks, one.checks)),
    "satisfaction": ("ratings", lambda one: _share(one.rated, one.ratings)),
}
"""What is told of a count, and goes where the count is hidden."""
HEADINGS: Mapping[str, str] = {
    "accepted": "立案数",
    "closed": "结案数",
    "due": "到期处置数",
    "on_time_share": "按期率",
    "handed_in": "已反馈数",
    "median_minutes": "处置用时中位数（分钟）",
    "p90_minutes": "处置用时九成位（分钟）",
    "checks": "核查数",
    "rework_share": "返工率",
    "ratings": "评价数",
    "satisfaction": "满意度（1–5）",
}
_areas = select(Area.code, Area.name, Area.kind).where(
    Area.code >= bindparam("low"), Area.code < bindparam("high"), Area.kind != "town"
)
_departments = select(Department.code, Department.name).where(
    Department.town_code == bindparam("town"), Department.closed_at.is_(None)
)


def report(caller: Caller, asked: Asked) -> dict[str, Any]:
    """The figures that a caller asks for, by group in their order, and of all together; None for what is hidden or
    not known. Cases are accepted before anybody holds them, so by department there is no count of that.

    Raises NarrowedFigures.
    """
    require_whole_reach(caller, asked)
    found, whole = figures(caller, asked)
    names = _names(caller, asked)
    names |= {code: code for code in sorted(found) if code not in names}  # redrawn or closed since
    groups = {code: found.get(code, Figures()) for code in names}
    without = {"accepted"} if asked.by == "department" or _holds_only(caller) else set[str]()
    small = untold(caller, asked, groups, whole)
    items = [
        {"code": code, "name": names[code]}
        | _told(one, without | {name for name, (which, _) in small.items() if code in which})
        for code, one in groups.items()
    ]
    return {
        "period": asked.period.name,
        "by": asked.by,
        "area": asked.area,
        "element": asked.element,
        "counted_until": asked.until,
        "items": items,
        "total": _told(whole, without | {name for name, (_, total) in small.items() if total}),
    }


def as_table(told: Mapping[str, Any]) -> Iterator[Sequence[Value]]:
    """A report as rows of a table, headings first and the total last."""
    yield ["代码", BY[told["by"]], *HEADINGS.values()]
    for item in told["items"]:
        yield [item["code"], item["name"], *(_cell(item[name]) for name in HEADINGS)]
    yield ["", ALL_CASES if told["by"] == "element" else "合计", *(_cell(told["total"][name]) for name in HEADINGS)]


def _cell(value: float | None) -> Value:
    return HIDDEN if value is None else value


def _told(one: Figures, without: set[str]) -> dict[str, float | None]:
    told = {name: None if name in without else getattr(one, name) for name in COUNTS}
    for name, (count, value) in _SHARES.items():
        told[name] = None if without & {name, count} else value(one)
    return {name: told[name] for name in HEADINGS}


def _share(part: int, whole: int) -> float | None:
    # Half up and exact, as people round: 129 / 32 is 4.0313.
    return (20_000 * part + whole) // (2 * whole) / 10_000 if whole else None


def _holds_only(caller: Caller) -> bool:
    return all("h" in letters for _, letters in caller.allowed("read_figures"))


def _names(caller: Caller, asked: Asked) -> dict[str, str]:
    """The names of all groups by code, in the order in which they are shown."""
    if asked.by == "category":
        return {kind.code: kind.zh for kind in catalogue(asked.town).ever()}
    if asked.by == "element":
        elements = governance_model(asked.town).elements
        return {code: one.marked for code, one in elements.items()}
    if asked.by == "month":
        months = [month for month in months_of(asked.period, TOWN_ZONE) if month.start < asked.until]
        return {month.name: f"{month.start.year}年{month.start.month}月" for month in months}
    low, high = prefix_bounds(asked.town)
    areas = sorted(rows(_areas, low=low, high=high), key=lambda area: str(area.code))
    if asked.by == "department":
        return _holders(caller, asked, areas)
    wanted = ("grid",) if asked.by == "grid" else ("village", "community")
    return {area.code: area.name for area in areas if area.kind in wanted and _reached(caller, asked, area.code)}


def _holders(caller: Caller, asked: Asked, areas: Sequence[Any]) -> dict[str, str]:
    known = {one.code: one.name for one in rows(_departments, town=asked.town)}
    known |= {area.code: area.name for area in areas if area.kind != "grid"} | {PERSON: "个人（认领、即办）"}
    if not _holds_only(caller):
        return known
    own = {grant.department for grant, _ in caller.allowed("read_figures")}
    return {code: name for code, name in known.items() if code in own}


def _reached(caller: Caller, asked: Asked, code: str) -> bool:
    if asked.area is not None and not covers(asked.area, code) and not covers(code, asked.area):
        return False
    return any(
        (covers(grant.area_code, code) or covers(code, grant.area_code))
        and (grant.role == "village_officer" or code[:12] not in caller.conflicts)
        for grant, _ in caller.allowed("read_figures")
    )
