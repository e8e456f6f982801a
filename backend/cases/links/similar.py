"""Open cases like the one that somebody is about to file: near in metres, in days and in words, with the reason.

What is offered is what the caller sees in a list (by distance where they see the place, else by grid and redacted text)
and what is published, of which neither text nor place is compared, only grid, day and category.
So nothing can be probed here that could not be read elsewhere, and protected reports are never among it.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import asin, cos, degrees, radians, sin, sqrt
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, literal_column, or_, select

from backend.cases.case_row import CaseRow, ListedCase
from backend.cases.listing import LISTED_COLUMNS
from backend.cases.protection.protected import PROTECTED, TASK
from backend.cases.public.publication import SHOWN_CATEGORY, shown_until
from backend.cases.rendering import seen_by, whole_cases
from backend.cases.reporter.reporters import tag_of
from backend.cases.search.folding import searchable, tokens
from backend.cases.sight import Sight
from backend.cases.tables import Case
from backend.cases.workflow import STEP
from backend.config import TOWN_ZONE
from backend.extensions import UtcDateTime
from backend.http import clock
from backend.http.reading import rows
from backend.people.access import Caller
from backend.territory.cells import covering_ranges
from backend.territory.location import Place
from backend.territory.town_settings import setting

MOST = 5
"""Cases offered."""
_LOOKED_AT, _COMPARED = 500, 50
"""Newest open cases near by that are looked at, and those whose text is compared."""
_IN_GRID = 0.25
"""How near what lies in the same grid counts, between 0 and 1."""
_ALIKE = 0.3
"""Share of a text's pairs of characters from which on two texts have their words in common."""
_EARTH = 6_371_008.8  # mean radius in metres (IUGG)

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Filing:
    """What is about to be filed, as far as it is known: where (WGS84), and what."""

    place: Place
    lon: float
    lat: float
    category: str | None = None
    description: str = ""


@dataclass(frozen=True)
class Similar:
    """A case like it. `metres` is None where only the grid is known; `opens`: whether the caller may open the case."""

    case_id: uuid.UUID
    category: str
    status: str
    happened_at: datetime
    metres: float | None
    days: int
    same_category: bool
    alike: bool
    mine: bool
    opens: bool
    masked: bool
    weight: float


class _Candidate(NamedTuple):
    case: ListedCase
    category: str
    published: bool


def _candidates(*where: ColumnElement[bool]) -> Select[Any]:
    """Open cases of late, newest first, whoever may see them; who does is decided of each."""
    columns = (*LISTED_COLUMNS, SHOWN_CATEGORY, Case.public_at)
    lately = Case.occurred_at >= bindparam("since", type_=UtcDateTime)
    among = select(*columns).where(
        *where, lately, Case.status.in_(_open), *(Case.reporting != kind for kind in (PROTECTED, TASK, "part"))
    )
    return among.order_by(Case.occurred_at.desc(), Case.id.desc()).limit(_LOOKED_AT)


# Not what is set apart: the desk may raise it to a protected report yet.
_open = [literal_column(f"'{status}'", Case.status.type) for status in STEP if status != "apart"]
_in_grid = _candidates(Case.area_code == bindparam("grid"))


def similar_cases(caller: Caller, filing: Filing, now: datetime) -> list[Similar]:
    """At most MOST open cases like it that the caller may know of, the likest first."""
    town = filing.place.area_code[:9]
    reach, since = float(setting(town, "similar_metres")), now - timedelta(days=int(setting(town, "similar_days")))
    my_tag = tag_of(caller.account_id)
    here = _read(_in_grid, grid=filing.place.area_code, since=since, my_tag=my_tag)
    found = [*_near(caller, filing, _read(_within(filing, reach), since=since, my_tag=my_tag), reach, now)]
    found += _in_the_grid(caller, filing, here, now)
    return sorted(found, key=lambda one: (-one.weight, -one.happened_at.timestamp()))[:MOST]


def _within(filing: Filing, reach: float) -> Select[Any]:
    box = box_around(filing.lon, filing.lat, reach)
    west, south, east, north = box
    ranges = or_(*(Case.cell.between(first, last) for first, last in covering_ranges(box)))
    return _candidates(ranges, Case.lon.between(west, east), Case.lat.between(south, north))


def _read(statement: Select[Any], **values: Any) -> list[_Candidate]:
    end, now = len(LISTED_COLUMNS), clock.now()
    return [
        _Candidate(ListedCase(*row[:end]), row[end], row[end + 1] is not None and row[end + 1] < now)
        for row in rows(statement, **values, until=shown_until(now))
    ]


