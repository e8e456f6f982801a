"""Checking in at the door: by the code shown there, which changes every half minute, and by being near.

A code is a keyed hash of the event and the half minute. It holds for its half minute and the next, so that it can be
typed; a picture of it sent on is of no use a minute later, nor, within that minute, to who is elsewhere. Where somebody
was is looked at and not kept.
"""

import base64
import hmac
import uuid
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from backend.http.tags import keyed_hash
from backend.partymap.distances import metres_at
from backend.partymap.events import refusals
from backend.partymap.events.signing_up import free_seats, place_at, sign_up_of, tell
from backend.partymap.events.tables import Event, SignUp
from backend.people.access import Caller
from backend.territory.coordinates import to_wgs84

HOLDS_SECONDS = 30
"""For so long a code is shown; it is taken for as long again."""
BEFORE = timedelta(minutes=30)
"""How long before an event its door opens."""


def code_at(event_id: uuid.UUID, now: datetime) -> tuple[str, datetime]:
    """The code to show at an instant, and until when it is shown."""
    window = int(now.timestamp()) // HOLDS_SECONDS
    until = datetime.fromtimestamp((window + 1) * HOLDS_SECONDS, now.tzinfo)
    return _code(event_id, window), until


def require_open_door(event: Event, now: datetime) -> None:
    """Refuse before the door opens, after the end, and of what is not published. Raises NotCheckInTime."""
    if event.status != "published" or not event.begins_at - BEFORE <= now <= event.ends_at:
        raise refusals.NotCheckInTime(minutes=int(BEFORE / timedelta(minutes=1)))


def check_in(
    session: Session, caller: Caller, event: Event, code: str, location: dict[str, Any], now: datetime
) -> SignUp:
    """Check somebody in, with a seat if they had none and one is free. Again answers the same, whatever the code.

    Raises NotCheckInTime, CodeNotValid, TooFarAway, EventNotForYou, EventFull, and what `to_wgs84` raises.
    """
    mine = sign_up_of(session, caller, event)
    if mine is not None and mine.checked_in_at is not None:
        return mine
    require_open_door(event, now)
    if not _fits(event.id, code, now):
        raise refusals.CodeNotValid
    lon, lat = to_wgs84(**location)
    if metres_at(event.lat).between(lon - event.lon, lat - event.lat) > event.check_in_metres:
        raise refusals.TooFarAway(metres=event.check_in_metres)
    if mine is None or mine.status != "signed_up":
        if next(free_seats(session, event), None) is None:
            raise refusals.EventFull
        mine = place_at(session, caller, event, mine, now)
    mine.checked_in_at = now
    tell(session, event, mine, "check_in", caller.account_id, now)
    return mine


def _fits(event_id: uuid.UUID, code: str, now: datetime) -> bool:
    window = int(now.timestamp()) // HOLDS_SECONDS
    written = code.strip().upper().encode("utf-8", "replace")
    return any(hmac.compare_digest(written, _code(event_id, window - back).encode()) for back in (0, 1))


def _code(event_id: uuid.UUID, window: int) -> str:
    hashed = keyed_hash("check-in code", event_id.bytes + window.to_bytes(8, "big"))
    return base64.b32encode(hashed[:10]).decode()
