"""Shapes of how cases are asked for, and of a case and its history."""

from typing import Any

from marshmallow import Schema, fields, validate, validates_schema

from backend.cases.body_schemas import FINDINGS
from backend.cases.timing.colours import COLOURS
from backend.cases.workflow import ACTIONS, STATUSES
from backend.http.fields import Crs, Instant, Text
from backend.http.pages import PageQuery, page_of
from backend.territory.boxes import BoxField
from backend.territory.codes import AreaCode
from backend.territory.coordinates import to_wgs84
from backend.territory.governance_model import ElementCode


class CrsQuery(Schema):
    """The coordinate system of the answer."""

    crs = Crs(load_default="wgs84")


class CaseFilters(CrsQuery):
    """Filters of a list; all given must hold."""

    status = fields.String(validate=validate.OneOf(tuple(STATUSES)))
    area = AreaCode(metadata={"description": "code of a town, village or grid"})
    category = Text(40)
    colour = fields.String(
        validate=validate.OneOf(tuple(COLOURS)),
        metadata={
            "description": "of the present step: green, amber (four fifths of its time are over) or red (past it)"
        },
    )
    overdue = fields.Boolean(metadata={"description": "true: only cases whose present step is past its time"})
    mine = fields.Boolean(metadata={"description": "true: only what I reported"})
    bbox = BoxField()
    text = Text(100, shortest=1, metadata={"description": "words, all of them needed; left out rather than blank"})
    element = ElementCode(metadata={"description": "of the governance model, by code"})
    filed_from = Instant(metadata={"description": "inclusive, with offset"})
    filed_to = Instant(metadata={"description": "exclusive, with offset"})

    @validates_schema
    def _box_in_wgs84(self, data: dict[str, Any], **_: Any) -> None:
        if "bbox" in data:
            west, south, east, north = data["bbox"]
            crs = data.get("crs", "wgs84")
            lons, lats = zip(*(to_wgs84(x, y, crs) for x in (west, east) for y in (south, north)), strict=True)
            data["bbox"] = (min(lons), min(lats), max(lons), max(lats))


class CasesQuery(PageQuery, CaseFilters):
    """A page of a list, by filters given, saved, or both."""

    saved = fields.UUID(metadata={"description": "a saved filter of mine; what is given beside it wins"})


class LocationSchema(Schema):
    """A place in the coordinate system asked for."""

    lon = fields.Float(required=True)
    lat = fields.Float(required=True)
    crs = fields.String(required=True)
    approximate = fields.Boolean(required=True, metadata={"description": "the centre of its grid, not the place"})


class ReporterSchema(Schema):
    """Who reported: a name for this case only."""

    pseudonym = fields.String(required=True)
    me = fields.Boolean(required=True)


class PartSchema(Schema):
    """A part of a text."""

    text = fields.String(required=True)
    hit = fields.Boolean(required=True, metadata={"description": "whether a word that was looked for stands here"})


class FoundSchema(Schema):
    """Why a case was found."""

    best = fields.Boolean(required=True, metadata={"description": "more about the words than others: put on top"})
    snippet = fields.List(
        fields.Nested(PartSchema), required=True, metadata={"description": "what stands around the words, in parts"}
    )


class CaseSchema(Schema):
    """A case as the caller sees it."""

    id = fields.UUID(required=True)
    number = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(tuple(STATUSES)))
    status_name = fields.String(required=True)
    version = fields.Integer(required=True)
    category = fields.String(required=True)
    category_name = fields.String(required=True)
    description = fields.String(required=True)
    address = fields.String(required=True, allow_none=True)
    area_code = fields.String(required=True)
    location = fields.Nested(LocationSchema, required=True, allow_none=True)
    reporting = fields.String(
        required=True, metadata={"description": "named, anonymous or protected; part: of a case that was split"}
    )
    reporter = fields.Nested(ReporterSchema, required=True)
    holder = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "department or village; null also while a person is it"},
    )
    occurred_at = fields.AwareDateTime(required=True)
    accepted_at = fields.AwareDateTime(required=True, allow_none=True)
    due_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "when the present step is due"}
    )
    amber_at = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={"description": "when four fifths of the present step's time are over"},
    )
    due_provisional = fields.Boolean(
        required=True, metadata={"description": "due in a year whose days off are not announced yet; may still move"}
    )
    case_due_at = fields.AwareDateTime(required=True, allow_none=True)
    closed_at = fields.AwareDateTime(required=True, allow_none=True)
    rating = fields.Integer(required=True, allow_none=True)
    found = fields.Nested(FoundSchema, metadata={"description": "in a list by text"})


class SupervisionSchema(Schema):
    """Who supervises a case by name (督办), and by when it is to be done."""

    leader = fields.String(required=True)
    until = fields.AwareDateTime(required=True)


class NamedPersonSchema(Schema):
    """Somebody asked by name, or who holds the case by name."""

    task = fields.String(required=True, validate=validate.OneOf(("verify", "check", "handle")))
    me = fields.Boolean(required=True)
    name = fields.String(required=True, allow_none=True, metadata={"description": "for the desk only"})


