"""Small towns made of squares, for tests: 0.01° a village, two grids each."""

from __future__ import annotations

import json
from typing import Any

from backend.territory.places import AreaRow, Territory

Ring = list[tuple[float, float]]


def square(west: float, south: float, width: float = 0.01, height: float = 0.01) -> dict[str, Any]:
    """A rectangle as a GeoJSON geometry."""
    east, north = round(west + width, 9), round(south + height, 9)
    return polygon([(west, south), (east, south), (east, north), (west, north)])


def polygon(ring: Ring) -> dict[str, Any]:
    """A closed polygon from its corners."""
    return {"type": "Polygon", "coordinates": [[list(at) for at in [*ring, ring[0]]]]}


def feature(code: Any, geometry: Any, **properties: Any) -> dict[str, Any]:
    """A feature of an import."""
    return {
        "type": "Feature",
        "properties": {"code": code, "name": f"区域{code}", **properties},
        "geometry": geometry,
    }


def collection(*features: Any, **members: Any) -> dict[str, Any]:
    """A feature collection."""
    return {"type": "FeatureCollection", "features": list(features), **members}


def town_features(town: str = "999000001", west: float = 113.0, south: float = 22.8) -> list[dict[str, Any]]:
    """A town two villages wide; each has a western and an eastern grid."""
    villages, grids = [], []
    for village in (0, 1):
        code, edge = f"{town}{village + 1:03}", round(west + 0.01 * village, 9)
        villages.append(feature(code, square(edge, south)))
        grids += [
            feature(f"{code}{grid + 1:03}", square(round(edge + 0.005 * grid, 9), south, 0.005)) for grid in (0, 1)
        ]
    return [feature(town, square(west, south, 0.02)), *villages, *grids]


def rows(features: list[dict[str, Any]]) -> list[AreaRow]:
    """What a process would remember of them."""
    found = []
    for each in features:
        code, name = each["properties"]["code"], each["properties"]["name"]
        kind = {9: "town", 12: "village", 15: "grid"}[len(code)]
        outline = json.dumps(each["geometry"]) if each["geometry"] else None
        found.append(AreaRow(code, name, kind, code[:-3] if len(code) > 9 else None, 113.0, 22.8, outline))
    return found


def territory(*features: dict[str, Any]) -> Territory:
    """A territory of these features; of the small town without any."""
    return Territory(rows(list(features) or town_features()))
