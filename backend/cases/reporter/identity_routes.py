"""Asking for, allowing and reading who reported a case."""

import uuid
from typing import Any

from flask import Response
from marshmallow import Schema, fields
from sqlalchemy import Row
from sqlalchemy.orm import Session

from backend.cases.reporter import identity_reads
from backend.cases.viewing import read_case
from backend.http import clock
from backend.http.blueprint import Room
from backend.http.fields import Strict, Text
from backend.http.pages import listing, page_of
from backend.http.permission import permission
from backend.http.problems import NotFound
from backend.http.reading import answer
from backend.http.work import unit_of_work
from backend.ledger.answers import once
from backend.people.caller import current_caller

room = Room("identities", "Who reported a case: read only with a reason and a second person, and told to the reporter")


class IdentityReasonBody(Strict):
    """Why. The reporter can read it."""

    reason = Text(500, shortest=5, required=True, metadata={"example": "需当面核实现场情况"})


class IdentityRequestSchema(Schema):
    """A request as it stands."""

    id = fields.UUID(required=True)
    reason = fields.String(required=True)
    mine = fields.Boolean(required=True)
    asked_at = fields.AwareDateTime(required=True)
    approved_at = fields.AwareDateTime(required=True, allow_none=True)
    open_until = fields.AwareDateTime(required=True, allow_none=True, metadata={"description": "the asker may read"})
    read_at = fields.AwareDateTime(required=True, allow_none=True)
    told_at = fields.AwareDateTime(required=True, allow_none=True, metadata={"description": "to the reporter"})
    held_at = fields.AwareDateTime(required=True, allow_none=True, metadata={"description": "by the auditor"})


IdentityRequestsSchema = page_of("IdentityRequestsSchema", IdentityRequestSchema)


class WaitingRequestSchema(IdentityRequestSchema):
    """A request that waits for a second person."""

    case_id = fields.UUID(required=True)


WaitingRequestsSchema = page_of("WaitingRequestsSchema", WaitingRequestSchema)


class IdentitySchema(Schema):
    """Who reported a case, and how they wanted to be known."""

    known_as = fields.String(required=True)
    name = fields.String(required=True, allow_none=True)
    phone = fields.String(required=True, allow_none=True)


@room.post("/cases/<uuid:case_id>/identity-requests")
@room.resendable
@room.arguments(IdentityReasonBody)
@room.response(201, IdentityRequestSchema)
@permission("read_identity")
def ask_identity(body: dict[str, Any], case_id: uuid.UUID) -> Response:
    """Ask to read who reported a case; a second person has to allow it within a day."""
    caller, now = current_caller(), clock.now()
    case, _ = read_case(caller, case_id)

    def work(session: Session) -> Response:
        asked = identity_reads.ask(session, caller, case, body["reason"], now)
        shown = dict.fromkeys(("approved_at", "open_until", "read_at", "told_at", "held_at"))
        return answer({"id": asked, "reason": body["reason"], "mine": True, "asked_at": now} | shown, 201)

    return once(caller.account_id, work)


@room.get("/cases/<uuid:case_id>/identity-requests")
@room.response(200, IdentityRequestsSchema)
@permission("read_identity")
def list_identity_requests(case_id: uuid.UUID) -> Response:
    """The newest requests to read who reported a case, for who may allow them."""
    caller = current_caller()
    case, _ = read_case(caller, case_id)
    return answer(listing([_shown(one, caller.account_id) for one in identity_reads.requests_of(caller, case)]))


@room.post("/identity-requests/<uuid:request_id>/approve")
@room.response(200, IdentityRequestSchema)
@permission("read_identity")
def approve_identity(request_id: uuid.UUID) -> Response:
    """Allow another person's request: the asker may read for an hour."""
    caller = current_caller()
    request = identity_reads.request_seen_by(request_id)
    case, _ = read_case(caller, request.case_id)
    with unit_of_work() as session:
        identity_reads.approve(session, caller, request, case, clock.now())
    return answer(_shown(identity_reads.request_seen_by(request_id), caller.account_id))


@room.get("/cases/<uuid:case_id>/identity")
@room.response(200, IdentitySchema)
@permission("read_identity")
def identity(case_id: uuid.UUID) -> Response:
    """Who reported a case. Each read but the reporter's own is on record, and the reporter can see it."""
    caller = current_caller()
    case, _ = read_case(caller, case_id)
    found = identity_reads.read_identity(caller, case, clock.now())
    return answer({"known_as": found.known_as, "name": found.name, "phone": found.phone})


@room.get("/identity-requests/waiting")
@room.response(200, WaitingRequestsSchema)
@permission("read_identity")
def waiting_identity_requests() -> Response:
    """The requests of others that I could allow, oldest first."""
    caller = current_caller()
    found = identity_reads.waiting_requests(caller, clock.now())
    return answer(listing([_shown(one, caller.account_id) | {"case_id": one.case_id} for one in found]))


@room.get("/identity-requests")
@room.response(200, IdentityRequestsSchema)
@permission("hold_identity_notice")
def audit_identity_requests() -> Response:
    """The newest requests of the town, without their cases."""
    caller = current_caller()
    found = [one for town in sorted(caller.towns) for one in identity_reads.newest_requests(town)]
    return answer(listing([_shown(one, caller.account_id) for one in found]))


@room.post("/identity-requests/<uuid:request_id>/hold")
@room.arguments(IdentityReasonBody)
@room.response(200, IdentityRequestSchema)
@permission("hold_identity_notice")
def hold_identity_notice(body: dict[str, Any], request_id: uuid.UUID) -> Response:
    """Hold back the message by which the reporter would be told of a read."""
    caller = current_caller()
    request = identity_reads.request_seen_by(request_id)
    if request.town_code not in caller.towns:
        raise NotFound
    with unit_of_work() as session:
        identity_reads.hold(session, caller.account_id, request, body["reason"], clock.now())
    return answer(_shown(identity_reads.request_seen_by(request_id), caller.account_id))


def _shown(request: Row[Any], me: uuid.UUID) -> dict[str, Any]:
    names = ("id", "reason", "asked_at", "approved_at", "open_until", "read_at", "told_at", "held_at")
    return {name: getattr(request, name) for name in names} | {"mine": request.asked_by == me}
