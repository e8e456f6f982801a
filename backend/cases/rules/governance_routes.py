"""The governance model and how the town changes it, the elements a case bears on, and how many cases bear on each."""

import uuid
from datetime import timedelta
from typing import Any

from flask import Response, current_app
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from backend.cases.rules.categories import catalogue
from backend.cases.rules.tagging import cases_by_element, tags_of
from backend.cases.viewing import read_case
from backend.config import Config
from backend.http import clock
from backend.http.blueprint import Room
from backend.http.fields import Instant, Strict, Text
from backend.http.pages import PageQuery, listing, page_of
from backend.http.permission import permission
from backend.http.reading import answer, public_answer
from backend.people.caller import current_caller
from backend.territory.governance_model import KEY, KIND, ElementCode, governance_model, model_of, remodelled
from backend.territory.rule_answers import AsRead, RuleBody, RuleVersionsSchema, rule_set, versions_page

room = Room("governance", "The town's governance model: its elements, and what bears on them")

USUAL, MOST = timedelta(days=365), timedelta(days=366 * 2)
_TOO_LONG = ("统计时段最长两年。", "Count over two years at most.")
_TURNED = ("结束时间应晚于开始时间。", "The end lies after the beginning.")
_PLACEHOLDER = "not named by the town yet: say so on screen"
_IN_A_GROUP = 99


class ElementBody(Strict):
    """An element as the town has it."""

    code = ElementCode(required=True, metadata={"description": "for good: another meaning needs another code"})
    zh = Text(40, required=True)
    en = Text(80, required=True)
    placeholder = fields.Boolean(metadata={"description": "false: a name that ships is the town's own"})
    branches = fields.List(
        Text(40),
        load_default=list,
        validate=validate.Length(max=50),
        metadata={"description": "kinds of cases for which it suggests itself"},
    )
    retired = fields.Boolean(load_default=False, metadata={"description": "nothing new is tagged with it"})


class ElementGroupBody(Strict):
    """A numbered group of elements; those that it had stay in it."""

    number = fields.Integer(required=True, strict=True, metadata={"example": 8})
    zh = Text(40, required=True)
    en = Text(80, required=True)
    placeholder = fields.Boolean(metadata={"description": "false: a name that ships is the town's own"})
    elements = fields.List(fields.Nested(ElementBody), required=True, validate=validate.Length(max=_IN_A_GROUP))


class GovernanceModelBody(RuleBody):
    """The whole model, groups in their order; what is left as it ships stays a placeholder."""

    code = AsRead()
    zh = Text(40, required=True, metadata={"example": "1258 治理模式"})
    en = Text(80, required=True, metadata={"example": "1258 governance model"})
    groups = fields.List(fields.Nested(ElementGroupBody), required=True, validate=validate.Length(max=9))


class ElementSchema(Schema):
    """An element of the model."""

    code = fields.String(required=True)
    zh = fields.String(required=True)
    en = fields.String(required=True)
    placeholder = fields.Boolean(required=True, metadata={"description": _PLACEHOLDER})
    branches = fields.List(
        fields.String(), required=True, metadata={"description": "kinds of cases for which it suggests itself"}
    )
    retired = fields.Boolean(required=True, metadata={"description": "not to be offered for new tags"})


class ElementGroupSchema(Schema):
    """A numbered group of elements."""

    number = fields.Integer(required=True)
    zh = fields.String(required=True)
    en = fields.String(required=True)
    placeholder = fields.Boolean(required=True, metadata={"description": _PLACEHOLDER})
    elements = fields.List(fields.Nested(ElementSchema), required=True)


class GovernanceModelSchema(Schema):
    """The model: its groups in their order."""

    code = fields.String(required=True)
    zh = fields.String(required=True)
    en = fields.String(required=True)
    version = fields.Integer(required=True, metadata={"description": "for If-Match; 0: as it ships"})
    groups = fields.List(fields.Nested(ElementGroupSchema), required=True)


class TagSchema(Schema):
    """An element that a case is tagged with."""

    element = fields.String(required=True)
    name = fields.String(required=True)
    name_en = fields.String(required=True)
    placeholder = fields.Boolean(required=True, metadata={"description": _PLACEHOLDER})


TagsSchema = page_of("TagsSchema", TagSchema)


class CountSchema(TagSchema):
    """How many cases bear on an element."""

    cases = fields.Integer(required=True)


CountsSchema = page_of("CountsSchema", CountSchema)


class CountsQuery(Schema):
    """Over which time; without, over the last year."""

    filed_from = Instant(metadata={"description": "inclusive, with offset"})
    filed_to = Instant(metadata={"description": "exclusive, with offset"})

    @validates_schema
    def _of_a_bearable_length(self, data: dict[str, Any], **_: Any) -> None:
        until = data.setdefault("filed_to", clock.now())
        since = data.setdefault("filed_from", until - USUAL)
        if since >= until:
            raise ValidationError({"filed_to": [_TURNED]})
        if until - since > MOST:
            raise ValidationError({"filed_from": [_TOO_LONG]})


@room.get("/governance-model")
@room.response(200, GovernanceModelSchema)
@room.cached
@permission("public")
def model() -> Response:
    """The town's governance model: groups of elements that cases and service points are tagged with. The ETag is its
    version."""
    held = governance_model(_town())
    return public_answer(held.told, seconds=0, etag=str(held.version))


@room.put("/governance-model")
@room.arguments(GovernanceModelBody)
@room.response(200, GovernanceModelSchema)
@room.conditional
@permission("keep_settings")
def set_model(body: dict[str, Any]) -> Response:
    """Name, add and retire elements; none is dropped, and what is tagged keeps its codes."""

    def laid(town: str) -> dict[str, Any]:
        branches = {kind.parent for kind in catalogue(town).ever()}
        return remodelled(governance_model(town), body, branches)

    return rule_set(KIND, KEY, laid, lambda rule: model_of(rule).told, ships=True)


@room.get("/governance-model/history")
@room.arguments(PageQuery, location="query")
@room.response(200, RuleVersionsSchema)
@permission("read_settings")
def model_history(query: dict[str, Any]) -> Response:
    """All versions of the model that the town has laid down, newest first."""
    return versions_page(KIND, KEY, query)


@room.get("/governance-model/cases")
@room.arguments(CountsQuery, location="query")
@room.response(200, CountsSchema)
@permission("read_case")
def counts(query: dict[str, Any]) -> Response:
    """How many of the cases that the caller sees bear on each element. What one does not see, one does not count."""
    caller = current_caller()
    held = governance_model(min(caller.towns, default=_town()))
    counted = cases_by_element(caller, query["filed_from"], query["filed_to"])
    return answer(listing([held.named(code) | {"cases": counted.get(code, 0)} for code in held.elements]))


@room.get("/cases/<uuid:case_id>/tags")
@room.response(200, TagsSchema)
@permission("read_case")
def tags(case_id: uuid.UUID) -> Response:
    """The elements that a case is tagged with; the action `tag` sets them."""
    case, _ = read_case(current_caller(), case_id)
    held = governance_model(case.town_code)
    return answer(listing([held.named(code) for code in tags_of(case.id)]))


def _town() -> str:
    config: Config = current_app.config["TOWN_CONFIG"]
    return config.TOWN
