"""What the territory shows on the town's map: grids and villages, each as drawn, for everybody."""

from functools import partial
from typing import Any

import shapely

from backend.http.registry import Layer
from backend.territory.coordinates import to_wgs84
from backend.territory.drawings import area_shapes, drawn_revision
from backend.territory.location import territory
from backend.territory.outlines import moved, outline_in
from backend.territory.places import AreaRow
from backend.territory.tiles import Shapes, Tile

Box = tuple[float, float, float, float]
MOST_FEATURES = 5000


def area_feature(area: AreaRow, crs: str) -> dict[str, Any]:
    """An area as a GeoJSON feature in `crs`; its geometry is null where it has no outline. Raises `UnknownCrs`."""
    return {
        "type": "Feature",
        "id": area.code,
        "properties": {
            "code": area.code,
            "name": area.name,
            "kind": area.kind,
            "parent_code": area.parent_code,
            "demonstration": area.demonstration,
        },
        "geometry": outline_in(area.outline, crs) if area.outline else None,
    }


def _features(
    kinds: frozenset[str], box: Box | None = None, crs: str = "wgs84", most: int = MOST_FEATURES
) -> list[dict[str, Any]]:
    """Areas of these kinds whose shape meets a box in `crs` (all without one), by code, at most so many."""
    held = territory()
    if box is None:
        found = [area for area in held.outlined if area.kind in kinds]
    else:
        found = held.crossing(_in_degrees(box, crs), kinds)
    return [area_feature(area, crs) for area in found[:most]]


def _in_degrees(box: Box, crs: str) -> shapely.Geometry:
    """The box as a shape in WGS84 degrees: its straight sides are not straight there."""
    side = max(box[2] - box[0], box[3] - box[1]) / 64
    shape = shapely.box(*box)
    return moved(shapely.segmentize(shape, side) if side else shape, lambda x, y: to_wgs84(x, y, crs))


def _tile(level: str, tile: Tile, scopes: frozenset[str], _points_from: int) -> Shapes:
    return area_shapes(tile, level, scopes, lambda _areas: {})


_FIELDS = {"code": "String", "name": "String", "kind": "String", "parts": "Number"}
GRIDS = Layer(
    name="grids",
    title_zh="网格",
    title_en="Grids",
    features=partial(_features, frozenset({"grid"})),
    tile=partial(_tile, "grid"),
    version=lambda: str(drawn_revision()),
    fields=_FIELDS,
    colour="#64748b",
    order=20,
    areas=True,
)
VILLAGES = Layer(
    name="villages",
    title_zh="村（社区）",
    title_en="Villages and communities",
    features=partial(_features, frozenset({"village", "community"})),
    tile=partial(_tile, "village"),
    version=lambda: str(drawn_revision()),
    fields=_FIELDS,
    colour="#0f766e",
    order=10,
    areas=True,
)
LAYERS = (GRIDS, VILLAGES)
