"""What hangs on a case, and the calls to departments."""

import uuid
from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate

from backend.cases.calls import ANSWERS, list_calls
from backend.cases.links.related import late, related
from backend.cases.viewing import read_case
from backend.cases.workflow import STATUSES
from backend.http import clock
from backend.http.blueprint import Room
from backend.http.pages import PageQuery, identifier, instant, listing, page, page_of, read_cursor
from backend.http.permission import permission
from backend.http.reading import answer
from backend.people.caller import current_caller

room = Room("related", "Cases that go with others, and departments that are called to a case")


class RelatedCaseSchema(Schema):
    """A case that goes with another."""

    id = fields.UUID(required=True)
    number = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(tuple(STATUSES)))
    status_name = fields.String(required=True)
    holder = fields.String(required=True, allow_none=True)
    relation = fields.String(
        required=True,
        validate=validate.OneOf(("merged_into", "merged_here", "part_of", "part")),
        metadata={"description": "what it is to the case asked about"},
    )


class CallSchema(Schema):
    """A department or village called to a case, and its answer."""

    department = fields.String(required=True)
    called_at = fields.AwareDateTime(required=True)
    due_at = fields.AwareDateTime(required=True)
    answer = fields.String(required=True, allow_none=True, validate=validate.OneOf(ANSWERS))
    answered_at = fields.AwareDateTime(required=True, allow_none=True)
    late = fields.Boolean(required=True, metadata={"description": "not answered by its time"})


class RelatedSchema(Schema):
    """What hangs on a case, as far as the caller sees it."""

    cases = fields.List(fields.Nested(RelatedCaseSchema), required=True)
    calls = fields.List(fields.Nested(CallSchema), required=True)


class CalledCaseSchema(Schema):
    """The case of a call."""

    id = fields.UUID(required=True)
    number = fields.String(required=True)
    category = fields.String(required=True)
    area_code = fields.String(required=True)


class ListedCallSchema(CallSchema):
    """A call with its case."""

    id = fields.UUID(required=True)
    case = fields.Nested(CalledCaseSchema, required=True)


CallsSchema = page_of("CallsSchema", ListedCallSchema)


class CallsQuery(PageQuery):
    """Filters of the calls."""

    late = fields.Boolean(metadata={"description": "true: only those that have no answer though their time is over"})


@room.get("/cases/<uuid:case_id>/related")
@room.response(200, RelatedSchema)
@permission("read_case")
def related_cases(case_id: uuid.UUID) -> Response:
    """The cases merged with a case, its parts or its whole, and who was called to it."""
    caller = current_caller()
    case, _ = read_case(caller, case_id)
    return answer(related(caller, case, clock.now()))


@room.get("/whistles")
@room.arguments(CallsQuery, location="query")
@room.response(200, CallsSchema)
@permission("read_whistles")
def whistles(query: dict[str, Any]) -> Response:
    """Calls to open cases, newest first: to the caller's department or village; for the desk, all of its town."""
    caller, now, limit = current_caller(), clock.now(), query["limit"]
    after = read_cursor(query["cursor"], instant, identifier)
    found = list_calls(caller, now if query.get("late") else None, after, limit + 1)
    kept, cursor = page(found, limit, lambda call: (call.called_at, call.id))
    return answer(listing([_listed(call._asdict(), late(call, now)) for call in kept], cursor))


def _listed(call: dict[str, Any], is_late: bool) -> dict[str, Any]:
    case = {"id": call.pop("case_id")} | {name: call.pop(name) for name in ("number", "category", "area_code")}
    return call | {"case": case, "late": is_late}
