"""Reading service points: the statements, and a row as the answer people get."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Row, Select, Text, bindparam, cast, select, tuple_

from backend.config import TOWN_ZONE
from backend.partymap.hours_as_written import read_hours
from backend.partymap.opening_hours import Calendar, OpeningHours
from backend.partymap.tables import ServicePoint
from backend.territory.codes import prefix_bounds
from backend.territory.coordinates import from_wgs84

BATCH = 200
"""Rows read at a time where what is asked for is not in an index."""

_columns = ServicePoint.__table__.c
_HOURS = ("id", "area_code", "active", "opening_hours")
_FEATURE = (*_HOURS, "lon", "lat", "name", "kind", "address", "services", "star", "accessible")
COLUMNS = {
    "whole": tuple(_columns),
    "feature": tuple(_columns[name] for name in _FEATURE),
    "hours": tuple(_columns[name] for name in _HOURS),
}
"""What is read of a point for its answer, for a map, for the question whether it is open."""

POINT = select(*_columns).where(_columns.id == bindparam("id"))
_TAGS = select(ServicePoint.elements).where(
    ServicePoint.active.is_(True),
    cast(ServicePoint.elements, Text) != "[]",
    ServicePoint.area_code >= bindparam("low"),
    ServicePoint.area_code < bindparam("high"),
)
_THESE = select(*_columns).where(_columns.id.in_(bindparam("ids", expanding=True)))

_CONDITIONS: dict[str, Callable[[], ColumnElement[bool]]] = {
    "area": lambda: (ServicePoint.area_code >= bindparam("area")) & (ServicePoint.area_code < bindparam("area_end")),
    "kind": lambda: ServicePoint.kind == bindparam("kind"),
    # JSON text holds each code in quotes on both databases, and no code holds a quote.
    "service": lambda: cast(ServicePoint.services, Text).contains(bindparam("service")),
    "element": lambda: cast(ServicePoint.elements, Text).contains(bindparam("element")),
    "after": lambda: (
        tuple_(ServicePoint.area_code, ServicePoint.id)
        > tuple_(bindparam("after_area"), bindparam("after_id", type_=_columns.id.type))
    ),
    "box": lambda: (
        ServicePoint.lat.between(bindparam("south"), bindparam("north"))
        & ServicePoint.lon.between(bindparam("west"), bindparam("east"))
    ),
}

Find = Callable[..., Sequence[Row[Any]]]
Keep = Callable[[Row[Any]], bool]


@cache
def listing_statement(columns: str, *conditions: str) -> Select[Any]:
    """Points by area and id. Indexes: ix_service_points_area, and ix_service_points_place for a box."""
    return (
        select(*COLUMNS[columns])
        .where(ServicePoint.active == bindparam("active"), *(_CONDITIONS[name]() for name in conditions))
        .order_by(ServicePoint.area_code, ServicePoint.id)
        .limit(bindparam("most"))
    )


def walk(
    find: Find,
    conditions: Mapping[str, Mapping[str, Any]],
    most: int,
    *,
    keep: Keep | None = None,
    columns: str = "whole",
    active: bool = True,
) -> list[Row[Any]]:
    """The first `most` points, by area and id, that meet the conditions and `keep`, which no index can tell.

    `conditions` are names of `_CONDITIONS` with their bind values; `find` runs a statement with values.
    """
    names = set(conditions)
    values: dict[str, Any] = {"active": active, "most": most if keep is None else max(most, BATCH)}
    for bound in conditions.values():
        values |= bound
    kept: list[Row[Any]] = []
    while True:
        rows = find(listing_statement(columns, *sorted(names)), **values)
        kept += rows if keep is None else filter(keep, rows)
        if len(kept) >= most or len(rows) < values["most"]:
            return kept[:most]
        names.add("after")
        values |= {"after_area": rows[-1].area_code, "after_id": rows[-1].id}


def whole(find: Find, points: Sequence[Row[Any]]) -> list[Row[Any]]:
    """The same points, in the same order, with all their columns."""
    found = {row.id: row for row in find(_THESE, ids=[point.id for point in points])}
    return [found[point.id] for point in points if point.id in found]


def with_element(code: str) -> dict[str, str]:
    """The bind value for points that bear on an element."""
    return {"element": f'"{code}"'}


def points_by_element(find: Find, area: str) -> Counter[str]:
    """How many points in service of an area bear on each element of the governance model that has any."""
    low, high = prefix_bounds(area)
    return Counter(code for point in find(_TAGS, low=low, high=high) for code in point.elements)


@lru_cache(maxsize=10_000)
def _read(written: bytes) -> OpeningHours:
    return read_hours(orjson.loads(written), TOWN_ZONE)


def hours_of(row: Row[Any]) -> OpeningHours:
    """The opening hours of a point, on the town's clock."""
    return _read(orjson.dumps(row.opening_hours))


def is_open(row: Row[Any], at: datetime, calendar: Calendar) -> bool:
    """Whether a point's door is open at `at`; never once it is given up."""
    return bool(row.active) and hours_of(row).is_open(at, calendar)


def as_answer(row: Row[Any], crs: str, at: datetime, calendar: Calendar) -> dict[str, Any]:
    """A point as lists give it: its place in `crs`, and whether its door is open at `at`."""
    lon, lat = from_wgs84(row.lon, row.lat, crs)
    return {
        "id": row.id,
        "name": row.name,
        "kind": row.kind,
        "area_code": row.area_code,
        "location": {"lon": round(lon, 7), "lat": round(lat, 7), "crs": crs},
        "address": row.address,
        "phone": row.phone,
        "in_charge": row.in_charge,
        "services": row.services,
        "facilities": row.facilities,
        "elements": row.elements,
        "capacity": row.capacity,
        "star": row.star,
        "accessible": row.accessible,
        "opening_hours": row.opening_hours,
        "weekly_open_minutes": row.weekly_open_minutes,
        "open_now": is_open(row, at, calendar),
        "active": row.active,
        "version": row.version,
        "opened_at": row.opened_at,
        "closed_at": row.closed_at,
        "confirmed_at": row.confirmed_at,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def in_detail(row: Row[Any], crs: str, at: datetime, calendar: Calendar) -> dict[str, Any]:
    """A point as its own page gives it: also when its door opens and shuts next (null: not within 400 days)."""
    hours = hours_of(row)
    return {
        **as_answer(row, crs, at, calendar),
        "opens_next": hours.opens_next(at, calendar) if row.active else None,
        "closes_next": hours.closes_next(at, calendar) if row.active else None,
    }


def as_feature(row: Row[Any], crs: str, at: datetime, calendar: Calendar) -> dict[str, Any]:
    """A point as a GeoJSON feature with what a map shows of it."""
    lon, lat = from_wgs84(row.lon, row.lat, crs)
    return {
        "type": "Feature",
        "id": row.id,
        "geometry": {"type": "Point", "coordinates": [round(lon, 7), round(lat, 7)]},
        "properties": {
            "name": row.name,
            "kind": row.kind,
            "area_code": row.area_code,
            "address": row.address,
            "services": row.services,
            "star": row.star,
            "accessible": row.accessible,
            "open_now": is_open(row, at, calendar),
        },
    }
