"""Quiet hours end when they say, over midnight too."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.config import TOWN_ZONE
from backend.territory.quiet_hours import quiet_of, quiet_until

START, END = (datetime(year, 1, 1) for year in (2026, 2027))  # noqa: DTZ001  # hypothesis adds the zone
NIGHT = (time(22), time(7))


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=TOWN_ZONE)


@pytest.mark.parametrize(
    ("moment", "until"),
    [
        (at(27, 21, 59), None),
        (at(27, 22), at(28, 7)),
        (at(28, 0), at(28, 7)),
        (at(28, 6, 59), at(28, 7)),
        (at(28, 7), None),
        (at(27, 22).astimezone(UTC), at(28, 7)),
    ],
)
def test_a_night_lasts_until_its_morning(moment: datetime, until: datetime | None) -> None:
    assert quiet_until(NIGHT, moment) == until


def test_hours_by_day_end_on_the_same_day() -> None:
    noon = quiet_of("12:30-14:00")
    assert noon is not None
    assert quiet_until(noon, at(27, 13)) == at(27, 14)
    assert quiet_until(noon, at(27, 12)) is None


@given(st.times(), st.times(), st.datetimes(START, END, timezones=st.just(TOWN_ZONE)))
def test_the_end_of_quiet_hours_is_ahead_within_a_day_and_is_not_quiet(
    begins: time, ends: time, moment: datetime
) -> None:
    quiet = (begins, ends)
    until = quiet_until(quiet, moment) if begins != ends else None
    if until is not None:
        assert timedelta(0) < until - moment <= timedelta(days=1)
        assert quiet_until(quiet, until) is None


@pytest.mark.parametrize("written", ["", "22:00", "22-7", "24:00-07:00", "22:00-22:00", "22:00–07:00", "２２:00-07:00"])
def test_what_are_no_hours_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="no hours"):
        quiet_of(written)


def test_a_town_may_have_none() -> None:
    assert quiet_of("none") is None
    assert quiet_of("22:00-07:00") == NIGHT
