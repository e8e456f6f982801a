"""Shapes of what `people` takes and answers."""

from marshmallow import Schema, fields

from backend.http.pages import page_of


class RoleSchema(Schema):
    """A role and what it is held for."""

    role = fields.String(required=True)
    area_code = fields.String(required=True)
    department = fields.String(metadata={"description": "of a handler; a village officer's is the village's code"})
    cleared = fields.Boolean(metadata={"description": "true where two people have cleared it for protected reports"})
    acting_as = fields.String(metadata={"description": "grid_substitute while standing in for the grid's worker"})


class ConsentStandingSchema(Schema):
    """Whether I have still to agree to the present text on personal data."""

    version = fields.String(required=True)
    needed = fields.Boolean(required=True)


class MeSchema(Schema):
    """Who I am and what I may do where."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    phone = fields.String(
        allow_none=True, required=True, metadata={"description": "null once somebody else proved to hold the number"}
    )
    prove_phone = fields.Boolean(
        required=True, metadata={"description": "ask for a code for `phone` soon: the number was not proved for long"}
    )
    has_password = fields.Boolean(required=True)
    consent = fields.Nested(ConsentStandingSchema, required=True)
    roles = fields.List(fields.Nested(RoleSchema), required=True)
    permissions = fields.Dict(
        keys=fields.String(), values=fields.List(fields.String()), metadata={"description": "permission → area codes"}
    )


class DepartmentSchema(Schema):
    """A department or village that can hold cases."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True, metadata={"description": "department or village"})


DepartmentsSchema = page_of("DepartmentsSchema", DepartmentSchema)


class AccessSchema(Schema):
    """One look at the caller's personal data."""

    at = fields.AwareDateTime(required=True)
    action = fields.String(required=True, metadata={"description": "what was done, such as `read_identity`"})
    by = fields.String(allow_none=True, required=True, metadata={"description": "who looked; null: the system itself"})
    reason = fields.String(allow_none=True, required=True)


AccessesSchema = page_of("AccessesSchema", AccessSchema)
