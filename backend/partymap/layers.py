"""What the party map shows on the town's map."""

from __future__ import annotations

from functools import partial
from typing import Any

from sqlalchemy import Row

from backend.http import clock
from backend.http.reading import rows
from backend.http.registry import Layer
from backend.partymap.boxes import UNSHIFTED, WHOLE, holds, wgs84_box
from backend.partymap.pins import point_marks, points_state
from backend.partymap.points import Keep, as_feature, walk, with_element
from backend.territory.boxes import Box
from backend.territory.coordinates import from_wgs84
from backend.territory.tiles import Marks, Tile
from backend.territory.work_calendar import work_calendar

MOST_FEATURES = 1000


def service_points(
    box: Box | None = None, crs: str = "wgs84", most: int = MOST_FEATURES, element: str | None = None
) -> list[dict[str, Any]]:
    """Active service points of a box in `crs` (everywhere without one) as GeoJSON features, by area, at most so many;
    only those that bear on an element of the governance model, where one is named.

    Needs an app context. Everybody may see them.
    """
    at = clock.now()
    conditions: dict[str, dict[str, Any]] = {}
    if box is not None and box != WHOLE:
        west, south, east, north = wgs84_box(box, crs)
        conditions["box"] = {"west": west, "south": south, "east": east, "north": north}
    if element is not None:
        conditions["element"] = with_element(element)
    found = walk(rows, conditions, most, keep=_inside(box, crs), columns="feature")
    return [as_feature(point, crs, at, work_calendar(point.area_code[:9])) for point in found]


def _inside(box: Box | None, crs: str) -> Keep | None:
    if box is None or crs in UNSHIFTED:
        return None

    def inside(point: Row[Any]) -> bool:
        return holds(box, *from_wgs84(point.lon, point.lat, crs))

    return inside


def _tile(kind: str | None, tile: Tile, _scopes: frozenset[str], points_from: int) -> Marks:
    return point_marks(tile, points_from, kind)


_FIELDS = {
    **dict.fromkeys(("id", "name", "kind", "area_code", "address"), "String"),
    "star": "Number",
    "accessible": "Boolean",
    "count": "Number",
}
SERVICE_POINTS = Layer(
    name="service_points",
    title_zh="党群服务点",
    title_en="Party-masses service points",
    features=service_points,
    tile=partial(_tile, None),
    version=points_state,
    fields=_FIELDS,
    colour="#dc2626",
    order=60,
    points_from=12,
)
TRAINING_GROUNDS = Layer(
    name="training_grounds",
    title_zh="党员培训阵地",
    title_en="Training grounds",
    features=None,
    tile=partial(_tile, "training_ground"),
    version=points_state,
    fields=_FIELDS,
    colour="#b45309",
    order=50,
    points_from=10,
)

LAYERS = (SERVICE_POINTS, TRAINING_GROUNDS)
