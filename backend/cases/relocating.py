"""Correcting where a case is: a better point, or only the grid or village it lies in.

Whoever holds the case goes on holding it, with the clock and the score that go with it: giving it to another village is
dispatching it. What was published is withdrawn at once and shows at its new place after a new random delay, so that its
time does not tell who was asked about it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from backend.cases.case_row import CaseRow
from backend.cases.filing import OutsideYourArea, PlacesDiffer, kept_address
from backend.cases.public.publication import public_from
from backend.cases.reporter.reporters import reporter_known_by
from backend.http.problems import Invalid
from backend.people.access import covers
from backend.territory.cells import cell
from backend.territory.location import Place, locate, names_of, place_of_area


def changes(action: str, case: CaseRow, request: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
    """What correcting the place changes of a case; nothing for any other action.

    Raises Invalid (neither location nor area), PlacesDiffer, OutsideYourArea, and what locating raises.
    """
    if action != "correct_place":
        return {}
    place, location = _place(case, request), request.get("location") or {}
    shown = case.public_at is not None and case.public_at <= now
    return {
        "area_code": place.area_code,
        "lon": place.lon,
        "lat": place.lat,
        "original_lon": location.get("lon"),
        "original_lat": location.get("lat"),
        "original_crs": location.get("crs"),
        "coarse_lon": place.coarse_lon,
        "coarse_lat": place.coarse_lat,
        "address": _address(case, request),
        "public_at": public_from(now) if shown else case.public_at,
    }


def columns(after: CaseRow) -> dict[str, Any]:
    """What the row of a case holds of its place."""
    names = ("area_code", "village_code", "address", "lon", "lat", "original_lon", "original_lat", "original_crs")
    found = {name: getattr(after, name) for name in (*names, "coarse_lon", "coarse_lat")}
    return found | {"cell": None if after.lon is None or after.lat is None else cell(after.lon, after.lat)}


def told(before: CaseRow, after: CaseRow) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """What the event tells: the areas, for all who see the case; and the points, for who sees text and place."""
    areas = {"areas": [before.area_code, after.area_code]}
    return areas, {"places": [_point(before), _point(after)]}


def _place(case: CaseRow, request: Mapping[str, Any]) -> Place:
    location, area = request.get("location"), request.get("area_code")
    if location is None and area is None:
        raise Invalid(
            {"location": [("请填写位置或网格（村、社区）代码。", "Give a location, or the code of an area.")]}
        )
    place = locate(**location) if location is not None else place_of_area(str(area))
    if area is not None and not covers(area, place.area_code):
        raise PlacesDiffer(area=area, area_name=names_of([area]))
    if not covers(case.town_code, place.area_code) or place.area_code == case.town_code:
        raise OutsideYourArea(area=case.town_code, area_name=names_of([case.town_code]))
    return place


def _address(case: CaseRow, request: Mapping[str, Any]) -> str | None:
    said: str | None = request.get("address", case.address)
    return kept_address(said, reporter_known_by(case)) if said and said != case.address else said


def _point(case: CaseRow) -> dict[str, Any] | None:
    if case.lon is None or case.lat is None:
        return None
    return {"lon": case.lon, "lat": case.lat, "crs": "wgs84"}
