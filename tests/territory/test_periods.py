"""Periods are months, quarters and years by the town's own clock."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.territory.periods import BadPeriod, ended_periods, read_period

SHANGHAI, NEW_YORK = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026-10", (2026, 10), (2026, 11)),
        ("2026-12", (2026, 12), (2027, 1)),
        ("2026-Q1", (2026, 1), (2026, 4)),
        ("2026-Q3", (2026, 7), (2026, 10)),
        ("2026-Q4", (2026, 10), (2027, 1)),
        ("2026", (2026, 1), (2027, 1)),
    ],
)
def test_a_period_runs_from_its_first_midnight_to_the_next_ones(
    text: str, start: tuple[int, int], end: tuple[int, int]
) -> None:
    period = read_period(text, SHANGHAI)
    assert period.start == datetime(*start, 1, tzinfo=SHANGHAI)
    assert period.end == datetime(*end, 1, tzinfo=SHANGHAI)


def test_a_period_begins_and_ends_by_the_towns_clock_and_not_by_utc() -> None:
    october = read_period("2026-10", SHANGHAI)
    assert october.start == datetime(2026, 9, 30, 16, tzinfo=UTC)
    assert not october.ended(datetime(2026, 10, 31, 15, 59, 59, tzinfo=UTC))
    assert october.ended(datetime(2026, 10, 31, 16, tzinfo=UTC))
    assert not october.begun(datetime(2026, 9, 30, 15, 59, 59, tzinfo=UTC))
    august = read_period("2011-08", NEW_YORK)
    assert (august.start, august.end) == (datetime(2011, 8, 1, 4, tzinfo=UTC), datetime(2011, 9, 1, 4, tzinfo=UTC))


def test_a_period_across_a_clock_change_keeps_its_local_midnights() -> None:
    march = read_period("2026-03", NEW_YORK)
    assert march.end.astimezone(UTC) - march.start.astimezone(UTC) == timedelta(days=31, hours=-1)


@pytest.mark.parametrize(
    "text",
    ["", "2026-13", "2026-00", "2026-1", "2026-Q0", "2026-Q5", "2026-q3", "26-10", "2026-10-01", " 2026", "2026\n",
     "２０２６-10", "1899", "2200", "9999-12", "0000", "-2026", "2026-Q３", "latest", "2026-10\x00"],
)  # fmt: skip
def test_a_text_that_names_no_period_is_refused(text: str) -> None:
    with pytest.raises(BadPeriod):
        read_period(text, SHANGHAI)


@given(st.text(max_size=8))
def test_no_text_whatever_breaks_the_reading_of_a_period(text: str) -> None:
    try:
        period = read_period(text, SHANGHAI)
    except BadPeriod:
        return
    assert period.start < period.end


def test_the_periods_that_ended_are_listed_once_in_the_order_they_ended() -> None:
    now = datetime(2027, 1, 1, 0, 30, tzinfo=SHANGHAI)
    names = [one.name for one in ended_periods(now, SHANGHAI, timedelta(days=100))]
    assert names == ["2026-Q3", "2026-09", "2026-10", "2026-11", "2026", "2026-Q4", "2026-12"]


def test_a_period_that_ends_this_very_instant_has_ended_and_one_a_second_away_has_not() -> None:
    end = datetime(2026, 11, 1, tzinfo=SHANGHAI)
    assert [one.name for one in ended_periods(end, SHANGHAI, timedelta(days=1))] == ["2026-10"]
    assert not list(ended_periods(end - timedelta(seconds=1), SHANGHAI, timedelta(days=1)))
