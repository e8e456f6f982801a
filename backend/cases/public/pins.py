"""What of the public cases is shown in a tile of the map: each by itself, clusters of them, or how many an area has.

Whether a case is public is asked anew when it is shown, whatever pins there are; how far it is, which is shown late,
its page tells. Clusters and areas are counted from the numbers that `pinning.py` keeps, so that they cost the same
however many cases there are.
"""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import BigInteger, Integer, bindparam, func, literal_column, select

from backend.cases.public.pin_tables import PinsKept, PublicPin, PublicPlace
from backend.cases.public.publication import PUBLIC, SHOWN_CATEGORY, public_ids, shown_until
from backend.cases.rules.categories import catalogue
from backend.cases.tables import Case
from backend.http.reading import Prepared, row
from backend.territory.tiles import MOST, Marks, Tile


class _Pin(NamedTuple):
    id: uuid.UUID
    category: str
    village_code: str
    occurred_at: datetime
    coarse_lon: float
    coarse_lat: float


class _Cluster(NamedTuple):
    cases: int
    lon: float
    lat: float


class _OfArea(NamedTuple):
    area_code: str
    cases: int


_within = (PublicPlace.town_code == bindparam("town"), PublicPlace.cell.between(bindparam("first"), bindparam("last")))
_cases = func.sum(PublicPlace.cases).cast(BigInteger)
_number = Prepared(select(func.coalesce(_cases, 0)).where(*_within), lambda number: (number,))
# The pins of the tile first, at most so many: whatever the planner thinks of the rest, it reads no more than these.
_in_tile = (
    select(PublicPin.case_id)
    .where(PublicPin.town_code == bindparam("town"), PublicPin.cell.between(bindparam("first"), bindparam("last")))
    .order_by(PublicPin.cell)
    .limit(literal_column(str(MOST)))
    .subquery("in_tile")
)
_pins = Prepared(
    select(*(SHOWN_CATEGORY if name == "category" else getattr(Case, name) for name in _Pin._fields))
    .join(_in_tile, _in_tile.c.case_id == Case.id)
    .where(PUBLIC),
    _Pin,
)
_clusters = Prepared(
    select(
        _cases,
        func.sum(PublicPlace.lon * PublicPlace.cases) / func.sum(PublicPlace.cases),
        func.sum(PublicPlace.lat * PublicPlace.cases) / func.sum(PublicPlace.cases),
    )
    .where(*_within)
    .group_by(PublicPlace.cell.bitwise_rshift(bindparam("bits", type_=Integer))),
    _Cluster,
)
_of_areas = Prepared(
    select(PublicPlace.area_code, _cases)
    .where(
        PublicPlace.town_code == bindparam("town"),
        PublicPlace.area_code >= bindparam("low"),
        PublicPlace.area_code < bindparam("high"),
    )
    .group_by(PublicPlace.area_code),
    _OfArea,
)
_revision = select(PinsKept.revision).where(PinsKept.town_code == bindparam("town"))


def revision(town: str) -> int:
    """Another number after each change of a public case that was noticed; 0 before anything was."""
    found = row(_revision, town=town)
    return int(found[0]) if found else 0


def marks(town: str, tile: Tile, points_from: int, now: datetime) -> Marks:
    """The public cases of a tile, each at its grid's centre; below a zoom, and where they are too many, in clusters."""
    first, last = tile.cells
    span = {"town": town, "first": first, "last": last}
    if tile.z >= points_from and _number.all(**span)[0][0] <= MOST:
        return _each(town, _pins.all(**span, before=now, until=shown_until(now)))
    found = _clusters.all(**span, bits=tile.cluster_bits)
    lons, lats = [cluster.lon for cluster in found], [cluster.lat for cluster in found]
    return Marks(lons, lats, {"count": [cluster.cases for cluster in found]})


def _each(town: str, pins: Collection[_Pin]) -> Marks:
    kinds = catalogue(town)
    categories = [pin.category for pin in pins]
    names = {code: kind.zh if (kind := kinds.get(code)) else code for code in set(categories)}
    told = {
        "id": public_ids([pin.id for pin in pins]),
        "category": categories,
        "category_name": [names[code] for code in categories],
        "village": [pin.village_code for pin in pins],
        "day": [pin.occurred_at.date().isoformat() for pin in pins],
    }
    return Marks([pin.coarse_lon for pin in pins], [pin.coarse_lat for pin in pins], told)


def cases_by_area(town: str, areas: Sequence[str]) -> list[int]:
    """How many public cases each of these villages or grids has, in their order."""
    counted = dict.fromkeys(areas, 0)
    if counted:
        for found in _of_areas.all(town=town, low=min(counted), high=max(counted) + ":"):
            area = found.area_code if found.area_code in counted else found.area_code[:12]
            if area in counted:
                counted[area] += found.cases
    return [*counted.values()]
