"""Service points as a table (CSV, XLSX) or as GeoJSON: all that can be brought in again, and nobody's account.

Read page by page, so that however many there are, few are in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import IO, Any

import orjson
from sqlalchemy import Row

from backend.http.reading import rows
from backend.http.table_writing import Value
from backend.partymap.exchange.columns import COLUMNS, values_of
from backend.partymap.points import look_through
from backend.territory.codes import prefix_bounds

_PAGE = 500
HEADINGS = tuple(column.headings[0] for column in COLUMNS)


def exported(areas: Sequence[str], crs: str) -> Iterator[Sequence[Value]]:
    """The table of the points in these areas, headings first, places in `crs`, those given up last."""
    yield HEADINGS
    for point in _points(areas):
        yield cells_of(point, crs)


def cells_of(point: Any, crs: str) -> list[Value]:
    """The cells of a point."""
    values = values_of(point, crs)
    return [column.write(values[column.name]) if values[column.name] is not None else None for column in COLUMNS]


def write_geojson(file: IO[bytes], areas: Sequence[str], crs: str) -> None:
    """The same as a FeatureCollection whose member `coordinates_in` names the system of its coordinates."""
    file.write(b'{"type":"FeatureCollection","coordinates_in":' + orjson.dumps(crs) + b',"features":[')
    for number, point in enumerate(_points(areas)):
        file.write(b",\n" if number else b"\n")
        file.write(orjson.dumps(_feature(values_of(point, crs))))
    file.write(b"\n]}\n")


def _feature(values: dict[str, Any]) -> dict[str, Any]:
    place = [values.pop("lon"), values.pop("lat")]
    values.pop("crs")
    identity = values.pop("id")
    return {
        "type": "Feature",
        "id": identity,
        "geometry": {"type": "Point", "coordinates": place},
        "properties": values,
    }


def _points(areas: Sequence[str]) -> Iterator[Row[Any]]:
    for active in (True, False):
        for area in areas:
            low, high = prefix_bounds(area)
            conditions: dict[str, dict[str, Any]] = {"area": {"area": low, "area_end": high}}
            while True:
                found, _ = look_through(rows, conditions, _PAGE, active=active)
                yield from found
                if len(found) < _PAGE:
                    break
                conditions["after"] = {"after_area": found[-1].area_code, "after_id": found[-1].id}
