"""Shapes of the public face, and of the texts on their way to it."""

from marshmallow import Schema, fields, validate

from backend.http.pages import PageQuery, page_of
from backend.territory.governance_model import ElementCode

STATES = ("waiting", "released", "dropped", "replaced", "withdrawn")


class NamedSchema(Schema):
    """A code and its name."""

    code = fields.String(required=True)
    name = fields.String(required=True)


class PublishedCaseSchema(Schema):
    """What everybody sees of a case."""

    category = fields.Nested(NamedSchema, required=True)
    status = fields.String(required=True)
    status_name = fields.String(required=True)
    village = fields.Nested(NamedSchema, required=True)
    day = fields.Date(required=True)
    lon = fields.Float(required=True, allow_none=True)
    lat = fields.Float(required=True, allow_none=True)


class PublicCaseSchema(PublishedCaseSchema):
    """The same on the public face, with the words that were released for it."""

    id = fields.UUID(required=True, metadata={"description": "of the public face only; it leads to nothing else"})
    text = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "worded for the public and released by a second person"},
    )


class PublicCasesQuery(PageQuery):
    """A page of published cases."""

    element = ElementCode(metadata={"description": "only cases that bear on it, of the governance model"})


PublicCasesSchema = page_of("PublicCasesSchema", PublicCaseSchema)


class StageSchema(Schema):
    """How far a case came on a day."""

    stage = fields.String(required=True)
    stage_name = fields.String(required=True)
    stage_name_en = fields.String(required=True)
    day = fields.Date(required=True)


class WholePublicCaseSchema(PublicCaseSchema):
    """A published case with its photos and its history."""

    photos = fields.List(fields.String(), required=True, metadata={"description": "where each is"})
    timeline = fields.List(fields.Nested(StageSchema), required=True, metadata={"description": "oldest first"})


class PublicTextSchema(Schema):
    """A text for the public, and what became of it."""

    version = fields.Integer(required=True, metadata={"description": "of the case, with which it was worded"})
    text = fields.String(required=True, metadata={"description": "as it is kept: numbers and names taken out"})
    photos = fields.List(fields.UUID(), required=True)
    mine = fields.Boolean(required=True, metadata={"description": "worded by the caller, who cannot release it"})
    drafted_at = fields.AwareDateTime(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    decided_at = fields.AwareDateTime(required=True, allow_none=True)


PublicTextsSchema = page_of("PublicTextsSchema", PublicTextSchema)


class WaitingTextSchema(Schema):
    """A text that waits for its second look; it is released or dropped by an action on its case."""

    case_id = fields.UUID(required=True)
    number = fields.String(required=True)
    category = fields.String(required=True)
    village_code = fields.String(required=True)
    version = fields.Integer(required=True)
    text = fields.String(required=True)
    photos = fields.List(fields.UUID(), required=True)
    mine = fields.Boolean(required=True)
    drafted_at = fields.AwareDateTime(required=True)


WaitingTextsSchema = page_of("WaitingTextsSchema", WaitingTextSchema)


class PublicNumberSchema(NamedSchema):
    """A number of cases; null where it is hidden."""

    cases = fields.Integer(required=True, allow_none=True)


class FiguresOfMonthSchema(Schema):
    """How many cases filed in a month were taken up, those that are never published included."""

    month = fields.String(required=True, metadata={"example": "2026-10"})
    total = fields.Integer(required=True, allow_none=True)
    villages = fields.List(fields.Nested(PublicNumberSchema), required=True)
    kinds = fields.List(fields.Nested(PublicNumberSchema), required=True)
    elements = fields.List(
        fields.Nested(PublicNumberSchema),
        required=True,
        metadata={"description": "of the governance model; of a case, many"},
    )


FiguresOfMonthsSchema = page_of("FiguresOfMonthsSchema", FiguresOfMonthSchema)
