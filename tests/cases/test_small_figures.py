"""Whoever reads a part of the town cannot work a small figure out of all that they may ask."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.cases.reports.figures import Asked, By, Figures
from backend.cases.reports.small_figures import untold
from backend.config import TOWN_ZONE
from backend.people.access import Caller, Grant
from backend.territory.hiding import LEAST
from backend.territory.periods import months_of, read_period
from tests.town import TOWN

GRIDS = [f"{TOWN}{village}{grid}" for village, grid in (("001", "001"), ("001", "002"), ("003", "001"), ("003", "002"))]
CATEGORIES = ("litter", "street_light")
MONTHS = [f"2026-{month:02d}" for month in range(1, 7)]
PERIODS = (*MONTHS, "2026-Q1", "2026-Q2", "2026")
ATOMS = [(grid, category, month) for grid in GRIDS for category in CATEGORIES for month in MONTHS]
ELEMENTS = {
    "8.1": {(GRIDS[0], "litter"), (GRIDS[1], "street_light"), (GRIDS[2], "litter"), (GRIDS[3], "litter")},
    "8.2": {(GRIDS[1], "street_light"), (GRIDS[2], "street_light")},
}
HANDLER = Caller(uuid.uuid4(), uuid.uuid4(), "", None, (Grant("handler", TOWN, "sanitation"),))
NOW = datetime(2026, 7, 1, tzinfo=TOWN_ZONE)

Told = tuple[list[list[int]], list[list[int]]]
"""Of an answer the numbers that are shown and those that are not, each as what it adds up of the atoms."""


def groups_of(by: By, atom: tuple[str, str, str]) -> list[str]:
    grid, category, month = atom
    if by == "element":
        return [code for code, cells in ELEMENTS.items() if (grid, category) in cells]
    return [{"grid": grid, "village": grid[:12], "category": category, "month": month}[by]]


def answer(by: By, period: str, counts: Sequence[int]) -> Told:
    months = [month.name for month in months_of(read_period(period, TOWN_ZONE), TOWN_ZONE)]
    within = [atom[2] in months for atom in ATOMS]
    groups: dict[str, Figures] = {month: Figures() for month in months} if by == "month" else {}
    whole = Figures()
    for atom, inside, count in zip(ATOMS, within, counts, strict=True):
        for code in groups_of(by, atom) if inside else ():
            groups.setdefault(code, Figures()).months.setdefault(atom[2], Figures()).add(Figures(accepted=count))
        if inside:
            whole.months.setdefault(atom[2], Figures()).add(Figures(accepted=count))
    asked = Asked(TOWN, read_period(period, TOWN_ZONE), by, None, NOW)
    hidden, no_total = untold(HANDLER, asked, groups, whole)["accepted"]
    rows = {
        group: [int(inside and group in groups_of(by, atom)) for atom, inside in zip(ATOMS, within, strict=True)]
        for group in groups
    }
    shown, kept = ([row for group, row in rows.items() if (group in hidden) is kept] for kept in (False, True))
    every = [int(inside) for inside in within]
    (kept if no_total else shown).append(every)
    if by == "element":  # nor is it told how many bear not on it
        kept += [[one - of for one, of in zip(every, row, strict=True)] for row in rows.values()]
    return shown, kept


def answers(counts: Sequence[int]) -> Iterator[Told]:
    for by in ("village", "grid", "category", "month", "element"):
        yield from (answer(by, period, counts) for period in PERIODS)


def worked_out(told: Sequence[Told], counts: Sequence[int]) -> list[int]:
    """The small numbers that are not shown, and yet are sums and differences of shown ones."""
    kept = [numpy.array(row) for _, one in told for row in one]
    small = [row for row in kept if 0 < row @ counts < LEAST]
    if not small:
        return []
    shown = numpy.array([[0] * len(ATOMS), *(row for one, _ in told for row in one)], dtype=float)
    known, *_ = numpy.linalg.lstsq(shown.T, numpy.array(small).T, rcond=None)
    off = numpy.abs(shown.T @ known - numpy.array(small).T).max(axis=0)
    return [int(row @ counts) for row, apart in zip(small, off, strict=True) if apart < 1e-6]


few = st.sampled_from((0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 9, 14))


@settings(max_examples=40)
@given(st.lists(few, min_size=len(ATOMS), max_size=len(ATOMS)))
def test_no_small_number_is_a_sum_or_difference_of_all_that_is_told(counts: list[int]) -> None:
    told = list(answers(counts))
    for shown, _ in told:
        assert all(numpy.dot(row, counts) >= LEAST for row in shown)
    assert worked_out(told, counts) == []


def told_of(by: By, period: str, **months: tuple[int, ...]) -> tuple[set[str], bool]:
    """Which groups are told of a period, and whether all together are, by what they count in its months."""
    names = [month.name for month in months_of(read_period(period, TOWN_ZONE), TOWN_ZONE)]
    groups = {
        code: Figures(months={month: Figures(accepted=count) for month, count in zip(names, counts, strict=True)})
        for code, counts in months.items()
    }
    whole = groups["all"] if by == "element" else Figures()
    groups.pop("all", None)
    asked = Asked(TOWN, read_period(period, TOWN_ZONE), by, None, NOW)
    hidden, no_total = untold(HANDLER, asked, groups, whole)["accepted"]
    return groups.keys() - hidden, not no_total


def test_several_months_are_told_unless_one_of_them_could_be_worked_out() -> None:
    assert told_of("village", "2026-Q1", a=(6, 7, 8), b=(9, 9, 9)) == ({"a", "b"}, True)
    # February alone is hidden: the quarter would tell it.
    assert told_of("village", "2026-Q1", a=(6, 3, 8)) == (set(), False)
    # Two are hidden, and what they add up to leaves both open, unless it is so small or so large that it does not.
    assert told_of("village", "2026-Q1", a=(6, 3, 4)) == ({"a"}, True)
    assert told_of("village", "2026-Q1", a=(6, 1, 2)) == (set(), False)
    assert told_of("village", "2026-Q1", a=(6, 4, 4)) == (set(), False)
    # Of what there was none of nobody is found out.
    assert told_of("village", "2026-Q1", a=(0, 0, 8)) == ({"a"}, True)
    # With what is hidden goes another, in the quarter as in its months.
    assert told_of("village", "2026-Q1", a=(9, 2, 9), b=(8, 8, 8), c=(20, 20, 20)) == ({"c"}, True)


def test_an_element_is_told_unless_it_or_what_is_without_it_is_small_whatever_other_elements_count() -> None:
    assert told_of("element", "2026-03", all=(20,), a=(9,), b=(3,), c=(12,)) == ({"a", "c"}, True)
    assert told_of("element", "2026-03", all=(20,), a=(20,), b=(18,)) == ({"a"}, True)
    # Of February three are without it: the quarter would tell it.
    assert told_of("element", "2026-Q1", all=(20, 12, 20), a=(9, 9, 9), b=(9, 7, 9)) == ({"b"}, True)


def test_a_share_is_told_where_its_part_and_the_rest_are_none_or_not_small() -> None:
    asked = Asked(TOWN, read_period("2026-03", TOWN_ZONE), "village", None, NOW)
    for on_time, due, told in ((0, 8, True), (8, 8, True), (2, 8, False), (7, 8, False), (5, 10, True)):
        month = Figures(due=due, on_time=on_time)
        hidden = untold(HANDLER, asked, {"a": Figures(months={"2026-03": month})}, Figures())
        assert hidden["due"] == (frozenset(), False)
        assert (hidden["on_time_share"] == (frozenset(), False)) is told, on_time
