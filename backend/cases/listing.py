"""Lists of cases: newest first, by keyset, filtered by what the caller may see.

Each way in which cases come to the caller (their own, their area's, their department's) is a SELECT of its own that
walks its own index and stops after a page; the union of the pages is the page. A filter never looks at what a masked
reader does not see: place and text are compared with the coarse place and the redacted text there.

Words are looked for by finding.py, through the same ways.
"""

import dataclasses
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    Text,
    and_,
    bindparam,
    cast,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    tuple_,
    union,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from backend.cases.case_row import PERSON, ListedCase
from backend.cases.links.courses import status_for_reporter
from backend.cases.reporter.reporters import is_mine, tag_of
from backend.cases.rules.tag_tables import CaseTag
from backend.cases.sight import Branch, branches
from backend.cases.tables import Case, CaseReporter
from backend.cases.workflow import STATUSES, STEP
from backend.extensions import UtcDateTime
from backend.http.reading import Prepared, rows
from backend.people.access import Caller
from backend.territory.cells import covering_ranges

Box = tuple[float, float, float, float]
_AREA = {"protected": Case.town_code, "town": Case.town_code, "village": Case.village_code, "grid": Case.area_code}
_AFTER = tuple_(bindparam("after_at", type_=UtcDateTime), bindparam("after_id", type_=Case.id.type))


class _RowVersion(FunctionElement[str]):
    """What PostgreSQL tells the versions of a row apart by; SQLite has nothing of the kind."""

    type = Text()
    inherit_cache = True


@compiles(_RowVersion, "postgresql")
def _on_postgresql(_element: _RowVersion, _compiler: SQLCompiler, **_: Any) -> str:
    return "cases.xmin::text"


@compiles(_RowVersion, "sqlite")
def _on_sqlite(_element: _RowVersion, _compiler: SQLCompiler, **_: Any) -> str:
    return "NULL"


class Beside(FunctionElement[str]):
    """A column to compare with beside the one whose index is walked: SQLite would walk the town for a holder of few."""

    type = Text()
    inherit_cache = True


@compiles(Beside, "postgresql")
def _beside_on_postgresql(element: Beside, compiler: SQLCompiler, **more: Any) -> str:
    return compiler.process(element.clauses.clauses[0], **more)


@compiles(Beside, "sqlite")
def _beside_on_sqlite(element: Beside, compiler: SQLCompiler, **more: Any) -> str:
    return f"+{compiler.process(element.clauses.clauses[0], **more)}"


LISTED_COLUMNS: Sequence[Any] = (
    Case.id,
    Case.occurred_at,
    Case.accepted_at,
    Case.reporting,
    Case.area_code,
    Case.holder,
    Case.assignee,
    is_mine.label("mine"),
    _RowVersion().label("written"),
)

# Written out, so that the planner knows the partial index for the few that are protected.
_PROTECTED: ColumnElement[str] = literal_column("'protected'")
_ENDED = [literal_column(f"'{status}'", Case.status.type) for status in STATUSES if status not in STEP]
_FILTERS: Mapping[str, ColumnElement[bool]] = {
    "status": Case.status == bindparam("status"),
    "category": Case.category == bindparam("category"),
    "area9": Case.town_code == bindparam("area9"),
    "area12": Case.village_code == bindparam("area12"),
    "area15": Case.area_code == bindparam("area15"),
    "element": exists().where(CaseTag.case_id == Case.id, CaseTag.element == bindparam("element")).correlate(Case),
    "overdue": Case.due_at < bindparam("overdue", type_=UtcDateTime),
    "amber": and_(
        Case.amber_at <= bindparam("amber", type_=UtcDateTime), Case.due_at >= bindparam("amber", type_=UtcDateTime)
    ),
    "green": and_(
        Case.due_at >= bindparam("green", type_=UtcDateTime),
        or_(Case.amber_at.is_(None), Case.amber_at > bindparam("green", type_=UtcDateTime)),
    ),
    "filed_from": Case.occurred_at >= bindparam("filed_from", type_=UtcDateTime),
    "filed_to": Case.occurred_at < bindparam("filed_to", type_=UtcDateTime),
    "mine": and_(is_mine, bindparam("mine", type_=Case.rating.type) == 1),
    "unrated": and_(
        Case.rating.is_(None),
        or_(Case.answer_until.is_(None), Case.answer_until >= bindparam("unrated", type_=UtcDateTime)),
    ),
    "open": and_(Case.status.not_in(_ENDED), bindparam("open", type_=Case.rating.type) == 1),
    "after_at": tuple_(Case.occurred_at, Case.id) < _AFTER,
}
# The same moment stands beside the reporter, so that one who reported much has a page read and not all of it.
_OWN_FILTERS: Mapping[str, ColumnElement[bool]] = {
    **_FILTERS,
    "status": status_for_reporter == bindparam("status"),
    # What they resolved on the spot and is to be done again is held by their pseudonym.
    "in_hand": and_(
        Case.holder == literal(PERSON).concat(func.replace(cast(CaseReporter.pseudonym, String), "-", "")),
        Case.status.in_([literal_column("'dispatched'"), literal_column("'handling'")]),
        bindparam("in_hand", type_=Case.rating.type) == 1,
    ),
    "after_at": tuple_(CaseReporter.occurred_at, CaseReporter.case_id) < _AFTER,
}


