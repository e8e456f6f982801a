"""Clearing people for protected reports, and keeping the conflict list."""

import uuid
from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate
from sqlalchemy.orm import Session

from backend.http import clock
from backend.http.blueprint import Room
from backend.http.fields import Strict, Text
from backend.http.pages import listing, page_of
from backend.http.permission import permission
from backend.http.reading import answer
from backend.http.work import unit_of_work
from backend.ledger.answers import once
from backend.people import clearing, conflicts
from backend.people.caller import current_caller
from backend.territory.codes import AreaCode

room = Room("trust", "Who is cleared for protected reports, and who is not impartial where")


class ClearingBody(Strict):
    """The role that is to be cleared."""

    account_id = fields.UUID(required=True)
    role = fields.String(required=True, validate=validate.OneOf(clearing.CLEARABLE))
    area_code = AreaCode("town", required=True)


class ReasonBody(Strict):
    """Why."""

    reason = Text(200, required=True)


class ClearingSchema(Schema):
    """A clearing, or as long as one side has yet to sign, the proposal of one."""

    id = fields.UUID(required=True)
    account_id = fields.UUID(required=True)
    name = fields.String(required=True)
    role = fields.String(required=True)
    area_code = fields.String(required=True)
    admin_signed_at = fields.AwareDateTime(required=True, allow_none=True)
    committee_signed_at = fields.AwareDateTime(required=True, allow_none=True)
    revoked_at = fields.AwareDateTime(required=True, allow_none=True)
    cleared = fields.Boolean(required=True)


ClearingsSchema = page_of("ClearingsSchema", ClearingSchema)


class ConflictBody(Strict):
    """Who is not impartial in which village, and why."""

    account_id = fields.UUID(required=True)
    area_code = AreaCode("village", required=True)
    reason = Text(200, required=True)


class ConflictSchema(Schema):
    """An entry of the conflict list."""

    id = fields.UUID(required=True)
    account_id = fields.UUID(required=True)
    name = fields.String(required=True)
    area_code = fields.String(required=True)
    reason = fields.String(required=True)
    entered_at = fields.AwareDateTime(required=True)


class EnteredSchema(Schema):
    """The new entry."""

    id = fields.UUID(required=True)


ConflictsSchema = page_of("ConflictsSchema", ConflictSchema)


@room.get("/clearings")
@room.response(200, ClearingsSchema)
@permission("read_clearings")
def list_clearings() -> Response:
    """Who is cleared, or proposed to be."""
    return answer(listing(clearing.clearings(current_caller(), clock.now().date())))


@room.post("/clearings")
@room.arguments(ClearingBody)
@room.response(200, ClearingSchema)
@permission("clear")
def sign_clearing(body: dict[str, Any]) -> Response:
    """Sign that a dispatcher or inspector be cleared; it takes an admin and a committee member."""
    caller, now = current_caller(), clock.now()
    with unit_of_work() as session:
        signed = clearing.sign(session, caller, body["account_id"], body["role"], body["area_code"], now)
    return answer(clearing.clearing(signed))


@room.post("/clearings/<uuid:clearing_id>/revoke")
@room.arguments(ReasonBody)
@room.response(200, ClearingSchema)
@permission("clear")
def revoke_clearing(body: dict[str, Any], clearing_id: uuid.UUID) -> Response:
    """End a clearing, or the proposal of one; one person is enough, and it takes effect at the next request."""
    with unit_of_work() as session:
        clearing.revoke(session, current_caller(), clearing_id, body["reason"], clock.now())
    return answer(clearing.clearing(clearing_id))


@room.get("/conflicts")
@room.response(200, ConflictsSchema)
@permission("keep_conflicts")
def list_conflicts() -> Response:
    """The conflict list."""
    return answer(listing(conflicts.conflicts(current_caller())))


@room.post("/conflicts")
@room.resendable
@room.arguments(ConflictBody)
@room.response(201, EnteredSchema)
@permission("keep_conflicts")
def enter_conflict(body: dict[str, Any]) -> Response:
    """Put a person and a village on the conflict list."""
    caller, now = current_caller(), clock.now()

    def work(session: Session) -> Response:
        entered = conflicts.enter_conflict(session, caller, body["account_id"], body["area_code"], body["reason"], now)
        return answer({"id": entered}, 201)

    return once(caller.account_id, work)


@room.post("/conflicts/<uuid:conflict_id>/end")
@room.response(204)
@permission("keep_conflicts")
def end_conflict(conflict_id: uuid.UUID) -> Response:
    """Take an entry off the conflict list."""
    with unit_of_work() as session:
        conflicts.end_conflict(session, current_caller(), conflict_id, clock.now())
    return Response(status=204)
