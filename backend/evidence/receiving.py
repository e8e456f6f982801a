"""Taking in a photo: checked, re-encoded, kept."""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from backend.config import TOWN_ZONE
from backend.evidence.reencoding import reencode
from backend.evidence.store import Store
from backend.evidence.tables import Evidence
from backend.http.problems import Problem

_PIECE = 256 * 1024


class FileTooLarge(Problem):
    """A file above the limit."""

    status, code = 413, "file_too_large"
    zh = "文件太大，每张照片不能超过 {megabytes} MB，请压缩后再上传。"
    en = "The file is too large: a photo may have {megabytes} MB; reduce it and send again."


@dataclass(frozen=True)
class Upload:
    """A file as it was sent, in a workroom."""

    path: Path
    sha256: bytes
    bytes: int


def take_down(sent: IO[bytes], folder: Path, most_megabytes: int) -> Upload:
    """Write what was sent into a workroom, piece by piece. Raises FileTooLarge above so many million bytes."""
    path, digest, size = folder / "original", hashlib.sha256(), 0
    with path.open("wb") as file:
        while piece := sent.read(_PIECE):
            size += len(piece)
            if size > most_megabytes * 1_000_000:
                raise FileTooLarge(megabytes=most_megabytes)
            digest.update(piece)
            file.write(piece)
    return Upload(path, digest.digest(), size)


def receive(
    session: Session, store: Store, upload: Upload, photo: uuid.UUID, by: uuid.UUID, now: datetime
) -> dict[str, Any]:
    """Keep an upload as a photo of `by` and answer what they are told of it. Commits nothing, but the files stay.

    The database is not touched before the photo is re-encoded: SQLite's one writer is not kept waiting for that.
    Raises NotAPhoto, UnreadablePhoto, TooManyPixels, TooManyAtOnce or StorageFull.
    """
    served, thumbnail = upload.path.with_name("served"), upload.path.with_name("thumbnail")
    told = reencode(upload.path, served, thumbnail, TOWN_ZONE)
    store.put("original", photo, upload.path)
    store.put("served", photo, served)
    store.put("thumbnail", photo, thumbnail)
    values = {
        "id": photo,
        "uploaded_by": by,
        "created_at": now,
        "sha256": upload.sha256,
        "content_type": told.content_type,
        "bytes": upload.bytes,
        "width": told.width,
        "height": told.height,
        "taken_at": told.taken_at,
        "lon": told.lon,
        "lat": told.lat,
    }
    session.execute(insert(Evidence), values)
    return {
        "id": photo,
        "content_type": "image/jpeg",
        "width": told.served_size[0],
        "height": told.served_size[1],
        "taken_at": told.taken_at and told.taken_at.astimezone(TOWN_ZONE),
        "created_at": now,
    }
