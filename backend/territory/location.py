"""The territory as each process remembers it, read again within a second of a change by any process."""

import threading
import time
from collections.abc import Collection

from flask import current_app
from sqlalchemy import select

from backend.http.reading import row, rows
from backend.territory.coordinates import to_wgs84
from backend.territory.places import AreaRow, Place, Territory
from backend.territory.tables import Area, AreaRevision

__all__ = ["Place", "forget", "locate", "names_of", "place_of_area", "territory"]

FRESH = 1.0
"""Seconds after which a process looks whether another one has changed areas."""

_revision = select(AreaRevision.revision).where(AreaRevision.id == 1)
_areas = select(*(Area.__table__.c[name] for name in AreaRow._fields))


class _Memory:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.territory: Territory | None = None
        self.looked_at = -FRESH


def locate(lon: float, lat: float, crs: str) -> Place:
    """The place of a point given in `crs`: its grid, or the nearest one up to 3 km away.

    Raises `UnknownCrs`, `OutOfRange`, `OutsideTown` and `NoBoundaries`. Needs an app context, as all here.
    """
    return territory().locate(*to_wgs84(lon, lat, crs))


def place_of_area(area_code: str) -> Place:
    """The place of something known only to lie in a village, community or grid. Raises `UnknownArea`."""
    return territory().place_of_area(area_code)


def names_of(codes: Collection[str]) -> str:
    """The names of areas, one after the other, as people know them; of one that is not on the map, its code."""
    areas = territory().areas
    return "、".join(areas[code].name if code in areas else code for code in sorted(codes))


def territory() -> Territory:
    """All areas, at most `FRESH` seconds old."""
    memory = _memory()
    held = memory.territory
    if held is not None and time.monotonic() - memory.looked_at < FRESH:
        return held
    with memory.lock:
        looked_at = time.monotonic()
        # Read before the areas: a change in between is then found at the next look.
        counted = row(_revision)
        revision: int = counted[0] if counted else 0
        held = memory.territory
        if held is None or held.revision != revision:
            held = memory.territory = Territory((AreaRow._make(area) for area in rows(_areas)), revision)
        memory.looked_at = looked_at
        return held


def forget() -> None:
    """Have this process look for changes at the next question: for who has just committed one."""
    _memory().looked_at = -FRESH


def _memory() -> _Memory:
    memory: _Memory = current_app.extensions.setdefault("territory", _Memory())
    return memory
