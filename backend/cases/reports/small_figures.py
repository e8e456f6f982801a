"""Which figures of a report its reader is not told, and what they may not ask.

Who may read all of a town's cases asks what they like, and gets sheets without small figures, as sheets are passed on.
Who reads a part of them (a grid worker, a village, a department) is not to learn small figures by asking twice: they
ask for all they reach and for no part of it, and what is hidden is hidden in all their answers together
(`hiding.hidden_over`). A share with its count tells a part and the rest, so it is told where each is none or not small.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import ClassVar

from backend.cases.reports.figures import Asked, By, Figures
from backend.config import TOWN_ZONE
from backend.http.problems import Problem
from backend.people.access import Caller, covers, of_whole_town
from backend.territory.hiding import (
    ByMonth,
    Hidden,
    Span,
    hidden,
    hidden_each,
    hidden_in_lines,
    hidden_over,
    months_in,
    small,
)
from backend.territory.periods import Period, months_of

COUNTS = ("accepted", "closed", "due", "handed_in", "checks", "ratings")
Number = Callable[[Figures], int]
"""One of the numbers of a group."""
_PARTS: Mapping[str, Sequence[Number]] = {
    "on_time_share": (lambda one: one.on_time, lambda one: one.due - one.on_time),
    "rework_share": (lambda one: one.reworks, lambda one: one.checks - one.reworks),
}
"""The part that a share tells of, and the rest."""

Untold = Mapping[str, tuple[frozenset[str], bool]]
"""By figure the groups of which it is not told, and whether it is not of all together."""


class NarrowedFigures(Problem):
    """Figures of a part of what the caller reaches, from who is not to learn small ones."""

    status: ClassVar[int] = 422
    code: ClassVar[str] = "narrowed_figures"
    zh: ClassVar[str] = "统计按您负责的整个范围提供，不能再按其中的区域或要素缩小；请去掉 area 和 element。"
    en: ClassVar[str] = (
        "Figures are of all that you are in charge of, and not a part of it; leave out area and element."
    )


def require_whole_reach(caller: Caller, asked: Asked) -> None:
    """Refuse a question about a part of what the caller reaches. Raises NarrowedFigures."""
    if _counts_anyway(caller, asked):
        return
    if asked.element is not None:
        raise NarrowedFigures
    if asked.area is None:
        return
    own = [grant.area_code for grant, _ in caller.allowed("read_figures")]
    within = [covers(asked.area, code) for code in own]
    if any(within) != all(within) or any(covers(code, asked.area) and code != asked.area for code in own):
        raise NarrowedFigures


def untold(caller: Caller, asked: Asked, groups: Mapping[str, Figures], whole: Figures) -> Untold:
    """Which figures of these groups, and of all together, the caller is not told."""
    if _counts_anyway(caller, asked):
        return {name: _sheet(asked.by, groups, whole, attrgetter(name)) for name in COUNTS}
    span = _span(asked.period, asked.until)
    found = dict[str, tuple[frozenset[str], bool]]()
    numbers: dict[str, Sequence[Number]] = {name: (attrgetter(name),) for name in COUNTS}
    for name, parts in (numbers | dict(_PARTS)).items():
        columns = [_column(asked.by, groups, whole, part, span, name in COUNTS) for part in parts]
        found[name] = frozenset[str]().union(*(which for which, _ in columns)), any(total for _, total in columns)
    return found


def _counts_anyway(caller: Caller, asked: Asked) -> bool:
    return of_whole_town(caller, "read_case", asked.town)


def _months_of(group: Figures, number: Number) -> Mapping[str, int]:
    return {month: number(one) for month, one in group.months.items()}


def _sheet(by: By, groups: Mapping[str, Figures], whole: Figures, number: Number) -> tuple[frozenset[str], bool]:
    counts = {code: number(one) for code, one in groups.items()}
    if by == "element":
        total = number(whole)
        return hidden_each(counts, lambda count: total - count, small), small(total)
    return hidden(counts)


def _column(
    by: By, groups: Mapping[str, Figures], whole: Figures, number: Number, span: Span, none_too: bool
) -> tuple[frozenset[str], bool]:
    counts: ByMonth = {code: _months_of(one, number) for code, one in groups.items()}
    if by == "element":
        return _each_for_itself(counts, _months_of(whole, number), span, none_too)
    if by == "month":  # a row here, and the total of other answers
        all_together = {month: counts[month].get(month, 0) for month in counts}
        over = hidden_over({"all": all_together}, span, none_too)
        shown = {month for month, one in zip(months_in(span), _each_month(over), strict=True) if not one.total}
        return frozenset(counts.keys() - shown), over.total
    if by == "grid":
        found = hidden_in_lines(counts, span, {code: code[:12] for code in counts}, none_too)
    else:
        found = hidden_over(counts, span, none_too)
    return found.groups, found.total


def _each_for_itself(
    counts: ByMonth, whole: Mapping[str, int], span: Span, none_too: bool
) -> tuple[frozenset[str], bool]:
    def untold_over(numbers: Mapping[str, int], none_too: bool) -> bool:
        return hidden_over({"one": numbers}, span, none_too).total

    def without(by_month: Mapping[str, int]) -> Mapping[str, int]:
        return {month: count - by_month.get(month, 0) for month, count in whole.items()}

    groups = hidden_each(counts, without, lambda numbers, none: untold_over(numbers, none and none_too))
    return groups, untold_over(whole, none_too)


def _each_month(found: Hidden) -> Sequence[Hidden]:
    return [month for part in found.parts for month in _each_month(part)] or [found]


def _span(period: Period, until: datetime) -> Span:
    """What of a period has begun: the month, the months of a quarter, or the quarters of a year."""
    months = [month.name for month in months_of(period, TOWN_ZONE) if month.start < until]
    if months[0] == period.name:
        return months[0]
    if "Q" in period.name:
        return tuple(months)
    return tuple(tuple(months[first : first + 3]) for first in range(0, len(months), 3))
