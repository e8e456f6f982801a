"""What waits for a caller: cases whose next step is theirs to do, those that turn red first on top.

Two tables say what that is: the workflow, for which step a case in a status waits, and the access table, who does such
a step where. Each way to it walks an index of its own and stops after a page, so that a list costs the same however
many cases the town has. Closings to be rated by whoever reported the case, which are never
late, come last.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, bindparam, case, false, literal_column, not_, or_, select, true, tuple_, union

from backend.cases.case_row import ListedCase
from backend.cases.listing import LISTED_COLUMNS, list_cases
from backend.cases.protected import PROTECTED
from backend.cases.reporters import my_pseudonym, tag_of
from backend.cases.sight import reaches
from backend.cases.tables import Case
from backend.cases.viewing import handled_by_me, reported_as
from backend.cases.workflow import ACTIONS, STEP
from backend.extensions import UtcDateTime
from backend.http.reading import Prepared
from backend.people.access import Caller

DUE, RATING = 0, 1
"""The parts of a work list, in their order."""
Position = tuple[int, datetime, uuid.UUID]
"""Where a page ends: part, the step's deadline (of a rating: when the case happened), id."""

_AREA = {9: Case.town_code, 12: Case.village_code, 15: Case.area_code}


class Waiting(NamedTuple):
    """A case that waits for the caller, and for what: accept, dispatch, handle, check, close, grant or rate."""

    case: ListedCase
    waits_for: str
    position: Position


class _Found(NamedTuple):
    case: ListedCase
    status: str
    asked: str | None
    due_at: datetime


class Way(NamedTuple):
    """One way in which work comes to somebody: cases in a status, in an area or with a holder.

    `size` is the length of the area's code, `holder` says whether the value is a holder of the town (`size` 9) or the
    case's own village holds it (`size` 15). `asked`: of cases whose holder waits for an answer. `officer` and
    `own_work` as `role_for` has it.
    """

    status: str
    size: int
    holder: bool
    asked: bool
    officer: bool
    own_work: bool


def work_list(caller: Caller, after: Position | None, limit: int) -> list[Waiting]:
    """Up to `limit` cases that wait for the caller, what turns red first on top, after a position."""
    found: list[Waiting] = []
    for part in (DUE, RATING):
        if len(found) >= limit or (after is not None and part < after[0]):
            continue
        start = after if after is not None and after[0] == part else None
        found += (_ratings if part == RATING else _steps)(caller, part, start, limit)
    return found[:limit]


def _ratings(caller: Caller, part: int, after: Position | None, limit: int) -> list[Waiting]:
    if not caller.may("rate"):
        return []
    unrated = {"status": "closed", "unrated": 1}
    found = list_cases(caller, unrated, after and after[1:], limit, kinds=("own",))
    return [Waiting(case, "rate", (part, case.occurred_at, case.id)) for case in found]


def _steps(caller: Caller, part: int, after: Position | None, limit: int) -> list[Waiting]:
    values: dict[str, Any] = {"me": caller.account_id, "my_tag": tag_of(caller.account_id)}
    if after is not None:
        values |= {"after_at": after[1], "after_id": after[2]}
    ways = sorted(set(_ways(caller)))
    if not ways:
        return []
    values |= {f"value{number}": value for number, (_, value, _) in enumerate(ways)}
    values |= {f"town{number}": town for number, (way, _, town) in enumerate(ways) if way.holder and way.size == 9}
    values |= {f"conflict_{number}": village for number, village in enumerate(caller.conflicts)}
    shape = tuple(way for way, _, _ in ways)
    steps = _prepared(shape, len(caller.conflicts), after is not None, limit).all(**values)
    return [Waiting(one.case, _waits_for(caller, one), (part, one.due_at, one.case.id)) for one in steps]


def _waits_for(caller: Caller, found: _Found) -> str:
    step = STEP[found.status]
    return "grant" if found.asked is not None and not reaches(caller, step, found.case) else step


def _ways(caller: Caller) -> Iterator[tuple[Way, str, str]]:
    """The ways in which work comes to a caller, each with its value (an area or a holder) and its town."""
    for status, step in STEP.items():
        for name in (step, "grant"):
            actions = [
                action
                for action in ACTIONS.values()
                if action.permission == name and status in action.from_ and (name == step or action.only)
            ]
            if not actions:
                continue  # nobody can do it now: it waits for a day to come
            asked, own_work = name == "grant", all(action.own_work for action in actions)
            for grant, letters in caller.allowed(name):
                officer, area = grant.role == "village_officer", grant.area_code
                if "h" in letters and grant.role != "grid_worker":
                    holder = area if officer else grant.department
                    if holder is not None:
                        yield Way(status, 9, True, asked, officer, own_work), holder, area[:9] if officer else area
                elif "o" not in letters:
                    yield Way(status, len(area), "h" in letters, asked, officer, own_work), area, area[:9]


def _one(*row: Any) -> _Found:
    return _Found(ListedCase(*row[: len(LISTED_COLUMNS)]), *row[len(LISTED_COLUMNS) :])


# Not by `is_mine`: of an EXISTS PostgreSQL may make a table of all that the caller ever reported.
_mine = my_pseudonym.is_not(None).label("mine")
_LISTED = tuple(_mine if column.key == "mine" else column for column in LISTED_COLUMNS)
_COLUMNS: Sequence[Any] = (*_LISTED, Case.status, Case.asked, Case.due_at)
# Written out, so that the planner knows the partial indexes.
_literal: Mapping[str, ColumnElement[str]] = {word: literal_column(f"'{word}'") for word in (*STEP, PROTECTED)}
_not_protected = Case.reporting != _literal[PROTECTED]
_after_due = tuple_(Case.due_at, Case.id) > tuple_(
    bindparam("after_at", type_=UtcDateTime), bindparam("after_id", type_=Case.id.type)
)
# As a CASE: PostgreSQL takes a comparison of two columns for so rare that it would sort all that a grid has.
_held_by_its_village = case((Case.holder == Case.village_code, true()), else_=false())
_theirs_to_do = or_(my_pseudonym.is_(None), reported_as != "reporter")


@lru_cache(maxsize=256)
def _prepared(shape: tuple[Way, ...], conflicts: int, later: bool, limit: int) -> Prepared[_Found]:
    most = literal_column(str(limit), Case.version.type)
    order = (Case.due_at, Case.id)
    where = [Case.due_at.is_not(None), *([_after_due] if later else [])]
    pages = []
    for number, way in enumerate(shape):
        page = select(Case.id).where(*_reach(way, number, conflicts), *where).order_by(*order).limit(most)
        pages.append(select(page.subquery().c.id))
    found = union(*pages).subquery("found")
    return Prepared(select(*_COLUMNS).join(found, found.c.id == Case.id).order_by(*order).limit(most), _one)


def _reach(way: Way, number: int, conflicts: int) -> list[ColumnElement[bool]]:
    value: Any = bindparam(f"value{number}")
    where: list[ColumnElement[bool]] = [Case.status == _literal[way.status], _not_protected]
    if way.holder and way.size == 9:
        where += [Case.holder == value, Case.town_code == bindparam(f"town{number}")]
    else:
        where.append(_AREA[way.size] == value)
        if way.holder:
            where.append(_held_by_its_village)
    if way.asked:
        where.append(Case.asked.is_not(None))
    if not way.own_work:
        where.append(not_(handled_by_me))
    if way.officer:
        where.append(_theirs_to_do)  # who became an officer of the village they once reported
    elif conflicts:
        where.append(Case.village_code.not_in([bindparam(f"conflict_{each}") for each in range(conflicts)]))
    return where
