"""Taking in a photo: checked, re-encoded, kept."""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import IO, Any

from flask import Response
from sqlalchemy import insert
from sqlalchemy.orm import Session

from backend.config import TOWN_ZONE
from backend.evidence.reencoding import Reencoded, reencode
from backend.evidence.store import Store, photo_store, workroom
from backend.evidence.tables import Evidence
from backend.http import clock
from backend.http.ids import new_id
from backend.http.problems import Problem
from backend.http.reading import answer
from backend.ledger.answers import once

_PIECE = 256 * 1024


class FileTooLarge(Problem):
    """A file above the limit."""

    status, code = 413, "file_too_large"
    zh = "文件太大，每张照片不能超过 {megabytes} MB，请压缩后再上传。"
    en = "The file is too large: a photo may have {megabytes} MB; reduce it and send again."


class EmptyFile(Problem):
    """A file without a byte."""

    status, code = 422, "empty_file"
    zh, en = "文件是空的，请重新选择照片后再上传。", "The file is empty; choose the photo anew and send it again."


@dataclass(frozen=True)
class Upload:
    """A file as it was sent, in a workroom."""

    path: Path
    sha256: bytes
    bytes: int


def take_down(sent: IO[bytes], folder: Path, most_megabytes: int) -> Upload:
    """Write what was sent into a workroom, piece by piece, at most so many million bytes.

    Raises EmptyFile or FileTooLarge.
    """
    path, digest, size = folder / "original", hashlib.sha256(), 0
    with path.open("wb") as file:
        while piece := sent.read(_PIECE):
            size += len(piece)
            if size > most_megabytes * 1_000_000:
                raise FileTooLarge(megabytes=most_megabytes)
            digest.update(piece)
            file.write(piece)
    if size == 0:
        raise EmptyFile
    return Upload(path, digest.digest(), size)


def receive(sent: IO[bytes], sender: uuid.UUID, most_megabytes: int) -> Response:
    """Take in what was sent as a photo of `sender`, once for an Idempotency-Key, and answer its id.

    Raises EmptyFile, FileTooLarge, NotAPhoto, UnreadablePhoto, TooManyPixels, TooManyAtOnce or StorageFull.
    """
    photo, store = new_id(), photo_store()
    with workroom() as folder:
        upload = take_down(sent, folder, most_megabytes)
        # Only if the photo is new, but then before the database is touched: its one writer does not wait for that.
        files = cache(lambda: keep_files(store, upload, photo))

        def work(session: Session) -> Response:
            told = files()
            return answer(enter(session, upload, told, photo, sender, clock.now()), 201)

        try:
            # Of a form sent again the boundary is another, the file is not.
            response = once(sender, work, content=upload.sha256, dear=True, about=("photo", str(photo)))
        except BaseException:
            store.delete(photo)
            raise
    if str(photo) not in response.get_data(as_text=True):
        store.delete(photo)  # the same came twice at once, and the other was first
    return response


def keep_files(store: Store, upload: Upload, photo: uuid.UUID) -> Reencoded:
    """Put an upload and its copies into the store.

    Raises NotAPhoto, UnreadablePhoto, TooManyPixels, TooManyAtOnce or StorageFull.
    """
    served, thumbnail = upload.path.with_name("served"), upload.path.with_name("thumbnail")
    told = reencode(upload.path, served, thumbnail, TOWN_ZONE)
    store.put("original", photo, upload.path)
    store.put("served", photo, served)
    store.put("thumbnail", photo, thumbnail)
    return told


def enter(
    session: Session, upload: Upload, told: Reencoded, photo: uuid.UUID, by: uuid.UUID, now: datetime
) -> dict[str, Any]:
    """Enter a photo whose files are kept as sent by `by`, and answer what they are told of it. Commits nothing."""
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