Narrowing = Callable[[Select[Any], bool], Select[Any]]
"""Takes a way's cases, newest first, and whether they are masked, and gives those of them that are wanted. Equal ones
make the same statement: what tells one question from another are values."""


class Question(NamedTuple):
    """What a list asks: by which ways cases come, which filters must hold, and the values of both."""

    ways: Sequence[Branch]
    filters: frozenset[str]
    conflicts: int
    box: Box | None
    values: Mapping[str, Any]

    def by(self, way: Branch) -> "Question":
        """The same of one of the ways alone."""
        return self._replace(ways=(way,), values={**self.values, **_numbered("branch0", way.values)})

    def knowing(self, values: Mapping[str, Any]) -> "Question":
        """The same with more values."""
        return self._replace(values={**self.values, **values})

    def answers(self, limit: int, narrowed: Narrowing | None = None) -> list[ListedCase]:
        """Up to `limit` cases, newest first; of each way only what `narrowed` leaves."""
        shape = tuple(_shape(way) for way in self.ways)
        if self.box is None:
            return _prepared(shape, self.filters, self.conflicts, limit, narrowed).all(**self.values)
        asked = _statement(shape, self.filters, self.conflicts, limit, self.box, narrowed)
        return [ListedCase(*found) for found in rows(asked, **self.values)]

    def by_element(self) -> dict[str, int]:
        """How many of the cases bear on each element of the governance model; protected reports count nowhere."""
        ways = []
        for number, way in enumerate(self.ways):
            if way.kind != "protected":
                filters = [_FILTERS[name] for name in sorted(self.filters)]
                found = select(CaseTag.element, Case.id).join(Case, Case.id == CaseTag.case_id)
                if way.kind == "own":
                    found = found.join(CaseReporter, CaseReporter.case_id == Case.id)
                where = [*_reach(way, number, self.conflicts), *filters, Case.reporting != _PROTECTED]
                ways.append(found.where(*where))
        tagged = union(*ways).subquery("tagged")
        counted = select(tagged.c.element, func.count().label("cases")).group_by(tagged.c.element)
        return {found.element: found.cases for found in rows(counted, **self.values)}


def question(
    caller: Caller,
    filters: Mapping[str, Any],
    after: tuple[datetime, uuid.UUID] | None,
    kinds: Sequence[str] | None = None,
) -> Question:
    """What a caller's list asks, as `list_cases` has it; only by ways of these kinds, where named."""
    ways = [way for way in branches(caller) if kinds is None or way.kind in kinds]
    values: dict[str, Any] = {"my_tag": tag_of(caller.account_id)}
    values |= _numbered("conflict", caller.conflicts)
    if any(way.kind == "asked" for way in ways):
        values["me"] = caller.account_id
    for number, way in enumerate(ways):
        values |= _numbered(f"branch{number}", way.values)
    plain = {name: value for name, value in filters.items() if name not in ("bbox", "text", "area")}
    if "area" in filters:
        plain[f"area{len(filters['area'])}"] = filters["area"]
    if after is not None:
        plain["after_at"], values["after_id"] = after
    return Question(ways, frozenset(plain), len(caller.conflicts), filters.get("bbox"), values | plain)


