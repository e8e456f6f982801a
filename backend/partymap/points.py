"""Reading service points: the statements, and a row as the answer people get."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import Any, NamedTuple

import orjson
from sqlalchemy import JSON, ColumnElement, Row, Select, Text, bindparam, cast, exists, select, tuple_
from sqlalchemy.orm import aliased

from backend.config import TOWN_ZONE
from backend.partymap.hours_as_written import read_hours
from backend.partymap.opening_hours import Calendar, OpeningHours
from backend.partymap.tables import ServicePoint, Word
from backend.partymap.words import element_word
from backend.territory.codes import prefix_bounds
from backend.territory.coordinates import from_wgs84

BATCH = 200
"""Rows read at a time where what is asked for is not in an index."""
LOOKS = 1_000
"""Rows that a request looks at for what is not in an index; the next page looks on."""

_SPELLS = 10_000
_A_DAY = timedelta(days=1)

_columns = ServicePoint.__table__.c
_HOURS = ("id", "area_code", "active", "opening_hours")
_FEATURE = (*_HOURS, "lon", "lat", "name", "kind", "address", "services", "star", "accessible")
COLUMNS = {
    "whole": tuple(_columns),
    "feature": tuple(_columns[name] for name in _FEATURE),
    "hours": tuple(_columns[name] for name in _HOURS),
}
"""What is read of a point for its answer, for a map, for the question whether it is open."""
AS_TEXT: Mapping[str, Sequence[Any]] = {
    name: tuple(cast(one, Text).label(one.key) if isinstance(one.type, JSON) else one for one in columns)
    for name, columns in COLUMNS.items()
}
"""The same with documents as text: who only passes them on, or has read such hours before, need not parse them."""

POINT = select(*_columns).where(_columns.id == bindparam("id"))
_TAGS = select(ServicePoint.elements).where(
    ServicePoint.active.is_(True),
    cast(ServicePoint.elements, Text) != "[]",
    ServicePoint.area_code >= bindparam("low"),
    ServicePoint.area_code < bindparam("high"),
)
_THESE = select(*_columns).where(_columns.id.in_(bindparam("ids", expanding=True)))

_WORDS = ("service", "element", "kind")
"""What points are found by an index of words for; the values are words, too."""
_CONDITIONS: Mapping[str, Callable[[Any], ColumnElement[bool]]] = {
    "area": lambda of: (of.area_code >= bindparam("area")) & (of.area_code < bindparam("area_end")),
    "after": lambda of: (
        tuple_(of.area_code, _id_of(of))
        > tuple_(bindparam("after_area"), bindparam("after_id", type_=_columns.id.type))
    ),
    "box": lambda _of: (
        ServicePoint.lat.between(bindparam("south"), bindparam("north"))
        & ServicePoint.lon.between(bindparam("west"), bindparam("east"))
    ),
}

Find = Callable[..., Sequence[Row[Any]]]
Keep = Callable[[Row[Any]], bool]
Key = tuple[str, uuid.UUID]
"""Where a page ends: area and id."""


def _id_of(of: Any) -> Any:
    return of.id if of is ServicePoint else of.point_id


@cache
def listing_statement(columns: str, *conditions: str) -> Select[Any]:
    """Points by area and id. Indexes: ix_service_points_area, ix_service_points_place for a box,
    ix_service_point_words_word for a service, element or kind."""
    words = [name for name in _WORDS if name in conditions]
    of: Any = ServicePoint
    found = select(*COLUMNS[columns])
    if words:
        of = aliased(Word)
        found = found.join(of, of.point_id == ServicePoint.id)
        found = found.where(of.active == bindparam("active"), of.word == bindparam(words[0]))
    else:
        found = found.where(ServicePoint.active == bindparam("active"))
    return (
        found.where(*(_CONDITIONS[name](of) for name in conditions if name not in words), *map(has_word, words[1:]))
        .order_by(of.area_code, _id_of(of))
        .limit(bindparam("most"))
    )


def has_word(name: str) -> ColumnElement[bool]:
    """Whether a point has the word that is bound under a name."""
    word = aliased(Word)
    return exists().where(word.point_id == ServicePoint.id, word.word == bindparam(name))


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

    `conditions` are names of `_CONDITIONS` (or `_WORDS`) with their bind values; `find` runs a statement with values.
    """
    return look_through(find, conditions, most, keep=keep, columns=columns, active=active, looks=None)[0]


