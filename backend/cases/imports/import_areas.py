"""Which area an imported case belongs to: by a word, by its point, by a stated draw, or in an area made for it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.cases.imports.import_history import Place
from backend.cases.imports.import_mappings import AreaRule, ImportMapping
from backend.cases.imports.import_rows import ForeignCase, Refused
from backend.http.problems import Problem
from backend.territory.areas import lock_areas, put_areas
from backend.territory.coordinates import Point
from backend.territory.location import territory
from backend.territory.places import AreaRow
from backend.territory.tables import Area

Finder = Callable[[ForeignCase], Place]
"""Finds the place of a case. Raises Refused."""


class NoAreas(Exception):
    """A town whose areas have to be there before anything can be imported into it."""


@dataclass
class WordsFound:
    """The words of the area column, with where on average their rows lie."""

    rule: AreaRule
    _sums: dict[str, tuple[float, float, int]] = field(default_factory=dict)

    def add(self, case: ForeignCase) -> None:
        """Take note of one row."""
        lon, lat, count = self._sums.get(self._name(case.area), (0.0, 0.0, 0))
        here = (lon, lat, count) if case.point is None else (lon + case.point[0], lat + case.point[1], count + 1)
        self._sums[self._name(case.area)] = here

    def _name(self, word: str) -> str:
        return word or self.rule.nameless

    @property
    def centres(self) -> Mapping[str, Point | None]:
        """The mean point of each word's rows, WGS84 degrees; None where no row has a point."""
        return {
            word: (lon / count, lat / count) if count else None
            for word, (lon, lat, count) in sorted(self._sums.items())
        }

    @property
    def centre(self) -> Point | None:
        """The mean point of all rows."""
        lon, lat, count = (
            (sum(column) for column in zip(*self._sums.values(), strict=True)) if self._sums else (0, 0, 0)
        )
        return (lon / count, lat / count) if count else None


def planned_areas(known: Mapping[str, str], mapping: ImportMapping, found: WordsFound) -> list[dict[str, Any]]:
    """The villages to be made for words that name none: the next free codes of the town, in the order of the words.

    `known` has the codes of the town's villages by name. Raises NoAreas when the town's codes are used up.
    """
    taken = {code[9:12] for code in known.values()}
    free = (f"{number:03d}" for number in range(1, 1000) if f"{number:03d}" not in taken)
    areas = []
    for word, centre in found.centres.items():
        if word in known:
            continue
        suffix = next(free, None)
        if suffix is None:
            raise NoAreas(f"the town {mapping.town_code} has no code left for {word}")
        areas.append(_area(mapping.town_code + suffix, word, "village", mapping.town_code, centre))
    return areas


def _area(code: str, name: str, kind: str, parent: str | None, centre: Point | None) -> dict[str, Any]:
    lon, lat = centre or (None, None)
    return {"code": code, "name": name, "kind": kind, "parent_code": parent, "lon": lon, "lat": lat}


def make_areas(session: Session, mapping: ImportMapping, found: WordsFound, now: datetime) -> list[str]:
    """Make the town and the villages that are missing; answers the names of the new villages. The caller commits."""
    revision = lock_areas(session)
    known = _villages(session.execute(select(Area.name, Area.code).where(Area.parent_code == mapping.town_code)))
    areas = planned_areas(known, mapping, found)
    if session.get(Area, mapping.town_code) is None:
        if mapping.town_name is None:
            raise NoAreas(f"there is no town {mapping.town_code}, and the mapping gives it no name")
        areas.insert(0, _area(mapping.town_code, mapping.town_name, "town", None, found.centre))
    if areas:
        put_areas(session, areas, revision=revision, actor=None, now=now, source=f"import of {mapping.source}")
    return [area["name"] for area in areas if area["kind"] == "village"]


def _villages(rows: Iterable[Any]) -> dict[str, str]:
    return {row.name: row.code for row in rows}


def finder(mapping: ImportMapping, found: WordsFound | None = None) -> Finder:
    """How the cases of this mapping find their area. `found` stands for areas planned and not made yet (a dry run).

    Raises NoAreas when the town has no villages to choose from.
    """
    areas, town = territory().areas, mapping.town_code
    villages = {code: area for code, area in areas.items() if area.parent_code == town}
    if mapping.area.by == "made":
        return _by_name(
            mapping.area, villages, planned_areas(_villages(villages.values()), mapping, found) if found else []
        )
    if not villages:
        raise NoAreas(f"the town {town} has no villages here; import its areas first")
    if mapping.area.by == "location":
        return _by_location(town)
    if mapping.area.by == "seed":
        return _by_draw(mapping.area.seed, villages)
    return _by_word(
        mapping.area, {code: area for code, area in areas.items() if code.startswith(town) and code != town}
    )


def _place(area: AreaRow) -> Place:
    return Place(area.code, None if area.lon is None or area.lat is None else (area.lon, area.lat))


def _by_name(rule: AreaRule, villages: Mapping[str, AreaRow], planned: list[dict[str, Any]]) -> Finder:
    places = {area.name: _place(area) for area in villages.values()}
    places |= {area["name"]: Place(area["code"], None) for area in planned}
    return lambda case: places[case.area or rule.nameless]


def _by_word(rule: AreaRule, areas: Mapping[str, AreaRow]) -> Finder:
    unknown = {*rule.words.values.values(), *filter(None, [rule.words.otherwise])} - set(areas)
    if unknown:
        raise NoAreas(f"the mapping names areas that are not here: {', '.join(sorted(unknown))}")

    def find(case: ForeignCase) -> Place:
        code = rule.words.meaning(case.area)
        if code is None:
            raise Refused(f"area {case.area!r} has no meaning in the mapping")
        return _place(areas[code])

    return find


def _by_location(town: str) -> Finder:
    def find(case: ForeignCase) -> Place:
        if case.point is None:
            raise Refused("lon and lat are empty")
        try:
            place = territory().locate(*case.point)
        except Problem as problem:
            raise Refused(problem.en.format(**problem.params)) from None
        if place.town.code != town:
            raise Refused(f"lies in {place.town.name} ({place.town.code}), not in {town}")
        if place.village is None:
            raise Refused("lies in no village")
        coarse = None if place.coarse_lon is None or place.coarse_lat is None else (place.coarse_lon, place.coarse_lat)
        return Place(place.area_code, coarse)

    return find


def drawn(seed: str, external_id: str, codes: list[str]) -> str:
    """One of the codes, by a keyed hash of the row's key: BLAKE2b, eight bytes, modulo their number."""
    digest = blake2b(external_id.encode(), key=blake2b(seed.encode(), digest_size=32).digest(), digest_size=8).digest()
    return codes[int.from_bytes(digest, "big") % len(codes)]


def _by_draw(seed: str, villages: Mapping[str, AreaRow]) -> Finder:
    codes = sorted(villages)
    return lambda case: _place(villages[drawn(seed, case.external_id, codes)])
