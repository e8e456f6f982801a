"""What is wrong with a service point as it stands: each is a to-do for who is in charge of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Row

from backend.http.reading import rows
from backend.partymap.points import hours_of, look_through
from backend.territory.codes import prefix_bounds
from backend.territory.location import territory
from backend.territory.places import NoBoundaries, OutsideTown
from backend.territory.work_calendar import work_calendar

STALE = timedelta(days=183)
"""Half a year: whoever has not confirmed a point for so long is asked to."""
NEAR = 20.0
"""Metres from its village up to which a point may lie: what a phone is off by."""
_PAGE = 500


class Finding(NamedTuple):
    """Something wrong, by a stable code, with what to do in Chinese and English."""

    code: str
    zh: str
    en: str


def findings(point: Row[Any], now: datetime) -> list[Finding]:
    """All that is wrong with an active point. Needs an app context."""
    found = (_outside_village(point), _never_opens(point, now), _stale(point, now))
    return [one for one in found if one is not None]


def wrong_points(town: str, now: datetime) -> Iterator[tuple[Row[Any], list[Finding]]]:
    """The active points of a town with which something is wrong, by area."""
    low, high = prefix_bounds(town)
    conditions: dict[str, dict[str, Any]] = {"area": {"area": low, "area_end": high}}
    while True:
        page, _ = look_through(rows, conditions, _PAGE)
        for point in page:
            if found := findings(point, now):
                yield point, found
        if len(page) < _PAGE:
            return
        conditions["after"] = {"after_area": page[-1].area_code, "after_id": page[-1].id}


def _outside_village(point: Row[Any]) -> Finding | None:
    village = point.area_code[:12]
    try:
        place = territory().locate(point.lon, point.lat)
    except OutsideTown:
        return Finding(
            "outside_town",
            "位置不在镇内，请核对坐标和坐标系。",
            "It lies outside the town; check its place and the coordinate system.",
        )
    except NoBoundaries:
        return None
    there = place.area_code[:12]
    if there == village or (place.distance_to_boundary or 0.0) <= NEAR:
        return None
    name = place.village.name if place.village else there
    return Finding(
        "outside_village",
        f"位置在{name}，与登记的村（社区）不符，请核对位置或区域。",
        f"It lies in {name}, not in the village it is entered for; check its place or its area.",
    )


def _never_opens(point: Row[Any], now: datetime) -> Finding | None:
    hours = hours_of(point)
    # Only exceptions can keep shut what has hours of a regular week.
    if point.weekly_open_minutes and not (hours.exceptions or hours.named):
        return None
    calendar = work_calendar(point.area_code[:9])
    if hours.is_open(now, calendar) or hours.opens_next(now, calendar) is not None:
        return None
    return Finding(
        "never_opens",
        "今后一年没有任何开放时间，请更新开放时间，不再开放的请停用。",
        "It does not open within a year; enter its hours anew, or give it up.",
    )


def _stale(point: Row[Any], now: datetime) -> Finding | None:
    if now - point.confirmed_at <= STALE:
        return None
    return Finding(
        "stale",
        f"自 {point.confirmed_at:%Y-%m-%d} 起未确认，请核对后确认。",
        f"Nobody has confirmed it since {point.confirmed_at:%Y-%m-%d}; look, and confirm it.",
    )


def things_of(found: Sequence[Finding], lang: str) -> list[dict[str, str]]:
    """Findings as they are answered, in Chinese (`zh`) or English."""
    return [{"code": one.code, "message": one.zh if lang == "zh" else one.en} for one in found]
