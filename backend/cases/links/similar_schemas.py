"""Shapes of similar cases and of joining in one."""

from marshmallow import Schema, fields

from backend.cases.public.public_schemas import NamedSchema, PublishedCaseSchema
from backend.http.fields import Location, Strict, Text
from backend.http.pages import page_of


class AboutToFile(Strict):
    """What somebody is about to file, as far as it is known. Nothing of it is kept."""

    location = fields.Nested(Location, required=True)
    category = Text(40, metadata={"example": "litter"})
    description = Text(10_000)


class SimilarCaseSchema(Schema):
    """An open case like it, and why it is offered."""

    offer = fields.String(
        required=True, allow_none=True, metadata={"description": "what to join in it with; null of one's own"}
    )
    case_id = fields.UUID(required=True, allow_none=True, metadata={"description": "null: not to be opened"})
    category = fields.Nested(NamedSchema, required=True)
    status = fields.String(required=True)
    status_name = fields.String(required=True)
    day = fields.Date(required=True)
    mine = fields.Boolean(required=True)
    reason = fields.String(required=True, metadata={"example": "约 40 米，昨天，同一类别"})
    metres = fields.Integer(
        required=True, allow_none=True, metadata={"description": "to ten metres; null: in the same grid"}
    )
    days = fields.Integer(required=True, metadata={"description": "since it happened"})
    same_category = fields.Boolean(required=True)
    similar_words = fields.Boolean(required=True)
    supporters = fields.Integer(
        required=True, allow_none=True, metadata={"description": "who joined in it; null: fewer than are told"}
    )


SimilarCasesSchema = page_of("SimilarCasesSchema", SimilarCaseSchema)


class OfferBody(Strict):
    """The offer of a similar case."""

    offer = Text(1_000, required=True)


class SupportedSchema(PublishedCaseSchema):
    """A case that the caller joined in."""

    supported_at = fields.AwareDateTime(required=True)


SupportedCasesSchema = page_of("SupportedCasesSchema", SupportedSchema)


class SupportersSchema(Schema):
    """How many joined in a case."""

    supporters = fields.Integer(
        required=True, allow_none=True, metadata={"description": "null: fewer than are told to whom it is masked"}
    )
