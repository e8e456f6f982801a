"""Keeping the territory and the town's settings: names, boundaries with a date, days on and off, working hours."""

import uuid
from datetime import date
from typing import Any

from flask import Response
from marshmallow import Schema, fields
from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session

from backend.http import clock
from backend.http.blueprint import Room
from backend.http.bodies import large_body
from backend.http.fields import Strict, Text
from backend.http.pages import PageQuery, identifier, listing, number, page, read_cursor
from backend.http.permission import permission
from backend.http.problems import Invalid, NotFound
from backend.http.reading import answer, rows
from backend.http.registry import ask
from backend.http.versions import require_match
from backend.ledger.answers import once
from backend.territory.areas import lock_areas, rename_area
from backend.territory.location import forget, territory
from backend.territory.redrawing import cancel_redrawing, plan_redrawing
from backend.territory.schemas import (
    AreaChanges,
    FeatureCollectionBody,
    RedrawingSchema,
    RedrawingsSchema,
    RedrawQuery,
)
from backend.territory.settings_tables import Redrawing, TownSetting
from backend.territory.tables import CalendarOverride
from backend.territory.town_settings import SETTINGS, change_setting, shown
from backend.territory.work_calendar import declare_day

room = Room("keeping", "The territory and the settings, kept by the town's admin")

_FIELDS = tuple(RedrawingSchema().fields)
_redrawings = select(*(getattr(Redrawing, name) for name in _FIELDS)).order_by(Redrawing.id)
_history = (
    select(TownSetting.version, TownSetting.value, TownSetting.set_by, TownSetting.set_at)
    .where(
        TownSetting.town_code == bindparam("town"),
        TownSetting.name == bindparam("name"),
        TownSetting.version < bindparam("before", type_=TownSetting.version.type),
    )
    .order_by(TownSetting.version.desc())
)
_days = (
    select(CalendarOverride.day, CalendarOverride.workday, CalendarOverride.reason, CalendarOverride.version)
    .where(CalendarOverride.town_code == bindparam("town"), CalendarOverride.day > bindparam("after"))
    .order_by(CalendarOverride.day)
)


class EmptyBody(Strict):
    """Nothing to be said."""


class RenamedSchema(Schema):
    """An area and its name."""

    code = fields.String(required=True)
    name = fields.String(required=True)


class SettingBody(Strict):
    """A value; none gives the setting back to the deployment's configuration."""

    value = Text(200, required=True, allow_none=True)


class SettingSchema(Schema):
    """A setting as it holds."""

    name = fields.String(required=True)
    value = fields.String(required=True)
    default = fields.String(required=True, metadata={"description": "what the deployment is configured with"})
    version = fields.Integer(required=True, metadata={"description": "0: never set"})
    set_at = fields.AwareDateTime(required=True, allow_none=True)


