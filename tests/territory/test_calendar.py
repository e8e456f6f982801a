import csv
from datetime import UTC, date, datetime, time, timedelta
from importlib import resources
from itertools import pairwise
from zoneinfo import ZoneInfo

import chinese_calendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.territory.calendar import DEFAULT_HOURS, WorkCalendar, hours_of
from backend.territory.public_holidays import announced_years, statutory_holidays

SHANGHAI = ZoneInfo("Asia/Shanghai")
# 国办发明电〔2025〕7号, the notice for 2026: holidays from day to day, and the weekend days worked for them.
OFF_2026 = [
    (date(2026, 1, 1), date(2026, 1, 3)),
    (date(2026, 2, 15), date(2026, 2, 23)),
    (date(2026, 4, 4), date(2026, 4, 6)),
    (date(2026, 5, 1), date(2026, 5, 5)),
    (date(2026, 6, 19), date(2026, 6, 21)),
    (date(2026, 9, 25), date(2026, 9, 27)),
    (date(2026, 10, 1), date(2026, 10, 7)),
]
WORKED_2026 = {
    date(2026, 1, 4),
    date(2026, 2, 14),
    date(2026, 2, 28),
    date(2026, 5, 9),
    date(2026, 9, 20),
    date(2026, 10, 10),
}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def test_every_day_of_2026_is_as_the_state_council_announced_it() -> None:
    calendar = WorkCalendar()
    for n in range(365):
        day = date(2026, 1, 1) + timedelta(days=n)
        off = any(first <= day <= last for first, last in OFF_2026)
        expected = not off and (day.weekday() < 5 or day in WORKED_2026)
        assert calendar.is_workday(day) is expected, day
        assert not calendar.provisional(day)


def test_a_weekend_filing_is_judged_on_the_towns_clock_not_in_utc() -> None:
    filed = datetime(2026, 3, 13, 18, 10, tzinfo=UTC)
    assert WorkCalendar().add_workdays(filed, 2) == at("2026-03-17T17:30")


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        ("2026-02-13T16:00", 3, "2026-02-25T17:30"),
        ("2026-02-14T09:00", 1, "2026-02-24T17:30"),
        ("2026-09-30T09:00", 5, "2026-10-13T17:30"),
        ("2026-11-23T09:00", 2, "2026-11-25T17:30"),
        ("2026-11-23T09:00", 5, "2026-11-30T17:30"),
        ("2026-10-03T09:00", 1, "2026-10-08T17:30"),
    ],
)
def test_workdays_pass_over_holidays_and_count_make_up_days(start: str, days: int, due: str) -> None:
    assert WorkCalendar().add_workdays(at(start), days) == at(due)


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        ("2026-11-23T11:30", 1, "2026-11-23T14:30"),
        ("2026-09-30T16:30", 4, "2026-10-08T11:30"),
        ("2026-10-09T17:00", 2, "2026-10-10T10:00"),
        ("2026-02-14T17:00", 1, "2026-02-24T09:00"),
        ("2026-04-30T17:00", 14, "2026-05-07T17:00"),
        ("2026-11-23T11:00", 1, "2026-11-23T12:00"),
        ("2026-11-23T16:30", 1, "2026-11-23T17:30"),
        ("2026-11-22T03:00", 7, "2026-11-23T17:30"),
        ("2026-11-23T12:30", 0, "2026-11-23T12:30"),
    ],
)
def test_work_hours_count_open_minutes_only(start: str, hours: int, due: str) -> None:
    calendar = WorkCalendar()
    assert calendar.add_work_minutes(at(start), hours * 60) == at(due)
    assert calendar.work_minutes_between(at(start), at(due)) == hours * 60


def test_urgent_hours_run_day_and_night() -> None:
    assert WorkCalendar().add_urgent_minutes(at("2026-02-14T23:30"), 120) == at("2026-02-15T01:30")


def test_an_override_wins_over_the_notice_both_ways() -> None:
    typhoon, extra = date(2026, 10, 9), date(2026, 10, 11)
    calendar = WorkCalendar({typhoon: False, extra: True})
    assert not calendar.is_workday(typhoon)
    assert calendar.open_intervals(typhoon) == []
    assert calendar.is_workday(extra)
    assert WorkCalendar({typhoon: False}).add_workdays(at("2026-09-30T09:00"), 5) == at("2026-10-14T17:30")


