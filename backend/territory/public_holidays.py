"""Which days of a year are workdays by law and by the State Council's yearly notice.

The notices come from the library chinesecalendar. A year not yet announced has Monday to Friday less the statutory
holidays (全国年节及纪念日放假办法, as revised in 2024): 1 January, the eve of the Spring Festival and its first three
days, Qingming, 1 and 2 May, the Dragon Boat and Mid-Autumn days, 1 to 3 October. Bridging and make-up days of such a
year cannot be known. The days of the lunar calendar are in `statutory_days.csv` to 2060; later years have the others.
"""

import csv
from calendar import isleap
from datetime import date, timedelta
from functools import cache, lru_cache
from pathlib import Path

import chinese_calendar

_SOLAR = ((1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3))


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


@cache
def statutory_holidays(year: int) -> frozenset[date]:
    """The holidays that the law fixes for a year, wherever in the week they fall."""
    days = {date(year, month, day) for month, day in _SOLAR}
    return frozenset(days | _lunar_days().get(year, set()))


@cache
def _lunar_days() -> dict[int, set[date]]:
    table: dict[int, set[date]] = {}
    with (Path(__file__).parent / "statutory_days.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            year = row.pop("year")
            named = {name: date.fromisoformat(f"{year}-{day}") for name, day in row.items()}
            spring = named["spring_festival"]
            table[int(year)] = set(named.values()) | {spring + timedelta(days=n) for n in (-1, 1, 2)}
    return table
