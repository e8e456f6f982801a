"""Deadlines and colours against a reference that counts minute by minute, over the real calendars of 2024 to 2026."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache

import chinese_calendar
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.cases.timing.deadlines import Deadline, Granted, Limit, Span, Unit, counted, deadline
from backend.config import TOWN_ZONE
from backend.territory.calendar import WorkCalendar

FIRST, LAST = date(2024, 1, 1), date(2026, 12, 31)
ORIGIN = datetime(2024, 1, 1, tzinfo=TOWN_ZONE)
DAY = 24 * 60
OPEN = (*range(8 * 60 + 30, 12 * 60), *range(14 * 60, 17 * 60 + 30))
OF_A_DAY = len(OPEN)


@cache
def announced() -> bytes:
    """For each minute of the three years whether the town works, by the State Council's notices."""
    working = bytes(minute in OPEN for minute in range(DAY))
    days = (FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1))
    return b"".join(working if chinese_calendar.is_workday(day) else bytes(DAY) for day in days)


@dataclass
class Slow:
    """The rules of deadlines in the plainest words. Instants are minutes since the start of 2024."""

    open: bytearray

    def begins(self, start: int, limit: Limit) -> tuple[int, int]:
        if limit.unit == "workdays":
            return self._days(start, limit.amount), self._four_fifths(self._next_day(start), limit.amount * OF_A_DAY)
        minutes = limit.amount * 60
        return self._pass(start, minutes, limit.unit), self._pass(start, minutes * 4 // 5, limit.unit)

    def stops(self, due: int, amber: int, unit: Unit, start: int, end: int) -> tuple[int, int]:
        """What was left when the clock stopped is left when it goes on; days are left as days."""
        if due <= start:
            return due, amber
        if unit == "workdays":
            days = sum(any(self._of_day(day)) for day in range(start // DAY + 1, due // DAY + 1))
            later = self._days(end, max(1, days))
        else:
            later = self._pass(end, self._between(start, due, unit), unit)
        if amber <= start:
            return later, amber
        last, left, moment = self._between(amber, due, unit), self._between(end, later, unit), end
        while left > last:
            left -= self._counts(moment, unit)
            moment += 1
        return later, moment

    def counts(
        self, start: int, limit: Limit, stood: list[tuple[int, int]], granted: tuple[int, int] | None
    ) -> tuple[int, int]:
        """From the start by the limit, or from its grant to the day that was granted; then stop by stop."""
        due, amber = self.extends(*granted, limit.unit) if granted else self.begins(start, limit)
        for begin, end in stood:
            began = max(begin, granted[0] if granted else start)
            if began < end:
                due, amber = self.stops(due, amber, limit.unit, began, end)
        return due, amber

    def extends(self, now: int, to: int, unit: Unit) -> tuple[int, int]:
        begin = self._begin(now, to, unit)
        return to, self._pass(begin, self._between(begin, to, unit) * 4 // 5, unit)

    def whole_fifths(self, now: int, to: int, unit: Unit) -> int:
        """The first minute from `to` on to which four fifths of the time are whole minutes."""
        while self._between(self._begin(now, to, unit), to, unit) % 5:
            to += 1
        return to

    def _begin(self, now: int, to: int, unit: Unit) -> int:
        return self._next_day(now) if unit == "workdays" and self._next_day(now) < to else now

    def _counts(self, minute: int, unit: Unit) -> int:
        return 1 if unit == "urgent_hours" else self.open[minute]

    def _between(self, start: int, end: int, unit: Unit) -> int:
        return end - start if unit == "urgent_hours" else self.open.count(1, start, end)

    def _pass(self, start: int, minutes: int, unit: Unit) -> int:
        moment = start
        while minutes:
            minutes -= self._counts(moment, unit)
            moment += 1
        return moment

    def _four_fifths(self, start: int, minutes: int) -> int:
        return self._pass(start, minutes * 4 // 5, "work_hours")

    def _of_day(self, day: int) -> bytes:
        return bytes(self.open[day * DAY : (day + 1) * DAY])

    def _next_day(self, minute: int) -> int:
        return (minute // DAY + 1) * DAY

    def _days(self, start: int, days: int) -> int:
        """The end of the last open minute of the last day."""
        day = start // DAY
        while days:
            day += 1
            days -= any(self._of_day(day))
        return day * DAY + self._of_day(day).rindex(1) + 1


def minute(moment: datetime) -> float:
    return (moment - ORIGIN) / timedelta(minutes=1)


def instant(minute: int) -> datetime:
    return ORIGIN + timedelta(minutes=minute)


def changed(days: dict[date, bool]) -> bytearray:
    known = bytearray(announced())
    for day, works in days.items():
        at = (day - FIRST).days * DAY
        known[at : at + DAY] = bytes(minute in OPEN for minute in range(DAY)) if works else bytes(DAY)
    return known


DAYS = st.dictionaries(st.dates(FIRST, LAST), st.booleans(), max_size=25)
STARTS = st.integers(0, (date(2026, 8, 31) - FIRST).days * DAY)
LIMITS = st.one_of(
    st.builds(Limit, st.just("urgent_hours"), st.integers(1, 96)),
    st.builds(Limit, st.just("work_hours"), st.integers(1, 40)),
    st.builds(Limit, st.just("workdays"), st.integers(1, 15)),
)
LATER = st.integers(0, 9 * DAY)
TURNS = st.lists(
    st.tuples(st.sampled_from(("stop", "extend", "rework", "correct")), LATER, st.integers(1, 12 * DAY), LIMITS),
    max_size=5,
)


def told(held: Deadline) -> tuple[float, float | None]:
    return minute(held.due_at), held.amber_at and minute(held.amber_at)


@settings(max_examples=80, deadline=None)
@given(DAYS, DAYS, STARTS, LIMITS, TURNS)
def test_a_step_is_due_and_amber_when_counting_minute_by_minute_says_so(
    days: dict[date, bool],
    declared: dict[date, bool],
    start: int,
    limit: Limit,
    turns: list[tuple[str, int, int, Limit]],
) -> None:
    """Whatever happened to it, in whatever order, and by a calendar that was changed after all of it as well."""
    calendar, slow = WorkCalendar(days), Slow(changed(days))
    now, begun, granted, as_granted = start, start, None, limit.unit
    stood: list[tuple[int, int]] = []

    def held(by: WorkCalendar, since: int) -> Deadline:
        spans = [Span(instant(begin), instant(end)) for begin, end in stood]
        day = Granted(instant(granted[0]), instant(granted[1])) if granted else None
        return counted(instant(since), limit, by, spans, day)

    due, amber = slow.begins(start, limit)
    assert told(held(calendar, begun)) == (due, amber)
    for turn, later, length, other in turns:
        now += later
        if turn == "rework":
            start = begun = now
            granted = None
            due, amber = slow.begins(now, limit)
        elif turn == "correct":
            was, limit, begun = due, other, start
            due, amber = slow.counts(start, limit, stood, granted)
            if due <= now < was:  # nobody is late by another's mistake
                begun, granted = now, None
                due, amber = slow.begins(now, limit)
        elif turn == "stop":
            due, amber = slow.stops(due, amber, limit.unit, now, now + length)
            stood.append((now, now + length))
            now += length
        else:
            granted = now, slow.whole_fifths(now, max(now, due) + length, limit.unit)
            as_granted = limit.unit
            due, amber = slow.extends(*granted, limit.unit)
        shown = told(held(calendar, begun))
        # Four fifths of the time to a day that was granted are whole minutes as long as they are counted alike.
        assert shown == (due, amber) or (granted and limit.unit != as_granted and shown[0] == due), (turn, now)
    by, slow = days | declared, Slow(changed(days | declared))
    anew, expected = held(WorkCalendar(by), begun), slow.counts(begun, limit, stood, granted)
    assert told(anew) == expected or (granted and minute(anew.due_at) == expected[0])
    assert anew.amber_at is not None and anew.amber_at <= anew.due_at


@settings(max_examples=60, deadline=None)
@given(DAYS, STARTS, LIMITS)
def test_amber_comes_after_the_start_and_before_the_end(days: dict[date, bool], start: int, limit: Limit) -> None:
    held = deadline(instant(start), limit, WorkCalendar(days))
    assert held.amber_at is not None and instant(start) < held.amber_at < held.due_at
