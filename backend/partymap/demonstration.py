"""Service points of the demonstration town: real villages, everything else made up from a seed."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from random import Random
from typing import Any

import orjson
import shapely

from backend.config import TOWN_ZONE
from backend.partymap.hours_as_written import read_hours
from backend.partymap.keeping import place_columns
from backend.partymap.offers import SERVICES
from backend.territory.coordinates import from_wgs84
from backend.territory.demonstration_drawing import FOLDER, villages

SEED = 1258
LAST_CONFIRMED = datetime(2026, 9, 1, 9, tzinfo=TOWN_ZONE)
TOWN_CENTRE_IN = "440605121003"

_SPOTS = ("文化楼", "榕树头", "市场", "祠堂", "文化广场", "河堤", "幸福里", "老人活动中心")
_FACILITIES = ("无线网络", "饮水", "卫生间", "停车位", "投影仪", "急救箱", "充电", "微波炉")
_NAMES = {
    "town_centre": "九江镇党群服务中心",
    "village_centre": "{village}党群服务中心",
    "point": "{village}{spot}党群服务点",
    "training_ground": "{village}党员培训阵地",
    "shared_room": "{village}{spot}共享空间",
}
_ELEMENTS = {"town_centre": ("1.1", "2.1"), "village_centre": ("1.1",), "training_ground": ("5.2",)}
_OTHER_KINDS = ("point", "point", "point", "training_ground", "shared_room")
_CAPACITY = {"town_centre": 200, "village_centre": 80, "point": 20, "training_ground": 60, "shared_room": 30}
_HOLIDAYS: tuple[dict[str, Any], ...] = (
    {"holiday": "spring_festival", "hours": [], "note": "春节休息"},
    {"holiday": "new_years_eve", "hours": [{"opens": "08:30", "closes": "12:00"}]},
)
_FOR_THE_OLD = {"holiday": "double_ninth", "hours": [{"opens": "08:30", "closes": "20:00"}], "note": "重阳敬老活动"}
_WORKS = {"date": "2027-03-01", "until": "2027-03-05", "hours": [], "note": "装修"}


def _week(**days: str) -> dict[str, Any]:
    return {
        day: [dict(zip(("opens", "closes"), s.split("-"), strict=True)) for s in text.split()]
        for day, text in days.items()
    }


_LONG_WEEKS = (
    {"weekly": _week(workdays="08:30-17:30")},
    {"weekly": _week(workdays="08:30-12:00 14:00-17:30", restdays="09:00-12:00")},
    {"weekly": _week(**dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), "08:00-21:00"))},
    {"weekly": _week(workdays="18:00-21:30", restdays="09:00-21:30")},
)
_SHORT_WEEKS = (
    {"weekly": _week(workdays="08:30-12:00 14:00-17:30")},
    {"weekly": _week(restdays="09:00-17:00")},
    {"weekly": _week(tue="14:00-17:30", thu="14:00-17:30", sat="09:00-12:00")},
    {"weekly": _week(wed="19:00-21:30", fri="16:00-01:00", sat="16:00-01:00")},
)


def demonstration_points(seed: int = SEED) -> list[dict[str, Any]]:
    """About 60 rows of `service_points`, one to four in every village, each inside the grid it names.

    The same seed gives the same rows. Nothing of them but the villages' names is real: no telephone can be dialled.
    """
    random = Random(seed)
    rows: list[dict[str, Any]] = []
    for village in villages():
        # Some villages keep their doors open long, some do not: the ranking is to have something to tell apart.
        diligence = random.choice((0.2, 0.4, 0.6, 0.8))
        for kind, name in _named(random, village["code"], village["name"]):
            row = _row(random, village["code"], kind, diligence)
            hours = row["opening_hours"] | {"exceptions": _exceptions(len(rows), row["services"])}
            rows.append({**row, "name": name, "phone": f"0757-0000{len(rows) + 1:04d}", "opening_hours": hours})
    return rows


def _exceptions(number: int, services: list[str]) -> list[dict[str, Any]]:
    """Hours on holidays, for the old where they are served, and a week of works in every ninth point."""
    old = [_FOR_THE_OLD] if "elderly" in services else []
    return [*_HOLIDAYS, *old, *([_WORKS] if number % 9 == 0 else [])]


def _named(random: Random, code: str, village: str) -> Iterator[tuple[str, str]]:
    spots = random.sample(_SPOTS, 3)
    kinds = random.sample(_OTHER_KINDS, random.choice((0, 1, 1, 1, 2, 3)))
    if code == TOWN_CENTRE_IN:
        kinds = ["town_centre", *kinds[:2]]
    for number, kind in enumerate(["village_centre", *kinds]):
        yield kind, _NAMES[kind].format(village=village, spot=spots[number % len(spots)])


def _row(random: Random, village: str, kind: str, diligence: float) -> dict[str, Any]:
    grid, lon, lat = _spot(random, village)
    long = kind == "town_centre" or random.random() < diligence
    week = random.choice(_LONG_WEEKS if long else _SHORT_WEEKS)
    confirmed = LAST_CONFIRMED - timedelta(days=random.randrange(300))
    opened = confirmed - timedelta(days=random.randrange(300, 1000))
    gcj_lon, gcj_lat = from_wgs84(lon, lat, "gcj02")
    return {
        "id": uuid.UUID(int=random.getrandbits(128), version=4),
        "kind": kind,
        "area_code": grid,
        **place_columns(round(gcj_lon, 6), round(gcj_lat, 6), "gcj02"),
        "address": f"示范路{random.randrange(1, 200)}号",
        "in_charge": "值班党员",
        "services": list(SERVICES)
        if kind == "town_centre"
        else _some(random, tuple(SERVICES), 6 if kind == "village_centre" else 3),
        "facilities": _some(random, _FACILITIES, 4),
        "elements": list(_ELEMENTS.get(kind, ())),
        "photos": [],
        "capacity": _CAPACITY[kind],
        "star": random.choice((None, 2, 3, 3, 4, 5)),
        "opening_hours": week,
        "weekly_open_minutes": read_hours(week, TOWN_ZONE).weekly_open_minutes(),
        "accessible": random.random() < 0.6,
        "active": True,
        "opened_at": opened,
        "closed_at": None,
        "version": 1,
        "confirmed_at": confirmed,
        "created_at": opened,
        "updated_at": confirmed,
    }


def _some(random: Random, names: tuple[str, ...], most: int) -> list[str]:
    chosen = set(random.sample(names, random.randrange(1, most + 1)))
    return [name for name in names if name in chosen]


def _spot(random: Random, village: str) -> tuple[str, float, float]:
    """A place well inside a grid of the village: between the grid's inner point and a corner, nearer the former."""
    grid, outline = random.choice(_grids()[village])
    inner = outline.representative_point()
    while True:
        corner_lon, corner_lat = random.choice(outline.exterior.coords)
        share = random.uniform(0.0, 0.6)
        lon, lat = inner.x + share * (corner_lon - inner.x), inner.y + share * (corner_lat - inner.y)
        if outline.contains(shapely.Point(lon, lat)):
            return grid, lon, lat


@cache
def _grids() -> dict[str, list[tuple[str, Any]]]:
    """The demonstration town's grids by village, each with its outline."""
    drawn = orjson.loads((FOLDER / "demonstration.geojson").read_bytes())
    grids: dict[str, list[tuple[str, Any]]] = {}
    for feature in drawn["features"]:
        code = feature["properties"]["code"]
        if feature["properties"]["kind"] == "grid":
            grids.setdefault(code[:12], []).append((code, shapely.geometry.shape(feature["geometry"])))
    return grids
