"""The work calendar: which minutes are open, and when a limit in minutes or days of it runs out."""

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from hashlib import blake2b
from zoneinfo import ZoneInfo

from backend.territory.named_days import ANY, festivals
from backend.territory.public_holidays import announced_years, holidays_by_notice, workdays_by_notice

CHINA = ZoneInfo("Asia/Shanghai")
_UTC = ZoneInfo("UTC")

Hours = tuple[tuple[time, time], ...]
DEFAULT_HOURS: Hours = ((time(8, 30), time(12)), (time(14), time(17, 30)))
"""Opening and closing times of a workday, in the town's local time."""


def hours_of(text: str) -> Hours:
    """Working hours from text such as `08:30-12:00,14:00-17:30`; ValueError unless ascending and apart."""
    if not re.fullmatch(r"\d\d:\d\d-\d\d:\d\d(,\d\d:\d\d-\d\d:\d\d)*", text.replace(" ", "")):
        raise ValueError(f"working hours must look like 08:30-12:00,14:00-17:30, not {text!r}")
    parts = (part.split("-") for part in text.replace(" ", "").split(","))
    hours = tuple((time.fromisoformat(opening), time.fromisoformat(closing)) for opening, closing in parts)
    edges = [edge for interval in hours for edge in interval]
    if edges != sorted(set(edges)):
        raise ValueError(f"working hours must ascend without overlap: {text!r}")
    return hours


