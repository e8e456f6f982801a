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

from sqlalchemy import (
    ColumnElement,
    bindparam,
    case,
    exists,
    false,
    literal,
    literal_column,
    not_,
    or_,
    select,
    text,
    true,
    tuple_,
    union,
)

from backend.cases.case_row import ListedCase, by_name
from backend.cases.links.link_tables import CaseLink
from backend.cases.listing import LISTED_COLUMNS, Beside, list_cases
from backend.cases.protection.protected import PROTECTED
from backend.cases.rendering import whole_cases
from backend.cases.reporter.reporters import my_pseudonym, tag_of
from backend.cases.sight import reaches
from backend.cases.tables import WAIT_FOR_HOLDER, WAIT_FOR_TOWN, WAIT_IN_GRID, Case, CaseEvent
from backend.cases.viewing import handled_by_me, reported_as
from backend.cases.workflow import ACTIONS, HANDLING, PROTECTED_SECOND, PROTECTED_STEP, STEP
from backend.extensions import UtcDateTime
from backend.http import clock
from backend.http.reading import Prepared
from backend.people.access import Caller, Grant

DUE, RATING = 0, 1
"""The parts of a work list, in their order."""
Position = tuple[int, datetime, uuid.UUID]
"""Where a page ends: part, the step's deadline (of a rating: when the case happened), id."""

_AREA = {9: Case.town_code, 12: Case.village_code, 15: Case.area_code}


class Waiting(NamedTuple):
    """A case that waits for the caller, and for what: accept, verify, dispatch, handle, check, close, grant or rate; of
    a protected report its next action."""

    case: ListedCase
    waits_for: str
    position: Position


_MOST_IN_HAND = 100


class _Found(NamedTuple):
    case: ListedCase
    status: str
    asked: str | None
    due_at: datetime


class Way(NamedTuple):
    """One way in which work comes to somebody: by a status, in an area or from a holder.

    `kind`: in (an area whose code has `size` digits), held (under a code, in the town), village (in such an area, and
    its village holds it), asked (by name, in the town) or protected (of the town, for
    the cleared). `granting`: of cases whose holder waits for an answer.
    `officer`, `own_work` and `reporter` as `role_for` has it.
    """

    status: str
    kind: str
    size: int
    granting: bool
    officer: bool
    own_work: bool
    reporter: bool


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
    unrated = {"status": "closed", "unrated": clock.now()}
    found = list_cases(caller, unrated, after and after[1:], limit, kinds=("own",))
    return [Waiting(case, "rate", (part, case.occurred_at, case.id)) for case in found]


def _steps(caller: Caller, part: int, after: Position | None, limit: int) -> list[Waiting]:
    values: dict[str, Any] = {"me": caller.account_id, "my_tag": tag_of(caller.account_id)}
    if after is not None:
        values |= {"after_at": after[1], "after_id": after[2]}
    found = _in_hand(caller, part, after)
    if ways := sorted(set(_ways(caller))):
        for number, (_, value, town) in enumerate(ways):
            values |= {f"value{number}": value, f"town{number}": town}
        values |= {f"conflict_{number}": village for number, village in enumerate(caller.conflicts)}
        shape = tuple(way for way, _, _ in ways)
        steps = _prepared(shape, len(caller.conflicts), after is not None, limit).all(**values)
        found += [Waiting(one.case, _waits_for(caller, one), (part, one.due_at, one.case.id)) for one in steps]
    return sorted(found, key=lambda one: one.position)[:limit]


def _in_hand(caller: Caller, part: int, after: Position | None) -> list[Waiting]:
    """What the caller resolved on the spot and has to do again: few, and held by the pseudonym that they have there."""
    towns = {grant.area_code[:9] for grant, _ in caller.allowed("handle") if grant.role == "grid_worker"}
    mine = list_cases(caller, {"in_hand": 1}, None, _MOST_IN_HAND, kinds=("own",)) if towns else []
    here = {one.id: one for one in mine if one.area_code[:9] in towns and one.village_code not in caller.conflicts}
    whole = whole_cases(caller, list(here)).values()
    found = [Waiting(here[one.id], "handle", (part, one.due_at, one.id)) for one in whole if one.due_at is not None]
    return [one for one in found if after is None or one.position > after]


def _waits_for(caller: Caller, found: _Found) -> str:
    if found.case.reporting == PROTECTED:
        step = PROTECTED_STEP[found.status]
        return step if _cleared(caller, step) else PROTECTED_SECOND[found.status]
    if found.asked is not None and reaches(caller, "grant", found.case):
        return "grant"
    step = STEP[found.status]
    return step if reaches(caller, step, found.case) else "verify"


