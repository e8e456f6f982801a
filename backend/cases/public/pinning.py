"""Keeping the pins of public cases and their number at each place: a job, every few seconds.

What it looks at are the cases whose time of publication has come since, and those that the change log tells of: so it
costs what has happened, however many cases there are. A pin is what was counted; a case is compared with its own, so
that the work done twice changes nothing, and a case that is public no more takes its pin and its count with it.
"""

import time
import uuid
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from flask import current_app
from sqlalchemy import bindparam, delete, insert, select, text, update
from sqlalchemy.orm import Session

from backend.cases.public.pin_tables import PinsKept, PublicPin, PublicPlace
from backend.cases.public.publication import PUBLIC
from backend.cases.tables import Case
from backend.extensions import UtcDateTime, db
from backend.http.reading import row, rows
from backend.http.work import unit_of_work
from backend.ledger.changes import changes, newest_place
from backend.territory.cells import cell

BATCH = 200
GIVE_WAY = 0.02
"""Seconds between two units of work where only one can write at a time."""
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_PLAIN = {"synchronize_session": False}

_kept = select(PinsKept.until, PinsKept.place).where(PinsKept.town_code == bindparam("town"))
_appeared = (
    select(Case.id, Case.public_at)
    .where(
        Case.town_code == bindparam("town"),
        Case.public_at >= bindparam("since", type_=UtcDateTime),
        Case.public_at < bindparam("before", type_=UtcDateTime),
    )
    .order_by(Case.public_at)
    .limit(bindparam("most", type_=Case.rating.type))
)
_shown = select(Case.id, Case.area_code, Case.coarse_lon, Case.coarse_lat).where(
    PUBLIC, Case.coarse_lon.is_not(None), Case.id.in_(bindparam("ids", expanding=True))
)
_pinned = select(PublicPin.case_id, PublicPin.cell, PublicPin.area_code).where(
    PublicPin.case_id.in_(bindparam("ids", expanding=True))
)
_more = text(
    "INSERT INTO public_places (town_code, cell, area_code, lon, lat, cases)"
    " VALUES (:town, :cell, :area, :lon, :lat, :cases)"
    " ON CONFLICT (town_code, cell, area_code) DO UPDATE SET cases = public_places.cases + excluded.cases"
)
_fewer = text(
    "UPDATE public_places SET cases = cases - :cases WHERE town_code = :town AND cell = :cell AND area_code = :area"
)
_none_left = delete(PublicPlace).where(PublicPlace.town_code == bindparam("town"), PublicPlace.cases <= 0)


class _Spot(NamedTuple):
    """Where a case stands on the map, and in which area."""

    cell: int
    area: str


def keep_pins(now: datetime) -> int:
    """Pin what has become public, unpin what is so no more; answers how many pins changed."""
    town: str = current_app.config["TOWN_CONFIG"].TOWN
    kept = row(_kept, town=town)
    if kept is None:
        # The place first: what changes while all that is public gets its pins is then looked at once more.
        begun = {"town_code": town, "until": _BEGINNING, "place": newest_place(town), "revision": 1}
        with unit_of_work() as session:
            session.execute(insert(PinsKept), begun)
        kept = row(_kept, town=town)
    assert kept is not None
    changed = 0
    for ids, place in _told_of(town, kept.place):
        changed += _settle(town, ids, now, {"place": place})
    for ids, until in _published_since(town, kept.until, now):
        changed += _settle(town, ids, now, {"until": until} if until > kept.until else {})
    return changed


def _told_of(town: str, place: int) -> Iterator[tuple[set[uuid.UUID], int]]:
    """The cases that the change log tells of after a place, and the place up to which they are all."""
    while found := changes(town, place, BATCH):
        place = found[-1].seq
        yield {uuid.UUID(change.thing_id) for change in found if change.thing_kind == "case"}, place
        if len(found) < BATCH:
            return


def _published_since(town: str, since: datetime, now: datetime) -> Iterator[tuple[set[uuid.UUID], datetime]]:
    """The cases published from an instant on, and the instant up to which they are all."""
    most = BATCH
    while True:
        found = rows(_appeared, town=town, since=since, before=now, most=most)
        if len(found) == most and found[-1].public_at == since:
            most *= 2  # so many at one instant that there was no getting past it
            continue
        if found:
            since = found[-1].public_at
            yield {case.id for case in found}, since
        if len(found) < most:
            return


def _settle(town: str, ids: Collection[uuid.UUID], now: datetime, upto: Mapping[str, Any]) -> int:
    """Bring the pins of these cases up to date, and note how far that is; answers how many changed."""
    shown = {case.id: case for case in rows(_shown, town=town, before=now, ids=[*ids])} if ids else {}
    spots = {id: _Spot(cell(case.coarse_lon, case.coarse_lat), case.area_code) for id, case in shown.items()}
    pinned = {pin.case_id: _Spot(pin.cell, pin.area_code) for pin in rows(_pinned, ids=[*ids])} if ids else {}
    gone = [id for id, spot in pinned.items() if spots.get(id) != spot]
    new = [id for id, spot in spots.items() if pinned.get(id) != spot]
    if not (gone or new or upto):
        return 0
    with unit_of_work() as session:
        _note(session, town, bool(gone or shown), upto)
        _unpin(session, town, gone)
        if new:
            pins = [
                {"case_id": id, "town_code": town, "cell": spots[id].cell, "area_code": spots[id].area} for id in new
            ]
            session.execute(insert(PublicPin), pins)
            come = Counter(spots[id] for id in new)
            places = {spots[id]: shown[id] for id in new}
            session.execute(
                _more,
                [
                    {"town": town, "cell": spot.cell, "area": spot.area, "cases": cases}
                    | {"lon": places[spot].coarse_lon, "lat": places[spot].coarse_lat}
                    for spot, cases in come.items()
                ],
            )
    if db.engine.dialect.name == "sqlite":
        time.sleep(GIVE_WAY)
    return len({*gone, *new})


def unpin(session: Session, town: str, case_id: uuid.UUID) -> None:
    """Take a case from the map within a unit of work: of what becomes protected no pin and no count is left."""
    _note(session, town, True, {})
    _unpin(session, town, [case_id])


def _note(session: Session, town: str, changed: bool, upto: Mapping[str, Any]) -> None:
    # Before all else, so that of two units of work one waits here.
    values = {**upto, "revision": PinsKept.revision + int(changed)}
    session.execute(update(PinsKept).where(PinsKept.town_code == town).values(values), execution_options=_PLAIN)


def _unpin(session: Session, town: str, gone: list[uuid.UUID]) -> None:
    if not gone:
        return
    taken = delete(PublicPin).where(PublicPin.case_id.in_(gone)).returning(PublicPin.cell, PublicPin.area_code)
    left = Counter(_Spot(*pin) for pin in session.execute(taken, execution_options=_PLAIN))
    fewer = [{"town": town, "cell": spot.cell, "area": spot.area, "cases": cases} for spot, cases in left.items()]
    if fewer:
        session.execute(_fewer, fewer)
        session.execute(_none_left, {"town": town}, execution_options=_PLAIN)