class CandidateSchema(Schema):
    """Somebody who can be asked by name."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    role = fields.String(required=True)


CandidatesSchema = page_of("CandidatesSchema", CandidateSchema)


class GivenTaskSchema(Schema):
    """The task that came of a protected report. Whoever reported it is not told where it is found and who holds it."""

    id = fields.UUID(required=True, allow_none=True)
    status = fields.String(required=True, validate=validate.OneOf(tuple(STATUSES)))
    status_name = fields.String(required=True)
    holder = fields.String(required=True, allow_none=True)
    due_at = fields.AwareDateTime(required=True, allow_none=True)


class SeenBySchema(Schema):
    """Which roles could see a report before its secrecy was raised: that is not undone."""

    roles = fields.List(fields.String(), required=True)
    count = fields.Integer(required=True)


class OneCaseSchema(CaseSchema):
    """A single case, with its photos and what the caller may do now."""

    colour = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf(tuple(COLOURS)),
        metadata={"description": "of the present step now; null where the case waits for nothing"},
    )
    evidence = fields.List(fields.UUID(), required=True)
    receipt = fields.String(
        metadata={"description": "sixteen digits to ask after a report that is anonymous or a caller's, told once"}
    )
    asked = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf(("extension", "suspension", "transfer", "lowering")),
        metadata={"description": "what its holder asks the town for; lowering: of a protected report, by the cleared"},
    )
    asked_until = fields.AwareDateTime(required=True, allow_none=True)
    suspended_until = fields.AwareDateTime(required=True, allow_none=True)
    named = fields.Nested(NamedPersonSchema, required=True, allow_none=True)
    supervision = fields.Nested(SupervisionSchema, required=True, allow_none=True)
    allowed_actions = fields.List(fields.String(validate=validate.OneOf(tuple(ACTIONS))), required=True)
    task = fields.Nested(GivenTaskSchema, allow_none=True, metadata={"description": "of a protected report"})
    draft = fields.List(
        fields.Nested(PartSchema),
        allow_none=True,
        metadata={"description": "the task that waits for its second look; a hit: what the report says, too"},
    )
    already_seen_by = fields.Nested(
        SeenBySchema, allow_none=True, metadata={"description": "of a report whose secrecy was raised"}
    )


CasesSchema = page_of("CasesSchema", CaseSchema)


class ActorSchema(Schema):
    """In which role somebody acted."""

    role = fields.String(required=True)
    me = fields.Boolean(required=True)


class PointSchema(Schema):
    """A point in WGS84 degrees."""

    lon = fields.Float(required=True)
    lat = fields.Float(required=True)
    crs = fields.String(required=True)


class EndedStepSchema(Schema):
    """The step that an action ended, whose it was, and whether it had run past its time."""

    step = fields.String(required=True)
    holder = fields.String(required=True, allow_none=True)
    due_at = fields.AwareDateTime(required=True)
    late = fields.Boolean(required=True)


class EventSchema(Schema):
    """One action in a case's history."""

    version = fields.Integer(required=True)
    action = fields.String(required=True)
    action_name = fields.String(required=True)
    from_status = fields.String(required=True, allow_none=True)
    to_status = fields.String(required=True)
    actor = fields.Nested(ActorSchema, required=True)
    note = fields.String(required=True, allow_none=True)
    department = fields.String(required=True, allow_none=True)
    departments = fields.List(fields.String(), required=True, allow_none=True, metadata={"description": "called"})
    answer = fields.String(required=True, allow_none=True, metadata={"description": "of a department called"})
    areas = fields.List(
        fields.String(), required=True, allow_none=True, metadata={"description": "where it was and is, as corrected"}
    )
    places = fields.List(
        fields.Nested(PointSchema, allow_none=True),
        required=True,
        allow_none=True,
        metadata={"description": "the points of a correction, for who sees text and place; null: known by area only"},
    )
    score = fields.Integer(required=True, allow_none=True)
    solved = fields.Boolean(required=True, allow_none=True, metadata={"description": "what its reporter says of it"})
    reasons = fields.List(fields.String(), required=True, metadata={"description": "of a rating, by code"})
    closing = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "of a rating: when what it rates was closed"}
    )
    goes_to = fields.String(
        required=True, allow_none=True, metadata={"description": "of a rating: inspector or reopen, if it goes on"}
    )
    channel = fields.String(
        required=True, allow_none=True, metadata={"description": "of a report that the desk wrote down"}
    )
    until = fields.AwareDateTime(required=True, allow_none=True)
    leader = fields.String(required=True, allow_none=True)
    finding = fields.String(required=True, allow_none=True, validate=validate.OneOf(FINDINGS))
    category = fields.String(required=True, allow_none=True, metadata={"description": "the one it was corrected to"})
    old_category = fields.String(required=True, allow_none=True)
    due_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "the step's deadline, where this moved it"}
    )
    old_due_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "and what it was before"}
    )
    ended_step = fields.Nested(EndedStepSchema, required=True, allow_none=True)
    tags = fields.List(
        fields.String(),
        required=True,
        allow_none=True,
        metadata={"description": "elements the case is tagged with now"},
    )
    internal = fields.Boolean(required=True, metadata={"description": "not shown to whoever reported the case"})
    apart = fields.Boolean(
        required=True,
        metadata={"description": "its note accuses: shown to its reporter and the desk only, until let_through"},
    )
    occurred_at = fields.AwareDateTime(required=True)


TimelineSchema = page_of("TimelineSchema", EventSchema)


class LowRatingSchema(Schema):
    """A rating that the inspectors look into."""

    case_id = fields.UUID(required=True)
    number = fields.String(required=True)
    village_code = fields.String(required=True)
    score = fields.Integer(required=True)
    rated_at = fields.AwareDateTime(required=True)
    status = fields.String(required=True, metadata={"description": "of the case now"})


LowRatingsSchema = page_of("LowRatingsSchema", LowRatingSchema)
