"""The photos of a service point: evidence that belongs to it instead of to a case, looked at by everybody."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from flask import Response
from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session

from backend.evidence.attaching import UnknownEvidence, attach
from backend.evidence.originals import original_of
from backend.evidence.serving import served
from backend.evidence.store import Kind
from backend.evidence.tables import Evidence
from backend.http.envelope import CannotOpen
from backend.http.problems import NotFound
from backend.http.reading import row
from backend.partymap.tables import ServicePoint

MOST = 10
"""Photos of one point."""
PHOTO = "image/jpeg"

_photo = select(Evidence.sealed).where(
    Evidence.id == bindparam("photo"), Evidence.case_id == bindparam("point"), Evidence.media == PHOTO
)


def show_photos(session: Session, point: ServicePoint, photos: Sequence[uuid.UUID], by: uuid.UUID | None) -> None:
    """Give a point these photos, in this order: its own that it keeps, and new ones that their sender names.

    The rows of those left out go, and with them the keys of their files. Raises UnknownEvidence. Commits nothing.
    """
    kept = {uuid.UUID(photo) for photo in point.photos or ()}
    new = [photo for photo in photos if photo not in kept]
    if new and by is None:
        raise UnknownEvidence
    if new and by is not None:
        # Not compared with other photos: what a door looks like speaks for and against no case.
        attach(session, dict.fromkeys(new), point.id, point.version, by, compared=False)
        media = session.execute(select(Evidence.media).where(Evidence.id.in_(new))).scalars()
        if any(one != PHOTO for one in media):
            raise UnknownEvidence({"photos": [("只能使用照片。", "These are to be photos.")]})
    gone = kept - set(photos)
    session.execute(delete(Evidence).where(Evidence.id.in_(gone), Evidence.case_id == point.id))
    point.photos = [str(photo) for photo in photos]


def look_at(kind: Kind, point: uuid.UUID, photo: uuid.UUID) -> Response:
    """A photo of a point as an answer. Raises NotFound."""
    found = row(_photo, point=point, photo=photo)
    if found is None:
        raise NotFound
    try:
        key = original_of(photo, found.sealed).key
    except CannotOpen as error:
        raise NotFound from error
    return served(kind, photo, key, PHOTO)
