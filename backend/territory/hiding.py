"""Small figures are not told, and cannot be found out by subtraction.

A count below five could be somebody. Where one is hidden, a second goes with it, so that the total less what is shown
does not bring it back; where that is not enough, the total is hidden, too.

Whoever may not count the cases themselves can ask for months, quarters and years, and take one from the other. For them
a number of several months is shown only where what its hidden months add up to leaves each of them open
(`hidden_over`), and grids are hidden as their village is. Everything is counted from the same months, so that what is
told of a month, a quarter and a year is told together.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple, TypeVar

LEAST = 5
"""Counts below it are not told."""
TOTAL = ""
"""What the total goes by among the codes of groups."""

Count = TypeVar("Count")
"""A number, or several that are told together."""
ByMonth = Mapping[str, Mapping[str, int]]
"""Counts by group and month."""
Span = str | tuple["Span", ...]
"""A month by its name, or what a longer period is made of."""


def hidden(
    counts: Mapping[str, int],
    besides: Collection[str] = (),
    total: bool = False,
    none_too: bool = True,
) -> tuple[frozenset[str], bool]:
    """Which of the counts by group are not told, and whether their total is not.

    What is left of the total is then the sum of at least two counts, and not small itself. `besides` are groups that
    are not told for another reason, `total` whether the total is not; `none_too` whether none at all is hidden like
    one to four.
    """
    chosen = {name for name, count in counts.items() if small(count, none_too)} | set(besides)
    if not chosen and not total:
        return frozenset(), small(sum(counts.values()), none_too)
    rest = sorted((count, name) for name, count in counts.items() if name not in chosen and count >= LEAST)
    # One that is not small goes with those that are, so that nobody knows which are; and two at least make a sum.
    others = 0 if any(counts[name] >= LEAST for name in chosen) else 1
    if total or not others:
        others = max(others, 2 - sum(counts[name] > 0 for name in chosen))
    chosen |= {name for _, name in rest[:others]}
    left = sum(counts[name] for name in chosen)
    return frozenset(chosen), total or len(chosen) < 2 or left < LEAST


def hidden_each(
    counts: Mapping[str, Count], without: Callable[[Count], Count], untold: Callable[[Count, bool], bool]
) -> frozenset[str]:
    """Which groups that overlap are not told: one says nothing of another, but tells with the total how many are
    `without` it. `untold` says of a count whether it must not be known, and takes whether none is hidden, too."""
    return frozenset(group for group, count in counts.items() if untold(count, True) or untold(without(count), False))


def small(count: int, none_too: bool = True) -> bool:
    """Whether a count could be somebody; `none_too`: or is none."""
    return count < LEAST and (none_too or count > 0)


class Open(NamedTuple):
    """Numbers of months that are not told: how many, and what they add up to. None at all is nobody, and not among
    them."""

    numbers: int
    together: int

    @property
    def found_out(self) -> bool:
        """Whether one who knew what they add up to could work one of them out."""
        least, most = self.numbers, self.numbers * (LEAST - 1)
        return self.numbers > 0 and (self.numbers < 2 or self.together < LEAST or self.together in (least, most))


class Hidden(NamedTuple):
    """What is not told of a column in a period: groups, and whether the total is not.

    `parts` are the same of what the period is made of; `open` has, of each group that is not told, and of the total,
    the months that are not.
    """

    groups: frozenset[str]
    total: bool
    parts: tuple["Hidden", ...]
    open: Mapping[str, Open]


def hidden_over(
    counts: ByMonth, span: Span, none_too: bool = True, above: Hidden | None = None, line: str = TOTAL
) -> Hidden:
    """What is not told of a column in a period, when its months, and what is between, are told, too.

    `above` is what is not told of the column that this one takes apart (villages, of their grids), `line` the group of
    it whose parts these are.
    """
    parts: tuple[Hidden, ...] = ()
    if not isinstance(span, str):
        over = above.parts if above else (None,) * len(span)
        parts = tuple(hidden_over(counts, part, none_too, one, line) for part, one in zip(span, over, strict=True))
    sums = {group: sum(by_month.get(month, 0) for month in months_in(span)) for group, by_month in counts.items()}
    still_open = {key: _together([part.open[key] for part in parts if key in part.open]) for key in (*sums, TOTAL)}
    guessed = {key for key, one in still_open.items() if one.found_out}
    no_total = TOTAL in guessed or (above is not None and line in above.groups)
    groups, total = hidden(sums, guessed - {TOTAL}, no_total, none_too)
    sums[TOTAL] = sum(sums.values())
    not_told = [*groups, *([TOTAL] if total else [])]
    return Hidden(
        groups,
        total,
        parts,
        {key: still_open[key] if still_open[key].numbers else Open(1, sums[key]) for key in not_told if sums[key]},
    )


def months_in(span: Span) -> Sequence[str]:
    """The months of a period, in their order."""
    return [span] if isinstance(span, str) else [month for part in span for month in months_in(part)]


def _together(each: Sequence[Open]) -> Open:
    return Open(sum(one.numbers for one in each), sum(one.together for one in each))


def hidden_in_lines(counts: ByMonth, span: Span, line_of: Mapping[str, str], none_too: bool = True) -> Hidden:
    """The same of groups that are parts of larger ones, which are told in another table: `line_of` has whose part
    each is."""
    larger: dict[str, dict[str, int]] = {}
    for group, by_month in counts.items():
        sums = larger.setdefault(line_of[group], {})
        for month, count in by_month.items():
            sums[month] = sums.get(month, 0) + count
    above = hidden_over(larger, span, none_too)
    lines = [
        hidden_over({group: counts[group] for group in counts if line_of[group] == line}, span, none_too, above, line)
        for line in larger
    ]
    return above._replace(groups=frozenset[str]().union(*(line.groups for line in lines)))
