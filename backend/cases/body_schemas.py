"""Shapes of what is sent to have a case filed or handled."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from backend.cases.calls import ANSWERS
from backend.cases.calls import MOST as MOST_CALLED
from backend.cases.links.splitting import FEWEST, MOST
from backend.cases.reporter.callers import CallerBody
from backend.cases.reporter.rating import REASONS
from backend.cases.workflow import ACTIONS
from backend.http.fields import Instant, Location, Strict, Text
from backend.territory.codes import AreaCode
from backend.territory.governance_model import MOST_TAGS, ElementCode

MOST_PHOTOS = 9
FINDINGS = ("true", "not_true", "cannot_tell")
_TOO_MANY = (f"最多 {MOST_PHOTOS} 个。", f"{MOST_PHOTOS} in all at most.")
_TWICE = ("每个文件请只填一处。", "Name each file once.")


def tags_field() -> Any:
    """Elements of the governance model, by code."""
    return fields.List(
        ElementCode(),
        validate=validate.Length(max=MOST_TAGS),
        metadata={"description": "elements of the governance model, by code", "example": ["8.1"]},
    )


class Accuses(fields.Boolean):
    """A reporter's tick."""

    def __init__(self) -> None:
        told = "it is about the village or its officers: the desk looks first"
        super().__init__(load_default=False, metadata={"description": told})


class ReportBody(Strict):
    """A case as filed."""

    id = fields.UUID(metadata={"description": "made by the client, so that a resend is the same case"})
    category = Text(40, required=True, metadata={"example": "litter"})
    description = Text(10_000, required=True)
    location = fields.Nested(Location, metadata={"description": "needed, but from the desk"})
    area_code = AreaCode("village", "grid", metadata={"description": "of the desk: village or grid"})
    address = Text(200)
    reporting = fields.String(load_default="named", validate=validate.OneOf(("named", "anonymous", "protected")))
    evidence = fields.List(fields.UUID(), load_default=list, validate=validate.Length(max=MOST_PHOTOS))
    caller = fields.Nested(CallerBody, metadata={"description": "of the desk: for whom it is written down"})
    tags = tags_field()
    accuses = Accuses()


class OnTheSpotBody(Strict):
    """A case that a grid worker found and dealt with at once."""

    id = fields.UUID(metadata={"description": "made by the client, so that a resend is the same case"})
    category = Text(40, required=True, metadata={"example": "litter"})
    description = Text(10_000, required=True)
    location = fields.Nested(Location, required=True)
    before = fields.List(fields.UUID(), required=True, validate=validate.Length(1, MOST_PHOTOS))
    after = fields.List(fields.UUID(), required=True, validate=validate.Length(1, MOST_PHOTOS))
    note = Text(2_000, required=True, metadata={"description": "what was done"})
    tags = tags_field()


class PartBody(Strict):
    """One part of a case that is split."""

    description = Text(10_000, required=True)
    category = Text(40, required=True)
    department = Text(40, required=True)


def _photos(**options: Any) -> Any:
    return fields.List(fields.UUID(), validate=validate.Length(max=MOST_PHOTOS), **options)


class SlotsBody(Strict):
    """Ids of photos, films and sound by what they show of the work on a case."""

    before = _photos()
    during = _photos()
    after = _photos()


class ActionBody(Strict):
    """An action of the workflow with what it needs."""

    action = fields.String(required=True, validate=validate.OneOf(tuple(ACTIONS)))
    department = Text(40, metadata={"description": "for dispatch and ask_transfer: code of a department or village"})
    person = fields.UUID(metadata={"description": "for assign and entrust: the account of one of the candidates"})
    finding = fields.String(validate=validate.OneOf(FINDINGS), metadata={"description": "for verify"})
    departments = fields.List(
        Text(40, required=True),
        validate=validate.Length(1, MOST_CALLED),
        metadata={"description": "for whistle: codes of departments or villages"},
    )
    answer = fields.String(validate=validate.OneOf(ANSWERS), metadata={"description": "to a whistle"})
    into = fields.UUID(metadata={"description": "for merge: the case to go with"})
    parts = fields.List(
        fields.Nested(PartBody),
        validate=validate.Length(FEWEST, MOST),
        metadata={"description": "for split: what becomes of the case"},
    )
    location = fields.Nested(Location, metadata={"description": "for correct_place, with or without area_code"})
    area_code = AreaCode("village", "grid", metadata={"description": "for correct_place: alone, no point is kept"})
    address = Text(200, metadata={"description": "for correct_place"})
    note = Text(2_000)
    reason = Text(2_000)
    standard = Text(40, metadata={"description": "code of a standard answer, in place of the note or reason"})
    score = fields.Integer(strict=True, validate=validate.Range(1, 5), metadata={"description": "for rate"})
    solved = fields.Boolean(
        truthy={True}, falsy={False}, metadata={"description": "for rate; false: it goes on, at once"}
    )
    reasons = fields.List(
        fields.String(validate=validate.OneOf(tuple(REASONS))),
        validate=validate.Length(max=len(REASONS)),
        metadata={"description": "for rate: why, by the codes that the workflow lists"},
    )
    until = Instant(metadata={"description": "for asking for more time, for supervision and whistling: with offset"})
    category = Text(40, metadata={"description": "for correct_category: the right one"})
    leader = Text(40, metadata={"description": "for supervise: who puts their name to it"})
    internal = fields.Boolean(metadata={"description": "of a note: not for whoever reported the case"})
    evidence = _photos(metadata={"description": "of what was done or found"})
    tags = tags_field()
    public_text = Text(2_000, metadata={"description": "for draft_public_text: what everybody may read of the case"})
    public_photos = _photos(metadata={"description": "for draft_public_text: photos of the work, by id"})
    photos = fields.Nested(SlotsBody, metadata={"description": "evidence by what it shows of the work"})

    @validates_schema
    def _not_too_many(self, data: dict[str, Any], **_: Any) -> None:
        slots = data.get("photos", {})
        named = [*data.get("evidence", ()), *(photo for photos in slots.values() for photo in photos)]
        if len(named) > MOST_PHOTOS:
            raise ValidationError({"photos": [_TOO_MANY]})
        if len(set(named)) < len(named) and slots:
            raise ValidationError({"photos": [_TWICE]})
