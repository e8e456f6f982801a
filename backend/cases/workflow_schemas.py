"""Shapes in which the workflow is told."""

from marshmallow import Schema, fields, validate


class StatusSchema(Schema):
    """Where a case can stand, and the step it waits for there."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    name_en = fields.String(required=True)
    step = fields.String(required=True, allow_none=True)


class WorkflowActionSchema(Schema):
    """A row of the workflow."""

    action = fields.String(required=True)
    name = fields.String(required=True)
    from_ = fields.List(fields.String(), required=True, data_key="from")
    to = fields.String(required=True, allow_none=True, metadata={"description": "null: the status stays"})
    undoes = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "the action after which the status is what it was before"},
    )
    or_to = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "of a rating that is low or says that nothing is solved"},
    )
    stays = fields.List(
        fields.String(), required=True, metadata={"description": "statuses among `from` that it leaves as they are"}
    )
    permission = fields.String(required=True)
    roles = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={"description": "scope letters by role: o own, a asked by name, g grid, v village, h holder, t town"},
    )
    needs = fields.List(fields.String(), required=True)
    takes = fields.List(fields.String(), required=True)
    own_work = fields.Boolean(required=True, metadata={"description": "whether who handled the case may do it"})
    second_to = fields.List(
        fields.String(), required=True, metadata={"description": "actions of which the last must be somebody else's"}
    )
    outweighs = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "the one of these of which, once it was done, only the last counts"},
    )
    reporter = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf(("only", "never")),
        metadata={"description": "only: nobody but who reported the case; never: anybody but them"},
    )
    protected = fields.String(
        required=True, metadata={"description": "whether it is done on protected reports: never, too or only"}
    )
    only_ = fields.String(
        required=True, allow_none=True, data_key="only", metadata={"description": "what must be true besides"}
    )


class FollowingSchema(Schema):
    """What happens by itself."""

    action = fields.String(required=True)
    name = fields.String(required=True)
    from_ = fields.List(fields.String(), required=True, data_key="from")
    to = fields.String(required=True, allow_none=True, metadata={"description": "null: the status stays"})


class ReasonSchema(Schema):
    """Why somebody rates as they do."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    name_en = fields.String(required=True)


class WorkflowSchema(Schema):
    """The closed loop of a case."""

    statuses = fields.List(fields.Nested(StatusSchema), required=True)
    actions = fields.List(fields.Nested(WorkflowActionSchema), required=True)
    by_itself = fields.List(fields.Nested(FollowingSchema), required=True)

    rating_reasons = fields.List(fields.Nested(ReasonSchema), required=True)
