"""Shapes of work lists and saved filters."""

from typing import Any

from marshmallow import Schema, fields, validate

from backend.cases.schemas import CaseFilters, CaseSchema, CrsQuery
from backend.cases.workflow import PROTECTED_SECOND, PROTECTED_STEP
from backend.http.fields import Strict, Text
from backend.http.pages import PageQuery, page_of


class WorkQuery(PageQuery, CrsQuery):
    """A page of a work list."""


_STEPS = ("accept", "verify", "dispatch", "handle", "check", "close", "grant", "rate")
_PROTECTED = (*PROTECTED_STEP.values(), *PROTECTED_SECOND.values())


class WorkSchema(Schema):
    """A case and what the caller is to do with it."""

    waits_for = fields.String(
        required=True,
        validate=validate.OneOf(tuple(dict.fromkeys((*_STEPS, *_PROTECTED)))),
    )
    case = fields.Nested(CaseSchema, required=True)


WorkListSchema = page_of("WorkListSchema", WorkSchema)


class AsSent(fields.Nested):
    """An object that is checked and then kept as it was sent."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        super()._deserialize(value, *args, **kwargs)
        return value


class SavedFilterBody(Strict):
    """A filter to be kept under a name."""

    name = Text(40, required=True)
    query = AsSent(CaseFilters, required=True, metadata={"description": "as the list of cases takes it"})


class SavedFilterSchema(Schema):
    """A filter kept under a name."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    query = fields.Dict(keys=fields.String(), required=True, metadata={"description": "as the list of cases takes it"})
    saved_at = fields.AwareDateTime(required=True)


SavedFiltersSchema = page_of("SavedFiltersSchema", SavedFilterSchema)