def list_cases(
    caller: Caller,
    filters: Mapping[str, Any],
    after: tuple[datetime, uuid.UUID] | None,
    limit: int,
    kinds: Sequence[str] | None = None,
) -> list[ListedCase]:
    """Up to `limit` cases the caller sees, newest first, after a position.

    `filters`: status, category, area (code prefix of a town, village or grid), overdue (the instant to compare with),
    mine, element (of the governance model), filed_from, filed_to, bbox (west, south, east, north in WGS84), unrated
    (and to be rated at this instant), open and, of one's own, in_hand (1: only such). `kinds`: only by such ways, as
    own.
    """
    return question(caller, filters, after, kinds).answers(limit)


def filters_of(query: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The filters of a query as `list_cases` takes them: what is late, and a colour, at this instant."""
    filters = {name: value for name, value in query.items() if name not in ("colour", "overdue", "mine")}
    colour = query.get("colour")
    if query.get("overdue") or colour == "red":
        filters["overdue"] = now
    if colour in ("amber", "green"):
        filters[colour] = now
    return filters | ({"mine": 1} if query.get("mine") else {})


Shape = tuple[Branch, ...]
"""Ways without their values, of which only the number counts: it makes the statement."""


def _shape(way: Branch) -> Branch:
    return dataclasses.replace(way, values=("",) * len(way.values))


def _numbered(name: str, values: Sequence[str]) -> dict[str, str]:
    return {f"{name}_{number}": value for number, value in enumerate(values)}


def _binds(name: str, count: int) -> list[Any]:
    # One by one: a parameter that expands has the statement written anew for every request.
    return [bindparam(f"{name}_{number}") for number in range(count)]


@lru_cache(maxsize=512)
def _prepared(
    shape: Shape, names: frozenset[str], conflicts: int, limit: int, narrowed: Narrowing | None
) -> Prepared[ListedCase]:
    return Prepared(_statement(shape, names, conflicts, limit, narrowed=narrowed), ListedCase)


def _statement(
    shape: Shape,
    names: frozenset[str],
    conflicts: int,
    limit: int,
    box: Box | None = None,
    narrowed: Narrowing | None = None,
) -> Select[Any]:
    order = (Case.occurred_at.desc(), Case.id.desc())
    # Written out: for a limit it does not know the planner reckons with a tenth of the table.
    most = literal_column(str(limit), Case.version.type)
    ways = []
    for number, way in enumerate(shape):
        filters = _OWN_FILTERS if way.kind == "own" else _FILTERS
        where = [*_reach(way, number, conflicts), *(filters[name] for name in sorted(names))]
        if box is not None:
            where.append(_in_box(box, way.masked))
        page = select(Case.id).where(*where)
        if way.kind == "own":
            page = page.join(CaseReporter, CaseReporter.case_id == Case.id)
            page = page.order_by(CaseReporter.occurred_at.desc(), CaseReporter.case_id.desc())
        else:
            page = page.order_by(*order)
        if narrowed is not None:
            page = narrowed(page, way.masked)
        ways.append(select(page.limit(most).subquery().c.id))
    found = union(*ways).subquery("found")
    return select(*LISTED_COLUMNS).join(found, found.c.id == Case.id).order_by(*order).limit(most)


def _reach(way: Branch, number: int, conflicts: int) -> list[ColumnElement[bool]]:
    if way.kind == "own":
        return [CaseReporter.tag == bindparam("my_tag")]
    values = _binds(f"branch{number}", len(way.values))
    of_town: ColumnElement[bool] = Beside(Case.town_code) == way.town
    if way.kind == "asked":
        where = [Case.assignee == bindparam("me"), of_town]
    elif way.kind == "holder":
        where = [Case.holder.in_(values), of_town]
    else:
        where = [_AREA[way.kind].in_(values)]
    where.append(Case.reporting == _PROTECTED if way.kind == "protected" else Case.reporting != _PROTECTED)
    if way.accepted:
        where.append(Case.accepted_at.is_not(None))
    if way.yields and conflicts:
        where.append(Case.village_code.not_in(_binds("conflict", conflicts)))
    return where


def _in_box(box: Box, masked: bool) -> ColumnElement[bool]:
    west, south, east, north = box
    if masked:
        return and_(Case.coarse_lon.between(west, east), Case.coarse_lat.between(south, north))
    ranges = or_(*(Case.cell.between(first, last) for first, last in covering_ranges(box)))
    return and_(ranges, Case.lon.between(west, east), Case.lat.between(south, north))
