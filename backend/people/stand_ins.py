"""Who stands in for grids without a worker: noted when it begins and ends, and told to whoever it is, once."""

import uuid
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from backend.http.reading import rows
from backend.http.work import unit_of_work
from backend.ledger.record import record
from backend.outbox.messages import ACCOUNT, NOTICE, post
from backend.people.roster import Holder, grids_of, read_roster
from backend.people.roster_tables import StandIn
from backend.territory.location import territory

NOBODY = "nobody"
Told = tuple[uuid.UUID | None, str]
"""Whose a grid is, and as what; the account is None where nobody is there."""

_noted = select(StandIn.grid_code, StandIn.account_id, StandIn.acting_as)


def watch_roster(now: datetime) -> int:
    """Note for every grid who stands in for its worker now; answers how many grids changed hands.

    Whoever newly holds grids is told in one message, however many they are.
    """
    towns = [code for code, area in territory().areas.items() if area.kind == "town"]
    present = {grid: told for town in towns for grid, told in _standing_in(town, now).items()}
    noted: dict[str, Told] = {found.grid_code: (found.account_id, found.acting_as) for found in rows(_noted)}
    changed = sorted(grid for grid in present.keys() | noted.keys() if present.get(grid) != noted.get(grid))
    if changed:
        with unit_of_work() as session:
            _note(session, changed, present, now)
    return len(changed)


def _standing_in(town: str, now: datetime) -> dict[str, Told]:
    roster = read_roster(town, now)
    holders = {grid: roster.holder(grid) for grid in grids_of(town)}
    return {grid: _told(holder) for grid, holder in holders.items() if _told(holder)[1] != "grid_worker"}


def _told(holder: Holder | None) -> Told:
    return (holder.account_id, holder.acting_as) if holder else (None, NOBODY)


def _note(session: Session, changed: list[str], present: Mapping[str, Told], now: datetime) -> None:
    session.execute(delete(StandIn).where(StandIn.grid_code.in_(changed)))
    begun: dict[tuple[str, Told], list[str]] = {}
    for grid in changed:
        if grid in present:
            begun.setdefault((grid[:9], present[grid]), []).append(grid)
    for (town, told), grids in begun.items():
        account, acting_as = told
        session.execute(
            insert(StandIn),
            [{"grid_code": grid, "account_id": account, "acting_as": acting_as, "since": now} for grid in grids],
        )
        _record(session, town, "stand_in", grids, now, account=str(account) if account else None, acting_as=acting_as)
        if account is not None:
            post(session, NOTICE, f"{ACCOUNT}:{account}", "stand_in")
    for town in sorted({grid[:9] for grid in changed}):
        ended = [grid for grid in changed if grid.startswith(town) and grid not in present]
        if ended:
            _record(session, town, "end_stand_in", ended, now)


def _record(session: Session, town: str, action: str, grids: list[str], now: datetime, **details: str | None) -> None:
    record(
        session,
        town=town,
        actor=None,
        action=action,
        thing=("roster", town),
        version=0,
        occurred_at=now,
        details={"grids": grids, **details},
    )