def _ways(caller: Caller) -> Iterator[tuple[Way, str, str]]:
    """The ways in which work comes to a caller, each with its value (an area or a holder's code) and its town."""
    for status, step in STEP.items():
        for name in (step, "grant", "verify"):
            actions = [
                action
                for action in ACTIONS.values()
                if action.permission == name and status in action.from_ and (name != "grant" or action.only)
            ]
            if not actions:
                continue  # nobody can do it now: it waits for a day to come, or for its parts
            own_work = all(action.own_work for action in actions)
            reporter = all(action.reporter != "never" for action in actions)
            for grant, letters in caller.allowed(name):
                officer, area = grant.role == "village_officer", grant.area_code
                rest = (name == "grant", officer, own_work, reporter)
                if "a" in letters:
                    yield Way(status, "asked", 9, *rest), "", area[:9]
                if "h" in letters:
                    town = area if grant.role == "handler" else area[:9]
                    yield Way(status, "held", 9, *rest), _code(caller, grant), town
                if grant.role == "grid_worker" and "h" in letters:
                    yield Way(status, "village", len(area), *rest), area, area[:9]
                elif set("gvt") & set(letters):
                    yield Way(status, "in", len(area), *rest), area, area[:9]
    yield from _protected_ways(caller)


def _protected_ways(caller: Caller) -> Iterator[tuple[Way, str, str]]:
    for names in (PROTECTED_STEP, PROTECTED_SECOND):
        for status, name in names.items():
            second = names is PROTECTED_SECOND
            if second and _cleared(caller, PROTECTED_STEP[status]):
                continue  # they have it in their list anyway
            for grant in _cleared(caller, name):
                rest = (second, False, ACTIONS[name].own_work, False)  # never what they reported themselves
                yield Way(status, PROTECTED, 9, *rest), grant.area_code, grant.area_code[:9]


def _cleared(caller: Caller, action: str) -> list[Grant]:
    """The caller's roles that are cleared for protected reports and may do an action on them."""
    return [grant for grant, _ in caller.allowed(ACTIONS[action].permission) if grant.cleared]


def _code(caller: Caller, grant: Grant) -> str:
    """The code under which somebody in a role holds cases."""
    if grant.role == "handler":
        return grant.department or ""
    return grant.area_code if grant.role == "village_officer" else by_name(caller.account_id)


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
    where: list[ColumnElement[bool]] = [Case.status == _literal[way.status], *_kept_apart(way)]
    if way.kind in ("held", "asked"):
        theirs = Case.holder == value if way.kind == "held" else Case.assignee == bindparam("me")
        where += [theirs, Beside(Case.town_code) == bindparam(f"town{number}")]
    else:
        where.append(_AREA[way.size] == value)
    if way.kind == "village":
        where.append(_held_by_its_village)
    if way.granting and way.kind != PROTECTED:
        where.append(Case.asked.is_not(None))
    else:
        where += [_as_written(statuses) for statuses in _WAIT.get((way.kind, way.size), ())]
    if not way.own_work:
        where += [not_(handled_by_me), not_(_handled_a_part)]
    if not way.reporter:
        where.append(my_pseudonym.is_(None))
    if way.officer:
        where.append(_theirs_to_do)  # who became an officer of the village they once reported
    elif conflicts:
        where.append(Case.village_code.not_in([bindparam(f"conflict_{each}") for each in range(conflicts)]))
    return where


def _kept_apart(way: Way) -> list[ColumnElement[bool]]:
    if way.kind != PROTECTED:
        return [_not_protected]
    second_to = ACTIONS[(PROTECTED_SECOND if way.granting else PROTECTED_STEP)[way.status]].second_to
    if not second_to:
        return [Case.reporting == _literal[PROTECTED]]
    # Whoever did the last of these leaves the next step to somebody else; what was done before it was raised is over.
    by = case((CaseEvent.action != "raise_secrecy", CaseEvent.actor_id), else_=None)
    done = select(by).where(
        CaseEvent.case_id == Case.id,
        CaseEvent.action.in_([literal(name) for name in (*second_to, "raise_secrecy")]),
    )
    last = done.order_by(CaseEvent.version.desc()).limit(1).correlate(Case).scalar_subquery()
    return [Case.reporting == _literal[PROTECTED], last != bindparam("me")]


_WAIT: Mapping[tuple[str, int], Sequence[str]] = {
    ("held", 9): (WAIT_FOR_HOLDER,),
    ("in", 9): (WAIT_FOR_TOWN,),
    ("in", 15): (WAIT_IN_GRID,),
    ("village", 15): (WAIT_IN_GRID,),
}
"""What the partial indexes hold, said again: SQLite uses none without it."""


def _as_written(condition: str) -> Any:
    return text(condition)  # as a column SQLAlchemy would compare it with 1 on SQLite


_handled_a_part = exists().where(
    CaseLink.head_id == Case.id,
    CaseLink.kind == "part",
    CaseEvent.case_id == CaseLink.case_id,
    CaseEvent.action.in_([literal(name) for name in HANDLING]),
    CaseEvent.actor_id == bindparam("me"),
)
"""Whoever handled a part neither checks nor closes the whole."""
