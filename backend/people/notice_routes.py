"""A person's notices, and how they want to be told."""

import uuid
from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate
from sqlalchemy.orm import Session

from backend.http import clock
from backend.http.blueprint import Room
from backend.http.fields import Instant, Shape, Strict
from backend.http.pages import PageQuery, identifier, instant, listing, page, page_of, read_cursor
from backend.http.permission import permission
from backend.http.problems import NotFound, language
from backend.http.reading import answer
from backend.http.work import unit_of_work
from backend.ledger.answers import once
from backend.outbox import inbox
from backend.people import reaching
from backend.people.caller import current_caller
from backend.people.codes import LASTS, Proof
from backend.people.joining_schemas import SIX_DIGITS, CodeSentSchema

room = Room("notices", "Notices to oneself, and how one wants to be told")
_NO_EMAIL = ("邮箱地址不正确，请检查。", "This is no e-mail address; check it.")
_EMAIL_SHAPE = r"^[A-Za-z0-9.+_-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+$"
_EMAIL = Shape(_EMAIL_SHAPE.replace("$", r"\Z"), _NO_EMAIL)


class NoticesQuery(PageQuery):
    """Which notices."""

    unread = fields.Boolean(load_default=False, metadata={"description": "only those not read yet"})


class NoticeSchema(Schema):
    """A notice. What it is about is read where that stands, by whoever may."""

    id = fields.UUID(required=True)
    text = fields.String(required=True)
    case_id = fields.UUID(required=True, allow_none=True)
    at = fields.AwareDateTime(required=True)
    read_at = fields.AwareDateTime(required=True, allow_none=True)


NoticesSchema = page_of("NoticesSchema", NoticeSchema)


class ReadBody(Strict):
    """Up to when all was read."""

    until = Instant(required=True, metadata={"description": "the instant of the newest notice that was seen"})


class ChannelsBody(Strict):
    """Channels switched on (true) or off (false)."""

    inbox = fields.Boolean()
    sms = fields.Boolean()
    wechat = fields.Boolean()
    email = fields.Boolean()


class PreferencesBody(Strict):
    """What is to be otherwise from now on."""

    channels = fields.Nested(ChannelsBody)
    language = fields.String(validate=validate.OneOf(("zh", "en")))


class ChannelsSchema(Schema):
    """Each channel: on or off. Codes and warnings about the account itself come in any case."""

    inbox = fields.Boolean(required=True)
    sms = fields.Boolean(required=True)
    wechat = fields.Boolean(required=True)
    email = fields.Boolean(required=True)


class PreferencesSchema(Schema):
    """How I want to be told."""

    channels = fields.Nested(ChannelsSchema, required=True)
    language = fields.String(required=True)
    email = fields.String(required=True, allow_none=True)
    version = fields.Integer(required=True)


class EmailBody(Strict):
    """An address."""

    email = fields.String(
        required=True,
        validate=[validate.Length(max=254), _EMAIL],
        metadata={"example": "somebody@example.org", "pattern": _EMAIL_SHAPE},
    )


class EmailProofBody(EmailBody):
    """A code that was sent to an address."""

    code_id = fields.UUID(required=True)
    code = fields.String(required=True, validate=SIX_DIGITS, metadata={"pattern": "^[0-9]{6}$"})


@room.get("/me/notices")
@room.arguments(NoticesQuery, location="query")
@room.response(200, NoticesSchema)
@permission("signed_in")
def my_notices(query: dict[str, Any]) -> Response:
    """My notices of the last half year, newest first."""
    me, after = current_caller().account_id, read_cursor(query["cursor"], instant, identifier)
    found = inbox.page_of(me, language(), after, query["limit"] + 1, query["unread"])
    kept, cursor = page(found, query["limit"], lambda notice: (notice["at"], notice["id"]))
    return answer(listing(kept, cursor))


@room.post("/me/notices/<uuid:notice_id>/read")
@room.response(204)
@permission("signed_in")
def read_notice(notice_id: uuid.UUID) -> Response:
    """Mark one of my notices as read; again changes nothing."""
    me, now = current_caller().account_id, clock.now()
    with unit_of_work() as session:
        if not inbox.mark_read(session, me, now, now, notice_id):
            raise NotFound
    return Response(status=204)


@room.post("/me/notices/read")
@room.arguments(ReadBody)
@room.response(204)
@permission("signed_in")
def read_notices(body: dict[str, Any]) -> Response:
    """Mark all my notices up to an instant as read."""
    with unit_of_work() as session:
        inbox.mark_read(session, current_caller().account_id, body["until"], clock.now())
    return Response(status=204)


@room.get("/me/notices/preferences")
@room.response(200, PreferencesSchema)
@permission("signed_in")
def my_preferences() -> Response:
    """How I want to be told; the ETag is its version."""
    return _preferences(None, current_caller().account_id)


@room.patch("/me/notices/preferences")
@room.arguments(PreferencesBody)
@room.response(200, PreferencesSchema)
@room.conditional
@permission("signed_in")
def changed_preferences(body: dict[str, Any]) -> Response:
    """Switch channels on or off, or choose another language."""
    me = current_caller().account_id

    def work(session: Session) -> Response:
        reaching.prefer(session, me, body)
        return _preferences(session, me)

    return once(me, work)


@room.post("/me/notices/email")
@room.arguments(EmailBody)
@room.response(202, CodeSentSchema)
@permission("signed_in")
def wanted_email(body: dict[str, Any]) -> Response:
    """Have a code sent to an address to which I want my notices."""
    code = reaching.send_email_code(current_caller().account_id, body["email"], clock.now())
    return answer({"code_id": code, "seconds": int(LASTS.total_seconds())}, 202)


@room.post("/me/notices/email/proof")
@room.arguments(EmailProofBody)
@room.response(204)
@permission("signed_in")
def proved_email(body: dict[str, Any]) -> Response:
    """Have my notices sent to the address, by the code that came there."""
    proof = Proof(body["code_id"], body["email"], body["code"])
    reaching.prove_email(current_caller().account_id, proof, clock.now())
    return Response(status=204)


@room.delete("/me/notices/email")
@room.response(204)
@permission("signed_in")
def dropped_email() -> Response:
    """Have nothing sent by e-mail any more; the address is deleted."""
    with unit_of_work() as session:
        reaching.drop_email(session, current_caller().account_id)
    return Response(status=204)


def _preferences(session: Session | None, account: uuid.UUID) -> Response:
    held = reaching.preferences(account, session)
    return answer(held, etag=str(held["version"]))
