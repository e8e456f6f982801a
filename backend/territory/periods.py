"""The periods that rankings and reports are made for: a month `2026-10`, a quarter `2026-Q3`, a year `2026`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import ClassVar

from backend.http.problems import Problem

FIRST_YEAR, LAST_YEAR = 1900, 2199
_FORM = re.compile(r"([0-9]{4})(?:-(?:(0[1-9]|1[0-2])|Q([1-4])))?")


class BadPeriod(Problem):
    """A text that names no month, quarter or year."""

    status: ClassVar[int] = 422
    code: ClassVar[str] = "bad_period"
    zh: ClassVar[str] = "时段应写作月份（2026-10）、季度（2026-Q3）或年份（2026）。"
    en: ClassVar[str] = "Name the period as a month (2026-10), a quarter (2026-Q3) or a year (2026)."


class PeriodNotBegun(Problem):
    """A period that lies wholly in the future has no facts."""

    status: ClassVar[int] = 422
    code: ClassVar[str] = "period_not_begun"
    zh: ClassVar[str] = "该时段尚未开始，还没有可供计算的事实。"
    en: ClassVar[str] = "This period has not begun; there are no facts to count yet."


@dataclass(frozen=True, slots=True)
class Period:
    """A period in a town's zone: from `start` (included) to `end` (not included), both with that zone."""

    name: str
    start: datetime
    end: datetime

    def begun(self, now: datetime) -> bool:
        """Whether its first instant has come."""
        return self.start <= now

    def ended(self, now: datetime) -> bool:
        """Whether its last instant has passed; before that its facts may still change."""
        return self.end <= now


def read_period(text: str, zone: tzinfo) -> Period:
    """The period a text names, by the clock of `zone`; BadPeriod for any other text."""
    match = _FORM.fullmatch(text)
    if match is None or not FIRST_YEAR <= int(match[1]) <= LAST_YEAR:
        raise BadPeriod(errors={"period": [(BadPeriod.zh, BadPeriod.en)]})
    year, month, quarter = (int(part) if part else 0 for part in match.groups())
    first = month or (3 * quarter - 2 if quarter else 1)
    length = 1 if month else 3 if quarter else 12
    past = first + length
    end = datetime(year + (past > 12), past - 12 if past > 12 else past, 1, tzinfo=zone)
    return Period(text, datetime(year, first, 1, tzinfo=zone), end)


def months_of(period: Period, zone: tzinfo) -> list[Period]:
    """The months of a period of this zone's clock, in their order."""
    first, months = period.start, list[Period]()
    while first < period.end:
        months.append(read_period(f"{first.year}-{first.month:02d}", zone))
        first = months[-1].end
    return months


def ended_periods(now: datetime, zone: tzinfo, back: timedelta) -> Iterator[Period]:
    """Every month, quarter and year that ended within `back` before `now`, those that ended first first."""
    here = now.astimezone(zone)
    earliest = now - back
    years = range(earliest.astimezone(zone).year - 1, here.year + 1)
    shapes = [f"-{month:02d}" for month in range(1, 13)] + [f"-Q{quarter}" for quarter in range(1, 5)] + [""]
    periods = [read_period(f"{year}{shape}", zone) for year in years for shape in shapes]
    found = [one for one in periods if earliest < one.end <= now]
    return iter(sorted(found, key=lambda one: (one.end, one.start)))
