"""What the routes of the ranking take and answer."""

from marshmallow import Schema, fields, validate

from backend.http.fields import Strict, Text
from backend.http.pages import PageQuery
from backend.territory.codes import AreaCode

_TOWN = "nine-digit code of the town; the caller's own, or the one this server serves first, if not given"
_PERIOD = {
    "description": "a month, a quarter or a year by the town's clock",
    "pattern": "^[0-9]{4}(-(0[1-9]|1[0-2]|Q[1-4]))?$",
    "example": "2026-10",
}


def _town() -> AreaCode:
    return AreaCode("town", metadata={"description": _TOWN})


class StartRunBody(Strict):
    """Which period to score."""

    period = Text(40, required=True, metadata=_PERIOD)
    town = _town()


class TownPageQuery(PageQuery):
    """Of which town, page by page."""

    town = _town()


class RunSchema(Schema):
    """A run: what it scored, under which rules, from which facts, and how far it has come."""

    id = fields.UUID(required=True)
    town = fields.String(required=True)
    period = fields.String(required=True, metadata=_PERIOD)
    period_start = fields.AwareDateTime(required=True)
    period_end = fields.AwareDateTime(required=True, metadata={"description": "the first instant after the period"})
    provisional = fields.Boolean(
        required=True, metadata={"description": "the period had not ended when the facts were read"}
    )
    status = fields.String(required=True, validate=validate.OneOf(["draft", "proposed", "published"]))
    rule_set = fields.String(required=True, metadata={"example": "main-1"})
    rule_set_hash = fields.String(required=True, metadata={"description": "SHA-256 of the rule set's document"})
    facts_hash = fields.String(required=True, metadata={"description": "SHA-256 of the facts it was made from"})
    started_at = fields.AwareDateTime(required=True)
    started_by = fields.UUID(
        allow_none=True, metadata={"description": "nobody for the scheduler; shown to those who see drafts"}
    )
    proposed_at = fields.AwareDateTime(allow_none=True)
    proposed_by = fields.UUID(allow_none=True)
    published_at = fields.AwareDateTime(allow_none=True)
    published_by = fields.UUID(allow_none=True)


class RunDetailSchema(RunSchema):
    """A run with the document of its rule set: the method in full."""

    rule_set_document = fields.Dict(required=True)


class RunsSchema(Schema):
    """A page of runs, the newest first."""

    items = fields.List(fields.Nested(RunSchema), required=True)
    next_cursor = fields.String(allow_none=True)


class IndicatorValueSchema(Schema):
    """One indicator of one village."""

    indicator = fields.String(required=True)
    title = fields.String(required=True)
    numerator = fields.Integer(allow_none=True)
    exposure = fields.Integer(allow_none=True)
    counts_hidden = fields.Boolean(
        required=True, metadata={"description": "the counts are too small to be shown to the caller"}
    )
    value = fields.Float(allow_none=True, metadata={"description": "numerator / exposure"})
    weight = fields.Float(
        allow_none=True, metadata={"description": "its share of this village's score; null where it is missing"}
    )
    points = fields.Float(allow_none=True, metadata={"description": "what it added to the score of 0 to 100"})


class RankedVillageSchema(Schema):
    """A line of the ranking."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    rank = fields.Integer(allow_none=True, metadata={"description": "equal scores share a rank: 1, 2, 2, 4"})
    score = fields.Float(allow_none=True, metadata={"description": "0 to 100, six decimals"})
    flags = fields.List(
        fields.String(validate=validate.OneOf(["incomplete", "unranked"])),
        required=True,
        metadata={"description": "incomplete: an indicator is missing; unranked: too little is known"},
    )
    indicators = fields.List(fields.Nested(IndicatorValueSchema), required=True)


class RankingSchema(Schema):
    """A page of a run's ranking: the best first, equal ones by code, the unranked last."""

    run = fields.Nested(RunSchema, required=True)
    items = fields.List(fields.Nested(RankedVillageSchema), required=True)
    next_cursor = fields.String(allow_none=True)
