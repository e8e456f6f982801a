"""The evidence a person sent: a copy of what is kept of it, and their originals forgotten."""

import uuid
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from backend.evidence.comparing import forget_prints
from backend.evidence.originals import Original, original_of, seal_original
from backend.evidence.photo_store import photo_store
from backend.evidence.tables import Evidence
from backend.http.envelope import CannotOpen
from backend.http.reading import rows

_TOLD = ("content_type", "size", "seconds", "taken_at", "lon", "lat")


def photos_of(senders: Collection[uuid.UUID]) -> list[dict[str, Any]]:
    """What is kept of the photos of these senders (an account and its pseudonyms), and where each can be looked at."""
    kept = select(Evidence.id, Evidence.case_id, Evidence.created_at, Evidence.slot, Evidence.sealed)
    found = rows(kept.where(Evidence.uploaded_by.in_(senders)).order_by(Evidence.created_at, Evidence.id))
    return [
        {
            "id": photo.id,
            "case_id": photo.case_id,
            "created_at": photo.created_at,
            "slot": photo.slot,
            **_told(photo.id, photo.sealed),
            "at": f"/api/v1/evidence/{photo.id}",
        }
        for photo in found
    ]


def forget_photos(session: Session, senders: Collection[uuid.UUID]) -> None:
    """Discard these senders' photos that belong to no case; of the others keep the copies that are served, only.

    The original, which tells of camera, moment and place, goes with all that is known of it. What is deleted of files
    stays deleted if the caller's unit of work fails; doing it again then ends the same way.
    """
    store, kept = photo_store(), []
    mine = select(Evidence.id, Evidence.case_id, Evidence.media, Evidence.sealed).where(
        Evidence.uploaded_by.in_(senders)
    )
    for photo in session.execute(mine).all():
        if photo.case_id is None:
            session.execute(delete(Evidence).where(Evidence.id == photo.id))
            store.delete(photo.id)
            continue
        kept.append(photo.id)
        store.delete(photo.id, ("original",))
        try:
            key = original_of(photo.id, photo.sealed).key
        except CannotOpen:  # damaged: there is nothing that could be told of it
            continue
        left = seal_original(photo.id, Original(key=key, content_type=photo.media, size=0))
        session.execute(update(Evidence).where(Evidence.id == photo.id).values(sealed=left))
    forget_prints(session, kept)


def discard_rows_of_case(session: Session, case_id: uuid.UUID) -> Sequence[uuid.UUID]:
    """Delete the evidence of a case; answers whose files the caller deletes once that is committed.

    With the row goes the key: no copy of the files opens any more, also of those that a crash leaves for a while.
    """
    mine = delete(Evidence).where(Evidence.case_id == case_id).returning(Evidence.id)
    return session.execute(mine, execution_options={"synchronize_session": False}).scalars().all()


def _told(photo: uuid.UUID, sealed: bytes) -> dict[str, Any]:
    try:
        original = original_of(photo, sealed)
    except CannotOpen:
        return dict.fromkeys(_TOLD)
    return {name: getattr(original, name) for name in _TOLD}
