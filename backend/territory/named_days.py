"""Days that have a name: public holidays with all their days off, and festivals on their very day.

Opening hours speak of them: "closed over the Spring Festival", "open until noon on New Year's Eve".
"""

import csv
from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache
from pathlib import Path

from backend.territory.public_holidays import HOLIDAYS

FESTIVALS: Mapping[str, tuple[str, str]] = {
    "new_years_eve": ("除夕", "Chinese New Year's Eve"),
    "lantern": ("元宵节", "Lantern Festival"),
    "double_ninth": ("重阳节", "Double Ninth Festival"),
    "winter_solstice": ("冬至", "Winter Solstice"),
}
"""Festivals that are no public holiday by themselves, in Chinese and English: one day each."""
ANY = "public_holidays"
DAY_NAMES: Mapping[str, tuple[str, str]] = {
    **HOLIDAYS,
    **FESTIVALS,
    ANY: ("法定节假日", "any public holiday"),
}
"""All names of days."""


@cache
def festivals() -> Mapping[date, str]:
    """The days of the festivals, as far as the table beside this reaches (to 2060)."""
    found: dict[date, str] = {}
    with (Path(__file__).parent / "festival_days.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            year = row.pop("year")
            days = {name: date.fromisoformat(f"{year}-{day}") for name, day in row.items()}
            spring = days.pop("spring_festival")
            named = {"new_years_eve": spring - timedelta(days=1), "lantern": spring + timedelta(days=14), **days}
            found |= {day: name for name, day in named.items()}
    return found
