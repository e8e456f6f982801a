"""Keeping service points: entering one, changing one, confirming one. All write the ledger and commit nothing."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from backend.config import TOWN_ZONE
from backend.http.ids import new_id
from backend.http.problems import Problem
from backend.ledger.record import record
from backend.partymap.distances import as_kept
from backend.partymap.hours_as_written import read_hours
from backend.partymap.in_charge import is_in_charge, put_in_charge
from backend.partymap.photos import show_photos
from backend.partymap.tables import ServicePoint, Word
from backend.partymap.words import word_rows, write_words
from backend.people.access import Caller, covers, town_scope
from backend.territory.cells import cell
from backend.territory.coordinates import to_wgs84
from backend.territory.location import locate, place_of_area

FOUND_BY = frozenset(("name", "kind", "services", "elements", "area_code", "active"))
"""What a point's words are made of."""
_BESIDE = ("location", "photos", "people")


class OutsideYourArea(Problem):
    """A service point that would stand where the caller keeps none."""

    status, code = 422, "outside_your_area"
    zh = "这个位置属于{area_name}，不在您负责的范围内；请核对位置，或由镇网格中心登记。"
    en = "This place belongs to {area_name}, which is not yours to keep; check it, or let the town's desk enter it."


def keeps(caller: Caller, area: str) -> bool:
    """Whether somebody keeps the points of an area."""
    return any(covers(scope, area) for scope in town_scope(caller, "keep_service_points"))


def confirms(caller: Caller, area: str, point: uuid.UUID) -> bool:
    """Whether somebody may say that all is so with a point: by what they keep, by their grid, or in charge by name."""
    allowed = caller.allowed("confirm_service_points")
    by_area = any(set(letters) & set("gvt") and covers(grant.area_code, area) for grant, letters in allowed)
    return by_area or (bool(allowed) and is_in_charge(caller.account_id, point))


def area_of(body: Mapping[str, Any]) -> str:
    """The area of a point as told, or else where its place lies. Raises as territory does."""
    told = body.get("area_code")
    return (place_of_area(told) if told else locate(**body["location"])).area_code


def enter_point(
    session: Session,
    values: Mapping[str, Any],
    actor: uuid.UUID | None,
    now: datetime,
    identity: uuid.UUID | None = None,
) -> ServicePoint:
    """A new service point from checked values: the writable columns, with the place as `location` {lon, lat, crs}, its
    `photos` (ids of evidence) and `people` in charge (ids of accounts).

    Raises FaultyHours, UnknownCrs, OutOfRange, UnknownEvidence, NotOfTheTown.
    """
    point = ServicePoint(id=identity or new_id(), active=True, opened_at=now, created_at=now, version=0, photos=[])
    point.closed_at = None if values.get("active", True) else now
    _apply(session, point, values, actor, now)
    _tell(session, point, "enter_service_point", values, actor, now)
    return point


def change_point(
    session: Session, point: ServicePoint, changes: Mapping[str, Any], actor: uuid.UUID | None, now: datetime
) -> None:
    """Change a point, locked by the caller, in the columns named; no change at all confirms it as it is.

    Raises as `enter_point`.
    """
    if "active" in changes:
        point.closed_at = None if changes["active"] else point.closed_at or now
    _apply(session, point, changes, actor, now)
    _tell(session, point, "change_service_point", changes, actor, now)


def confirm_point(session: Session, point: ServicePoint, actor: uuid.UUID, now: datetime) -> None:
    """Say of a point, locked by the caller, that all is so as it stands there."""
    _apply(session, point, {}, actor, now)
    _tell(session, point, "confirm_service_point", {}, actor, now)


def put_points(session: Session, points: list[dict[str, Any]]) -> None:
    """Write whole rows of points that somebody else made, with the words they are found by; nothing is told of it."""
    session.execute(insert(ServicePoint), points)
    session.execute(insert(Word), [word for point in points for word in word_rows(point)])


def place_columns(lon: float, lat: float, crs: str) -> dict[str, Any]:
    """The columns that say where a point is: WGS84 and its cell, and the numbers as given."""
    at_lon, at_lat = as_kept(*to_wgs84(lon, lat, crs))
    return {
        "lon": at_lon,
        "lat": at_lat,
        "cell": cell(at_lon, at_lat),
        "original_lon": lon,
        "original_lat": lat,
        "original_crs": crs,
    }


def _apply(
    session: Session, point: ServicePoint, values: Mapping[str, Any], actor: uuid.UUID | None, now: datetime
) -> None:
    columns = {name: value for name, value in values.items() if name not in _BESIDE}
    if "location" in values:
        columns |= place_columns(**values["location"])
    if "opening_hours" in values:
        columns["weekly_open_minutes"] = read_hours(values["opening_hours"], TOWN_ZONE).weekly_open_minutes()
    for name, value in columns.items():
        setattr(point, name, value)
    point.version += 1
    point.confirmed_at = point.updated_at = now
    session.add(point)
    if "photos" in values:
        show_photos(session, point, values["photos"], actor)
    if "people" in values:
        put_in_charge(session, point, values["people"], now.date())
    if FOUND_BY & values.keys():
        write_words(session, point, new=point.version == 1)


def _tell(
    session: Session,
    point: ServicePoint,
    action: str,
    values: Mapping[str, Any],
    actor: uuid.UUID | None,
    now: datetime,
) -> None:
    # The names of what changed, not the values: a person in charge may later ask to be forgotten.
    record(
        session,
        town=point.area_code[:9],
        actor=actor,
        action=action,
        thing=("service_point", str(point.id)),
        version=point.version,
        occurred_at=now,
        details={"area_code": point.area_code, "fields": sorted(values)},
    )
