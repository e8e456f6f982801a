"""A database counts open time as the calendar does."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import BigInteger, DateTime, bindparam, cast, select

from backend.config import TOWN_ZONE
from backend.extensions import UtcDateTime
from backend.http.reading import connection, row
from backend.territory.calendar import WorkCalendar, hours_of
from backend.territory.open_time import DAY, EpochSeconds, days_table, open_before, open_days

pytestmark = pytest.mark.sql
FIRST, LAST = datetime(2025, 1, 1, tzinfo=TOWN_ZONE), datetime(2026, 12, 31, tzinfo=TOWN_ZONE)


@pytest.mark.parametrize(
    "hours", ["08:30-12:00,14:00-17:30", "06:00-09:00,10:00-23:30", "07:15-07:45,08:00-08:01,13:00-20:00"]
)
def test_sql_counts_the_open_seconds_that_the_calendar_counts(shared_app: Flask, hours: str) -> None:
    overrides = {date(2026, 3, 3): False, date(2026, 3, 7): True}
    calendar, dice = WorkCalendar(overrides, hours_of(hours), TOWN_ZONE), random.Random(hours)
    counted = open_days(calendar, FIRST, LAST)
    with shared_app.app_context():
        days = days_table(connection().dialect.name, counted.pieces).cte("days")
        at = cast(bindparam("at"), BigInteger)
        before = select(open_before(at, days, counted.pieces)).where(days.c.day == at // DAY)

        def seconds_before(moment: datetime) -> int:
            found = row(before, at=int(moment.timestamp()), days=counted.document)
            assert found is not None
            return int(found[0])

        for _ in range(25):
            start, end = sorted(
                FIRST + timedelta(seconds=dice.randrange(int((LAST - FIRST).total_seconds()))) for _ in "ab"
            )
            assert seconds_before(end) - seconds_before(start) == round(calendar.work_minutes_between(start, end) * 60)


def test_an_instant_is_cut_off_to_seconds_and_not_rounded(app: Flask) -> None:
    at = datetime(2026, 10, 5, 23, 59, 59, 999999, tzinfo=UTC)
    with app.app_context():
        stored = cast(bindparam("at", type_=UtcDateTime), DateTime(timezone=True))
        if connection().dialect.name == "sqlite":
            stored = bindparam("at", type_=UtcDateTime)  # type: ignore[assignment]
        found = row(select(EpochSeconds(stored)), at=at)
    assert found is not None and found[0] == int(at.timestamp())
