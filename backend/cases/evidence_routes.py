"""The evidence of a case, and the originals behind it."""

import uuid
from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate

from backend.cases.evidence_views import evidence_of
from backend.cases.original_reads import read_original
from backend.cases.viewing import read_case
from backend.cases.workflow import ACTIONS
from backend.evidence.attaching import SLOTS
from backend.evidence.serving import served
from backend.http import clock
from backend.http.blueprint import Room
from backend.http.fields import Strict, Text
from backend.http.pages import listing, page_of
from backend.http.permission import permission
from backend.http.reading import answer
from backend.people.caller import current_caller

room = Room("case_evidence", "The evidence of a case: what speaks against it, and the originals behind it")

_FILE: Any = {"type": "string", "format": "binary", "description": "as it was sent, with all that its camera wrote"}
WARNINGS = ("far_from_place", "taken_long_before", "taken_later", "used_before")


class SameSchema(Schema):
    """Another photo that is the same file (exact), or the same picture in another file."""

    id = fields.UUID(required=True)
    case_id = fields.UUID(required=True)
    exact = fields.Boolean(required=True)


class CaseEvidenceSchema(Schema):
    """A photo, film or sound of a case."""

    id = fields.UUID(required=True)
    content_type = fields.String(required=True)
    slot = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf(tuple(SLOTS)),
        metadata={"description": "what it shows of the work"},
    )
    action = fields.String(
        required=True,
        validate=validate.OneOf(("report", *ACTIONS)),
        metadata={"description": "by which it was attached"},
    )
    version = fields.Integer(required=True)
    attached_at = fields.AwareDateTime(required=True)
    distance_metres = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "from the case, to the next ten, for those who see the exact place; null if unknown"},
    )
    age_hours = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "from being taken to being attached, for the same; below 0: its clock was ahead"},
    )
    same_as = fields.List(
        fields.Nested(SameSchema),
        required=True,
        allow_none=True,
        metadata={"description": "for the desk and inspectors; null for all others"},
    )
    warnings = fields.List(fields.String(validate=validate.OneOf(WARNINGS)), required=True)


CaseEvidenceListSchema = page_of("CaseEvidenceListSchema", CaseEvidenceSchema)


class OriginalBody(Strict):
    """Why, of whoever did not send it; who did can read it."""

    reason = Text(500, shortest=5, metadata={"example": "核对拍摄地点"})


@room.get("/cases/<uuid:case_id>/evidence")
@room.response(200, CaseEvidenceListSchema)
@permission("read_case")
def list_evidence(case_id: uuid.UUID) -> Response:
    """The evidence of a case, with what speaks against it: taken far away, long before, or used before."""
    caller = current_caller()
    case, seen = read_case(caller, case_id)
    return answer(listing(evidence_of(caller, case, seen)))


@room.post("/evidence/<uuid:photo>/original")
@room.arguments(OriginalBody)
@room.response(200, _FILE, content_type="*/*")
@permission("read_original")
def original(body: dict[str, Any], photo: uuid.UUID) -> Response:
    """A file as it was sent. Who did not send it says why; each such read is on record, and its sender can see it."""
    found = read_original(current_caller(), photo, body.get("reason"), clock.now())
    response = served("original", photo, found.key, found.content_type)
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Content-Disposition"] = f'attachment; filename="{photo}"'
    return response
