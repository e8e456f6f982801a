"""Keeping service points: entering one, changing one. Both write the ledger and commit nothing."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from backend.config import TOWN_ZONE
from backend.http.ids import new_id
from backend.ledger.record import record
from backend.partymap.distances import as_kept
from backend.partymap.hours_as_written import read_hours
from backend.partymap.tables import ServicePoint
from backend.territory.cells import cell
from backend.territory.coordinates import to_wgs84


def enter_point(session: Session, values: dict[str, Any], actor: uuid.UUID | None, now: datetime) -> ServicePoint:
    """A new service point from checked values: the writable columns, with the place as `location` {lon, lat, crs}.

    Raises FaultyHours, UnknownCrs, OutOfRange.
    """
    point = ServicePoint(id=new_id(), active=True, opened_at=now, created_at=now, version=0)
    _apply(point, values)
    _tell(session, point, "enter_service_point", values, actor, now)
    return point


def change_point(
    session: Session, point: ServicePoint, changes: dict[str, Any], actor: uuid.UUID | None, now: datetime
) -> None:
    """Change a point, locked by the caller, in the columns named; no change at all confirms it as it is.

    Raises as `enter_point`.
    """
    _apply(point, changes)
    if "active" in changes:
        point.closed_at = None if point.active else point.closed_at or now
    _tell(session, point, "change_service_point", changes, actor, now)


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


def _apply(point: ServicePoint, values: dict[str, Any]) -> None:
    columns = {name: value for name, value in values.items() if name != "location"}
    if "location" in values:
        columns |= place_columns(**values["location"])
    if "opening_hours" in values:
        columns["weekly_open_minutes"] = read_hours(values["opening_hours"], TOWN_ZONE).weekly_open_minutes()
    for name, value in columns.items():
        setattr(point, name, value)


def _tell(
    session: Session,
    point: ServicePoint,
    action: str,
    values: dict[str, Any],
    actor: uuid.UUID | None,
    now: datetime,
) -> None:
    point.version += 1
    point.confirmed_at = point.updated_at = now
    session.add(point)
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
