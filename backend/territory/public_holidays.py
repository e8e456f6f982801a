"""Which days of a year are workdays by law and by the State Council's yearly notice.

The notices come from the library chinesecalendar. A year not yet announced has Monday to Friday less the statutory
holidays (全国年节及纪念日放假办法, as revised in 2024): 1 January, the eve of the Spring Festival and its first three
days, Qingming, 1 and 2 May, the Dragon Boat and Mid-Autumn days, 1 to 3 October. Bridging and make-up days of such a
year cannot be known. The days of the lunar calendar are in `statutory_days.csv` to 2060; later years have the others.
"""

import csv
from calendar import isleap
from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache, lru_cache
from pathlib import Path

import chinese_calendar

HOLIDAYS: Mapping[str, tuple[str, str]] = {
    "new_year": ("元旦", "New Year"),
    "spring_festival": ("春节", "Spring Festival"),
    "qingming": ("清明节", "Qingming"),
    "labour_day": ("劳动节", "Labour Day"),
    "dragon_boat": ("端午节", "Dragon Boat Festival"),
    "mid_autumn": ("中秋节", "Mid-Autumn Festival"),
    "national_day": ("国庆节", "National Day"),
}
"""The public holidays, in Chinese and English."""
_SOLAR = {
    (1, 1): "new_year",
    (5, 1): "labour_day",
    (5, 2): "labour_day",
    (10, 1): "national_day",
    (10, 2): "national_day",
    (10, 3): "national_day",
}
_IN_THE_LIBRARY = {
    "New Year's Day": "new_year",
    "Spring Festival": "spring_festival",
    "Tomb-sweeping Day": "qingming",
    "Labour Day": "labour_day",
    "Dragon Boat Festival": "dragon_boat",
    "Mid-autumn Festival": "mid_autumn",
    "National Day": "national_day",
}


@cache
def announced_years() -> range:
    """The years whose workdays the State Council has announced, as far as the library knows them."""
    years = {day.year for day in chinese_calendar.constants.holidays}
    return range(min(years), max(years) + 1)


@lru_cache(maxsize=400)
def workdays_by_notice(year: int) -> frozenset[date]:
    """The workdays of a year by its notice, or by law where no notice is known."""
    days = (date(year, 1, 1) + timedelta(days=n) for n in range(365 + isleap(year)))
    if year in announced_years():
        return frozenset(day for day in days if chinese_calendar.is_workday(day))
    holidays = statutory_holidays(year)
    return frozenset(day for day in days if day.weekday() < 5 and day not in holidays)


def statutory_holidays(year: int) -> frozenset[date]:
    """The holidays that the law fixes for a year, wherever in the week they fall."""
    return frozenset(_by_law(year))


@cache
def _by_law(year: int) -> Mapping[date, str]:
    """The holidays that the law fixes for a year, wherever in the week they fall, with their names."""
    days = {date(year, month, day): name for (month, day), name in _SOLAR.items()}
    return _lunar_days().get(year, {}) | days


@lru_cache(maxsize=400)
def holidays_by_notice(year: int) -> Mapping[date, str]:
    """The days off of each public holiday of a year, bridging days and weekends among them, with the holiday's name; by
    law where no notice is known."""
    if year not in announced_years():
        return _by_law(year)
    told = ((day, _IN_THE_LIBRARY.get(name)) for day, name in _library().items() if day.year == year)
    return {day: name for day, name in told if name is not None}


def _library() -> Mapping[date, str]:
    days: Mapping[date, str] = chinese_calendar.constants.holidays
    return days


@cache
def _lunar_days() -> dict[int, dict[date, str]]:
    table: dict[int, dict[date, str]] = {}
    with (Path(__file__).parent / "statutory_days.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            year = row.pop("year")
            named = {date.fromisoformat(f"{year}-{day}"): name for name, day in row.items()}
            spring = next(day for day, name in named.items() if name == "spring_festival")
            table[int(year)] = named | {spring + timedelta(days=n): "spring_festival" for n in (-1, 1, 2)}
    return table
