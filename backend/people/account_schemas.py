"""Shapes of what keeping accounts and departments takes and answers."""

from marshmallow import Schema, fields, validate

from backend.http.fields import Day, Instant, Shape, Strict, Text
from backend.http.pages import PageQuery, page_of
from backend.people.appointing import GIVEN
from backend.people.phones import Phone
from backend.people.tables import DEPARTMENT_CODE_SHAPE
from backend.territory.codes import AreaCode

GRID = {"example": "440605121012001"}


class AccountsQuery(PageQuery):
    """Which accounts to list: all, or by part of a name, a number in any spelling, a role held today."""

    text = Text(100, shortest=1, load_default=None, metadata={"description": "part of the name"})
    phone = Phone(load_default=None)
    role = fields.String(load_default=None, validate=validate.OneOf(GIVEN))


class RoleBody(Strict):
    """A role, what it is held for, and from which day to which (both included)."""

    role = fields.String(required=True, validate=validate.OneOf(GIVEN))
    area_code = AreaCode(required=True, metadata=GRID)
    department = Text(40, metadata={"description": "of a handler"})
    valid_from = Day(metadata={"description": "today if not given"})
    valid_to = Day(allow_none=True)


class NewAccountBody(RoleBody):
    """A person and their first role."""

    phone = Phone(required=True, metadata={"example": "13900000001"})
    name = Text(100, required=True)


class AccountChanges(Strict):
    """A new name; out of use (false) or back in use."""

    name = Text(100, shortest=1)
    in_use = fields.Boolean()


class EmptyBody(Strict):
    """Nothing to be said."""


class AbsenceBody(Strict):
    """Leave: from an instant to another, or until further notice."""

    begins_at = Instant(required=True)
    ends_at = Instant(allow_none=True, load_default=None)


class ContactBody(Strict):
    """How everybody reaches an office."""

    contact = Text(
        100,
        shortest=1,
        required=True,
        allow_none=True,
        metadata={"description": "shown to everybody", "example": "敦根社区网格员 0757-00000000，工作日 8:30-17:30"},
    )


class AbsenceSchema(Schema):
    """Time in which somebody is away."""

    id = fields.UUID(required=True)
    begins_at = fields.AwareDateTime(required=True)
    ends_at = fields.AwareDateTime(required=True, allow_none=True)
    reason = fields.String(required=True, metadata={"description": "leave, or out_of_use"})


class HeldRoleSchema(Schema):
    """A role with its days."""

    id = fields.UUID(required=True)
    role = fields.String(required=True)
    area_code = fields.String(required=True)
    department = fields.String(required=True, allow_none=True)
    valid_from = fields.Date(required=True)
    valid_to = fields.Date(required=True, allow_none=True)
    ended_at = fields.AwareDateTime(required=True, allow_none=True)


class AccountSchema(Schema):
    """An account; the number and name of who is a resident only are masked."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    phone = fields.String(required=True, allow_none=True, metadata={"description": "none: another took it over"})
    in_use = fields.Boolean(required=True)
    created_at = fields.AwareDateTime(required=True)
    version = fields.Integer(required=True)
    roles = fields.List(fields.Nested(HeldRoleSchema), required=True)


class OneAccountSchema(AccountSchema):
    """An account with the times in which its owner is away."""

    absences = fields.List(fields.Nested(AbsenceSchema), required=True)
    office_contact = fields.String(required=True, allow_none=True, metadata={"description": "shown to everybody"})


AccountsSchema = page_of("AccountsSchema", AccountSchema)


class LeftSchema(Schema):
    """What ended, and how many cases went to others."""

    roles = fields.Integer(required=True)
    sign_ins = fields.Integer(required=True)
    handed_over = fields.Integer(required=True)


class NewDepartmentBody(Strict):
    """A department that will handle cases."""

    code = fields.String(
        required=True,
        validate=Shape(*DEPARTMENT_CODE_SHAPE),
        metadata={"example": "parks", "description": "not digits only: those are areas"},
    )
    name = Text(100, required=True)


class DepartmentChanges(Strict):
    """A new name."""

    name = Text(100, required=True)


class OneDepartmentSchema(Schema):
    """A department."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    closed_at = fields.AwareDateTime(required=True, allow_none=True)
    version = fields.Integer(required=True)
