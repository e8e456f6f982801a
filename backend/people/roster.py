"""Who holds a grid at a given moment: `holder_of`, the one function that decides it.

A grid is held by its grid worker; while no worker of it is there, by its substitute (A/B 角); then by the village's
substitute; and at last by the town's dispatcher. Whoever is on leave is not there. Of several the one appointed first
holds it.
"""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import and_, bindparam, or_, select

from backend.config import TOWN_ZONE
from backend.http.reading import rows
from backend.people.access import SUBSTITUTE, Grant
from backend.people.roster_tables import Absence
from backend.people.tables import RoleAssignment
from backend.territory.codes import level_of, prefix_bounds
from backend.territory.location import territory

HOLDING = ("grid_worker", SUBSTITUTE, "dispatcher")
"""The roles by which somebody can come to hold a grid."""


class Duty(NamedTuple):
    """A role held for an area from a day to a day (both included), or until it was ended."""

    id: uuid.UUID
    account_id: uuid.UUID
    role: str
    area_code: str
    valid_from: date
    valid_to: date | None
    ended_at: datetime | None

    def held(self, moment: datetime) -> bool:
        """Whether the role is held at a moment."""
        day = moment.astimezone(TOWN_ZONE).date()
        return (
            self.valid_from <= day
            and (self.valid_to is None or day <= self.valid_to)
            and (self.ended_at is None or moment < self.ended_at)
        )


class Leave(NamedTuple):
    """Time in which a person is away."""

    account_id: uuid.UUID
    begins_at: datetime
    ends_at: datetime | None


class Holder(NamedTuple):
    """Who holds a grid, and as what: grid_worker, grid_substitute, village_substitute or dispatcher."""

    account_id: uuid.UUID
    acting_as: str


class Roster:
    """Duties and leaves of a moment, by area."""

    def __init__(self, duties: Iterable[Duty], leaves: Iterable[Leave], moment: datetime) -> None:
        away = {
            leave.account_id
            for leave in leaves
            if leave.begins_at <= moment and (leave.ends_at is None or moment < leave.ends_at)
        }
        there = [duty for duty in duties if duty.held(moment) and duty.account_id not in away]
        self._first: dict[tuple[str, str], Duty] = {}
        for duty in sorted(there, key=lambda duty: (duty.valid_from, duty.id)):
            self._first.setdefault((duty.role, duty.area_code), duty)

    def holder(self, grid: str) -> Holder | None:
        """Who holds a grid; None where the town has not even a dispatcher who is there."""
        for role, area, acting_as in _order(grid):
            duty = self._first.get((role, area))
            if duty is not None:
                return Holder(duty.account_id, acting_as)
        return None

    def anybody(self, role: str) -> uuid.UUID | None:
        """The first one of a role who is there, whatever the area."""
        found = [duty for (held, _), duty in self._first.items() if held == role]
        return min(found, key=lambda duty: (duty.valid_from, duty.id)).account_id if found else None


def _order(grid: str) -> Iterator[tuple[str, str, str]]:
    village, town = grid[:12], grid[:9]
    for area in (grid, village, town):  # a worker may be appointed for a whole village
        yield "grid_worker", area, "grid_worker"
    yield SUBSTITUTE, grid, SUBSTITUTE
    yield SUBSTITUTE, village, "village_substitute"
    yield "dispatcher", town, "dispatcher"


_duties = select(*(getattr(RoleAssignment, name) for name in Duty._fields)).where(
    RoleAssignment.role.in_(HOLDING),
    or_(
        RoleAssignment.area_code.in_(bindparam("above", expanding=True)),
        and_(RoleAssignment.area_code >= bindparam("low"), RoleAssignment.area_code < bindparam("high")),
    ),
)
_colleagues = select(*(getattr(RoleAssignment, name) for name in Duty._fields)).where(
    RoleAssignment.role == bindparam("role"), RoleAssignment.department == bindparam("department")
)
_leaves = select(*(getattr(Absence, name) for name in Leave._fields)).where(
    Absence.account_id.in_(bindparam("accounts", expanding=True)),
    Absence.begins_at <= bindparam("moment", type_=Absence.begins_at.type),
)


def read_roster(area: str, moment: datetime, without: uuid.UUID | None = None) -> Roster:
    """The roster of all grids in an area (a town, village or grid), as it is at a moment; as if one person had left."""
    return _roster([duty for duty in _duties_of(area) if duty.account_id != without], moment)


def holder_of(grid: str, moment: datetime, without: uuid.UUID | None = None) -> Holder | None:
    """Who holds a grid at a moment (its worker, a substitute or the dispatcher); None if nobody is there.

    `without` is somebody about to leave: the answer is who comes after them.
    """
    return read_roster(grid, moment, without).holder(grid)


def colleague_of(role: str, department: str, moment: datetime, without: uuid.UUID | None = None) -> uuid.UUID | None:
    """Somebody who is there for a department at a moment in a role (handler, or village_officer for a village)."""
    duties = [Duty(*found) for found in rows(_colleagues, role=role, department=department)]
    roster = _roster([duty for duty in duties if duty.account_id != without], moment)
    return roster.anybody(role)


def grids_of(area: str) -> list[str]:
    """The grids of an area; a grid is its own, even before any boundaries are known."""
    if level_of(area) == "grid":
        return [area]
    return sorted(code for code, known in territory().areas.items() if known.kind == "grid" and code.startswith(area))


def standing_in(account: uuid.UUID, areas: Sequence[str], moment: datetime) -> list[Grant]:
    """What somebody who is a substitute for these areas may do just now: the grid worker's work, grid by grid."""
    grants = []
    for area in sorted(set(areas)):
        roster = read_roster(area, moment)
        for grid in grids_of(area):
            holder = roster.holder(grid)
            if holder is not None and holder.account_id == account and holder.acting_as.endswith("_substitute"):
                grants.append(Grant("grid_worker", grid, acting_as=SUBSTITUTE))
    return list(dict.fromkeys(grants))


def _duties_of(area: str) -> list[Duty]:
    low, high = prefix_bounds(area)
    return [Duty(*found) for found in rows(_duties, above=[area[:9], area[:12]], low=low, high=high)]


def _roster(duties: Sequence[Duty], moment: datetime) -> Roster:
    accounts = sorted({duty.account_id for duty in duties})
    return Roster(duties, (Leave(*found) for found in rows(_leaves, accounts=accounts, moment=moment)), moment)
