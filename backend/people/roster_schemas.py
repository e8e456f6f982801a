"""Shapes of what the roster takes and answers."""

from flask_smorest.fields import Upload
from marshmallow import Schema, fields, validate

from backend.http.fields import Day, Instant, Strict, Text
from backend.http.pages import PageQuery, page_of
from backend.people.account_schemas import AbsenceSchema, HeldRoleSchema
from backend.people.phones import Phone
from backend.people.proposing import PROPOSED
from backend.territory.codes import AreaCode


class GridsQuery(PageQuery):
    """Whose grids, and when."""

    area = AreaCode("town", "village", load_default=None)
    at = Instant(load_default=None, metadata={"description": "now if not given"})


class HolderSchema(Schema):
    """Who holds a grid."""

    name = fields.String(required=True)
    acting_as = fields.String(
        required=True, metadata={"description": "grid_worker, grid_substitute, village_substitute or dispatcher"}
    )


class GridSchema(Schema):
    """A grid and who holds it; nobody where the town has not even a dispatcher who is there."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    holder = fields.Nested(HolderSchema, required=True, allow_none=True)


GridsSchema = page_of("GridsSchema", GridSchema)


class ImportQuery(Strict):
    """How to import."""

    dry_run = fields.Boolean(load_default=False, metadata={"description": "say what would change, write nothing"})
    good_only = fields.Boolean(
        load_default=False, metadata={"description": "write the lines without a fault, leave out the rest"}
    )


class RosterBody(Strict):
    """A form with a roster in it."""

    file = Upload(required=True, metadata={"description": "XLSX, or CSV in UTF-8 or GB18030"})


class LineFaultSchema(Schema):
    """What keeps a line out."""

    line = fields.Integer(required=True, metadata={"description": "of the file, the headings are line 1"})
    column = fields.String(required=True)
    error = fields.String(required=True, metadata={"description": "stable name of the fault"})
    message = fields.String(required=True)


class LineSchema(Schema):
    """What a line does."""

    line = fields.Integer(required=True)
    what = fields.String(required=True, metadata={"description": "new, dates (its days change) or none"})
    new_account = fields.Boolean(required=True)
    role = fields.String(required=True)
    area_code = fields.String(required=True)


class RosterImportedSchema(Schema):
    """What an import did, or would do."""

    written = fields.Boolean(required=True)
    new_roles = fields.Integer(required=True)
    new_accounts = fields.Integer(required=True)
    dates_changed = fields.Integer(required=True)
    unchanged = fields.Integer(required=True)
    lines = fields.List(fields.Nested(LineSchema), required=True)
    faults = fields.List(fields.Nested(LineFaultSchema), required=True)
    columns_not_read = fields.List(fields.String(), required=True)


class ProposalBody(Strict):
    """Somebody for a grid of the village, or a substitute for a grid or for the village."""

    phone = Phone(required=True, metadata={"example": "13900000002"})
    name = Text(100, required=True)
    role = fields.String(required=True, validate=validate.OneOf(PROPOSED))
    area_code = AreaCode("village", "grid", required=True, metadata={"example": "440605121012001"})
    valid_from = Day(metadata={"description": "today if not given"})
    valid_to = Day(allow_none=True)


class DecisionBody(Strict):
    """What becomes of a proposal."""

    confirm = fields.Boolean(required=True)
    reason = Text(200, allow_none=True, load_default=None)


class ProposalSchema(Schema):
    """A proposal."""

    id = fields.UUID(required=True)
    village_code = fields.String(required=True)
    phone = fields.String(required=True)
    name = fields.String(required=True)
    role = fields.String(required=True)
    area_code = fields.String(required=True)
    valid_from = fields.Date(required=True)
    valid_to = fields.Date(required=True, allow_none=True)
    status = fields.String(required=True, metadata={"description": "open, confirmed or declined"})
    reason = fields.String(required=True, allow_none=True)
    proposed_at = fields.AwareDateTime(required=True)
    decided_at = fields.AwareDateTime(required=True, allow_none=True)
    version = fields.Integer(required=True)


class ProposalsQuery(PageQuery):
    """Which proposals to list."""

    status = fields.String(load_default=None, validate=validate.OneOf(("open", "confirmed", "declined")))


ProposalsSchema = page_of("ProposalsSchema", ProposalSchema)


class MyRosterSchema(Schema):
    """My roles with their days, my leave, and the grids I stand in for now."""

    roles = fields.List(fields.Nested(HeldRoleSchema), required=True)
    absences = fields.List(fields.Nested(AbsenceSchema), required=True)
    standing_in = fields.List(fields.String(), required=True, metadata={"description": "grid codes"})
