"""From the facts of a period to points and ranks: plain functions of plain values.

All arithmetic is exact (`fractions.Fraction`), so that neither the order of villages or indicators nor the machine can
change a score; a score is rounded half up to six decimals once, at the end, and ranks are taken from the rounded score.

Rules kept here: missing is never zero (the weights of what is present are scaled up, and the village is marked), every
indicator names its direction, and equal values get equal points. OECD/JRC, Handbook on Constructing Composite
Indicators (2008), steps 5 and 6, names the choices of normalisation and weighting.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Literal

Direction = Literal["more_is_better", "less_is_better"]

DECIMALS = 6
# A field whose villages all have the same value says nothing about any of them: each gets the middle.
MIDDLE = Fraction(1, 2)


@dataclass(frozen=True, slots=True)
class Goalposts:
    """Two fixed values, in the indicator's own unit, between which its points run from none to all."""

    low: Fraction
    high: Fraction


@dataclass(frozen=True, slots=True)
class MinMax:
    """The lowest and highest value present in the field take the place of goalposts."""


@dataclass(frozen=True, slots=True)
class Indicator:
    """What one indicator measures with and how much it counts.

    `weight` is its share of the whole, above 0. A village whose exposure is below `min_evidence` (at least 1) has
    too little behind its value, and the value gives no points.
    """

    code: str
    direction: Direction
    normalisation: Goalposts | MinMax
    weight: Fraction
    min_evidence: int = 1


@dataclass(frozen=True, slots=True)
class Evidence:
    """A numerator and what it is a share of, or a mean over, both as whole numbers counted by SQL."""

    numerator: int
    exposure: int


@dataclass(frozen=True, slots=True)
class Measured:
    """One indicator of one village.

    `value` is numerator / exposure. `weight` is the share it had in this village's score after rescaling and `points`
    what it added, 0 to 100 × weight; both are None where the value is missing or has too little behind it.
    """

    indicator: str
    numerator: int | None
    exposure: int | None
    value: Fraction | None
    weight: Fraction | None
    points: Fraction | None


@dataclass(frozen=True, slots=True)
class Standing:
    """A village's place: `score` 0 to 100 and `rank` from 1, both None where it is unranked.

    `flags` holds `incomplete` (an indicator is missing) and `unranked` (too little is present to rank it).
    """

    village: str
    score: Fraction | None
    rank: int | None
    flags: tuple[str, ...]
    indicators: tuple[Measured, ...]


def rounded(value: Fraction, decimals: int = DECIMALS) -> Fraction:
    """`value` rounded half up (away from zero) to so many decimals."""
    scale = 10**decimals
    whole = (abs(value) * scale * 2 + 1) // 2
    return Fraction(whole if value >= 0 else -whole, scale)


def shown(value: Fraction | float, decimals: int = 1) -> str:
    """`value` as people read it, rounded half up: 4.25 → "4.3" (binary rounding would give 4.2)."""
    exact = rounded(value if isinstance(value, Fraction) else Fraction(repr(value)), decimals)
    step = Decimal(1).scaleb(-decimals)
    return str((Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(step, ROUND_HALF_UP))


def normalised(value: Fraction, posts: Goalposts, direction: Direction) -> Fraction:
    """Where `value` lies between worst (0) and best (1); outside the goalposts counts as on them."""
    if posts.low == posts.high:
        return MIDDLE
    share = min(max((value - posts.low) / (posts.high - posts.low), Fraction(0)), Fraction(1))
    return share if direction == "more_is_better" else 1 - share


def posts_of(indicator: Indicator, present: Iterable[Fraction]) -> Goalposts:
    """The goalposts an indicator is held against: its own, or the extremes of the values `present` in the field."""
    if isinstance(indicator.normalisation, Goalposts):
        return indicator.normalisation
    values = sorted(present) or [Fraction(0)]
    return Goalposts(values[0], values[-1])


def competition_ranks(scores: Mapping[str, Fraction]) -> dict[str, int]:
    """Ranks 1, 2, 2, 4: equal scores share the better rank. Keys come in rank order, equal ones by code."""
    ranks: dict[str, int] = {}
    previous: tuple[Fraction, int] | None = None
    for place, (code, score) in enumerate(sorted(scores.items(), key=lambda item: (-item[1], item[0])), 1):
        rank = previous[1] if previous and previous[0] == score else place
        ranks[code] = rank
        previous = (score, rank)
    return ranks


def score_villages(
    indicators: Sequence[Indicator],
    least_weight: Fraction,
    villages: Iterable[str],
    evidence: Mapping[str, Mapping[str, Evidence]],
) -> list[Standing]:
    """Score and rank every village; the best first, equal ones by code, the unranked last.

    `evidence` holds, by indicator code, the evidence of each village that has any; evidence of a village not among
    `villages` is left out. A village is ranked when the indicators present carry more than nothing and at least
    `least_weight` (0 to 1) of the whole weight.
    """
    codes = sorted(set(villages))
    columns = {indicator.code: _column(indicator, codes, evidence.get(indicator.code, {})) for indicator in indicators}
    unplaced = [_standing(code, indicators, least_weight, columns) for code in codes]
    ranks = competition_ranks({one.village: one.score for one in unplaced if one.score is not None})
    placed = [Standing(one.village, one.score, ranks.get(one.village), one.flags, one.indicators) for one in unplaced]
    return sorted(placed, key=lambda one: (one.rank is None, one.rank or 0, one.village))


@dataclass(frozen=True, slots=True)
class _Cell:
    evidence: Evidence
    value: Fraction
    share: Fraction | None


def _column(indicator: Indicator, villages: list[str], evidence: Mapping[str, Evidence]) -> dict[str, _Cell]:
    known = {code: evidence[code] for code in villages if code in evidence and evidence[code].exposure > 0}
    values = {code: Fraction(one.numerator, one.exposure) for code, one in known.items()}
    enough = {code for code, one in known.items() if one.exposure >= indicator.min_evidence}
    posts = posts_of(indicator, (values[code] for code in enough))
    return {
        code: _Cell(one, values[code], normalised(values[code], posts, indicator.direction) if code in enough else None)
        for code, one in known.items()
    }


def _standing(
    village: str, indicators: Sequence[Indicator], least_weight: Fraction, columns: Mapping[str, Mapping[str, _Cell]]
) -> Standing:
    cells = {one.code: columns[one.code].get(village) for one in indicators}
    present = sum((one.weight for one in indicators if _counts(cells[one.code])), Fraction(0))
    whole = sum((one.weight for one in indicators), Fraction(0))
    ranked = present > 0 and present >= least_weight * whole
    measured = tuple(_measured(one, cells[one.code], present if ranked else None) for one in indicators)
    score = rounded(sum((one.points or Fraction(0) for one in measured), Fraction(0))) if ranked else None
    flags = tuple(flag for flag, holds in (("incomplete", present < whole), ("unranked", not ranked)) if holds)
    return Standing(village, score, None, flags, measured)


def _counts(cell: _Cell | None) -> bool:
    return cell is not None and cell.share is not None


def _measured(indicator: Indicator, cell: _Cell | None, present: Fraction | None) -> Measured:
    if cell is None:
        return Measured(indicator.code, None, None, None, None, None)
    weight = points = None
    if cell.share is not None and present is not None:
        weight = indicator.weight / present
        points = 100 * weight * cell.share
    return Measured(indicator.code, cell.evidence.numerator, cell.evidence.exposure, cell.value, weight, points)
