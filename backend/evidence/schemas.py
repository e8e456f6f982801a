"""What the evidence routes take and answer."""

from flask_smorest.fields import Upload
from marshmallow import Schema, fields

from backend.http.fields import Strict


class PhotoBody(Strict):
    """A form with one file."""

    file = Upload(
        required=True,
        metadata={"description": "a photo: JPEG, PNG, WebP or HEIC, at most 20 MB and 50 million pixels"},
    )


class PhotoSchema(Schema):
    """A photo, as told to whoever sent it."""

    id = fields.UUID(required=True, metadata={"description": "to be named when filing or acting"})
    content_type = fields.String(required=True, metadata={"description": "of the copy that is served"})
    width = fields.Integer(required=True, metadata={"description": "of the copy that is served, upright"})
    height = fields.Integer(required=True)
    taken_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "as the camera wrote it; told to nobody else"}
    )
    created_at = fields.AwareDateTime(required=True)