def test_open_intervals_carry_the_towns_hours() -> None:
    assert WorkCalendar().open_intervals(date(2026, 11, 23)) == [
        (at("2026-11-23T08:30"), at("2026-11-23T12:00")),
        (at("2026-11-23T14:00"), at("2026-11-23T17:30")),
    ]


def test_a_deadline_that_crosses_into_a_year_not_announced_is_provisional() -> None:
    calendar = WorkCalendar()
    # 2027: 1 January is a Friday and off by law; nothing else is known yet.
    due = calendar.add_workdays(at("2026-12-30T10:00"), 3)
    assert due == at("2027-01-05T17:30")
    assert calendar.provisional_between(at("2026-12-30T10:00"), due)
    assert not calendar.provisional_between(at("2026-12-01T10:00"), at("2026-12-31T17:30"))


def test_a_year_announced_through_overrides_is_no_longer_provisional_and_changes_the_fingerprint() -> None:
    days = {date(2027, 1, 1): False, date(2027, 1, 2): False, date(2027, 1, 3): True}
    known = WorkCalendar(days)
    assert not known.provisional_between(at("2026-12-31T10:00"), at("2027-01-03T17:30"))
    assert known.provisional_between(at("2026-12-31T10:00"), at("2027-01-04T17:30"))
    assert known.add_workdays(at("2026-12-31T10:00"), 1) == at("2027-01-03T17:30")
    assert known.fingerprint != WorkCalendar().fingerprint == WorkCalendar({}).fingerprint


def test_once_a_year_is_announced_its_notice_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    before = WorkCalendar().fingerprint
    constants = chinese_calendar.constants
    monkeypatch.setitem(constants.holidays, date(2027, 1, 1), "New Year's Day")
    monkeypatch.setitem(constants.workdays, date(2027, 1, 2), "New Year's Day")
    from backend.territory import public_holidays

    for cached in (announced_years, public_holidays.workdays_by_notice):
        cached.cache_clear()
    try:
        calendar = WorkCalendar()
        assert calendar.add_workdays(at("2026-12-31T10:00"), 1) == at("2027-01-02T17:30")
        assert not calendar.provisional(date(2027, 6, 1))
        assert calendar.fingerprint != before
    finally:
        monkeypatch.undo()
        for cached in (announced_years, public_holidays.workdays_by_notice):
            cached.cache_clear()


def test_a_year_not_announced_has_weekdays_less_the_statutory_holidays() -> None:
    assert statutory_holidays(2027) == {
        date(2027, 1, 1),
        *(date(2027, 2, day) for day in (5, 6, 7, 8)),
        date(2027, 4, 5),
        date(2027, 5, 1),
        date(2027, 5, 2),
        date(2027, 6, 9),
        date(2027, 9, 15),
        *(date(2027, 10, day) for day in (1, 2, 3)),
    }
    calendar = WorkCalendar()
    assert [calendar.is_workday(date(2027, 2, day)) for day in range(4, 11)] == [True, *[False] * 4, True, True]
    assert calendar.provisional(date(2027, 2, 4))


