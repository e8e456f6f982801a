"""Keeping webhooks: an admin proposes an address, another admin confirms it, either ends it.

The secret is shown once, to whoever proposes, and kept sealed.
"""

import base64
import secrets
import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import bindparam, func, or_, select
from sqlalchemy.orm import Session

from backend.config import Config
from backend.http.envelope import envelope
from backend.http.ids import new_id
from backend.http.problems import Invalid, NotFound, Problem
from backend.http.versions import require_match
from backend.ledger.record import record
from backend.ledger.tables import LedgerEntry
from backend.outbox.tables import Webhook
from backend.outbox.targets import TargetRefused, check_written

MOST = 20
"""Webhooks that a town has at a time."""

shown = (
    Webhook.id,
    Webhook.town_code,
    Webhook.url,
    Webhook.purpose,
    Webhook.version,
    Webhook.proposed_by,
    Webhook.proposed_at,
    Webhook.confirmed_by,
    Webhook.confirmed_at,
    Webhook.ended_by,
    Webhook.ended_at,
)
"""What is shown of a webhook: everything but its secret."""
_last_place = select(func.coalesce(func.max(LedgerEntry.seq), 0)).where(LedgerEntry.chain == bindparam("chain"))
_standing = (
    select(func.count()).select_from(Webhook).where(Webhook.town_code == bindparam("town"), Webhook.ended_at.is_(None))
)


class SecondAdminNeeded(Problem):
    """The one who proposed a webhook would confirm it."""

    status, code = 409, "second_admin_needed"
    zh, en = "推送地址须由另一位管理员确认。", "Another admin than the one who proposed it confirms a webhook."


class WebhookDecided(Problem):
    """A webhook that was confirmed or ended already."""

    status, code = 409, "webhook_decided"
    zh, en = "该推送地址已确认或已停用，请刷新查看。", "This webhook was confirmed or ended already; reload to see."


class TooManyWebhooks(Problem):
    """A town with as many webhooks as it may have."""

    status, code = 409, "too_many_webhooks"
    zh, en = "推送地址最多 {most} 个，请先停用不再需要的。", "A town has at most {most} webhooks; end one first."


_URL = ("应为公网 https:// 地址，不含用户名和 #。", "Give a public https:// address without a user name or #.")


def propose(
    session: Session, town: str, url: str, purpose: str, actor: uuid.UUID, now: datetime
) -> tuple[Webhook, str]:
    """A new webhook, which is told nothing before it is confirmed, and its secret. Raises Invalid, TooManyWebhooks."""
    config: Config = current_app.config["TOWN_CONFIG"]
    try:
        check_written(url, config.webhook_networks)
    except TargetRefused:
        raise Invalid({"url": [_URL]}) from None
    if session.execute(_standing, {"town": town}).scalar_one() >= MOST:
        raise TooManyWebhooks(most=MOST)
    made, secret = new_id(), f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
    webhook = Webhook(
        id=made,
        town_code=town,
        url=url,
        purpose=purpose,
        sealed=envelope().seal(secret.encode(), _context(made)),
        version=1,
        proposed_by=actor,
        proposed_at=now,
        place=0,
    )
    session.add(webhook)
    _record(session, webhook, "propose_webhook", actor, now)
    return webhook, secret


def confirm(
    session: Session, webhook_id: uuid.UUID, towns: Collection[str], actor: uuid.UUID, now: datetime
) -> Webhook:
    """Have a webhook told of what happens from now on. Raises NotFound, SecondAdminNeeded and WebhookDecided."""
    webhook = _locked(session, webhook_id, towns)
    if webhook.confirmed_at is not None or webhook.ended_at is not None:
        raise WebhookDecided
    if webhook.proposed_by == actor:
        raise SecondAdminNeeded
    webhook.place = session.execute(_last_place, {"chain": webhook.town_code}).scalar_one() or 0
    webhook.confirmed_by, webhook.confirmed_at, webhook.version = actor, now, webhook.version + 1
    _record(session, webhook, "confirm_webhook", actor, now)
    return webhook


def end(session: Session, webhook_id: uuid.UUID, towns: Collection[str], actor: uuid.UUID, now: datetime) -> Webhook:
    """End a webhook, or the proposal of one; one person is enough. Raises NotFound and WebhookDecided."""
    webhook = _locked(session, webhook_id, towns)
    if webhook.ended_at is not None:
        raise WebhookDecided
    webhook.ended_by, webhook.ended_at, webhook.version = actor, now, webhook.version + 1
    _record(session, webhook, "end_webhook", actor, now)
    return webhook


def secret_of(webhook_id: uuid.UUID, sealed: bytes) -> bytes:
    """The key that a webhook's messages are signed with."""
    return base64.b64decode(envelope().open(sealed, _context(webhook_id)).decode().removeprefix("whsec_"))


def in_towns(towns: Collection[str]) -> Any:
    """The condition of being a webhook of these towns."""
    return or_(*(Webhook.town_code == town for town in sorted(towns)))


def _locked(session: Session, webhook_id: uuid.UUID, towns: Collection[str]) -> Webhook:
    found = select(Webhook).where(Webhook.id == webhook_id, in_towns(towns)).with_for_update()
    webhook = session.execute(found).scalar_one_or_none()
    if webhook is None:
        raise NotFound
    require_match(webhook.version)
    return webhook


def _record(session: Session, webhook: Webhook, action: str, actor: uuid.UUID, now: datetime) -> None:
    session.flush()
    record(
        session,
        town=webhook.town_code,
        actor=actor,
        action=action,
        thing=("webhook", str(webhook.id)),
        version=webhook.version,
        occurred_at=now,
        details={"url": webhook.url, "purpose": webhook.purpose},
    )


def _context(webhook_id: uuid.UUID) -> str:
    return f"webhook {webhook_id}"
