"""What the evidence routes take and answer."""

from flask_smorest.fields import Upload
from marshmallow import Schema, fields

from backend.http.fields import Strict


class PhotoBody(Strict):
    """A form with one file."""

    file = Upload(
        required=True,
        metadata={
            "description": "a photo (JPEG, PNG, WebP or HEIC, at most 20 MB and 50 million pixels), a film (MP4 in "
            "H.264 or H.265) or sound (M4A, MP3 or AAC), at most 100 MB and 300 seconds"
        },
    )


class PhotoSchema(Schema):
    """A photo, film or sound, as told to whoever sent it."""

    id = fields.UUID(required=True, metadata={"description": "to be named when filing or acting"})
    content_type = fields.String(required=True, metadata={"description": "of the copy that is served"})
    width = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "of the copy that is served, upright; none of sound"},
    )
    height = fields.Integer(required=True, allow_none=True)
    seconds = fields.Float(required=True, allow_none=True, metadata={"description": "of a film or sound"})
    taken_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "as the camera wrote it; told to nobody else"}
    )
    created_at = fields.AwareDateTime(required=True)
