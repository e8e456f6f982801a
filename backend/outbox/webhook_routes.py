"""Webhooks: kept by the town's admins, two for each."""

import uuid
from typing import Any

from flask import Response
from marshmallow import Schema, fields
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.http import clock
from backend.http.blueprint import Room
from backend.http.fields import Strict, Text
from backend.http.pages import PageQuery, identifier, listing, page, page_of, read_cursor
from backend.http.permission import permission
from backend.http.reading import answer, rows
from backend.http.registry import ask
from backend.ledger.answers import once
from backend.outbox import webhooks
from backend.outbox.tables import Webhook

room = Room("webhooks", "Addresses outside that are told of accepted cases")


class EmptyBody(Strict):
    """Nothing to be said."""


class WebhookBody(Strict):
    """Where to, and whom that serves."""

    url = Text(500, required=True, metadata={"example": "https://example.org/grid"})
    purpose = Text(200, required=True, metadata={"description": "who gets it and what for"})


class WebhookSchema(Schema):
    """A webhook, or as long as nobody has confirmed it, the proposal of one."""

    id = fields.UUID(required=True)
    town_code = fields.String(required=True)
    url = fields.String(required=True)
    purpose = fields.String(required=True)
    version = fields.Integer(required=True)
    proposed_by = fields.UUID(required=True)
    proposed_at = fields.AwareDateTime(required=True)
    confirmed_by = fields.UUID(required=True, allow_none=True)
    confirmed_at = fields.AwareDateTime(required=True, allow_none=True)
    ended_by = fields.UUID(required=True, allow_none=True)
    ended_at = fields.AwareDateTime(required=True, allow_none=True)


class NewWebhookSchema(WebhookSchema):
    """A new webhook with its secret, which is never shown again."""

    secret = fields.String(required=True, metadata={"description": "whsec_ and the base64 of the key"})


WebhooksSchema = page_of("WebhooksSchema", WebhookSchema)


@room.get("/webhooks")
@room.arguments(PageQuery, location="query")
@room.response(200, WebhooksSchema)
@permission("read_webhooks")
def list_webhooks(query: dict[str, Any]) -> Response:
    """The town's webhooks, ended ones too."""
    wanted = select(*webhooks.shown).where(webhooks.in_towns(_towns("read_webhooks"))).order_by(Webhook.id)
    after = read_cursor(query["cursor"], identifier)
    if after:
        wanted = wanted.where(Webhook.id > after[0])
    found = rows(wanted.limit(query["limit"] + 1))
    kept, cursor = page(found, query["limit"], lambda webhook: (webhook.id,))
    return answer(listing([dict(webhook._mapping) for webhook in kept], cursor))


@room.post("/webhooks")
@room.arguments(WebhookBody)
@room.response(201, NewWebhookSchema)
@room.resendable
@permission("keep_webhooks")
def new_webhook(body: dict[str, Any]) -> Response:
    """Propose a webhook; the answer shows its secret, once. Nothing is sent before another admin confirms it."""
    actor, _ = ask("who_may", "keep_webhooks")

    def work(session: Session) -> Response:
        town = min(_towns("keep_webhooks"))
        made, secret = webhooks.propose(session, town, body["url"], body["purpose"], actor, clock.now())
        return answer(_shown(made) | {"secret": secret}, 201, etag=str(made.version))

    return once(actor, work)


@room.post("/webhooks/<uuid:webhook_id>/confirm")
@room.arguments(EmptyBody)
@room.response(200, WebhookSchema)
@room.conditional
@permission("keep_webhooks")
def confirmed_webhook(_body: dict[str, Any], webhook_id: uuid.UUID) -> Response:
    """Confirm a webhook that another admin proposed: it is told of what happens from now on."""
    return _decided(webhooks.confirm, webhook_id)


@room.post("/webhooks/<uuid:webhook_id>/end")
@room.arguments(EmptyBody)
@room.response(200, WebhookSchema)
@room.conditional
@permission("keep_webhooks")
def ended_webhook(_body: dict[str, Any], webhook_id: uuid.UUID) -> Response:
    """End a webhook at once, or the proposal of one."""
    return _decided(webhooks.end, webhook_id)


def _decided(decide: Any, webhook_id: uuid.UUID) -> Response:
    actor, _ = ask("who_may", "keep_webhooks")

    def work(session: Session) -> Response:
        webhook = decide(session, webhook_id, _towns("keep_webhooks"), actor, clock.now())
        return answer(_shown(webhook), etag=str(webhook.version))

    return once(actor, work)


def _towns(row: str) -> set[str]:
    _, scopes = ask("who_may", row)
    return {str(scope)[:9] for scope in scopes}


def _shown(webhook: Webhook) -> dict[str, Any]:
    return {column.key: getattr(webhook, column.key) for column in webhooks.shown}
