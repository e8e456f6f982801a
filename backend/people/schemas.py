"""Shapes of what `people` takes and answers."""

from marshmallow import Schema, fields

from backend.http.fields import Strict, Text
from backend.people.phones import Phone


class SignInBody(Strict):
    """Phone and password."""

    phone = Phone(required=True, metadata={"example": "13800000001"})
    password = Text(200, required=True)
    device_id = Text(100, metadata={"description": "if given, refreshing needs the same one"})


class RefreshBody(Strict):
    """A refresh token."""

    refresh_token = Text(4000, required=True)
    device_id = Text(100)


class TokensSchema(Schema):
    """A pair of tokens."""

    access_token = fields.String(required=True)
    refresh_token = fields.String(required=True)


class RoleSchema(Schema):
    """A role and what it is held for."""

    role = fields.String(required=True)
    area_code = fields.String(required=True)
    department = fields.String(metadata={"description": "of a handler; a village officer's is the village's code"})
    acting_as = fields.String(metadata={"description": "grid_substitute while standing in for the grid's worker"})


class MeSchema(Schema):
    """Who I am and what I may do where."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    roles = fields.List(fields.Nested(RoleSchema), required=True)
    permissions = fields.Dict(
        keys=fields.String(), values=fields.List(fields.String()), metadata={"description": "permission → area codes"}
    )


class DepartmentSchema(Schema):
    """A department or village that can hold cases."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True, metadata={"description": "department or village"})


class DepartmentsSchema(Schema):
    """All departments of the caller's towns."""

    items = fields.List(fields.Nested(DepartmentSchema), required=True)
    next_cursor = fields.String(allow_none=True, required=True)


class AccessSchema(Schema):
    """One look at the caller's personal data."""

    at = fields.AwareDateTime(required=True)
    action = fields.String(required=True, metadata={"description": "what was done, such as `read_identity`"})
    by = fields.String(allow_none=True, required=True, metadata={"description": "who looked; null: the system itself"})
    reason = fields.String(allow_none=True, required=True)


class AccessesSchema(Schema):
    """Who looked at the caller's personal data, newest first."""

    items = fields.List(fields.Nested(AccessSchema), required=True)
    next_cursor = fields.String(allow_none=True, required=True)
