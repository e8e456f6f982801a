"""Importing service points: what each row would change, and writing it. Done again, the same file changes nothing.

A row is the point whose id it gives; without an id, the one of that name in that village; else a new one. What a file
does not say stays as it is, and a point that it does not name does, too.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import has_request_context
from marshmallow import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.http.ids import new_id
from backend.http.problems import Invalid, Problem, language, localised
from backend.http.sent_tables import Fault, LineFault
from backend.partymap.distances import metres_at
from backend.partymap.exchange.columns import KEPT, NEEDED, values_of
from backend.partymap.exchange.reading import Incoming, Read
from backend.partymap.hours_as_text import hours_text
from backend.partymap.keeping import OutsideYourArea, area_of, change_point, enter_point
from backend.partymap.schemas import NewPoint, PointChanges
from backend.partymap.tables import ServicePoint
from backend.territory.coordinates import to_wgs84
from backend.territory.governance_model import require_offered
from backend.territory.location import names_of
from backend.territory.tables import Area

_EMPTY = ("services", "facilities", "elements")
_SAYS_NOTHING = ("area_code", "accessible", "active")
"""Columns in which an empty cell stands for none of them; and in which it says nothing. Of the others it takes away
what is there."""
SAME_PLACE = 0.1
"""Metres within which a place is the same: it went through another system of coordinates and back."""
_AT_ONCE = 500
_NEW, _CHANGED = NewPoint(), PointChanges()


class PointsRefused(Problem):
    """An import of which nothing was kept, with every fault by line."""

    status, code = 422, "points_refused"
    zh = "导入未执行：{count} 处有问题，请按列表修改后重新导入。"
    en = "Nothing was imported: there are {count} faults; correct them as listed and import again."

    def __init__(self, faults: Sequence[LineFault]) -> None:
        lang = language() if has_request_context() else "zh"
        super().__init__(count=len(faults), faults=[fault.told(lang) for fault in faults])
        self.all_faults = list(faults)


@dataclass(frozen=True)
class Change:
    """What a row does: `what` is new, changed or unchanged; `values` are the checked ones to write."""

    line: int
    what: str
    point: uuid.UUID
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Plan:
    """What an import would do, its faults by line, and the columns that are not read."""

    changes: list[Change] = field(default_factory=list)
    faults: list[LineFault] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)

    def count(self, what: str) -> int:
        """How many rows do this."""
        return sum(change.what == what for change in self.changes)


def import_points(
    session: Session,
    read: Read,
    keeps: Callable[[str], bool],
    town: str,
    crs: str | None,
    *,
    actor: uuid.UUID | None,
    now: datetime,
    good_only: bool = False,
    dry_run: bool = False,
) -> Plan:
    """Plan what the rows of a file do and, unless `dry_run`, write it: all or, with `good_only`, those without a fault.

    `keeps` says of an area whether its points may be written. `crs` is the system of rows that name none. Raises
    PointsRefused when a fault keeps everything out. Commits nothing.
    """
    # One import of a town at a time: the second sees what the first one wrote.
    session.execute(select(Area.code).where(Area.code == town).with_for_update())
    plan = _Planning(session, read, keeps, town, crs).plan()
    if dry_run:
        return plan
    if plan.faults and not good_only:
        raise PointsRefused(plan.faults)
    for change in plan.changes:
        _write(session, change, actor, now)
    return plan


def _write(session: Session, change: Change, actor: uuid.UUID | None, now: datetime) -> None:
    if change.what == "new":
        enter_point(session, change.values, actor, now, change.point)
    elif change.what == "changed":
        point = session.get_one(ServicePoint, change.point, with_for_update=True)
        change_point(session, point, change.values, actor, now)


class _Planning:
    """The rows of a file held against the points that are there."""

    def __init__(self, session: Session, read: Read, keeps: Callable[[str], bool], town: str, crs: str | None) -> None:
        self._read, self._keeps, self._town = read, keeps, town
        self._asked = crs
        self._by_id: dict[uuid.UUID, Any] = {}
        self._by_name: dict[tuple[str, str], list[Any]] = {}
        for point in _held(session, read.rows, town):
            if point.id in self._by_id:
                continue
            self._by_id[point.id] = point
            if point.active:
                self._by_name.setdefault((point.area_code[:12], point.name), []).append(point)

    def plan(self) -> Plan:
        """What every row does."""
        plan = Plan(faults=list(self._read.faults), ignored=self._read.ignored)
        seen: dict[object, int] = {}
        for row in self._read.rows:
            try:
                change, key = self._change(row)
                if key in seen:
                    zh, en = f"与第 {seen[key]} 行是同一个服务点。", f"Line {seen[key]} is the same point."
                    raise Fault("line", "repeated", zh, en)
                seen[key] = row.line
                plan.changes.append(change)
            except Fault as fault:
                plan.faults.append(LineFault(row.line, fault))
            except _Faults as faults:
                plan.faults += [LineFault(row.line, fault) for fault in faults.all]
        plan.faults.sort(key=lambda fault: fault.line)
        return plan

    def _change(self, row: Incoming) -> tuple[Change, object]:
        identity = _identity(row)
        place = self._place(row)
        point = self._by_id.get(identity) if identity else None
        area = None if point is not None else self._area(row, place)
        if point is None and identity is None:
            point = self._named(row, area or "")
        if point is None:
            return self._entering(row, place, area or "", identity)
        if not self._keeps(point.area_code):
            raise _outside(point.area_code)
        changes = self._changes(row, point, place)
        what = "changed" if changes else "unchanged"
        return Change(row.line, what, point.id, changes), point.id

    def _entering(
        self, row: Incoming, place: dict[str, Any] | None, area: str, identity: uuid.UUID | None
    ) -> tuple[Change, object]:
        told = {name: value for name in KEPT if (value := _value(row, name)) is not None}
        active = told.pop("active", True)
        values = _checked(_NEW, told | {"area_code": area} | ({"location": place} if place else {}))
        _offered(area, values["elements"], ())
        if not isinstance(active, bool):
            raise Fault("active", "not_yes_or_no", "“在用”应为是或否。", "active must be true or false.")
        if not self._keeps(area):
            raise _outside(area)
        key = identity or (area[:12], values["name"])
        return Change(row.line, "new", identity or new_id(), {**values, "active": active}), key

    def _changes(self, row: Incoming, point: Any, place: dict[str, Any] | None) -> dict[str, Any]:
        held = values_of(point, self._asked or self._read.crs or point.original_crs)
        told = {name: row.value(name) for name in KEPT if name in row.says and not row.same(name, held)}
        told = {name: value for name, value in told.items() if not _same_value(name, value, held[name])}
        for name in [name for name, value in told.items() if value is None]:
            if name in NEEDED:
                raise _missing(name)
            if name in _EMPTY:
                told[name] = []
            elif name in _SAYS_NOTHING:
                del told[name]
        if place is not None and not _same_place(place, point):
            told = {"area_code": None, **told, "location": place}
        if "area_code" in told:
            told["area_code"] = _area_of(told)
        changes = _checked(_CHANGED, told)
        _offered(point.area_code, changes.get("elements", ()), point.elements)
        if changes.get("area_code") == point.area_code:
            del changes["area_code"]
        elif "area_code" in changes and not self._keeps(changes["area_code"]):
            raise _outside(changes["area_code"])
        return changes

    def _named(self, row: Incoming, area: str) -> Any | None:
        name = row.value("name")
        found = self._by_name.get((area[:12], name), []) if isinstance(name, str) else []
        if len(found) > 1:
            raise Fault(
                "name",
                "name_not_unique",
                f"该村有 {len(found)} 个服务点叫“{name}”，请填写编号。",
                f"There are {len(found)} points called “{name}” in that village; give the id.",
            )
        return found[0] if found else None

    def _area(self, row: Incoming, place: dict[str, Any] | None) -> str:
        told = row.value("area_code")
        if told is None and place is None:
            raise _missing("lon")
        return _area_of({"area_code": told} if told is not None else {"location": place})

    def _place(self, row: Incoming) -> dict[str, Any] | None:
        """Where a row puts a point; None where it does not say."""
        lon, lat = row.value("lon"), row.value("lat")
        if lon is None and lat is None:
            return None
        if lon is None or lat is None:
            raise _missing("lon" if lon is None else "lat")
        named = list(dict.fromkeys(filter(None, (row.value("crs"), self._asked, self._read.crs))))
        if len(named) > 1:
            told = ", ".join(map(str, named))
            raise Fault("crs", "crs_differs", f"坐标系说法不一：{told}。", f"Two coordinate systems are named: {told}.")
        if not named:
            zh, en = (
                "没有写明坐标系：请填写“坐标系”列，或在导入时用 crs 指定。",
                "Fill the column crs, or import with crs.",
            )
            raise Fault("crs", "crs_missing", zh, en)
        return {"lon": lon, "lat": lat, "crs": named[0]}


class _Faults(Exception):
    """Several faults of one row."""

    def __init__(self, all_: Iterable[Fault]) -> None:
        super().__init__()
        self.all = list(all_)


def _held(session: Session, rows: Sequence[Incoming], town: str) -> Iterable[Any]:
    """The points that rows may mean: by id, wherever they are, and by name in the town."""
    ids, names = set(), set()
    for row in rows:
        try:
            if identity := _identity(row):
                ids.add(identity)
            elif isinstance(name := row.value("name"), str):
                names.add(name)
        except Fault:
            continue  # it is told when the row is planned
    table = ServicePoint.__table__.c
    low, high = town, town + ":"
    for wanted, column in ((sorted(ids), table.id), (sorted(names), table.name)):
        for start in range(0, len(wanted), _AT_ONCE):
            found = select(*table).where(column.in_(wanted[start : start + _AT_ONCE]))
            if column is table.name:
                found = found.where(table.area_code >= low, table.area_code < high)
            yield from session.execute(found)


def _identity(row: Incoming) -> uuid.UUID | None:
    told = row.value("id") if "id" in row.says else None
    if told is None:
        return None
    try:
        return uuid.UUID(told)
    except (ValueError, TypeError, AttributeError):
        zh, en = "编号不是 UUID；新的服务点请留空。", "The id is no UUID; leave it out of a new point."
        raise Fault("id", "bad_id", zh, en) from None


def _value(row: Incoming, name: str) -> Any:
    return row.value(name) if name in row.says else None


def _checked(schema: NewPoint | PointChanges, told: Mapping[str, Any]) -> dict[str, Any]:
    try:
        checked: dict[str, Any] = schema.load(dict(told))
    except ValidationError as error:
        raise _Faults(
            Fault(name, "invalid", _words(messages, "zh"), _words(messages, "en"))
            for name, messages in error.messages_dict.items()
        ) from error
    return checked


def _words(messages: Any, lang: str) -> str:
    told = localised(messages, lang)
    return "；".join(_flat(told)) if lang == "zh" else "; ".join(_flat(told))


def _flat(told: Any, where: str = "") -> Iterable[str]:
    if isinstance(told, Mapping):
        for name, inner in told.items():
            yield from _flat(inner, f"{where}{name} ")
    elif isinstance(told, list):
        for inner in told:
            yield from _flat(inner, where)
    else:
        yield f"{where}{told}"


def _area_of(body: Mapping[str, Any]) -> str:
    """The area of a point as told, or else where its place lies; what is wrong with it as faults."""
    if body.get("area_code"):
        body = _checked(_CHANGED, {"area_code": body["area_code"]})
    else:
        body = _checked(_CHANGED, {"location": body["location"]})
    try:
        return area_of(body)
    except Problem as problem:
        raise _told(problem, "area_code" if body.get("area_code") else "lon") from problem


def _offered(area: str, elements: Collection[str], kept: Collection[str]) -> None:
    try:
        require_offered(area[:9], elements, "elements", kept=kept)
    except Invalid as error:
        messages = (error.errors or {}).get("elements", [])
        raise Fault("elements", "invalid", _words(messages, "zh"), _words(messages, "en")) from error


def _told(problem: Problem, column: str) -> Fault:
    zh, en = problem.zh.format(**problem.params), problem.en.format(**problem.params)
    return Fault(column, problem.code, zh, en)


def _outside(area: str) -> Fault:
    return _told(OutsideYourArea(area=area, area_name=names_of([area])), "area_code")


def _missing(name: str) -> Fault:
    return Fault(name, "missing", "必须填写。", "This is needed.")


def _same_value(name: str, value: Any, held: Any) -> bool:
    """Whether a value says what is there, though its cell was written otherwise."""
    if name == "opening_hours" and isinstance(value, dict):
        return hours_text(held) == _hours_text(value)
    return bool(value == held)


def _hours_text(value: dict[str, Any]) -> str | None:
    try:
        return hours_text(value)
    except (KeyError, TypeError, AttributeError):
        return None  # what is wrong with them is told when they are checked


def _same_place(place: Mapping[str, Any], point: Any) -> bool:
    try:
        lon, lat = to_wgs84(place["lon"], place["lat"], place["crs"])
    except (Problem, TypeError, ValueError):
        return False  # what is wrong with it is told when it is checked
    return metres_at(point.lat).between(lon - point.lon, lat - point.lat) <= SAME_PLACE