class WorkCalendar:
    """Workdays and open minutes of one town. Plain and unchanging: build another when overrides change.

    `overrides` maps a date to whether it is a workday and wins over everything (typhoon days, a notice that came
    late). All moments taken must carry a zone (ValueError otherwise); all given back are in the town's zone. A minute
    of work is a minute on the town's clock.
    """

    def __init__(
        self,
        overrides: Mapping[date, bool] | None = None,
        hours: Hours = DEFAULT_HOURS,
        zone: tzinfo = CHINA,
    ) -> None:
        if not hours:
            raise ValueError("a workday needs working hours")
        self._overrides = dict(overrides or {})
        self._hours = tuple((_since_midnight(opening), _since_midnight(closing)) for opening, closing in hours)
        self._day_length = sum((closing - opening for opening, closing in self._hours), timedelta())
        self._zone = zone
        self._years: dict[int, Sequence[int]] = {}

    def is_workday(self, day: date) -> bool:
        """Whether the town works on this date."""
        chosen = self._overrides.get(day)
        return day in workdays_by_notice(day.year) if chosen is None else chosen

    def names_of(self, day: date) -> tuple[str, ...]:
        """The names a date has (`DAY_NAMES`), the most particular first: the festival on this very day, the public
        holiday of which it is a day off, and any public holiday. A holiday on which the town works is none."""
        festival, holiday = festivals().get(day), holidays_by_notice(day.year).get(day)
        off = (holiday, ANY) if holiday is not None and not self.is_workday(day) else ()
        return off if festival is None else (festival, *off)

    def provisional(self, day: date) -> bool:
        """Whether the answer for this date may change: its year is not announced yet and no override says."""
        return day.year >= announced_years().stop and day not in self._overrides

    def provisional_between(self, start: datetime, end: datetime) -> bool:
        """Whether a limit from `start` to `end` rests on a provisional day and is to be computed anew later."""
        first, last = self._local(start).date(), self._local(end).date()
        day = max(first, date(announced_years().stop, 1, 1))
        while day <= last:
            if day not in self._overrides:
                return True
            day += timedelta(days=1)
        return False

    @property
    def fingerprint(self) -> str:
        """Short text that differs when deadlines may: other overrides, hours, zone, or a year newly announced."""
        facts = (sorted(self._overrides.items()), self._hours, str(self._zone), announced_years())
        return blake2b(repr(facts).encode(), digest_size=8).hexdigest()

    def open_intervals(self, day: date) -> list[tuple[datetime, datetime]]:
        """Opening and closing moments of this date, in order; none on a day off."""
        if not self.is_workday(day):
            return []
        return [(self._moment(day, opening), self._moment(day, closing)) for opening, closing in self._hours]

    def is_open(self, moment: datetime) -> bool:
        """Whether the town works at this moment."""
        return any(opening <= moment < closing for opening, closing in self.open_intervals(self._local(moment).date()))

    @property
    def day_minutes(self) -> float:
        """Open minutes of a workday."""
        return self._day_length / timedelta(minutes=1)

    def day_end(self, moment: datetime) -> datetime:
        """Midnight after a moment, on the town's clock."""
        return self._moment(self._local(moment).date() + timedelta(days=1), timedelta())

    def add_urgent_minutes(self, start: datetime, minutes: float) -> datetime:
        """`minutes` later by the clock: urgent hours run day and night. ValueError for negative minutes."""
        return self._local(self._local(start).astimezone(_UTC) + _span(minutes))

    def add_work_minutes(self, start: datetime, minutes: float) -> datetime:
        """The moment by which `minutes` open minutes have passed since `start`; exactly used up at closing time, it is
        that closing time. ValueError for negative minutes."""
        needed, local = _span(minutes), self._local(start)
        if not needed:
            return local
        day, passed = local.date(), self._open_before(local)
        if self.is_workday(day):
            if needed <= self._day_length - passed:
                return self._after_opening(day, passed + needed)
            needed -= self._day_length - passed
        days, rest = divmod(needed, self._day_length)
        if not rest:
            days, rest = days - 1, self._day_length
        return self._after_opening(self._workday_after(day, days + 1), rest)

    def add_workdays(self, start: datetime, days: int) -> datetime:
        """Closing time of the last of `days` workdays; the day of the start is not counted. ValueError below 1."""
        if days < 1:
            raise ValueError("a limit in workdays is at least one")
        return self._moment(self._workday_after(self._local(start).date(), days), self._hours[-1][1])

    def work_minutes_between(self, start: datetime, end: datetime) -> float:
        """Open minutes from `start` to `end`; negative when `end` is the earlier."""
        if end < start:
            return -self.work_minutes_between(end, start)
        first, last = self._local(start), self._local(end)
        worked = self._open_before(last) - self._open_before(first)
        worked += self._workdays_before(first.date(), last.date()) * self._day_length
        return worked / timedelta(minutes=1)

    def workdays_after(self, start: datetime, end: datetime) -> int:
        """Number of workdays after the day of `start`, up to and with the day of `end`."""
        first, last = (self._local(moment).date() + timedelta(days=1) for moment in (start, end))
        return self._workdays_before(first, last) if first < last else 0

    def _local(self, moment: datetime) -> datetime:
        if moment.tzinfo is None:
            raise ValueError("a time without a zone")
        return moment.astimezone(self._zone)

    def _moment(self, day: date, since_midnight: timedelta) -> datetime:
        return datetime.combine(day, time(), self._zone) + since_midnight

    def _open_before(self, local: datetime) -> timedelta:
        """Open time of the moment's own day that lies before it."""
        if not self.is_workday(local.date()):
            return timedelta()
        clock = _since_midnight(local.time())
        return sum((min(clock, closing) - opening for opening, closing in self._hours if clock > opening), timedelta())

    def _after_opening(self, day: date, worked: timedelta) -> datetime:
        for opening, closing in self._hours:
            if worked <= closing - opening:
                return self._moment(day, opening + worked)
            worked -= closing - opening
        raise AssertionError("more than a day's work")

    def _workdays(self, year: int) -> Sequence[int]:
        """Ordinals of the year's workdays, ascending."""
        if year not in self._years:
            changed = {day: works for day, works in self._overrides.items() if day.year == year}
            days = workdays_by_notice(year).difference(changed) | {day for day, works in changed.items() if works}
            self._years[year] = sorted(day.toordinal() for day in days)
        return self._years[year]

    def _workday_after(self, day: date, count: int) -> date:
        year, ordinal = day.year, day.toordinal()
        while year <= date.max.year:
            days = self._workdays(year)
            position = bisect_right(days, ordinal) + count - 1
            if position < len(days):
                return date.fromordinal(days[position])
            count -= len(days) - bisect_right(days, ordinal)
            year += 1
        raise ValueError("the limit ends after the year 9999")

    def _workdays_before(self, first: date, last: date) -> int:
        """Number of workdays from `first` on, before `last`."""
        years = range(first.year, last.year + 1)
        return sum(
            bisect_right(self._workdays(year), last.toordinal() - 1)
            - bisect_right(self._workdays(year), first.toordinal() - 1)
            for year in years
        )


def _since_midnight(clock: time) -> timedelta:
    return timedelta(hours=clock.hour, minutes=clock.minute, seconds=clock.second, microseconds=clock.microsecond)


def _span(minutes: float) -> timedelta:
    if minutes < 0:
        raise ValueError("a limit cannot be negative")
    return timedelta(minutes=minutes)
