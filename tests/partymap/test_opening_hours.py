"""Opening hours, asked of plain values: no app, no database."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.partymap.hours_as_written import FaultyHours, read_hours
from backend.partymap.opening_hours import RULE_DAYS, OpeningHours
from backend.territory.calendar import WorkCalendar

SHANGHAI = ZoneInfo("Asia/Shanghai")


CALENDAR = WorkCalendar()


def hours(exceptions: list[dict[str, Any]] | None = None, **weekly: str) -> OpeningHours:
    """Hours from `fri="16:00-01:00 02:00-03:00"`; an empty string is a closed day."""
    written = {"weekly": {day: spans(text) for day, text in weekly.items()}, "exceptions": exceptions or []}
    return read_hours(written, SHANGHAI)


def spans(text: str) -> list[dict[str, str]]:
    return [dict(zip(("opens", "closes"), span.split("-"), strict=True)) for span in text.split()]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def faults(written: object) -> list[tuple[str, str]]:
    with pytest.raises(FaultyHours) as refused:
        read_hours(written, SHANGHAI)
    assert all(fault.zh and fault.en for fault in refused.value.faults)
    return [(fault.where, fault.code) for fault in refused.value.faults]


# Friday 27 November 2026, 16:00 until Saturday 01:00.
@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-11-27 00:30", False),
        ("2026-11-27 15:59:59", False),
        ("2026-11-27 16:00", True),
        ("2026-11-27 23:59:59.999999", True),
        ("2026-11-28 00:30", True),
        ("2026-11-28 00:59:59.999999", True),
        ("2026-11-28 01:00", False),
        ("2026-11-28 16:30", False),
    ],
)
def test_a_friday_past_midnight_is_open_on_saturday_until_one(moment: str, is_open: bool) -> None:
    assert hours(fri="16:00-01:00").is_open(at(moment), CALENDAR) is is_open


def test_the_next_closing_of_a_friday_night_is_saturday_at_one_and_not_midnight() -> None:
    friday = hours(fri="16:00-01:00")
    assert friday.closes_next(at("2026-11-27 23:00"), CALENDAR) == at("2026-11-28 01:00")
    assert friday.closes_next(at("2026-11-28 00:59"), CALENDAR) == at("2026-11-28 01:00")
    assert friday.closes_next(at("2026-11-28 01:00"), CALENDAR) == at("2026-12-05 01:00")
    assert friday.opens_next(at("2026-11-27 16:00"), CALENDAR) == at("2026-12-04 16:00")


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-02-14 10:00", True),
        ("2026-10-10 10:00", True),
        ("2026-09-20 10:00", True),
        ("2026-10-01 10:00", False),
        ("2026-09-25 10:00", False),
        ("2026-10-10 17:00", False),
        ("2026-10-11 10:00", False),
    ],
)
def test_a_workdays_centre_opens_on_make_up_days_and_shuts_on_holidays(moment: str, is_open: bool) -> None:
    assert hours(workdays="09:00-17:00").is_open(at(moment), CALENDAR) is is_open


def test_a_make_up_saturday_has_the_hours_of_a_workday_and_an_ordinary_one_its_own() -> None:
    centre = hours(workdays="09:00-17:00", sat="10:00-12:00")
    assert centre.is_open(at("2026-10-10 09:30"), CALENDAR)
    assert not centre.is_open(at("2026-10-17 09:30"), CALENDAR)
    assert centre.is_open(at("2026-10-17 10:30"), CALENDAR)


def test_a_friday_with_hours_of_its_own_is_shut_when_it_is_a_holiday() -> None:
    centre = hours(workdays="09:00-17:00", fri="09:00-20:00")
    assert centre.is_open(at("2026-09-18 19:00"), CALENDAR)
    assert not centre.is_open(at("2026-09-25 10:00"), CALENDAR)


def test_restdays_hold_on_weekends_and_on_holidays() -> None:
    centre = hours(workdays="09:00-17:00", restdays="10:00-11:00")
    assert centre.is_open(at("2026-09-25 10:30"), CALENDAR)
    assert centre.is_open(at("2026-10-17 10:30"), CALENDAR)
    assert not centre.is_open(at("2026-10-17 09:30"), CALENDAR)


def test_plain_weekdays_hold_whatever_the_calendar_says() -> None:
    assert hours(thu="09:00-17:00").is_open(at("2026-10-01 10:00"), CALENDAR)
    assert not hours(thu="09:00-17:00").is_open(at("2026-10-10 10:00"), CALENDAR)


def test_hours_of_one_day_replace_the_regular_ones_that_day_only() -> None:
    room = hours([{"date": "2026-12-05", "hours": spans("07:00-12:00")}], sat="09:00-20:00")
    assert room.is_open(at("2026-12-05 07:00"), CALENDAR)
    assert not room.is_open(at("2026-12-05 14:00"), CALENDAR)
    assert room.is_open(at("2026-12-12 14:00"), CALENDAR)
    assert not room.is_open(at("2026-12-12 07:00"), CALENDAR)


def test_a_closed_stretch_of_dates_shuts_every_one_of_them_and_names_the_day_after() -> None:
    closed = [{"date": "2026-11-26", "until": "2026-11-30", "hours": [], "note": "装修"}]
    centre = hours(closed, workdays="09:00-17:00")
    assert not any(centre.is_open(at(f"2026-11-{day} 10:00"), CALENDAR) for day in (26, 27, 30))
    assert centre.opens_next(at("2026-11-25 16:00"), CALENDAR) == at("2026-12-01 09:00")


def test_a_night_runs_out_into_a_date_that_is_closed() -> None:
    bar = hours([{"date": "2026-11-28", "hours": []}], fri="16:00-01:00", sat="16:00-01:00")
    assert bar.is_open(at("2026-11-28 00:30"), CALENDAR)
    assert not bar.is_open(at("2026-11-28 16:30"), CALENDAR)


def test_two_stretches_that_touch_are_one_to_whoever_asks_when_it_closes() -> None:
    centre = hours(mon="08:00-12:00 12:00-24:00", tue="00:00-02:00")
    assert centre.closes_next(at("2026-11-23 09:00"), CALENDAR) == at("2026-11-24 02:00")
    assert centre.opens_next(at("2026-11-23 09:00"), CALENDAR) == at("2026-11-30 08:00")


def test_a_lunch_break_is_shut() -> None:
    centre = hours(mon="14:00-17:30 08:30-12:00")
    assert centre.closes_next(at("2026-11-23 09:00"), CALENDAR) == at("2026-11-23 12:00")
    assert not centre.is_open(at("2026-11-23 12:00"), CALENDAR)
    assert centre.opens_next(at("2026-11-23 12:00"), CALENDAR) == at("2026-11-23 14:00")


def test_a_door_that_never_shuts_has_no_next_opening_and_no_next_closing() -> None:
    always = hours(workdays="00:00-24:00", restdays="00:00-24:00")
    assert always.is_open(at("2026-11-23 00:00"), CALENDAR)
    assert always.opens_next(at("2026-11-23 09:00"), CALENDAR) is None
    assert always.closes_next(at("2026-11-23 09:00"), CALENDAR) is None
    assert always.weekly_open_minutes() == 7 * 24 * 60


def test_hours_that_never_open_say_so() -> None:
    never = read_hours({}, SHANGHAI)
    assert not never.is_open(at("2026-11-23 09:00"), CALENDAR)
    assert never.opens_next(at("2026-11-23 09:00"), CALENDAR) is None
    assert never.closes_next(at("2026-11-23 09:00"), CALENDAR) is None
    assert never.weekly_open_minutes() == 0


def test_an_instant_is_judged_on_the_clock_of_the_town_wherever_it_is_asked_from() -> None:
    centre = hours(mon="08:00-09:00")
    assert centre.is_open(datetime(2026, 11, 23, 0, 30, tzinfo=UTC), CALENDAR)
    assert not centre.is_open(datetime(2026, 11, 23, 8, 30, tzinfo=UTC), CALENDAR)
    with pytest.raises(ValueError, match="aware"):
        centre.is_open(at("2026-11-23 08:30").replace(tzinfo=None), CALENDAR)


def test_a_night_through_a_clock_change_keeps_its_wall_clock() -> None:
    written = {"weekly": {"sat": spans("22:00-04:00")}}
    amsterdam = read_hours(written, ZoneInfo("Europe/Amsterdam"))
    # 2026-10-25 03:00 becomes 02:00: the night lasts seven hours, 20:00Z to 03:00Z.
    assert amsterdam.is_open(datetime(2026, 10, 25, 2, 30, tzinfo=UTC), CALENDAR)
    assert amsterdam.closes_next(datetime(2026, 10, 24, 21, tzinfo=UTC), CALENDAR) == datetime(
        2026, 10, 25, 3, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("weekly", "minutes"),
    [
        ({"workdays": "08:30-12:00 14:00-17:30"}, 5 * 420),
        ({"workdays": "09:00-17:00", "restdays": "10:00-11:00"}, 5 * 480 + 120),
        ({"workdays": "09:00-17:00", "fri": "09:00-20:00", "sat": ""}, 4 * 480 + 660),
        ({"fri": "16:00-01:00"}, 540),
    ],
)
def test_the_regular_week_adds_up(weekly: dict[str, Any], minutes: int) -> None:
    assert hours(**weekly).weekly_open_minutes() == minutes


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        (None, ("opening_hours", "not_an_object")),
        ([], ("opening_hours", "not_an_object")),
        ({"week": {}}, ("opening_hours", "unknown_key")),
        ({"weekly": {"monday": []}}, ("weekly", "unknown_key")),
        ({"weekly": {"mon": "09:00-17:00"}}, ("weekly.mon", "not_a_list")),
        ({"weekly": {"mon": ["09:00-17:00"]}}, ("weekly.mon[0]", "not_an_object")),
        ({"weekly": {"mon": [{"opens": "09:00"}]}}, ("weekly.mon[0]", "missing")),
        ({"weekly": {"mon": [{"opens": "9:00", "closes": "17:00"}]}}, ("weekly.mon[0].opens", "not_a_time")),
        ({"weekly": {"mon": [{"opens": 9, "closes": "17:00"}]}}, ("weekly.mon[0].opens", "not_a_time")),
        ({"weekly": {"mon": [{"opens": "09:60", "closes": "17:00"}]}}, ("weekly.mon[0].opens", "not_a_time")),
        ({"weekly": {"mon": [{"opens": "０９:00", "closes": "17:00"}]}}, ("weekly.mon[0].opens", "not_a_time")),
        ({"weekly": {"mon": [{"opens": "\ud842", "closes": "17:00"}]}}, ("weekly.mon[0].opens", "not_a_time")),
        ({"weekly": {"mon": spans("24:00-06:00")}}, ("weekly.mon[0].opens", "opens_at_2400")),
        ({"weekly": {"fri": spans("16:00-25:00")}}, ("weekly.fri[0].closes", "past_2400")),
        ({"weekly": {"fri": spans("16:00-24:30")}}, ("weekly.fri[0].closes", "past_2400")),
        ({"weekly": {"mon": spans("09:00-09:00")}}, ("weekly.mon[0]", "no_length")),
        ({"weekly": {"mon": spans("09:00-12:00 11:59-17:00")}}, ("weekly.mon[1]", "overlap")),
        ({"weekly": {"mon": spans("09:00-12:00 09:00-12:00")}}, ("weekly.mon[1]", "overlap")),
        ({"weekly": {"mon": spans("22:00-02:00 23:00-24:00")}}, ("weekly.mon[1]", "overlap")),
        ({"weekly": {"fri": spans("16:00-01:00"), "sat": spans("00:30-08:00")}}, ("weekly.sat", "overlap")),
        ({"weekly": {"sun": spans("16:00-01:00"), "mon": spans("00:30-08:00")}}, ("weekly.mon", "overlap")),
        (
            {"weekly": {"workdays": spans("10:00-09:30"), "restdays": spans("09:00-10:00")}},
            ("weekly.restdays", "overlap"),
        ),
        ({"weekly": {"workdays": spans("10:00-09:59")}}, None),
        ({"weekly": {"mon": spans("01:00-02:00") * 7}}, ("weekly.mon", "too_many")),
        ({"exceptions": {}}, ("exceptions", "not_a_list")),
        ({"exceptions": [{"date": "2026-10-01"}]}, ("exceptions[0]", "missing")),
        ({"exceptions": [{"hours": []}]}, ("exceptions[0]", "missing")),
        ({"exceptions": [{"date": "2026-02-29", "hours": []}]}, ("exceptions[0].date", "not_a_date")),
        ({"exceptions": [{"date": "20261001", "hours": []}]}, ("exceptions[0].date", "not_a_date")),
        (
            {"exceptions": [{"date": "2026-10-02", "until": "2026-10-01", "hours": []}]},
            ("exceptions[0].until", "until_before_date"),
        ),
        (
            {"exceptions": [{"date": "2026-10-02", "until": "2099-10-01", "hours": []}]},
            ("exceptions[0].until", "too_long"),
        ),
        ({"exceptions": [{"date": "2026-10-02", "hours": []}] * 2}, ("exceptions[1]", "same_date")),
        ({"exceptions": [{"holiday": "lantern", "hours": []}] * 2}, ("exceptions[1]", "same_holiday")),
        ({"exceptions": [{"holiday": "easter", "hours": []}]}, ("exceptions[0].holiday", "not_a_holiday")),
        ({"exceptions": [{"holiday": ["lantern"], "hours": []}]}, ("exceptions[0].holiday", "not_a_holiday")),
        (
            {"exceptions": [{"holiday": "lantern", "date": "2026-10-02", "hours": []}]},
            ("exceptions[0]", "date_or_holiday"),
        ),
        (
            {
                "exceptions": [
                    {"date": "2026-10-03", "hours": spans("00:30-08:00")},
                    {"date": "2026-10-02", "hours": spans("20:00-01:00")},
                ]
            },
            ("exceptions[0].hours", "overlap"),
        ),
        ({"exceptions": [{"date": "0001-01-01", "until": "0001-01-02", "hours": spans("20:00-01:00")}]}, None),
        (
            {"exceptions": [{"date": "2026-10-02", "hours": spans("08:00-10:00 09:00-11:00")}]},
            ("exceptions[0].hours[1]", "overlap"),
        ),
        ({"exceptions": [{"date": "2026-10-02", "hours": [], "note": 7}]}, ("exceptions[0].note", "not_a_note")),
        ({"exceptions": [{"date": "2026-10-02", "hours": [], "note": "\x00"}]}, ("exceptions[0].note", "not_a_note")),
        ({"exceptions": [{"date": "2026-10-02", "hours": [], "note": "\ud842"}]}, ("exceptions[0].note", "not_a_note")),
    ],
)
def test_what_is_wrong_with_hours_is_named_where_it_is(written: object, fault: tuple[str, str] | None) -> None:
    if fault is None:
        read_hours(written, SHANGHAI)
    else:
        assert fault in faults(written)


def test_every_fault_is_named_at_once() -> None:
    written = {
        "weekly": {"mon": spans("9-17"), "tue": spans("09:00-09:00")},
        "exceptions": [{"date": "x", "hours": []}],
    }
    assert len(faults(written)) == 4


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(["08:00", "24:00", "01:00"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*RULE_DAYS, "weekly", "exceptions", "opens", "closes", "date", "hours"]), inner, max_size=4
        )
    ),
    max_leaves=20,
)


@given(written=json_values)
def test_no_written_hours_whatever_are_met_with_anything_but_their_faults(written: object) -> None:
    try:
        read_hours(written, SHANGHAI)
        faults = ["none"]
    except FaultyHours as refused:
        faults = [fault.zh + fault.en for fault in refused.faults]
    assert all(fault.encode() for fault in faults) and faults


minutes = st.integers(0, 24 * 60 - 1)
day_spans = st.lists(st.tuples(minutes, minutes), max_size=2)
weeks = st.dictionaries(st.sampled_from(RULE_DAYS), day_spans, min_size=1)
BEGIN = date(2026, 9, 24)
"""A Thursday: the Mid-Autumn holiday (25 to 27) follows, a make-up Sunday (20) went before."""
DAYS = 5
dated = st.dictionaries(st.integers(-1, DAYS), day_spans, max_size=2)
named = st.dictionaries(st.sampled_from(["mid_autumn", "public_holidays", "double_ninth"]), day_spans, max_size=2)


def clocks(pairs: list[tuple[int, int]]) -> list[dict[str, str]]:
    clock = "{:02d}:{:02d}"
    return [{"opens": clock.format(*divmod(a, 60)), "closes": clock.format(*divmod(b, 60))} for a, b in pairs]


def slowly(week: dict[str, Any], by_date: dict[date, Any], by_name: dict[str, Any]) -> list[bool]:
    """Minute by minute from the midnight that begins `BEGIN`, whether the door is open, by the rules as told."""
    marks = [False] * (DAYS * 1440)
    for number in range(-1, DAYS):
        day = BEGIN + timedelta(days=number)
        weekday, holiday = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[day.weekday()], 25 <= day.day <= 27
        worked = day.weekday() < 5 and not holiday
        if day in by_date:
            pairs = by_date[day]
        elif holiday and "mid_autumn" in by_name:
            pairs = by_name["mid_autumn"]
        elif holiday and "public_holidays" in by_name:
            pairs = by_name["public_holidays"]
        elif weekday in week and (worked == (day.weekday() < 5) or not {"workdays", "restdays"} & week.keys()):
            pairs = week[weekday]
        else:
            pairs = week.get("workdays" if worked else "restdays", [])
        for opens, closes in pairs:
            first = number * 1440 + opens
            for minute in range(first, first + (closes - opens) % 1440):
                if 0 <= minute < len(marks):
                    marks[minute] = True
    return marks


@settings(max_examples=60)
@given(week=weeks, by_day=dated, by_name=named, start=st.integers(0, DAYS * 1440 - 1))
def test_a_door_is_open_in_those_minutes_that_a_slow_look_at_each_of_them_finds(
    week: dict[str, Any], by_day: dict[int, Any], by_name: dict[str, Any], start: int
) -> None:
    by_date = {BEGIN + timedelta(days=number): pairs for number, pairs in by_day.items()}
    exceptions = [{"date": day.isoformat(), "hours": clocks(pairs)} for day, pairs in by_date.items()]
    exceptions += [{"holiday": name, "hours": clocks(pairs)} for name, pairs in by_name.items()]
    try:
        weekly = {day: clocks(pairs) for day, pairs in week.items()}
        centre = read_hours({"weekly": weekly, "exceptions": exceptions}, SHANGHAI)
    except FaultyHours:
        return
    marks, midnight = slowly(week, by_date, by_name), datetime(2026, 9, 24, tzinfo=SHANGHAI)
    for minute in (*range(start % 13, len(marks), 13), start):
        moment = midnight + timedelta(minutes=minute)
        assert centre.is_open(moment, CALENDAR) is marks[minute], moment
        assert centre.is_open(moment + timedelta(seconds=59), CALENDAR) is marks[minute], moment
    turns = [n for n in range(start + 1, len(marks)) if marks[n] != marks[n - 1]]
    for next_one, state in ((centre.opens_next, True), (centre.closes_next, False)):
        expected = next((midnight + timedelta(minutes=n) for n in turns if marks[n] is state), None)
        found = next_one(midnight + timedelta(minutes=start), CALENDAR)
        assert found == expected if expected else found is None or found >= midnight + timedelta(days=DAYS)


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-02-16 10:00", True),  # New Year's Eve until noon, though the Spring Festival's holiday is shut
        ("2026-02-16 13:00", False),
        ("2026-02-17 10:00", False),
        ("2026-02-22 10:00", False),  # a Sunday of that holiday
        ("2026-02-14 10:00", True),  # the Saturday made up for it
        ("2026-05-02 10:30", True),  # any other public holiday
        ("2026-05-02 09:30", False),
        ("2026-09-25 10:30", False),  # but that one has a date of its own
        ("2026-10-18 20:00", True),  # Double Ninth, a Sunday
        ("2026-10-17 10:30", False),  # no holiday: an ordinary Saturday
        ("2027-02-06 10:00", False),  # years not announced have the days of the law
        ("2027-10-08 20:00", True),
    ],
)
def test_holidays_and_festivals_have_hours_by_their_name_every_year(moment: str, is_open: bool) -> None:
    centre = hours(
        [
            {"holiday": "spring_festival", "hours": []},
            {"holiday": "new_years_eve", "hours": spans("08:30-12:00")},
            {"holiday": "public_holidays", "hours": spans("10:00-11:00")},
            {"holiday": "double_ninth", "hours": spans("09:00-21:00")},
            {"date": "2026-09-25", "hours": []},
        ],
        workdays="09:00-17:00",
    )
    assert centre.is_open(at(moment), CALENDAR) is is_open


def test_a_holiday_on_which_the_town_works_all_the_same_has_the_hours_of_a_workday() -> None:
    centre = hours([{"holiday": "national_day", "hours": []}], workdays="09:00-17:00")
    working = WorkCalendar({date(2026, 10, 1): True, date(2026, 11, 23): False})
    assert centre.is_open(at("2026-10-01 10:00"), working)
    assert not centre.is_open(at("2026-10-02 10:00"), working)
    assert not centre.is_open(at("2026-11-23 10:00"), working)
