"""The photos a person sent: a copy of what is kept of them, and their originals forgotten."""

import hashlib
import uuid
from collections.abc import Collection
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from backend.evidence.store import photo_store, workroom
from backend.evidence.tables import Evidence
from backend.http.reading import rows

_KEPT = (
    Evidence.id,
    Evidence.case_id,
    Evidence.created_at,
    Evidence.content_type,
    Evidence.bytes,
    Evidence.taken_at,
    Evidence.lon,
    Evidence.lat,
)


def photos_of(senders: Collection[uuid.UUID]) -> list[dict[str, Any]]:
    """What is kept of the photos of these senders (an account and its pseudonyms), and where each can be looked at."""
    found = rows(select(*_KEPT).where(Evidence.uploaded_by.in_(senders)).order_by(Evidence.created_at, Evidence.id))
    return [dict(photo._mapping) | {"at": f"/api/v1/evidence/{photo.id}"} for photo in found]


def forget_photos(session: Session, senders: Collection[uuid.UUID]) -> None:
    """Discard these senders' photos that belong to no case; of the others keep the copy that is served, only.

    The original, which tells of camera, moment and place, is replaced by that copy. What is deleted of files stays
    deleted if the caller's unit of work fails; doing it again then ends the same way.
    """
    store = photo_store()
    mine = select(Evidence.id, Evidence.case_id).where(Evidence.uploaded_by.in_(senders))
    for photo in session.execute(mine).all():
        if photo.case_id is None:
            session.execute(delete(Evidence).where(Evidence.id == photo.id))
            store.delete(photo.id)
            continue
        try:
            copy = store.read("served", photo.id)
        except FileNotFoundError:
            copy = b""
        with workroom() as room:
            (room / "copy").write_bytes(copy)
            store.put("original", photo.id, room / "copy")
        values = {
            "taken_at": None,
            "lon": None,
            "lat": None,
            "sha256": hashlib.sha256(copy).digest(),
            "bytes": len(copy),
            "content_type": "image/jpeg",
        }
        session.execute(update(Evidence).where(Evidence.id == photo.id).values(values))
