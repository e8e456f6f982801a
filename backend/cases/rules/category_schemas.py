"""Shapes of the categories one can file under."""

from marshmallow import Schema, fields, validate

from backend.evidence.attaching import SLOTS
from backend.http.pages import page_of


class LimitSchema(Schema):
    """How long a step may take."""

    unit = fields.String(required=True)
    amount = fields.Integer(required=True)


class CategorySchema(Schema):
    """A category one can file under."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    name_en = fields.String(required=True)
    parent = fields.String(required=True)
    parent_name = fields.String(required=True)
    needs_photo = fields.Boolean(required=True, metadata={"description": "when filing"})
    hand_in_photos = fields.List(
        fields.String(validate=validate.OneOf(tuple(SLOTS))),
        required=True,
        metadata={"description": "slots that must be filled when the work is handed in"},
    )
    public = fields.Boolean(required=True)
    department = fields.String(required=True, metadata={"description": "where such cases usually go"})
    limits = fields.Dict(keys=fields.String(), values=fields.Nested(LimitSchema), required=True)


CategoriesSchema = page_of("CategoriesSchema", CategorySchema)