def look_through(
    find: Find,
    conditions: Mapping[str, Mapping[str, Any]],
    most: int,
    *,
    keep: Keep | None = None,
    columns: str = "whole",
    active: bool = True,
    looks: int | None = LOOKS,
) -> tuple[list[Row[Any]], Key | None]:
    """The same of at most so many `looks`; with where to look on, when that many were not enough for `most`."""
    names = set(conditions)
    values: dict[str, Any] = {"active": active, "most": most if keep is None else max(most, BATCH)}
    for bound in conditions.values():
        values |= bound
    kept: list[Row[Any]] = []
    looked = 0
    while True:
        rows = find(listing_statement(columns, *sorted(names)), **values)
        looked += len(rows)
        kept += rows if keep is None else filter(keep, rows)
        if len(kept) >= most or len(rows) < values["most"]:
            return kept[:most], None
        if looks is not None and looked >= looks:
            return kept, (rows[-1].area_code, rows[-1].id)
        names.add("after")
        values |= {"after_area": rows[-1].area_code, "after_id": rows[-1].id}


def whole(find: Find, points: Sequence[Row[Any]]) -> list[Row[Any]]:
    """The same points, in the same order, with all their columns."""
    found = {row.id: row for row in find(_THESE, ids=[point.id for point in points])}
    return [found[point.id] for point in points if point.id in found]


def with_element(code: str) -> dict[str, str]:
    """The bind value for points that bear on an element."""
    return {"element": element_word(code)}


def points_by_element(find: Find, area: str) -> Counter[str]:
    """How many points in service of an area bear on each element of the governance model that has any."""
    low, high = prefix_bounds(area)
    return Counter(code for point in find(_TAGS, low=low, high=high) for code in point.elements)


@lru_cache(maxsize=10_000)
def _read(written: bytes) -> OpeningHours:
    return read_hours(orjson.loads(written), TOWN_ZONE)


def hours_of(row: Any) -> OpeningHours:
    """The opening hours of a point, on the town's clock."""
    return _read(_hours_key(row))


def _hours_key(row: Any) -> bytes:
    told = row.opening_hours
    return told.encode() if isinstance(told, str) else orjson.dumps(told)


class _Spell(NamedTuple):
    """That a door is open, or shut, from an instant on until another one, by a calendar."""

    calendar: Calendar
    since: datetime
    until: datetime
    open: bool


_spells: dict[bytes, _Spell] = {}
"""By written hours, the spell that was asked for last: nearly everybody asks about now."""


def is_open(row: Any, at: datetime, calendar: Calendar) -> bool:
    """Whether a point's door is open at `at`; never once it is given up."""
    if not row.active:
        return False
    written = _hours_key(row)
    spell = _spells.get(written)
    if spell is None or spell.calendar is not calendar or not spell.since <= at < spell.until:
        spell = _spell(_read(written), at, calendar)
        if len(_spells) >= _SPELLS:
            _spells.clear()
        _spells[written] = spell
    return spell.open


def _spell(hours: OpeningHours, at: datetime, calendar: Calendar) -> _Spell:
    is_open = hours.is_open(at, calendar)
    ends = (hours.closes_next if is_open else hours.opens_next)(at, calendar)
    return _Spell(calendar, at, ends or at + _A_DAY, is_open)


def as_answer(row: Any, crs: str, at: datetime, calendar: Calendar) -> dict[str, Any]:
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
        "services": _json(row.services),
        "facilities": _json(row.facilities),
        "elements": _json(row.elements),
        "photos": _json(row.photos),
        "capacity": row.capacity,
        "star": row.star,
        "accessible": row.accessible,
        "opening_hours": _json(row.opening_hours),
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


def _json(told: Any) -> Any:
    """A document as it stands in the answer: one read as text is put there as it is."""
    return orjson.Fragment(told) if isinstance(told, str) else told


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
