"""Keeping the territory and the town's settings: names, boundaries with a date, days on and off, working hours."""

import re
import uuid
from typing import Any

from flask import Response
from marshmallow import Schema, ValidationError, fields
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from backend.http import clock
from backend.http.blueprint import Room
from backend.http.bodies import large_body
from backend.http.fields import Day, Strict, Text, is_number
from backend.http.pages import PageQuery, identifier, listing, page, page_of, read_cursor
from backend.http.permission import permission
from backend.http.problems import NotFound
from backend.http.reading import answer, rows
from backend.http.registry import ask
from backend.http.versions import require_match
from backend.ledger.answers import once
from backend.territory.areas import lock_areas, rename_area
from backend.territory.location import forget, territory
from backend.territory.redrawing import cancel_redrawing, plan_redrawing
from backend.territory.rule_answers import (
    AsRead,
    RuleBody,
    RuleVersionsSchema,
    as_version,
    rule_set,
    rules_page,
    town_of,
    versions_page,
)
from backend.territory.schemas import (
    AreaChanges,
    FeatureCollectionBody,
    RedrawingSchema,
    RedrawingsSchema,
    RedrawQuery,
)
from backend.territory.settings_tables import Redrawing
from backend.territory.town_rules import Rule, newest, require_version
from backend.territory.town_settings import KIND as SETTING
from backend.territory.town_settings import SETTINGS, checked_setting, shown
from backend.territory.work_calendar import KIND as DAY
from backend.territory.work_calendar import declare_day

room = Room("keeping", "The territory and the settings, kept by the town's admin")

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FIELDS = tuple(RedrawingSchema().fields)
_redrawings = select(*(getattr(Redrawing, name) for name in _FIELDS)).order_by(Redrawing.id)


class EmptyBody(Strict):
    """Nothing to be said."""


class RenamedSchema(Schema):
    """An area and its name."""

    code = fields.String(required=True)
    name = fields.String(required=True)


class SettingValue(Text):
    """A value as text, numbers too, as every setting's is."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if is_number(value):
            raise ValidationError(
                [(f'请以文字提交，数字加引号，如 "{value}"。', f'Send it as text, in quotes: "{value}".')]
            )
        return super()._deserialize(value, attr, data, **kwargs)


class SettingBody(RuleBody):
    """A value; none gives the setting back to the deployment's configuration."""

    name, default = AsRead(), AsRead()
    value = SettingValue(200, required=True, allow_none=True)


class SettingSchema(Schema):
    """A setting as it holds."""

    name = fields.String(required=True)
    value = fields.String(required=True)
    default = fields.String(required=True, metadata={"description": "what the deployment is configured with"})
    version = fields.Integer(required=True, metadata={"description": "0: never set"})
    set_at = fields.AwareDateTime(required=True, allow_none=True)


SettingsSchema = page_of("SettingsSchema", SettingSchema)


class SettingVersionSchema(Schema):
    """One version of a setting."""

    version = fields.Integer(required=True)
    value = fields.String(required=True, allow_none=True)
    set_by = fields.UUID(required=True, allow_none=True)
    set_at = fields.AwareDateTime(required=True)


SettingVersionsSchema = page_of("SettingVersionsSchema", SettingVersionSchema)


class DayBody(Strict):
    """A day declared worked (true), off (false), or as announced again (null)."""

    day = Day(required=True)
    workday = fields.Boolean(required=True, allow_none=True)
    reason = Text(200, required=True)


class DaySchema(Schema):
    """A day that the town has declared."""

    day = fields.Date(required=True)
    workday = fields.Boolean(required=True, allow_none=True)
    reason = fields.String(required=True)
    version = fields.Integer(required=True)


DaysSchema = page_of("DaysSchema", DaySchema)


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
    return answer(listing([shown(town_of("read_settings"), name) for name in SETTINGS]))


@room.get("/settings/<string:name>")
@room.response(200, SettingSchema)
@permission("read_settings")
def one_setting(name: str) -> Response:
    """One setting; the ETag is its version."""
    _require_known(name)
    held = shown(town_of("read_settings"), name)
    return answer(held, etag=str(held["version"]))


@room.patch("/settings/<string:name>")
@room.arguments(SettingBody)
@room.response(200, SettingVersionSchema)
@room.conditional
@permission("keep_settings")
def changed_setting(body: dict[str, Any], name: str) -> Response:
    """Set a setting from now on; deadlines of open cases follow the working hours at night."""
    _require_known(name)
    return rule_set(SETTING, name, lambda _town: checked_setting(name, body["value"]), as_version, ships=True)


@room.get("/settings/<string:name>/history")
@room.arguments(PageQuery, location="query")
@room.response(200, SettingVersionsSchema)
@permission("read_settings")
def setting_history(query: dict[str, Any], name: str) -> Response:
    """All versions of a setting, newest first."""
    _require_known(name)
    return versions_page(SETTING, name, query)


@room.get("/calendar/days")
@room.arguments(PageQuery, location="query")
@room.response(200, DaysSchema)
@permission("read_settings")
def declared_days(query: dict[str, Any]) -> Response:
    """The days that the town has declared worked or off, oldest first."""
    return rules_page(DAY, _DAY, query, _day)


@room.get("/calendar/days/<string:day>/history")
@room.arguments(PageQuery, location="query")
@room.response(200, RuleVersionsSchema)
@permission("read_settings")
def day_history(query: dict[str, Any], day: str) -> Response:
    """All that was declared of a day, newest first."""
    if not _DAY.fullmatch(day):
        raise NotFound
    return versions_page(DAY, day, query)


@room.post("/calendar/days")
@room.arguments(DayBody)
@room.response(200, DaySchema)
@room.replacing
@permission("keep_settings")
def declared_day(body: dict[str, Any]) -> Response:
    """Declare a day worked or off; it wins over the State Council's notice, and deadlines follow at night."""
    actor, _ = ask("who_may", "keep_settings")

    def work(session: Session) -> Response:
        town = town_of("keep_settings")
        require_version(newest(town, DAY, body["day"].isoformat(), session))
        version = declare_day(session, town, **body, actor=actor, now=clock.now())
        return answer(body | {"version": version}, etag=str(version))

    return once(actor, work)


def _require_known(name: str) -> None:
    if name not in SETTINGS:
        raise NotFound


def _shown(plan: Redrawing, status: int = 200) -> Response:
    return answer({name: getattr(plan, name) for name in _FIELDS}, status, etag=str(plan.version))


def _day(rule: Rule) -> dict[str, Any]:
    return {"day": rule.key, "version": rule.version, **rule.value}
