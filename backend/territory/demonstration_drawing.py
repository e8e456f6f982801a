"""Draws the demonstration town: `python -m backend.territory.demonstration_drawing` writes demonstration.geojson.

Villages and centres are the real ones of villages.csv; every line is made up. The town's outline is our own plain
polygon, a village is what lies nearest to its centre, grids divide a village into parts of about equal size. The same
seed draws the same town.
"""

import csv
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

import shapely
from shapely import MultiPoint, Point, Polygon
from shapely.geometry.base import BaseGeometry

SEED = 1258
TOWN = {"code": "440605121", "name": "九江镇", "kind": "town"}
AS_OF = "2026-01-01"
FOLDER = Path(__file__).parent
_STEP = 1e-6  # degrees between coordinates, about 0.1 m
_LAT = 22.865
_SCALE = (111_320.0 * math.cos(math.radians(_LAT)), 110_750.0)  # metres a degree, near enough to divide evenly
_OUTLINE = (
    (112.9445, 22.8570),
    (112.9490, 22.8480),
    (112.9640, 22.8430),
    (112.9790, 22.8330),
    (112.9800, 22.8190),
    (112.9825, 22.8105),
    (112.9950, 22.8095),
    (113.0120, 22.8140),
    (113.0280, 22.8100),
    (113.0430, 22.8115),
    (113.0585, 22.8160),
    (113.0565, 22.8270),
    (113.0455, 22.8400),
    (113.0340, 22.8560),
    (113.0350, 22.8740),
    (113.0460, 22.8885),
    (113.0465, 22.9010),
    (113.0450, 22.9150),
    (113.0405, 22.9250),
    (113.0300, 22.9265),
    (113.0120, 22.9220),
    (112.9970, 22.9125),
    (112.9895, 22.8985),
    (112.9720, 22.8860),
    (112.9470, 22.8840),
    (112.9440, 22.8700),
)


def villages() -> list[dict[str, str]]:
    """The 27 real villages and communities: code, name, kind, urban_rural_class, lon, lat."""
    with (FOLDER / "villages.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def draw(seed: int = SEED) -> dict[str, Any]:
    """The town, its villages and grids as a GeoJSON feature collection in WGS84 degrees."""
    random = Random(seed)
    facts = {row["code"]: row for row in villages()}
    shares = _nearest(_metres(Polygon(_OUTLINE)), {code: _centre(row) for code, row in facts.items()})
    drawn = {
        f"{code}{number:03}": part
        for code in sorted(shares)
        for number, part in enumerate(_divide(shares[code], random.randint(4, 8), random), 1)
    }
    grids = _knot(drawn)
    features = [_feature(TOWN, shapely.coverage_union_all(list(grids.values())))]
    for code, row in sorted(facts.items()):
        own = {grid: outline for grid, outline in grids.items() if grid.startswith(code)}
        households = random.randint(600, 2600) * (2 if row["kind"] == "community" else 1)
        people = {"households": households, "population": round(households * random.uniform(2.6, 3.7)), "as_of": AS_OF}
        place = {"lon": float(row["lon"]), "lat": float(row["lat"])}
        features.append(_feature({**row, **place, **people}, shapely.coverage_union_all(list(own.values()))))
        for number, (grid, outline) in enumerate(own.items(), 1):
            features.append(_feature({"code": grid, "name": f"{row['name']}第{number}网格", "kind": "grid"}, outline))
    note = "Demonstration: every line is drawn by demonstration_drawing.py, households and people are made up."
    return {"type": "FeatureCollection", "note": note, "features": features}


def _centre(row: dict[str, str]) -> Point:
    return Point(float(row["lon"]) * _SCALE[0], float(row["lat"]) * _SCALE[1])


def _metres(outline: Polygon) -> BaseGeometry:
    return shapely.transform(outline, lambda at: at * _SCALE)


def _nearest(outline: BaseGeometry, seeds: dict[str, Point]) -> dict[str, BaseGeometry]:
    """Divide an outline among seeds: to each what is nearest to it and hangs together with it."""
    cells = shapely.voronoi_polygons(MultiPoint(list(seeds.values())), extend_to=outline, ordered=True)
    return {
        name: shapely.intersection(cell, outline) for (name, _), cell in zip(seeds.items(), cells.geoms, strict=True)
    }


def _divide(village: BaseGeometry, count: int, random: Random) -> list[BaseGeometry]:
    """Divide a village into `count` parts of about equal size (Lloyd's method), from west to east."""
    seeds = [_somewhere(village, random) for _ in range(count)]
    parts: list[BaseGeometry] = []
    for _ in range(30):
        parts = list(_nearest(village, {str(n): seed for n, seed in enumerate(seeds)}).values())
        seeds = [shapely.centroid(part) for part in parts]
    return sorted(parts, key=lambda part: shapely.centroid(part).x)


def _somewhere(village: BaseGeometry, random: Random) -> Point:
    west, south, east, north = village.bounds
    while True:
        point = Point(random.uniform(west, east), random.uniform(south, north))
        if village.contains(point):
            return point


def _knot(drawn: dict[str, BaseGeometry]) -> dict[str, BaseGeometry]:
    """The same parts in rounded degrees with every vertex shared: no gap and no overlap is left, however small."""
    degrees = {code: shapely.transform(part, lambda at: at / _SCALE) for code, part in drawn.items()}
    lines = shapely.union_all([shapely.boundary(part) for part in degrees.values()], grid_size=_STEP)
    faces = list(shapely.polygonize([lines]).geoms)
    owner = {code: shapely.buffer(part, _STEP) for code, part in degrees.items()}
    return dict(sorted(_owned(faces, owner)))


def _owned(faces: list[BaseGeometry], owner: Mapping[str, BaseGeometry]) -> Iterator[tuple[str, BaseGeometry]]:
    for face in faces:
        inside = shapely.point_on_surface(face)
        (code,) = [code for code, part in owner.items() if part.covers(face) and part.contains(inside)]
        yield code, shapely.orient_polygons(shapely.normalize(face))


def _feature(properties: dict[str, Any], outline: BaseGeometry) -> dict[str, Any]:
    at = shapely.point_on_surface(outline)
    place = {"lon": round(at.x, 6), "lat": round(at.y, 6)} if "lon" not in properties else {}
    rings = [[[round(x, 6), round(y, 6)] for x, y in shapely.get_coordinates(outline).tolist()]]
    return {
        "type": "Feature",
        "properties": {**properties, **place},
        "geometry": {"type": "Polygon", "coordinates": rings},
    }


def text_of(collection: dict[str, Any]) -> str:
    """The collection as text, one feature a line."""
    lines = [json.dumps(feature, ensure_ascii=False, separators=(",", ":")) for feature in collection["features"]]
    head = json.dumps({key: value for key, value in collection.items() if key != "features"}, ensure_ascii=False)
    return head[:-1] + ', "features": [\n' + ",\n".join(lines) + "\n]}\n"


if __name__ == "__main__":
    (FOLDER / "demonstration.geojson").write_text(text_of(draw()), encoding="utf-8")