class SettingsSchema(Schema):
    """All settings."""

    items = fields.List(fields.Nested(SettingSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class SettingVersionSchema(Schema):
    """One version of a setting."""

    version = fields.Integer(required=True)
    value = fields.String(required=True, allow_none=True)
    set_by = fields.UUID(required=True, allow_none=True)
    set_at = fields.AwareDateTime(required=True)


class SettingVersionsSchema(Schema):
    """A page of versions, newest first."""

    items = fields.List(fields.Nested(SettingVersionSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class DayBody(Strict):
    """A day declared worked (true), off (false), or as announced again (null)."""

    day = fields.Date(required=True)
    workday = fields.Boolean(required=True, allow_none=True)
    reason = Text(200, required=True)


class DaySchema(Schema):
    """A day that the town has declared."""

    day = fields.Date(required=True)
    workday = fields.Boolean(required=True, allow_none=True)
    reason = fields.String(required=True)
    version = fields.Integer(required=True)


class DaysSchema(Schema):
    """A page of declared days, oldest first."""

    items = fields.List(fields.Nested(DaySchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


@room.patch("/areas/<string:code>")
@room.arguments(AreaChanges)
@room.response(200, RenamedSchema)
@room.conditional
@permission("import_areas")
def renamed_area(body: dict[str, Any], code: str) -> Response:
    """Rename an area; its code stays."""
    actor, scopes = ask("who_may", "import_areas")
    if code not in territory().areas or not code.startswith(tuple(scopes)):
        raise NotFound

    def work(session: Session) -> Response:
        revision = lock_areas(session)
        require_match(revision - 1)
        rename_area(session, code, body["name"], revision=revision, actor=actor, now=clock.now())
        return answer({"code": code, "name": body["name"]}, etag=str(revision))

    done = once(actor, work)
    forget()
    return done


@room.post("/areas/redrawings")
@room.arguments(RedrawQuery, location="query")
@room.arguments(FeatureCollectionBody)
@room.response(201, RedrawingSchema)
@room.resendable
@large_body
@permission("import_areas")
def new_redrawing(query: dict[str, Any], body: dict[str, Any]) -> Response:
    """Plan boundaries that hold from a day on; cases filed before keep the grid they have."""
    actor, scopes = ask("who_may", "import_areas")

    def work(session: Session) -> Response:
        return _shown(plan_redrawing(session, body, **query, actor=actor, scopes=scopes, now=clock.now()), 201)

    return once(actor, work)


@room.get("/areas/redrawings")
@room.arguments(PageQuery, location="query")
@room.response(200, RedrawingsSchema)
@permission("import_areas")
def list_redrawings(query: dict[str, Any]) -> Response:
    """Planned boundaries and what became of them, oldest first."""
    _, scopes = ask("who_may", "import_areas")
    wanted = _redrawings.where(or_(*(Redrawing.town_code == scope[:9] for scope in sorted(scopes))))
    after = read_cursor(query["cursor"], identifier)
    if after:
        wanted = wanted.where(Redrawing.id > after[0])
    found = rows(wanted.limit(query["limit"] + 1))
    kept, cursor = page(found, query["limit"], lambda plan: (plan.id,))
    return answer(listing([dict(plan._mapping) for plan in kept], cursor))


@room.post("/areas/redrawings/<uuid:redrawing_id>/cancel")
@room.arguments(EmptyBody)
@room.response(200, RedrawingSchema)
@room.conditional
@permission("import_areas")
def cancelled_redrawing(_body: dict[str, Any], redrawing_id: uuid.UUID) -> Response:
    """Give up planned boundaries before their day."""
    actor, scopes = ask("who_may", "import_areas")

    def work(session: Session) -> Response:
        return _shown(cancel_redrawing(session, redrawing_id, scopes, actor, clock.now()))

    return once(actor, work)


@room.get("/settings")
@room.response(200, SettingsSchema)
@permission("read_settings")
def list_settings() -> Response:
    """All settings as they hold."""
    return answer(listing([shown(_town("read_settings"), name) for name in SETTINGS]))


@room.get("/settings/<string:name>")
@room.response(200, SettingSchema)
@permission("read_settings")
def one_setting(name: str) -> Response:
    """One setting; the ETag is its version."""
    _require_known(name)
    held = shown(_town("read_settings"), name)
    return answer(held, etag=str(held["version"]))


@room.patch("/settings/<string:name>")
@room.arguments(SettingBody)
@room.response(200, SettingVersionSchema)
@room.conditional
@permission("keep_settings")
def changed_setting(body: dict[str, Any], name: str) -> Response:
    """Set a setting from now on; deadlines of open cases follow the working hours at night."""
    _require_known(name)
    (actor, _), now = ask("who_may", "keep_settings"), clock.now()

    def work(session: Session) -> Response:
        version = change_setting(session, _town("keep_settings"), name, body["value"], actor, now)
        told = {"version": version, "value": body["value"], "set_by": actor, "set_at": now}
        return answer(told, etag=str(version))

    return once(actor, work)


@room.get("/settings/<string:name>/history")
@room.arguments(PageQuery, location="query")
@room.response(200, SettingVersionsSchema)
@permission("read_settings")
def setting_history(query: dict[str, Any], name: str) -> Response:
    """All versions of a setting, newest first."""
    _require_known(name)
    before = read_cursor(query["cursor"], number) or (2**31 - 1,)
    found = rows(_history.limit(query["limit"] + 1), town=_town("read_settings"), name=name, before=before[0])
    kept, cursor = page(found, query["limit"], lambda version: (version.version,))
    return answer(listing([dict(version._mapping) for version in kept], cursor))


@room.get("/calendar/days")
@room.arguments(PageQuery, location="query")
@room.response(200, DaysSchema)
@permission("read_settings")
def declared_days(query: dict[str, Any]) -> Response:
    """The days that the town has declared worked or off, oldest first."""
    after = read_cursor(query["cursor"], date.fromisoformat) or (date(1900, 1, 1),)
    found = rows(_days.limit(query["limit"] + 1), town=_town("read_settings"), after=after[0])
    kept, cursor = page(found, query["limit"], lambda day: (day.day,))
    return answer(listing([dict(day._mapping) for day in kept], cursor))


@room.post("/calendar/days")
@room.arguments(DayBody)
@room.response(200, DaySchema)
@room.resendable
@permission("keep_settings")
def declared_day(body: dict[str, Any]) -> Response:
    """Declare a day worked or off; it wins over the State Council's notice, and deadlines follow at night."""
    if not 1900 < body["day"].year < 3000:
        raise Invalid({"day": [("日期不正确。", "Not a valid date.")]})
    actor, _ = ask("who_may", "keep_settings")

    def work(session: Session) -> Response:
        town = _town("keep_settings")
        declare_day(session, town, body["day"], body["workday"], body["reason"], actor=actor, now=clock.now())
        declared = session.get_one(CalendarOverride, (town, body["day"]))
        return answer(body | {"version": declared.version})

    return once(actor, work)


def _town(row: str) -> str:
    _, scopes = ask("who_may", row)
    return min(str(scope)[:9] for scope in scopes)


def _require_known(name: str) -> None:
    if name not in SETTINGS:
        raise NotFound


def _shown(plan: Redrawing, status: int = 200) -> Response:
    return answer({name: getattr(plan, name) for name in _FIELDS}, status, etag=str(plan.version))
