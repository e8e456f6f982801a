"""What waits for who is in charge of service points: places that cannot be so, hours that never come, nobody's word."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import Schema, fields
from sqlalchemy import Row

from backend.http import clock
from backend.http.blueprint import Room
from backend.http.pages import PageQuery, identifier, listing, number, page_of, read_cursor, write_cursor
from backend.http.permission import permission
from backend.http.problems import language
from backend.http.reading import answer, rows
from backend.partymap.checking_up import findings, things_of
from backend.partymap.in_charge import points_of
from backend.partymap.points import BATCH, Key, look_through
from backend.people.access import Caller
from backend.people.caller import current_caller
from backend.territory.codes import code_in_cursor, prefix_bounds

room = Room("partymap_to_do", "What waits for who is in charge of service points")

LOOKS = BATCH
"""Points that a request looks at."""


class ThingSchema(Schema):
    """Something to be done: outside_village, outside_town, never_opens or stale."""

    code = fields.String(required=True)
    message = fields.String(required=True)


class PointToDoSchema(Schema):
    """A point with which something is wrong."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    area_code = fields.String(required=True)
    version = fields.Integer(required=True, metadata={"description": "to be named when changing or confirming it"})
    confirmed_at = fields.AwareDateTime(required=True)
    things = fields.List(fields.Nested(ThingSchema), required=True)


PointsToDoSchema = page_of("PointsToDoSchema", PointToDoSchema)


@room.get("/partymap/to-do")
@room.arguments(PageQuery, location="query")
@room.response(200, PointsToDoSchema)
@room.described(
    "The points in the caller's charge, by name first, then by area, with which something is wrong: outside their "
    f"village, never open, or confirmed by nobody for half a year. Of {LOOKS} points a page: a page may be short, or "
    "empty, though there is a next one."
)
@permission("confirm_service_points")
def to_do(query: dict[str, Any]) -> Response:
    """The points in the caller's charge with which something is wrong."""
    caller, limit = current_caller(), query["limit"]
    parts: list[str | None] = [None, *_areas(caller)]
    part, *after = read_cursor(query["cursor"], number, code_in_cursor, identifier) or (0, None, None)
    found: list[tuple[int, Row[Any]]] = []
    on: tuple[int, Key] | None = None
    while part < len(parts) and len(found) <= limit and on is None:
        some, where = _wrong(caller, parts[part], tuple(after), limit + 1 - len(found))
        found += [(part, point) for point in some]
        on, after = (part, where) if where else None, [None, None]
        part += 1
    if len(found) > limit:
        last, point = found[limit - 1]
        on = (last, (point.area_code, point.id))
    items = [_shown(point) for _, point in found[:limit]]
    return answer(listing(items, write_cursor(on[0], *on[1]) if on else None))


def _areas(caller: Caller) -> list[str]:
    """The areas whose points the caller is in charge of, none within another."""
    held = {grant.area_code for grant, letters in caller.allowed("confirm_service_points") if set(letters) & set("gvt")}
    return sorted(area for area in held if not any(area != other and area.startswith(other) for other in held))


def _wrong(caller: Caller, area: str | None, after: Any, most: int) -> tuple[list[Row[Any]], Key | None]:
    """Up to `most` points of an area (None: in the caller's charge by name) with which something is wrong, after a key;
    and where to look on."""
    now = clock.now()
    mine = points_of(caller.account_id)
    if area is None:
        later = [point for point in mine if after[0] is None or (point.area_code, point.id) > after]
        return [point for point in later if findings(point, now)][:most], None
    theirs = {point.id for point in mine}
    low, high = prefix_bounds(area)
    conditions: dict[str, dict[str, Any]] = {"area": {"area": low, "area_end": high}}
    if after[0] is not None:
        conditions["after"] = {"after_area": after[0], "after_id": after[1]}

    def keep(point: Row[Any]) -> bool:
        return point.id not in theirs and bool(findings(point, now))

    return look_through(rows, conditions, most, keep=keep, looks=LOOKS)


def _shown(point: Row[Any]) -> dict[str, Any]:
    told = {name: getattr(point, name) for name in ("id", "name", "area_code", "version", "confirmed_at")}
    return {**told, "things": things_of(findings(point, clock.now()), language())}
