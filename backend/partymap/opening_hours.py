"""When a service point's door is open: a regular week, the work calendar, and exceptions by date or by name.

Which hours a date has, first that applies:
1. an exception for that date (closed, or other hours);
2. an exception for a name the date has, the most particular name first: a festival on this very day (New Year's Eve),
   the public holiday of which it is a day off (the Spring Festival), any public holiday;
3. on an ordinary date (Monday–Friday that is worked, Saturday or Sunday that is not): the hours of that weekday
   where they are written, else those of "workdays" or "restdays";
4. on a moved date (a holiday on a weekday, a make-up Saturday or Sunday): "workdays" or "restdays" by the work
   calendar as soon as either is written, else the hours of that weekday.

Hours belong to the date they start on: Friday 16:00–01:00 runs until Saturday 01:00 even where Saturday is closed.
The closing minute itself is closed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CALENDAR_DAYS = ("workdays", "restdays")
RULE_DAYS = WEEKDAYS + CALENDAR_DAYS
DAY_MINUTES = 24 * 60
LOOK_AHEAD_DAYS = 400


class Calendar(Protocol):
    """What opening hours ask of a work calendar."""

    def is_workday(self, day: date, /) -> bool:
        """Whether `day` is worked: make-up Saturdays are, holidays are not."""

    def names_of(self, day: date, /) -> tuple[str, ...]:
        """The names of `day` (a festival, a public holiday), the most particular first."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """One stretch of open time: minutes after the midnight its date begins with; `closes` may pass 1440."""

    opens: int
    closes: int


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """Checked hours of one service point; `zone` is the wall clock they are written in.

    Made by `backend.partymap.hours_as_written.read_hours`. All instants taken are aware datetimes (naive:
    ValueError); all given back are aware, in `zone`.
    """

    weekly: Mapping[str, tuple[Span, ...]]
    exceptions: Mapping[date, tuple[Span, ...]]
    zone: ZoneInfo
    named: Mapping[str, tuple[Span, ...]] = field(default_factory=dict)
    """Exceptions by the name of a day."""

    def spans_on(self, day: date, calendar: Calendar) -> tuple[Span, ...]:
        """The stretches that start on `day`, in order; empty when it is closed."""
        if day in self.exceptions:
            return self.exceptions[day]
        # Most points have none by name, and then nobody needs to look the names up.
        for name in calendar.names_of(day) if self.named else ():
            if name in self.named:
                return self.named[name]
        weekday = WEEKDAYS[day.weekday()]
        if "workdays" not in self.weekly and "restdays" not in self.weekly:
            return self.weekly.get(weekday, ())
        worked = calendar.is_workday(day)
        ordinary = worked == (day.weekday() < 5)
        if ordinary and weekday in self.weekly:
            return self.weekly[weekday]
        return self.weekly.get("workdays" if worked else "restdays", ())

    def is_open(self, at: datetime, calendar: Calendar) -> bool:
        """Whether the door is open at the instant `at`."""
        today = self._local(at).date()
        return any(
            opens <= at < closes
            for day in (today - timedelta(days=1), today)
            for opens, closes in self._stretches_of(day, calendar)
        )

    def opens_next(self, at: datetime, calendar: Calendar) -> datetime | None:
        """The first instant after `at` at which a shut door opens; None when none comes within 400 days."""
        return next((opens.astimezone(self.zone) for opens, _ in self._runs(at, calendar) if opens > at), None)

    def closes_next(self, at: datetime, calendar: Calendar) -> datetime | None:
        """The first instant after `at` at which an open door shuts, open now or not; None when none within 400 days."""
        return next((closes.astimezone(self.zone) for _, closes in self._runs(at, calendar) if closes > at), None)

    def opens_ever(self) -> bool:
        """Whether any hours are written at all."""
        return any((*self.weekly.values(), *self.exceptions.values(), *self.named.values()))

    def weekly_open_minutes(self) -> int:
        """Open minutes of a regular week: Monday–Friday worked, Saturday and Sunday not, no exceptions."""
        total = 0
        for number, weekday in enumerate(WEEKDAYS):
            kind = "workdays" if number < 5 else "restdays"
            spans = self.weekly.get(weekday, self.weekly.get(kind, ()))
            total += sum(span.closes - span.opens for span in spans)
        return total

    def _local(self, at: datetime) -> datetime:
        if at.tzinfo is None:
            raise ValueError("opening hours are asked at an aware datetime")
        return at.astimezone(self.zone)

    def _stretches_of(self, day: date, calendar: Calendar) -> Iterator[tuple[datetime, datetime]]:
        for span in self.spans_on(day, calendar):
            yield self._instant(day, span.opens), self._instant(day, span.closes)

    def _instant(self, day: date, minutes: int) -> datetime:
        days, minutes = divmod(minutes, DAY_MINUTES)
        on = day + timedelta(days=days)
        wall = datetime(on.year, on.month, on.day, minutes // 60, minutes % 60, tzinfo=self.zone)
        # In UTC, because two times of one zone compare by their wall clocks, which a clock change makes wrong.
        return wall.astimezone(UTC)

    def _runs(self, at: datetime, calendar: Calendar) -> Iterator[tuple[datetime, datetime]]:
        """Stretches of open time from the day before `at`, those that touch joined into one."""
        first = self._local(at).date() - timedelta(days=1)
        run: tuple[datetime, datetime] | None = None
        for number in range(LOOK_AHEAD_DAYS):
            for opens, closes in self._stretches_of(first + timedelta(days=number), calendar):
                if run is None:
                    run = (opens, closes)
                elif opens <= run[1]:
                    run = (run[0], max(run[1], closes))
                else:
                    yield run
                    run = (opens, closes)
        # A run that reaches the end of the look-ahead is not known to end there (a door that never shuts).
        if run is not None and run[1] < self._instant(first + timedelta(days=LOOK_AHEAD_DAYS), 0):
            yield run
