"""Outlines as the map draws them: simplified for each zoom without a gap between neighbours, and found by tile.

All outlines of a level are simplified together, as one coverage: an arc that two areas share is simplified once. That
takes long and much memory, so the scheduler does it when areas have changed, and web workers read what a tile shows.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import shapely
from sqlalchemy import bindparam, delete, insert, select, update

from backend.extensions import db
from backend.http.reading import Prepared, row, rows
from backend.http.work import unit_of_work
from backend.territory.codes import level_of
from backend.territory.outlines import read_outline
from backend.territory.rings import written
from backend.territory.tables import Area, AreaDrawing, AreaRevision
from backend.territory.tiles import EXTENT, MOST, Marks, Shapes, Tile

FIRST_ZOOM, LAST_ZOOM = 8, 16
"""Zooms that outlines are drawn for; farther and nearer ones show the first and the last, which is not simplified."""
TOLERANCE = 6.0
"""Units of 1/4096 of a tile: a triangle is left out whose area is less than the square of it (less than a pixel)."""
BUFFER = 64
"""Units beyond a tile's edge up to which outlines are drawn in it, so that no border line runs along the edge."""
NAMED = 300
"""Areas of a tile whose names are written in it; of more, nobody could read them."""
BATCH = 200
GIVE_WAY = 0.02
"""Seconds between two units of work where only one can write at a time."""
_LEVELS = ("town", "village", "grid")
_FARTHEST = 85.0511

_states = select(AreaRevision.revision, AreaRevision.drawn).where(AreaRevision.id == 1)
_outlined = select(Area.code, Area.outline).where(Area.outline.is_not(None)).order_by(Area.code)
_drawn = select(AreaDrawing.code, AreaDrawing.outline).where(
    AreaDrawing.zoom == bindparam("zoom"), AreaDrawing.level == bindparam("level")
)


class _Drawn(NamedTuple):
    code: str
    name: str
    kind: str
    lon: float | None
    lat: float | None
    outline: bytes


_in_box = (
    AreaDrawing.zoom == bindparam("zoom"),
    AreaDrawing.level == bindparam("level"),
    AreaDrawing.left <= bindparam("right"),
    AreaDrawing.right >= bindparam("left"),
    AreaDrawing.top <= bindparam("bottom"),
    AreaDrawing.bottom >= bindparam("top"),
)
_codes = Prepared(select(AreaDrawing.code).where(*_in_box).order_by(AreaDrawing.code), lambda code: (code,))
_outlines = Prepared(
    select(Area.code, Area.name, Area.kind, Area.lon, Area.lat, AreaDrawing.outline)
    .join(Area, Area.code == AreaDrawing.code)
    .where(*_in_box, AreaDrawing.code.between(bindparam("low"), bindparam("high")))
    .order_by(AreaDrawing.code),
    _Drawn,
)


def drawn_revision() -> int:
    """The state of the areas that tiles show; 0 before any is drawn."""
    found = row(_states)
    return int(found.drawn or 0) if found else 0


def area_shapes(
    tile: Tile, level: str, scopes: frozenset[str], told: Callable[[list[str]], Mapping[str, Sequence[Any]]]
) -> Shapes:
    """The areas of a level in a tile whose codes begin with one of `scopes`, with what `told` says of these codes.

    Where they are too many, their villages take their place, which say how many `parts` they stand for.
    """
    zoom, within = min(max(tile.z, FIRST_ZOOM), LAST_ZOOM), tuple(scopes)
    box: dict[str, Any] = {"zoom": zoom, **_box(tile, zoom)}
    codes = [code for (code,) in _codes.all(level=level, **box) if code.startswith(within)]
    if not codes:
        return Shapes(zoom, (), {}, Marks((), (), {}))
    parts = Counter(code[:12] for code in codes) if len(codes) > MOST else Counter[str]()
    wanted = set(parts or codes)
    box |= {"level": "village" if parts else level, "low": min(wanted), "high": max(wanted)}
    found = [area for area in _outlines.all(**box) if area.code in wanted]
    named = {"code": [area.code for area in found], "name": [area.name for area in found]}
    columns = {**named, "kind": [area.kind for area in found], **told(named["code"])}
    if parts:
        columns["parts"] = [parts[code] for code in named["code"]]
    middles = [(area.lon or 0.0, area.lat or 0.0) for area in found if len(found) <= NAMED]
    names = Marks([lon for lon, _ in middles], [lat for _, lat in middles], named if middles else {})
    return Shapes(zoom, [area.outline for area in found], columns, names)