def metres_between(lon: float, lat: float, other_lon: float, other_lat: float) -> float:
    """Metres between two points in WGS84 degrees on a sphere, exact to half a percent (haversine formula)."""
    half = sin(radians(other_lat - lat) / 2) ** 2
    half += cos(radians(lat)) * cos(radians(other_lat)) * sin(radians(other_lon - lon) / 2) ** 2
    return 2 * _EARTH * asin(sqrt(half))


def box_around(lon: float, lat: float, metres: float) -> Box:
    """West, south, east, north of a box that holds all points so near, in WGS84 degrees."""
    north = degrees(metres / _EARTH)
    east = min(180.0, north / max(cos(radians(lat)), 1e-6))
    return max(-180.0, lon - east), max(-90.0, lat - north), min(180.0, lon + east), min(90.0, lat + north)


def _near(
    caller: Caller, filing: Filing, candidates: Sequence[_Candidate], reach: float, now: datetime
) -> Iterator[Similar]:
    """Those whose exact place the caller sees, by their distance."""
    exactly = [(case, seen) for case, seen in seen_by(caller, [one.case for one in candidates]) if seen.place]
    for case, seen in _whole(caller, exactly):
        if case.lon is not None and case.lat is not None:
            metres = metres_between(filing.lon, filing.lat, case.lon, case.lat)
            if metres <= reach:
                yield from _compared(case, seen, filing, metres, 1 - metres / reach, now)


def _in_the_grid(caller: Caller, filing: Filing, candidates: Sequence[_Candidate], now: datetime) -> Iterator[Similar]:
    """Those in the same grid of which the caller sees the coarse place only, and the published ones they do not see."""
    seen = {case.id: (case, sight) for case, sight in seen_by(caller, [one.case for one in candidates])}
    for case, sight in _whole(caller, [(case, sight) for case, sight in seen.values() if not sight.place]):
        yield from _compared(case, sight, filing, None, _IN_GRID, now)
    for one in candidates:
        if one.published and one.case.id not in seen and one.category == filing.category:
            days = _days(one.case.occurred_at, now)
            yield Similar(
                case_id=one.case.id,
                category=one.category,
                status="accepted",  # how far it came is shown later (publication.py), and not here
                happened_at=one.case.occurred_at,
                metres=None,
                days=days,
                same_category=True,
                alike=False,
                mine=False,
                opens=False,
                masked=True,
                weight=1 + _IN_GRID + 1 / (1 + days),
            )


def _whole(caller: Caller, seen: Sequence[tuple[ListedCase, Sight]]) -> Iterator[tuple[CaseRow, Sight]]:
    newest = seen[:_COMPARED]
    whole = whole_cases(caller, [case.id for case, _ in newest])
    return ((whole[case.id], sight) for case, sight in newest if case.id in whole)


def _compared(
    case: CaseRow, seen: Sight, filing: Filing, metres: float | None, nearness: float, now: datetime
) -> Iterator[Similar]:
    said = case.description if seen.text else case.redacted or case.description
    share = _share(_pairs(filing.description), _pairs(said))
    same, days = case.category == filing.category, _days(case.occurred_at, now)
    if same or share >= _ALIKE:
        yield Similar(
            case_id=case.id,
            category=case.category,
            status=case.status,
            happened_at=case.occurred_at,
            metres=metres,
            days=days,
            same_category=same,
            alike=share >= _ALIKE,
            mine=case.mine,
            opens=True,
            masked=not (seen.text and seen.place),
            weight=same + 2 * share + nearness + 1 / (1 + days),
        )


def _days(then: datetime, now: datetime) -> int:
    return (now.astimezone(TOWN_ZONE).date() - then.astimezone(TOWN_ZONE).date()).days


def _pairs(text: str) -> set[str]:
    return {token for token in tokens(searchable(text)) if not token.endswith("x")}


def _share(words: set[str], others: set[str]) -> float:
    """The share of the shorter text's pairs of characters that stand in the other one, too."""
    return len(words & others) / max(1, min(len(words), len(others)))


def reason(one: Similar) -> Sequence[tuple[str, str]]:
    """Why a case is offered, in Chinese and English, the nearest reason first."""
    told: list[tuple[Any, Any]] = []
    if one.metres is None:
        told.append(("同一网格", "same grid"))
    else:
        near = max(10, round(one.metres / 10) * 10)
        told.append((f"约 {near} 米", f"about {near} m"))
    when = {0: ("今天", "today"), 1: ("昨天", "yesterday")}
    told.append(when.get(one.days, (f"{one.days} 天前", f"{one.days} days ago")))
    if one.same_category:
        told.append(("同一类别", "same category"))
    if one.alike:
        told.append(("文字相近", "similar words"))
    return told
