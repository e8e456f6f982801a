"""Telling webhooks: what happened to accepted cases, read off the ledger's change log and sent signed.

No request does anything for it. A message that waits holds no content: what is told, and whether it may be, is asked
when it is sent, so that what was made secret meanwhile stays inside. Signed as https://www.standardwebhooks.com says:
`webhook-signature` is `v1,` and the base64 of HMAC-SHA256 over `webhook-id.webhook-timestamp.body`.
"""

import base64
import hashlib
import hmac
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson
from flask import current_app
from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from backend.config import Config
from backend.http import clock
from backend.http.reading import AnyRow, row, rows
from backend.http.registry import ask
from backend.http.work import unit_of_work
from backend.ledger.changes import Change, changes
from backend.outbox.calling import GatewayFailed
from backend.outbox.sending import Message
from backend.outbox.tables import OutboxMessage, Webhook
from backend.outbox.targets import deliver, target
from backend.outbox.webhooks import secret_of

CHANNEL, BATCH = "webhook", 200
_told = (Webhook.confirmed_at.is_not(None), Webhook.ended_at.is_(None))
_active = select(Webhook.id, Webhook.town_code, Webhook.place, Webhook.confirmed_at).where(*_told).order_by(Webhook.id)
_one = select(Webhook.id, Webhook.url, Webhook.sealed).where(Webhook.id == bindparam("webhook"), *_told)
Deliver = Callable[..., int]


def tell_webhooks(now: datetime) -> int:
    """Leave a message for each webhook and each change it has not been told of; answers how many."""
    return sum(_tell(webhook, now) for webhook in rows(_active))


def _tell(webhook: AnyRow, now: datetime) -> int:
    place, left = webhook.place, 0
    while found := changes(webhook.town_code, place, BATCH):
        news = [change for change in found if _is_news(change, webhook.confirmed_at)]
        with unit_of_work() as session:
            if not _move(session, webhook.id, place, found[-1].seq):
                return left  # another has told it
            if news:
                session.execute(insert(OutboxMessage), _messages(webhook.id, news, now))
        place, left = found[-1].seq, left + len(news)
        if len(found) < BATCH:
            break
    return left


def _is_news(change: Change, since: datetime) -> bool:
    # What happened before the webhook was confirmed may be sealed only afterwards.
    of_case = change.thing_kind == "case" and change.occurred_at is not None and change.occurred_at >= since
    return of_case and _payload(_about(change)) is not None


def _move(session: Session, webhook: uuid.UUID, place: int, to: int) -> bool:
    moved = update(Webhook).where(Webhook.id == webhook, Webhook.place == place).values(place=to)
    moving = moved.returning(Webhook.id)
    return session.execute(moving, execution_options={"synchronize_session": False}).first() is not None


def _about(change: Change) -> str:
    return f"{change.thing_id}:{change.thing_version}"


def _messages(webhook: uuid.UUID, news: Sequence[Change], now: datetime) -> list[dict[str, Any]]:
    always = {"channel": CHANNEL, "address": f"webhook:{webhook}", "template": "case_event", "body": "", "attempts": 0}
    abouts = [_about(change) for change in news]
    # Due a microsecond after each other: as long as none fails they go out in their order.
    instants = [now - timedelta(microseconds=left) for left in range(len(news), 0, -1)]
    return [
        always | {"id": uuid.uuid5(webhook, about), "about": about, "created_at": now, "not_before": instant}
        for about, instant in zip(abouts, instants, strict=True)
    ]


def _payload(about: str | None) -> dict[str, Any] | None:
    case, _, version = (about or "").partition(":")
    payload: dict[str, Any] | None = ask("told_outside", uuid.UUID(case), int(version))
    return payload


def send_webhook(message: Message, deliver: Deliver = deliver) -> None:
    """Send a message to its webhook, unless that was ended, or what it tells of may not be told any more.

    Any answer but 2xx counts as not arrived. Raises GatewayFailed, TargetRefused and errors of the network.
    """
    config: Config = current_app.config["TOWN_CONFIG"]
    webhook = row(_one, webhook=uuid.UUID(message.address.rpartition(":")[2]))
    payload = _payload(message.about)
    if webhook is None or payload is None:
        return
    body = orjson.dumps(payload, default=str)
    headers = {"Content-Type": "application/json", "User-Agent": "grid1258"}
    headers |= signed(message.id, body, secret_of(webhook.id, webhook.sealed), clock.now())
    status = deliver(target(webhook.url, config.webhook_networks), body, headers)
    if not 200 <= status < 300:
        raise GatewayFailed


def signed(message: uuid.UUID | str, body: bytes, key: bytes, now: datetime) -> dict[str, str]:
    """The headers by which whoever gets a message knows that it is ours, fresh, and not changed."""
    at = str(int(now.timestamp()))
    digest = hmac.digest(key, f"{message}.{at}.".encode() + body, hashlib.sha256)
    return {
        "webhook-id": str(message),
        "webhook-timestamp": at,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