def test_the_lunar_days_of_the_table_lie_whole_moons_after_the_spring_festival() -> None:
    table = resources.files("backend.territory").joinpath("statutory_days.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(table.splitlines()))
    assert [int(row["year"]) for row in rows] == list(range(2027, 2061))
    for row in rows:
        day = {name: date.fromisoformat(f"{row['year']}-{value}") for name, value in row.items() if name != "year"}
        assert date(int(row["year"]), 1, 21) <= day["spring_festival"] <= date(int(row["year"]), 2, 20)
        # Dragon Boat is day 5 of a month, Mid-Autumn day 15; a month begins with the new moon, to a day or so.
        for name, number in (("dragon_boat", 5), ("mid_autumn", 15)):
            age = ((day[name] - day["spring_festival"]).days - (number - 1)) % 29.530588
            assert min(age, 29.530588 - age) < 2, (row["year"], name)
        assert row["qingming"] in ("04-04", "04-05")
        assert set(day.values()) <= statutory_holidays(int(row["year"]))


def slow_add(calendar: WorkCalendar, start: datetime, minutes: int) -> datetime:
    """Minute by minute: the same rule in the plainest words."""
    moment = start
    while minutes:
        day = calendar.open_intervals(moment.date())
        minutes -= any(opening <= moment < closing for opening, closing in day)
        moment += timedelta(minutes=1)
    return moment


MOMENTS = st.integers(0, 395 * 24 * 60).map(lambda minutes: at("2025-12-20T00:00") + timedelta(minutes=minutes))
CALENDARS = st.builds(
    WorkCalendar,
    st.dictionaries(st.dates(date(2026, 1, 1), date(2027, 2, 1)), st.booleans(), max_size=20),
    st.sampled_from([DEFAULT_HOURS, hours_of("09:00-17:00"), hours_of("00:00-00:01,06:10-06:50,20:00-23:59")]),
)


@settings(max_examples=60, deadline=None)
@given(CALENDARS, MOMENTS, st.integers(0, 1500))
def test_adding_work_minutes_agrees_with_counting_them_one_by_one(
    calendar: WorkCalendar, start: datetime, minutes: int
) -> None:
    due = calendar.add_work_minutes(start, minutes)
    assert due == slow_add(calendar, start, minutes)
    assert calendar.work_minutes_between(start, due) == minutes


@settings(deadline=None)
@given(CALENDARS, MOMENTS, MOMENTS, MOMENTS)
def test_work_minutes_add_up_and_are_negative_backwards(
    calendar: WorkCalendar, one: datetime, two: datetime, three: datetime
) -> None:
    between = calendar.work_minutes_between
    assert between(one, three) == between(one, two) + between(two, three)
    assert between(one, two) == -between(two, one)


@settings(deadline=None)
@given(CALENDARS, MOMENTS, st.integers(1, 60))
def test_adding_workdays_agrees_with_walking_from_day_to_day(
    calendar: WorkCalendar, start: datetime, days: int
) -> None:
    day, left = start.date(), days
    while left:
        day += timedelta(days=1)
        left -= calendar.is_workday(day)
    assert calendar.add_workdays(start, days) == calendar.open_intervals(day)[-1][1]


@settings(deadline=None)
@given(MOMENTS, st.floats(0.001, 3000))
def test_fractions_of_a_minute_are_kept(start: datetime, minutes: float) -> None:
    calendar = WorkCalendar()
    assert calendar.work_minutes_between(start, calendar.add_work_minutes(start, minutes)) == pytest.approx(
        minutes, abs=1e-6
    )


def test_deadlines_of_a_town_in_another_zone_run_on_its_clock() -> None:
    boston = ZoneInfo("America/New_York")
    calendar = WorkCalendar(zone=boston)
    due = calendar.add_workdays(datetime(2011, 8, 22, 13, 0, tzinfo=UTC), 1)
    assert due.isoformat() == "2011-08-23T17:30:00-04:00"


@pytest.mark.parametrize(
    "text", ["", "8:30-12:00", "08:30", "12:00-08:30", "08:30-12:00,11:00-13:00", "08:30-12:00,12:00-13:00"]
)
def test_working_hours_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="working hours"):
        hours_of(text)


def test_working_hours_are_read_from_the_setting() -> None:
    assert hours_of("08:30-12:00, 14:00-17:30") == DEFAULT_HOURS
    assert all(opening < closing for opening, closing in pairwise(t for pair in DEFAULT_HOURS for t in pair))
    assert DEFAULT_HOURS[0][0] == time(8, 30)


def test_times_without_a_zone_and_negative_limits_are_refused() -> None:
    calendar = WorkCalendar()
    with pytest.raises(ValueError, match="zone"):
        calendar.add_work_minutes(datetime.fromisoformat("2026-11-23T09:00"), 5)
    for refused in (
        lambda: calendar.add_work_minutes(at("2026-11-23T09:00"), -1),
        lambda: calendar.add_urgent_minutes(at("2026-11-23T09:00"), -1),
        lambda: calendar.add_workdays(at("2026-11-23T09:00"), 0),
        lambda: calendar.add_workdays(at("9999-12-30T09:00"), 9),
    ):
        with pytest.raises(ValueError, match=r"limit"):
            refused()
