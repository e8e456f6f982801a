"""The governance model, the elements a case is tagged with, and how many cases bear on each."""

import uuid
from datetime import timedelta
from typing import Any

from flask import Response
from marshmallow import Schema, ValidationError, fields, validates_schema

from backend.cases.rules.tagging import cases_by_element, tags_of
from backend.cases.viewing import read_case
from backend.http import clock
from backend.http.blueprint import Room
from backend.http.fields import Instant
from backend.http.pages import listing
from backend.http.permission import permission
from backend.http.reading import answer, public_answer
from backend.people.caller import current_caller
from backend.territory.governance_model import elements, governance_model

room = Room("governance", "The town's governance model: its elements, and what bears on them")

USUAL, MOST = timedelta(days=365), timedelta(days=366 * 2)
_TOO_LONG = ("统计时段最长两年。", "Count over two years at most.")
_TURNED = ("结束时间应晚于开始时间。", "The end lies after the beginning.")


class ElementSchema(Schema):
    """An element of the model."""

    code = fields.String(required=True)
    zh = fields.String(required=True)
    en = fields.String(required=True)
    placeholder = fields.Boolean(required=True, metadata={"description": "not named by the town yet: say so on screen"})
    branches = fields.List(
        fields.String(), required=True, metadata={"description": "kinds of cases for which it suggests itself"}
    )


class ElementGroupSchema(Schema):
    """A numbered group of elements."""

    number = fields.Integer(required=True)
    zh = fields.String(required=True)
    en = fields.String(required=True)
    placeholder = fields.Boolean(required=True)
    elements = fields.List(fields.Nested(ElementSchema), required=True)


class GovernanceModelSchema(Schema):
    """The model: its groups in their order."""

    code = fields.String(required=True)
    zh = fields.String(required=True)
    en = fields.String(required=True)
    groups = fields.List(fields.Nested(ElementGroupSchema), required=True)


class TagSchema(Schema):
    """An element that a case is tagged with; one that the model has no more keeps its code for a name."""

    element = fields.String(required=True)
    name = fields.String(required=True)
    name_en = fields.String(required=True)


class TagsSchema(Schema):
    """The elements of a case, in the order of the model."""

    items = fields.List(fields.Nested(TagSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class CountSchema(TagSchema):
    """How many cases bear on an element."""

    cases = fields.Integer(required=True)


class CountsSchema(Schema):
    """All elements with their numbers of cases."""

    items = fields.List(fields.Nested(CountSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


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
    """The town's governance model: groups of elements that cases are tagged with."""
    return public_answer(governance_model(), seconds=300)


@room.get("/governance-model/cases")
@room.arguments(CountsQuery, location="query")
@room.response(200, CountsSchema)
@permission("read_case")
def counts(query: dict[str, Any]) -> Response:
    """How many of the cases that the caller sees bear on each element. What one does not see, one does not count."""
    counted = cases_by_element(current_caller(), query["filed_from"], query["filed_to"])
    return answer(listing([_named(code) | {"cases": cases} for code, cases in counted.items()]))


@room.get("/cases/<uuid:case_id>/tags")
@room.response(200, TagsSchema)
@permission("read_case")
def tags(case_id: uuid.UUID) -> Response:
    """The elements that a case is tagged with; the action `tag` sets them."""
    case, _ = read_case(current_caller(), case_id)
    return answer(listing([_named(code) for code in tags_of(case.id)]))


def _named(code: str) -> dict[str, Any]:
    element = elements().get(code)
    return {"element": code, "name": element.zh if element else code, "name_en": element.en if element else code}