def _box(tile: Tile, zoom: int) -> dict[str, int]:
    """The box of a tile with its buffer, in units of the drawings of a zoom, rounded outwards."""

    def units(tiles: int, beyond: int) -> float:
        return (tiles * EXTENT + beyond) * 2.0 ** (zoom - tile.z)

    return {
        "left": int(units(tile.x, -BUFFER) // 1),
        "top": int(units(tile.y, -BUFFER) // 1),
        "right": int(-(-units(tile.x + 1, BUFFER) // 1)),
        "bottom": int(-(-units(tile.y + 1, BUFFER) // 1)),
    }


def draw_areas(_now: datetime) -> int:
    """Draw all outlines anew for every zoom, if areas have changed since; answers how many drawings did."""
    states = row(_states)
    if states is None or states.revision == states.drawn:
        return 0
    by_level: dict[str, dict[str, shapely.Geometry]] = {level: {} for level in _LEVELS}
    for area in rows(_outlined):
        by_level[level_of(area.code) or "grid"][area.code] = read_outline(area.outline)
    changed = 0
    for level, outlines in by_level.items():
        for zoom in range(FIRST_ZOOM, LAST_ZOOM + 1):
            made = draw(list(outlines.values()), zoom)
            changed += _keep(zoom, level, dict(zip(outlines, made, strict=True)))
    with unit_of_work() as session:
        session.execute(update(AreaRevision).where(AreaRevision.id == 1).values(drawn=states.revision))
    return changed


def draw(outlines: Sequence[shapely.Geometry], zoom: int) -> list[shapely.Geometry]:
    """Outlines in WGS84 degrees as they are drawn at a zoom: in whole units of 1/4096 of a tile, y downwards, in which
    the area of outer rings is positive, that of holes negative."""
    units = shapely.transform(np.array(outlines, dtype=object), lambda at: _in_units(at, zoom))
    if zoom < LAST_ZOOM and len(outlines):
        units = shapely.coverage_simplify(units, TOLERANCE)
    return list(shapely.orient_polygons(shapely.transform(units, np.rint)))


def _in_units(degrees: Any, zoom: int) -> Any:
    side = float(EXTENT << zoom)
    lat = np.radians(np.clip(degrees[:, 1], -_FARTHEST, _FARTHEST))
    x, y = degrees[:, 0] / 360.0 + 0.5, 0.5 - np.arcsinh(np.tan(lat)) / (2.0 * np.pi)
    return np.column_stack((x * side, y * side))


def _keep(zoom: int, level: str, made: Mapping[str, shapely.Geometry]) -> int:
    """Keep the drawings that are others than those there, and drop those of areas that are no more."""
    before = {drawn.code: bytes(drawn.outline) for drawn in rows(_drawn, zoom=zoom, level=level)}
    kept = dict(zip(made, written(list(made.values())), strict=True))
    boxes = zip(*shapely.bounds(list(made.values())).astype(int).reshape(-1, 4).T.tolist(), strict=True)
    other = {
        code: {"zoom": zoom, "level": level, "code": code, "outline": kept[code]}
        | dict(zip(("left", "top", "right", "bottom"), box, strict=True))
        for code, box in zip(made, boxes, strict=True)
        if before.get(code) != kept[code]
    }
    gone = [code for code in before if code in other or code not in made]
    for number, codes in enumerate(_batches(list(dict.fromkeys((*gone, *other))))):
        if number and db.engine.dialect.name == "sqlite":
            time.sleep(GIVE_WAY)
        with unit_of_work() as session:
            of_these = (AreaDrawing.zoom == zoom, AreaDrawing.level == level, AreaDrawing.code.in_(codes))
            session.execute(delete(AreaDrawing).where(*of_these), execution_options={"synchronize_session": False})
            if new := [other[code] for code in codes if code in other]:
                session.execute(insert(AreaDrawing), new)
    return len({*gone, *other})


def _batches(codes: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(codes), BATCH):
        yield codes[start : start + BATCH]
